"""Exporting a model: write the file, prove it, and only then put it in its place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from mmengine.config import Config

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import shown

from .estimator import check_crops, check_points
from .faces import Face, build_loader, loaded_faces, rendered_faces
from .formats import make_writer
from .graph import CropGraph, PhotographGraph
from .metadata import collect_metadata
from .runtime import SUFFIXES, ExportedModel
from .verification import (
    TOLERANCE,
    Comparison,
    Error,
    by_file,
    by_model,
    compare,
    measure_errors,
    nme_change,
    nme_fault,
)

_TRIED = 32  # faces of named data whose points are compared
_FLIPPED = 4  # rendered faces that show how far the flip test moves points
_CALIBRATED = 64  # faces that scales of int8 come from
_FILE = 'this file'


class RefusedExportError(InputError):
    """An exported file does not give what its model gives; it is not kept."""


@dataclass(frozen=True)
class ExportOptions:
    """Settings of an export.

    Attributes:
        form: ``'onnx'``, ``'openvino'`` or ``'pt2'``.
        takes_photographs: Cut the crops in the graph, from a photograph and boxes.
        flip: Put the flip test into the file.
        weights: ``'fp32'``, ``'fp16'`` or ``'int8'``.
        data: A config whose test set the file's NME is measured on.
        calibration: A config whose training faces the scales of int8 come from; without ``data``
            its test set judges.
        faces: Measure the NME on so many faces; all by default.
        tolerance: Percentage points by which the NME may differ from the model's.
    """

    form: str = 'onnx'
    takes_photographs: bool = False
    flip: bool = False
    weights: str = 'fp32'
    data: Config | None = None
    calibration: Config | None = None
    faces: int | None = None
    tolerance: float = TOLERANCE

    def file_name(self, stem: str) -> str:
        """Name a file after a model."""
        parts = [stem, *(['image'] if self.takes_photographs else [])]
        parts += ['flip'] if self.flip else []
        parts += [self.weights] if self.weights != 'fp32' else []
        return '-'.join(parts) + SUFFIXES[self.form]

    def check(self) -> None:
        """Check that the settings go together.

        Raises:
            InputError: If they do not.
        """
        if self.weights == 'int8' and self.calibration is None:
            raise InputError(
                '--weights int8 needs --calibrate CONFIG: the faces that calibrate it and show '
                'what it costs'
            )
        if self.tolerance != TOLERANCE and not (self.data or self.calibration):
            raise InputError('--tolerance applies to the NME, which --data CONFIG measures')


def export_model(
    model: Any,
    checkpoint: str,
    folder: str | os.PathLike,
    stem: str,
    options: ExportOptions,
    tell: Callable[[str], None] = print,
    facts: Mapping[str, Any] | None = None,
) -> Path:
    """Export a model to a file that gives the same points.

    Args:
        model: A model of :func:`init_model`, on the CPU.
        checkpoint: Its checkpoint's file, for the metadata.
        folder: Where the file goes; it is made.
        stem: The start of the file's name.
        options: The settings.
        tell: Called with each line about the progress.
        facts: Further metadata; a ``calibration`` with a confidence makes expected errors an
            output.

    Returns:
        The file; of OpenVINO the ``.xml``, with the ``.bin`` beside it.

    Raises:
        RefusedExportError: If points, scores or the error differ by more than the tolerance;
            nothing is left then.
        InputError: If the settings do not go together, or a package is missing.
    """
    options.check()
    confidence = ((facts or {}).get('calibration') or {}).get('confidence')
    kind = PhotographGraph if options.takes_photographs else CropGraph
    graph = kind(model, options.flip, confidence=confidence)
    graph.eval()
    metadata = {**collect_metadata(model, graph, checkpoint, options.weights), **(facts or {})}
    if judges := options.data or options.calibration:
        check_points(judges, metadata, shown(checkpoint))
    for cfg in filter(None, (options.data, options.calibration)):
        check_crops(cfg, metadata, shown(checkpoint))
    calibration = [*_calibration_inputs(model, options)] if options.weights == 'int8' else None
    tell(f'tracing the network, and writing it as {options.form}')
    write = make_writer(graph, options.form, options.weights, calibration)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix='.export-', dir=target) as place:
        made = Path(place, options.file_name(stem))
        write(made, metadata)
        tell("comparing the file's points with the model's")
        metadata['verified'] = dict(_verify(model, graph, made, options, tell))
        write(made, metadata)
        for file in sorted(Path(place).iterdir(), reverse=True):  # the .xml once its .bin is there
            os.replace(file, target / file.name)
    return target / made.name


def _calibration_inputs(model: Any, options: ExportOptions) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of the graph, a face each, that the scales of int8 come from."""
    assert options.calibration is not None
    loader = build_loader(options.calibration, 'train')
    for face in loaded_faces(model, loader, _CALIBRATED, options.takes_photographs):
        if face.photograph is None:
            yield {'crops': face.crop[None]}
        else:
            yield {'image': face.photograph, 'boxes': face.box[None]}


def _verify(
    model: Any,
    graph: CropGraph,
    file: Path,
    options: ExportOptions,
    tell: Callable[[str], None],
) -> Iterator[tuple[str, Any]]:
    """Compare a file with its model; yields what is worth keeping of it."""
    exported = ExportedModel(file)
    data = options.data or options.calibration
    if data is None:
        faces, source = rendered_faces(model), 'rendered'
    else:
        faces = loaded_faces(model, build_loader(data), _TRIED, options.takes_photographs)
        source = Path(data.filename or '').name
    found = compare(graph, exported, faces)
    tell(describe_comparison(found, exported.engine, source))
    faults = found.faults(options.weights, options.takes_photographs)
    yield 'points', {'faces_of': source, 'engine': exported.engine, **found.to_json()}
    if data is None:
        tell('the NME was not checked: --data CONFIG measures it, of the file and of the model')
        if model.test_cfg.get('flip_test') and not options.flip:
            tell(_flip_without_data(graph, faces[:_FLIPPED]))
    else:
        errors = _measure(model, exported, options, data)
        yield 'nme', [vars(error) for error in errors]
        yield 'tolerance', options.tolerance
        for line in describe_errors(errors):
            tell(line)
        change = nme_change(errors, _FILE, errors[0].name)
        tell(f'  off by {change:+.4f} percentage points; {options.tolerance:g} are tolerated')
        fault = nme_fault(errors, _FILE, errors[0].name, options.tolerance)
        faults += [fault] if fault else []
    if faults:
        raise RefusedExportError(
            f"{file.name} is not kept, its points are not the model's: {'; '.join(faults)}"
        )


def _measure(
    model: Any, exported: ExportedModel, options: ExportOptions, data: Config
) -> list[Error]:
    """Measure the error of the model as the file has it, of the file, and with the flip test."""
    name = f'model, flip test {"on" if options.flip else "off"}'
    ways = {name: by_model(model, options.flip), _FILE: by_file(model, exported)}
    if not options.flip and model.test_cfg.get('flip_test'):
        ways['model, flip test on'] = by_model(model, True)
    return measure_errors(data, ways, options.faces)


def describe_comparison(found: Comparison, engine: str, source: str) -> str:
    """Say how far points and scores are apart."""
    return (
        f'by {engine}, against the model on {found.faces} faces ({source}): {found.same:.2%} of '
        f'the points the same, the farthest {found.largest:.3g} px of the input'
        + (f' but for {found.ties} between cells that are equally high' if found.ties else '')
        + ', scores within '
        f'{found.scores:.1e}'
        + ('' if found.errors is None else f', expected errors within {found.errors:.1e} %')
    )


def describe_errors(errors: list[Error]) -> Iterator[str]:
    """Lay out errors a line each, and say what the flip test that was left out is worth."""
    for error in errors:
        yield (
            f'  NME {100 * error.nme:.3f} %  {error.name}  ({error.faces} faces, divided by '
            f'{error.normaliser})'
        )
    if len(errors) > 2:
        cost = 100 * (errors[0].nme - errors[2].nme)
        yield (
            f'  leaving out the flip test, which the config has, changes the NME by {cost:+.3f} '
            'percentage points; --flip puts it into the file, at twice the time'
        )


def _flip_without_data(graph: CropGraph, faces: list[Face]) -> str:
    """Say by how much points move that the flip test is left out, where no data tell the cost."""
    crops = torch.from_numpy(np.stack([face.crop for face in faces]))
    settings = graph.test_cfg
    with torch.inference_mode():
        without, *_ = CropGraph.forward(graph, crops)
        graph.test_cfg = {**settings, 'flip_test': True}
        points, *_ = CropGraph.forward(graph, crops)
        graph.test_cfg = settings
    moved = np.linalg.norm((points - without).numpy(), axis=-1)
    return (
        f'the config has a flip test, and the file does not: points move by {np.median(moved):.2f} '
        'px of the input at the median; --flip puts it into the file, at twice the time, and '
        '--data CONFIG tells what it is worth'
    )
