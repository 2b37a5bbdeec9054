"""Processes of a group end at once, as a thread of gloo's may abort one that goes down."""

import sys

import pytest

from helpers.processes import ROOT
from mmpose_lite.launch.rank import LAUNCHER

SCRIPT = """
import sys
import torch.distributed as dist
from mmpose_lite.cli.command_line import ending_process, errors_in_one_line
from mmpose_lite.engine.preemption import RunStopped

class Witness:
    def __del__(self):
        print('the interpreter goes down')

@errors_in_one_line
def main(argv):
    with ending_process():
        print('done')
        if argv:
            raise RunStopped(int(argv[0]))

witness = Witness()
if GROUPED:
    store = dist.FileStore(sys.argv[1], 1)
    dist.init_process_group('gloo', store=store, rank=0, world_size=1)
main(sys.argv[2:])
"""


def end(processes, tmp_path, *arguments, grouped=True, **variables):
    """Run a command that is done, or stopped with a code; return its status and lines."""
    script = SCRIPT.replace('GROUPED', str(grouped))
    command = (sys.executable, '-c', script, tmp_path / 'store', *arguments)
    done = processes.run(*command, cwd=ROOT, **variables)
    return done.status, done.printed.splitlines()


@pytest.mark.parametrize(('arguments', 'code'), [((), 0), (('143',), 143)])
def test_a_process_of_a_group_ends_at_once(processes, tmp_path, arguments, code):
    assert end(processes, tmp_path, *arguments) == (code, ['done'])


def test_a_single_process_ends_as_any_other(processes, tmp_path):
    assert end(processes, tmp_path, grouped=False) == (0, ['done', 'the interpreter goes down'])


def test_the_launcher_ends_its_processes_itself(processes, tmp_path):
    """It has to write down how they ended first."""
    status, lines = end(processes, tmp_path, **{LAUNCHER: '1'})
    assert (status, lines[0]) == (0, 'done')
    assert lines[1:] == ['the interpreter goes down']
