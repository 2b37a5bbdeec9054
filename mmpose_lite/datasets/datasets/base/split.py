"""Parts of a set of photographs: which are for training, validation and test."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from mmpose_lite.errors import InputError

from ...file_names import check_group, find_group
from .annotations import Record, is_number

_PARTS = ('train', 'val', 'test')
_BUCKETS = 10_000
_GROUP = 'train_val_split.group'
# Names that differ only in a number are frames of something if so many share the rest.
_FEWEST_RESTS = 10
_FRAMES = (2, 100)


@dataclass(frozen=True)
class TrainValSplit:
    """The ``train_val_split`` of a data set: the part of the photographs that it uses.

    A photograph has a number: the first 8 bytes of the SHA-256 of its ``file_name`` (as the
    annotations have it, in UTF-8), as a big-endian number modulo 10,000. It belongs to ``'val'`` if
    that is less than 10,000 ``val_share``, to ``'test'`` if it is among the last 10,000
    ``test_share``, and else to ``'train'``. Nothing is random: the split is the same on all
    machines and in all versions, all faces of a photograph are in one part, and neither other
    photographs nor the other share move any between val and test.

    Photographs of one person, or frames of one video, are alike: a network that was trained on some
    is better on the others than on faces of strangers. A ``group`` keeps them together: the number
    is then that of the text which it finds in the name, instead of that of the whole name.

    Attributes:
        part: ``'train'``, ``'val'`` or ``'test'``.
        val_share: The share of photographs that are ``'val'``, between 0 and 1.
        test_share: The share that are ``'test'``; 0: there is no such part.
        group: A regular expression, searched in ``file_name``, with one group in brackets, whose
            text is the same for photographs that belong together; None: each by itself. The shares
            are then of groups.
    """

    part: str
    val_share: float = 0.1
    test_share: float = 0.0
    group: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any] | None) -> TrainValSplit | None:
        """Read the ``train_val_split`` of a config: None, or a dict of the attributes.

        Raises:
            InputError: If it is neither, or a value is out of range.
        """
        if settings is None:
            return None
        known = isinstance(settings, Mapping) and set(settings) <= set(cls.__dataclass_fields__)
        if not known or settings.get('part') not in _PARTS:
            raise InputError(
                f"train_val_split={settings!r} must be a dict of part ('train', 'val' or 'test'), "
                'val_share (0.1 by default), test_share (0) and group (None)'
            )
        val_share = settings.get('val_share', cls.val_share)
        test_share = settings.get('test_share', cls.test_share)
        if not is_number(val_share) or not 0 < val_share < 1:
            raise InputError(f'train_val_split.val_share={val_share!r} must be between 0 and 1')
        if not is_number(test_share) or not 0 <= test_share < 1 - val_share:
            raise InputError(
                f'train_val_split.test_share={test_share!r} must be from 0 on, and leave something '
                f'to train on beside val_share={val_share!r}'
            )
        if settings['part'] == 'test' and not test_share:
            raise InputError(f'train_val_split={settings!r}: the test part needs a test_share')
        group = settings.get('group')
        if group is not None:
            check_group(group, _GROUP)
        return cls(settings['part'], float(val_share), float(test_share), group)

    @property
    def numbers(self) -> range:
        """The numbers of the photographs of this part."""
        val, test = (round(_BUCKETS * share) for share in (self.val_share, self.test_share))
        parts = {'val': (0, val), 'train': (val, _BUCKETS - test)}
        return range(*parts.get(self.part, (_BUCKETS - test, _BUCKETS)))

    def has(self, file_name: str) -> bool:
        """Return True if a photograph belongs to this part.

        Raises:
            InputError: If ``group`` finds nothing in its name.
        """
        name = file_name if self.group is None else find_group(self.group, file_name, _GROUP)
        hashed = name.encode('utf-8', 'surrogatepass')
        start = hashlib.sha256(hashed).digest()[:8]
        return int.from_bytes(start, 'big') % _BUCKETS in self.numbers

    def keep(self, records: Sequence[Record], file: str) -> list[Record]:
        """Keep the faces of this part.

        Raises:
            InputError: If there is none, or ``group`` finds nothing in a name.
        """
        try:
            kept = [record for record in records if self.has(record.image['file_name'])]
        except InputError as error:
            raise InputError(f'{file}: {error}') from error
        if not kept:
            raise InputError(f'{file}: {self} has none of its {len(records)} faces')
        return kept


def about_frames(file_names: Iterable[str]) -> str | None:
    """Say that photographs look like several of each person or video; None if they do not.

    They do where most names are the same but for their last number as a few others.
    """
    names = list(dict.fromkeys(file_names))
    rests = [re.sub(r'\d+(?=\D*$)', '', name) for name in names]
    counts = Counter(rests)
    few, many = _FRAMES
    if len(counts) < _FEWEST_RESTS or not few <= median(counts.values()) <= many:
        return None
    rest = counts.most_common(1)[0][0]
    one, other = [name for name, each in zip(names, rests, strict=True) if each == rest][:2]
    return (
        f'{len(names)} names of photographs are {len(counts)} but for a number ({one}, {other}): '
        'with frames of one person in both parts, validation is too good; train_val_split.group, '
        "such as r'(.+)_\\d+', keeps together what its brackets find in a name"
    )
