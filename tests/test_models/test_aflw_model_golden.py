"""The AFLW model against the whole tables of MMPose 1.3.2."""

import numpy as np
import pytest

from helpers.golden import table


@pytest.fixture(scope='module')
def recorded():
    return table('forward_aflw.npz')


def test_state_dict(aflw_model):
    wanted = {(n, tuple(shape), dtype) for n, shape, dtype in table('state_dict_aflw.json')}
    found = {(n, tuple(v.shape), str(v.dtype)) for n, v in aflw_model.state_dict().items()}
    assert found == wanted


def test_inputs(aflw_forward, recorded):
    np.testing.assert_allclose(aflw_forward.inputs[:, :, ::16, ::16], recorded['inputs'], atol=1e-6)


@pytest.mark.parametrize(('branch', 'stride'), [(0, 4), (1, 4), (2, 2), (3, 1)])
def test_features(aflw_forward, recorded, branch, stride):
    maps, wanted = aflw_forward.features[branch], recorded[f'feat{branch}']
    close = 1e-4 * np.abs(wanted).max()
    np.testing.assert_allclose(maps[..., ::stride, ::stride], wanted, rtol=0, atol=close)


def test_heatmaps(aflw_forward, recorded):
    wanted = recorded['heatmaps']
    close = 1e-4 * np.abs(wanted).max()
    np.testing.assert_allclose(aflw_forward.heatmaps, wanted, rtol=0, atol=close)


@pytest.mark.parametrize('name', ['pred_no_flip', 'pred_flip'])
def test_predictions(aflw_forward, recorded, name):
    np.testing.assert_allclose(getattr(aflw_forward, name), recorded[name], rtol=0, atol=0.01)


def test_first_loss(aflw_first_loss):
    """Only the first: see what :func:`conftest.aflw_losses` says of later ones in float32."""
    wanted = table('train_steps_aflw.npz')['loss_and_acc']
    np.testing.assert_allclose(aflw_first_loss, wanted[0, 0], rtol=1e-5)
