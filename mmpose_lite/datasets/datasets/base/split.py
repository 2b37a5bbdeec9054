"""Two parts of one set of photographs: to train on, and to choose the epoch by."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mmpose_lite.utils import InputError

from .annotations import Record

_PARTS = ('train', 'val')
_BUCKETS = 10_000


@dataclass(frozen=True)
class TrainValSplit:
    """The ``train_val_split`` of a data set: which part of its photographs it has.

    A photograph belongs to ``'val'`` if the first 8 bytes of the SHA-256 of its ``file_name`` (as
    the annotations have it, in UTF-8), as a big-endian number modulo 10,000, are less than 10,000
    ``val_share``. So nothing is drawn: it is the same part on all machines and in all versions,
    all faces of a photograph are on one side, and photographs that are added or removed move no
    others.

    Attributes:
        part: ``'train'`` or ``'val'``.
        val_share: The share of photographs that are ``'val'``, between 0 and 1.
    """

    part: str
    val_share: float = 0.1

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
                f"train_val_split={settings!r} must be a dict of part ('train' or 'val') and "
                'val_share (0.1 by default)'
            )
        share = settings.get('val_share', cls.val_share)
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not is_number or not 0 < share < 1:
            raise InputError(f'train_val_split.val_share={share!r} must be between 0 and 1')
        return cls(settings['part'], float(share))

    def has(self, file_name: str) -> bool:
        """Whether a photograph belongs to this part."""
        start = hashlib.sha256(file_name.encode('utf-8', 'surrogatepass')).digest()[:8]
        is_val = int.from_bytes(start, 'big') % _BUCKETS < round(_BUCKETS * self.val_share)
        return is_val == (self.part == 'val')

    def keep(self, records: Sequence[Record], file: str) -> list[Record]:
        """The faces of this part.

        Raises:
            InputError: If there is none.
        """
        kept = [record for record in records if self.has(record.image['file_name'])]
        if not kept:
            raise InputError(f'{file}: {self} has none of its {len(records)} faces')
        return kept
