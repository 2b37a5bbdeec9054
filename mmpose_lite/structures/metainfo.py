"""The description of a point set (names, mirror pairs, colours), parsed from a config's form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy import ndarray

from mmpose_lite.errors import InputError, MissingKeyError
from mmpose_lite.utils.config_utils import read_config_file
from mmpose_lite.utils.paths import find_metainfo_file

_REQUIRED = ('dataset_name', 'keypoint_info', 'skeleton_info', 'joint_weights', 'sigmas')
# What of a description every sample carries, for transforms and the model.
SAMPLE_KEYS = (
    'dataset_name',
    'upper_body_ids',
    'lower_body_ids',
    'flip_pairs',
    'dataset_keypoint_weights',
    'flip_indices',
    'skeleton_links',
)


class PoseMetainfo(TypedDict):
    """A parsed description; K points, L links.

    MMPose's keys, and ``own_mirror_ids``: the points whose ``swap`` names themselves.
    """

    dataset_name: str
    num_keypoints: int
    keypoint_id2name: dict[int, str]
    keypoint_name2id: dict[str, int]
    upper_body_ids: list[int]
    lower_body_ids: list[int]
    flip_indices: list[int]
    flip_pairs: list[tuple[int, int]]
    own_mirror_ids: list[int]
    keypoint_colors: ndarray
    num_skeleton_links: int
    skeleton_links: list[tuple[int, int]]
    skeleton_link_colors: ndarray
    dataset_keypoint_weights: ndarray
    sigmas: ndarray


def parse_pose_metainfo(metainfo: Mapping[str, Any]) -> PoseMetainfo:
    """Parse a description as MMPose's configs write it.

    Args:
        metainfo: Either the keys ``dataset_name``, ``keypoint_info`` (``{i: {name, id, color,
            type, swap}}``; ``swap`` names the mirror point, and is empty, or the point's own name,
            for one on the axis), ``skeleton_info``, ``joint_weights`` and ``sigmas``; or
            ``from_file``, the name of a Python file that defines them as ``dataset_info``; or
            what this function returned, which comes back as it is.

    Raises:
        MissingKeyError: If a key is missing.
        InputError: If the points, mirror pairs or weights contradict each other.
        MissingFileError: If ``from_file`` cannot be found.
    """
    if 'num_keypoints' in metainfo and 'flip_indices' in metainfo:
        return metainfo  # type: ignore[return-value]
    if 'from_file' in metainfo:
        metainfo = _read_description(find_metainfo_file(metainfo['from_file']))
    return parse_description(metainfo)


def _read_description(path: Path) -> Mapping[str, Any]:
    """Read a description from its file; one that did not change is executed once a process."""
    text = path.read_bytes()
    depends_on_more = any(mark in text for mark in (b'_base_', b'import', b'open', b'{{'))
    return _execute(path) if depends_on_more else _execute_once(path, text)


@lru_cache(maxsize=32)
def _execute_once(path: Path, _text: bytes) -> Mapping[str, Any]:
    return _execute(path)


def _execute(path: Path) -> Mapping[str, Any]:
    content = read_config_file(path)
    if 'dataset_info' not in content:
        raise MissingKeyError(f"{path}: no 'dataset_info' in this metainfo file")
    return content.dataset_info


def parse_description(metainfo: Mapping[str, Any]) -> PoseMetainfo:
    """Parse a description that has all keys of configs; unlike the former, this opens no file.

    Raises:
        MissingKeyError: If a key is missing.
        InputError: If the points, mirror pairs or weights contradict each other.
    """
    missing = [key for key in _REQUIRED if key not in metainfo]
    if missing:
        raise MissingKeyError(f'metainfo lacks the keys {missing}; it has {sorted(metainfo)}')
    return _parse(metainfo)


def check_complete(metainfo: Mapping[str, Any]) -> None:
    """Check that a parsed description has all of MMPose's keys.

    Raises:
        MissingKeyError: If it lacks one.
    """
    needed = PoseMetainfo.__required_keys__ - {'own_mirror_ids'}
    if missing := sorted(needed - metainfo.keys()):
        raise MissingKeyError(f'the description of the points lacks {", ".join(missing)}')


def describe_points(metainfo: PoseMetainfo) -> dict[str, Any]:
    """Write a parsed description in the form of configs, of which JSON can hold all.

    :func:`parse_description` makes the same of it.

    Raises:
        MissingKeyError: If it lacks a key of :class:`PoseMetainfo`.
    """
    check_complete(metainfo)
    names = metainfo['keypoint_id2name']
    own_mirrors = metainfo.get('own_mirror_ids', ())  # which MMPose's descriptions do not have
    kinds = {'upper': metainfo['upper_body_ids'], 'lower': metainfo['lower_body_ids']}
    points = {}
    for i, name in names.items():
        mirror = metainfo['flip_indices'][i]
        points[str(i)] = {
            'name': name,
            'id': i,
            'color': metainfo['keypoint_colors'][i].tolist(),
            'type': next((kind for kind, ids in kinds.items() if i in ids), ''),
            'swap': names[mirror] if mirror != i or i in own_mirrors else '',
        }
    links = zip(metainfo['skeleton_links'], metainfo['skeleton_link_colors'], strict=True)
    return {
        'dataset_name': metainfo['dataset_name'],
        'keypoint_info': points,
        'skeleton_info': {
            str(i): {'link': [names[a], names[b]], 'id': i, 'color': color.tolist()}
            for i, ((a, b), color) in enumerate(links)
        },
        'joint_weights': metainfo['dataset_keypoint_weights'].tolist(),
        'sigmas': metainfo['sigmas'].tolist(),
    }


def find_moved(names: Sequence[str], others: Sequence[str]) -> tuple[int, int] | None:
    """Find the first of ``names`` that stands at another place of ``others``, and both places.

    Names are equal whatever their case and punctuation, and those of several points are left out.
    None if no name is at two places, or if ``names`` only count, from 0 or from 1.
    """
    if are_numbered(names):
        return None
    places, others_places = _unique_places(names), _unique_places(others)
    pairs = ((i, others_places.get(name, i)) for name, i in places.items())
    return next((pair for pair in pairs if pair[0] != pair[1]), None)


def _unique_places(names: Sequence[str]) -> dict[str, int]:
    plain = [plain_name(name) for name in names]
    return {name: i for i, name in enumerate(plain) if plain.count(name) == 1}


def plain_name(name: str) -> str:
    """The letters and digits of a point's name, in lower case."""
    return re.sub(r'[\W_]+', '', name).casefold()


def are_numbered(names: Sequence[str]) -> bool:
    """Tell if names only count: 1, 2, 3, or kpt0, kpt1, kpt2."""
    found = [re.fullmatch(r'\D*(\d{1,9})', name) for name in names]
    if not found or not all(found):
        return False
    numbers = [int(each[1]) for each in found if each]
    return numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _parse(info: Mapping[str, Any]) -> PoseMetainfo:
    name = info['dataset_name']
    points = sorted(info['keypoint_info'].values(), key=lambda point: point['id'])
    if [point['id'] for point in points] != list(range(len(points))):
        raise InputError(f"metainfo of '{name}': point ids are not 0 to {len(points) - 1}")
    name2id = {point['name']: point['id'] for point in points}
    if len(name2id) != len(points):
        raise InputError(f"metainfo of '{name}': two points bear one name")
    weights = np.array(info['joint_weights'], dtype=np.float32)
    if len(weights) != len(points):
        raise InputError(
            f"metainfo of '{name}': {len(points)} points but {len(weights)} joint_weights"
        )
    index = partial(_index, name, name2id)
    flip_indices = _flip_indices(name, points, index)
    links = list(info['skeleton_info'].values())
    return PoseMetainfo(
        dataset_name=name,
        num_keypoints=len(points),
        keypoint_id2name={point['id']: point['name'] for point in points},
        keypoint_name2id=name2id,
        upper_body_ids=[point['id'] for point in points if point.get('type') == 'upper'],
        lower_body_ids=[point['id'] for point in points if point.get('type') == 'lower'],
        flip_indices=flip_indices,
        flip_pairs=[(mirror, i) for i, mirror in enumerate(flip_indices) if mirror != i],
        own_mirror_ids=[point['id'] for point in points if point.get('swap') == point['name']],
        keypoint_colors=_colors(points, (255, 128, 0)),
        num_skeleton_links=len(links),
        skeleton_links=[(index(link['link'][0]), index(link['link'][1])) for link in links],
        skeleton_link_colors=_colors(links, (96, 96, 255)),
        dataset_keypoint_weights=weights,
        sigmas=np.array(info['sigmas'], dtype=np.float32),
    )


def _flip_indices(name: str, points: list[dict], index: Callable[[str], int]) -> list[int]:
    mirror = [index(point.get('swap') or point['name']) for point in points]
    for i, j in enumerate(mirror):
        if mirror[j] != i:
            raise InputError(
                f"metainfo of '{name}': '{points[i]['name']}' names '{points[j]['name']}' as its "
                f"mirror, but that names '{points[mirror[j]]['name']}'"
            )
    return mirror


def _index(name: str, name2id: dict[str, int], point: str) -> int:
    if point not in name2id:
        raise InputError(f"metainfo of '{name}': there is no point '{point}'")
    return name2id[point]


def _colors(items: list[dict], default: tuple[int, int, int]) -> ndarray:
    return np.array([item.get('color', default) for item in items], dtype=np.uint8)
