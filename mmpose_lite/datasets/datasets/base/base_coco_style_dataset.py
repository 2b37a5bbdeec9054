"""The base of data sets in COCO's format."""

from __future__ import annotations

import logging
import os.path as osp
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset, Compose
from mmengine.logging import print_log

from mmpose_lite.errors import InputError, MissingFileError, short
from mmpose_lite.registry import DATASETS, TRANSFORMS
from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.structures.metainfo import SAMPLE_KEYS, PoseMetainfo, parse_pose_metainfo
from mmpose_lite.utils.images import ABOUT_ADDRESS, is_address

from ...crop_cache import CacheSettings, CropCache, CropExtent
from ...file_names import NAME_MODES, PhotoFinder
from ...samplers import SampleIndex
from ...transforms import LoadImage
from .annotations import (
    AnnotationError,
    Record,
    group_by_image,
    image_fields,
    is_number,
    lacks_bbox,
    read_annotations,
    read_detections,
)
from .bad_images import BadImageReplacement
from .crops import cropping_pipelines, one_loader
from .plausibility import FaceArrays, implausible
from .split import TrainValSplit
from .subsets import about_names, check_subsets, find_subsets, names_of_points, of_category

_CHOICES = {
    'data_mode': ('topdown', 'bottomup'),
    'file_names': NAME_MODES,
    'on_implausible': ('refuse', 'warn'),
    'first_pixel': (0, 1),
}


@DATASETS.register_module()
class BaseCocoStyleDataset(BaseDataset):
    """Faces (or other instances) from a COCO-style JSON file.

    A data set of its own sets ``METAINFO`` and, where its records have more than COCO's,
    overrides :meth:`parse_data_info`.

    Args:
        ann_file: The annotation file, below ``data_root``.
        bbox_file: Detected boxes to predict on instead of the annotated ones (test mode only),
            below ``data_root`` or, as in MMPose, the working folder: a JSON list of ``image_id``,
            ``bbox`` (xywh) and ``score``. Such samples can be predicted on, but not evaluated.
        data_mode: ``'topdown'``: one sample per face; ``'bottomup'``: one per image.
        metainfo: Description of the points; the class's by default.
        data_root: Folder of everything.
        data_prefix: ``img``: folder of the images, below ``data_root``.
        filter_cfg: ``bbox_score_thr``: leave out detections with a lower score.
        indices: Use the first so many samples, or those listed.
        serialize_data: Keep records as bytes, which workers share.
        pipeline: Transforms, as configs or callables.
        test_mode: Whether this is test data.
        lazy_init: Do not read anything yet.
        max_refetch: How often another sample is tried where the pipeline gives none (training).
        sample_interval: Use only every n-th image.
        subsets: Named subsets that are evaluated beside the whole; see :func:`~.find_subsets`.
        cache: Keep crops in a file: True, its folder, or a dict of :class:`~.CacheSettings`.
        on_bad_image: ``'refuse'``, ``'replace'`` or a dict of :class:`~.BadImageReplacement`.
        train_val_split: Use a part of the photographs: a dict of :class:`~.TrainValSplit`.
        category: Use the annotations of this category: its name or id in the file.
        file_names: ``'exact'``, or ``'lenient'``: find similar names, see :class:`~.PhotoFinder`.
        bbox_margin: The share of the points' longer extent by which a box that is made for an
            annotation without ``bbox`` is wider on each side; None refuses such annotations.
        on_implausible: ``'refuse'`` a set that cannot be right as a whole, or ``'warn'`` of it.
        first_pixel: Number of the first pixel in ``ann_file``: 0, or 1 as in MATLAB.

    Raises:
        InputError: If arguments or annotations are wrong; the message names file, record, field.
        MissingFileError: If a file or folder is missing; the message names the key.
    """

    METAINFO: ClassVar[dict] = {}
    crops: CropCache | None = None
    _fully_initialized: bool

    def __init__(
        self,
        ann_file: str = '',
        bbox_file: str | None = None,
        data_mode: str = 'topdown',
        metainfo: dict | None = None,
        data_root: str | None = None,
        data_prefix: dict | None = None,
        filter_cfg: dict | None = None,
        indices: int | Sequence[int] | None = None,
        serialize_data: bool = True,
        pipeline: Sequence[dict | Callable] = (),
        test_mode: bool = False,
        lazy_init: bool = False,
        max_refetch: int = 1000,
        sample_interval: int = 1,
        subsets: dict[str, Any] | None = None,
        cache: bool | str | dict | None = None,
        on_bad_image: str | dict = 'refuse',
        train_val_split: dict | None = None,
        category: int | str | None = None,
        file_names: str = 'exact',
        bbox_margin: float | None = 0.1,
        on_implausible: str = 'refuse',
        first_pixel: int = 0,
    ) -> None:
        self.data_mode = data_mode
        self.bbox_file = bbox_file
        self.sample_interval = sample_interval
        self.subsets = subsets or {}
        self.category = category
        self.file_names, self.on_implausible = file_names, on_implausible
        self.bbox_margin, self.first_pixel = bbox_margin, first_pixel
        self._check_arguments(test_mode, bool(train_val_split), filter_cfg)
        self.cache = CacheSettings.of(cache)
        self.train_val_split = TrainValSplit.of(train_val_split)
        self.bad_image_replacement = BadImageReplacement.of(on_bad_image, test_mode)
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix={'img': ''} if data_prefix is None else data_prefix,
            filter_cfg=filter_cfg,
            indices=indices,
            serialize_data=serialize_data,
            pipeline=[TRANSFORMS.build(t) if isinstance(t, dict) else t for t in pipeline],
            test_mode=test_mode,
            lazy_init=lazy_init,
            max_refetch=max_refetch,
        )

    def _check_arguments(self, test_mode: bool, is_split: bool, filter_cfg: dict | None) -> None:
        name = type(self).__name__
        for key, choices in _CHOICES.items():
            value = getattr(self, key)
            if value not in choices:
                listed = ', '.join(map(str, choices))
                raise InputError(f'{name}: got invalid {key}: {value!r} is not one of {listed}')
        margin = self.bbox_margin
        if margin is not None and not (is_number(margin) and margin >= 0):
            raise InputError(f'{name}: bbox_margin={margin!r} is not a share from 0')
        if self.data_mode != 'topdown':
            given = {'bbox_file': self.bbox_file, **(filter_cfg or {})}
            for key in ('bbox_file', 'bbox_score_thr'):
                if given.get(key) is not None:
                    raise InputError(f'{name}: "{key}" is only supported in topdown mode')
        if self.bbox_file and not test_mode:
            raise InputError(f'{name}: "bbox_file" is only supported when `test_mode==True`')
        if self.bbox_file and is_split:
            raise InputError(f'{name}: bbox_file has no train_val_split')

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> PoseMetainfo:
        if metainfo is not None and not isinstance(metainfo, dict):
            raise TypeError(f'metainfo must be a dict, got {type(metainfo)}')
        return parse_pose_metainfo(metainfo or cls.METAINFO)

    def load_data_list(self) -> list[dict]:
        """Read the annotations (or detections) into one dict per sample."""
        self._check_paths()
        records, content = read_annotations(self.ann_file)
        self._check_addresses(records)
        shared = {key: self._metainfo[key] for key in SAMPLE_KEYS}
        self._shared = {**shared, 'img_folder': self.data_prefix['img']}
        if self.bbox_file:
            return read_detections(self.bbox_path, content['images'], self.photographs.path)
        records = of_category(records, content, self.category, self.ann_file)
        self._refuse_or_warn(self.about_points(records, content))
        subsets = find_subsets(self.subsets, records, self.data_root or '', self.category)
        if self.train_val_split is not None:
            records = self.train_val_split.keep(records, self.ann_file)
        if self.sample_interval > 1:
            image_ids = {image['id'] for image in content['images'][:: self.sample_interval]}
            records = [record for record in records if record.image['id'] in image_ids]
        instances = self._parse_records(records, subsets)
        return group_by_image(instances) if self.data_mode == 'bottomup' else instances

    def _check_paths(self) -> None:
        img_folder, problem = self.data_prefix['img'], None
        if self.data_root and not osp.isdir(self.data_root):
            problem = f"data_root='{self.data_root}' is not a folder (ann_file='{self.ann_file}')"
        elif not osp.isfile(self.ann_file):
            problem = f"ann_file='{self.ann_file}' does not exist"
        elif img_folder and not osp.isdir(img_folder):
            problem = f"data_prefix.img='{img_folder}' is not a folder"
        if problem is not None:
            raise MissingFileError(f'{type(self).__name__}: {problem}')

    @property
    def bbox_path(self) -> str:
        """The path of ``bbox_file``; MMPose's configs write it with the data's root."""
        given = self.bbox_file or ''
        below = osp.join(self.data_root or '', given)
        is_whole = osp.isfile(given) or given.startswith(self.data_root or '/')
        return given if is_whole and not osp.isfile(below) else below

    @property
    def _transforms(self) -> Sequence[Callable]:
        return getattr(self.pipeline, 'transforms', ())

    @cached_property
    def photographs(self) -> PhotoFinder:
        """The finder of the photographs."""
        return PhotoFinder(self.data_prefix['img'], self.file_names)

    def about_points(self, records: Sequence[Record], content: dict) -> tuple[str, bool] | None:
        """Compare the file's names of points; see :func:`~.about_names`."""
        wanted = list(self._metainfo['keypoint_name2id'])
        return about_names(names_of_points(records, content), wanted)

    def full_init(self) -> None:
        """Read everything, open (or build) the crop cache, and check the subsets.

        Raises:
            InputError: If a named subset has no face, or the pipeline cannot use a cache.
        """
        if self._fully_initialized:
            return
        super().full_init()
        if self.cache is not None:
            try:
                self.open_crops(self.cache)
            except BaseException:
                self._fully_initialized = False  # not without the cache that was asked for
                raise
        if self.subsets and not self.bbox_file and self.data_mode == 'topdown':
            self._check_subsets()

    def open_crops(self, settings: CacheSettings, whole: BaseDataset | None = None) -> None:
        """Open the crops of the samples; build them where they do not fit.

        Args:
            settings: The cache's settings.
            whole: The data set that this one is part of, whose pipeline comes after this one's.

        Raises:
            InputError: If the data set or a pipeline cannot use a cache.
        """
        name = type(self).__name__
        if self.data_mode != 'topdown' or self.bbox_file:
            raise InputError(f"{name}: cache needs data_mode='topdown' and annotated boxes")
        pipelines = cropping_pipelines(self, settings, whole)
        extent = CropExtent.of_pipelines(pipelines)
        self.crops = CropCache(
            settings,
            samples=[self.get_data_info(i) for i in range(len(self))],
            extent=extent,
            loader=one_loader(name, pipelines),
            ann_file=self.ann_file,
            img_folder=self.data_prefix['img'],
            folder=osp.join(self.data_root or '', 'crops'),
            part=self.train_val_split,
        )

    def _check_subsets(self) -> None:
        used = f'indices={self._indices}'
        if self.train_val_split is not None:
            used = f'{used}, train_val_split: {self.train_val_split.part}'
        where = f'the {len(self)} used of {self.ann_file} ({used})'
        faces = map(self.get_data_info, range(len(self)))
        check_subsets(self.subsets, faces, type(self).__name__, where)

    def _parse_records(self, records: list[Record], subsets: dict) -> list[dict]:
        kept: list[dict] = []
        annotations: list[dict] = []
        dropped: Counter[str] = Counter()
        for record in records:
            reason = self.reason_to_drop(record)
            if reason:
                dropped[reason] += 1
                continue
            instance = self.parse_data_info(
                {'raw_ann_info': record.annotation, 'raw_img_info': record.image}
            )
            instance['subsets'] = tuple(subsets.get(record.annotation['id'], ()))
            kept.append(instance)
            annotations.append(record.annotation)
        if dropped:
            reasons = ', '.join(f'{count} {reason}' for reason, count in dropped.items())
            self._tell(f'{len(kept)} of {len(records)} annotations used; left out: {reasons}')
        if not kept:
            raise InputError(f'{self.ann_file}: no usable annotation among {len(records)}')
        for line in self.about_reading(kept):
            self._tell(line)
        if {'keypoints', 'keypoints_visible', 'bbox'} <= kept[0].keys():
            problem = implausible(FaceArrays(**FaceArrays.arrays_of(kept, annotations)))
            self._refuse_or_warn(None if problem is None else (problem, True))
        return kept

    def about_reading(self, instances: Sequence[dict]) -> Iterator[str]:
        """Report, a line each, what was not read as it is written."""
        made = sum(lacks_bbox(each['raw_ann_info']) for each in instances if 'raw_ann_info' in each)
        if made:
            yield (
                f'{made} annotations have no bbox; it is made about their labelled points, '
                f'{self.bbox_margin:.0%} of their longer extent wider on each side (bbox_margin)'
            )
        if self.first_pixel:
            yield f'one pixel is taken off points and boxes (first_pixel={self.first_pixel})'
        yield from self.photographs.remarks()

    def _check_addresses(self, records: Sequence[Record]) -> None:
        loaders = [step for step in self._transforms if isinstance(step, LoadImage)]
        if not loaders or any(loader.backend_args for loader in loaders):
            return
        for record in records:
            name = record.image['file_name']
            if is_address(name):
                raise record.error('file_name', f'{short(name)} {ABOUT_ADDRESS}')

    def _tell(self, line: str, level: int = logging.INFO) -> None:
        print_log(f'{self.ann_file}: {line}', logger='current', level=level)

    def _refuse_or_warn(self, problem: tuple[str, bool] | None) -> None:
        """Refuse a set that is surely wrong, unless ``on_implausible`` accepts it; else warn."""
        if problem is None:
            return
        text, is_sure = problem
        if is_sure and self.on_implausible == 'refuse':
            raise AnnotationError(
                f"{self.ann_file}: {text}; on_implausible='warn' reads it all the same"
            )
        self._tell(text, logging.WARNING)

    def reason_to_drop(self, record: Record) -> str | None:
        """Give the reason to leave out an annotation; None if there is none."""
        return record.reason_to_drop()

    def parse_data_info(self, raw_data_info: dict) -> dict:
        """Turn one annotation into what the pipeline starts from.

        Args:
            raw_data_info: ``raw_ann_info`` and ``raw_img_info``, entries of the file.

        Returns:
            ``img_id``, ``img_path``, ``id``, ``category_id``, ``iscrowd``; ``bbox`` ``(1, 4)``
            xyxy clipped to the image, ``bbox_score`` ``(1,)``, ``keypoints`` ``(1, K, 2)``,
            ``keypoints_visible`` ``(1, K)``, all float32 in image pixels; ``num_keypoints``;
            ``raw_ann_info``; ``image_wh`` where the image's entry has its size.
        """
        record = self.record_of(raw_data_info)
        annotation, image = record.annotation, record.image
        record.check_depth()
        instance = self._parse_common(record)
        bbox_xywh = record.bbox(self.bbox_margin)
        bbox_xyxy = bbox_xywh2xyxy(np.array(bbox_xywh, dtype=np.float32)) - self.first_pixel
        where = ''
        if 'width' in image and 'height' in image:
            last = np.array([image['width'], image['height']] * 2, dtype=np.float32) - 1
            bbox_xyxy = np.clip(bbox_xyxy, 0, last)
            where = f' inside the image (width {image["width"]}, height {image["height"]})'
        if (bbox_xyxy[2:] <= bbox_xyxy[:2]).any():
            raise record.error('bbox', f'has no area{where}: {bbox_xywh}')
        for side in bbox_xyxy[2:] - bbox_xyxy[:2]:
            record.check_side('bbox', float(side))
        instance['bbox'] = bbox_xyxy[None]
        instance['segmentation'] = annotation.get('segmentation')
        instance['raw_ann_info'] = annotation
        return instance

    def record_of(self, raw_data_info: dict) -> Record:
        """Return the record of a face, as :meth:`parse_data_info` takes it."""
        return Record(self.ann_file, raw_data_info['raw_ann_info'], raw_data_info['raw_img_info'])

    def _parse_common(self, record: Record) -> dict:
        """Read what all data sets have in common: names, points and their visibility."""
        points = np.array(record.keypoints(self._metainfo['num_keypoints']), dtype=np.float32)
        points = points.reshape(1, -1, 3)
        points[points[..., 2] > 0, :2] -= self.first_pixel
        common = {
            'img_id': record.image['id'],
            'img_path': self.photographs.path(record.image['file_name']),
            'id': record.annotation['id'],
            'category_id': record.category(),
            'iscrowd': record.annotation.get('iscrowd', 0),
            'bbox_score': np.ones(1, dtype=np.float32),
            'num_keypoints': record.annotation.get('num_keypoints', points.shape[1]),
            'keypoints': points[..., :2],
            'keypoints_visible': np.minimum(1, points[..., 2]),
            **image_fields(record.image),
        }
        if self.test_mode and self.data_mode == 'topdown':
            common['annotated'] = record.annotated()
        return common

    def filter_data(self) -> list[dict]:
        """Leave out detections below ``filter_cfg.bbox_score_thr``; check the ``indices``."""
        threshold = (self.filter_cfg or {}).get('bbox_score_thr')
        kept = self.data_list
        if threshold is not None:
            kept = [item for item in kept if item['bbox_score'].max() >= threshold]
        self._check_indices(len(kept))
        return kept

    def _check_indices(self, count: int) -> None:
        """Check that the samples listed are there; a number of first ones may be too high."""
        indices = self._indices
        if indices is None or isinstance(indices, int):
            return
        asked = f'indices={short(list(indices))}: {self.ann_file} has {count} usable faces'
        if not len(indices):
            raise InputError(f'{asked}, none is asked for')
        for i in indices:
            if not (isinstance(i, int | np.integer) and -count <= i < count):
                raise InputError(f'{asked}, and no face {short(i)}')

    def get_data_info(self, idx: int) -> dict:
        """Return sample ``idx`` before the pipeline, with the metainfo that transforms read."""
        # A plain number: arithmetic of a SampleIndex makes further ones.
        return super().get_data_info(int(idx)) | self._shared

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on sample ``idx``; randomness follows the index (see samplers.py)."""
        if self.bad_image_replacement is not None:
            return self.bad_image_replacement.prepare(self.load_sample, idx, len(self))
        return self.load_sample(idx, idx)

    def load_sample(self, idx: int, face: int) -> Any:
        """Run the pipeline on face number ``face``, with the randomness of sample ``idx``."""
        if not isinstance(idx, SampleIndex):
            return self.pipeline(self.raw_sample(face))
        rng = idx.rng(with_global=True)
        sample = self.pipeline({**self.raw_sample(face), 'rng': rng})
        return self._draw_another(rng) if sample is None and not self.test_mode else sample

    def _draw_another(self, rng: np.random.Generator) -> Any:
        """Draw other samples for one that the pipeline refuses; None if it refuses all of them."""
        numbers = (int(rng.integers(len(self))) for _ in range(self.max_refetch))
        samples = (self.pipeline({**self.raw_sample(number), 'rng': rng}) for number in numbers)
        return next((sample for sample in samples if sample is not None), None)

    def __getitems__(self, indices: Sequence[int]) -> list:
        """Load a batch for torch's loader, the same samples that ``self[index]`` gives."""
        if self.crops is None or not self._goes_batchwise():
            return [self[index] for index in indices]
        return self._load_batchwise(indices)

    def _load_batchwise(self, indices: Sequence[int]) -> list:
        """Take cached crops through the pipeline transform by transform, which is a tenth faster.

        Photographs go one by one, since a whole batch of them would be in memory at once.
        """
        drawn = [index for index in indices if isinstance(index, SampleIndex)]
        if len(drawn) < len(indices):
            return [self[index] for index in indices]
        samples: list[Any] = [{**self.raw_sample(index), 'rng': index.rng()} for index in drawn]
        for transform in self.pipeline.transforms:
            samples = [None if sample is None else transform(sample) for sample in samples]
        # A sample that the pipeline refuses is loaded by itself, which draws another.
        return [
            self[index] if sample is None else sample
            for index, sample in zip(indices, samples, strict=True)
        ]

    def _goes_batchwise(self) -> bool:
        """Return True if the samples of a batch may pass each transform together."""
        kind, ours = type(self), BaseCocoStyleDataset
        return (
            self.bad_image_replacement is None
            and kind.__getitem__ is ours.__getitem__
            and kind.prepare_data is ours.prepare_data
            and type(self.pipeline) is Compose
            and all(map(_may_go_batchwise, self.pipeline.transforms))
        )

    def raw_sample(self, idx: int) -> dict:
        """Return sample ``idx`` before the pipeline, with its crop if there is a cache."""
        info = self.get_data_info(idx)
        if self.crops is not None:
            info.update(self.crops.sample(info['id']))
        return info

    @property
    def coco(self):
        """The annotations as a ``COCO`` object, for tools that want one."""
        from ...coco_api import COCO

        return COCO(self.ann_file)


def _may_go_batchwise(transform: Callable) -> bool:
    """Return True if a transform's own class promises it; a subclass may draw in another way."""
    promises = vars(type(transform)).keys() & {'leaves_pixels_alone', 'can_wait'}
    return any(getattr(transform, name) for name in promises)
