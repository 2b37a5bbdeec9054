"""The graph of an exported file gives what the model gives, all of it in torch."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from helpers.seeding import wavy_image
from helpers.small_zoo import ZOO, make_model, random_crops
from mmpose_lite.apis import inference, inference_topdown, load_config
from mmpose_lite.errors import InputError
from mmpose_lite.export import CropGraph, PhotographGraph
from mmpose_lite.export.graph import ErrorCurve, read_cutting
from mmpose_lite.inference import Confidence
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.structures.keypoint import LabelMap

MOST = 1e-3  # px: norms are folded in both, and batches are of other sizes


def predict(model, crops, flip):
    """Points and scores of the model's own test step, in pixels of the crop."""
    size = np.array(model.head.decoder.input_size, dtype=float)
    samples = []
    for _ in crops:
        sample = PoseDataSample(
            metainfo={**model.dataset_meta, 'input_size': tuple(map(int, size))}
        )
        sample.set_metainfo({'input_center': size / 2, 'input_scale': size})
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        samples.append(sample)
    model.test_cfg = {**model.test_cfg, 'flip_test': flip}
    with torch.no_grad():
        found = model.test_step(
            {'inputs': list(crops.permute(0, 3, 1, 2)), 'data_samples': samples}
        )
    instances = [each.pred_instances for each in found]
    points = np.concatenate([each.keypoints for each in instances])
    return points, np.concatenate([each.keypoint_scores for each in instances])


@pytest.mark.parametrize('name', ZOO)
def test_a_graph_gives_what_the_model_gives(name, tmp_path):
    model = make_model(name, tmp_path)
    crops = random_crops(model, 3)
    for flip in (False, True):
        graph = CropGraph(model, flip).eval()
        with torch.no_grad():
            points, scores = graph(crops)
        wanted, wanted_scores = predict(model, crops, flip)
        assert points.shape == wanted.shape
        np.testing.assert_allclose(points, wanted, atol=MOST)
        np.testing.assert_allclose(scores, wanted_scores, rtol=1e-4, atol=1e-5)


def test_the_flip_test_is_in_the_graph_only_if_asked_for(tmp_path):
    model = make_model('regression', tmp_path)
    crops = random_crops(model, 2)
    with torch.no_grad():
        (plain, _), (flipped, _) = (CropGraph(model, flip).eval()(crops) for flip in (False, True))
    assert float((plain - flipped).abs().max()) > 0.01


def test_the_model_stays_as_it_is(tmp_path):
    model = make_model('regression', tmp_path)
    before = {name: each.clone() for name, each in model.state_dict().items()}
    CropGraph(model)
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], each) for name, each in before.items())


def test_a_model_without_a_decoder_cannot_be_exported(tmp_path):
    model = make_model('regression', tmp_path)
    model.head.decoder = None
    with pytest.raises(InputError, match=r'model\.head\.decoder'):
        CropGraph(model)


def test_adapted_weights_give_adapted_points(tmp_path):
    model, rng = make_model('dark', tmp_path), np.random.default_rng(0)
    crops = random_crops(model, 2)
    before, _ = predict(model, crops, False)
    size = 2 * before.shape[1]
    model.label_map = LabelMap(rng.normal(0, 0.01, (size, size)), rng.normal(0, 0.1, size))
    wanted, _ = predict(model, crops, False)
    with torch.no_grad():
        points, _ = CropGraph(model).eval()(crops)
    assert np.abs(wanted - before).max() > 1
    np.testing.assert_allclose(points, wanted, atol=MOST)


BOXES = [[[20, 30, 80, 100]], [[-15, 12, 60, 70], [50, 40, 130, 128], [30, 40, 33, 44]]]


@pytest.mark.parametrize('use_udp', [False, True])
@pytest.mark.parametrize('boxes', BOXES, ids=['one', 'leaving'])
def test_crops_are_cut_as_the_pipeline_cuts_them(use_udp, boxes, tmp_path):
    model = make_model('mobilenetv2', tmp_path)
    for step in model.cfg.test_dataloader.dataset.pipeline:
        if step['type'] == 'TopdownAffine':
            step['use_udp'] = use_udp
    image = wavy_image(0, 110, 120)
    graph, table = PhotographGraph(model), torch.tensor(boxes, dtype=torch.float32)
    crops, corner, scale = graph.cut(torch.from_numpy(image), table)
    for face, box in enumerate(table.numpy()):
        shown = {'img': image, 'img_path': None, 'bbox': box[None], 'bbox_score': np.ones(1)}
        packed = inference.test_pipeline(model)({**model.dataset_meta, **shown})
        sample, wanted = packed['data_samples'], packed['inputs'].float()
        np.testing.assert_allclose(corner[face], sample.input_center - sample.input_scale / 2)
        np.testing.assert_allclose(scale[face], sample.input_scale)
        levels = (crops[face] - wanted).abs()
        assert levels.max() <= 1
        assert levels.mean() < 0.01


@pytest.mark.parametrize('boxes', BOXES, ids=['one', 'leaving'])
def test_points_of_a_photograph_are_those_of_inference(boxes, tmp_path):
    model = make_model('hrnet', tmp_path)
    model.test_cfg = {**model.test_cfg, 'flip_test': False}
    image = wavy_image(0, 110, 120)
    with torch.no_grad():
        graph = PhotographGraph(model).eval()
        points, scores = graph(torch.from_numpy(image), torch.tensor(boxes, dtype=torch.float32))
    found = [each.pred_instances for each in inference_topdown(model, image, boxes)]
    wanted = np.concatenate([each.keypoints for each in found])
    distance = np.linalg.norm(points.numpy() - wanted, axis=-1)
    assert np.median(distance) < 0.05
    assert np.percentile(distance, 99) < 0.5
    wanted_scores = np.concatenate([each.keypoint_scores for each in found])
    np.testing.assert_allclose(scores, wanted_scores, rtol=0.02, atol=1e-2)


def config(*steps):
    return {'test_dataloader': {'dataset': {'pipeline': [{'type': 'LoadImage'}, *steps]}}}


def test_cutting_is_read_from_the_test_pipeline():
    boxes, crop = {'type': 'GetBBoxCenterScale', 'padding': 1.5}, {'type': 'TopdownAffine'}
    assert read_cutting(config(boxes, crop)) == {'padding': 1.5, 'use_udp': False}
    cfg = load_config('td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256')
    assert read_cutting(cfg)['padding'] == 1.25


@pytest.mark.parametrize(
    ('steps', 'message'),
    [
        ([{'type': 'GetBBoxCenterScale'}], 'has no GetBBoxCenterScale and TopdownAffine'),
        ([{'type': 'YOLOXHSVRandomAug'}], 'has YOLOXHSVRandomAug, which a file cannot do'),
    ],
)
def test_a_pipeline_that_a_graph_cannot_follow_is_named(steps, message):
    with pytest.raises(InputError, match=message):
        read_cutting(config(*steps))


CURVES = [
    {'scores': [0.1, 0.4, 0.4, 0.9], 'expected': [8.0, 5.0, 3.0, 1.0]},
    {'scores': [0.3], 'expected': [2.0]},
]


@pytest.mark.parametrize('curve', CURVES, ids=['with a step', 'level'])
def test_expected_errors_are_those_of_the_confidence(curve):
    arrays = {name: np.array(values) for name, values in curve.items()}
    known = Confidence(**arrays, factors=np.array([1.0, 0.5, 2.0]))
    scores = np.random.default_rng(0).uniform(0, 1, (50, 3)).astype(np.float32)
    scores[0] = [0.1, 0.4, 0.9]
    content = known.to_json()
    graph = ErrorCurve(*(content[name] for name in ('scores', 'expected', 'factors')))
    found = graph(torch.from_numpy(scores)).numpy()
    kept = scores != np.float32(0.4)  # rounded, it lies on one side of the step
    np.testing.assert_allclose(found[kept], known.errors(scores)[kept], rtol=1e-5)


def test_errors_are_a_third_output_unless_crops_are_mirrored(tmp_path):
    model = make_model('mobilenetv2', tmp_path)
    count, crops = model.dataset_meta['num_keypoints'], random_crops(model, 2)
    known = Confidence(np.array([0.0, 1.0]), np.array([9.0, 1.0]), np.ones(count))
    with torch.no_grad():
        _, scores, errors = CropGraph(model, confidence=known.to_json()).eval()(crops)
        assert len(CropGraph(model, True, confidence=known.to_json()).eval()(crops)) == 2
    np.testing.assert_allclose(errors, known.errors(scores.numpy()), rtol=1e-5)
