"""Checking all that a config's data sets name: annotations, photographs, numbers and hashes."""

from __future__ import annotations

import hashlib
import json
import os
import os.path as osp
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.datasets.base.annotations import image_fields
from mmpose_lite.datasets.datasets.base.subsets import find_subsets
from mmpose_lite.datasets.file_names import near_file
from mmpose_lite.datasets.transforms.loading import (
    are_of_turned,
    size_problem,
    upright_problem,
)
from mmpose_lite.errors import InputError
from mmpose_lite.utils.files import write_json
from mmpose_lite.utils.images import (
    APPLIED,
    BadImageError,
    decode_image,
    exif_orientation,
    read_image,
)
from mmpose_lite.utils.paths import shown

from .faces import Faces, SplitContent, check_faces, check_mirror_pairs, read_split
from .splits import Finding, Split, check_parts

_VERSION = 1
# MMPose's annotation files of AFLW.
AFLW_FACES = {
    'face_landmarks_aflw_train.json': 20000,
    'face_landmarks_aflw_test.json': 4386,
    'face_landmarks_aflw_test_frontal.json': 1314,
}
_AFLW_IMAGE = re.compile(r'(^|/)image\d{5}\.(jpg|png)$')
# Of a set that claims to be AFLW, this share of the images bears AFLW's names.
_SHARE = 0.9
_NONE = np.empty((0, 2))


@dataclass
class CheckReport:
    """The outcome of a check.

    Attributes:
        splits: For each split ``name``, ``file``, ``images``, ``faces``, ``aflw`` (how many faces
            AFLW has there, 0 where it is not AFLW), ``parts`` and ``subsets`` (faces of each),
            ``left_right``.
        findings: Faults and notes.
        manifests: The manifests that were written.
    """

    splits: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    manifests: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[Finding]:
        """The findings that are faults."""
        return [finding for finding in self.findings if finding.is_fault]

    @property
    def notes(self) -> list[Finding]:
        """The findings that are notes."""
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
        content.split.image_path(image): content.split.loader.backend_args
        for content in contents
        for image in content.images
    }
    images = {each.path: each for each in progress(read_images(paths, workers), len(paths))}
    by_manifest: dict[Path, list[tuple[str, dict[str, FileState]]]] = {}
    for content in contents:
        report.findings += content.findings
        _check_split(report, content, is_aflw)
        report.findings += check_images(content, images)
        path = Path(manifest or content.split.manifest)
        by_manifest.setdefault(path, []).append((content.split.name, _states(content, images)))
    for path, members in by_manifest.items():
        _check_manifest(report, path, members, write_manifest)
    return report


def _check_split(report: CheckReport, content: SplitContent, is_aflw: bool | None) -> None:
    split = content.split
    expected = aflw_count(content, split.ann_file, is_aflw)
    about: dict[str, Any] = {
        'name': split.name,
        'file': split.ann_file,
        'images': len(content.images),
        'faces': content.count,
        'aflw': expected,
        'parts': {},
        'subsets': {},
        'left_right': None,
    }
    report.splits.append(about)
    report.findings += check_count(split.name, split.ann_file, content.count, expected)
    if content.faces is None:
        return
    report.findings += check_parts(split, content.faces.records)
    with suppress(InputError):  # a finding says so
        for part in split.parts:
            about['parts'][part.part] = len(part.keep(content.faces.records, split.ann_file))
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
        expected = aflw_count(content, file, is_aflw)
        report.findings += check_count(split.name, file or name, len(ids), expected)
    if any(each.is_fault for each in content.findings):
        return
    for role, dataset in split.picks:
        try:
            dataset.full_init()
        except InputError as error:
            where = osp.basename(split.ann_file)
            report.findings.append(Finding(role, 'indices', where, str(error)))


def _states(content: SplitContent, images: dict[str, ImageState]) -> dict[str, FileState]:
    """The states of a split's files, as far as they can be read."""
    split = content.split
    files = {split.ann_file, *filter(None, map(split.subset_file, split.subsets))}
    states = {path: FileState.of(Path(path).read_bytes()) for path in files if osp.isfile(path)}
    for image in content.images:
        found = images[split.image_path(image)]
        if found.state is not None:
            states[found.path] = found.state
    return states


def _check_manifest(
    report: CheckReport, path: Path, members: list[tuple[str, dict[str, FileState]]], write: bool
) -> None:
    names = ', '.join(split for split, _ in members)
    try:
        kept = Manifest(path)
    except InputError as error:
        report.findings.append(Finding(names, 'manifest', str(path), str(error), not write))
        if not write:
            return
        kept = Manifest(path, anew=True)
    for split, states in members:
        report.findings += _compare(split, kept, states, is_fault=not write)
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


def aflw_count(content: SplitContent, file: str | None, claimed: bool | None) -> int:
    """Look up the number of faces that AFLW has in a file; 0 if the file claims no AFLW.

    It claims so by its name together with the names of its images; either alone is common among
    sets that only have AFLW's form, and parts of AFLW have names of their own. Where the user says
    whether the set is AFLW, ``claimed`` is not None.
    """
    count = AFLW_FACES.get(osp.basename(file or ''), 0)
    if claimed is not None or content.split.dataset.metainfo['dataset_name'] != 'aflw':
        return count if claimed else 0
    named = sum(bool(_AFLW_IMAGE.search(image['file_name'])) for image in content.images)
    return count if named and named >= _SHARE * len(content.images) else 0


def check_count(split: str, file: str, count: int, expected: int) -> list[Finding]:
    """Compare a number of faces with AFLW's."""
    if not expected or count == expected:
        return []
    problem = f'has {count} faces, AFLW has {expected} there'
    return [Finding(split, 'counts', osp.basename(file), problem)]


@dataclass(frozen=True)
class ImageState:
    """The state of a photograph.

    Attributes:
        path: The file.
        state: Its size and hash; None if it cannot be read.
        size_wh: Width and height as stored; None if it cannot be decoded.
        orientation: How the camera was held, 1 to 8, see :func:`~.exif_orientation`.
        problem: Why it cannot be read or decoded.
    """

    path: str
    state: FileState | None = None
    size_wh: tuple[int, int] | None = None
    orientation: int = 1
    problem: str | None = None

    def loaded_wh(self, exif: str) -> tuple[int, int] | None:
        """Width and height as loaded, where EXIF orientations are applied or ignored."""
        turned = exif == 'apply' and self.orientation >= 5
        return self.size_wh[::-1] if turned and self.size_wh is not None else self.size_wh


def read_images(
    paths: Mapping[str, dict | None], workers: int | None = None
) -> Iterator[ImageState]:
    """Read and decode photographs, several at a time, in their order.

    Paths stand with the ``backend_args`` that fetch them. By default there is a worker for each
    processor, at most 8.
    """
    asked = list(paths.items())
    # OpenCV decodes, and hashlib hashes, outside the interpreter's lock: threads are enough.
    workers = workers or min(os.cpu_count() or 1, 8)
    portion = 8 * workers  # so that an interruption is heard
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(asked), portion):
            yield from pool.map(lambda each: read_state(*each), asked[start : start + portion])


def read_state(path: str, backend_args: dict | None = None) -> ImageState:
    """Read and decode a photograph as training does."""
    try:
        content = read_image(path, backend_args)
    except BadImageError as error:
        return ImageState(path, problem=str(error))
    state = FileState.of(content)
    try:
        height, width = decode_image(content, path).shape[:2]
    except BadImageError as error:
        return ImageState(path, state, problem=str(error))
    return ImageState(path, state, (width, height), exif_orientation(content))


def check_images(content: SplitContent, images: Mapping[str, ImageState]) -> Iterator[Finding]:
    """Find photographs that cannot be read, of other sizes, and turned ones."""
    split = content.split
    noted: dict[str, list[ImageState]] = {}
    places = _places(split, content.faces)
    for image in content.images:
        found, known = images[split.image_path(image)], image_fields(image)
        exif = split.loader.exif_of(known)
        size_wh = found.loaded_wh(exif)
        if found.problem is not None or size_wh is None:
            yield Finding(split.name, 'image', found.path, _why_not_read(split, found))
            continue
        wanted = known.get('image_wh')
        if wanted is not None and wanted != size_wh:
            problem = size_problem(size_wh, wanted, found.orientation, exif)
            yield Finding(split.name, 'size', found.path, problem)
        elif found.orientation >= 5 and are_of_turned(places.get(found.path, _NONE), size_wh):
            width, height = size_wh
            other = {'ignore': 'apply', 'apply': 'ignore'}[exif]
            problem = (
                f'has {width}x{height} pixels, its points and boxes are of {height}x{width}: '
                f"LoadImage(exif='{other}') loads photographs so"
            )
            yield Finding(split.name, 'size', found.path, problem)
        elif found.orientation != 1 and exif == 'ignore' and 'exif_applied' in known:
            yield Finding(split.name, 'size', found.path, upright_problem(found.orientation))
        elif found.orientation != 1 and 'exif_applied' not in known:
            noted.setdefault(exif, []).append(found)
    for exif, turned in noted.items():
        file, note = osp.basename(split.ann_file), _about(turned, exif, split.loader.exif)
        yield Finding(split.name, 'image', file, note, is_fault=False)


def _why_not_read(split: Split, found: ImageState) -> str:
    problem = (found.problem or '').removeprefix(f'image {shown(found.path)} ')
    is_missing = found.state is None and 'does not exist' in problem
    return problem + (near_file(split.dataset.photographs, found.path) if is_missing else '')


def _about(noted: Sequence[ImageState], exif: str, mode: str) -> str:
    what = {'ignore': 'as they are stored', 'apply': 'as they are turned'}[exif]
    name, orientation = shown(noted[0].path), noted[0].orientation
    return (
        f'{len(noted)} photographs have an EXIF orientation, such as {name} ({orientation}), and '
        f"their entries no {APPLIED!r}: by LoadImage(exif='{mode}') they are loaded {what}, and "
        'annotations must be so'
    )


def _places(split: Split, faces: Faces | None) -> dict[str, ndarray]:
    """For each photograph the labelled points of its faces and the middles of their boxes."""
    found: dict[str, list[Any]] = {}
    if faces is None:
        return {}
    middles = (faces.bbox_xyxy[:, :2] + faces.bbox_xyxy[:, 2:]) / 2
    for i, record in enumerate(faces.records):
        path = split.image_path(record.image)
        found.setdefault(path, []).extend([middles[i], *faces.points[i][faces.labelled[i]]])
    return {path: np.array(places) for path, places in found.items()}


class FileState(NamedTuple):
    """A file's size in bytes and the SHA-256 of its content."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> FileState:
        """The state of a file with this content."""
        return cls(len(content), hashlib.sha256(content).hexdigest())


class Manifest:
    """The states of files, by their paths relative to the manifest's folder.

    There are none if there is no such file, or it is begun anew.

    Raises:
        InputError: If it is damaged.
    """

    def __init__(self, path: Path, anew: bool = False) -> None:
        self.path = path
        self.states: dict[str, FileState] = {}
        if anew or not path.exists():
            return
        try:
            content = json.loads(path.read_text(encoding='utf-8'))
            self.states = {name: FileState(*state) for name, state in content['files'].items()}
            whole = content['version'] == _VERSION and content['sha256'] == self._digest()
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:
            raise InputError(f'manifest {str(path)!r} cannot be read: {error}') from error
        if not whole:
            raise InputError(
                f'manifest {str(path)!r} has been changed: restore it from a copy, or write a '
                'new one (--write-manifest) once you trust the data'
            )

    def name(self, path: str) -> str:
        """The name under which a file is kept."""
        return Path(os.path.relpath(path, self.path.parent)).as_posix()

    def problem(self, path: str, state: FileState) -> str | None:
        """Describe the difference of a file from its stored state; None if unchanged or unknown."""
        kept = self.states.get(self.name(path))
        if kept is None or kept == state:
            return None
        if kept.size != state.size:
            return f'has {state.size} bytes, {kept.size} when the manifest was written'
        return 'has changed since the manifest was written: the size is the same, the hash is not'

    def write(self, states: dict[str, FileState]) -> None:
        """Keep the states of these files (by path) beside the others, and write the manifest."""
        self.states.update({self.name(path): state for path, state in states.items()})
        files = {name: list(self.states[name]) for name in sorted(self.states)}
        content = {'version': _VERSION, 'sha256': self._digest(), 'files': files}
        write_json(self.path, content, indent=0)

    def _digest(self) -> str:
        files = sorted((name, *state) for name, state in self.states.items())
        return hashlib.sha256(json.dumps(files).encode()).hexdigest()
