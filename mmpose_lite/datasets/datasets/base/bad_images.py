"""Samples in place of those whose images cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mmpose_lite.errors import InputError
from mmpose_lite.utils.images import BadImageError

from ...samplers import SampleIndex
from .annotations import is_number

# Keeps these draws apart from those of the augmentation.
_STREAM = 1


@dataclass(frozen=True)
class BadImageReplacement:
    """The ``on_bad_image`` of a data set that replaces bad images.

    Which sample stands in is a function of (seed, epoch, index), and it is augmented as the one
    that it replaces would have been. Only what :class:`~.BadImageError` says is replaced. A sample
    that was replaced carries ``bad_images``, the messages of the images that could not be read, in
    its metainfo; the run counts them, see ``BadImageHook``.

    Attributes:
        mode: ``'replace'``.
        max_share: A run stops when more than this share of an epoch's samples was replaced.
        max_in_a_row: A run stops when so many samples in a row were replaced.
    """

    mode: str = 'replace'
    max_share: float = 0.01
    max_in_a_row: int = 100

    @classmethod
    def of(cls, setting: str | dict | None, test_mode: bool = False) -> BadImageReplacement | None:
        """Read the ``on_bad_image`` of a config: None where bad images are refused.

        Raises:
            InputError: If it is neither a mode nor a dict of settings, or replaces test samples.
        """
        given: dict = setting if isinstance(setting, dict) else {'mode': setting or 'refuse'}
        known = {'mode': 'refuse', **asdict(cls())}
        unknown = sorted(set(given) - set(known))
        if unknown or given.get('mode', 'replace') not in ('refuse', 'replace'):
            raise InputError(
                f"on_bad_image={setting!r} is neither 'refuse', nor 'replace', nor a dict of "
                f'{", ".join(known)}'
            )
        if given.get('mode') == 'refuse':
            return None
        if test_mode:
            raise InputError(
                f'on_bad_image={setting!r} needs test_mode=False: in a test every face counts'
            )
        return cls(**given)

    def __post_init__(self) -> None:
        if not (is_number(self.max_share) and 0 <= self.max_share <= 1):
            raise InputError(
                f'on_bad_image.max_share={self.max_share!r} is not a share from 0 to 1'
            )
        most = self.max_in_a_row
        if not (isinstance(most, int) and not isinstance(most, bool) and most >= 1):
            raise InputError(f'on_bad_image.max_in_a_row={most!r} is not a whole number from 1')

    def prepare(self, prepare: Callable[[int, int], Any], index: int, count: int) -> Any:
        """Prepare a sample, or that of another face if the image cannot be read.

        Args:
            prepare: Makes the sample of ``index`` from the face that its second argument tells.
            index: The sample; a :class:`SampleIndex` knows seed and epoch, which are 0 otherwise.
            count: The number of faces.

        Raises:
            InputError: If none of ``max_in_a_row`` images can be read.
        """
        try:
            return prepare(index, index)
        except BadImageError as error:
            problems = [str(error)]
        key = index if isinstance(index, SampleIndex) else SampleIndex(index, 0, 0)
        draw = np.random.default_rng([key.seed, key.epoch, key.origin, _STREAM])
        while len(problems) < self.max_in_a_row:
            try:
                sample = prepare(index, int(draw.integers(count)))
            except BadImageError as error:
                problems.append(str(error))
            else:
                return _marked(sample, tuple(problems))
        raise InputError(
            f'{len(problems)} images in a row cannot be read (on_bad_image.max_in_a_row='
            f'{self.max_in_a_row}), the first: {problems[0]}'
        )


def _marked(sample: Any, problems: tuple[str, ...]) -> Any:
    packed = sample.get('data_samples') if isinstance(sample, dict) else None
    if packed is None:
        raise InputError(
            "on_bad_image='replace' needs a pipeline that ends with PackPoseInputs, so that "
            f'replaced samples can be counted; {problems[0]}'
        )
    packed.set_field(problems, 'bad_images', field_type='metainfo')
    return sample
