"""The place where jobs run: photographs, configs and a checkpoint, the same for both sides."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from mmpose_lite.apis import load_config
from mmpose_lite.registry import MODELS

from .faces import Format, Mixture, make_face_set, render
from .jobs import Job, Measurement, figures, run_watched
from .sides import ROOT, Side, our_side
from .sizes import Sizes

_RESULTS = {
    'train': 'stopwatch.json',
    'test': 'stopwatch.json',
    'loader': 'loader.json',
    'model': 'model.json',
}
CHECKPOINT = 'checkpoint.pth'
"""In ``$WORK``: random weights for tests."""


class Bench:
    """A place where jobs run.

    Args:
        folder: A folder for everything that they write; ``$WORK`` in jobs.
        sides: The sides by package.
        roots: The data sets by name.
        described: What the photographs are like.
    """

    def __init__(
        self,
        folder: Path,
        sides: Mapping[str, Side],
        roots: Mapping[str, Path],
        described: Mapping[str, dict[str, float]],
    ) -> None:
        self.folder = folder
        self.sides = sides
        self.roots = roots
        self.described = described

    def run(self, job: Job) -> Measurement:
        """Run a job in a folder of its own.

        Raises:
            JobError: If it fails; the message ends with what it printed last.
        """
        command = self.command(job)
        env = self.sides[job.side].environment(job.threads or os.cpu_count() or 1, job.gpu)
        env['PYTHON'] = sys.executable  # for dist_train.sh
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            self.sides[job.side].prepare(Path(name))
            found = run_watched(command, Path(name), env, job.watch_memory)
            notes = json.loads((Path(name) / _RESULTS[job.script]).read_text(encoding='utf-8'))
        return Measurement(self.shorten(command), figures(notes, found.pop('begun')) | found)

    def command(self, job: Job) -> list[str]:
        """The command of a job."""
        side = self.sides[job.side]
        recipe = '' if job.recipe == 'aflw' else f'_{job.recipe}'
        config = self.folder / f'{job.side}_{job.data.replace(" ", "_")}{recipe}.py'
        side.write_config(config, self.roots[job.data], job.recipe)
        command = [*side.prefix, str(side.script(job.script)), str(config)]
        if job.ranks:
            command = ['bash', str(side.script('dist_train')), str(config), str(job.ranks)]
        if job.script == 'test':
            command.append(str(self.checkpoint(job)))
        if job.script in ('loader', 'model'):
            command += [_RESULTS[job.script], '--package', job.side]
        options = ['--cfg-options', *job.options] if job.options else []
        return command + [
            each.replace('$WORK', str(self.folder)) for each in (*job.arguments, *options)
        ]

    def checkpoint(self, job: Job) -> Path:
        """The checkpoint of a test: random weights, which are made at its first use."""
        path = self.folder / (CHECKPOINT if job.recipe == 'aflw' else f'{job.recipe}.pth')
        if not path.exists():
            write_checkpoint(path, job.recipe)
        return path

    def shorten(self, command: Sequence[str]) -> str:
        """A command as one line that names no folder of this machine."""
        homes = {str(side.home): f'${side.package.upper()}' for side in self.sides.values()}
        # An interpreter first: its environment may lie in the checkout.
        names = {side.prefix[0]: 'python' for side in self.sides.values()}
        names |= {str(self.folder): '$WORK', **homes, str(ROOT): '.'}
        line = shlex.join(command)
        for path, name in names.items():
            line = line.replace(path, name)
        return line


@contextmanager
def open_bench(
    sides: Iterable[Side],
    formats: Iterable[Format | Mixture],
    sizes: Sizes,
    roots: Mapping[str, Path],
) -> Iterator[Bench]:
    """Prepare a bench in a temporary folder, which is removed in the end.

    Args:
        sides: The sides.
        formats: Photographs to make.
        sizes: How many.
        roots: Further data sets by name.
    """
    with _ending_in_order(), tempfile.TemporaryDirectory(prefix='benchmark_') as name:
        folder = Path(name)
        rendered = render(folder / 'rendered', sizes.photographs)
        data, described = dict(roots), {}
        for form in formats:
            data[form.name] = folder / 'faces' / form.name.replace(' ', '_')
            described[form.name] = make_face_set(
                rendered, data[form.name], form, sizes.train, sizes.test
            )
        write_checkpoint(folder / CHECKPOINT)
        yield Bench(folder, {side.package: side for side in sides}, data, described)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Raise SystemExit on SIGTERM: otherwise the folder stays, with gigabytes of crops."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def write_checkpoint(path: Path, recipe: str = 'aflw') -> None:
    """Write a checkpoint of random weights of a recipe.

    Its norms have met one batch: with the statistics that they start from, activations would
    vanish into numbers so small that a CPU is slow with them.
    """
    cfg = load_config(our_side().write_config(path.with_suffix('.py'), path.parent, recipe))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
            module.momentum = 1.0
    with torch.no_grad():
        model(torch.randn(2, 3, 256, 256), None, mode='tensor')
    torch.save({'meta': {}, 'state_dict': model.state_dict()}, path)
