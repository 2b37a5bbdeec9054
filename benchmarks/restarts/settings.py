"""Settings of the trainings that are killed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from random import Random
from typing import Any

from helpers.exact_runs import BY_ITERATION, WITH_EMA


@dataclass(frozen=True)
class Setting:
    """One kind of training.

    Attributes:
        workers: Workers of the loader of training faces.
        amp: Whether it has ``--amp``.
        ema: Whether there is a moving average of the weights.
        accumulation: Batches of one step.
        ranks: Processes.
        loop: ``'epochs'``; ``'iterations'``, epochs with checkpoints by iterations; ``'endless'``,
            iterations alone.
        keep: Checkpoints that are kept.
    """

    workers: int
    amp: bool
    ema: bool
    accumulation: int
    ranks: int
    loop: str
    keep: int

    @property
    def name(self) -> str:
        """All of it in one line."""
        return ' '.join(f'{key}={value}' for key, value in asdict(self).items())

    @property
    def save_interval(self) -> int:
        """Iterations between two checkpoints, at most."""
        return 4 if self.loop == 'epochs' else 3

    def options(self) -> dict[str, Any]:
        """Changes to the config of ``exact_runs.make_config``."""
        options: dict[str, Any] = {
            'train_dataloader__batch_size': 4 // self.ranks,
            'train_dataloader__num_workers': self.workers,
            'train_dataloader__persistent_workers': self.workers == 2,
            'default_hooks__checkpoint__max_keep_ckpts': self.keep,
            'optim_wrapper__accumulative_counts': self.accumulation,
            'launcher': 'none' if self.ranks == 1 else 'pytorch',
        }
        if self.amp:
            options['optim_wrapper__type'] = 'AmpOptimWrapper'
        if self.ema:
            options |= WITH_EMA
        if self.loop == 'endless':
            options |= BY_ITERATION
        if self.loop != 'epochs':
            options['default_hooks__checkpoint__by_epoch'] = False
        options['default_hooks__checkpoint__interval'] = 1 if self.loop == 'epochs' else 3
        return options


_EVERY = {
    'workers': (0, 1, 2),
    'amp': (False, True),
    'ema': (False, True),
    'accumulation': (1, 3),
    'ranks': (1, 2),
}


def choose(count: int, random: Random) -> list[Setting]:
    """Choose settings: every combination comes before any comes twice."""
    chosen: list[Setting] = []
    while len(chosen) < count:
        grid = [dict(zip(_EVERY, values, strict=True)) for values in product(*_EVERY.values())]
        random.shuffle(grid)
        loops = ['epochs', 'iterations', 'endless'] * len(grid)
        chosen += [
            Setting(**values, loop=loop, keep=random.choice((1, 2)))
            for values, loop in zip(grid, loops, strict=False)
        ]
    return chosen[:count]
