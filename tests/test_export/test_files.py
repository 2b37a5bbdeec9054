"""Real files of all networks of the zoo, tiny; making one takes seconds, so these are slow."""

import json
import re
from importlib.util import find_spec

import numpy as np
import onnx
import pytest
import torch

from helpers.in_process import run_main
from helpers.seeding import wavy_image
from helpers.small_zoo import ZOO, make_model, random_crops
from mmpose_lite.apis import inference_topdown
from mmpose_lite.cli.bench import main as bench
from mmpose_lite.cli.export import main as export
from mmpose_lite.cli.info import main as info
from mmpose_lite.export import (
    CropGraph,
    ExportedModel,
    ExportOptions,
    PhotographGraph,
    exporting,
    formats,
)
from mmpose_lite.export.exporting import RefusedExportError, export_model
from mmpose_lite.inference import Calibration, Confidence, Landmarker
from mmpose_lite.models.utils.transformer import ScaleNorm

pytestmark = pytest.mark.slow


def write(graph, path, **options):
    form = {'.onnx': 'onnx', '.xml': 'openvino', '.pt2': 'pt2'}[path.suffix]
    metadata = {'input': 'image' if isinstance(graph, PhotographGraph) else 'crops'}
    metadata |= {'input_size': graph.size_wh, 'points': ['a'], 'padding': 1.25}
    formats.make_writer(graph, form, **options)(path, metadata)
    return path


def assert_equal(exported, graph, model):
    for count in (1, 2, 3):
        crops = random_crops(model, count, seed=count)
        with torch.no_grad():
            points, scores = (each.numpy() for each in graph(crops))
        found, found_scores = exported(crops.numpy())
        distance = np.linalg.norm(found - points, axis=-1)
        # Seeded weights may put coordinates far outside of the crop.
        reach = max(1.0, np.abs(points).max() / max(graph.size_wh))
        assert (distance <= 0.01 * reach).mean() >= 0.99
        np.testing.assert_allclose(found_scores, scores, rtol=1e-3, atol=1e-4)


WITH_FLIP = ('dark', 'regression', 'rtmpose', 'udp')  # one of each way to mirror


@pytest.mark.parametrize('name', ZOO)
def test_onnx_gives_the_points_of_the_model(name, tmp_path):
    model = make_model(name, tmp_path)
    graph = CropGraph(model, flip=name in WITH_FLIP).eval()
    file = write(graph, tmp_path / 'a.onnx')
    assert_equal(ExportedModel(file), graph, model)
    proto = onnx.load(file)
    onnx.checker.check_model(proto)
    (crops,) = proto.graph.input
    assert crops.type.tensor_type.shape.dim[0].dim_param == 'batch'
    assert {node.domain for node in proto.graph.node} == {''}  # standard operators alone
    pytest.importorskip('openvino', reason='openvino is not installed')
    assert_equal(ExportedModel(file, 'openvino'), graph, model)


@pytest.mark.parametrize('form', ['.xml', '.pt2'])
def test_other_formats(form, tmp_path):
    if form == '.xml':
        pytest.importorskip('openvino', reason='openvino is not installed')
    model = make_model('rtmpose', tmp_path)
    graph = CropGraph(model).eval()
    assert_equal(ExportedModel(write(graph, tmp_path / f'a{form}')), graph, model)


def test_expected_errors_are_a_third_output_of_the_file(tmp_path, monkeypatch):
    model = make_model('mobilenetv2', tmp_path)
    count = model.dataset_meta['num_keypoints']
    known = Confidence(np.array([0.0, 0.2, 9.0]), np.array([9.0, 4.0, 1.0]), np.ones(count))
    monkeypatch.setattr(exporting, 'rendered_faces', lambda model: faces_of(model))
    facts, told = {'calibration': Calibration(confidence=known).to_json()}, []
    arguments = (model, 'a.pth', tmp_path / 'files', 'a', ExportOptions())
    file = export_model(*arguments, told.append, facts)
    found = ExportedModel(file).predict(random_crops(model, 3).numpy())
    np.testing.assert_allclose(found.errors, known.errors(found.scores), rtol=1e-4)
    assert any('expected errors within' in line for line in told)
    (result,) = Landmarker(file, detector=None)(wavy_image(0, 90, 90), boxes=[[9, 9, 70, 70]])
    np.testing.assert_allclose(result.errors, known.errors(result.scores), rtol=1e-4)


def test_int8_of_photographs_is_calibrated_through_the_crop(tmp_path):
    model = make_model('mobilenetv2', tmp_path)
    graph = PhotographGraph(model).eval()
    image, boxes = wavy_image(1, 110, 120), np.float32([[20, 30, 80, 100]])
    given = [{'image': wavy_image(i, 110, 120), 'boxes': boxes} for i in range(4)]
    file = write(graph, tmp_path / 'a.onnx', weights='int8', calibration=given)
    kinds = {each.data_type for each in onnx.load(file).graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    _, scores = ExportedModel(file)(image, boxes)
    with torch.no_grad():
        _, wanted = graph(torch.from_numpy(image), torch.from_numpy(boxes))
    np.testing.assert_allclose(scores, wanted, rtol=0.2, atol=0.1 * float(wanted.abs().max()))


def test_a_photograph_of_any_size_with_any_number_of_boxes(tmp_path):
    model = make_model('hrnet', tmp_path)
    model.test_cfg = {**model.test_cfg, 'flip_test': False}
    exported = ExportedModel(write(PhotographGraph(model).eval(), tmp_path / 'a.onnx'))
    boxes = [[20, 30, 80, 100], [-15, 12, 60, 70], [50, 40, 130, 128]]
    for (height, width), count in (((110, 120), 1), ((90, 240), 3), ((200, 100), 2)):
        image = wavy_image(count, height, width)
        points, _ = exported(image, np.float32(boxes[:count]))
        found = inference_topdown(model, image, boxes[:count])
        wanted = np.concatenate([each.pred_instances.keypoints for each in found])
        distance = np.linalg.norm(points - wanted, axis=-1)
        assert np.median(distance) < 0.05
        assert np.percentile(distance, 99) < 0.5


def test_large_activations_do_not_overflow_in_a_half_precision_file(tmp_path):
    model = make_model('rtmpose', tmp_path)
    norms = [each for each in model.modules() if isinstance(each, ScaleNorm)]
    assert norms
    with torch.no_grad():
        model.head.final_layer.weight.mul_(1e3)  # squares of the tokens are far beyond 65504
    graph = CropGraph(model).eval()
    file = write(graph, tmp_path / 'a.onnx', weights='fp16')
    crops = random_crops(model, 3)
    with torch.no_grad():
        wanted = graph(crops)[1].numpy()
    points, scores = ExportedModel(file)(crops.numpy())
    assert np.isfinite(points).all()
    np.testing.assert_allclose(scores, wanted, rtol=0.01, atol=1e-3)
    # A sum that overflows leaves vectors of zeros.
    assert np.abs(wanted).max() > 0.01
    kinds = {each.data_type for each in onnx.load(file).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds


def test_the_command_proves_its_file_and_says_what_flipping_is_worth(
    trained, tiny_config, tmp_path
):
    arguments = (trained.checkpoint, '--data', tiny_config, '--out', 'files')
    printed = run_main(export, *arguments, cwd=tmp_path)
    assert 'tracing the network, and writing it as onnx\n' in printed
    assert '100.00% of the points the same' in printed
    assert printed.count('  NME ') == 3
    assert 'leaving out the flip test, which the config has, changes the NME by' in printed
    (file,) = (tmp_path / 'files').iterdir()
    metadata = json.loads(run_main(info, file, '--json', cwd=tmp_path))
    assert metadata['verified']['points']['same'] == 1.0
    assert metadata['points'][0] == 'LeftBrowLeftCorner'
    assert len(metadata['mirror_pairs']) == 8
    assert metadata['verified']['nme'][0]['normaliser'] == 'longer side of box'


@pytest.mark.filterwarnings('ignore')  # of openvino, at its import
def test_bench_measures_the_nme_of_all_that_it_times(trained, tiny_config, tmp_path):
    run_main(export, trained.checkpoint, '--out', 'files', cwd=tmp_path)
    (file,) = (tmp_path / 'files').iterdir()
    few = ('--rounds', 1, '--batch', 1, '--threads', 1)
    arguments = (file, '--model', trained.checkpoint, '--data', tiny_config, '--bf16', *few)
    printed = run_main(bench, *arguments, cwd=tmp_path)
    timed = re.findall(r'^(\S.*?) {2,}\d', printed, re.MULTILINE)
    scores = dict(re.findall(r'^NME \S+ %  (.+)  \(\d+ faces\)(.*)$', printed, re.MULTILINE))
    assert set(timed) - {'torch, norms folded'} == set(scores)
    assert f'onnxruntime {file.name}' in scores
    if find_spec('openvino'):
        assert f'openvino bf16 {file.name}' in scores
    assert not any(remark for name, remark in scores.items() if 'bf16' not in name)


def test_a_file_of_other_points_is_not_kept(tmp_path, monkeypatch):
    model = make_model('mobilenetv2', tmp_path)

    class Wrong(ExportedModel):
        def predict(self, *images):
            found = super().predict(*images)
            return found._replace(points=found.points + 3)

    monkeypatch.setattr(exporting, 'ExportedModel', Wrong)
    monkeypatch.setattr(exporting, 'rendered_faces', lambda model: faces_of(model))
    with pytest.raises(RefusedExportError, match=r'a\.onnx is not kept'):
        export_model(model, 'a.pth', tmp_path / 'files', 'a', ExportOptions(), print)
    assert not list((tmp_path / 'files').iterdir())


def faces_of(model):
    crops = random_crops(model, 2).numpy()
    return [exporting.Face(crop, None, np.zeros(4, np.float32)) for crop in crops]
