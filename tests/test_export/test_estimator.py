"""Exported files in the place of models: on photographs, and in tests."""

import json
import re

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from helpers.in_process import run_main
from helpers.made_files import METADATA, SIDE, make_onnx, make_onnx_of_photographs
from helpers.seeding import wavy_image
from mmpose_lite.apis import load_config
from mmpose_lite.cli.bench import main as bench
from mmpose_lite.cli.calibrate import main as calibrate
from mmpose_lite.cli.export import main as export
from mmpose_lite.cli.predict import main as predict
from mmpose_lite.cli.test import main as run_test
from mmpose_lite.errors import InputError
from mmpose_lite.export import ExportedEstimator, ExportedModel, benchmark, read_metadata
from mmpose_lite.export.estimator import check_points
from mmpose_lite.inference import Landmarker
from mmpose_lite.structures import PoseDataSample

IMAGE = wavy_image(3, 90, 110)
BOXES = np.float32([[10, 20, 50, 60], [30, 5, 100, 75], [60, 40, 90, 80]])


def crop(image, box, padding=1.25):
    """A crop as programs of others cut it, with its corner and its side."""
    side = (box[2:] - box[:2]).max() * padding
    corner = (box[:2] + box[2:] - side) / 2
    matrix = np.array([[side / SIDE, 0, corner[0]], [0, side / SIDE, corner[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=flags), corner, side


def test_points_of_crops_are_brought_back_to_the_photograph(tmp_path):
    file = make_onnx(tmp_path / 'a.onnx')
    landmarker = Landmarker(file, detector=None)
    (result,) = landmarker(IMAGE, boxes=BOXES)
    assert landmarker.engine == 'onnxruntime'
    for row, box in enumerate(BOXES):
        pixels, corner, side = crop(IMAGE, box)
        points, scores = ExportedModel(file)(pixels[None])
        np.testing.assert_allclose(result.points[row], points[0] / SIDE * side + corner, rtol=1e-5)
        np.testing.assert_allclose(result.scores[row], scores[0], rtol=1e-6)
    assert list(result.meta['keypoint_id2name'].values()) == METADATA['points']
    assert result.meta['flip_indices'] == [1, 0]
    assert result.draw().shape == IMAGE.shape


def test_a_file_for_photographs_gets_boxes_and_no_crops(tmp_path, monkeypatch):
    exported = ExportedModel(make_onnx_of_photographs(tmp_path / 'a.onnx'))
    calls, run = [], exported.predict

    def watch(image, boxes):
        calls.append((image.shape, len(boxes)))
        return run(image, boxes)

    monkeypatch.setattr(exported, 'predict', watch)
    landmarker = Landmarker(exported, detector=None)
    first, second = landmarker.predict(
        (landmarker._read(image, 0), boxes)
        for image, boxes in ((IMAGE, BOXES), (IMAGE[:60].copy(), BOXES[:1]))
    )
    # In the form of the crop: the shorter side has grown.
    np.testing.assert_allclose(first.points[:2].reshape(2, 4), BOXES[:2], atol=1e-4)
    np.testing.assert_allclose(first.points[2].reshape(4), [55, 40, 95, 80], atol=1e-4)
    np.testing.assert_allclose(second.points.reshape(1, 4), BOXES[:1], atol=1e-4)
    assert calls == [(IMAGE.shape, 3), ((60, 110, 3), 1)]


@pytest.mark.parametrize('use_udp', [False, True])
def test_a_crop_is_a_photograph_of_which_all_is_cut_out(use_udp, tmp_path):
    file = make_onnx_of_photographs(tmp_path / 'a.onnx', use_udp=use_udp)
    estimator = ExportedEstimator(ExportedModel(file))
    sample = PoseDataSample(metainfo={'input_size': (SIDE, SIDE)})
    sample.set_metainfo({'input_center': np.array([50, 40]), 'input_scale': np.array([32, 32])})
    sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    image = torch.zeros((3, SIDE, SIDE), dtype=torch.uint8)
    (found,) = estimator.test_step({'inputs': [image], 'data_samples': [sample]})
    # The file's points are the corners of the box, which is the crop without its padding.
    middle, half = np.array([50, 40]), 16 / 1.25
    wanted = [[middle - half, middle + half]]
    np.testing.assert_allclose(found.pred_instances.keypoints, wanted, atol=1e-4)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'flip': True}, r'a\.onnx. has no flip test; mmpose-lite export --flip'),
        ({'amp': True}, r'amp: .*a\.onnx. computes in the precision'),
        ({'device': 'cuda:0'}, r"device='cuda:0': exported file .*a\.onnx. runs on the CPU"),
        ({'trust_checkpoint': True}, r'applies to checkpoints; .*a\.onnx. is an exported file'),
    ],
)
def test_a_file_cannot_do_what_it_was_not_made_for(arguments, message, tmp_path):
    file = make_onnx(tmp_path / 'a.onnx')
    with pytest.raises(InputError, match=message):
        Landmarker(file, detector=None, **arguments)


def test_a_flip_test_that_is_inside_needs_no_asking(tmp_path):
    file = make_onnx(tmp_path / 'a.onnx', flip=True)
    assert Landmarker(file, detector=None).flip
    with pytest.raises(InputError, match='has the flip test inside; leave it out'):
        Landmarker(file, detector=None, flip=True)


def test_crops_that_a_file_does_not_describe_need_a_config(tmp_path):
    file = make_onnx(tmp_path / 'a.onnx', padding=None, use_udp=None)
    with pytest.raises(InputError, match='does not say how boxes become crops'):
        Landmarker(file, detector=None)


def of_config(path, config, **changes):
    """A file for the points of a config's data, and its crops."""
    cfg = load_config(config)
    names = list(landmarks_of(cfg))
    size = [int(side) for side in cfg.codec['input_size']]
    none = {'mirror_pairs': [], 'skeleton': []}
    return make_onnx(path, **{'points': names, 'input_size': size, **none, **changes})


def landmarks_of(cfg):
    from mmpose_lite.apis.inference import dataset_meta_from_config

    return dataset_meta_from_config(cfg, 'test')['keypoint_id2name'].values()


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'points': ['a', 'b']}, r'tiny\.py.: the points of .*: 19, not 2'),
        ({'points': [f'p{i}' for i in range(19)]}, "point 0 is 'LeftBrowLeftCorner', not 'p0'"),
        ({'input_size': [32, 32]}, r'input_size=\(64, 64\), but .* made for \(32, 32\)'),
        ({'padding': 1.5}, r'test_dataloader\.dataset\.pipeline has padding=1\.25.* for 1\.5'),
        ({'use_udp': True}, r'use_udp=False, but .* was made for True'),
    ],
)
def test_the_file_of_another_config_is_refused(changes, message, tiny_config, tmp_path):
    file = of_config(tmp_path / 'a.onnx', tiny_config, **changes)
    with pytest.raises(InputError, match=message):
        Landmarker(tiny_config, file, detector=None)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [({'points': ['a', 'b']}, '19, not 2'), ({'padding': 1.5}, r'has padding=1\.25.* for 1\.5')],
)
def test_bench_compares_data_with_a_file_before_it_is_timed(
    changes, message, tiny_config, trained, tmp_path, monkeypatch
):
    monkeypatch.setattr(benchmark, 'time_files', lambda *_: pytest.fail('it is timed'))
    file = of_config(tmp_path / 'a.onnx', tiny_config, **changes)
    with pytest.raises(SystemExit, match=message):
        bench([str(file), '--model', str(trained.checkpoint), '--data', str(tiny_config)])


def test_a_config_that_puts_data_sets_together_describes_no_points(tiny_config, tmp_path):
    cfg = load_config(tiny_config)
    dataset = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = {'type': 'ConcatDataset', 'datasets': [dataset]}
    file = of_config(tmp_path / 'a.onnx', tiny_config, points=['a', 'b'])
    check_points(cfg, read_metadata(file), 'a.onnx')  # the run compares them


def test_the_test_of_a_file_names_its_engine(tiny_config, tmp_path):
    file = of_config(tmp_path / 'a.onnx', tiny_config)
    printed = run_main(
        run_test, tiny_config, file, '--dump', 'rows.json', '--out', 'nme.json', cwd=tmp_path
    )
    assert 'a.onnx has no flip test, which the config does ask for' in printed
    assert re.search(r'a\.onnx, flip test off, by onnxruntime$', printed, re.MULTILINE)
    content = json.loads((tmp_path / 'rows.json').read_text())
    assert content['provenance']['device'] == 'CPU, onnxruntime'
    assert content['provenance']['flip_test'] is False
    assert content['checkpoint'] == str(file)
    assert len(content['faces']) > 3
    assert json.loads((tmp_path / 'nme.json').read_text())['NME'] > 0


@pytest.mark.slow
def test_a_report_of_a_file_perturbs_boxes_and_switches_no_flip_test(tiny_config, tmp_path):
    file = of_config(tmp_path / 'a.onnx', tiny_config, flip=True)
    words = ('--report', 'report', '--dump', 'rows.json', '--report-faces', '2')
    printed = run_main(run_test, tiny_config, file, *words, cwd=tmp_path)
    assert 'flip test on, by onnxruntime' in printed
    further = json.loads((tmp_path / 'rows.json').read_text())['further']
    kinds = {each['kind'] for each in further['passes']}
    assert kinds
    assert 'flip_test' not in kinds
    assert 'CPU, onnxruntime' in next((tmp_path / 'report').glob('*.html')).read_text()


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--amp'], '--amp applies to checkpoints, not to exported files'),
        (['--trust-checkpoint'], '--trust-checkpoint applies to checkpoints'),
        (['--cfg-options', 'model.test_cfg.flip_test=True'], 'a.onnx. has no flip test'),
    ],
)
def test_a_test_of_a_file_refuses_what_that_cannot(words, message, tiny_config, tmp_path):
    file = of_config(tmp_path / 'a.onnx', tiny_config)
    with pytest.raises(SystemExit, match=message):
        run_main(run_test, tiny_config, file, *words, cwd=tmp_path)


def test_predict_takes_a_file_and_names_its_engine(tmp_path):
    cv2.imwrite(str(tmp_path / 'photo.png'), IMAGE)
    make_onnx(tmp_path / 'a.onnx')
    printed = run_main(
        predict, 'a.onnx', 'photo.png', '--whole-image', '--save', 'jsonl', cwd=tmp_path
    )
    assert 'flip test off; computed by onnxruntime' in printed
    (line,) = (tmp_path / 'predictions' / 'predictions.jsonl').read_text().splitlines()
    assert list(json.loads(line)['faces'][0]['points']) == METADATA['points']


@pytest.mark.parametrize('command', [export, calibrate])
def test_commands_that_need_weights_say_so(command, tiny_config, tmp_path):
    make_onnx(tmp_path / 'a.onnx')
    with pytest.raises(SystemExit, match=r'a\.onnx. is an exported file'):
        run_main(command, tiny_config, 'a.onnx', cwd=tmp_path)
