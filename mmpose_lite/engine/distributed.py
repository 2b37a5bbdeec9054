"""Process groups, on GPUs and without."""

from __future__ import annotations

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from mmengine.dist import init_dist

_RENDEZVOUS = ('RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'MASTER_ADDR', 'MASTER_PORT')


def init_process_group(launcher: str, backend: str = 'nccl', **dist_cfg) -> None:
    """Join the processes of a launcher into a group.

    Args:
        launcher: ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        backend: Backend on GPUs; without one it is gloo.
        dist_cfg: Further arguments of :func:`torch.distributed.init_process_group`.

    Raises:
        RuntimeError: If the launcher's environment variables are missing.
    """
    if launcher == 'pytorch':
        missing = [name for name in _RENDEZVOUS if name not in os.environ]
        if missing:
            raise RuntimeError(
                f'--launcher pytorch needs torchrun (or tools/dist_train.sh): {missing} not set'
            )
    if torch.cuda.is_available():
        init_dist(launcher, backend=backend, **dist_cfg)
        return
    if launcher != 'pytorch':
        raise RuntimeError(f"--launcher {launcher} needs a GPU; use 'pytorch' without one")
    # mmengine would choose a CUDA device here.
    if isinstance(dist_cfg.get('timeout'), int | float):
        dist_cfg['timeout'] = timedelta(seconds=dist_cfg['timeout'])
    dist.init_process_group('gloo', **dist_cfg)
