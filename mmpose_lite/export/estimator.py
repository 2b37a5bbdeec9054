"""An exported file in the place of a model: in tests, on photographs and on videos."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import groupby
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from numpy import ndarray
from torch import Tensor

from mmpose_lite.apis.inference import dataset_meta_from_config
from mmpose_lite.engine.config_rewrites import find_pipelines
from mmpose_lite.errors import InputError
from mmpose_lite.models.data_preprocessors.data_preprocessor import is_uncropped
from mmpose_lite.models.data_preprocessors.device_crops import warp_faces
from mmpose_lite.models.pose_estimators import TopdownPoseEstimator
from mmpose_lite.structures import PoseDataSample, PoseMetainfo, parse_pose_metainfo
from mmpose_lite.utils.nested_datasets import walk_datasets
from mmpose_lite.utils.paths import shown

from .runtime import ExportedModel, Prediction


class ExportedEstimator(BaseModel):
    """Predicts batches of a test pipeline by an exported file, as a model does in its test step.

    It has no weights, and computes on the CPU.

    Args:
        exported: The file.
        cfg: The config whose test pipeline makes the crops; without it they are made as the file's
            metadata say.

    Attributes:
        cfg: The config; of a file that takes photographs, its pipeline leaves the crop to that.
        dataset_meta: Description of the points.
        test_cfg: ``flip_test``: whether that is in the file.

    Raises:
        InputError: If the config's points, size of crops, padding or UDP are not the file's, or
            there is no config, and the file does not say how boxes become crops.
    """

    has_fixed_flip_test = True

    def __init__(self, exported: ExportedModel, cfg: Config | None = None) -> None:
        super().__init__()
        self.exported = exported
        metadata = exported.metadata
        if cfg is None:
            cfg = make_config(exported)
        else:
            check_points(cfg, metadata, shown(exported.file))
            check_crops(cfg, metadata, shown(exported.file))
        self.cfg = _without_crops(cfg) if exported.takes_photographs else cfg
        self.dataset_meta = read_metainfo(metadata)
        self.test_cfg = {'flip_test': bool(metadata['flip'])}
        # Points come with the map of adapted weights; see TopdownPoseEstimator.
        self.label_map = None

    def check_settings(self, flip: bool = False, amp: bool = False) -> None:
        """Check what is asked of the file besides points.

        Raises:
            InputError: If it is the flip test, which is in the file or not, or half precision.
        """
        name = shown(self.exported.file)
        if flip and self.test_cfg['flip_test']:
            raise InputError(f'flip: {name} has the flip test inside; leave it out')
        if flip:
            raise InputError(
                f'flip: {name} has no flip test; mmpose-lite export --flip puts it into the file'
            )
        if amp:
            raise InputError(f'amp: {name} computes in the precision that it was exported with')

    def forward(
        self,
        inputs: Any,
        data_samples: list[PoseDataSample] | None = None,
        mode: str = 'tensor',
    ) -> list[PoseDataSample]:
        """Predict a batch; see :meth:`test_step`.

        Raises:
            InputError: If the mode is another one than ``'predict'``.
        """
        if mode != 'predict':
            raise InputError(f'{shown(self.exported.file)} predicts points; it has no {mode}')
        return self.test_step({'inputs': inputs, 'data_samples': data_samples})

    def test_step(self, data: dict | tuple | list) -> list[PoseDataSample]:
        """Predict a batch of a pipeline; samples come back with points in image pixels."""
        assert isinstance(data, dict)
        samples: list[PoseDataSample] = data['data_samples']
        if not self.exported.takes_photographs:
            return self._attach(self.exported.predict(crops_of(data)), samples)
        if is_uncropped(data['inputs'], samples):
            return [*self._of_photographs(data['inputs'], samples)]
        found = [self._of_crop(crop) for crop in crops_of(data)]
        return self._attach(Prediction.joined(found), samples)

    def _attach(self, found: Prediction, samples: list[PoseDataSample]) -> list[PoseDataSample]:
        """Give samples their points, which are in pixels of the crops."""
        attach: Any = TopdownPoseEstimator.add_pred_to_datasample
        rows = [_instance(found, row) for row in range(len(samples))]
        attached: list[PoseDataSample] = attach(self, rows, None, samples)
        return attached

    def _of_photographs(
        self, images: Sequence[Tensor], samples: Sequence[PoseDataSample]
    ) -> Iterator[PoseDataSample]:
        """Predict in whole photographs, all faces that follow each other in one at once."""
        pairs = zip(images, samples, strict=True)
        for _, group in groupby(pairs, lambda pair: (pair[0].data_ptr(), pair[0].shape)):
            faces = [*group]
            image = np.ascontiguousarray(faces[0][0].permute(1, 2, 0).numpy())
            boxes = np.stack([box_of(each, self.exported.metadata['padding']) for _, each in faces])
            found = self.exported.predict(image, boxes)
            for row, (_, sample) in enumerate(faces):
                instance = _instance(found, row)
                instance.keypoints_visible = instance.keypoint_scores
                instance.bboxes = sample.gt_instances.bboxes
                instance.bbox_scores = sample.gt_instances.bbox_scores
                sample.pred_instances = instance
                yield sample

    def _of_crop(self, crop: ndarray) -> Prediction:
        """Predict a crop ``(H, W, 3)`` as a photograph of which all is cut out, as it is."""
        metadata = self.exported.metadata
        size = np.array(metadata['input_size'], np.float32)
        sides = size - metadata['use_udp']
        half = sides / 2 / metadata['padding']
        box = np.concatenate([sides / 2 - half, sides / 2 + half])
        found = self.exported.predict(crop, box[None].astype(np.float32))
        return found._replace(points=found.points / sides * size)


def _instance(found: Prediction, row: int) -> InstanceData:
    """One face of a prediction, with an axis of its own."""
    face = slice(row, row + 1)
    instance = InstanceData(keypoints=found.points[face], keypoint_scores=found.scores[face])
    if found.errors is not None:
        instance.keypoint_errors = found.errors[face]
    return instance


def box_of(sample: Any, padding: float) -> ndarray:
    """The box ``(4,)`` of a sample before padding, xyxy float32, in the crop's form."""
    half = np.asarray(sample.input_scale) / padding / 2
    center = np.asarray(sample.input_center)
    return np.concatenate([center - half, center + half]).astype(np.float32)


def crops_of(data: dict[str, Any]) -> ndarray:
    """The crops of a batch ``(B, H, W, 3)`` uint8, cut here where the pipeline has not."""
    images, samples = data['inputs'], data['data_samples']
    if is_uncropped(images, samples):
        images = warp_faces(images, samples, None, torch.device('cpu'), False)
    crops = images if isinstance(images, Tensor) else torch.stack(list(images))
    return np.ascontiguousarray(crops.permute(0, 2, 3, 1).to(torch.uint8).numpy())


def read_metainfo(metadata: Mapping[str, Any]) -> PoseMetainfo:
    """The description of the points that a file's metadata have."""
    names = metadata['points']
    mirror = dict(metadata['mirror_pairs']) | {b: a for a, b in metadata['mirror_pairs']}
    colors = metadata.get('colors') or [None] * len(names)
    points = {
        i: {'name': name, 'id': i, 'swap': names[mirror.get(i, i)], 'type': ''}
        | ({'color': color} if color else {})
        for i, (name, color) in enumerate(zip(names, colors, strict=True))
    }
    links = {i: {'link': [names[a], names[b]]} for i, (a, b) in enumerate(metadata['skeleton'])}
    return parse_pose_metainfo(
        {
            'dataset_name': metadata['dataset'],
            'keypoint_info': points,
            'skeleton_info': links,
            'joint_weights': [1.0] * len(names),
            'sigmas': [],
        }
    )


def make_config(exported: ExportedModel) -> Config:
    """Make a config whose test pipeline cuts crops as the file's metadata say.

    Raises:
        InputError: If they do not.
    """
    metadata = exported.metadata
    if metadata['padding'] is None:
        raise InputError(
            f'{shown(exported.file)} does not say how boxes become crops, since the test pipeline '
            'of its config has steps that a file cannot do: name that config before it'
        )
    crop = {'type': 'TopdownAffine', 'input_size': tuple(metadata['input_size'])}
    steps = [
        {'type': 'LoadImage'},
        {'type': 'GetBBoxCenterScale', 'padding': metadata['padding']},
        {**crop, 'use_udp': metadata['use_udp']},
        {'type': 'PackPoseInputs'},
    ]
    return Config({'test_dataloader': {'dataset': {'pipeline': steps}}})


def _without_crops(cfg: Config) -> Config:
    """A config whose test pipelines leave the crop to the file, and hand over photographs."""
    cfg = deepcopy(cfg)
    for _, (*_, dataset) in walk_datasets(cfg.test_dataloader):
        dataset.pop('cache', None)  # it holds cut ones
    for steps in _pipelines(cfg).values():
        for step in steps:
            if _kind(step) == 'TopdownAffine':
                step['warp'] = False
    return cfg


def _pipelines(cfg: Config) -> dict[str, list[dict]]:
    """The test pipelines of a config, by place; each may be changed."""
    found = find_pipelines(cfg, ('test_dataloader',))
    return {place: steps for place, steps in found if place.startswith('test_dataloader')}


def _kind(step: Mapping[str, Any]) -> str:
    return str(step['type']).rpartition('.')[2]


def check_points(cfg: Config, metadata: Mapping[str, Any], name: str) -> None:
    """Check that a config's test has the points that a model was made for.

    Args:
        cfg: The config.
        metadata: Description of the model's file; see :func:`read_metadata`.
        name: What the message calls the model.

    Raises:
        InputError: If it has not; the message names the config and both values.
    """
    try:
        names = [*dataset_meta_from_config(cfg, 'test')['keypoint_id2name'].values()]
    except ValueError:  # of data sets that are put together, which the run compares
        names = metadata['points']
    if names != metadata['points']:
        raise InputError(
            f'{_place_of(cfg)}the points of test_dataloader.dataset are not those of {name}: '
            f'{_first_difference(names, metadata["points"])}'
        )


def check_crops(cfg: Config, metadata: Mapping[str, Any], name: str) -> None:
    """Check that a config's test cuts the crops of a model; see :func:`check_points`."""
    for place, steps in _pipelines(cfg).items():
        for key, value in _cutting(steps):
            known = metadata[key]
            known = tuple(known) if isinstance(known, list) else known
            if known is not None and value != known:
                raise InputError(
                    f'{_place_of(cfg)}{place}.pipeline has {key}={value}, but {name} was made for '
                    f'{known}'
                )


def _place_of(cfg: Config) -> str:
    return f'{shown(cfg.filename)}: ' if cfg.filename else ''


def _first_difference(names: Sequence[str], others: Sequence[str]) -> str:
    if len(names) != len(others):
        return f'{len(names)}, not {len(others)}'
    i = next(i for i, (one, other) in enumerate(zip(names, others, strict=True)) if one != other)
    return f'point {i} is {names[i]!r}, not {others[i]!r}'


def _cutting(steps: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The settings of a pipeline that must be those of the file."""
    for step in steps:
        kind = _kind(step)
        if kind == 'GetBBoxCenterScale':
            yield 'padding', float(step.get('padding', 1.25))
        elif kind == 'TopdownAffine':
            yield 'input_size', tuple(step['input_size'])
            yield 'use_udp', bool(step.get('use_udp', False))
