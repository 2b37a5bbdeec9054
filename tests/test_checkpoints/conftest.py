"""Helpers of these tests lie beside them: the files that they write, and how they are read."""

import sys
from pathlib import Path

import pytest

from helpers.seeding import seed_weights
from mmpose_lite.apis import load_config
from mmpose_lite.registry import MODELS

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(scope='session')
def model(tiny_config):
    """The tiny HRNet with its head; tests leave it as it is."""
    model = MODELS.build(load_config(tiny_config).model).eval()
    seed_weights(model)
    return model
