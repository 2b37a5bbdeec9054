"""Cores that a process may use, and the threads that follow from them; on made-up machines."""

import os
import subprocess
import sys

import pytest

from mmpose_lite.utils import threads
from mmpose_lite.utils.threads import (
    Cores,
    cpu_quota,
    find_cores,
    limit_threads,
)

NO_LIMIT = float('inf')
V1 = 'sys/fs/cgroup/cpu,cpuacct'


@pytest.fixture
def machine(tmp_path):
    """A function that writes files below a root of a file system, by path."""

    def write(**files):
        for path, text in files.items():
            place = tmp_path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(f'{text}\n')
        return tmp_path

    return write


def v1(folder, quota, period=100000):
    return {f'{folder}/cpu.cfs_quota_us': quota, f'{folder}/cpu.cfs_period_us': period}


def v2(folder, text):
    return {f'sys/fs/cgroup/{folder}/cpu.max': text}


@pytest.mark.parametrize(
    ('groups', 'files', 'quota'),
    [
        ('0::/', {}, NO_LIMIT),
        ('0::/', v2('.', '250000 100000'), 2.5),
        ('0::/', v2('.', 'max 100000'), NO_LIMIT),
        ('0::/a/b', v2('a/b', '400000 100000'), 4),
        ('0::/a/b', v2('a/b', 'max 100000') | v2('a', '50000 100000'), 0.5),
        ('0::/a/b', v2('a/b', '100000 100000') | v2('a', '800000 100000'), 1),
        ('0::/a', v2('b', '100000 100000'), NO_LIMIT),  # another group's
        ('0::/kubepods/pod1', v2('.', '300000 100000'), 3),  # the host's path, in a container
        ('4:cpu,cpuacct:/a', v1(f'{V1}/a', 150000), 1.5),
        ('4:cpu,cpuacct:/a', v1(f'{V1}/a', -1), NO_LIMIT),
        ('4:cpu,cpuacct:/a/b', v1(f'{V1}/a/b', -1) | v1(f'{V1}/a', 200000), 2),
        ('4:cpu,cpuacct:/docker/1', v1(V1, 200000, 50000), 4),
        ('1:cpu:/', v1('sys/fs/cgroup/cpu', 100000), 1),
        ('4:cpuset:/a', v1('sys/fs/cgroup/cpuset/a', 100000), NO_LIMIT),
        ('4:cpu,cpuacct:/a\n0::/', v1(f'{V1}/a', 300000), 3),
        ('4:cpu,cpuacct:/a', v1(f'{V1}/a', 'none of our business'), NO_LIMIT),
    ],
)
def test_the_smallest_quota_of_a_group_and_its_parents_counts(machine, groups, files, quota):
    root = machine(**{'proc/self/cgroup': groups}, **files)
    assert cpu_quota(root) == quota


def test_a_machine_without_control_groups_has_no_quota(tmp_path):
    assert cpu_quota(tmp_path) == NO_LIMIT


@pytest.mark.parametrize(
    ('allowed', 'quota', 'usable'),
    [(8, NO_LIMIT, 8), (8, 2.5, 2), (8, 0.5, 1), (2, 4, 2), (1, NO_LIMIT, 1)],
)
def test_usable_cores_are_those_of_affinity_and_quota(allowed, quota, usable):
    assert Cores(64, range(allowed), quota).usable == usable


def test_cores_are_described():
    assert str(Cores(64, range(8), 2.5)) == '2 of 64 (affinity to 8, a quota of 2.5)'
    assert str(Cores(2, range(2), NO_LIMIT)) == '2 of 2 (affinity to 2)'


@pytest.mark.skipif(not hasattr(os, 'sched_setaffinity'), reason='needs Linux')
def test_affinity_is_that_of_the_process(tmp_path):
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert find_cores(tmp_path).usable == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.fixture
def four_cores(monkeypatch):
    """Four cores to share."""
    monkeypatch.setattr(threads, 'find_cores', lambda root='/': Cores(8, range(4), NO_LIMIT))


@pytest.mark.usefixtures('four_cores')
@pytest.mark.parametrize(
    ('environ', 'count'),
    [
        ({}, '4'),
        ({'OMP_NUM_THREADS': '7'}, '7'),
        ({'LOCAL_WORLD_SIZE': '2'}, '2'),
        ({'LOCAL_WORLD_SIZE': '8'}, '1'),
        ({'SLURM_PROCID': '1', 'SLURM_CPUS_PER_TASK': '3'}, '3'),
        ({'SLURM_PROCID': '1', 'SLURM_CPUS_PER_TASK': '9'}, '4'),
        ({'SLURM_CPUS_PER_TASK': '3'}, '4'),  # of the job that this was started from
    ],
)
def test_threads_share_the_cores_unless_the_environment_says_otherwise(environ, count):
    limit_threads(environ=environ)
    assert environ['OMP_NUM_THREADS'] == environ['MKL_NUM_THREADS'] == count


@pytest.mark.usefixtures('four_cores')
def test_the_launcher_says_how_many_share_how_many():
    environ = {}
    limit_threads(2, 1, environ)
    assert environ['OMP_NUM_THREADS'] == '1'


@pytest.mark.usefixtures('four_cores')
def test_threads_sleep_while_they_wait_unless_the_environment_says_otherwise():
    environ = {'GOMP_SPINCOUNT': '5'}
    limit_threads(environ=environ)
    assert (environ['GOMP_SPINCOUNT'], environ['KMP_BLOCKTIME']) == ('5', '1')
    environ = {'OMP_WAIT_POLICY': 'active'}
    limit_threads(environ=environ)
    assert not environ.keys() & {'GOMP_SPINCOUNT', 'KMP_BLOCKTIME'}


@pytest.mark.usefixtures('processes')
def test_an_import_of_the_package_sets_no_threads():
    code = 'import os; import mmpose_lite.apis; print("OMP" in " ".join(os.environ))'
    without = {name: value for name, value in os.environ.items() if 'OMP' not in name}
    done = subprocess.run(
        [sys.executable, '-c', code],
        env=without,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.split()[-1] == 'False'
