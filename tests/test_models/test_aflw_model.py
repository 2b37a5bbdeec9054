"""The AFLW model against numbers of MMPose 1.3.2, on the same weights and images."""

import hashlib

import numpy as np
import pytest

from helpers.golden import facts

FACTS = facts()


def test_parameters_are_those_of_a_checkpoint(aflw_model):
    shapes = {name: list(value.shape) for name, value in aflw_model.state_dict().items()}
    wanted = FACTS['state_dict']
    assert {name: shapes.get(name) for name in wanted['shapes']} == wanted['shapes']
    assert len(shapes) == wanted['count'] == 1839
    lines = sorted(f'{name} {"x".join(map(str, shape))}' for name, shape in shapes.items())
    assert hashlib.sha256('\n'.join(lines).encode()).hexdigest() == wanted['sha256']


def assert_samples(maps, samples, rel):
    """Compare cells given as (image, channel, row, column, value)."""
    found = [maps[tuple(index)] for *index, _ in samples]
    wanted = np.array([value for *_, value in samples])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=rel * np.abs(maps).max())


def test_inputs_are_normalised_rgb(aflw_forward):
    assert_samples(aflw_forward.inputs, FACTS['inputs'], rel=1e-6)


@pytest.mark.parametrize('branch', range(4))
def test_features(aflw_forward, branch):
    assert_samples(aflw_forward.features[branch], FACTS['features'][branch], rel=1e-4)


def test_heatmaps(aflw_forward):
    assert aflw_forward.heatmaps.shape == (2, 19, 64, 64)
    assert_samples(aflw_forward.heatmaps, FACTS['heatmaps'], rel=1e-4)


@pytest.mark.parametrize('name', ['pred_no_flip', 'pred_flip'])
def test_predictions_in_image_pixels(aflw_forward, name):
    np.testing.assert_allclose(getattr(aflw_forward, name), FACTS[name], rtol=0, atol=0.01)


def test_scores(aflw_forward):
    np.testing.assert_allclose(aflw_forward.scores_flip, FACTS['scores_flip'], rtol=1e-4)


def test_first_loss_of_a_training(aflw_first_loss):
    """In float32, whose sums over a thousand layers' channels may differ in the sixth digit."""
    assert aflw_first_loss == pytest.approx(FACTS['first_loss'], rel=1e-5)


@pytest.mark.parametrize('step', range(3))
def test_losses_of_training_steps(aflw_losses, step):
    assert aflw_losses[step, 0] == pytest.approx(FACTS['losses'][step], rel=1e-9)


def test_accuracies_of_training_steps(aflw_losses):
    found = aflw_losses[:, 1] * 38  # points of 2 x 19
    np.testing.assert_allclose(found, FACTS['correct_points'], rtol=0, atol=1e-4)
