"""Faces of a data set as a person wants to see them: as annotated, as trained on, with targets."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmengine.registry import init_default_scope
from numpy import ndarray

from mmpose_lite.datasets import build_dataset
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.datasets.transforms import (
    GenerateTarget,
    GetBBoxCenterScale,
    LoadImage,
    PackPoseInputs,
    RandomFlip,
    TopdownAffine,
)
from mmpose_lite.errors import InputError
from mmpose_lite.structures.bbox import fix_aspect_ratio, get_udp_warp_matrix, get_warp_matrix
from mmpose_lite.utils.nested_datasets import innermost, walk_datasets
from mmpose_lite.visualization.drawing import RGB
from mmpose_lite.visualization.sheet import LEFT, MIDDLE, RIGHT, FaceView, point_sheet

Stage = tuple[Mapping[str, Any], Sequence[BaseTransform]]
"""A pipeline, and what of the points' description stands in for what came before."""

# A point that is so far from the middle, as a share of half the face's width, on average over so
# many faces, is on one side, if that is so many standard errors: faces look to both sides.
_OFF_CENTRE, _FACES_ENOUGH, _SURE = 0.25, 8, 4
_COLORS: dict[int, RGB] = {-1: LEFT, 0: MIDDLE, 1: RIGHT}


class Browser:
    """Runs the pipeline of a data set up to the point where its results can be seen.

    Args:
        dataset: A data set of faces, which has a ``pipeline`` of transforms.
        further: What comes after it, of data sets that are made of this one and others: the points'
            description, and the transforms.
        seed: Of the random transforms.

    Raises:
        InputError: If the pipeline does not load and crop.
    """

    def __init__(self, dataset: Any, further: Sequence[Stage] = (), seed: int = 0) -> None:
        self.dataset = dataset
        self.seed = seed
        self.stages: list[Stage] = [({}, getattr(dataset.pipeline, 'transforms', ())), *further]
        self.transforms = [each for _, transforms in self.stages for each in transforms]
        self.affine = self._first(TopdownAffine)
        if self._first(LoadImage) is None or self.affine is None:
            kinds = [type(each).__name__ for each in self.transforms]
            raise InputError(f'pipeline={kinds} has no LoadImage and TopdownAffine to look at')

    def _first(self, kind: type) -> Any:
        return next((each for each in self.transforms if isinstance(each, kind)), None)

    def original(self, index: int) -> FaceView:
        """A face in its photograph, as it is annotated, with the crop before any randomness."""
        results = self.dataset.get_data_info(index)
        for kind in (LoadImage, GetBBoxCenterScale):
            transform = self._first(kind)
            results = results if transform is None else transform(results)
        width, height = self.affine.input_size
        center = results['bbox_center'][0]
        half = fix_aspect_ratio(results['bbox_scale'], width / height)[0] / 2
        return FaceView(
            image_bgr=results['img'],
            points=results['keypoints'][0],
            shown=results['keypoints_visible'][0] > 0,
            box=_corners(results['bbox'][0]),
            crop=_corners(np.concatenate([center - half, center + half])),
            face_id=results['id'],
            img_path=results['img_path'],
        )

    def transformed(self, index: int, codec: dict | None = None) -> Iterator[FaceView]:
        """A face as the network gets it: one view, or where it may be mirrored one of each.

        Both have the same random numbers, so the same turn and scale.

        Args:
            index: Which face.
            codec: Config of a codec for targets where the pipeline makes none, empty if there is
                none; None to show no targets.

        Raises:
            InputError: If targets are asked for and are of no kind that can be drawn.
        """
        mirrors = [False, True] if self._first(RandomFlip) is not None else [None]
        for mirrored in mirrors:
            results = self._run(index, mirrored)
            if results is None or 'transformed_keypoints' not in results:
                raise InputError(f'the pipeline gives nothing to look at for sample {index}')
            heatmap, has_target = (None, None) if codec is None else _targets(results, codec)
            visible = results['keypoints_visible'][0]  # with a weight behind it, or without
            yield FaceView(
                image_bgr=np.ascontiguousarray(results['img']),
                points=results['transformed_keypoints'][0],
                shown=(visible[:, 0] if visible.ndim == 2 else visible) > 0,
                box=self._box(results),
                heatmap=heatmap,
                cell_wh=None if heatmap is None else self._cell(heatmap, results),
                has_target=has_target,
                face_id=results['id'],
                img_path=results['img_path'],
                is_mirrored=mirrored,
            )

    def _run(self, index: int, mirrored: bool | None) -> dict | None:
        rng = SampleIndex(index, self.seed, 0).rng(with_global=True)
        results: Any = {**self.dataset.get_data_info(index), 'rng': rng}
        for metainfo, transforms in self.stages:
            results.update({key: value for key, value in metainfo.items() if key in results})
            for transform in transforms:
                if isinstance(transform, PackPoseInputs):
                    continue  # it hides what is in a sample
                results = _forced(transform, mirrored)(results)
                if results is None:
                    return None
        return results

    def _cell(self, heatmap: ndarray, results: dict) -> ndarray:
        """Width and height of a target's cell in the crop, px."""
        size_wh, cells_wh = np.array(results['input_size']), np.array(heatmap.shape[::-1])
        # Under UDP the outermost cells are at the outermost pixels.
        between = self.affine.use_udp and 'heatmaps' in results
        return (size_wh - 1) / (cells_wh - 1) if between else size_wh / cells_wh

    def _box(self, results: dict) -> ndarray:
        """Corners of the box in the crop."""
        get_matrix = get_udp_warp_matrix if self.affine.use_udp else get_warp_matrix
        turn = results['bbox_rotation'][0] if 'bbox_rotation' in results else 0.0
        size_wh = results['input_size']
        matrix = get_matrix(
            results['input_center'], results['input_scale'], turn, output_size=size_wh
        )
        return _corners(results['bbox'][0]) @ matrix[:, :2].T + matrix[:, 2]


def find_browsers(dataset: Any, seed: int = 0) -> list[Browser]:
    """Find the data sets of faces in a data set, which may be made of others."""
    found = []
    for *outer, part in innermost(dataset):
        steps = [
            (each, getattr(getattr(each, 'pipeline', None), 'transforms', ())) for each in outer
        ]
        further = [(dict(each.metainfo), own) for each, own in reversed(steps) if own]
        found.append(Browser(part, further, seed))
    return found


def image_sides(points: ndarray, shown: ndarray, pairs: Sequence[tuple[int, int]]) -> ndarray:
    """Tell which points are left and right in photographs, whatever their names are.

    Args:
        points: ``(N, K, 2)``, of faces that are not mirrored.
        shown: ``(N, K)``, which are annotated.
        pairs: Mirror pairs. A point without a mirror that lies clearly on one side, over faces
            enough, has that side: were its mirror forgotten, mirrored faces would show it.

    Returns:
        ``(K,)``: -1 left, 1 right, 0 in the middle.
    """
    x = np.where(shown, points[..., 0], np.nan)
    sides = np.zeros(x.shape[1], dtype=int)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # points that no face has stay NaN
        offset = x - np.nanmean(x, axis=1, keepdims=True)
        offset = offset / np.nanmax(np.abs(offset), axis=1, keepdims=True)
        mean = np.nan_to_num(np.nanmean(offset, axis=0))
        doubt = np.nanstd(offset, axis=0) / np.sqrt(np.maximum(shown.sum(axis=0), 1))
        apart = {(i, j): np.nanmean(offset[:, i] - offset[:, j]) for i, j in pairs}
    if len(points) >= _FACES_ENOUGH:
        limit = np.maximum(_OFF_CENTRE, _SURE * np.nan_to_num(doubt))
        sides = np.where(np.abs(mean) > limit, np.sign(mean), 0).astype(int)
    for (i, _), distance in apart.items():
        sides[i] = np.sign(np.nan_to_num(distance))
    return sides


def _forced(transform: BaseTransform, mirrored: bool | None) -> BaseTransform:
    """A transform that mirrors always or never, if it is the one that may; it draws the same."""
    if mirrored is None or not isinstance(transform, RandomFlip):
        return transform
    directions = transform.direction
    direction = directions if isinstance(directions, str) else directions[0]
    return RandomFlip(prob=float(mirrored), direction=direction)


def _corners(bbox_xyxy: ndarray) -> ndarray:
    x1, y1, x2, y2 = bbox_xyxy[:4]
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])


def _targets(results: dict, codec: dict) -> tuple[ndarray | None, ndarray]:
    """All targets in one map, if they are more than the points, and which points have one."""
    if 'keypoint_weights' not in results:
        if not codec:
            raise InputError('mode=target: neither the pipeline nor model.head names a codec')
        results = GenerateTarget(encoder=codec)(results)
    count = results['transformed_keypoints'].shape[1]
    has_target = _finest(results['keypoint_weights']).reshape(-1, count)[0] > 0.5
    if 'heatmaps' in results:
        maps = _finest(results['heatmaps'])
        # Of combined maps that of the disc; maps of its offsets come after it.
        return maps[:: max(1, len(maps) // count)].max(axis=0), has_target
    axes = [results.get(f'keypoint_{axis}_labels') for axis in 'xy']
    if all(vectors is not None for vectors in axes):
        return _joined_axes(*map(_finest, axes)), has_target
    if 'keypoint_labels' in results:  # coordinates
        return None, has_target
    raise InputError('mode=target: the targets of this config are not maps, vectors or coordinates')


def _finest(targets: Any) -> ndarray:
    """Of several encoders, and of several resolutions, the last and finest."""
    while isinstance(targets, list):
        targets = targets[-1]
    return targets


def _joined_axes(x: ndarray, y: ndarray) -> ndarray:
    """Products of each point's vectors ``(1, K, L)`` along the axes: a spot where both are high."""
    joined = np.zeros((y.shape[-1], x.shape[-1]), np.float32)
    for along_x, along_y in zip(
        x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]), strict=True
    ):
        np.maximum(joined, np.outer(along_y, along_x), out=joined)
    return joined


def load_browsers(cfg: Config, split: str, seed: int) -> tuple[list[Browser], dict[str, Any]]:
    """Build a split's data set; return its sets of faces, and the points that come out of it.

    Raises:
        InputError: If the config has no such split.
    """
    settings = (cfg.get(f'{split}_dataloader') or {}).get('dataset')
    if not settings:
        raise InputError(f'{split}_dataloader.dataset is not in the config')
    for _, nest in walk_datasets(settings):
        nest[-1].pop('cache', None)  # photographs are read, and no crops are cut
    init_default_scope(cfg.get('default_scope', 'mmpose_lite'))
    dataset = build_dataset(settings)
    return find_browsers(dataset, seed), dict(dataset.metainfo)


def choose(browser: Browser, count: int, ids: Sequence[str] | None) -> list[int]:
    """Choose faces: those with some ids, or so many at even steps from the first to the last."""
    total = len(browser.dataset)
    if ids is not None:
        wanted = set(ids)
        return [i for i in range(total) if str(browser.dataset.get_data_info(i)['id']) in wanted]
    return np.unique(np.linspace(0, total - 1, min(count, total)).astype(int)).tolist()


def views(browser: Browser, indices: Iterable[int], mode: str, cfg: Config) -> Iterator[FaceView]:
    """Look at faces in one of the modes.

    Raises:
        InputError: If targets are asked for, and neither pipeline nor head has a codec.
    """
    codec = None
    if mode == 'target':
        decoder = (cfg.get('model') or {}).get('head', {}).get('decoder')
        codec = decoder[-1] if isinstance(decoder, list) else decoder
        codec = {} if codec is None else dict(codec)
    for index in indices:
        if mode == 'original':
            yield browser.original(index)
        else:
            yield from browser.transformed(index, codec)


def draw_sheets(
    faces: Sequence[FaceView],
    metainfo: dict[str, Any],
    stem: Path,
    heading: str,
    columns: int = 6,
    rows: int = 4,
    tile: int = 300,
) -> list[Path]:
    """Draw faces on as many sheets as they need, and return the files; pairs stay side by side.

    Args:
        faces: The faces.
        metainfo: Names, mirror pairs and data set of their points.
        stem: The sheets' path without its end, a number and ``.png``.
        heading: Follows the data set's name at the head of a sheet.
        columns: Pictures in a row.
        rows: Rows of a sheet.
        tile: Side of a picture, px.
    """
    upright = [face for face in faces if not face.is_mirrored]
    sides = image_sides(
        np.stack([face.points for face in upright]),
        np.stack([face.shown for face in upright]),
        metainfo['flip_pairs'],
    )
    names = [metainfo['keypoint_id2name'][k] for k in range(len(sides))]
    colors = [_COLORS[side] for side in sides.tolist()]
    heading = f'{metainfo["dataset_name"]}: {heading}'
    pairs = len(faces) > len(upright)
    columns = max(2, columns - columns % 2) if pairs else columns
    size = columns * rows
    written = []
    for number, start in enumerate(range(0, len(faces), size), 1):
        path, shown = stem.with_name(f'{stem.name}-{number:02d}.png'), faces[start : start + size]
        written.append(point_sheet(shown, path, names, colors, columns, tile, heading))
    return written
