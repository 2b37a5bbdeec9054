"""The place where jobs run."""

import os
import signal
import tempfile

import pytest

from benchmarks import bench
from benchmarks.bench import open_bench
from benchmarks.sizes import TRIAL


def end_within(bench_folders):
    """Open a bench and send this process the signal to end."""
    with open_bench([], [], TRIAL, {}) as opened:
        assert list(bench_folders.iterdir()) == [opened.folder]
        os.kill(os.getpid(), signal.SIGTERM)


def test_a_signal_to_end_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path))
    monkeypatch.setattr(bench, 'write_checkpoint', lambda path: path.touch())
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        end_within(tmp_path)
    assert end.value.code == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())
    assert signal.getsignal(signal.SIGTERM) == before
