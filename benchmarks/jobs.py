"""A measurement: a process that is started, watched to its end, and asked what it took."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from . import memory

# Looking at the memory of large processes costs them time: how often, and at most what share.
_LOOK_EVERY_S = 0.25
_LOOK_SHARE = 0.05


class JobError(RuntimeError):
    """A measured process failed."""


@dataclass(frozen=True)
class Job:
    """Work of one process; equal jobs are measured once a round.

    Attributes:
        side: Package.
        script: ``'train'``, ``'test'``, ``'loader'`` or ``'model'``.
        data: Name of the data set.
        options: Values of the config, as ``--cfg-options`` takes them.
        arguments: Further arguments of the script.
        threads: Threads of the process for arithmetic; 0: one a core.
        ranks: Processes that train together; 0: one, without a launcher.
        gpu: Whether it may see the machine's GPUs.
        watch_memory: Whether to look at its memory all the while, which slows it a little.
        recipe: Name of the config; see :data:`~.sides.RECIPES`.
    """

    side: str
    script: str
    data: str
    options: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    threads: int = 0
    ranks: int = 0
    gpu: bool = False
    watch_memory: bool = False
    recipe: str = 'aflw'


@dataclass(frozen=True)
class Measurement:
    """Result of a job: its command, without the machine's paths, and numbers by name."""

    command: str
    figures: dict[str, float]


def run_watched(
    command: Sequence[str], place: Path, env: Mapping[str, str], watch_memory: bool
) -> dict[str, float]:
    """Run a command to its end.

    Args:
        command: The command.
        place: Folder to run it in, which also gets its output.
        env: Environment variables.
        watch_memory: Whether to look at its memory.

    Returns:
        ``begun``, on the machine's monotonic clock, ``wall_s``, ``cpu_s`` of the process and all
        below it, and ``peak_mib`` if asked for: the highest memory seen of them.

    Raises:
        JobError: If it fails; the message ends with what it printed last.
    """
    log = place / 'log.txt'
    begun, busy, found = time.monotonic(), _children_cpu_s(), {}
    with log.open('w', encoding='utf-8') as out:
        process = subprocess.Popen(command, cwd=place, env=env, stdout=out, stderr=out)
        try:
            if watch_memory:
                found['peak_mib'] = _watch(process)
            process.wait()
        finally:
            process.kill()
    wall = time.monotonic() - begun
    if process.returncode:
        end = log.read_text(encoding='utf-8', errors='replace')[-2000:]
        raise JobError(f'{shlex.join(command)} ended with status {process.returncode}:\n{end}')
    return {'begun': begun, 'wall_s': wall, 'cpu_s': _children_cpu_s() - busy, **found}


def _children_cpu_s() -> float:
    """CPU time of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _watch(process: subprocess.Popen) -> float:
    """Look at a process until it ends; return the highest memory seen, in MiB."""
    peak = 0.0
    while process.poll() is None:
        begun = time.monotonic()
        peak = max(peak, memory.tree_pss_mib(process.pid))
        spent = time.monotonic() - begun
        time.sleep(max(_LOOK_EVERY_S, spent / _LOOK_SHARE))
    return peak


def figures(notes: Mapping[str, Any], begun: float) -> dict[str, float]:
    """Work out what a process noted.

    Args:
        notes: What its stopwatch, ``loader.py`` or ``model.py`` wrote.
        begun: When its command was given, on the same clock.

    Returns:
        Of a loader ``epoch_s``, ``images_per_s`` and ``images_per_cpu_s`` (of its main process
        alone); of a test ``loop_s`` and ``images_per_s``; of a training, and of a model's own
        steps, ``to_first_iteration_s``, ``parameters`` and, where iterations were timed,
        ``step_s`` (network, loss and optimizer), ``network_images_per_s`` and, with the loader,
        ``images_per_s``.
    """
    if 'seconds' in notes:
        rate, cpu_rate = (notes['images'] / notes[key] for key in ('seconds', 'cpu_seconds'))
        return {'epoch_s': notes['seconds'], 'images_per_s': rate, 'images_per_cpu_s': cpu_rate}
    if 'faces' in notes:
        loop = notes['test_done'] - notes['test_begun']
        return {'loop_s': loop, 'images_per_s': notes['faces'] / loop}
    found = {
        'to_first_iteration_s': notes['begun'][0] - begun,
        'parameters': notes['parameters'],
    }
    warmup, done = notes['warmup'], notes['done']
    if len(done) > warmup > 0:
        pairs = list(zip(notes['begun'], done, strict=True))[warmup:]
        found['step_s'] = median(end - start for start, end in pairs)
        found['network_images_per_s'] = notes['batch'] / found['step_s']
        found['images_per_s'] = len(pairs) * notes['batch'] / (done[-1] - done[warmup - 1])
    return found
