"""Fixtures of the tests of reports."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for the helpers here

from example_metrics import example_metrics
from page_reader import page_of


@pytest.fixture(scope='module')
def metrics():
    """The numbers of a report on two runs."""
    return example_metrics(2)


@pytest.fixture(scope='module')
def page(metrics):
    return page_of(metrics)
