"""SimCC's labels and their decoding against MMPose's whole tables."""

import numpy as np
import pytest
import torch

from helpers.golden import table
from mmpose_lite.registry import KEYPOINT_CODECS

SETTINGS = table('zoo/settings.json')['simcc']


@pytest.fixture(scope='module')
def recorded():
    return table('zoo/codec_simcc.npz')


@pytest.fixture(params=SETTINGS)
def setting(request):
    values = {k: tuple(v) if isinstance(v, list) else v for k, v in SETTINGS[request.param].items()}
    return request.param, KEYPOINT_CODECS.build({'type': 'SimCCLabel', **values})


def test_encode_and_round_trip(recorded, setting):
    name, codec = setting
    target = codec.encode(recorded['points'], recorded['visible'])
    x, y = target['keypoint_x_labels'], target['keypoint_y_labels']
    np.testing.assert_allclose(x[..., ::8], recorded[f'{name}_x'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(y[..., ::8], recorded[f'{name}_y'], rtol=0, atol=1e-5)
    sums = np.stack([x.sum(-1), y.sum(-1), x.max(-1), y.max(-1)])
    np.testing.assert_allclose(sums, recorded[f'{name}_sums'], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(target['keypoint_weights'], recorded[f'{name}_weights'])
    lift = np.float32(1e-12) if name.startswith(('standard', 'dark')) else 0
    found, _ = codec.decode(x + lift, y + lift)
    np.testing.assert_allclose(found, recorded[f'{name}_roundtrip'], rtol=0, atol=2e-3)


def test_decode(recorded, setting):
    name, codec = setting
    x, y = (
        recorded[f'in_{axis}_{size}'] for axis, size in zip('xy', codec.simcc_size, strict=True)
    )
    found, scores = codec.decode(x, y)
    if codec.decode_visibility:
        scores, visibility = scores
        np.testing.assert_allclose(visibility, recorded[f'{name}_visibility'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found, recorded[f'{name}_decoded'], rtol=0, atol=2e-3)
    np.testing.assert_allclose(scores, recorded[f'{name}_scores'], rtol=0, atol=1e-5)
    batch = codec.decode_batch(torch.from_numpy(x)[None], torch.from_numpy(y)[None])
    np.testing.assert_array_equal(batch[0].numpy(), found)
