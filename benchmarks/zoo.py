"""The table of docs/model_zoo.md: python benchmarks/zoo.py [--help]."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.report import markdown_table, number, write_between
from mmpose_lite.apis import init_model
from mmpose_lite.models.utils.fold_norms import fold_norms

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs' / 'face_2d_keypoint'
PAGE = ROOT / 'docs' / 'model_zoo.md'
REFERENCE = 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256'
HEADER = ('Config', 'Network', 'Points', 'Parameters', 'GMACs', 'Time', "MMPose's NME, %")
# A row of a model's page: the name and the config, then what was published.
_ROW = re.compile(r'^\| \[(?P<name>[^\]]+)\]\((?P<config>[^)]+)\) \|(?P<cells>.*)\|$', re.MULTILINE)
_NUMBER = re.compile(r'^\d+\.\d+$')


class Published(NamedTuple):
    """A config with a number of MMPose's: its file, network, page, and NME in percent."""

    config: Path
    network: str
    page: Path
    errors: tuple[str, ...]


class Size(NamedTuple):
    """The points of a network, its parameters, and the multiplications for one face."""

    points: int
    parameters: int
    macs: float


def published() -> list[Published]:
    """The configs that the models' pages list, with the numbers there."""
    found = []
    for page in sorted(CONFIGS.rglob('*.md')):
        for row in _ROW.finditer(page.read_text(encoding='utf-8')):
            cells = [cell.strip() for cell in row['cells'].split('|')]
            errors = tuple(filter(_NUMBER.match, cells))
            config = (page.parent / row['config']).resolve()
            found.append(Published(config, row['name'], page, errors))
    return found


def load(config: Path) -> Any:
    """The network of a config, as it predicts on a CPU."""
    model = init_model(config, device='cpu').eval()
    fold_norms(model)
    return model.to(memory_format=torch.channels_last)


def one_face(model: Any) -> torch.Tensor:
    """A normalised crop of the size that a model takes, (1, 3, H, W)."""
    width, height = model.head.decoder.input_size
    generator = torch.Generator().manual_seed(0)
    crop = torch.rand(1, 3, height, width, generator=generator)
    return crop.to(memory_format=torch.channels_last)


def measure_size(model: Any, face: torch.Tensor) -> Size:
    """Count what a network has and does, without the flip test."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        outputs = model(face, None, mode='tensor')
    del outputs
    parameters = sum(each.numel() for each in model.parameters())
    points = len(model.dataset_meta['keypoint_id2name'])
    return Size(points, parameters, counter.get_total_flops() / 2)


def measure_times(models: Sequence[Any], repeats: int) -> list[list[float]]:
    """Seconds of each network for one face, one after the other in every round."""
    faces = [one_face(model) for model in models]
    times: list[list[float]] = [[] for _ in models]
    with torch.inference_mode():
        for round_number in range(repeats + 1):  # the first is for warming up
            for model, face, seconds in zip(models, faces, times, strict=True):
                began = time.perf_counter()
                model(face, None, mode='tensor')
                if round_number:
                    seconds.append(time.perf_counter() - began)
    return times


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and write the table into the page."""
    parser = argparse.ArgumentParser(description='Measure the networks of the shipped configs.')
    parser.add_argument('--repeats', type=int, default=5, help='rounds of the timing; 0 for none')
    parser.add_argument('--print', action='store_true', help='leave the page as it is')
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    entries = published()
    models = [load(entry.config) for entry in entries]
    times = measure_times(models, args.repeats) if args.repeats else [[]] * len(models)
    reference = times[[entry.config.stem for entry in entries].index(REFERENCE)]
    rows = []
    for entry, model, seconds in zip(entries, models, times, strict=True):
        size = measure_size(model, one_face(model))
        ratios = [mine / other for mine, other in zip(seconds, reference, strict=True)]
        page = '../' + entry.page.relative_to(ROOT).as_posix()
        rows.append(
            [
                f'`{entry.config.stem}`',
                f'[{entry.network}]({page})',
                str(size.points),
                f'{size.parameters / 1e6:.1f} M',
                f'{size.macs / 1e9:.2f}',
                number(median(ratios)) if ratios else 'not measured',
                ', '.join(entry.errors),
            ]
        )
        print(*rows[-1], sep='  ', flush=True)
    if not args.print:
        write_between(PAGE, 'zoo', markdown_table(HEADER, rows, left=2))


if __name__ == '__main__':
    main()
