"""The launcher, with scripts that need no torch in their processes."""

import re
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from helpers.processes import ROOT, left_behind

SCRIPT = """
import os, signal, subprocess, sys, time
rank, kind, who = int(os.environ['RANK']), sys.argv[1], int(sys.argv[2])
world, port = os.environ['WORLD_SIZE'], os.environ['MASTER_PORT']
sys.stdout.write(f'started {rank} {world} {os.getcwd()} {port}\\n')
if kind == 'wait':
    def save(number, frame):
        time.sleep(rank)  # as a rank that writes
        if rank == who: raise OSError('disk full')
        sys.stdout.write(f'saved {rank}\\n')
        sys.exit(128 + number)
    signal.signal(signal.SIGTERM, save)
    time.sleep(60)
if kind == 'import':  # as compiled code that is interrupted
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        raise ImportError('initialization failed') from None
if kind == 'stuck':
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if rank == who:
    subprocess.Popen(['sleep', '60'])  # as a loader's worker
    if kind in ('kill', 'stuck'): os.kill(os.getpid(), 9)
    if kind == 'raise': raise KeyError('key')
    if kind == 'input': sys.exit('error: no such file')
elif kind == 'raise':
    time.sleep(1)
    raise RuntimeError('[gloo/pair.cc:1] Connection closed by peer')
elif kind != 'none':
    time.sleep(60)
"""


@pytest.fixture
def command(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text(SCRIPT)
    return sys.executable, ROOT / 'tools' / 'launch.py', '--nproc_per_node', 3, script


@pytest.mark.parametrize(
    ('kind', 'status', 'line'),
    [
        pytest.param(
            *('kill', 137, 'error: rank 2 of 3 was killed by SIGKILL'),
            marks=pytest.mark.quick('a rank that dies ends the run'),
        ),
        ('stuck', 137, 'error: rank 2 of 3 was killed by SIGKILL'),
        ('raise', 1, "error: rank 2 of 3: KeyError: 'key'"),
        ('input', 1, 'error: rank 2 of 3: no such file'),
    ],
)
def test_one_end_is_the_end_of_all(processes, tmp_path, command, kind, status, line):
    mark = f'MARK={tmp_path}'
    begun = time.monotonic()
    done = processes.run(*command, kind, 2, cwd=tmp_path, MARK=str(tmp_path))
    assert time.monotonic() - begun < 30
    assert done.status == status
    assert done.printed.splitlines()[-1] == line
    assert len(re.findall(r'rank \d of 3', done.printed)) == 1
    assert left_behind(mark, patience=0.5) == []
    if kind == 'raise':  # its traceback, without the launcher's part, and nobody else's
        trace = done.printed.partition('Traceback')[2]
        assert 'script.py' in trace.splitlines()[1]
        assert 'gloo' not in trace


def test_success_is_silent_and_the_port_is_a_free_one(processes, tmp_path, command):
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        done = processes.run(*command, 'none', -1, cwd=tmp_path)
        assert done.status == 0
        lines = sorted(line.rpartition(' ')[0] for line in done.printed.splitlines())
        assert lines == [f'started {i} 3 {tmp_path}' for i in range(3)]
        port = taken.getsockname()[1]
        command = (*command[:-1], '--master_port', port, command[-1])
        done = processes.run(*command, 'none', -1, cwd=tmp_path)
    assert done.status == 1
    assert done.printed == (
        f'error: the port of 127.0.0.1:{port} is in use; PORT or --master_port names another\n'
    )


def listening(port: int) -> set[str]:
    """The addresses of this machine at which a port listens, in the kernel's hexadecimal form."""
    tables = [Path(f'/proc/net/{kind}').read_text() for kind in ('tcp', 'tcp6')]
    rows = [row.split() for table in tables for row in table.splitlines()]
    places = [row[1].split(':') for row in rows if row[3] == '0A']
    return {host for host, its_port in places if int(its_port, 16) == port}


def test_a_signal_lets_every_rank_save(processes, tmp_path, command):
    process = processes.start(*command, 'wait', -1, cwd=tmp_path)
    lines = [process.stdout.readline() for _ in range(3)]
    hosts = listening(int(lines[0].rpartition(' ')[2]))
    process.send_signal(signal.SIGTERM)
    done = processes.finish(process)
    assert hosts == {'0100007F'}  # 127.0.0.1: nobody else's business
    assert done.status == 128 + signal.SIGTERM
    assert done.printed.splitlines() == ['saved 0', 'saved 1', 'saved 2']


def test_a_failure_after_a_signal_is_told(processes, tmp_path, command):
    process = processes.start(*command, 'wait', 1, cwd=tmp_path)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    done = processes.finish(process)
    assert done.printed.splitlines()[-1] == 'error: rank 1 of 3: OSError: disk full'
    assert done.status == 1


def check_interrupted(done):
    assert done.status == 128 + signal.SIGINT, done.printed
    assert 'error:' not in done.printed.lower()  # a log also names train_error
    assert 'Traceback' not in done.printed


def catches_interrupts(pid):
    """Return True if a process is a rank whose interpreter has its handler of Ctrl-C."""
    if 'rank.py' not in Path(f'/proc/{pid}/cmdline').read_text():
        return False
    caught = re.search(r'SigCgt:\s*(\w+)', Path(f'/proc/{pid}/status').read_text())[1]
    return bool(int(caught, 16) & 1 << (signal.SIGINT - 1))


@pytest.mark.parametrize('delay', [0.0, 2.0])
def test_ctrl_c_while_ranks_import_blames_none(processes, tmp_path, tiny_config, delay):
    train = (ROOT / 'tools' / 'train.py', tiny_config, '--launcher', 'pytorch')
    launch = (sys.executable, ROOT / 'tools' / 'launch.py', '--nproc_per_node', 2)
    process = processes.start(*launch, *train, '--work-dir', tmp_path, cwd=tmp_path)
    children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
    while sum(map(catches_interrupts, children.read_text().split())) < 2:
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    check_interrupted(processes.finish(process))


def test_what_an_import_makes_of_ctrl_c_blames_none(processes, tmp_path, command):
    process = processes.start(*command, 'import', -1, cwd=tmp_path)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    check_interrupted(processes.finish(process))


def test_processes_end_with_a_launcher_that_is_killed(processes, tmp_path, command):
    mark = {'MARK': str(tmp_path), 'TMPDIR': str(tmp_path)}
    process = processes.start(*command, 'wait', -1, cwd=tmp_path, **mark)
    for _ in range(3):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    assert left_behind(f'MARK={tmp_path}', patience=2) == []


def test_modules_run_too(processes, tmp_path):
    Path(tmp_path / 'module.py').write_text('import sys; print(__name__, sys.argv[1:])')
    launch = (sys.executable, ROOT / 'tools' / 'launch.py', '-m', 'module', '--flag')
    done = processes.run(*launch, cwd=tmp_path)
    assert (done.status, done.printed) == (0, "__main__ ['--flag']\n")
