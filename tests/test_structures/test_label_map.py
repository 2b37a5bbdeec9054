"""Maps of labels: what they undo, what they need, and how they are stored."""

import numpy as np
import pytest

from mmpose_lite.structures.keypoint import LabelMap, fit_label_map

FLIPS = [1, 0, 2]


def faces(count, noise=0.0):
    """Predictions, and annotations that lie elsewhere by a fixed map and a little noise."""
    rng = np.random.default_rng(0)
    predicted = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.7]]) + rng.normal(0, 0.05, (count, 3, 2))
    annotated = predicted + np.array([[0.02, 0.01], [-0.02, 0.01], [0.0, -0.03]])
    annotated[:, 2, 1] += 0.2 * (predicted[:, 2, 1] - 0.7)
    return predicted, annotated + rng.normal(0, noise, annotated.shape)


def test_a_fixed_shift_and_stretch_are_found():
    predicted, annotated = faces(30)
    found, held_out = fit_label_map(predicted, annotated, FLIPS)
    np.testing.assert_allclose(found.apply(predicted), annotated, atol=1e-3)
    np.testing.assert_allclose(held_out, annotated, atol=2e-3)


def test_faces_left_out_are_predicted_worse_than_those_of_the_fit():
    predicted, annotated = faces(12, noise=0.02)
    found, held_out = fit_label_map(predicted, annotated)
    fitted = np.abs(found.apply(predicted) - annotated).mean()
    assert fitted < np.abs(held_out - annotated).mean() < np.abs(predicted - annotated).mean()


def test_map_of_mirrored_faces_is_the_mirrored_map():
    predicted, annotated = faces(20, noise=0.01)
    found, _ = fit_label_map(predicted, annotated, FLIPS)
    mirrored = predicted[:, FLIPS] * [-1, 1] + [1, 0]
    there = found.apply(mirrored)
    np.testing.assert_allclose(there[:, FLIPS] * [-1, 1] + [1, 0], found.apply(predicted))


def test_one_face_is_too_few():
    predicted, annotated = faces(1)
    with pytest.raises(ValueError, match='two faces at least, and there are 1'):
        fit_label_map(predicted, annotated)


def test_stored_map_is_the_same():
    found, _ = fit_label_map(*faces(8))
    again = LabelMap.from_plain(found.to_plain())
    np.testing.assert_array_equal(again.weight, found.weight)
    np.testing.assert_array_equal(again.offset, found.offset)


@pytest.mark.parametrize(
    'content',
    [
        None,
        {'weight': [[1.0]]},
        {'weight': [[1.0, 2.0]], 'offset': [1.0]},
        {'weight': [[float('nan')]], 'offset': [0.0]},
        {'weight': 1.0, 'offset': 2.0},
    ],
)
def test_anything_else_is_refused(content):
    with pytest.raises(ValueError, match='its label_map is n'):
        LabelMap.from_plain(content)
