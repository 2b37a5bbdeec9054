"""The data sets that a config names, and what a check finds in them."""

from __future__ import annotations

import os.path as osp
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmpose_lite.datasets.datasets import BaseCocoStyleDataset
from mmpose_lite.datasets.datasets.base.annotations import Record
from mmpose_lite.datasets.datasets.base.split import TrainValSplit, about_frames
from mmpose_lite.datasets.transforms import LoadImage
from mmpose_lite.errors import InputError
from mmpose_lite.registry import DATASETS, TRANSFORMS
from mmpose_lite.utils.nested_datasets import innermost

_ROLES = ('train', 'val', 'test')
# Of a data set's settings, those that say what becomes of its samples, and with them all that say
# how it is used, not what it is.
_OF_SAMPLES = ('pipeline', 'cache', 'on_bad_image', 'lazy_init')
_OF_USE = (
    *_OF_SAMPLES,
    *('indices', 'filter_cfg'),
    'train_val_split',  # both parts are of one file, which is checked as a whole
)


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


@dataclass
class Split:
    """An annotation file with its photographs.

    Attributes:
        name: Where the config uses it: ``'train'``, or ``'val, test'``.
        dataset: The data set, which has read nothing yet.
        subsets: Its subsets, of all uses.
        picks: The uses that have ``indices``, each as its role and the data set with them, which
            has read nothing either.
        loader: Its ``LoadImage``.
        parts: The parts of it that the config uses, of each use that names one.
    """

    name: str
    dataset: BaseCocoStyleDataset
    subsets: dict[str, Any]
    picks: list[tuple[str, BaseCocoStyleDataset]] = field(default_factory=list)
    loader: LoadImage = field(default_factory=LoadImage)
    parts: list[TrainValSplit] = field(default_factory=list)

    @property
    def ann_file(self) -> str:
        """The annotation file."""
        return self.dataset.ann_file

    @property
    def manifest(self) -> str:
        """The file of hashes beside the annotations."""
        return osp.join(osp.dirname(self.ann_file), 'manifest.json')

    def image_path(self, image: dict) -> str:
        """The file of an entry of ``images``."""
        return self.dataset.photographs.path(image['file_name'])

    def subset_file(self, name: str) -> str | None:
        """The file that names the faces of a subset; None if the config lists them."""
        source = self.subsets[name]
        return osp.join(self.dataset.data_root or '', source) if isinstance(source, str) else None


def find_splits(cfg: Mapping[str, Any]) -> list[Split]:
    """Find the data sets of a config's loaders, those within others too, each file once.

    Raises:
        InputError: If there is none, or one is not of COCO's form.
    """
    found: dict[tuple, Split] = {}
    for role in _ROLES:
        loader = cfg.get(f'{role}_dataloader')
        dataset = (loader or {}).get('dataset')
        for nest in innermost(dataset) if isinstance(dataset, dict) else ():
            steps = [step for each in reversed(nest) for step in each.get('pipeline') or ()]
            split = _split(role, nest[-1], steps)
            paths = map(osp.realpath, (split.ann_file, split.dataset.data_prefix['img']))
            known = found.setdefault((*paths, split.dataset.category, split.loader.exif), split)
            known.subsets.update(split.subsets)
            if known is not split:
                known.picks += split.picks
                known.parts += split.parts
            if role not in known.name.split(', '):
                known.name = f'{known.name}, {role}'
    if not found:
        names = ', '.join(f'{role}_dataloader' for role in _ROLES)
        raise InputError(f'the config names no data set (looked at {names})')
    return list(found.values())


def _split(role: str, settings: dict, steps: Sequence) -> Split:
    dataset = _unread(settings, _OF_USE)
    if not isinstance(dataset, BaseCocoStyleDataset):
        raise InputError(
            f"{role}_dataloader.dataset: {settings.get('type')} is not of COCO's form; only "
            'children of BaseCocoStyleDataset can be checked'
        )
    has_some = settings.get('indices') is not None
    picks = [(role, _unread(settings, _OF_SAMPLES))] if has_some else []
    loads = ('LoadImage', LoadImage)
    loaders = [
        TRANSFORMS.build(step)
        for step in steps
        if isinstance(step, dict) and step.get('type') in loads
    ]
    part = TrainValSplit.of(settings.get('train_val_split'))
    return Split(
        role,
        dataset,
        dict(dataset.subsets),
        picks,
        loaders[0] if loaders else LoadImage(),
        [part] if part else [],
    )


def check_parts(split: Split, records: Sequence[Record]) -> Iterator[Finding]:
    """Check that each part of a file that a config uses has faces, and persons of its own."""
    if not split.parts:
        return
    where = osp.basename(split.ann_file)
    for part in split.parts:
        try:
            part.keep(records, where)
        except InputError as error:
            yield Finding(split.name, 'set', where, str(error))
            return
    about = about_frames(record.image['file_name'] for record in records)
    if about and not all(part.group for part in split.parts):
        yield Finding(split.name, 'set', where, about, is_fault=False)


def _unread(settings: dict, without: tuple[str, ...]) -> Any:
    kept = {key: value for key, value in settings.items() if key not in without}
    return DATASETS.build({**kept, 'lazy_init': True})
