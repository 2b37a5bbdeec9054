"""Cores that a process may use, and the threads that follow from them; on made-up machines."""

import os
import subprocess
import sys

import pytest

from mmpose_lite.utils import threads
from mmpose_lite.utils.threads import (
    Cores,
    CoreTime,
    cpu_quota,
    find_cores,
    limit_threads,
    resume_threads,
    share_cores,
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


# user, nice, system, idle, iowait, irq, softirq, steal
STAT = """cpu  9 9 9 9 9 9 9 9 0 0
cpu0 {} 70000 100 5 6 20 30 9 0 0
cpu1 400 70000 100 5 6 20 30 9 0 0
cpu2 99999 0 0 0 0 0 0 0 0 0
intr 5
"""


def test_the_work_of_cores_is_that_of_all_who_do_not_yield(machine):
    ticks = os.sysconf('SC_CLK_TCK')
    now = CoreTime.now([0, 1], machine(**{'proc/stat': STAT.format(300)}))
    assert now.all == pytest.approx((300 + 400 + 2 * (100 + 20 + 30)) / ticks)
    assert now.own == pytest.approx(sum(os.times()[:4]), abs=1)


@pytest.mark.parametrize('files', [{}, {'proc/stat': 'cpu0 many'}, {'proc/stat': 'cpu0 1'}])
def test_a_system_that_does_not_tell_the_work_of_cores_is_none(machine, files):
    assert CoreTime.now([0], machine(**files)) is None


@pytest.mark.parametrize(
    ('work', 'own', 'busy'),
    [(8, 0, 2), (8, 4, 1), (4, 4, 0), (4, 5, 0), (1.9, 0, 0), (2.1, 0, 1), (5.9, 0, 1)],
)
def test_busy_cores_are_those_of_others(work, own, busy):
    begun = CoreTime(100, 50, 7)
    assert CoreTime(104, 50 + work, 7 + own).others_since(begun) == busy


@pytest.fixture
def chosen(monkeypatch):
    """A function that gives a process the threads that it chose itself beside busy cores."""
    torch = pytest.importorskip('torch')
    found = {'threads': None}
    monkeypatch.setattr(torch, 'get_num_threads', lambda: found['threads'])
    monkeypatch.setattr(torch, 'set_num_threads', lambda count: found.update(threads=count))
    monkeypatch.setattr(threads, '_at_start', CoreTime(100, 50, 7))

    def choose(count, busy, cores=None):
        found['threads'] = count
        monkeypatch.setattr(threads, '_has_shared', False)
        now = CoreTime(104, 50 + 4 * busy, 7)
        monkeypatch.setattr(CoreTime, 'now', classmethod(lambda cls, allowed: now))
        allowed = range(cores or count)
        monkeypatch.setattr(threads, 'find_cores', lambda: Cores(8, allowed, NO_LIMIT))
        return found

    return choose


@pytest.mark.parametrize(
    ('count', 'busy', 'left'),
    [(2, 0, 2), (2, 1, 1), (2, 2, 1), (2, 30, 1), (8, 1, 7), (8, 2, 7), (8, 8, 4), (1, 1, 1)],
)
def test_half_of_each_busy_core_is_left_to_those_who_keep_it_busy(chosen, count, busy, left):
    found = chosen(count, busy)
    sentence = share_cores()
    assert found['threads'] == left
    assert sentence.endswith(
        f'{left} of {count} threads are used (OMP_NUM_THREADS={count} uses all)'
        if left < count
        else ''
    )


@pytest.mark.parametrize(('busy', 'left'), [(40, 2), (62, 2), (64, 2)])
def test_a_share_of_a_machine_leaves_its_other_cores_to_those_who_keep_them_busy(
    chosen, busy, left
):
    found = chosen(2, busy, cores=64)
    assert (share_cores(), found['threads']) == ('', left)


def test_cores_are_shared_once(chosen):
    found = chosen(8, 4)
    assert share_cores().startswith('other processes keep 4 of 8 cores busy: 6 of 8 threads')
    assert (share_cores(), found['threads']) == ('', 6)


def test_threads_that_somebody_else_chose_stay(chosen, monkeypatch):
    found = chosen(2, 2)
    monkeypatch.setattr(threads, '_at_start', None)
    assert (share_cores(), found['threads']) == ('', 2)
    assert 'had 1 thread(s), and this one has 2' in resume_threads(1)
    assert found['threads'] == 2


def test_a_resumed_run_has_the_threads_of_the_first_and_says_so(chosen):
    found = chosen(2, 0)
    assert resume_threads(1).startswith('1 of 2 threads are used, as many as by the run')
    assert found['threads'] == 1
    assert 'had 4 thread(s), and this one has 1' in resume_threads(4)  # of another machine
    assert found['threads'] == 1
    assert resume_threads(1) == ''


@pytest.mark.parametrize(
    ('environ', 'watches'),
    [({}, True), ({'OMP_NUM_THREADS': '2'}, False), ({'LOCAL_WORLD_SIZE': '1'}, False)],
)
def test_only_a_process_that_chooses_by_itself_watches_the_cores(monkeypatch, environ, watches):
    for name in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'LOCAL_WORLD_SIZE', *threads._WAITING):
        monkeypatch.setenv(name, '')  # so that what is set here does not stay
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(threads, '_at_start', None)
    limit_threads()
    assert (threads._at_start is not None) == watches


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
