"""The rule of the markers: a quick test starts no program, but for a few that are named."""

import subprocess
import sys

import pytest


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
