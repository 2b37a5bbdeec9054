"""Sets of one's own: from what a labelling tool exports to an annotation file and its points."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, about_nearest, counted

from .annotation_files import Face, write_set
from .coco_files import read_coco
from .cvat import read_cvat
from .imglab import read_imglab
from .label_studio import read_label_studio
from .labelled import (
    NOT_LABELLED,
    LabelledFace,
    LabelledPicture,
    Labels,
    PictureFiles,
    ReadOptions,
    image_suffix,
)
from .number_files import read_csv, read_pts_folder
from .orientation import PlacedPicture, labelled_upright
from .own_config import (
    ANNOTATIONS,
    METAINFO,
    about_mirrors,
    about_sides,
    choose_shares,
    config_name,
    config_text,
    digests,
    edited_files,
    find_mirrors,
    known_points,
    metainfo_text,
    order_names,
    size_pair,
)
from .photographs import Frame, Photograph, Progress, frame_of, read_frame
from .region_files import read_labelme, read_via
from .report import ConversionReport

Reader = Callable[[Path, ReadOptions, ConversionReport], Labels]

READERS: dict[str, Reader] = {
    'cvat': read_cvat,
    'label-studio': read_label_studio,
    'labelme': read_labelme,
    'via': read_via,
    'coco': read_coco,
    'coco-annotator': read_coco,
    'roboflow': read_coco,
    'dlib': read_imglab,
    'pts': read_pts_folder,
    'csv': read_csv,
}
"""The readers, by the tool or the form of its files."""

# Most tools show photographs upright, and imglab as stored; what files of numbers are of depends on
# what wrote them.
_SHOWN_UPRIGHT = {'dlib': False, 'pts': None, 'csv': None}


def convert_labels(
    tool: str,
    labels: str | Path,
    images: str | Path | None,
    out: str | Path,
    names: Sequence[str] | None = None,
    options: ReadOptions | None = None,
    missing_box: str = 'points',
    margin: float = 0.1,
    progress: Progress = lambda each, total: each,
) -> ConversionReport:
    """Write ``out/faces.json``, and the points and a config unless a person has edited them.

    These are ``out/metainfo.py`` and ``out/hrnetv2_NAME.py``; NAME is the folder's. All points are
    of upright photographs.

    Args:
        tool: One of ``READERS``.
        labels: The tool's file, or a folder of its files.
        images: Folder of the photographs; that of the labels where None.
        out: Folder to write to.
        names: The points to have, in this order, or new names for all of them; a set's name alone,
            such as ``['300w']`` or ``['faces19']``, stands for the names of its points.
        options: For the reader.
        missing_box: The box of a face without one: about its labelled ``'points'``, or the
            ``'picture'``.
        margin: A box about points is wider on each side by this share of their longer extent.
        progress: Wraps the pictures.

    Raises:
        InputError: If a file cannot be used, or an edited one does not fit what is to be written;
            the message names file, key and value.
        MissingFileError: If there is no file of labels, or no photograph.
    """
    if tool not in READERS:
        near = about_nearest(tool, READERS)
        raise InputError(f'tool={tool!r} is unknown; {near} of {", ".join(READERS)}')
    labels, out = Path(labels), Path(out)
    if names is not None and len(names) == 1:
        names = known_points(names[0]) or names
    report, options = ConversionReport(tool), options or ReadOptions()
    found = READERS[tool](labels, options, report)
    order = order_names(found, names, str(labels), report)
    files = PictureFiles(_root(labels, images, found, out))
    room = None if missing_box == 'picture' else margin
    placing = _Placing(files, order, room, 0.0 if tool in _SHOWN_UPRIGHT else 0.5, out, report)
    pictures = progress(found.pictures, len(found.pictures))
    there = [each for each in map(placing.place, pictures) if each is not None]
    usual = _SHOWN_UPRIGHT.get(tool, True)
    upright = labelled_upright(there, order, usual, options.exif, report)
    placed = [face for pair in zip(there, upright, strict=True) for face in placing.faces(*pair)]
    if not placed:
        raise InputError(f"labels='{labels}': {_why_none(report)}")
    _count_points([face for face, _ in placed], order, report)
    texts = _write_files(out, files.root, order, found, placed, report)
    links = [[order.index(a) + 1, order.index(b) + 1] for a, b in found.links]  # COCO's count
    written = write_set(
        out / ANNOTATIONS,
        ((i, face, photo) for i, (face, photo) in enumerate(placed, 1)),
        {'sources': [f'{tool}: {labels.name}'], 'written': digests(texts)},
        'faces',
        category={'keypoints': order, 'skeleton': links},
    )
    report.sets.append(written)
    for path in files.unused:
        report.note('the photograph is in no record', str(path))
    report.remarks += _next_steps(out / config_name(out.name or 'my_faces'))
    return report


def _root(labels: Path, images: str | Path | None, found: Labels, out: Path) -> Path:
    """The folder of the photographs: as said, else where the labels are or put them."""
    if images is not None:
        return Path(images)
    if not any(picture.has_file for picture in found.pictures):
        (out / 'images').mkdir(parents=True, exist_ok=True)
        return out / 'images'
    return labels if labels.is_dir() else labels.parent


@dataclass
class _Placing:
    """Puts labelled faces into the upright pixels of their photographs.

    Attributes:
        files: The photographs.
        names: The points, in order.
        margin: Of a box about points; None makes it all of the picture.
        middle: See :class:`PlacedPicture`.
        out: Folder below which pictures are written that the labels hold.
        report: Gets oddities.
        taken: The photographs that there were, with their records.
    """

    files: PictureFiles
    names: Sequence[str]
    margin: float | None
    middle: float
    out: Path
    report: ConversionReport
    taken: dict[Path, str] = field(default_factory=dict)

    def place(self, picture: LabelledPicture) -> PlacedPicture | None:
        """Find the file of a picture with faces; None, and reported, if there is none."""
        if not picture.faces:
            self.report.note('no face of the picture has points', picture.where)
            return None
        placed = self._find(picture)
        if isinstance(placed, str):
            reason, _, detail = placed.partition(': ')
            for face in picture.faces:
                self.report.leave_out(reason, f'{picture.names[0]} ({detail or face.where})')
            return None
        path, frame = placed
        if path in self.taken:
            kind = 'the photograph has labels in several records; are faces there twice?'
            self.report.note(kind, f'{path} ({self.taken[path]}; {picture.where})')
        self.taken.setdefault(path, picture.where)
        return PlacedPicture(picture, path, frame, self.middle)

    def faces(self, placed: PlacedPicture, is_upright: bool) -> list[tuple[Face, Photograph]]:
        """The faces of a picture that can be used, upright; others are reported.

        Args:
            placed: The picture.
            is_upright: It was labelled as shown, not as stored.
        """
        frame, faces = placed.frame, placed.picture.faces
        name = Path(os.path.relpath(placed.path, self.files.root)).as_posix()
        photo = Photograph(placed.path, name, frame.upright_wh, frame.orientation)
        points = placed.points(self.names, is_upright)
        corners = [placed.corners(face, is_upright) for face in faces]
        made = (self._face(*each, placed) for each in zip(faces, points, corners, strict=True))
        return [(face, photo) for face in made if face is not None]

    def _find(self, picture: LabelledPicture) -> tuple[Path, Frame] | str:
        """Find the file of a picture, or write it; else the reason why there is none."""
        path = self.files.find(picture, self.report) if picture.has_file else ''
        if isinstance(path, str):
            return path if picture.content is None else self._write(picture, picture.content())
        frame = read_frame(path)
        if frame is None:
            return 'its photograph cannot be read'
        if picture.size_wh not in (None, frame.size_wh, frame.upright_wh):
            (width, height), size = picture.size_wh or (0, 0), 'x'.join(map(str, frame.size_wh))
            return f'its photograph has another size than its labels: {size}, not {width}x{height}'
        if picture.num_bytes not in (None, path.stat().st_size):
            kind = 'the photograph is not of as many bytes as when it was labelled; is it the same?'
            self.report.note(kind, f'{path} ({picture.where})')
        return path, frame

    def _write(self, picture: LabelledPicture, content: bytes) -> tuple[Path, Frame] | str:
        frame = frame_of(content)
        if frame is None:
            return 'its photograph is missing, and the labels hold none that can be read'
        path = self.out / 'images' / picture.names[0].replace('\\', '/').rpartition('/')[2]
        if not image_suffix(path.name):
            return f'its photograph is missing, and has no name of an image: {picture.where}'
        if path in self.taken or (path.exists() and path.read_bytes() != content):
            return f'its photograph would be written over another: {path}'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.files.unused.pop(path, None)
        self.report.note('the photograph is from the labels', str(path))
        return path, frame

    def _face(
        self, face: LabelledFace, points: ndarray, corners: ndarray | None, placed: PlacedPicture
    ) -> Face | None:
        """A face in upright pixels; None, and reported, if nothing can be trained on it."""
        flags = np.array([face.points.get(name, (0, 0, NOT_LABELLED))[2] for name in self.names])
        labelled = flags > NOT_LABELLED
        size_wh = placed.frame.upright_wh
        if not labelled.any():
            self.report.leave_out('none of its points is labelled', face.where)
            return None
        points = np.where(labelled[:, None], points, 0)
        if ((points < 0) | (points > size_wh)).any():
            self.report.note('points lie outside of the photograph, and stay there', face.where)
        box = self._box(face, points[labelled], corners, size_wh)
        if box is None:
            self.report.leave_out('it has no box, and its points span none', face.where)
            return None
        bbox = (*box[:2].tolist(), *(box[2:] - box[:2]).tolist())
        return Face(placed.picture.names[0], face.where, points, flags, bbox_xywh=bbox)

    def _box(
        self,
        face: LabelledFace,
        points: ndarray,
        corners: ndarray | None,
        size_wh: tuple[int, int],
    ) -> ndarray | None:
        last = np.array(size_wh) - 1
        if corners is not None:
            edges = np.sort(corners, axis=0)
            if (np.ptp(np.clip(edges, 0, last), axis=0) > 0).all():
                if (edges < 0).any() or (edges > size_wh).any():
                    kind = 'the box leaves its photograph, and stays as it is'
                    self.report.note(kind, face.where)
                return edges.ravel()
        about = 'the picture' if self.margin is None else 'its points'
        self.report.note(f'the face has no box, and gets one about {about}', face.where)
        if self.margin is None:
            return np.array([0.0, 0.0, *size_wh])
        edges = np.array([points.min(axis=0), points.max(axis=0)])
        extent = edges[1] - edges[0]
        edges += self.margin * max(extent) * np.array([[-1], [1]])
        is_box = min(extent) > 0 and (np.ptp(np.clip(edges, 0, last), axis=0) > 0).all()
        return np.clip(edges, 0, size_wh).ravel() if is_box else None


def _why_none(report: ConversionReport) -> str:
    reasons = [
        f'{counted(len(which), "time")}: {reason}' for reason, which in report.unplaced.items()
    ]
    first = next((which[0] for which in report.unplaced.values()), '')
    return f'no face can be used; {"; ".join(reasons)}, such as {first}'


def _count_points(faces: Sequence[Face], names: Sequence[str], report: ConversionReport) -> None:
    """Count points by COCO's flags, and note those that few faces have."""
    flags = np.stack([face.flags for face in faces])
    visible, hidden, missing = (int((flags == flag).sum()) for flag in (2, 1, 0))
    report.remarks.append(f'points: {visible} visible, {hidden} hidden, {missing} not labelled')
    for name, count in zip(names, (flags > NOT_LABELLED).sum(axis=0).tolist(), strict=True):
        if 10 * count < len(faces):
            kind = 'less than a tenth of the faces have this point; is it one?'
            report.note(kind, f'{name!r} (in {count} of {len(faces)})')


def _describe(
    out: Path, names: Sequence[str], labels: Labels, report: ConversionReport
) -> tuple[str, dict[str, str]]:
    """The description of the points, and their mirror pairs."""
    faces, mirrors = [f for each in labels.pictures for f in each.faces], find_mirrors(names)
    report.remarks += [*about_sides(faces, mirrors, report), *about_mirrors(names, mirrors)]
    if list(names) == [str(i + 1) for i in range(68)]:
        report.remarks.append("68 points: if they are iBUG's, --names 300w gives them their names")
    return metainfo_text(out.name or 'my_faces', names, mirrors, labels.links), mirrors


def _config(
    out: Path,
    root: Path,
    names: Sequence[str],
    mirrors: Mapping[str, str],
    placed: Sequence[tuple[Face, Photograph]],
    report: ConversionReport,
) -> tuple[str, str]:
    """The config, and how it measures a face."""
    settings = {
        'type': 'BaseCocoStyleDataset',
        'data_root': f'{out}/',
        'ann_file': ANNOTATIONS,
        'data_prefix': {'img': f'{Path(os.path.relpath(root, out)).as_posix()}/'},
        'metainfo': {'from_file': str(out / METAINFO)},
    }
    points = np.stack([face.points for face, _ in placed])
    pair = size_pair(names, mirrors, points, np.stack([face.flags for face, _ in placed]))
    shares = choose_shares({photo.file_name for _, photo in placed})
    if shares is None:
        report.remarks.append('too few photographs: none is left to validate on')
    size = 'the longer side of the box' if pair is None else f'the distance {" - ".join(pair)}'
    return config_text(settings, len(names), pair, shares or {'val_share': 0.1}), size


def _write_files(
    out: Path,
    root: Path,
    names: Sequence[str],
    labels: Labels,
    placed: Sequence[tuple[Face, Photograph]],
    report: ConversionReport,
) -> dict[str, str]:
    """Write the points and the config, unless they were edited; return their texts by name."""
    description, mirrors = _describe(out, names, labels, report)
    config, size = _config(out, root, names, mirrors, placed, report)
    name = config_name(out.name or 'my_faces')
    texts = {METAINFO: description, name: config}
    about = {
        METAINFO: f'{len(names)} points: {", ".join(names)}',
        name: f'a config of them; errors are divided by {size}',
    }
    edited = edited_files(out, texts, names, root)
    out.mkdir(parents=True, exist_ok=True)
    for each, text in texts.items():
        path = out / each
        if each in edited:
            report.remarks.append(f'{path} was edited, and stays; move it to have it written anew')
            continue
        differs = path.exists() and path.read_text('utf-8') != text
        path.write_text(text, encoding='utf-8')
        report.remarks.append(f'{path}: {about[each]}{" (written anew)" if differs else ""}')
    return texts


def _next_steps(config: Path) -> list[str]:
    """The lines to type next."""
    name = shlex.quote(str(config))
    return [
        'next:',
        f'    mmpose-lite check-data {name}',
        f'    mmpose-lite browse {name}',
        f'    mmpose-lite train {name}',
        f'    mmpose-lite test {name} work_dirs/{config.stem}/best.pth',
    ]
