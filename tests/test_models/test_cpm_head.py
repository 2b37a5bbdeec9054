"""The head of several stages: each has layers and a loss, the last one is read."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from helpers.seeding import seed_weights
from mmpose_lite.errors import InputError
from mmpose_lite.models import CPMHead, HeatmapHead
from mmpose_lite.structures import PoseDataSample

CODEC = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 2}
MSE = {'type': 'KeypointMSELoss', 'use_target_weight': True}
POINTS = np.random.RandomState(4).uniform(5, 58, (2, 1, 3, 2)).astype(np.float32)
VISIBLE = np.array([[[1, 1, 0]], [[1, 1, 1]]], dtype=np.float32)


def samples():
    made = []
    for points, visible in zip(POINTS, VISIBLE, strict=True):
        sample = PoseDataSample(metainfo={'flip_indices': [1, 0, 2]})
        sample.gt_instances = InstanceData(transformed_keypoints=points, keypoints_visible=visible)
        made.append(sample)
    return made


def feats(stages=2, seed=3):
    random = np.random.RandomState(seed)
    return [torch.from_numpy(random.standard_normal((2, 4, 16, 16))).float() for _ in range(stages)]


def make_head(**arguments):
    head = CPMHead(4, 3, **{'num_stages': 2, 'decoder': CODEC, **arguments})
    seed_weights(head)
    return head.eval()


# One cell of two feature maps, and of the heatmaps that MMPose 1.3.2 makes of them.
CELLS = (
    '-0.47732 -0.02219 0.66396 -0.86493 -1.21066 2.15658 -0.41195 -0.01164'
    ' 0.48846 1.65841 -1.93277 0.7227 -0.36334 -0.72158 0.8865 0.22794',
    '2.00458 0.2828 -1.05317 0.76802 0.63964 0.0035 0.02254 0.41449'
    ' 1.08196 0.98423 -0.35879 -0.26509 -1.47354 0.78502 -1.16619 -0.47814',
)
MAPS = (
    [-1.53055, 0.08188, -0.30816, -1.3587, 2.67175, 0.29746, 2.52939],
    [-2.00608, -0.15195, 1.33911, -1.6771, 0.79095, -2.05921, -0.09812],
)


def test_numbers_are_mmpose_s():
    head = CPMHead(16, 7, num_stages=2)
    seed_weights(head)
    cells = [torch.tensor([[float(each)] for each in text.split()]) for text in CELLS]
    maps = head([each.view(1, 16, 1, 1) for each in cells])
    for found, expected in zip(maps, MAPS, strict=True):
        np.testing.assert_allclose(found.detach().flatten(), expected, atol=1e-4)


def test_weights_have_mmpose_s_names():
    head = CPMHead(
        4, 3, 2, deconv_out_channels=(6, 5), deconv_kernel_sizes=(4, 2), final_layer={'bias': False}
    )
    layers = ['0.weight', '3.weight']
    layers += [
        f'{i}.{name}'
        for i in (1, 4)
        for name in ('weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked')
    ]
    names = [f'multi_deconv_layers.{stage}.{name}' for stage in (0, 1) for name in layers]
    names += [f'multi_final_layers.{stage}.weight' for stage in (0, 1)]
    assert sorted(head.state_dict()) == sorted(names)
    assert [maps.shape for maps in head(feats())] == [(2, 3, 64, 64)] * 2
    bare = CPMHead(4, 4, 2, final_layer=None)
    assert not bare.state_dict()


def test_a_stage_is_a_heatmap_head():
    head = make_head()
    for stage, maps in enumerate(head(feats())):
        alone = HeatmapHead(4, 3, deconv_out_channels=None, decoder=CODEC)
        alone.final_layer = head.multi_final_layers[stage]
        assert torch.equal(maps, alone([feats()[stage]]))


@pytest.mark.parametrize('weights', [None, (1.0, 0.5)])
def test_losses_are_added_up_and_the_last_stage_is_measured(weights):
    loss = MSE if weights is None else [{**MSE, 'loss_weight': weight} for weight in weights]
    head = make_head(loss=loss)
    found = head.loss(feats(), samples())
    alone = HeatmapHead(4, 3, deconv_out_channels=None, decoder=CODEC)
    each = [alone.losses_of(maps, samples()) for maps in head(feats())]
    factors = weights or (1, 1)
    expected = sum(one['loss_kpt'] * factor for one, factor in zip(each, factors, strict=True))
    torch.testing.assert_close(found['loss_kpt'], expected)
    # The last stage is right, the first is not.
    targets, _ = head.targets(samples(), torch.device('cpu'))
    assert head.losses_of([0 * targets, targets], samples())['acc_pose'].item() == 1
    assert head.losses_of([targets, 0 * targets], samples())['acc_pose'].item() == 0
    assert set(head.loss(feats(), samples(), {'compute_acc': False})) == {'loss_kpt'}


def test_predictions_are_the_last_stage_s():
    head = make_head()
    outputs = head(feats())
    both = (feats(), feats(seed=8))
    alone = HeatmapHead(4, 3, deconv_out_channels=None, decoder=CODEC)
    alone.final_layer = head.multi_final_layers[1]
    for test_cfg, given in (({}, feats()), ({'flip_test': True}, both)):
        found, fields = head.predict(given, samples(), {**test_cfg, 'output_heatmaps': True})
        last = [[maps[1]] for maps in given] if test_cfg else [given[1]]
        wanted, maps = alone.predict(last, samples(), {**test_cfg, 'output_heatmaps': True})
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(one.keypoints, other.keypoints)
            np.testing.assert_array_equal(one.keypoint_scores, other.keypoint_scores)
        for one, other in zip(fields, maps, strict=True):
            assert torch.equal(one.heatmaps, other.heatmaps)
    # Raw outputs are read as they come, as a hook has them.
    raw, final = head.decode(outputs), head.decode(outputs[1])
    assert np.array_equal(raw[1].keypoints, final[1].keypoints)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'loss': [MSE]}, r'loss: the 1 losses did not match `num_stages`=2'),
        ({'loss': [MSE, {'type': 'KLDiscretLoss'}]}, r'mean different targets: .*KLDiscretLoss'),
        ({'deconv_out_channels': (4, 4)}, 'Got mismatched lengths: .* deconv_kernel_sizes=None'),
        (
            {'deconv_out_channels': (4,), 'deconv_kernel_sizes': (1,)},
            'Unsupported kernel size 1',
        ),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        CPMHead(4, 3, 2, decoder=CODEC, **arguments)


def test_another_number_of_stages_is_named():
    message = 'length of feature maps did not match the `num_stages`=2: 3 come in'
    for kind in (InputError, AssertionError):  # the latter is MMPose's
        with pytest.raises(kind, match=message):
            make_head()(feats(3))
