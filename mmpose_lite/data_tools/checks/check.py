"""Checking all that a config's data sets name."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mmpose_lite.datasets.datasets.base.subsets import find_subsets
from mmpose_lite.utils import InputError

from .counts import aflw_count, check_count
from .faces import check_faces
from .findings import Finding
from .images import ImageState, check_images, read_images
from .manifest import FileState, Manifest
from .mirror import check_mirror_pairs
from .records import SplitContent, read_split
from .splits import Split

_MANIFEST = 'manifest.json'


@dataclass
class CheckReport:
    """What was checked, and what was found.

    Attributes:
        splits: For each split ``name``, ``file``, ``images``, ``faces``, ``aflw`` (how many faces
            AFLW has there, 0 where it is not AFLW), ``subsets`` (faces of each), ``left_right``.
        findings: Faults and notes.
        manifests: The manifests that were written.
    """

    splits: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    manifests: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[Finding]:
        """What is wrong."""
        return [finding for finding in self.findings if finding.is_fault]

    @property
    def notes(self) -> list[Finding]:
        """What one should know."""
        return [finding for finding in self.findings if not finding.is_fault]

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            'ok': not self.faults,
            'splits': self.splits,
            'faults': [asdict(each) for each in self.faults],
            'notes': [asdict(each) for each in self.notes],
            'manifests': self.manifests,
        }


def check_splits(
    splits: Sequence[Split],
    workers: int | None = None,
    manifest: str | None = None,
    write_manifest: bool = False,
    is_aflw: bool | None = None,
    progress: Callable[[Iterable, int], Iterable] = lambda each, total: each,
) -> CheckReport:
    """Check annotations, photographs, left and right, numbers, and hashes where there are some.

    Args:
        splits: What to check.
        workers: How many photographs are read at a time.
        manifest: The file of hashes; ``manifest.json`` beside the annotations by default.
        write_manifest: Keep the hashes of what was read, unless something cannot be read.
        is_aflw: Whether the set must have AFLW's numbers; None asks the names of its files.
        progress: Wraps the photographs, given their number, while they are read.
    """
    report = CheckReport()
    contents = [read_split(split) for split in splits]
    paths = {
        split.image_path(image): split.loading.get('backend_args')
        for split, content in zip(splits, contents, strict=True)
        for image in content.images
    }
    images = {each.path: each for each in progress(read_images(paths, workers), len(paths))}
    for split, content in zip(splits, contents, strict=True):
        report.findings += content.findings
        _check_split(report, split, content, is_aflw)
        report.findings += check_images(split, content, images)
    by_manifest: dict[Path, list[tuple[Split, dict[str, FileState]]]] = {}
    for split, content in zip(splits, contents, strict=True):
        path = Path(manifest) if manifest else Path(split.ann_file).parent / _MANIFEST
        states = _states(split, content, images)
        by_manifest.setdefault(path, []).append((split, states))
    for path, members in by_manifest.items():
        _check_manifest(report, path, members, write_manifest)
    return report


def _check_split(
    report: CheckReport, split: Split, content: SplitContent, is_aflw: bool | None
) -> None:
    expected = aflw_count(split, content, split.ann_file, is_aflw)
    about: dict[str, Any] = {
        'name': split.name,
        'file': split.ann_file,
        'images': len(content.images),
        'faces': content.count,
        'aflw': expected,
        'subsets': {},
        'left_right': None,
    }
    report.splits.append(about)
    report.findings += check_count(split.name, split.ann_file, content.count, expected)
    if content.faces is None:
        return
    report.findings += check_faces(split, content.faces)
    found, about['left_right'] = check_mirror_pairs(split, content.faces)
    report.findings += found
    for name, source in split.subsets.items():
        file = split.subset_file(name)
        try:
            root, category = split.dataset.data_root or '', split.dataset.category
            ids = find_subsets({name: source}, content.faces.records, root, category)
        except InputError as error:
            report.findings.append(Finding(split.name, 'subset', name, str(error)))
            continue
        about['subsets'][name] = len(ids)
        expected = aflw_count(split, content, file, is_aflw)
        report.findings += check_count(split.name, file or name, len(ids), expected)
    if not any(each.is_fault for each in content.findings):
        report.findings += _check_picks(split)


def _check_picks(split: Split) -> Iterator[Finding]:
    for role, dataset in split.picks:
        try:
            dataset.full_init()
        except InputError as error:
            yield Finding(role, 'indices', osp.basename(split.ann_file), str(error))


def _states(
    split: Split, content: SplitContent, images: dict[str, ImageState]
) -> dict[str, FileState]:
    """The states of a split's files, as far as they can be read."""
    files = {split.ann_file, *filter(None, map(split.subset_file, split.subsets))}
    states = {path: FileState.of(Path(path).read_bytes()) for path in files if osp.isfile(path)}
    for image in content.images:
        found = images[split.image_path(image)]
        if found.state is not None:
            states[found.path] = found.state
    return states


def _check_manifest(
    report: CheckReport,
    path: Path,
    members: list[tuple[Split, dict[str, FileState]]],
    write: bool,
) -> None:
    names = ', '.join(split.name for split, _ in members)
    try:
        kept = Manifest(path)
    except InputError as error:
        report.findings.append(Finding(names, 'manifest', str(path), str(error), not write))
        if not write:
            return
        kept = Manifest(path, anew=True)
    for split, states in members:
        report.findings += _compare(split.name, kept, states, is_fault=not write)
    if not write:
        return
    unreadable = sum(each.kind in ('annotations', 'image') for each in report.faults)
    if unreadable:
        problem = f'is not written: {unreadable} faults in what can be read'
        report.findings.append(Finding(names, 'manifest', str(path), problem))
        return
    kept.write({file: state for _, states in members for file, state in states.items()})
    report.manifests.append(str(path))


def _compare(
    split: str, kept: Manifest, states: dict[str, FileState], is_fault: bool
) -> Iterator[Finding]:
    for path, state in states.items():
        problem = kept.problem(path, state)
        if problem is not None:
            yield Finding(split, 'manifest', path, problem, is_fault)
    unknown = [path for path in states if kept.states and kept.name(path) not in kept.states]
    if unknown and is_fault:
        problem = f'{len(unknown)} files are not in {str(kept.path)!r}, such as {unknown[0]!r}'
        yield Finding(split, 'manifest', str(kept.path), problem, is_fault=False)
