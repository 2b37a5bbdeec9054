"""Fitting of a model's boxes and scores, which prediction needs besides its weights."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from mmpose_lite import apis
from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import (
    check_apart,
    check_file,
    check_weights,
    find_config,
    find_weights,
)

from .command_line import (
    CommandParser,
    add_config_argument,
    add_options_argument,
    errors_in_one_line,
    load_libraries,
    parse_counts,
)

if TYPE_CHECKING:
    from mmengine.config import Config

    from mmpose_lite.inference.boxes import BoxMap
    from mmpose_lite.inference.calibration import Calibration, DetectorFit
    from mmpose_lite.inference.fitting import PredictedFaces

_SHOWN = 10  # missed faces that are printed


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite calibrate',
        description='Learn how to convert the boxes of a face detector to those that a model was '
        'trained on, and which error to expect at each score. predict and test use both.',
    )
    add_config_argument(parser)
    parser.add_argument(
        'checkpoint', nargs='?', help='checkpoint; without one, only the boxes are fitted'
    )
    parser.add_argument(
        '--detector',
        metavar='NAME',
        default='retinaface',
        help='face detector: retinaface (default), retinaface:SIDE for small faces (such as '
        'retinaface:1280), yunet:FILE or python:MODULE:FUNCTION',
    )
    parser.add_argument(
        '--photographs',
        type=int,
        default=500,
        metavar='N',
        help='number of training photographs to fit the boxes on (default 500)',
    )
    parser.add_argument(
        '--faces-of',
        choices=('val', 'test'),
        default='val',
        help='split to fit the expected errors on (default val)',
    )
    parser.add_argument(
        '--group',
        metavar='REGEX',
        help='regular expression whose brackets match the person in the name of an image: expected '
        'errors are then compared on people that they were not fitted on',
    )
    parser.add_argument('--device', metavar='NAME', default='auto', help="device, such as 'cuda:0'")
    parser.add_argument(
        '--out', metavar='FILE', help='file to write (default: next to the checkpoint)'
    )
    add_options_argument(parser)
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_counts(make_parser(), argv, 'photographs')
    find_config(args.config)
    if args.checkpoint:
        check_weights(args.checkpoint)
        args.checkpoint = find_weights(args.checkpoint)
    if args.out:
        check_file(args.out)
    if args.group:
        from mmpose_lite.datasets.file_names import check_group

        check_group(args.group, '--group')
    load_libraries('mmpose_lite.inference.landmarker')
    from mmpose_lite.engine.config_rewrites import files_read
    from mmpose_lite.inference.calibration import calibration_path, write_calibration
    from mmpose_lite.inference.detectors import file_of

    cfg = apis.load_config(args.config, args.cfg_options)
    if args.out:
        inputs = [cfg.filename, args.checkpoint, file_of(args.detector), *files_read(cfg)]
        check_apart('--out', [args.out], inputs)
    calibration = _earlier(args)
    box_map = _fit_boxes(cfg, args, calibration)
    if args.checkpoint:
        _fit_confidence(cfg, args, calibration, box_map)
    path = args.out or (args.checkpoint and calibration_path(args.checkpoint))
    if path:
        write_calibration(calibration, path, args.checkpoint)
        print(f'calibration written to {path}')
    else:
        print('nothing was written: name a checkpoint to write next to, or --out FILE')


def _earlier(args: argparse.Namespace) -> Calibration:
    """Read the earlier fits, of other detectors too."""
    from mmpose_lite.inference.calibration import Calibration, calibration_path, read_calibration

    path = calibration_path(args.checkpoint) if args.checkpoint else Path(args.out or '')
    if not path.is_file():
        return Calibration()
    earlier = read_calibration(path)
    if not args.checkpoint and earlier.confidence:
        print(f'expected errors of {path} are left out: name the checkpoint that they belong to')
        earlier.confidence = None
    return earlier


def _fit_boxes(cfg: Config, args: argparse.Namespace, calibration: Calibration) -> BoxMap:
    from mmpose_lite.inference import annotated, fitting, make_detector

    photographs = annotated.annotated_photographs(cfg, 'train')
    chosen = annotated.spread_evenly(photographs, args.photographs)
    detected = fitting.detect_all(make_detector(args.detector), chosen)
    try:
        fit = fitting.fit_detector(detected, chosen)
    except InputError as error:
        about = f'--detector {args.detector}, {len(chosen)} photographs'
        raise InputError(f'{about}: {error}') from None
    calibration.add(args.detector, fit)
    calibration.points_map = fitting.fit_points(photographs)
    print(*_about_boxes(args.detector, fit), sep='\n')
    return fit.box_map


def _about_boxes(name: str, fit: DetectorFit) -> Iterator[str]:
    """Say how a detector's boxes lie beside the true ones."""
    box = fit.box_map
    yield (
        f'{name}: to match the annotated boxes, its boxes are shifted by {box.dx:+.3f} to the '
        f'right and {box.dy:+.3f} down, in box sizes, and scaled by {box.scale:.3f} (width / '
        f'height {box.aspect:.2f})'
    )
    yield (
        f'spread between faces: shift {box.sd_dx:.3f} and {box.sd_dy:.3f}, scale '
        f'{box.sd_scale:.1%}; {box.faces} faces'
    )
    yield (
        f'recall {fit.recall:.4f} on {fit.photographs} photographs; median overlap (IoU) of '
        f'converted and annotated boxes {fit.overlap:.3f}'
    )
    for path, face in fit.missed[:_SHOWN]:
        yield f'  missed: face {face} of {path}'
    if len(fit.missed) > _SHOWN:
        yield f'  and {len(fit.missed) - _SHOWN} more, which the calibration lists'


def _fit_confidence(
    cfg: Config, args: argparse.Namespace, calibration: Calibration, box_map: BoxMap
) -> None:
    from mmpose_lite.datasets.file_names import find_group
    from mmpose_lite.inference import Landmarker, annotated, confidence, fitting, make_detector

    model = apis.init_model(deepcopy(cfg), args.checkpoint, args.device)
    landmarker = Landmarker(model, detector=args.detector)
    photographs = annotated.annotated_photographs(cfg, args.faces_of)
    groups = {each.path: each.path for each in photographs}
    if args.group:
        groups = {path: find_group(args.group, Path(path).name, '--group') for path in groups}
    found = fitting.detect_all(make_detector(args.detector), photographs)
    mapped = [box_map(boxes) for boxes in found]
    faces = fitting.predict_faces(landmarker, photographs, mapped)
    calibration.confidence = confidence.fit_confidence(faces.scores, faces.errors, faces.seen)
    print(*_about_confidence(faces, args.faces_of, groups), sep='\n')


def _about_confidence(
    faces: PredictedFaces, split: str, groups: Mapping[str, str]
) -> Iterator[str]:
    """Say how expected and measured errors agree, on each half of the groups by the other."""
    from mmpose_lite.inference.confidence import compare, expect_crosswise

    yield (
        f'scores: {len(faces.scores)} faces of {split}, {faces.known} points, {faces.hidden} of '
        'them known to be hidden'
    )
    members = [groups[path] for path in faces.paths]
    try:
        expected = expect_crosswise(faces.scores, faces.errors, members)
    except InputError as error:  # of a half
        yield f'not judged on other faces: {error}'
        return
    judged = compare(expected, faces.errors, groups=members)
    kind = 'photographs' if members == faces.paths else 'groups'
    yield (
        f'on each half of {len(set(members))} {kind} by the other: error expected '
        f'{judged.expected:.3f} %, measured {judged.measured:.3f} % of the box'
    )
    for count, expected, measured, deviation in judged.bins:
        yield (
            f'  {count:.0f} points: expected {expected:.3f} %, measured {measured:.3f} % '
            f'(standard error {deviation:.3f})'
        )
