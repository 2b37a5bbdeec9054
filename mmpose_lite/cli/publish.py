"""Making a checkpoint ready for other people."""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmpose_lite.errors import InputError, MissingKeyError
from mmpose_lite.utils.files import replacing, sha256
from mmpose_lite.utils.paths import (
    check_file,
    check_folder,
    check_weights,
    file_problem,
    packaged_weights,
    shown,
)
from mmpose_lite.version import __version__

from .command_line import CommandParser, errors_in_one_line, load_libraries, parse_with_one_file
from .info import describe_adaptation

if TYPE_CHECKING:
    from torch import Tensor


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite publish',
        description='Write a checkpoint to share: the weights, the description of the points, the '
        'network and the test pipeline, and nothing else. The start of its SHA-256 is part of its '
        'name, and a model card is written beside it.',
    )
    parser.add_argument('checkpoint', metavar='CKPT', help='checkpoint')
    parser.add_argument(
        '--out', metavar='DIR', help="folder to write to (default: the checkpoint's)"
    )
    parser.add_argument(
        '--name', metavar='NAME', help="start of the file name (default: the checkpoint's)"
    )
    parser.add_argument('--half', action='store_true', help='store weights in half precision')
    parser.add_argument(
        '--format', choices=('pth', 'safetensors'), default='pth', help='file format (default pth)'
    )
    parser.add_argument(
        '--dump',
        metavar='FILE',
        help='predictions of mmpose-lite test --dump: their scores go into the card',
    )
    parser.add_argument('--license', metavar='TEXT', help='licence of the weights, for the card')
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_with_one_file(make_parser(), argv, 'checkpoint')
    check_weights(args.checkpoint)
    if args.dump and (problem := file_problem(args.dump)):
        raise InputError(f'--dump {shown(args.dump)} {problem}')
    folder = Path(args.out or os.path.dirname(args.checkpoint) or '.')
    check_folder(folder)
    stem = args.name or Path(os.path.realpath(args.checkpoint)).stem
    check_file(folder / f'{stem}.md')
    load_libraries('mmpose_lite.checkpoints.loading')
    from mmpose_lite.inference.calibration import copy_calibration

    content = read_weights(args.checkpoint)
    state, meta = content['state_dict'], content['meta']
    if args.half:
        state = to_half(state, args.checkpoint)
    path = write(state, meta, folder / stem, args.format)
    card = path.with_suffix('.md')
    text = write_card(path, args, state, content.get('facts', {}))
    card.write_text(text, encoding='utf-8')
    print(f'written: {path} ({path.stat().st_size / 1e6:.1f} MB), {card}')
    if beside := copy_calibration(args.checkpoint, path):
        print(
            f'written: {path.with_name(beside.name)}, the calibration: keep it beside the weights'
        )


def read_weights(checkpoint: str) -> dict[str, Any]:
    """Read ``state_dict``, what goes with it as ``meta``, and facts of the training."""
    from mmpose_lite import checkpoints
    from mmpose_lite.checkpoints.key_mapping import weights_of

    content = checkpoints.read_checkpoint(checkpoint)
    given = content.get('meta') or {}
    meta = {'mmpose_lite': __version__, 'published_from': Path(checkpoint).name, 'iter': 0}
    # Without its map of labels, an adapted model gives the points of the weights before.
    kept = ('dataset_meta', 'input_size', 'label_map', 'adapted')
    meta |= {key: given[key] for key in kept if key in given}
    if config := _config_of(checkpoint):
        meta['cfg'] = config
    trained = given.get('trained_with') or {}
    facts = {
        'epoch': given.get('epoch'),
        'iter': given.get('iter'),
        'seed': given.get('seed'),
        'trained by': given.get('mmpose_lite') and f'mmpose_lite {given["mmpose_lite"]}',
        'commit': given.get('commit'),
        'optimizer': ', '.join(trained.get('optimizer') or []),
        **{f'training {key}': value for key, value in (trained.get('data') or {}).items()},
        'adapted': describe_adaptation(given.get('adapted')),
    }
    facts = {key: value for key, value in facts.items() if value not in (None, '')}
    return {'state_dict': dict(weights_of(content)), 'meta': meta, 'facts': facts}


def _config_of(checkpoint: str) -> str | None:
    """The text of what a prediction needs of the checkpoint's config."""
    from mmpose_lite.apis import load_config
    from mmpose_lite.checkpoints import read_config_of
    from mmpose_lite.inference.models import inference_config
    from mmpose_lite.utils.config_text import config_text

    if checkpoint in packaged_weights():  # their config has the same name
        return config_text(inference_config(load_config(checkpoint).to_dict()))
    try:
        values = read_config_of(checkpoint)
    except InputError as error:
        print(f'The config is left out: {error}')
        return None
    return config_text(inference_config(values)) if values and 'model' in values else None


def to_half(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Round the fractions of a state dict to half precision; loading widens them again.

    Raises:
        InputError: If a number is beyond the range of half precision.
    """
    import torch

    small = {key: each.half() if each.is_floating_point() else each for key, each in state.items()}
    beyond = [
        key
        for key, each in small.items()
        if each.dtype == torch.float16 and not torch.isfinite(each).all()
    ]
    if beyond:
        raise InputError(f"checkpoint '{name}': {beyond[0]} has numbers beyond half precision")
    return small


def write(state: dict[str, Tensor], meta: dict[str, Any], stem: Path, form: str) -> Path:
    """Write weights under a name with their hash."""
    from mmpose_lite.checkpoints import make_plain
    from mmpose_lite.checkpoints.safetensors_files import SUFFIX, pack_safetensors
    from mmpose_lite.checkpoints.writing import publish_checkpoint

    if form == 'pth':
        tensors = {key: each.detach().clone() for key, each in state.items()}
        checkpoint = {'meta': meta, 'state_dict': tensors}
        make_plain(checkpoint)
        return Path(publish_checkpoint(checkpoint, str(stem)))
    try:
        packed = pack_safetensors(state, meta)
    except MissingKeyError as error:  # of a foreign file
        print(f'{error}: it is left out')
        packed = pack_safetensors(state, {key: meta[key] for key in meta if key != 'dataset_meta'})
    path = stem.with_name(f'{stem.name}-{hashlib.sha256(packed).hexdigest()[:8]}{SUFFIX}')
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, durable=True) as file:
        file.write(packed)
    return path


def write_card(
    path: Path, args: argparse.Namespace, state: dict[str, Tensor], facts: dict[str, Any]
) -> str:
    """Write the card of a checkpoint, in Markdown: nothing but what the files say."""
    numbers = sum(each.numel() for each in state.values())
    kinds = ', '.join(sorted({str(each.dtype).removeprefix('torch.') for each in state.values()}))
    rows = {
        'file': path.name,
        'SHA-256': sha256(path),
        'tensors': f'{len(state)}, {numbers:,} numbers ({kinds})',
        'from': Path(args.checkpoint).name,
        **facts,
        'licence': args.license or 'not stated',
    }
    lines = [f'# {path.stem}', '', '| | |', '| :-- | :-- |']
    lines += [f'| {key} | {value} |' for key, value in rows.items()]
    if args.dump:
        lines += ['', *_numbers(args.dump)]
    else:
        lines += ['', 'No test is known: `mmpose-lite publish --dump` adds the numbers of one.']
    return '\n'.join(lines) + '\n'


def _numbers(dump: str) -> list[str]:
    """The numbers of a test, with their intervals, subsets and origin."""
    from mmpose_lite.reporting import read_dump
    from mmpose_lite.reporting.run_errors import RunErrors
    from mmpose_lite.reporting.summary import summarise

    report = summarise([RunErrors(read_dump(dump))])
    (entry,) = report['runs']
    title = entry['normalisers'][entry['primary']]['title']
    level = f'{report["intervals"]["level"]:.0%}'
    lines = [
        '## Test',
        '',
        f'NME, divided by: {title}.',
        '',
        f'| set | faces | points | NME | {level} interval |',
        '| :-- | --: | --: | --: | :-- |',
    ]
    for subset, scores in entry['scores'][entry['primary']].items():
        interval = scores['interval']['pooled']
        known = interval is not None and None not in interval
        span = f'{_percent(interval[0])} to {_percent(interval[1])}' if known and interval else '-'
        counts = f'{scores["faces"]} | {scores["points"]}'
        lines.append(f'| {subset} | {counts} | {_percent(scores["pooled"])} | {span} |')
    origin = entry['provenance']
    data = [f'{each["file"]} ({(each["sha256"] or "?")[:8]})' for each in origin.get('data') or []]
    facts = {
        'config': origin.get('config'),
        'flip test': {True: 'on', False: 'off'}.get(origin.get('flip_test') or False),
        'data': ', '.join(Path(each).name if '/' in each else each for each in data),
        'device': origin.get('device'),
        'date': origin.get('date'),
    }
    lines += ['', '| | |', '| :-- | :-- |']
    lines += [f'| {key} | {value} |' for key, value in facts.items() if value]
    return [*lines, *entry['left_out']]


def _percent(value: float | None) -> str:
    return '-' if value is None else f'{100 * value:.3f} %'
