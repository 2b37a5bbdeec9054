"""Times faces of photographs against a former commit: python benchmarks/predicting.py [--help]."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import machine
from benchmarks.bench import write_checkpoint
from benchmarks.faces import SMALL, make_face_set, render
from benchmarks.report import markdown_table, number, pair_ratios, spread, write_between
from benchmarks.sides import AFLW, ROOT
from mmpose_lite.structures.bbox import bbox_xywh2xyxy

FORMER = '4bbda7f'
"""The commit whose ``inference_topdown`` the others are divided by."""


@dataclass(frozen=True)
class Way:
    """A way to predict.

    Attributes:
        name: As :data:`benchmarks.measure.predicting.WAYS` has it.
        work: What is measured, for readers.
        goal: How many times the former commit's faces a second it is to reach.
        flags: Instructions of a CPU, one of which the goal asks for.
    """

    name: str
    work: str
    goal: float | None = None
    flags: tuple[str, ...] = ()


WAYS = (
    Way('former', f'`inference_topdown` of {FORMER}, a photograph at a time'),
    Way('topdown', '`inference_topdown`, a photograph at a time'),
    Way('landmarker', '`Landmarker`, batches of 16', goal=1.25),
    Way('amp', '`Landmarker`, `--amp`', goal=2.5, flags=('avx512_bf16', 'amx_bf16')),
)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--repeats', type=int, default=3, help='measurements of each way')
    parser.add_argument('--faces', type=int, default=48, help='timed faces of a measurement')
    parser.add_argument('--warmup', type=int, default=16, help='faces before them')
    parser.add_argument('--ways', nargs='+', choices=[way.name for way in WAYS])
    parser.add_argument('--json', type=Path, metavar='OUT', help='write all measurements here')
    parser.add_argument('--doc', type=Path, metavar='FILE', help='write the table into this file')
    return parser.parse_args(argv)


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Check a commit out into a folder that is there for the context's time."""
    with tempfile.TemporaryDirectory(prefix='benchmark_') as name:
        folder = Path(name) / 'former'
        git = ['git', '-C', str(ROOT), 'worktree']
        subprocess.run([*git, 'add', '--detach', str(folder), commit], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, 'remove', '--force', str(folder)], check=False)


def write_faces(folder: Path, count: int) -> Path:
    """Render faces, one a photograph, and write their boxes by the photographs' names."""
    root = folder / 'faces'
    make_face_set(render(folder / 'rendered', 16), root, SMALL, count, 1)
    path = root / 'annotations' / 'face_landmarks_aflw_train.json'
    content = json.loads(path.read_text(encoding='utf-8'))
    names = {image['id']: image['file_name'] for image in content['images']}
    boxes = {
        names[face['image_id']]: bbox_xywh2xyxy(np.array([face['bbox']])).tolist()
        for face in content['annotations']
    }
    (folder / 'boxes.json').write_text(json.dumps(boxes), encoding='utf-8')
    return root / 'images'


def measure(way: Way, folder: Path, former: Path, warmup: int) -> dict[str, Any]:
    """Predict all photographs in a process of its own, with one thread."""
    home = former if way.name == 'former' else ROOT
    script = ROOT / 'benchmarks' / 'measure' / 'predicting.py'
    config = home / 'configs' / AFLW
    files = [config, folder / 'weights.pth', folder / 'boxes.json', folder / 'faces' / 'images']
    out = folder / 'predicting.json'
    command = [sys.executable, script, *files, out, '--way', way.name, '--warmup', warmup]
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': str(home)}
    subprocess.run(list(map(str, command)), check=True, env=env, cwd=folder, stdout=sys.stderr)
    return json.loads(out.read_text(encoding='utf-8'))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure all ways in turns."""
    ways = [way for way in WAYS if not args.ways or way.name in args.ways]
    rates: dict[str, list[float]] = {way.name: [] for way in ways}
    results = {
        'date': datetime.now(timezone.utc).strftime('%Y-%m-%d %H:%M UTC'),
        'commit': machine.commit(),
        'machine': machine.describe(),
        'faces_per_cpu_s': rates,
        'farthest_px': {},
    }
    with checkout(FORMER) as former:
        folder = former.parent
        write_faces(folder, args.faces + args.warmup)
        write_checkpoint(folder / 'weights.pth')
        points = {}
        for count in range(args.repeats):
            for way in ways:
                notes = measure(way, folder, former, args.warmup)
                rates[way.name].append(1 / notes['cpu_s_per_face'])
                points[way.name] = np.array(notes['points'])
                label = f'{count + 1} of {args.repeats}: {way.work}'
                print(f'{label}: {rates[way.name][-1]:.2f} faces a CPU second', file=sys.stderr)
    results['farthest_px'] = {
        name: float(np.abs(found - points['former']).max())
        for name, found in points.items()
        if 'former' in points
    }
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + '\n', encoding='utf-8')
    return results


def table(results: Mapping[str, Any]) -> str:
    """Lay out faces a second, their ratios to the former commit's, and the goals."""
    rates, rows = results['faces_per_cpu_s'], []
    for way in WAYS:
        if way.name in rates:
            ratios = pair_ratios(rates[way.name], rates['former'])
            shown = spread(ratios) if way.name != 'former' else ''
            rows.append((way.work, spread(rates[way.name]), shown, *_verdict(way, ratios, results)))
    header = ('Faces, one thread', 'faces a CPU second', 'ratio', 'Goal', '')
    cpu = results['machine']
    end = (
        f'{cpu["cpu"]} ({", ".join(cpu["cpu_flags"])}); commit {results["commit"]}, '
        f'{results["date"]}.'
    )
    return f'{markdown_table(header, rows)}\n\n{end}'


def _verdict(way: Way, ratios: Sequence[float], results: Mapping[str, Any]) -> tuple[str, str]:
    if way.goal is None:
        return '', ''
    goal = f'at least {number(way.goal)}'
    if way.flags and not set(way.flags) & set(results['machine']['cpu_flags']):
        return goal, 'this CPU computes no bfloat16'
    return goal, 'reached' if median(ratios) >= way.goal else 'missed'


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, then print and write the table."""
    args = parse_args(argv)
    text = table(run(args))
    print(text)
    if args.doc:
        write_between(args.doc, 'predicting', text)


if __name__ == '__main__':
    main()
