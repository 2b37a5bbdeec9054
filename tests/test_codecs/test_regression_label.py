"""Coordinates as shares of the input, worked out by hand; as MMPose 1.3.2 has them."""

import numpy as np
import pytest
import torch

from mmpose_lite.codecs import RegressionLabel
from mmpose_lite.registry import KEYPOINT_CODECS

CODEC = RegressionLabel(input_size=(64, 48))
# Inside; on the last pixels; beyond them to the right, at the bottom and to the left.
POINTS = np.array([[[16, 12], [63, 47], [63.5, 12], [16, 47.25], [-0.25, 12]]], np.float32)
LABELS = [[0.25, 0.25], [63 / 64, 47 / 48], [63.5 / 64, 0.25], [0.25, 47.25 / 48], [-1 / 256, 0.25]]


def test_points_outside_have_a_label_and_no_weight():
    encoded = CODEC.encode(POINTS)
    assert encoded.keys() == {'keypoint_labels', 'keypoint_weights'}
    np.testing.assert_allclose(encoded['keypoint_labels'], [LABELS], rtol=1e-6)
    assert encoded['keypoint_weights'].tolist() == [[1, 1, 0, 0, 0]]
    assert {array.dtype for array in encoded.values()} == {np.dtype(np.float32)}


def test_hidden_points_have_no_weight():
    visible = np.array([[0.5, 0.51, 1, 1, 1]], np.float32)
    assert CODEC.encode(POINTS, visible)['keypoint_weights'].tolist() == [[0, 1, 0, 0, 0]]


def test_a_batch_is_encoded_as_its_faces_are():
    points = torch.from_numpy(np.concatenate([POINTS, POINTS[:, ::-1]]).copy())
    visible = torch.tensor([[1.0, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
    batch = CODEC.encode_batch(points, visible)
    assert batch['keypoint_labels'].shape == (2, 5, 2)
    for i in range(2):
        face = CODEC.encode(points[i : i + 1].numpy(), visible[i : i + 1].numpy())
        for name, value in face.items():
            np.testing.assert_array_equal(value[0], batch[name][i].numpy())
    together = CODEC.encode(points.numpy(), visible.numpy())
    np.testing.assert_array_equal(together['keypoint_labels'], batch['keypoint_labels'].numpy())


def test_decoding_takes_it_back():
    found, scores = CODEC.decode(CODEC.encode(POINTS)['keypoint_labels'])
    np.testing.assert_allclose(found, POINTS, atol=1e-5)
    assert scores.tolist() == [[1] * 5]
    points, ones = CODEC.decode_batch(torch.tensor([[[0.5, 0.25]], [[1.0, 0.0]]]))
    assert points.tolist() == [[[32, 12]], [[64, 0]]]
    assert ones.tolist() == [[1], [1]]
    faces, _ = CODEC.batch_decode(torch.tensor([[[0.5, 0.25]], [[1.0, 0.0]]]))
    assert [face.tolist() for face in faces] == [[[[32, 12]]], [[[64, 0]]]]


def test_spreads_become_scores():
    points, scores = CODEC.decode(np.array([[[0.5, 0.25, 0.2, 0.4], [1.0, 0.0, 0.0, 0.5]]]))
    assert points.tolist() == [[[32, 12], [64, 0]]]
    np.testing.assert_allclose(scores, [[0.7, 0.75]])
    with pytest.raises(ValueError, match=r'\(1, 2, 3\) are neither 2 numbers a point nor 4'):
        CODEC.decode(np.zeros((1, 2, 3)))


def test_config():
    codec = KEYPOINT_CODECS.build({'type': 'RegressionLabel', 'input_size': (64, 48)})
    assert codec.support_batch_decoding
    # GenerateTarget tells PackPoseInputs by this table where the targets go.
    assert set(codec.label_mapping_table) == {'keypoint_labels', 'keypoint_weights'}
