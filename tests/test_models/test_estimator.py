"""The top-down estimator: modes, flip test, and the way back to the photograph."""

import logging

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torch.nn.modules.batchnorm import _BatchNorm

from helpers.seeding import seed_weights
from mmpose_lite.models import TopdownPoseEstimator
from mmpose_lite.models.pose_estimators import topdown
from mmpose_lite.models.pose_estimators.base import revert_sync_norms
from mmpose_lite.models.utils import flip_heatmaps
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import PoseDataSample

CODEC = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 2}
HEAD = {
    'type': 'HeatmapHead',
    'in_channels': 16,
    'out_channels': 3,
    'deconv_out_channels': (8,),
    'deconv_kernel_sizes': (4,),
    'decoder': CODEC,
}
IMAGES = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def build(head=HEAD, **arguments):
    backbone = {'type': 'ResNet', 'depth': 18, 'stem_channels': 8, 'base_channels': 8}
    stages = {'num_stages': 2, 'strides': (1, 2), 'dilations': (1, 1), 'out_indices': (1,)}
    model = TopdownPoseEstimator(backbone={**backbone, **stages}, head=head, **arguments)
    seed_weights(model)
    return model.eval()


def samples(count=4):
    made = []
    for i in range(count):
        sample = PoseDataSample(
            metainfo={
                'id': i,
                'input_size': (64, 64),
                'input_center': np.array([100.0 + 10 * i, 50.0]),
                'input_scale': np.array([128.0, 128.0]),
                'flip_indices': [1, 0, 2],
            }
        )
        sample.gt_instances = InstanceData(
            bboxes=np.array([[0.0, 0, 9, 9 + i]]), bbox_scores=np.ones(1)
        )
        made.append(sample)
    return made


@torch.no_grad()
def predict(model, images=IMAGES):
    return model(images, samples(len(images)), mode='predict')


def points(predicted):
    return np.concatenate([sample.pred_instances.keypoints for sample in predicted])


def test_points_are_in_pixels_of_the_photograph():
    """A crop of 128 px about (100 + 10 i, 50), as an input of 64 px: twice the input's places."""
    model = build()
    with torch.no_grad():
        in_crop, scores = model.head.decoder.decode_batch(model(IMAGES, mode='tensor'))
    wanted = in_crop.numpy() * 2 + [36, -14]
    wanted[..., 0] += 10 * np.arange(4)[:, None]
    predicted = predict(model)
    np.testing.assert_allclose(points(predicted), wanted, atol=1e-4)
    for i, sample in enumerate(predicted):
        np.testing.assert_allclose(sample.pred_instances.keypoint_scores[0], scores[i], rtol=1e-5)
        assert sample.pred_instances.bboxes.tolist() == [[0, 0, 9, 9 + i]]
        assert sample.pred_instances.bbox_scores.tolist() == [1]
        assert 'pred_fields' not in sample


# Without a word about the shift there is none, in MMPose as here.
@pytest.mark.parametrize(
    ('settings', 'shift'),
    [({}, False), ({'shift_heatmap': False}, False), ({'shift_heatmap': True}, True)],
)
def test_flip_test_is_the_mean_of_image_and_mirror(settings, shift):
    model = build(test_cfg={'flip_test': True, 'output_heatmaps': True, **settings})
    with torch.no_grad():
        plain, mirrored = (model(images, mode='tensor') for images in (IMAGES, IMAGES.flip(-1)))
    back = flip_heatmaps(mirrored, [1, 0, 2], shift_heatmap=shift)
    predicted = predict(model)
    found = torch.stack([sample.pred_fields.heatmaps for sample in predicted])
    torch.testing.assert_close(found, (plain + back) / 2, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(found, plain, rtol=1e-2)


def test_a_prediction_does_not_depend_on_its_batch():
    model = build(test_cfg={'flip_test': True})
    together = points(predict(model))
    for i in range(4):
        sample = samples()[i]
        with torch.no_grad():
            (alone,) = model(IMAGES[i : i + 1], [sample], mode='predict')
        np.testing.assert_allclose(alone.pred_instances.keypoints[0], together[i], atol=1e-3)


def test_two_passes_of_a_flip_test_predict_what_one_does(monkeypatch):
    model = build(test_cfg={'flip_test': True})
    passes = []
    model.backbone.register_forward_hook(lambda module, args, maps: passes.append(len(args[0])))
    together = points(predict(model))
    monkeypatch.setattr(topdown, '_FULL_PASS', len(IMAGES))
    np.testing.assert_allclose(points(predict(model)), together, atol=1e-3)
    assert passes == [8, 4, 4]


COMBINED_HEAD = {
    **HEAD,
    'out_channels': 9,
    'loss': {'type': 'CombinedTargetMSELoss'},
    'decoder': {**CODEC, 'type': 'UDPHeatmap', 'heatmap_type': 'combined', 'blur_kernel_size': 3},
}


@pytest.mark.parametrize(
    ('head', 'maps'), [(HEAD, [2, 0]), (COMBINED_HEAD, [6, 7, 8, 0, 1, 2])], ids=['one', 'three']
)
def test_some_points_on_demand(head, maps):
    test_cfg = {'output_heatmaps': True}
    whole = predict(build(head, test_cfg=test_cfg))
    some = predict(build(head, test_cfg={**test_cfg, 'output_keypoint_indices': [2, 0]}))
    for one, other in zip(whole, some, strict=True):
        np.testing.assert_array_equal(
            one.pred_instances.keypoints[:, [2, 0]], other.pred_instances.keypoints
        )
        assert other.pred_instances.keypoint_scores.shape == (1, 2)
        assert torch.equal(one.pred_fields.heatmaps[maps], other.pred_fields.heatmaps)


def test_modes():
    model = build(train_cfg={'compute_acc': False})
    assert model(IMAGES, mode='tensor').shape == (4, 3, 16, 16)
    truth = samples()
    for sample in truth:
        sample.gt_instances.transformed_keypoints = np.full((1, 3, 2), 20.0)
        sample.gt_instances.keypoints_visible = np.ones((1, 3))
    losses = model(IMAGES, truth, mode='loss')
    assert set(losses) == {'loss_kpt'}
    losses['loss_kpt'].backward()
    with pytest.raises(RuntimeError, match="mode='dream'"):
        model(IMAGES, truth, mode='dream')


def test_without_a_head():
    model = build(head=None)
    assert not model.with_head
    assert not model.with_neck
    assert model(IMAGES, mode='tensor')[0].shape == (4, 16, 8, 8)
    with pytest.raises(RuntimeError, match='without a head'):
        predict(model)


def test_neck_is_between():
    neck = {'type': 'FeatureMapProcessor', 'scale_factor': 2.0}
    model = build(neck=neck)
    assert model.with_neck
    assert model(IMAGES, mode='tensor').shape == (4, 3, 32, 32)


def test_metainfo_of_the_model_overrides_that_of_the_data():
    own = {'dataset_name': 'own', 'num_keypoints': 3, 'flip_indices': [0, 1, 2]}
    model = build(metainfo=own, test_cfg={'flip_test': True})
    predicted = predict(model)
    assert predicted[0].dataset_name == 'own'
    assert predicted[0].flip_indices == [0, 1, 2]


class Synchronised(TopdownPoseEstimator):
    def __init__(self, **arguments):
        super(TopdownPoseEstimator, self).__init__(use_syncbn=True, **arguments)


@pytest.mark.parametrize('world_size', [1, 2])
@pytest.mark.parametrize('device', ['cpu', 'cuda'])
def test_synchronised_norms(monkeypatch, device, world_size):
    """On GPUs as they are; on a CPU plain ones, with a line, whoever asked for them."""
    said = []
    base = 'mmpose_lite.models.pose_estimators.base'
    monkeypatch.setattr(f'{base}.get_device', lambda: device)
    monkeypatch.setattr(f'{base}.get_world_size', lambda: world_size)
    monkeypatch.setattr(f'{base}.print_log', lambda text, level, **_: said.append((level, text)))
    backbone = {'type': 'ResNet', 'depth': 18, 'base_channels': 8}
    plain = MODELS.build({'type': 'TopdownPoseEstimator', 'backbone': backbone})
    assert not said
    of_config = {**backbone, 'norm_cfg': {'type': 'SyncBN'}}
    models = [Synchronised(backbone=backbone), TopdownPoseEstimator(backbone=of_config)]
    for model in models:
        norms = [each for each in model.modules() if isinstance(each, _BatchNorm)]
        is_sync = {isinstance(norm, torch.nn.SyncBatchNorm) for norm in norms}
        assert is_sync == {device == 'cuda'}
        assert list(model.state_dict()) == list(plain.state_dict())
    if device == 'cuda':
        assert not said
        return
    level = logging.INFO if world_size == 1 else logging.WARNING
    assert [each[0] for each in said] == [level] * 2
    assert 'SyncBN needs GPUs: 21 are plain' in said[0][1]
    assert ('its own statistics' in said[0][1]) == (world_size == 2)


@pytest.mark.parametrize('training', [True, False])
def test_a_reverted_norm_counts_as_a_plain_one(training):
    reverted, plain = torch.nn.SyncBatchNorm(4), torch.nn.BatchNorm2d(4)
    assert revert_sync_norms(torch.nn.ModuleList([reverted, reverted, plain])) == 1
    for _ in range(2):
        maps = torch.randn(3, 4, 5, 5) + 1
        assert torch.equal(reverted.train(training)(maps), plain.train(training)(maps))
    assert torch.equal(reverted.running_var, plain.running_var)
    assert not isinstance(reverted, torch.nn.SyncBatchNorm)


def test_a_test_step():
    """As a loop calls it: uint8 images in a list, through the preprocessor."""
    model = build(
        data_preprocessor={'type': 'PoseDataPreprocessor', 'mean': [127.0] * 3, 'std': [50.0] * 3}
    )
    images = [torch.full((3, 64, 64), 40 * (i + 1), dtype=torch.uint8) for i in range(2)]
    results = model.test_step({'inputs': images, 'data_samples': samples(2)})
    assert [sample.id for sample in results] == [0, 1]
    assert points(results).shape == (2, 3, 2)
