"""Timing of exported files and of the model, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray

from mmpose_lite.errors import InputError
from mmpose_lite.utils.threads import find_cores

from .graph import CropGraph
from .runtime import ENGINES, ExportedModel, read_metadata

Call = Callable[[ndarray], Any]
_SIDE = 1.5  # of a photograph, in sides of the crop


@dataclass(frozen=True)
class Timing:
    """The time of one way to predict.

    Attributes:
        name: The engine, and the file.
        batch: Faces a call.
        threads: Threads.
        seconds: Time of the fastest call.
        median: Median time of a call.
        cpu: CPU time of the call that took least, all threads together.
        ratio: Time as a share of that of the first way with this batch and threads: with one
            thread of ``cpu``, which other processes do not lengthen, else of ``seconds``.
    """

    name: str
    batch: int
    threads: int
    seconds: float
    median: float
    cpu: float
    ratio: float

    @property
    def rate(self) -> float:
        """Faces a second."""
        return self.batch / self.seconds


def time_ways(
    ways: dict[str, Call], crops: ndarray, threads: int, rounds: int = 10
) -> list[Timing]:
    """Time calls on the same crops in turn, so that whatever else runs meets all of them.

    Args:
        ways: What to call, by name; ratios are to the first.
        crops: ``(B, H, W, 3)`` uint8.
        threads: Number of threads, which the ways have already; for the result.
        rounds: Number of calls of each, after one that is not counted.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for count in range(rounds + 1):
        for name, call in ways.items():
            begun, used = time.perf_counter(), time.process_time()
            call(crops)
            if count:
                times[name].append((time.perf_counter() - begun, time.process_time() - used))
    least, timings = 0.0, []
    for name, own in times.items():
        walls, cpus = zip(*own, strict=True)
        wall, median, cpu = min(walls), float(np.median(walls)), min(cpus)
        compared = cpu if threads == 1 else wall
        least = least or compared
        timings.append(Timing(name, len(crops), threads, wall, median, cpu, compared / least))
    return timings


def ways_of(
    files: Sequence[str | Path], model: Any | None, threads: int, bf16: bool = False
) -> dict[str, Call]:
    """Load files by every engine that reads them, and the model in torch, with so many threads.

    Args:
        files: Exported files.
        model: A model of :func:`init_model`, or None.
        threads: Number of threads.
        bf16: Have OpenVINO compute in bfloat16 as well.
    """
    ways: dict[str, Call] = {}
    if model is not None:
        for name, fold in (('torch eager', False), ('torch, norms folded', True)):
            ways[name] = _torch_way(CropGraph(model, fold=fold).eval())
    for name, exported in load_files(files, threads, bf16):
        ways[name] = _file_way(exported)
    return ways


def load_files(
    files: Sequence[str | Path], threads: int = 0, bf16: bool = False
) -> Iterator[tuple[str, ExportedModel]]:
    """Load files by every engine that reads them; yield the engine and file's name, and the model.

    Args:
        files: Exported files.
        threads: Number of threads; 0: the engine's choice.
        bf16: Load them by OpenVINO in bfloat16 as well.
    """
    for file, label in zip(files, _labels_of(files), strict=True):
        for engine in _engines_for(Path(file)):
            yield f'{engine} {label}', ExportedModel(file, engine, threads)
            if bf16 and engine == 'openvino':
                yield f'{engine} bf16 {label}', ExportedModel(file, engine, threads, 'bf16')


def _labels_of(files: Sequence[str | Path]) -> list[str]:
    """Name files by their names, or by their paths where several have one name."""
    names = [Path(file).name for file in files]
    return [
        name if names.count(name) == 1 else str(file)
        for name, file in zip(names, files, strict=True)
    ]


def _engines_for(path: Path) -> Iterator[str]:
    """Name the engines that are installed and read a file."""
    read_metadata(path)  # if it is no exported file, this says so
    known = {'.onnx': ENGINES[:2], '.xml': ENGINES[1:2]}.get(path.suffix.lower(), ENGINES[2:])
    yield from (engine for engine in known if find_spec(engine) is not None)


def _torch_way(graph: CropGraph) -> Call:
    def call(crops: ndarray) -> Any:
        with torch.inference_mode():
            return graph(torch.from_numpy(crops))

    return call


def _file_way(exported: ExportedModel) -> Call:
    if not exported.takes_photographs:
        return exported

    def call(crops: ndarray) -> Any:
        height, width = (round(_SIDE * side) for side in crops.shape[1:3])
        photograph = np.zeros((height, width, 3), np.uint8)
        box = np.array([[0, 0, *crops.shape[2:0:-1]]], np.float32)
        return exported(photograph, np.repeat(box, len(crops), axis=0))

    return call


def time_files(
    files: Sequence[str | Path],
    model: Any | None = None,
    batches: Sequence[int] = (1, 8),
    rounds: int = 10,
    bf16: bool = False,
    threads: Sequence[int] | None = None,
) -> Iterator[Timing]:
    """Time files and a model; see :func:`ways_of`.

    Args:
        files: Exported files.
        model: A model of :func:`init_model`, or None.
        batches: Faces a call.
        rounds: Number of calls of each way, in turn.
        bf16: Have OpenVINO compute in bfloat16 as well.
        threads: Numbers of threads; one, and as many as there are cores, by default.

    Raises:
        InputError: If the files are of models with inputs of different sizes.
    """
    sizes = {tuple(read_metadata(file)['input_size']) for file in files}
    if len(sizes) > 1:
        raise InputError(f'the files take inputs of different sizes: {sorted(sizes)}')
    ((width, height),) = sizes
    rng = np.random.default_rng(0)
    for count in dict.fromkeys(threads or (1, find_cores().usable)):
        with _torch_threads(count):
            ways = ways_of(files, model, count, bf16)
            for batch in batches:
                crops = rng.integers(0, 256, (batch, height, width, 3), dtype=np.uint8)
                yield from time_ways(ways, crops, count, rounds)


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
