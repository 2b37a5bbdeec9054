"""Telling what is inside a checkpoint or an exported file, without running it."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmpose_lite.errors import InputError, first_few, short
from mmpose_lite.utils.paths import check_checkpoint, find_weights, is_exported, size_of_model

from .command_line import CommandParser, errors_in_one_line, load_libraries, parse_with_one_file

_NAMED = 6  # points that a line names
_NETWORK = ('backbone', 'neck', 'head')


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite info',
        description='Print what a checkpoint (.pth, .safetensors) or an exported file (.onnx, '
        '.xml, .pt2) contains, without running anything in it.',
    )
    parser.add_argument('file', help='checkpoint or exported file')
    parser.add_argument('--json', action='store_true', help='print everything as JSON')
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_with_one_file(make_parser(), argv, 'file')
    check_checkpoint(args.file)
    path = Path(find_weights(args.file))
    if is_exported(path):
        from mmpose_lite.export import read_metadata

        facts = read_metadata(path)
        rows = dict(_about_exported(facts))
    else:
        load_libraries('mmpose_lite.checkpoints.reading')
        facts = read_facts(args.file)
        rows = dict(_about_checkpoint(facts))
    rows = {'file': f'{path.name}, {size_of_model(path) / 1e6:.1f} MB', **rows}
    if args.json:
        import json

        print(json.dumps(facts, indent=1, default=str))
        return
    width = max(map(len, rows))
    for key, value in rows.items():
        print(f'{key:<{width}}  {value}')


def _about_exported(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    width, height = facts['input_size']
    flip = 'with' if facts['flip'] else 'without'
    takes = 'a photograph and boxes xyxy' if facts['input'] == 'image' else 'crops'
    yield 'takes', f'{takes}, uint8 {facts["color"].upper()}, {width}x{height} px of input'
    if facts['padding']:
        yield (
            'crops',
            f'boxes times {facts["padding"]:g}, UDP {"on" if facts["use_udp"] else "off"}',
        )
    errors = ', and the errors to expect,' if facts.get('expected_errors') else ','
    yield 'gives', f'points and scores{errors} by {facts["codec"]}, {flip} flip test'
    yield 'weights', facts['weights']
    yield 'points', f'{len(facts["points"])} of {facts["dataset"]}: {", ".join(facts["points"])}'
    for key, pairs in (('mirror pairs', facts['mirror_pairs']), ('links', facts['skeleton'])):
        yield key, ', '.join(f'{a}-{b}' for a, b in pairs) or 'none'
    yield from _about_calibration(facts.get('calibration') or {})
    yield 'checkpoint', _with_hash(facts, 'checkpoint')
    yield 'config', _with_hash(facts, 'config')
    yield 'written by', f'mmpose_lite {facts["mmpose_lite"]}'
    verified = facts.get('verified') or {}
    for error in verified.get('nme') or ():
        yield (
            f'NME, {error["name"]}',
            f'{100 * error["nme"]:.3f} % of {error["faces"]} faces, divided by '
            f'{error["normaliser"]}',
        )
    if 'tolerance' in verified:
        yield 'tolerance', f'{verified["tolerance"]:g} percentage points of NME'
    if 'points' in verified:
        found = verified['points']
        yield (
            'tried',
            f'on {found["faces"]} faces ({found["faces_of"]}) by {found["engine"]}: '
            f'{found["same"]:.2%} of the points the same, the farthest {found["largest"]:.3g} px',
        )


def _about_calibration(calibration: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, fit in (calibration.get('detectors') or {}).items():
        sides = ', '.join(f'{key} {value:.3f}' for key, value in fit['box_map'].items())
        yield f'boxes of {name}', sides
    curve = calibration.get('confidence')
    if curve:
        yield (
            'expected errors',
            f'{max(curve["expected"]):.2f} % of the box at the score {min(curve["scores"]):.3f}, '
            f'{min(curve["expected"]):.2f} % at {max(curve["scores"]):.3f}',
        )


def _with_hash(facts: dict[str, Any], key: str) -> str:
    digest = facts.get(f'{key}_sha256')
    return f'{facts[key]} (SHA-256 {digest[:16]}...)' if digest else str(facts[key])


def _about_points(dataset: str, names: Sequence[str]) -> Iterator[tuple[str, Any]]:
    yield 'points', f'{len(names)} of {dataset}: {first_few(list(names), _NAMED)}'


def read_facts(file: str) -> dict[str, Any]:
    """Read what a checkpoint says of itself, and count its tensors."""
    from mmpose_lite.checkpoints import read_checkpoint, read_config_of
    from mmpose_lite.checkpoints.key_mapping import weights_of

    content = read_checkpoint(file)
    try:
        model = (read_config_of(file) or {}).get('model') or {}
    except InputError:  # more than plain data, as of a foreign training
        model = {}
    parts_of = model if isinstance(model, dict) else {}
    state = weights_of(content)
    meta = dict(content.get('meta') or {})
    description = meta.pop('dataset_meta', None) or {}
    parts: Counter[str] = Counter()
    for key, each in state.items():
        parts[str(key).partition('.')[0]] += each.numel()
    hub = (content.get('message_hub') or {}).get('runtime_info') or {}
    return {
        'holds': [key for key in content if key not in ('state_dict', 'meta')],
        'tensors': len(state),
        'numbers': dict(parts),
        'types': sorted({str(each.dtype).removeprefix('torch.') for each in state.values()}),
        'network': {
            part: parts_of[part]['type']
            for part in _NETWORK
            if isinstance(parts_of.get(part), dict) and 'type' in parts_of[part]
        },
        'dataset': description.get('dataset_name'),
        'points': list((description.get('keypoint_id2name') or {}).values()),
        'best': {key: hub[key] for key in ('best_score', 'best_ckpt') if key in hub},
        'meta': meta,
    }


def describe_adaptation(adapted: Any) -> str:
    """Describe what ``mmpose-lite adapt`` has done to weights; empty if nothing."""
    if not adapted:
        return ''
    try:
        return (
            f'from {adapted["from"]} to {adapted["faces"]} faces: mean distance '
            f"{100 * adapted['before']:.2f} % of the box's side before, "
            f'{100 * adapted["after"]:.2f} % after, of faces left out'
        )
    except (KeyError, TypeError, ValueError):
        return f'unknown form: {short(adapted)}'


def _about_checkpoint(facts: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    numbers = facts['numbers']
    shares = ', '.join(f'{part} {count / 1e6:.2f} M' for part, count in numbers.items())
    total = sum(numbers.values()) / 1e6
    yield 'tensors', f'{facts["tensors"]}, {total:.2f} M numbers ({", ".join(facts["types"])})'
    yield 'parts', shares
    network = ', '.join(map(str, facts['network'].values()))
    yield 'config', network or 'none: commands need the config before the file'
    if facts['points']:
        yield from _about_points(facts['dataset'], facts['points'])
    meta = facts['meta']
    if 'input_size' in meta:
        yield 'input', 'x'.join(map(str, meta['input_size']))
    for key in ('epoch', 'iter', 'seed', 'time', 'mmpose_lite', 'mmengine_version'):
        if meta.get(key) is not None:
            yield key, meta[key]
    data = (meta.get('trained_with') or {}).get('data') or {}
    if data:
        yield 'trained on', ', '.join(f'{key} {value}' for key, value in data.items())
    if adapted := describe_adaptation(meta.get('adapted')):
        yield 'adapted', adapted
    if 'best_score' in facts['best']:
        yield 'best score', facts['best']['best_score']
    is_resumable = 'optimizer' in facts['holds']
    rest = f': {", ".join(facts["holds"])}' if facts['holds'] else ''
    yield 'also holds', f'{"what a run resumes from" if is_resumable else "no run"}{rest}'
