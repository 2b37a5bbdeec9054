"""Networks that predict coordinates: the head, the pooling before it, and the whole."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torch import nn

from helpers.seeding import seed_weights, wavy_image
from mmpose_lite.codecs import RegressionLabel
from mmpose_lite.engine.base_runner import compile_network
from mmpose_lite.models import GlobalAveragePooling, RegressionHead
from mmpose_lite.models.heads.base_head import point_accuracy
from mmpose_lite.models.utils.fold_norms import fold_norms
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import PoseDataSample

SIZE = (64, 48)
CODEC = {'type': 'RegressionLabel', 'input_size': SIZE}
MODEL = {
    'type': 'TopdownPoseEstimator',
    'data_preprocessor': {
        'type': 'PoseDataPreprocessor',
        'mean': [123.675, 116.28, 103.53],
        'std': [58.395, 57.12, 57.375],
        'bgr_to_rgb': True,
    },
    'backbone': {'type': 'ResNet', 'depth': 18},
    'neck': {'type': 'GlobalAveragePooling'},
    'head': {
        'type': 'RegressionHead',
        'in_channels': 512,
        'num_joints': 3,
        'loss': {'type': 'WingLoss', 'use_target_weight': True},
        'decoder': CODEC,
    },
}
# The third point of the first face is outside, the second of the second is hidden.
POINTS = np.array(
    [[[20, 24], [45, 20.5], [70, 30]], [[33, 11], [31, 40], [30, 30]]], dtype=np.float32
)
VISIBLE = np.array([[1, 1, 1], [1, 0, 1]], dtype=np.float32)


def seeded_model():
    model = MODELS.build(MODEL)
    seed_weights(model)
    with torch.no_grad():  # so that points come out in the crop
        model.head.fc.weight.sub_(1).mul_(0.02)
        model.head.fc.bias.add_(0.5)
    return model.eval()


def samples(with_labels=True):
    """Samples of crops of 128x96 about (300, 210): an input pixel is two of the photograph."""
    made = []
    for points, visible in zip(POINTS, VISIBLE, strict=True):
        sample = PoseDataSample(
            metainfo={
                'input_size': SIZE,
                'input_center': np.array([300.0, 210.0]),
                'input_scale': np.array([128.0, 96.0]),
                'flip_indices': [1, 0, 2],
            }
        )
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
        if with_labels:
            targets = RegressionLabel(SIZE).encode(points[None], visible[None])
            labels = {name: torch.from_numpy(value) for name, value in targets.items()}
            sample.gt_instance_labels = InstanceData(**labels)
        else:
            sample.gt_instances.transformed_keypoints = points[None]
            sample.gt_instances.keypoints_visible = visible[None]
        made.append(sample)
    return made


@pytest.fixture(scope='module')
def model():
    return seeded_model()


@pytest.fixture(scope='module')
def inputs(model):
    images = [torch.from_numpy(wavy_image(s, 48, 64).transpose(2, 0, 1).copy()) for s in (0, 1)]
    return model.data_preprocessor({'inputs': images, 'data_samples': None})['inputs']


# Recorded with MMPose 1.3.2: these weights and images, pixels of the photograph.
RAW = [
    [[0.50188035, 0.10454185], [0.65680945, 0.41157237], [0.58289951, -0.12861386]],
    [[0.51130664, 0.10843714], [0.65929347, 0.37815836], [0.55264205, -0.09969783]],
]
MIRRORED = [
    [[289.3121262, 186.1593704], [309.0605316, 188.0704708], [299.5796089, 149.4324589]],
    [[291.4076271, 184.6785908], [308.4683075, 185.2988978], [296.8511505, 151.1898851]],
]
UNSHIFTED = [[[x + 1, y] for x, y in face] for face in MIRRORED]
PLAIN = [
    [[300.2406845, 172.0360179], [320.0716094, 201.5109472], [310.6111374, 149.6530695]],
    [[301.4472504, 172.4099650], [320.3895646, 198.3032026], [306.7381821, 152.4290085]],
]


@torch.no_grad()
def test_coordinates_are_mmpose_s(model, inputs):
    np.testing.assert_allclose(model(inputs, mode='tensor').numpy(), RAW, atol=1e-5)


# The shift of a pixel is MMPose's default.
@pytest.mark.parametrize(
    ('test_cfg', 'expected'),
    [
        ({'flip_test': True}, MIRRORED),
        ({'flip_test': True, 'shift_coords': True}, MIRRORED),
        ({'flip_test': True, 'shift_coords': False}, UNSHIFTED),
        ({}, PLAIN),
        ({'output_heatmaps': True}, PLAIN),  # there are none
    ],
)
@torch.no_grad()
def test_predictions_are_mmpose_s(model, inputs, monkeypatch, test_cfg, expected):
    monkeypatch.setattr(model, 'test_cfg', test_cfg)
    predicted = model.predict(inputs, samples())
    found = [sample.pred_instances.keypoints[0] for sample in predicted]
    np.testing.assert_allclose(found, expected, atol=1e-3)
    assert all(
        sample.pred_instances.keypoint_scores.tolist() == [[1, 1, 1]] for sample in predicted
    )
    assert not any('pred_fields' in sample for sample in predicted)


@pytest.mark.parametrize('with_labels', [True, False], ids=['pipeline', 'head'])
@torch.no_grad()
def test_losses_are_mmpose_s(model, inputs, with_labels):
    losses = model.loss(inputs, samples(with_labels))
    assert losses['loss_kpt'].item() == pytest.approx(3.5629420280456543, rel=1e-5)
    assert losses['acc_pose'].item() == pytest.approx(1 / 3)
    assert set(model.head.loss([torch.rand(2, 512)], samples(), {'compute_acc': False})) == {
        'loss_kpt'
    }


def test_accuracy():
    """Of three points, the first hits once of two, the second once of one; none has the third."""
    target = torch.zeros(2, 3, 2)
    output = torch.tensor([[[0.03, 0.039], [0.2, 0], [0, 0]], [[0.03, 0.041], [0, 0.04], [0, 0]]])
    mask = torch.tensor([[True, False, False], [True, True, False]])
    assert point_accuracy(output, target, mask).item() == pytest.approx((0.5 + 1) / 2)
    assert point_accuracy(output, target, mask, thr=0.06).item() == 1
    assert point_accuracy(output, target, ~mask & mask).isnan()


def test_targets_that_are_missing_are_named():
    feats = [torch.rand(2, 8)]
    with pytest.raises(RuntimeError, match='GenerateTarget'):
        RegressionHead(8, 3).loss(feats, samples(with_labels=False))
    with pytest.raises(RuntimeError, match='no decoder'):
        RegressionHead(8, 3).predict(feats, samples())


def test_layers_and_how_they_start():
    head = RegressionHead([16, 1024], 17)
    assert {name: tuple(value.shape) for name, value in head.state_dict().items()} == {
        'fc.weight': (34, 1024),
        'fc.bias': (34,),
    }
    assert head.decoder is None
    head.init_weights()
    assert head.fc.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not head.fc.bias.any()
    other = RegressionHead(64, 17, init_cfg={'type': 'Constant', 'layer': 'Linear', 'val': 0.5})
    other.init_weights()
    assert other.fc.weight.unique().tolist() == [0.5]


def test_the_last_of_several_feeds_it():
    head = RegressionHead(8, 3)
    vectors = [torch.rand(2, 4), torch.rand(2, 8)]
    torch.testing.assert_close(head(vectors).flatten(1), head.fc(vectors[1]))
    assert torch.equal(head([vectors[1].view(2, 8, 1, 1)]), head(vectors))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float32])
def test_coordinates_are_not_rounded_in_half_precision(dtype):
    """In bfloat16 they would be multiples of a 256th."""
    torch.manual_seed(0)
    head = RegressionHead(512, 19)
    nn.init.constant_(head.fc.bias, 0.75)
    vectors = torch.rand(4, 512)
    exact = head([vectors.to(dtype).float()])
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = head([vectors.to(dtype)])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, exact)
    found.sum().backward()
    assert head.fc.weight.grad.dtype == torch.float32


@torch.no_grad()
def test_a_model_in_half_precision_is_off_by_less_than_a_pixel(model, inputs):
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = model(inputs, mode='tensor')
    np.testing.assert_allclose(found.numpy() * SIZE, np.array(RAW) * SIZE, atol=0.5)


@torch.no_grad()
def test_folded_norms_and_compiled_parts_give_the_same(inputs):
    model = seeded_model()
    assert fold_norms(model) == 20
    np.testing.assert_allclose(model(inputs, mode='tensor').numpy(), RAW, atol=1e-5)
    assert compile_network(model, {'backend': 'eager', 'fullgraph': True}) == [
        'backbone',
        'neck',
        'head',
    ]
    np.testing.assert_allclose(model(inputs, mode='tensor').numpy(), RAW, atol=1e-5)
    model.test_cfg = {'flip_test': True}
    predicted = model.predict(inputs, samples())
    np.testing.assert_allclose(predicted[1].pred_instances.keypoints[0], MIRRORED[1], atol=1e-3)


def test_pooling():
    maps = torch.arange(24.0).view(2, 3, 2, 2)
    means = [[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]]
    pool = GlobalAveragePooling()
    assert pool(maps).tolist() == means
    several = pool((maps, maps[:1]))
    assert isinstance(several, tuple)
    assert [vectors.shape for vectors in several] == [(2, 3), (1, 3)]
    assert isinstance(pool([maps]), list)
    with pytest.raises(TypeError, match='a map or several'):
        pool(3)


def test_pooling_adds_up_in_full_precision():
    maps = torch.full((1, 2, 8, 8), 1.0078125, dtype=torch.bfloat16)
    maps[0, 1, 0, 0] = 1
    vectors = GlobalAveragePooling()(maps)
    assert vectors.dtype == torch.float32
    assert vectors.tolist() == [[1.0078125, (63 * 1.0078125 + 1) / 64]]
    assert GlobalAveragePooling()(maps.double()).dtype == torch.float64
