"""Gaussian heatmaps against MMPose's whole tables."""

import numpy as np
import pytest

from helpers.golden import table
from mmpose_lite.codecs import MSRAHeatmap

SETTINGS = {
    's2': {'sigma': 2},
    's2_dark': {'sigma': 2, 'unbiased': True},
    's15': {'sigma': 1.5},
    's3_dark': {'sigma': 3, 'unbiased': True, 'blur_kernel_size': 17},
}


@pytest.fixture(scope='module')
def recorded():
    return table('codec_msra.npz')


@pytest.fixture(params=SETTINGS)
def setting(request):
    return request.param, MSRAHeatmap((256, 256), (64, 64), **SETTINGS[request.param])


def test_encode_and_round_trip(recorded, setting):
    name, codec = setting
    target = codec.encode(recorded['points'], recorded['visible'])
    np.testing.assert_allclose(target['heatmaps'], recorded[f'{name}_heatmaps'], atol=1e-6)
    np.testing.assert_array_equal(target['keypoint_weights'], recorded[f'{name}_weights'])
    found, _ = codec.decode(target['heatmaps'])
    np.testing.assert_allclose(found, recorded[f'{name}_roundtrip'], rtol=0, atol=1e-3)


def test_decode(recorded, setting):
    name, codec = setting
    found, scores = codec.decode(recorded['decode_input'])
    np.testing.assert_allclose(found, recorded[f'{name}_decoded'], rtol=0, atol=1e-3)
    np.testing.assert_allclose(scores, recorded[f'{name}_scores'], rtol=1e-6)
