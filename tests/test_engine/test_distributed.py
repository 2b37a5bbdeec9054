"""Joining a group of processes."""

import pytest
import torch
import torch.distributed as dist

from mmpose_lite.engine import distributed
from mmpose_lite.engine.distributed import init_process_group
from mmpose_lite.errors import InputError


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    for name in ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT'):
        # What is not there when it is deleted would not be taken away again afterwards.
        monkeypatch.setenv(name, '')
        monkeypatch.delenv(name)


@pytest.fixture
def joined(monkeypatch):
    """Record what torch and mmengine are asked to join."""
    calls = []
    monkeypatch.setattr(dist, 'init_process_group', lambda *a, **kwargs: calls.append((a, kwargs)))
    monkeypatch.setattr(distributed, 'init_dist', lambda *a, **kwargs: calls.append((a, kwargs)))
    return calls


def set_variables(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def test_a_launcher_that_was_not_used_is_named(monkeypatch):
    monkeypatch.setenv('RANK', '0')
    with pytest.raises(InputError, match=r'torchrun.*WORLD_SIZE.*MASTER_PORT'):
        init_process_group('pytorch')
    with pytest.raises(InputError, match=r'slurm needs srun.*SLURM_PROCID.*SLURM_LOCALID'):
        init_process_group('slurm')
    with pytest.raises(InputError, match=r'mpi needs mpirun.*OMPI_COMM_WORLD_RANK'):
        init_process_group('mpi')


def test_slurm_says_who_and_where(monkeypatch, joined):
    slurm = {'SLURM_PROCID': '5', 'SLURM_NTASKS': '8', 'SLURM_LOCALID': '1'}
    set_variables(monkeypatch, **slurm, SLURM_JOB_ID='31234567', SLURM_NODELIST='n[07,9]')
    init_process_group('slurm')
    ((args, kwargs),) = joined
    assert args == ('gloo',)
    assert kwargs['timeout'].total_seconds() == distributed.TIMEOUT
    seen = [distributed.os.environ[name] for name in distributed._RENDEZVOUS]
    assert seen == ['5', '8', '1', 'n07', str(20000 + 31234567 % 20000)]


def test_mpi_on_one_machine_needs_no_address(monkeypatch, joined):
    place = {f'OMPI_COMM_WORLD_{name}': '2' for name in ('SIZE', 'LOCAL_SIZE')}
    ranks = {f'OMPI_COMM_WORLD_{name}': '1' for name in ('RANK', 'LOCAL_RANK')}
    set_variables(monkeypatch, **place, **ranks)
    init_process_group('mpi', timeout=7)
    assert joined[0][1]['timeout'].total_seconds() == 7
    assert distributed.os.environ['MASTER_ADDR'] == '127.0.0.1'


@pytest.mark.parametrize(('local_rank', 'gpus'), [(1, 2), (2, 2)])
def test_a_process_needs_a_gpu_of_its_own(monkeypatch, joined, local_rank, gpus):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: True)
    monkeypatch.setattr(torch.cuda, 'device_count', lambda: gpus)
    place = {'LOCAL_RANK': str(local_rank), 'MASTER_ADDR': 'a', 'MASTER_PORT': '1'}
    set_variables(monkeypatch, RANK='6', WORLD_SIZE='8', **place)
    if local_rank >= gpus:
        with pytest.raises(InputError, match='process 3 of this machine has no GPU: there are 2'):
            init_process_group('pytorch')
    else:
        init_process_group('pytorch')
        assert joined == [(('pytorch',), {'backend': 'nccl', 'timeout': distributed.TIMEOUT})]
