"""Samples and maps: fields, levels, merging and splitting."""

import json

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmpose_lite.structures import (
    MultilevelPixelData,
    PoseDataSample,
    merge_data_samples,
    revert_heatmap,
    split_instances,
)
from mmpose_lite.structures.pose_data_sample import make_element


def test_fields_of_a_sample():
    sample = PoseDataSample(metainfo={'id': 3})
    sample.gt_instances = InstanceData(keypoints=np.zeros((1, 2, 2)))
    sample.gt_fields = PixelData(heatmaps=torch.zeros(2, 4, 4))
    assert sample.id == 3
    assert sample.gt_instances.keypoints.shape == (1, 2, 2)
    del sample.gt_instances
    assert 'gt_instances' not in sample
    assert 'gt_fields' in sample.to_dict()


def test_an_element_is_made_of_fields_as_they_are():
    points, indices = np.zeros((2, 5, 2)), [1, 0]
    made = make_element(InstanceData, {'keypoints': points, 'names': ['a', 'b']})
    assert made.keypoints is points
    assert sorted(made.keys()) == ['keypoints', 'names']
    assert len(made[1:].keypoints) == 1
    sample = make_element(PoseDataSample, {}, {'flip_indices': indices})
    assert sample.flip_indices is indices
    assert sample.metainfo == {'flip_indices': [1, 0]}
    with pytest.raises(AttributeError, match='already a metainfo field'):
        sample.set_field(1, 'flip_indices')
    with pytest.raises(ValueError, match='keypoints 2, scores 3'):
        make_element(InstanceData, {'keypoints': points, 'scores': np.ones(3)})


@pytest.mark.parametrize(
    ('names', 'value'),
    [
        (('gt_instances', 'gt_instance_labels', 'pred_instances'), PixelData()),
        (('gt_fields', 'pred_fields'), InstanceData()),
    ],
)
def test_a_sample_takes_only_what_belongs_there(names, value):
    for name in names:
        with pytest.raises(AssertionError, match=type(value).__name__):
            setattr(PoseDataSample(), name, value)


@pytest.fixture
def levels():
    data = MultilevelPixelData(metainfo={'id': 3})
    data.heatmaps = [torch.ones(2, 8, 6), torch.ones(2, 4, 3)]
    return data


def test_levels(levels):
    levels.offsets = [np.zeros((4, 8, 6)), np.zeros((4, 4, 3))]
    assert levels.nlevel == 2
    assert levels.shape == ((8, 6), (4, 3))
    assert isinstance(levels[1], PixelData)
    assert levels[1].heatmaps.shape == (2, 4, 3)
    assert [maps.shape for maps in levels.offsets] == [(4, 8, 6), (4, 4, 3)]
    assert levels.id == 3
    assert sorted(levels.keys()) == ['heatmaps', 'offsets']
    del levels.offsets
    assert 'offsets' not in levels
    assert 'offsets' not in levels[0]


def test_levels_are_converted_together(levels):
    as_float64 = levels.to(torch.float64)
    assert [maps.dtype for maps in as_float64.heatmaps] == [torch.float64] * 2
    assert levels[0].heatmaps.dtype == torch.float32
    as_arrays = levels.numpy()
    assert all(isinstance(maps, np.ndarray) for maps in as_arrays.heatmaps)
    back = as_arrays.to_tensor()
    assert all(isinstance(maps, torch.Tensor) for maps in back.heatmaps)
    assert (back.nlevel, back.id) == (2, 3)
    learning = MultilevelPixelData(heatmaps=[torch.ones(1, 2, 2, requires_grad=True)])
    assert not learning.detach()[0].heatmaps.requires_grad
    assert learning.cpu()[0].heatmaps.requires_grad


@pytest.mark.parametrize(
    ('value', 'error'),
    [
        ([torch.ones(2, 8, 6)], ValueError),  # one map for two levels
        ([], ValueError),
        (torch.ones(2, 8, 6), TypeError),
        ([1, 2], TypeError),
    ],
)
def test_levels_refuse(levels, value, error):
    with pytest.raises(error, match='offsets'):
        levels.offsets = value
    with pytest.raises(AttributeError, match='colors'):
        _ = levels.colors


def crop_sample(center, side, peak, points=2):
    """A face whose crop has 16x16 heatmaps with one peak, in an image of 40x60 (h, w)."""
    sample = PoseDataSample(
        metainfo={
            'ori_shape': (40, 60),
            'input_center': np.array(center, dtype=float),
            'input_scale': np.array([side, side], dtype=float),
        }
    )
    heatmaps = torch.zeros(points, 16, 16)
    heatmaps[:, peak[1], peak[0]] = 1
    sample.pred_fields = PixelData(heatmaps=heatmaps)
    sample.pred_instances = InstanceData(
        keypoints=np.full((1, points, 2), center[0]), keypoint_scores=np.ones((1, points))
    )
    sample.gt_instances = InstanceData(bboxes=np.array([[0.0, 0, side, side]]))
    return sample


def peak_of(heatmap):
    y, x = np.unravel_index(heatmap.argmax(), heatmap.shape)
    return int(x), int(y)


def test_heatmaps_go_back_to_the_image():
    """A crop of 16 px about (30, 20) begins at (22, 12): one cell is one pixel."""
    heatmaps = np.zeros((2, 16, 16), dtype=np.float32)
    heatmaps[0, 3, 5] = heatmaps[1, 15, 0] = 1
    reverted = revert_heatmap(heatmaps, np.array([30, 20]), np.array([16, 16]), (40, 60))
    assert reverted.shape == (2, 40, 60)
    assert [peak_of(layer) for layer in reverted] == [(27, 15), (22, 27)]
    assert reverted.sum() == pytest.approx(2, abs=1e-3)
    alone = revert_heatmap(heatmaps[0], np.array([30, 20]), np.array([16, 16]), (40, 60))
    np.testing.assert_array_equal(alone, reverted[0])


def test_merging():
    first, second = crop_sample((30, 20), 16, (5, 3)), crop_sample((20, 24), 32, (8, 8))
    merged = merge_data_samples([first, second])
    assert merged.pred_instances.keypoints[:, 0, 0].tolist() == [30, 20]
    assert merged.gt_instances.bboxes.shape == (2, 4)
    heatmaps = merged.pred_fields.heatmaps
    assert heatmaps.shape == (2, 40, 60)
    assert heatmaps[0, 15, 27] == pytest.approx(1, abs=1e-3)
    assert heatmaps[0, 24, 20] == pytest.approx(1, abs=1e-3)  # the centre of the second crop
    assert merged.ori_shape == (40, 60)
    assert 'gt_fields' not in merged


def test_merging_nothing_and_wrong_things():
    assert merge_data_samples([]).keys() == []
    with pytest.raises(TypeError, match='dict'):
        merge_data_samples([crop_sample((30, 20), 16, (5, 3)), {}])


def test_splitting_gives_plain_data():
    instances = InstanceData(
        keypoints=np.array([[[1.0, 2.0]], [[3.0, 4.0]]]),
        keypoint_scores=np.array([[0.5], [0.25]]),
        bboxes=np.array([[0.0, 1, 2, 3], [4, 5, 6, 7]]),
        bbox_scores=np.array([1.0, 0.5], dtype=np.float32),
    )
    rows = split_instances(instances)
    assert json.loads(json.dumps(rows)) == rows
    assert rows[1] == {
        'keypoints': [[3, 4]],
        'keypoint_scores': [0.25],
        'bbox': [4, 5, 6, 7],
        'bbox_score': 0.5,
    }
    assert split_instances(InstanceData(keypoints=np.zeros((1, 1, 2)))) == [{'keypoints': [[0, 0]]}]
