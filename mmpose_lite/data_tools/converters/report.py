"""The report on a conversion: files written, oddities, and faces left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mmpose_lite.errors import counted


@dataclass(frozen=True)
class WrittenSet:
    """An annotation file that was written.

    Attributes:
        name: The set, such as ``'test_frontal'``.
        file: The file.
        faces: How many faces are in it.
        images: How many photographs.
        expected: How many faces the published set has; None where there is no such number.
    """

    name: str
    file: str
    faces: int
    images: int
    expected: int | None = None

    @property
    def is_complete(self) -> bool:
        """True if the number of faces is the published one, or none is published."""
        return self.expected in (None, self.faces)


@dataclass
class ConversionReport:
    """The report on a conversion.

    Attributes:
        name: The data set, such as ``'aflw'``.
        sets: The files that were written.
        notes: For each kind of oddity the faces (or photographs) that have it; they are kept.
        unplaced: For each reason the faces that are in no file.
        remarks: What else one must know, a sentence each.
    """

    name: str
    sets: list[WrittenSet] = field(default_factory=list)
    notes: dict[str, list[str]] = field(default_factory=dict)
    unplaced: dict[str, list[str]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def note(self, kind: str, which: str) -> None:
        """Add an oddity of a face that is kept."""
        self.notes.setdefault(kind, []).append(which)

    def leave_out(self, reason: str, which: str) -> None:
        """Add a face that cannot be placed."""
        self.unplaced.setdefault(reason, []).append(which)

    @property
    def is_complete(self) -> bool:
        """True if no face is left out, and every number is the published one."""
        return not self.unplaced and all(each.is_complete for each in self.sets)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data, with every name."""
        return {
            'set': self.name,
            'complete': self.is_complete,
            'files': [vars(each) for each in self.sets],
            'notes': self.notes,
            'unplaced': self.unplaced,
            'remarks': self.remarks,
        }

    def lines(self, max_names: int = 5) -> Iterator[str]:
        """The report as text.

        Args:
            max_names: How many faces are named of those with one oddity.
        """
        for each in self.sets:
            verdict = ''
            if each.expected is not None:
                verdict = (
                    ': as expected' if each.is_complete else f': NOT the {each.expected} expected'
                )
            faces, images = counted(each.faces, 'face'), counted(each.images, 'photograph')
            yield f'{each.file}: {faces} in {images}{verdict}'
        yield from _listed('noticed, and kept', self.notes, max_names)
        yield from _listed('NOT placed', self.unplaced, max_names)
        yield from self.remarks


def _listed(title: str, kinds: dict[str, list[str]], max_names: int) -> Iterator[str]:
    before: list[str] = []
    for kind, names in kinds.items():
        yield f'{title}: {counted(len(names), "time")}: {kind}'
        if len(names) > 1 and names == before:
            yield '    the same ones'
            continue
        before = names
        yield from (f'    {name}' for name in names[:max_names])
        if len(names) > max_names:
            yield f'    and {len(names) - max_names} more; --report FILE lists all'
