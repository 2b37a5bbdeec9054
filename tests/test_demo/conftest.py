"""Fixtures of the tests of the page that finds points."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for the helpers here

from made_model import write_model

from mmpose_lite.demo import BrowserRuntime
from mmpose_lite.demo.browser_runtime import FILES


@pytest.fixture(scope='session')
def model_file(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model') / 'made.onnx')


@pytest.fixture
def no_runtime():
    """Files that are none of onnxruntime-web, for tests that run nothing."""
    return BrowserRuntime('0', {name: name.encode() for name in FILES})
