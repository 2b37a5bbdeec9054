"""The neck that joins maps, and the preprocessor, by hand and against MMPose's numbers."""

import numpy as np
import pytest
import torch
from mmengine.model import ImgDataPreprocessor
from mmengine.structures import InstanceData, PixelData
from torch import nn

from mmpose_lite.models import FeatureMapProcessor, PoseDataPreprocessor
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import PoseDataSample


@pytest.fixture(scope='module')
def maps():
    """Two maps that follow the 198 numbers which MMPose's losses were recorded on."""
    random = np.random.RandomState(1)
    random.uniform(0, 1, 198)
    drawn = [random.standard_normal(shape) for shape in ((1, 2, 8, 8), (1, 3, 4, 4))]
    return [torch.from_numpy(values).float() for values in drawn]


# Recorded with MMPose 1.3.2: shape, sum, first cell of the last channel, its last row's second.
@pytest.mark.parametrize(
    ('arguments', 'shape', 'total', 'first', 'last'),
    [
        ({'concat': True}, (5, 8, 8), 32.912998, -0.27909774, 0.478138),
        (
            {'concat': True, 'scale_factor': 2.0, 'apply_relu': True},
            (5, 16, 16),
            466.11982,
            0.0,
            0.61046964,
        ),
        (
            {'select_index': 1, 'scale_factor': 0.5, 'apply_relu': True},
            (3, 2, 2),
            4.9426985,
            0.56116319,
            0.96386039,
        ),
        ({'concat': True, 'align_corners': True}, (5, 8, 8), 36.943504, -0.27909774, 0.35210788),
    ],
)
def test_neck_is_mmpose_s(maps, arguments, shape, total, first, last):
    (joined,) = FeatureMapProcessor(**arguments)(maps)
    assert joined.shape == (1, *shape)
    assert joined.sum().item() == pytest.approx(total, abs=1e-3)
    assert joined[0, -1, 0, 0].item() == pytest.approx(first, abs=1e-5)
    assert joined[0, -1, -1, 1].item() == pytest.approx(last, abs=1e-5)


def test_neck_selects(maps):
    assert [m is n for m, n in zip(FeatureMapProcessor()(maps), maps, strict=True)] == [True, True]
    (second,) = FeatureMapProcessor(select_index=[1])(maps)
    assert second is maps[1]
    turned = FeatureMapProcessor(select_index=(1, 0), concat=True)(maps)
    assert turned[0].shape == (1, 5, 4, 4)  # the size is that of the first one chosen
    assert FeatureMapProcessor()(maps[0]) is maps[0]  # one map gives one map
    with pytest.raises(ValueError, match='-1'):
        FeatureMapProcessor(scale_factor=-1)


def batch(*sizes_hw):
    """Images whose channels are 1, 2 and 3 everywhere."""
    images = [
        torch.arange(1, 4, dtype=torch.uint8).view(3, 1, 1).expand(3, *size).contiguous()
        for size in sizes_hw
    ]
    samples = [PoseDataSample(metainfo={'id': i}) for i in range(len(sizes_hw))]
    for sample in samples:
        sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)))
    return {'inputs': images, 'data_samples': samples}


@pytest.mark.parametrize(
    ('arguments', 'channels'),
    [
        ({}, [1, 2, 3]),
        ({'bgr_to_rgb': True}, [3, 2, 1]),
        ({'rgb_to_bgr': True}, [3, 2, 1]),
        # Mean and deviation are those of the channels after their reordering.
        ({'bgr_to_rgb': True, 'mean': [1, 1, 1], 'std': [2, 1, 0.5]}, [1, 1, 0]),
        ({'mean': [1, 1, 1], 'std': [2, 1, 0.5]}, [0, 1, 4]),
    ],
)
def test_colors_and_normalisation(arguments, channels):
    result = PoseDataPreprocessor(**arguments)(batch((4, 6), (4, 6)))
    assert result['inputs'].shape == (2, 3, 4, 6)
    assert result['inputs'].dtype == torch.float32
    assert result['inputs'][1].flatten(1).unique(dim=1).flatten().tolist() == channels
    assert [sample.id for sample in result['data_samples']] == [0, 1]


def test_stacked_images_are_taken_as_well():
    given = batch((4, 6), (4, 6))
    stacked = {**given, 'inputs': torch.stack(given['inputs'])}
    one = PoseDataPreprocessor(bgr_to_rgb=True)
    assert torch.equal(one(given)['inputs'], one(stacked)['inputs'])


def test_padding():
    one = PoseDataPreprocessor(mean=[1, 1, 1], std=[1, 1, 1], pad_size_divisor=8, pad_value=7)
    result = one(batch((4, 6), (9, 3)))
    assert result['inputs'].shape == (2, 3, 16, 8)
    first = result['inputs'][0]
    assert first[:, :4, :6].flatten(1).unique(dim=1).flatten().tolist() == [0, 1, 2]
    assert first[:, 4:].unique().tolist() == first[:, :, 6:].unique().tolist() == [7]
    for sample, padded in zip(result['data_samples'], [(8, 8), (16, 8)], strict=True):
        assert sample.batch_input_shape == (16, 8)
        assert sample.pad_shape == padded


def test_augmentations_of_batches_are_for_training():
    class Doubling(nn.Module):
        def forward(self, inputs, data_samples):
            return inputs * 2, data_samples

    MODELS.register_module(name='Doubling', module=Doubling)
    try:
        one = PoseDataPreprocessor(batch_augments=[{'type': 'Doubling'}])
    finally:
        MODELS.module_dict.pop('Doubling')
    assert one(batch((4, 4)), training=False)['inputs'].max() == 3
    assert one(batch((4, 4)), training=True)['inputs'].max() == 6


def test_a_batch_without_samples():
    result = PoseDataPreprocessor()({'inputs': batch((4, 4))['inputs'], 'data_samples': None})
    assert result['data_samples'] is None


def noise(*sizes_hw, dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, *size) for size in sizes_hw]
    return [torch.randint(0, 256, shape, generator=generator).to(dtype) for shape in shapes]


def channels_last(images):
    return [image.permute(1, 2, 0).contiguous().permute(2, 0, 1) for image in images]


@pytest.mark.parametrize(
    'arguments',
    [
        {},
        {'rgb_to_bgr': True},
        {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375], 'bgr_to_rgb': True},
        {'mean': [127], 'std': [3], 'pad_size_divisor': 8, 'pad_value': -2},
    ],
)
@pytest.mark.parametrize(
    'images',
    [
        noise((9, 7), (9, 7)),
        channels_last(noise((9, 7), (9, 7))),
        noise((9, 7), (4, 16)),
        noise((9, 7), (9, 7), dtype=torch.float32),
        torch.stack(noise((9, 7), (9, 7))),
        torch.stack(noise((9, 7), (9, 7), dtype=torch.float32)),
    ],
    ids=['planes', 'channels last', 'two sizes', 'float', 'stacked', 'stacked float'],
)
def test_bits_are_those_of_mmengine(arguments, images):
    given = [image.clone() for image in images]
    expected = ImgDataPreprocessor(**arguments)({'inputs': images})['inputs']
    assert torch.equal(PoseDataPreprocessor(**arguments)({'inputs': images})['inputs'], expected)
    assert all(torch.equal(*pair) for pair in zip(images, given, strict=True))


def test_the_layout_of_images_is_kept():
    one = PoseDataPreprocessor(mean=[1, 2, 3], std=[1, 2, 3], bgr_to_rgb=True)
    images = noise((9, 7), (9, 7))
    assert one({'inputs': images})['inputs'].is_contiguous()
    turned = one({'inputs': channels_last(images)})['inputs']
    assert turned.is_contiguous(memory_format=torch.channels_last)


def test_images_that_do_not_fit():
    with pytest.raises(TypeError, match=r'or a list, got \(1, 2, 3, 4, 4\)'):
        PoseDataPreprocessor()({'inputs': [torch.zeros(2, 3, 4, 4)]})
    with pytest.raises(TypeError, match=r'or a list, got \(3, 4, 4\)'):
        PoseDataPreprocessor()({'inputs': torch.zeros(3, 4, 4)})
    with pytest.raises(ValueError, match='3 means for images of 1 channels'):
        PoseDataPreprocessor(mean=[1, 2, 3], std=[1, 2, 3])({'inputs': [torch.zeros(1, 4, 4)]})


def test_samples_follow_to_the_device_and_leave_the_given_ones_alone():
    given = batch((4, 6), (4, 6))
    for sample in given['data_samples']:
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, 19))
        sample.gt_fields = PixelData(heatmaps=torch.zeros(19, 2, 2))
    result = PoseDataPreprocessor(mean=[1], std=[2]).to('meta')(given)
    assert result['inputs'].is_meta
    for before, after in zip(given['data_samples'], result['data_samples'], strict=True):
        assert after.gt_instance_labels.keypoint_weights.is_meta
        assert 'gt_fields' in after
        assert after.gt_fields.heatmaps.is_meta
        assert after.gt_instances is before.gt_instances  # arrays alone: nothing to move
        assert before.metainfo == {'id': before.id}
        assert not before.gt_fields.heatmaps.is_meta


def test_waiting_for_copies_can_be_asked_for():
    for given in (False, None, True):  # MMPose's default, and what configs may say
        result = PoseDataPreprocessor(non_blocking=given)(batch((4, 4)))
        assert result['inputs'].unique().tolist() == [1, 2, 3]
