"""SIGTERM and SIGINT to ``tools/train.py``: the step is saved, one line says so, a restart resumes.

The suite has one signal of each kind; ``--whole`` sends twenty at random moments.
"""

import os
import random
import re
import signal
import sys
import time
from types import SimpleNamespace

import pytest
from mmengine.hooks import Hook

from helpers import exact_runs
from helpers.exact_runs import digests, last_checkpoint, make_config
from helpers.processes import ROOT
from mmpose_lite.checkpoints.archive import read_footer
from mmpose_lite.checkpoints.latest import find_latest

WORKERS = {'train_dataloader__num_workers': 2, 'val_dataloader__num_workers': 1}
LINE = r"stopped by {} after iteration (\d+): '(.*)' is saved, and --resume continues from it"


@pytest.fixture(scope='module')
def runs(processes, tmp_path_factory):
    """A config as a file, and what it comes to undisturbed."""
    folder = tmp_path_factory.mktemp('signals')
    cfg = make_config(folder, train_cfg__max_epochs=6, default_hooks__logger__interval=1, **WORKERS)
    cfg.param_scheduler[1].end = 6
    cfg.dump(folder / 'config.py')
    found = SimpleNamespace(config=folder / 'config.py', processes=processes)
    done = processes.finish(begin(found, folder))
    assert done.status == 0, done.printed
    found.end = digests(last_checkpoint(folder / 'run'))
    return found


def begin(runs, folder, *arguments):
    command = (sys.executable, ROOT / 'tools' / 'train.py', runs.config, '--work-dir', 'run')
    return runs.processes.start(*command, *arguments, cwd=folder)


def wait_for(process, text):
    """Read what a process prints until a text comes."""
    seen = ''
    while text not in seen:
        line = process.stdout.readline()
        assert line, seen
        seen += line
    return seen


def send(process, number, group):
    if group:  # as a terminal, a scheduler or a service manager does
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)


def check_stopped(done, number, folder):
    assert done.status == 128 + number, done.printed
    said = re.findall(LINE.format(signal.Signals(number).name), done.printed)
    assert len(said) == 1, done.printed
    assert 'Traceback' not in done.printed, done.printed
    iteration, path = said[0]
    latest = find_latest(str(folder / 'run'), pytest.fail)
    assert read_footer(latest).iter == int(iteration)
    assert os.path.basename(latest) == os.path.basename(path)


def check_resumes(runs, folder):
    again = runs.processes.finish(begin(runs, folder, '--resume'))
    assert again.status == 0, again.printed
    assert digests(last_checkpoint(folder / 'run')) == runs.end


CASES = [(signal.SIGTERM, True, 'Epoch(val)'), (signal.SIGINT, False, 'Epoch(train)')]


@pytest.mark.parametrize(('number', 'group', 'moment'), CASES)
def test_a_signal_saves_the_step(number, group, moment, runs, tmp_path):
    process = begin(runs, tmp_path)
    seen = wait_for(process, moment)
    send(process, number, group)
    done = runs.processes.finish(process)
    done.printed = seen + done.printed
    check_stopped(done, number, tmp_path)
    check_resumes(runs, tmp_path)


class ImpatientHook(Hook):
    """Somebody presses Ctrl-C twice in the sixth iteration."""

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == 6:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)


def test_a_second_interrupt_ends_it_at_once(tmp_path, as_new_process):
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        exact_runs.train(make_config(tmp_path), tmp_path / 'run', hook=ImpatientHook())
    assert time.monotonic() - begun < 60
    assert find_latest(str(tmp_path / 'run'), pytest.fail).endswith('epoch_1.pth')


def test_signals_at_random_moments(runs, tmp_path, whole):
    if not whole:
        pytest.skip('a share of this is in the other tests')
    draw = random.Random(0)
    for count in range(20):
        folder = tmp_path / f'run{count}'
        folder.mkdir()
        number, group = draw.choice((signal.SIGTERM, signal.SIGINT)), draw.random() < 0.5
        process = begin(runs, folder)
        seen = wait_for(process, 'Epoch(train)')
        time.sleep(draw.uniform(0, 1.0))
        send(process, number, group)
        done = runs.processes.finish(process)
        done.printed = seen + done.printed
        check_stopped(done, number, folder)
        check_resumes(runs, folder)
