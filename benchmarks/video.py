"""Times tracking and smoothing beside the network: python benchmarks/video.py [--help].

All is CPU time of one thread, in one run. The network with its decoding is timed within the whole:
the detector on every tenth frame, the boxes in between, crops, ids and filters. Reading, drawing
and writing of videos are left out: the frames are in memory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from numpy import ndarray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.faces import render
from benchmarks.report import number, spread
from mmpose_lite import Landmarker
from mmpose_lite.inference.sources import Photograph
from mmpose_lite.inference.tracking import Tracker, follow_faces, smooth_both_ways

GOAL = 1.15
_SIZE_WH = (960, 540)
_SIDE = 220  # px of a picture of a head in the frame
_HEADS = 3


class Stopwatch:
    """CPU time inside the calls of a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.seconds = 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it."""
        begun = time.process_time()
        try:
            return self.function(*args, **kwargs)
        finally:
            self.seconds += time.process_time() - begun


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--model', default='faces19', help='model (default faces19)')
    parser.add_argument('--frames', type=int, default=60, help='frames of a measurement')
    parser.add_argument('--repeats', type=int, default=3, help='measurements')
    return parser.parse_args(argv)


def make_frames(heads: Sequence[ndarray], count: int) -> Iterator[Photograph]:
    """Move pictures of heads over a grey frame, side by side, up and down."""
    width, height = _SIZE_WH
    for i in range(count):
        frame = np.full((height, width, 3), 127, np.uint8)
        for k, head in enumerate(heads):
            top = round((height - _SIDE) * (0.5 + 0.4 * np.sin(i / 12 + 2 * k)))
            left = round(width * (k + 0.5) / len(heads) - _SIDE / 2)
            frame[top : top + _SIDE, left : left + _SIDE] = head
        yield Photograph(f'clip frame {i}', frame, frame=i, time_s=i / 25)


def measure(landmarker: Landmarker, frames: Sequence[Photograph]) -> tuple[float, float, int]:
    """CPU seconds of the whole and of the network in it, and the faces found."""
    step = Stopwatch(type(landmarker.model).test_step.__get__(landmarker.model))
    landmarker.model.test_step = step  # type: ignore[method-assign]
    calibration = landmarker.calibration
    begun = time.process_time()
    tracker = Tracker(calibration.points_map if calibration else None)
    results = smooth_both_ways(list(follow_faces(landmarker, frames, tracker)))
    whole = time.process_time() - begun
    del landmarker.model.test_step
    return whole, step.seconds, sum(len(each.points) for each in results)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, and print the ratio."""
    args = parse_args(argv)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    landmarker = Landmarker(args.model, device='cpu')
    with tempfile.TemporaryDirectory() as name:
        pictures = sorted((render(Path(name), _HEADS) / 'images').rglob('*.jpg'))[:_HEADS]
        heads = [cv2.resize(cv2.imread(str(each)), (_SIDE, _SIDE)) for each in pictures]
    frames = list(make_frames(heads, args.frames))
    measure(landmarker, frames[:12])  # warms up
    ratios = []
    for _ in range(args.repeats):
        whole, network, faces = measure(landmarker, frames)
        ratios.append(whole / network)
        per_frame = f'{1e3 * whole / len(frames):.1f} ms, of these the network '
        print(f'{faces} faces in {len(frames)} frames; a frame: {per_frame}', end='')
        print(f'{1e3 * network / len(frames):.1f} ms')
    verdict = 'reached' if median(ratios) <= GOAL else 'missed'
    print(f"times the network's: {spread(ratios)}; goal at most {number(GOAL)}: {verdict}")


if __name__ == '__main__':
    main()
