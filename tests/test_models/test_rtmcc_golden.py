"""RTMPose's head and loss against MMPose's whole tables."""

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

from helpers.golden import load_module, table
from mmpose_lite.evaluation.functional import simcc_pck_accuracy
from mmpose_lite.registry import KEYPOINT_CODECS, MODELS
from mmpose_lite.structures import PoseDataSample

SETTINGS = table('zoo/settings.json')
FLIP = SETTINGS['heads_flip']


def tuples(cfg):
    """The config with tuples for lists."""
    if isinstance(cfg, dict):
        return {key: tuples(value) for key, value in cfg.items()}
    return tuple(cfg) if isinstance(cfg, list) else cfg


@pytest.fixture(scope='module')
def seeded():
    return load_module('zoo/seeding_zoo.py').seeded_zoo_state_dict


@pytest.fixture(scope='module')
def losses():
    recorded = table('zoo/loss_kl.npz')
    codec = KEYPOINT_CODECS.build(tuples(SETTINGS['kl_codec']))
    target = codec.encode(recorded['keypoints'], recorded['visible'])
    labels = [torch.from_numpy(target[f'keypoint_{axis}_labels']) for axis in 'xy']
    return recorded, labels, torch.from_numpy(recorded['weights'])


@pytest.mark.parametrize('name', SETTINGS['kl'])
def test_loss_and_gradients(losses, name):
    recorded, labels, weights = losses
    outputs = [torch.from_numpy(recorded[f'pred_{axis}']).requires_grad_() for axis in 'xy']
    loss = MODELS.build({'type': 'KLDiscretLoss', **SETTINGS['kl'][name]})(outputs, labels, weights)
    loss.backward()
    np.testing.assert_allclose(loss.item(), recorded[f'{name}_loss'], rtol=1e-5)
    for axis, output in zip('xy', outputs, strict=True):
        wanted, found = recorded[f'{name}_grad_{axis}'], output.grad.numpy()
        points, bins = slice(None, None, 2), slice(None, None, 4)
        close = 1e-5 * np.abs(wanted).max()
        np.testing.assert_allclose(found[:, points, bins], wanted, rtol=0, atol=close)


def test_accuracy(losses):
    """Recorded for peaks near those of the labels; here they are two bins further."""
    recorded, labels, weights = losses
    outputs = [each.roll(2, dims=-1) for each in labels]
    arrays = [[each.numpy() for each in pair] for pair in (outputs, labels)]
    shares, mean, count = simcc_pck_accuracy(*arrays, 2.0, weights.numpy() > 0)
    np.testing.assert_array_equal(shares, recorded['near_acc'])
    assert (mean, count) == (recorded['near_mean'], recorded['near_n'])
    head = MODELS.build(tuples(SETTINGS['heads']['default']))
    assert head.accuracy_of(outputs, *labels, weights).item() == pytest.approx(mean)


@pytest.fixture(params=SETTINGS['heads'], scope='module')
def head(request, seeded):
    head = MODELS.build(tuples(SETTINGS['heads'][request.param]))
    state = head.state_dict()
    wanted = {name: tuple(shape) for name, shape in SETTINGS['heads_state'][request.param]}
    assert {name: tuple(value.shape) for name, value in state.items()} == wanted
    head.load_state_dict(seeded(head))
    return request.param, head.eval(), table('zoo/head_rtmcc.npz')


def samples_of(recorded):
    """One sample for each of the recorded faces."""
    samples = []
    for points, visible in zip(recorded['keypoints'], recorded['visible'], strict=True):
        sample = PoseDataSample(metainfo={'flip_indices': FLIP})
        sample.gt_instances = InstanceData(
            transformed_keypoints=points[None], keypoints_visible=visible[None]
        )
        samples.append(sample)
    return samples


def test_outputs_loss_and_gradient(head):
    name, head, recorded = head
    feats = torch.from_numpy(recorded['feats']).requires_grad_()
    outputs = head([feats])
    for axis, output in zip('xy', outputs, strict=True):
        wanted = recorded[f'{name}_{axis}']
        found = output.detach().numpy()
        found = found[..., :: found.shape[-1] // wanted.shape[-1]]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5 * np.abs(wanted).max())
    losses = head.losses_of(outputs, samples_of(recorded))
    found = [losses['loss_kpt'].item(), losses['acc_pose'].item()]
    np.testing.assert_allclose(found, recorded[f'{name}_loss'], rtol=2e-5)
    if f'{name}_grad' in recorded:
        losses['loss_kpt'].backward()
        wanted = recorded[f'{name}_grad']
        close = 2e-5 * np.abs(wanted).max()
        np.testing.assert_allclose(feats.grad.numpy()[:, ::2], wanted, rtol=0, atol=close)


def test_predictions(head):
    name, head, recorded = head
    samples = samples_of(recorded)
    images, mirrors = ([torch.from_numpy(recorded[each])] for each in ('feats', 'feats_flip'))
    with torch.no_grad():
        plain = head.predict(images, samples)
        flipped = head.predict([images, mirrors], samples, {'flip_test': True})
        both = {'flip_test': True, 'output_heatmaps': True}
        shown, fields = head.predict([images, mirrors], samples, both)

    def joined(predictions, field):
        return np.concatenate([prediction.get(field) for prediction in predictions])

    for found, wanted in ((plain, 'pred'), (flipped, 'pred_flip'), (shown, 'pred_flip')):
        wanted = recorded[f'{name}_{wanted}']
        np.testing.assert_allclose(joined(found, 'keypoints'), wanted, rtol=0, atol=0.01)
    np.testing.assert_allclose(
        joined(flipped, 'keypoint_scores'), recorded[f'{name}_scores_flip'], rtol=2e-5, atol=2e-5
    )
    labels = joined(shown, 'keypoint_x_labels')[..., ::4]
    np.testing.assert_allclose(labels, recorded[f'{name}_x_labels'], rtol=0, atol=2e-5)
    maps = np.stack([each.heatmaps.numpy() for each in fields])
    wanted = recorded[f'{name}_fields']
    maps = maps[..., :: maps.shape[-2] // wanted.shape[-2], :: maps.shape[-1] // wanted.shape[-1]]
    np.testing.assert_allclose(maps, wanted, rtol=0, atol=2e-5)
