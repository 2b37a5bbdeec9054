"""A codec of one's own defines one form of each direction, and has both."""

import numpy as np
import pytest
import torch

from mmpose_lite.codecs import BaseKeypointCodec, MSRAHeatmap, SimCCLabel
from mmpose_lite.codecs.regression_label import RegressionLabel


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


def overriding(kind):
    """A codec with MMPose's forms in a subclass: labels are halved, points moved, both by faces."""

    class Own(kind):
        def encode(self, keypoints, keypoints_visible=None):
            encoded = super().encode(keypoints, keypoints_visible)
            return {name: value / 2 for name, value in encoded.items()}

        def decode(self, *encoded):
            points, scores = super().decode(*encoded)
            return points + 100, scores

    return Own


CODECS = [
    (MSRAHeatmap, {'heatmap_size': (8, 8), 'sigma': 1}),
    (RegressionLabel, {}),
    (SimCCLabel, {'sigma': 2.0}),
]


@pytest.mark.parametrize(('kind', 'settings'), CODECS)
def test_what_a_subclass_overrides_in_numpy_is_what_heads_use(kind, settings):
    codec, own = (each(input_size=(32, 32), **settings) for each in (kind, overriding(kind)))
    points = torch.tensor([[[8.0, 12.0], [20.0, 4.0]], [[16.0, 16.0], [4.0, 28.0]]])
    visible = torch.ones(2, 2)
    encoded, halved = (each.encode_batch(points, visible) for each in (codec, own))
    assert {name: value.shape for name, value in halved.items()} == {
        name: value.shape for name, value in encoded.items()
    }
    for name, value in encoded.items():
        torch.testing.assert_close(halved[name], value / 2)
        face = own.encode(points[:1].numpy(), visible[:1].numpy())[name]
        torch.testing.assert_close(torch.from_numpy(face).view_as(value[0]), value[0] / 2)
    outputs = [value for name, value in encoded.items() if name != 'keypoint_weights']
    plain, scores = codec.decode_batch(*outputs)
    moved, same = own.decode_batch(*outputs)
    torch.testing.assert_close(moved, plain + 100)
    torch.testing.assert_close(same, scores)
    alone, _ = own.decode(*(each[:1].numpy() for each in outputs))
    assert alone.reshape(2, 2).tolist() == moved[0].tolist()


class OfLabels(BaseKeypointCodec):
    """MMPose's form, whose labels have an axis of faces, and which reads visibilities in a pair."""

    label_mapping_table = {'keypoint_labels': 'keypoint_labels'}  # noqa: RUF012

    def encode(self, keypoints, keypoints_visible=None):
        return {'keypoint_labels': keypoints / 2, 'keypoint_weights': keypoints_visible}

    def decode(self, encoded):
        scores = np.ones((1, len(encoded)), np.float32)
        return encoded[None] * 2, (scores, scores / 4)


def test_labels_of_one_face_have_an_axis_of_faces():
    points = torch.arange(12.0).view(2, 3, 2)
    targets = OfLabels().encode_batch(points, torch.ones(2, 3))
    assert torch.equal(targets['keypoint_labels'], points / 2)
    decoded, scores, visible = OfLabels().decode_batch(targets['keypoint_labels'])
    assert torch.equal(decoded, points)
    assert scores.tolist() == [[1] * 3] * 2
    assert visible.tolist() == [[0.25] * 3] * 2
    labels = RegressionLabel((32, 32)).encode(points[:1].numpy())['keypoint_labels']
    assert labels.shape == (1, 3, 2)
