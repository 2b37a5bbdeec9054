"""Stand-ins for packages that MMPose imports and nobody calls."""

import importlib.util
import json
import sys

import pytest

from benchmarks.measure import standins

MISSING = ('no_such_package', 'no_such_package.part')


@pytest.fixture
def installed(monkeypatch):
    """Name what was replaced: of a missing package and of one that is there."""
    monkeypatch.setattr(standins, 'OPTIONAL', (*MISSING, 'json'))
    monkeypatch.setattr(sys, 'modules', dict(sys.modules))
    return standins.install()


def test_only_what_is_missing_is_stood_in_for(installed):
    assert installed == list(MISSING)
    assert importlib.import_module('json') is json


def test_a_stand_in_has_every_name_and_refuses_calls(installed):
    part = importlib.import_module('no_such_package.part')
    assert isinstance(part.anything, type)
    with pytest.raises(RuntimeError, match=r'no_such_package\.part\.anything is a stand-in'):
        part.anything(1)
    assert not hasattr(part, '__wrapped__')


def test_a_stand_in_does_not_pass_for_an_installed_package(installed):
    # How mmengine asks whether mmcv has its operators.
    assert importlib.util.find_spec('no_such_package.part').loader is None


def test_pkg_resources_finds_no_distribution():
    module = standins.NoDistributions('pkg_resources')
    with pytest.raises(module.DistributionNotFound):
        module.get_distribution('torch')
