"""What annotations say of a face beyond what networks are trained on: for reports on tests."""

from __future__ import annotations

from typing import Any

from .annotations import Record, is_number


def annotated_facts(record: Record) -> dict[str, Any]:
    """Read what a report tells apart; what is not there, or of another form, is left out.

    Args:
        record: One whose ``keypoints`` have been checked.

    Returns:
        ``flags``, the third number of each point; ``visibility``, 1 for a point that can be seen
        and 0 for a hidden one; ``yaw`` in radians. The latter two are no part of MMPose's form:
        the converters and the embedded faces have them.
    """
    annotation = record.annotation
    flags = annotation['keypoints'][2::3]
    facts: dict[str, Any] = {'flags': flags}
    visibility = annotation.get('visibility')
    if (
        isinstance(visibility, list)
        and len(visibility) == len(flags)
        and all(isinstance(each, int) and each in (0, 1) for each in visibility)
    ):
        facts['visibility'] = visibility
    if is_number(annotation.get('yaw')):
        facts['yaw'] = annotation['yaw']
    return facts
