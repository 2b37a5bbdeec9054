"""Sets of one's own: from what a labelling tool exports to an annotation file and its points."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
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
from .own_config import (
    about_mirrors,
    about_sides,
    choose_shares,
    config_name,
    config_text,
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

# Most tools show photographs upright; imglab, and files of numbers, are of pixels as stored.
_AS_STORED = ('dlib', 'pts', 'csv')


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
    """Write ``out/faces.json`` and, unless they are there, the points and a config.

    These are ``out/metainfo.py`` and ``out/hrnetv2_NAME.py``; NAME is the folder's.

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
        InputError: If a file cannot be used; the message names file, key and value.
        MissingFileError: If there is no file of labels, or no photograph.
    """
    if tool not in READERS:
        near = about_nearest(tool, READERS)
        raise InputError(f'tool={tool!r} is unknown; {near} of {", ".join(READERS)}')
    labels, out = Path(labels), Path(out)
    if names is not None and len(names) == 1:
        names = known_points(names[0]) or names
    report = ConversionReport(tool)
    found = READERS[tool](labels, options or ReadOptions(), report)
    order = order_names(found, names, str(labels), report)
    files = PictureFiles(_root(labels, images, found, out))
    room = None if missing_box == 'picture' else margin
    placing = _Placing(files, order, room, tool in _AS_STORED, out, report)
    pictures = progress(found.pictures, len(found.pictures))
    placed = [pair for picture in pictures for pair in placing.faces(picture)]
    if not placed:
        raise InputError(f"labels='{labels}': {_why_none(report)}")
    links = [[order.index(a) + 1, order.index(b) + 1] for a, b in found.links]  # COCO's count
    written = write_set(
        out / 'faces.json',
        ((i, face, photo) for i, (face, photo) in enumerate(placed, 1)),
        {'sources': [f'{tool}: {labels.name}']},
        'faces',
        category={'keypoints': order, 'skeleton': links},
    )
    report.sets.append(written)
    for path in files.unused:
        report.note('the photograph is in no record', str(path))
    faces = [face for face, _ in placed]
    _count_points(faces, order, report)
    mirrors = _describe(out, order, found, report)
    photographs = {photo.file_name for _, photo in placed}
    _write_config(out, files.root, order, mirrors, faces, photographs, report)
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
    """Puts labelled faces into the pixels of their photographs.

    Attributes:
        files: The photographs.
        names: The points, in order.
        margin: Of a box about points; None makes it all of the picture.
        as_stored: Whether pictures were labelled as stored, where their sizes do not tell.
        out: Folder below which pictures are written that the labels hold.
        report: Gets oddities.
        taken: The photographs that there were, with their records.
    """

    files: PictureFiles
    names: Sequence[str]
    margin: float | None
    as_stored: bool
    out: Path
    report: ConversionReport
    taken: dict[Path, str] = field(default_factory=dict)

    def faces(self, picture: LabelledPicture) -> list[tuple[Face, Photograph]]:
        """The faces of a picture that can be used; others are reported."""
        if not picture.faces:
            self.report.note('no face of the picture has points', picture.where)
            return []
        placed = self._place(picture)
        if isinstance(placed, str):
            reason, _, detail = placed.partition(': ')
            for face in picture.faces:
                self.report.leave_out(reason, f'{picture.names[0]} ({detail or face.where})')
            return []
        path, frame = placed
        if path in self.taken:
            kind = 'the photograph has labels in several records; are faces there twice?'
            self.report.note(kind, f'{path} ({self.taken[path]}; {picture.where})')
        self.taken.setdefault(path, picture.where)
        is_upright = self._is_upright(picture, frame)
        name = Path(os.path.relpath(path, self.files.root)).as_posix()
        photo = Photograph(path, name, frame.size_wh)
        made = (self._face(face, picture, frame, is_upright) for face in picture.faces)
        return [(face, photo) for face in made if face is not None]

    def _place(self, picture: LabelledPicture) -> tuple[Path, Frame] | str:
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

    def _is_upright(self, picture: LabelledPicture, frame: Frame) -> bool:
        """Tell whether a picture was labelled as shown, not as stored."""
        if frame.orientation == 1:
            return False
        is_told = picture.size_wh is not None and frame.size_wh != frame.upright_wh
        is_upright = picture.size_wh == frame.upright_wh if is_told else not self.as_stored
        if picture.is_upright is not None:
            is_told, is_upright = True, picture.is_upright
        if not is_told:
            seen = 'shown upright' if is_upright else 'stored'
            kind = f'EXIF turns the photograph, and no size tells: taken as labelled as {seen}'
            self.report.note(kind, picture.where)
        elif is_upright:
            kind = (
                'EXIF turns the photograph: labels are turned to the pixels as stored, where faces '
                'may lie on their side; better turn the files upright and convert again'
            )
            self.report.note(kind, picture.where)
        return is_upright

    def _face(
        self, face: LabelledFace, picture: LabelledPicture, frame: Frame, is_upright: bool
    ) -> Face | None:
        """A face in pixels as stored; None, and reported, if nothing can be trained on it."""
        size_wh = frame.upright_wh if is_upright else frame.size_wh
        scale = np.array(size_wh) / 100 if picture.is_percent else np.ones(2)
        rows = np.array([face.points.get(name, (0, 0, NOT_LABELLED)) for name in self.names])
        flags = rows[:, 2].astype(int)
        labelled = flags > NOT_LABELLED
        if not labelled.any():
            self.report.leave_out('none of its points is labelled', face.where)
            return None
        points = np.where(labelled[:, None], rows[:, :2] * scale, 0)
        corners = None if face.box is None else np.array(face.box).reshape(2, 2) * scale
        if is_upright:
            points = np.where(labelled[:, None], frame.to_stored(points), 0)
            corners = None if corners is None else frame.to_stored(corners)
        if ((points < 0) | (points > frame.size_wh)).any():
            self.report.note('points lie outside of the photograph, and stay there', face.where)
        box = self._box(face, points[labelled], corners, frame)
        if box is None:
            self.report.leave_out('it has no box, and its points span none', face.where)
            return None
        bbox = (*box[:2].tolist(), *(box[2:] - box[:2]).tolist())
        return Face(picture.names[0], face.where, points, flags, bbox_xywh=bbox)

    def _box(
        self, face: LabelledFace, points: ndarray, corners: ndarray | None, frame: Frame
    ) -> ndarray | None:
        last = np.array(frame.size_wh) - 1
        if corners is not None:
            edges = np.sort(corners, axis=0)
            if (np.ptp(np.clip(edges, 0, last), axis=0) > 0).all():
                if (edges < 0).any() or (edges > frame.size_wh).any():
                    kind = 'the box leaves its photograph, and stays as it is'
                    self.report.note(kind, face.where)
                return edges.ravel()
        about = 'the picture' if self.margin is None else 'its points'
        self.report.note(f'the face has no box, and gets one about {about}', face.where)
        if self.margin is None:
            return np.array([0.0, 0.0, *frame.size_wh])
        edges = np.array([points.min(axis=0), points.max(axis=0)])
        extent = edges[1] - edges[0]
        edges += self.margin * max(extent) * np.array([[-1], [1]])
        is_box = min(extent) > 0 and (np.ptp(np.clip(edges, 0, last), axis=0) > 0).all()
        return np.clip(edges, 0, frame.size_wh).ravel() if is_box else None


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
) -> dict[str, str]:
    """Write the description of the points; return their mirror pairs."""
    faces, mirrors = [f for each in labels.pictures for f in each.faces], find_mirrors(names)
    report.remarks += [*about_sides(faces, mirrors, report), *about_mirrors(names, mirrors)]
    if list(names) == [str(i + 1) for i in range(68)]:
        report.remarks.append("68 points: if they are iBUG's, --names 300w gives them their names")
    text = metainfo_text(out.name or 'my_faces', names, mirrors, labels.links)
    if _write_once(out / 'metainfo.py', text, report):
        points = f'{len(names)} points: {", ".join(names)}'
        report.remarks.append(f'{out / "metainfo.py"}: {points}')
    return mirrors


def _write_once(path: Path, text: str, report: ConversionReport) -> bool:
    """Write a file that a person may have changed since; False where another is there."""
    if path.exists() and path.read_text(encoding='utf-8') != text:
        report.remarks.append(f'{path} is there, is another, and stays; move it to have it anew')
        return False
    path.write_text(text, encoding='utf-8')
    return True


def _write_config(
    out: Path,
    root: Path,
    names: Sequence[str],
    mirrors: Mapping[str, str],
    faces: Sequence[Face],
    photographs: Collection[str],
    report: ConversionReport,
) -> None:
    """Write the config, and tell what to type next."""
    settings = {
        'type': 'BaseCocoStyleDataset',
        'data_root': f'{out}/',
        'ann_file': 'faces.json',
        'data_prefix': {'img': f'{Path(os.path.relpath(root, out)).as_posix()}/'},
        'metainfo': {'from_file': str(out / 'metainfo.py')},
    }
    points = np.stack([face.points for face in faces])
    pair = size_pair(names, mirrors, points, np.stack([face.flags for face in faces]))
    shares = choose_shares(photographs)
    if shares is None:
        report.remarks.append('too few photographs: none is left to validate on')
    path = out / config_name(out.name or 'my_faces')
    text = config_text(settings, len(names), pair, shares or {'val_share': 0.1})
    if _write_once(path, text, report):
        size = 'the longer side of the box' if pair is None else f'the distance {" - ".join(pair)}'
        report.remarks.append(f'{path}: a config of them; errors are divided by {size}')
    config = shlex.quote(str(path))
    report.remarks += [
        'next:',
        f'    mmpose-lite check-data {config}',
        f'    mmpose-lite browse {config}',
        f'    mmpose-lite train {config}',
        f'    mmpose-lite test {config} work_dirs/{path.stem}/best.pth',
    ]
