"""Processes that are measured, and the figures of what they note."""

import os
import sys

import pytest

from benchmarks import memory
from benchmarks.jobs import JobError, figures, run_watched

# Takes 100 MiB, and 150 MiB in a child, for long enough to be seen.
CHILD = 'import time; kept = bytearray(b"x") * (150 << 20); time.sleep(1.5)'
PARENT = f"""
import subprocess, sys
kept = bytearray(b'x') * (100 << 20)
subprocess.run([sys.executable, '-c', {CHILD!r}], check=True)
"""


def run(code, place, watch_memory=False):
    return run_watched([sys.executable, '-c', code], place, os.environ, watch_memory)


def test_loader_figures():
    found = figures({'images': 90, 'seconds': 4.5, 'cpu_seconds': 3.0}, begun=0)
    assert found == {'epoch_s': 4.5, 'images_per_s': 20, 'images_per_cpu_s': 30}


def test_test_figures():
    found = figures({'faces': 30, 'test_begun': 7.0, 'test_done': 9.5}, begun=1)
    assert found == {'loop_s': 2.5, 'images_per_s': 12}


def test_training_figures_leave_out_the_warmup():
    notes = {
        'batch': 8,
        'parameters': 5,
        'warmup': 1,
        'begun': [13.0, 20.0, 24.0, 27.0],
        'done': [19.0, 22.0, 25.0, 29.0],
    }
    found = figures(notes, begun=10)
    assert found['to_first_iteration_s'] == 3
    # Of 2, 1 and 2 seconds.
    assert found['step_s'] == 2
    assert found['network_images_per_s'] == 4
    # 24 images from 19 to 29, waiting for the loader included.
    assert found['images_per_s'] == pytest.approx(2.4)


def test_a_training_that_ended_at_once_has_no_rates():
    notes = {'batch': 8, 'parameters': 5, 'warmup': 0, 'begun': [12.0], 'done': []}
    assert figures(notes, begun=10) == {'to_first_iteration_s': 2, 'parameters': 5}


@pytest.mark.usefixtures('processes')
def test_a_process_that_fails_is_an_error_with_its_last_words(tmp_path):
    with pytest.raises(JobError, match=r'status 3:\nwhat it was'):
        run('import sys; print("what it was"); sys.exit(3)', tmp_path)


@pytest.mark.usefixtures('processes')
def test_memory_is_not_looked_at_unasked(tmp_path):
    assert set(run('pass', tmp_path)) == {'begun', 'wall_s', 'cpu_s'}


@pytest.mark.usefixtures('processes')
@pytest.mark.skipif(not memory.is_known(), reason="needs Linux's /proc")
def test_memory_counts_the_whole_tree(tmp_path):
    assert 250 < run(PARENT, tmp_path, watch_memory=True)['peak_mib'] < 350
