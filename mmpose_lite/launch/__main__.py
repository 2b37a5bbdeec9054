"""``python -m mmpose_lite.launch``: run a script in several processes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from mmpose_lite.utils import collector_at_rest

from .launcher import Launcher
from .network import choose_interface

_LOCAL = '127.0.0.1'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; names and defaults are torchrun's where it has them."""
    parser = argparse.ArgumentParser(
        prog='launch',
        description='Run a script in several processes; when one of them ends, so do all.',
    )
    numbers = {
        'nproc_per_node': (1, 'processes of this machine'),
        'nnodes': (1, 'machines'),
        'node_rank': (0, 'which one this is, from 0'),
        'master_port': (None, 'a free port of machine 0'),
        'join_seconds': (900, 'how long machines wait for each other'),
        'stop_seconds': (600, 'how long processes may save after SIGTERM or SIGINT'),
    }
    for name, (default, text) in numbers.items():
        parser.add_argument(f'--{name}', type=int, default=default, metavar='N', help=text)
    parser.add_argument('--master_addr', default=_LOCAL, help='address of machine 0')
    parser.add_argument('-m', '--module', action='store_true', help='the script is a module')
    parser.add_argument('script', help='what every process runs')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...', help='its arguments')
    args = parser.parse_args(argv)
    if args.nnodes > 1 and args.master_port is None:
        args.master_port = 29500
    if not 0 <= args.node_rank < args.nnodes:
        parser.error(f'--node_rank {args.node_rank} is not one of {args.nnodes} machines')
    if args.nproc_per_node < 1:
        parser.error(f'--nproc_per_node {args.nproc_per_node} is no number of processes')
    return args


def launch_config(args: argparse.Namespace) -> Any:
    """What torchrun's agent is told."""
    from torch.distributed.launcher.api import LaunchConfig

    from . import local_store

    shared: dict[str, Any] = {
        'min_nodes': args.nnodes,
        'max_nodes': args.nnodes,
        'nproc_per_node': args.nproc_per_node,
        'max_restarts': 0,
        'run_id': 'mmpose_lite',
    }
    if args.nnodes == 1:
        local_store.register()
        return LaunchConfig(
            **shared,
            rdzv_backend=local_store.BACKEND,
            rdzv_endpoint=f'{_LOCAL}:{args.master_port or 0}',
            local_addr=_LOCAL,
        )
    return LaunchConfig(
        **shared,
        rdzv_backend='static',
        rdzv_endpoint=f'{args.master_addr}:{args.master_port}',
        rdzv_configs={'rank': args.node_rank, 'timeout': args.join_seconds},
    )


def share_threads(count: int) -> None:
    """Share the cores out among processes without GPUs; loaders need them where there are some."""
    import torch

    cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()
    threads = 1 if torch.cuda.device_count() else max(1, (cores or 1) // count)
    os.environ.setdefault('OMP_NUM_THREADS', str(threads))
    os.environ.setdefault('MKL_NUM_THREADS', os.environ['OMP_NUM_THREADS'])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = parse_args(argv)
    choose_interface(args.master_addr if args.nnodes > 1 else None)
    with collector_at_rest():
        config = launch_config(args)
    share_threads(args.nproc_per_node)
    module = ['-m'] if args.module else []
    return Launcher(config, [*module, args.script, *args.arguments], args.stop_seconds).run()


if __name__ == '__main__':
    sys.exit(main())
