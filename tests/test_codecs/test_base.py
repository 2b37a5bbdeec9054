"""A codec of one's own defines one form of each direction, and has both."""

import numpy as np
import pytest
import torch

from mmpose_lite.codecs import BaseKeypointCodec


class InNumpy(BaseKeypointCodec):
    """MMPose's form: one face. A map of one cell holds x; a point is (x, 0)."""

    def encode(self, keypoints, keypoints_visible=None):
        return {
            'heatmaps': keypoints[0, :, :1, None].astype(np.float32),
            'keypoint_weights': keypoints_visible,
        }

    def decode(self, encoded):
        points = np.concatenate([encoded[:, 0], 0 * encoded[:, 0]], axis=-1)
        return points[None], np.ones((1, len(encoded)), np.float32)


class InTorch(BaseKeypointCodec):
    """The same, batched."""

    def encode_batch(self, keypoints, keypoints_visible):
        return {'heatmaps': keypoints[..., :1, None], 'keypoint_weights': keypoints_visible}

    def decode_batch(self, encoded):
        points = torch.cat([encoded[:, :, 0], 0 * encoded[:, :, 0]], dim=-1)
        return points, torch.ones(points.shape[:2])


@pytest.mark.parametrize('kind', [InNumpy, InTorch])
def test_both_forms_are_there(kind):
    codec = kind()
    points = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    visible = np.array([[1, 0, 1], [1, 1, 1]], dtype=np.float32)
    one = codec.encode(points[1:], visible[1:])
    assert one['heatmaps'].flatten().tolist() == [6, 8, 10]
    assert one['keypoint_weights'].tolist() == [[1, 1, 1]]
    batch = codec.encode_batch(torch.from_numpy(points), torch.from_numpy(visible))
    assert batch['heatmaps'].shape == (2, 3, 1, 1)
    assert batch['keypoint_weights'].tolist() == visible.tolist()
    decoded, scores = codec.decode_batch(batch['heatmaps'])
    assert decoded[1].tolist() == [[6, 0], [8, 0], [10, 0]]
    assert scores.tolist() == [[1] * 3] * 2
    alone, _ = codec.decode(one['heatmaps'])
    assert alone.tolist() == [[[6, 0], [8, 0], [10, 0]]]
    assert codec.support_batch_decoding
    assert [face.shape for face in codec.batch_decode(batch['heatmaps'])[0]] == [(1, 3, 2)] * 2


def test_a_direction_that_is_missing_is_named():
    with pytest.raises(TypeError, match='Half must define decode or decode_batch'):
        type('Half', (BaseKeypointCodec,), {'encode': InNumpy.encode})


class TwoVectors(BaseKeypointCodec):
    """MMPose's form, of two outputs: the first of x, the other of y."""

    def encode(self, keypoints, keypoints_visible=None):
        return {
            'x': keypoints[0, :, 0],
            'y': keypoints[0, :, 1],
            'keypoint_weights': keypoints_visible,
        }

    def decode(self, x, y):
        return np.stack([x, y], axis=-1)[None], np.ones((1, len(x)), np.float32)


class TwoTensors(BaseKeypointCodec):
    """The same, batched."""

    def encode_batch(self, keypoints, keypoints_visible):
        x, y = keypoints.unbind(-1)
        return {'x': x, 'y': y, 'keypoint_weights': keypoints_visible}

    def decode_batch(self, x, y):
        return torch.stack([x, y], dim=-1), torch.ones(x.shape)


@pytest.mark.parametrize('kind', [TwoVectors, TwoTensors])
def test_both_forms_take_several_outputs(kind):
    codec = kind()
    points = torch.arange(12.0).view(2, 3, 2)
    batch = codec.encode_batch(points, torch.ones(2, 3))
    assert batch['x'].tolist() == points[..., 0].tolist()
    decoded, scores = codec.decode_batch(batch['x'], batch['y'])
    assert torch.equal(decoded, points)
    assert scores.tolist() == [[1] * 3] * 2
    alone, score = codec.decode(batch['x'][1].numpy(), batch['y'][1].numpy())
    assert alone.tolist() == points[1:].tolist()
    assert score.tolist() == [[1] * 3]
    faces, scores = codec.batch_decode(batch['x'], batch['y'])
    assert [face.tolist() for face in faces] == [points[:1].tolist(), points[1:].tolist()]
    assert [each.shape for each in scores] == [(1, 3)] * 2
