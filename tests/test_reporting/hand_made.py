"""Faces made by hand: four points at the corners of 40 x 30 px, in a box of 100 px."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmpose_lite.reporting import Run, read_run, summary
from mmpose_lite.reporting.run_errors import RunErrors

GT = np.array([[30.0, 30.0], [70.0, 30.0], [30.0, 60.0], [70.0, 60.0]])


def row(face_id: Any, errors: Any, side: float = 100.0, **more: Any) -> dict[str, Any]:
    """Make a face whose points are off to the right by some pixels; ``side`` is the box's."""
    pred = GT + np.array([[error, 0.0] for error in np.broadcast_to(errors, 4)])
    return {
        'id': face_id,
        'img_path': f'photos/{face_id}.jpg',
        'subsets': [],
        'gt': GT.tolist(),
        'pred': pred.tolist(),
        'mask': [True] * 4,
        'bbox': [0.0, 0.0, side, side / 2],
        **more,
    }


def run(*rows: dict[str, Any], name: str = 'run', **parts: Any) -> Run:
    """Make a run of some rows; ``parts`` are other keys of the dump."""
    return read_run({'faces': list(rows), **parts}, 'hand.json', name)


def summarise(runs: Sequence[Run], group: str | None = None) -> dict[str, Any]:
    """Compute the numbers of a report on some runs."""
    return summary.summarise([RunErrors(each) for each in runs], group)
