"""The points of a set of one's own, and the two files that describe it to a training.

The points get an order, and mirror pairs by their names. ``metainfo.py`` describes them;
docs/own_points.md explains the config.
"""

from __future__ import annotations

import ast
import hashlib
import os.path as osp
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy import ndarray

from mmpose_lite.datasets.datasets.base.annotations import read_json
from mmpose_lite.datasets.datasets.base.split import TrainValSplit
from mmpose_lite.errors import InputError, about_nearest
from mmpose_lite.structures.metainfo import parse_pose_metainfo
from mmpose_lite.utils.paths import config_root

from .labelled import NOT_LABELLED, LabelledFace, Labels
from .report import ConversionReport

ANNOTATIONS, METAINFO = 'faces.json', 'metainfo.py'
"""The annotations of a set of one's own, and the description of its points."""

# `left_eye`, `LeftEye`, `eye_l`, `eyeL`: the words and letters that change sides.
_SIDE = re.compile(r'(?i:left|right)|(?<![A-Za-z])[LRlr](?![A-Za-z])|(?<=[a-z])[LR](?![A-Za-z])')
_OTHER = {'left': 'right', 'right': 'left', 'l': 'r', 'r': 'l'}
_COLORS = {'left': [0, 150, 255], 'right': [255, 80, 0], '': [60, 200, 60]}  # RGB
_SAME_POINTS = {'faces19': 'aflw'}  # what has the points of a set
# So few faces may have left and right the other way round.
_FEW = 0.1

_TEXT = '''"""HRNetV2-W18 on your own faces; docs/own_points.md explains each part."""

_base_ = [
    'mmpose_lite::_base_/default_runtime.py',
    'mmpose_lite::_base_/models/hrnetv2_w18.py',
    'mmpose_lite::_base_/schedules/small_set.py',
    'mmpose_lite::_base_/pipelines/small_set_256x256.py',
    'mmpose_lite::_base_/loaders/faces.py',
]

# Training starts from the face model in the package, at the size of its crops.
load_from = 'faces19'
input_size = 128
model = dict(
    backbone=dict(init_cfg=None), head=dict(out_channels={count}, decoder=_base_.codec)
)
faces = dict(
{settings}
)

# A hash of an image's name decides which part it is in.
shares = dict({shares})
train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        faces, train_val_split=dict(shares, part='train'), pipeline=_base_.train_pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(faces, train_val_split=dict(shares, part='val'), pipeline=_base_.val_pipeline)
)
test_dataloader = {test}

# {about_size}
val_evaluator = dict({evaluator})
test_evaluator = val_evaluator

train_cfg = dict(max_epochs=60, val_interval=1)
default_hooks = _base_.small_set_hooks
'''
_NO_TEST = 'val_dataloader  # with 100 photographs or more: a part of its own'
_TEST = (
    "dict(\n    dataset=dict(faces, train_val_split=dict(shares, part='test'), "
    'pipeline=_base_.val_pipeline)\n)'
)
_ENOUGH = 100
"""Photographs of which some can be kept for a test that nothing is chosen on."""


def known_points(name: str) -> list[str] | None:
    """List the points of a set that has a description here, such as ``'300w'``, or of faces19.

    Args:
        name: The set.

    Returns:
        The names of its points, in order; None for any other word.
    """
    files = {path.stem: path for path in (config_root() / '_base_' / 'datasets').glob('*.py')}
    path = files.get(_SAME_POINTS.get(name, name))
    if path is None:
        return None
    names = parse_pose_metainfo({'from_file': str(path)})['keypoint_id2name']
    return [names[i] for i in sorted(names)]


def order_names(
    labels: Labels, asked: Sequence[str] | None, source: str, report: ConversionReport
) -> list[str]:
    """Decide which points there are, in which order.

    Args:
        labels: What the tool says; what ``asked`` changes is changed in place.
        asked: The names that a person gives: some of the tool's, in the order to have; or as many
            others, which the tool's points get in their order.
        source: The labels, for messages.
        report: Gets points that are left out, and where the order comes from.

    Raises:
        InputError: If there is no point, or a name that is asked for is none of the tool's.
    """
    faces = [face for picture in labels.pictures for face in picture.faces]
    seen = list(dict.fromkeys(name for face in faces for name in face.points))
    if not seen:
        raise InputError(f"labels='{source}': no image has a point")
    if not labels.names and all(map(str.isdecimal, seen)):
        labels.names = sorted(seen, key=int)
    known = list(dict.fromkeys([*labels.names, *seen]))
    if asked is None:
        if not labels.names:
            report.remarks.append(
                'points are in the order in which they come in the labels; --names gives another'
            )
        return known
    if len(set(asked)) < len(asked):
        raise InputError(f'--names {",".join(asked)}: a name appears twice')
    if labels.names and not set(asked) & set(known):
        _rename(labels, known, asked, source)
    else:
        _choose(labels, known, asked, source, report)
    return list(asked)


def _rename(labels: Labels, known: Sequence[str], asked: Sequence[str], source: str) -> None:
    if len(known) != len(asked):
        raise InputError(
            f"--names has {len(asked)} names, and '{source}' {len(known)} points: "
            f'{", ".join(known)}'
        )
    new = dict(zip(known, asked, strict=True))
    for i, picture in enumerate(labels.pictures):
        faces = [
            replace(face, points={new[name]: point for name, point in face.points.items()})
            for face in picture.faces
        ]
        labels.pictures[i] = replace(picture, faces=faces)
    labels.links = [(new[a], new[b]) for a, b in labels.links]


def _choose(
    labels: Labels,
    known: Sequence[str],
    asked: Sequence[str],
    source: str,
    report: ConversionReport,
) -> None:
    others = [name for name in known if name not in asked]
    for name in asked:
        # A point that is in no face yet, or a slip of the pen?
        if name not in known and (labels.names or others):
            raise InputError(
                f"--names: {name!r} is not a point of '{source}'; {about_nearest(name, known)} of "
                f'{", ".join(known)}'
            )
    for face in (face for picture in labels.pictures for face in picture.faces):
        for name in others:
            if name in face.points:
                report.note(f'the point {name!r} is not in --names, and is left out', face.where)
    labels.links = [link for link in labels.links if not set(link) & set(others)]


def side_of(name: str) -> str:
    """The side that a name says first: ``'left'``, ``'right'`` or none."""
    found = _SIDE.search(name)
    return '' if found is None else {'l': 'left', 'r': 'right'}[found[0][0].lower()]


def mirror_of(name: str) -> str:
    """The name with its sides exchanged, in the same spelling."""

    def exchanged(found: re.Match) -> str:
        other, word = _OTHER[found[0].lower()], found[0]
        return other.upper() if word.isupper() else other.title() if word[0].isupper() else other

    return _SIDE.sub(exchanged, name)


def find_mirrors(names: Sequence[str]) -> dict[str, str]:
    """Guess mirror pairs from names: for each point of a pair the other one."""
    return {
        name: mirror_of(name)
        for name in names
        if mirror_of(name) != name and mirror_of(name) in names
    }


def about_mirrors(names: Sequence[str], mirrors: Mapping[str, str]) -> Iterator[str]:
    """Report the pairs, and names that say a side and have no partner."""
    pairs = [f'{a} - {b}' for a, b in mirrors.items() if names.index(a) < names.index(b)]
    if pairs:
        yield f'mirror pairs, by their names: {"; ".join(pairs)}'
    else:
        yield (
            'no mirror pairs: no name contains left or right. RandomFlip and flip_test need them: '
            'fill in `swap`'
        )
    for name in names:
        if side_of(name) and name not in mirrors:
            yield f'{name!r} names a side, but there is no {mirror_of(name)!r}: its `swap` is empty'


def about_sides(
    faces: Sequence[LabelledFace], mirrors: Mapping[str, str], report: ConversionReport
) -> Iterator[str]:
    """Tell whether left is the person's or the picture's, and note faces that are the other way.

    Either can be trained on; some faces of each cannot. A person's left eye is on the right of the
    picture.
    """
    votes = [(face.where, _left_is_right(face, mirrors)) for face in faces]
    votes = [(where, vote) for where, vote in votes if vote]
    most = 1 if sum(vote for _, vote in votes) >= 0 else -1
    others = [where for where, vote in votes if vote != most]
    for where in others:
        report.note('left and right lie the other way round than in most faces', where)
    if votes:
        whose = "the person's: it lies right" if most > 0 else "the picture's: it lies left"
        mixed = len(others) > _FEW * len(votes)
        doubt = '; this is not a clear majority: look at them' if mixed else ''
        count = len(votes) - len(others)
        yield f'left is {whose} in the picture in {count} of {len(votes)} faces{doubt}'


def _left_is_right(face: LabelledFace, mirrors: Mapping[str, str]) -> int:
    """1 if points that say left lie to the right, -1 if to the left, 0 where that is not told."""
    at = {name: x for name, (x, _, flag) in face.points.items() if flag != NOT_LABELLED}
    pairs = [(a, b) for a, b in mirrors.items() if side_of(a) == 'left' and a in at and b in at]
    apart = sum(at[a] - at[b] for a, b in pairs)
    return (apart > 0) - (apart < 0)


def metainfo_text(
    name: str, names: Sequence[str], mirrors: Mapping[str, str], links: Sequence[tuple[str, str]]
) -> str:
    """The Python text of a description of the points, for ``metainfo=dict(from_file=...)``."""
    lines = [
        '# The points, in the order of the annotations. `swap` names the mirror point; a point on',
        '# the axis has none. Pairs are guessed from the names.',
        'dataset_info = dict(',
        f'    dataset_name={name!r},',
        '    keypoint_info={',
    ]
    for i, point in enumerate(names):
        color, swap = _COLORS[side_of(point)], mirrors.get(point, '')
        lines.append(f'        {i}: dict(name={point!r}, id={i}, color={color}, swap={swap!r}),')
    lines += ['    },', '    skeleton_info={' if links else '    skeleton_info={},']
    for i, link in enumerate(links):
        lines.append(f'        {i}: dict(link={link!r}, id={i}, color={_COLORS[""]}),')
    lines += ['    },'] if links else []
    return '\n'.join(
        [*lines, f'    joint_weights=[1.0] * {len(names)},', '    sigmas=[],', ')', '']
    )


def config_name(set_name: str) -> str:
    """The name of the config's file, from which the folder of its runs gets its own."""
    return f'hrnetv2_{re.sub(r"[^A-Za-z0-9_-]", "_", set_name)}.py'


def size_pair(
    names: Sequence[str], mirrors: Mapping[str, str], points: ndarray, flags: ndarray
) -> tuple[str, str] | None:
    """Find the two points whose distance is the size of a face: the outermost pair of the eyes.

    Args:
        names: The points, in order.
        mirrors: The mirror point of each that has one.
        points: ``(N, K, 2)``.
        flags: ``(N, K)``, above 0 where a point is labelled.

    Returns:
        Their names, or None if no pair of mirror points is called after the eyes, or every face
        lacks one of them.
    """
    widths: dict[tuple[str, str], float] = {}
    for first, second in mirrors.items():
        i, j = names.index(first), names.index(second)
        is_eye = 'eye' in first.lower() and not re.search('brow|lash|lid', first.lower())
        both = (flags[:, [i, j]] > 0).all(axis=1)
        if i < j and is_eye and both.all():
            distances = np.linalg.norm(points[:, i] - points[:, j], axis=1)
            widths[first, second] = float(distances.mean())
    return max(widths, key=lambda pair: widths[pair], default=None)


def choose_shares(photographs: Collection[str]) -> dict[str, float] | None:
    """Choose the shares of photographs for validation and test, such that each part has some.

    Args:
        photographs: Their names in the annotations.

    Returns:
        Arguments of :class:`~.TrainValSplit`: a tenth for validation, or as much more as a few
        photographs need; from 100 on 0.15 each for validation and test. None if there are too few.
    """
    three = [{'val_share': 0.15, 'test_share': 0.15}] if len(photographs) >= _ENOUGH else []
    for shares in (*three, *({'val_share': percent / 100} for percent in range(10, 100))):
        parts = ['train', 'val', *(['test'] if 'test_share' in shares else [])]
        splits = [TrainValSplit.of({'part': part, **shares}) for part in parts]
        if all(split and any(map(split.has, photographs)) for split in splits):
            return shares
    return None


def config_text(
    settings: Mapping[str, Any],
    count: int,
    pair: tuple[str, str] | None,
    shares: Mapping[str, float],
) -> str:
    """Write the config.

    Args:
        settings: Arguments of the data set.
        count: Number of points.
        pair: The points of :func:`size_pair`.
        shares: Those of :func:`choose_shares`.
    """
    about_size = 'Errors are divided by the longer side of the box.'
    evaluator = "type='NME', norm_mode='use_norm_item', norm_item='bbox_size'"
    if pair is not None:
        about_size = 'Errors are divided by the distance between these two points.'
        names = f'keypoint_names={list(pair)!r}'
        evaluator = f"\n    type='NME', norm_mode='keypoint_distance', {names}\n"
    return _TEXT.format(
        count=count,
        settings='\n'.join(f'    {key}={value!r},' for key, value in settings.items()),
        shares=', '.join(f'{part}={share:g}' for part, share in shares.items()),
        test=_TEST if 'test_share' in shares else _NO_TEST,
        about_size=about_size,
        evaluator=evaluator,
    )


def digests(texts: Mapping[str, str]) -> dict[str, str]:
    """Hash the files of a set, by name, for :func:`edited_files` of a later conversion."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}


def edited_files(
    out: Path, texts: Mapping[str, str], names: Sequence[str], images: Path
) -> set[str]:
    """Find the files of an earlier conversion that a person has edited since, and check them.

    Args:
        out: The folder, whose annotations have the hashes of what was written beside them.
        texts: What is to be written, by name: the description of the points, and the config.
        names: The points that the annotations will have.
        images: The folder of their images.

    Raises:
        InputError: If an edited description has other points, or an edited config another folder.
    """
    there = {name: out / name for name in texts if (out / name).exists()}
    found = {name: path.read_text('utf-8', 'replace') for name, path in there.items()}
    changed = {name: text for name, text in found.items() if text != texts[name]}
    written = _written(out / ANNOTATIONS) if changed else {}
    hashes = digests(changed)
    edited = {name for name in changed if written.get(name) != hashes[name]}
    for name in edited:
        if name == METAINFO:
            _check_points(out / name, names)
        else:
            _check_folders(out / name, changed[name], images)
    return edited


def _written(annotations: Path) -> dict[str, str]:
    """The hashes that a conversion has left in its annotations, by name."""
    try:
        return dict(read_json(str(annotations))['info']['written'])
    except (InputError, LookupError, TypeError, ValueError):
        return {}


_TO_MOVE = 'change it there, or move the file to have it written anew'


def _check_points(path: Path, names: Sequence[str]) -> None:
    points = parse_pose_metainfo({'from_file': str(path)})['keypoint_id2name']
    described = [points[i] for i in sorted(points)]
    if described != list(names):
        raise InputError(
            f'{path} was edited, and its points are {", ".join(described)}, not '
            f'{", ".join(names)}: {_TO_MOVE}'
        )


def _check_folders(path: Path, text: str, images: Path) -> None:
    for settings in _settings(text):
        prefix, root = settings.get('data_prefix'), settings.get('data_root')
        folder = prefix.get('img') if isinstance(prefix, dict) else None
        roots = [str(path.parent), *([root] if isinstance(root, str) else [])]
        if settings.get('ann_file') != ANNOTATIONS or not isinstance(folder, str):
            continue
        if all(osp.realpath(osp.join(each, folder)) != osp.realpath(images) for each in roots):
            raise InputError(
                f'{path} was edited, and its images are in data_prefix.img={folder!r}, not in '
                f"'{images}': {_TO_MOVE}"
            )


def _settings(text: str) -> Iterator[dict[str, Any]]:
    """The dicts that a config writes down, without running it."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return
    yield from (each for each in map(_plain, nodes) if isinstance(each, dict))


def _plain(node: ast.AST) -> Any:
    """The value of a text, or of a dict of such values; None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict':
        return {each.arg: _plain(each.value) for each in node.keywords}
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_plain(key): _plain(value) for key, value in pairs if key}
    return None
