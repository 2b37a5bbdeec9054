"""Rules of the tests: a quick one starts no program, but for a few that are named."""

import subprocess
import sys

import pytest

from mmpose_lite.apis import load_config


def test_a_quick_test_may_start_no_program():
    with pytest.raises(pytest.fail.Exception, match='it needs `processes`'):
        subprocess.run([sys.executable, '-c', ''], check=False)


def test_a_test_with_the_fixture_is_slow(request, processes):
    assert request.node.get_closest_marker('slow')
    assert processes.run_python('print(1)') == '1\n'


def test_few_quick_tests_start_programs(request):
    promises = [
        marker.args[0]
        for item in request.session.items
        if (marker := item.get_closest_marker('quick'))
    ]
    assert len(promises) <= 12
    assert len(set(promises)) <= 9


def test_a_config_that_is_remembered_is_read_anew_when_a_base_changes(tmp_path):
    base, own = tmp_path / 'base.py', tmp_path / 'own.py'
    own.write_text("_base_ = ['base.py']\nb = {{_base_.a}}")
    for value in (1, 2):
        base.write_text(f'a = [{value}]')
        for _ in range(2):
            cfg = load_config(own)
            assert (cfg.a, cfg.b) == ([value], [value])
            cfg.a.append(0)  # it is the caller's own
