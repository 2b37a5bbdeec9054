"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a data set, or that one should know.

    Attributes:
        split: The data set's place in the config, such as ``'train'``.
        kind: ``'annotations'``, ``'image'``, ``'size'``, ``'box'``, ``'points'``,
            ``'set'``, ``'left-right'``, ``'counts'``, ``'subset'``, ``'indices'`` or
            ``'manifest'``.
        where: The file, and in it the image or the face.
        problem: What is wrong, with the value.
        is_fault: Whether it is wrong; else it is a note.
    """

    split: str
    kind: str
    where: str
    problem: str
    is_fault: bool = True
