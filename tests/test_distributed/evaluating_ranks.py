"""tools/test.py by several numbers of ranks; they are forked, so that imports cost but once.

Arguments: a config, a checkpoint, a folder for the numbers, and the numbers of ranks.
"""

import os
import socket
import sys
from pathlib import Path

from mmpose_lite.cli.test import main


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return taken.getsockname()[1]


def be_rank(rank: int, world: int, port: int, config: str, checkpoint: str, folder: Path) -> None:
    """Be one of the ranks of a test, to the end of this process."""
    os.environ |= {'RANK': str(rank), 'LOCAL_RANK': str(rank), 'WORLD_SIZE': str(world)}
    os.environ |= {'MASTER_ADDR': '127.0.0.1', 'MASTER_PORT': str(port), 'GLOO_SOCKET_IFNAME': 'lo'}
    outputs = ['--out', str(folder / f'{world}.json'), '--dump', str(folder / f'{world}.pkl')]
    launcher = ['--launcher', 'none' if world == 1 else 'pytorch']
    # With an even number of ranks the sampler deals some faces twice.
    launcher += ['--cfg-options', f'test_dataloader.sampler.round_up={world % 2 == 0}']
    main([config, checkpoint, *launcher, '--work-dir', str(folder / f'{world}'), *outputs])


def evaluate(world: int, config: str, checkpoint: str, folder: Path) -> None:
    """Fork the ranks and wait for them."""
    port, children = free_port(), []
    for rank in range(world):
        child = os.fork()
        if child == 0:
            be_rank(rank, world, port, config, checkpoint, folder)
            sys.stdout.flush()
            os._exit(0)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1]]
    if failed:
        sys.exit(f'{len(failed)} of {world} ranks failed')


if __name__ == '__main__':
    for number in sys.argv[4:]:
        evaluate(int(number), sys.argv[1], sys.argv[2], Path(sys.argv[3]))
