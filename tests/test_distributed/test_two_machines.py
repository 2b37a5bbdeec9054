"""Two machines, as two network namespaces of one: two addresses, two launchers."""

import re
import shutil
import subprocess

import pytest

from helpers.processes import FAULTS, ROOT, left_behind

UNSHARE = ('unshare', '--user', '--map-root-user', '--net', '--mount')
TOOLS = ('unshare', 'nsenter', 'ip')


def why_not() -> str:
    """Reason why this machine cannot be two; empty if it can."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f'needs {", ".join(missing)}'
    wire = 'ip link add wire0 type veth peer name wire1 && unshare --net true'
    tried = subprocess.run([*UNSHARE, 'sh', '-c', wire], capture_output=True, text=True)
    return '' if tried.returncode == 0 else f'no network namespaces here: {tried.stderr.strip()}'


@pytest.fixture
def machines(processes, tmp_path, faulty_config):
    """A function that trains with one rank on each machine: their statuses and outputs."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    config = faulty_config('FaultHook')

    def train(**variables):
        tool = (ROOT / 'tools' / 'dist_train.sh', config, 1, '--work-dir', 'run')
        options = ('--cfg-options', 'train_cfg.max_epochs=1')
        options += ('default_hooks.checkpoint.interval=1',)
        command = (*UNSHARE, 'sh', FAULTS / 'two_machines.sh', *tool, *options)
        done = processes.run(*command, cwd=tmp_path, MARK=str(tmp_path), **variables)
        assert done.status == 0, done.printed
        statuses = (tmp_path / 'statuses.txt').read_text().split()
        outputs = [(tmp_path / f'{name}.txt').read_text() for name in ('first', 'second')]
        return list(map(int, statuses)), outputs

    return train


def test_they_train_together_and_both_end_when_one_dies(tmp_path, machines):
    fault = {'FAULT': 'kill:validating:1', 'FAULT_AT': str(tmp_path / 'when')}
    statuses, (first, second) = machines(**fault)
    assert re.search(r'batch +4 faces \(2 processes of 2\)', first)
    assert re.search(r'Epoch\(train\) +\[1\]\[2/2\]', first)
    assert (tmp_path / 'run' / 'epoch_1.pth').is_file()
    assert statuses == [1, 137], first + second
    assert re.search(r'^error: rank 1 of 2 \(on .+\) was killed by SIGKILL$', second, re.MULTILINE)
    told = re.search(r'^error: rank 0 of 2 \(on .+\) lost its connections: .*', first, re.MULTILINE)
    assert told.group().endswith('the launcher of another machine names the cause')
    assert left_behind(f'MARK={tmp_path}') == []
