"""Measures what a checkpoint that nothing is lost by costs: python benchmarks/saving.py [--help].

The AFLW model with Adam's state is saved in turns by ``torch.save``, by ``torch.save`` with a
flush to the disk, and as runs save it: with a checksum, flushed, and moved to its place.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from benchmarks import machine
from benchmarks.report import markdown_table, write_between
from benchmarks.sides import AFLW, ROOT
from mmpose_lite.apis import load_config
from mmpose_lite.checkpoints.archive import check_footer
from mmpose_lite.checkpoints.writing import write_checkpoint
from mmpose_lite.registry import MODELS

GOAL = 2.0  # times torch.save


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--repeats', type=int, default=40, help='saves of each kind')
    parser.add_argument('--folder', type=Path, help='where to save; a temporary folder by default')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write all times')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    return parser.parse_args(argv)


def make_checkpoint() -> dict[str, Any]:
    """The AFLW model and Adam's state of it, of drawn numbers."""
    cfg = load_config(ROOT / 'configs' / AFLW, {'model.backbone.init_cfg': None})
    model = MODELS.build(cfg.model)
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimizer.step()
    state = {'state_dict': model.state_dict(), 'optimizer': optimizer.state_dict()}
    return {'meta': {'iter': 1, 'epoch': 1, 'cfg': cfg.pretty_text}, **state}


def save_plainly(checkpoint: dict[str, Any], path: str) -> None:
    """Save as torch does; the system writes it to the disk when it likes."""
    torch.save(checkpoint, path)


def save_flushed(checkpoint: dict[str, Any], path: str) -> None:
    """Save as torch does, and wait for the disk."""
    with open(path, 'wb') as file:
        torch.save(checkpoint, file)
        file.flush()
        os.fsync(file.fileno())


def save_as_runs_do(checkpoint: dict[str, Any], path: str) -> None:
    """Save as runs do."""
    write_checkpoint(checkpoint, path, resumable=True)


def check(checkpoint: dict[str, Any], path: str) -> None:
    """Read a file back, as is done before an older one is removed."""
    check_footer(path)


KINDS: dict[str, Callable[[dict[str, Any], str], None]] = {
    'torch.save': save_plainly,
    'torch.save, flushed': save_flushed,
    'as runs save': save_as_runs_do,
    'read back': check,
}


def measure(folder: Path, repeats: int) -> dict[str, Any]:
    """Time every kind of save, in turns.

    Returns:
        ``mb``, the size of a file, and ``seconds``, all times by kind.
    """
    checkpoint = make_checkpoint()
    path = str(folder / 'checkpoint.pth')
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for count in range(-1, repeats):  # the first round is for nothing
        for kind, act in KINDS.items():
            os.sync()  # or this one would wait for what the last one has left
            begun = time.perf_counter()
            act(checkpoint, path)
            if count >= 0:
                seconds[kind].append(time.perf_counter() - begun)
    return {'mb': os.path.getsize(path) / 1e6, 'seconds': seconds}


def table(found: dict[str, Any]) -> str:
    """Median and 95th percentile of each kind, and how many times torch.save that is."""
    plain = found['seconds']['torch.save']
    rows = []
    for kind, seconds in found['seconds'].items():
        ratios = _middle(seconds) / _middle(plain), _p95(seconds) / _p95(plain)
        times = (f'{1000 * each:.0f}' for each in (_middle(seconds), _p95(seconds)))
        rows.append((kind, *times, *(f'{each:.2f}' for each in ratios)))
    header = (f'{found["mb"]:.0f} MB', 'Median, ms', 'p95, ms', 'Ratio', 'Ratio of p95')
    return markdown_table(header, rows)


def _middle(values: Sequence[float]) -> float:
    return median(values)


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method='inclusive')[-1] if len(values) > 1 else values[0]


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    args = parse_args(argv)
    with tempfile.TemporaryDirectory(prefix='saving_', dir=args.folder) as name:
        found = measure(Path(name), args.repeats)
    found['date'] = datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC')
    found['commit'], found['machine'] = machine.commit(), machine.describe()
    print(table(found))
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(json.dumps(found, indent=1) + '\n', encoding='utf-8')
    if args.doc:
        write_between(args.doc, 'saving', f'{table(found)}\n\n{found["date"]}.')


if __name__ == '__main__':
    main()
