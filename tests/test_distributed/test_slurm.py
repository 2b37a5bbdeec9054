"""tools/slurm_*.sh, with a stand-in for srun."""

import json
import os
import sys

import pytest

from helpers.processes import FAULTS, ROOT
from mmpose_lite.engine.distributed import first_node

PATH = f'{FAULTS}{os.pathsep}{os.environ["PATH"]}'


def words_for_srun(processes, tmp_path, tool, *arguments, **variables):
    """Return what srun is called with."""
    seen = tmp_path / 'seen'
    command = (ROOT / 'tools' / f'slurm_{tool}.sh', 'gpus', 'name', *arguments)
    done = processes.run(*command, cwd=tmp_path, PATH=PATH, SRUN_SEEN=str(seen), **variables)
    assert done.status == 0, done.printed
    return seen.read_text().splitlines()


@pytest.mark.quick('Slurm gets the arguments of a training')
def test_arguments_of_training(processes, tmp_path):
    variables = {'GPUS': '16', 'SRUN_ARGS': '--exclusive -w n1'}
    words = words_for_srun(processes, tmp_path, 'train', 'c.py', 'my run', '--amp', **variables)
    assert words == [
        '--partition=gpus', '--job-name=name', '--ntasks=16', '--ntasks-per-node=8',
        '--cpus-per-task=5', '--kill-on-bad-exit=1', '--gres=gpu:8', '--exclusive', '-w', 'n1',
        sys.executable, '-u', str(ROOT / 'tools' / 'train.py'), 'c.py', '--work-dir', 'my run',
        '--launcher', 'slurm', '--amp',
    ]  # fmt: skip


def test_arguments_of_a_test(processes, tmp_path):
    few = {'GPUS': '2', 'CPUS_PER_TASK': '3', 'GRES': '', 'PY_ARGS': '--out o.json'}
    words = words_for_srun(processes, tmp_path, 'test', 'c.py', 'a.pth', **few)
    assert words == [
        '--partition=gpus', '--job-name=name', '--ntasks=2', '--ntasks-per-node=2',
        '--cpus-per-task=3', '--kill-on-bad-exit=1', sys.executable, '-u',
        str(ROOT / 'tools' / 'test.py'), 'c.py', 'a.pth', '--launcher', 'slurm', '--out', 'o.json',
    ]  # fmt: skip


@pytest.mark.parametrize('tool', ['slurm_train', 'slurm_test', 'dist_train', 'dist_test'])
def test_too_few_arguments_show_the_usage(processes, tmp_path, tool):
    done = processes.run(ROOT / 'tools' / f'{tool}.sh', 'a', cwd=tmp_path)
    assert done.status == 2
    assert done.printed.startswith(f'usage: {ROOT / "tools" / tool}.sh ')
    assert 'CONFIG' in done.printed


NO_NUMBERS = [
    'PATH[$(touch ran)]',
    'a[$(touch ran)]',
    '$(touch ran)',
    '-1',
    '1.5',
    'two',
    '1 2',
    '9' * 30,
]
SLURM = {tool: (f'slurm_{tool}', 'gpus', 'name', 'c.py', 'x') for tool in ('train', 'test')}
DIST = {'dist_train': ('dist_train', 'c.py'), 'dist_test': ('dist_test', 'c.py', 'a.pth')}
VARIABLES = [
    *((SLURM[tool], name) for tool in SLURM for name in ('GPUS', 'GPUS_PER_NODE', 'CPUS_PER_TASK')),
    *(
        ((*command, '1'), name)
        for command in DIST.values()
        for name in ('NNODES', 'NODE_RANK', 'PORT', 'JOIN_SECONDS', 'STOP_SECONDS')
    ),
]


@pytest.mark.parametrize(('command', 'name'), VARIABLES)
def test_what_is_to_be_a_number_is_never_run(processes, tmp_path, command, name):
    tool, *arguments = command
    for value in NO_NUMBERS if name == 'GPUS' else NO_NUMBERS[:1]:
        script = ROOT / 'tools' / f'{tool}.sh'
        done = processes.run(script, *arguments, cwd=tmp_path, PATH=PATH, **{name: value})
        assert done.status == 2, done.printed
        (line,) = done.printed.splitlines()
        assert line.startswith(f'error: {name}=')
        assert line.endswith(' is not a whole number below 1000000')
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('command', DIST.values(), ids=DIST)
def test_the_number_of_processes_is_one(processes, tmp_path, command):
    tool, *arguments = command
    done = processes.run(
        ROOT / 'tools' / f'{tool}.sh', *arguments, 'PATH[$(touch ran)]', cwd=tmp_path
    )
    assert (done.status, done.printed.count('\n')) == (2, 1)
    assert 'gpus=' in done.printed
    assert not (tmp_path / 'ran').exists()


def test_two_tasks_test_without_a_gpu(processes, tmp_path, tiny_config, untrained):
    outputs = ('--out', 'numbers.json')
    command = (ROOT / 'tools' / 'slurm_test.sh', 'cpus', 'name', tiny_config, untrained, *outputs)
    done = processes.run(*command, cwd=tmp_path, PATH=PATH, GPUS='2', GRES='')
    assert done.status == 0, done.printed
    assert json.loads((tmp_path / 'numbers.json').read_text())['NME'] > 0
    assert done.printed.count('normaliser') == 1


@pytest.mark.parametrize(
    ('nodes', 'first'),
    [
        ('node7', 'node7'),
        ('gpu[003-004,7],login', 'gpu003'),
        ('a-b[12],c', 'a-b12'),
        ('r[1-2]n[05-9],x', 'r1n05'),
        ('one,two', 'one'),
    ],
)
def test_the_first_node_has_the_port(nodes, first):
    assert first_node(nodes) == first
