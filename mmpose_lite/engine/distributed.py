"""Process groups, on GPUs and without, and the checked first step of DDP models."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from mmengine.dist import init_dist, is_distributed
from mmengine.optim import OptimWrapperDict
from torch import nn

from mmpose_lite.errors import InputError, first_few

# How long processes wait for one that does not answer. One that died is noticed at once, so this
# is for those that hang; what may rightly take longest is a checkpoint on a slow disk, or the
# first process's download of weights. It is what NCCL has by itself; gloo has half an hour.
TIMEOUT = 600
_DEFAULT_PORT = 29500
_NAMED = 10  # parameters that a message names

_RENDEZVOUS = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')
# By launcher: where it says what torchrun calls RANK, WORLD_SIZE and LOCAL_RANK.
_NAMES = {
    'slurm': ('SLURM_PROCID', 'SLURM_NTASKS', 'SLURM_LOCALID'),
    'mpi': ('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_RANK'),
}
_STARTERS = {'pytorch': 'torchrun (or mmpose-lite dist-train)', 'slurm': 'srun', 'mpi': 'mpirun'}


def join_processes(launcher: str, env_cfg: Mapping[str, Any]) -> None:
    """Join the processes of a launcher into a group, unless they are in one or it is ``'none'``.

    A config's ``env_cfg.dist_cfg`` has further arguments of :func:`init_process_group`.
    """
    if launcher != 'none' and not is_distributed():
        init_process_group(launcher, **env_cfg.get('dist_cfg', {}))


def init_process_group(
    launcher: str, backend: str = 'nccl', timeout: float = TIMEOUT, **dist_cfg
) -> None:
    """Join the processes of a launcher into a group.

    Args:
        launcher: ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        backend: Backend on GPUs; without one it is gloo.
        timeout: Seconds after which a process that does not answer is an error.
        dist_cfg: Further arguments of :func:`torch.distributed.init_process_group`.

    Raises:
        InputError: If the launcher's environment variables are missing, or there are fewer GPUs
            than processes.
    """
    if launcher in _NAMES:
        _adopt_environment(launcher, dist_cfg.pop('port', None))
    _require(launcher, _RENDEZVOUS)
    if torch.cuda.is_available():
        local_rank, count = int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
        if local_rank >= count:
            raise InputError(
                f'process {local_rank + 1} of this machine has no GPU: there are {count}; '
                'start fewer, or use none at all with CUDA_VISIBLE_DEVICES='
            )
        # The variables are torchrun's by now.
        init_dist('pytorch', backend=backend, timeout=timeout, **dist_cfg)
    else:
        # mmengine would choose a CUDA device here.
        dist_cfg.pop('init_backend', None)
        dist.init_process_group('gloo', timeout=timedelta(seconds=timeout), **dist_cfg)


def end_process(code: int = 0) -> None:
    """End a process that is one of a group, at once; any other one continues.

    While the interpreter goes down, a thread of gloo's may still have a tensor to release, and
    then aborts the process: now and then a run that is done would count as failed.
    """
    if not (dist.is_available() and dist.is_initialized()):
        return
    from mmpose_lite.launch.rank import LAUNCHER, leave

    if LAUNCHER not in os.environ:  # our launcher's processes end so by themselves
        leave(code)


def _require(launcher: str, names: Sequence[str]) -> None:
    """Check that a launcher has set its variables."""
    if missing := [name for name in names if name not in os.environ]:
        raise InputError(
            f'--launcher {launcher} needs {_STARTERS[launcher]}: {", ".join(missing)} not set'
        )


def _adopt_environment(launcher: str, port: int | None) -> None:
    """Say in torchrun's variables what another launcher says in its own."""
    _require(launcher, _NAMES[launcher])
    for name, its_name in zip(_RENDEZVOUS, _NAMES[launcher], strict=False):
        os.environ[name] = os.environ[its_name]
    if port is not None:
        os.environ['MASTER_PORT'] = str(port)
    os.environ.setdefault('MASTER_PORT', str(_job_port()))
    nodes = os.environ.get('SLURM_STEP_NODELIST') or os.environ.get('SLURM_NODELIST')
    if launcher == 'slurm' and nodes:
        os.environ.setdefault('MASTER_ADDR', first_node(nodes))
    elif os.environ['WORLD_SIZE'] == os.environ.get('OMPI_COMM_WORLD_LOCAL_SIZE'):
        os.environ.setdefault('MASTER_ADDR', '127.0.0.1')


def _job_port() -> int:
    """A port that two jobs on one machine do not share."""
    job = os.environ.get('SLURM_JOB_ID', '')
    return 20000 + int(job) % 20000 if job.isdigit() else _DEFAULT_PORT


def first_node(nodes: str) -> str:
    """The first name of Slurm's list of nodes: ``gpu003`` of ``gpu[003-004,7],login``."""
    head = re.match(r'(?:[^,\[]|\[[^\]]*\])*', nodes)
    return re.sub(r'\[(\w+)[^\]]*\]', r'\1', head.group() if head else nodes)


def prepare_ddp(model: Any, wrapper: Any) -> None:
    """Check the first step of a DDP model and fix its bucket order; leave other models alone.

    A rank that has parameters without a gradient leaves sums open, for which the others wait; if
    all have them, torch complains one iteration later, without names. So the optimizers look
    before their first step. With ``find_unused_parameters`` neither this nor a layout is needed.
    """
    if getattr(model, 'find_unused_parameters', True):
        return
    wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
    handles: list[Any] = []

    def look(*_: Any) -> None:
        while handles:
            handles.pop().remove()
        check_gradients(model.module)

    handles += [each.optimizer.register_step_pre_hook(look) for each in wrappers]
    settle_buckets(model)


def check_gradients(model: nn.Module) -> None:
    """Check after a backward pass that it has reached all parameters."""
    missed = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.grad is None
    ]
    if missed:
        raise InputError(
            f'{len(missed)} parameters get no gradient, for which distributed training waits: '
            f'{first_few(missed, _NAMED)}; leave them out of the model, freeze them '
            '(requires_grad=False), or set find_unused_parameters=True in the config'
        )


def settle_buckets(model: nn.parallel.DistributedDataParallel) -> None:
    """Fix the order of DDP's buckets before the first iteration instead of after it.

    After its first backward pass torch lays them out anew, by the order in which gradients came.
    Where an element lies decides in which order more than two ranks add it up, so a resumed run
    would differ from one that was never stopped, by the last bits of its first step.
    """
    module = model.module
    # From the last to the first, as in a real pass: the terms made last come first.
    terms = [each.sum() * 0 for each in module.parameters() if each.requires_grad]
    if not terms:
        return
    # A run that resumes in the middle of a step has some already; the pass would change them.
    gradients = [each.grad for each in module.parameters()]
    module.zero_grad(set_to_none=True)
    former = vars(module).get('forward')  # a compiler's, or the user's own
    module.forward = lambda: torch.stack([term.float() for term in terms]).sum()
    try:
        model().backward()
    finally:
        del module.forward
        if former is not None:
            module.forward = former
    for parameter, gradient in zip(module.parameters(), gradients, strict=True):
        parameter.grad = gradient
