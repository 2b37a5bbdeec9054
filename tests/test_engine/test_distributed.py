"""Joining a group of processes."""

import pytest
import torch

from mmpose_lite.engine.distributed import init_process_group


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        monkeypatch.delenv(name, raising=False)


def test_a_launcher_that_was_not_used_is_named(monkeypatch):
    monkeypatch.setenv('RANK', '0')
    with pytest.raises(RuntimeError, match=r'torchrun.*WORLD_SIZE.*MASTER_PORT'):
        init_process_group('pytorch')


@pytest.mark.parametrize('launcher', ['slurm', 'mpi'])
def test_other_launchers_need_a_gpu(launcher):
    with pytest.raises(RuntimeError, match=f'{launcher} needs a GPU'):
        init_process_group(launcher)
