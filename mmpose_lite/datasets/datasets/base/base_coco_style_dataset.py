"""The base of data sets whose annotations have COCO's form."""

from __future__ import annotations

import logging
import os.path as osp
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log

from mmpose_lite.registry import DATASETS, TRANSFORMS
from mmpose_lite.structures.bbox import bbox_xywh2xyxy
from mmpose_lite.structures.metainfo import SAMPLE_KEYS, PoseMetainfo, parse_pose_metainfo
from mmpose_lite.utils import InputError

from ...crop_cache import CacheSettings, CropCache
from ...file_names import NAME_MODES, PhotoFinder, is_address
from ...plausibility import FaceArrays, implausible
from ...transforms import LoadImage
from .annotations import Record, image_size, is_number, lacks_bbox, read_annotations
from .bottomup import group_by_image
from .categories import about_names, names_of_points, of_category
from .crops import open_crops
from .detections import read_detections
from .facts import annotated_facts
from .indices import check_indices
from .json_files import AnnotationError, short
from .loading import load_batch, load_sample
from .paths import check_paths
from .replacement import Replacement
from .split import TrainValSplit
from .subsets import check_subsets, find_subsets


@DATASETS.register_module()
class BaseCocoStyleDataset(BaseDataset):
    """Faces (or other instances) from a COCO-style JSON file.

    A data set of its own sets ``METAINFO`` and, where its records have more than COCO's,
    overrides :meth:`parse_data_info`.

    Args:
        ann_file: The annotation file, below ``data_root``.
        bbox_file: Detected boxes to predict on instead of the annotated ones (test mode only): a
            JSON list of ``image_id``, ``bbox`` (xywh) and ``score``. Such samples have no truth,
            so they can be predicted on, but not evaluated.
        data_mode: ``'topdown'``: one sample a face; ``'bottomup'``: one an image.
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
        subsets: Named subsets that are evaluated beside the whole: for each name an annotation
            file, a file of ids, or a list of ids; see :func:`~.subsets.find_subsets`.
        cache: Keep of every photograph what the pipeline can read, in one file: its folder, True
            for ``crops`` below ``data_root``, or a dict of :class:`~.CacheSettings`.
        on_bad_image: ``'refuse'``, ``'replace'`` or a dict of :class:`~.Replacement`: what becomes
            of photographs that cannot be read.
        train_val_split: Use one of two parts of the photographs: a dict of
            :class:`~.split.TrainValSplit`.
        category: Use the annotations of this category: its name or id in the file.
        file_names: ``'exact'``, or ``'lenient'``: photographs that are not there under the name of
            the annotations are read under the one that :class:`~.PhotoFinder` finds.
        bbox_margin: Annotations without ``bbox`` get one about their labelled points, on each side
            this share of their longer extent wider; None refuses them.
        on_implausible: ``'refuse'``, or ``'warn'``: what becomes of a set that cannot be right as a
            whole, see :func:`~.plausibility.implausible`, or has its points in another order.

    Raises:
        InputError: If arguments or annotations are wrong; the message names file, record, field.
        MissingFileError: If a file or folder is missing; the message names the key.
    """

    METAINFO: ClassVar[dict] = {}

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
    ) -> None:
        name = type(self).__name__
        _check_choice(name, 'data_mode', data_mode, ('topdown', 'bottomup'))
        _check_choice(name, 'file_names', file_names, NAME_MODES)
        _check_choice(name, 'on_implausible', on_implausible, ('refuse', 'warn'))
        _check_margin(name, bbox_margin)
        if bbox_file:
            _check_detections(name, data_mode, test_mode, train_val_split)
        self.data_mode = data_mode
        self.bbox_file = bbox_file
        self.sample_interval = sample_interval
        self.subsets = subsets or {}
        self.cache = CacheSettings.of(cache)
        self.train_val_split = TrainValSplit.of(train_val_split)
        self.crops: CropCache | None = None
        self.replacement = Replacement.of(on_bad_image, test_mode)
        self.category = category
        self.file_names = file_names
        self.bbox_margin = bbox_margin
        self.on_implausible = on_implausible
        self._fully_initialized: bool = False
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

    @classmethod
    def _load_metainfo(cls, metainfo: dict | None = None) -> PoseMetainfo:
        if metainfo is not None and not isinstance(metainfo, dict):
            raise TypeError(f'metainfo must be a dict, got {type(metainfo)}')
        return parse_pose_metainfo(metainfo or cls.METAINFO)

    def load_data_list(self) -> list[dict]:
        """Read the annotations (or detections) into one dict a sample."""
        check_paths(type(self).__name__, self.data_root, self.ann_file, self.data_prefix['img'])
        records, content = read_annotations(self.ann_file)
        self._check_addresses(records)
        self._shared = {key: self._metainfo[key] for key in SAMPLE_KEYS}
        self._shared['img_folder'] = self.data_prefix['img']
        if self.bbox_file:
            path = osp.join(self.data_root or '', self.bbox_file)
            return read_detections(path, content['images'], self.photographs.path)
        records = of_category(records, content, self.category, self.ann_file)
        self._doubt(self.about_points(records, content))
        subsets = find_subsets(self.subsets, records, self.data_root or '', self.category)
        if self.train_val_split is not None:
            records = self.train_val_split.keep(records, self.ann_file)
        if self.sample_interval > 1:
            image_ids = {image['id'] for image in content['images'][:: self.sample_interval]}
            records = [record for record in records if record.image['id'] in image_ids]
        instances = self._parse_records(records, subsets)
        return group_by_image(instances) if self.data_mode == 'bottomup' else instances

    @cached_property
    def photographs(self) -> PhotoFinder:
        """The finder of the photographs."""
        return PhotoFinder(self.data_prefix['img'], self.file_names)

    def about_points(self, records: Sequence[Record], content: dict) -> tuple[str, bool] | None:
        """Compare the file's names of points; see :func:`~.categories.about_names`."""
        names = self._metainfo['keypoint_id2name']
        return about_names(names_of_points(records, content), [names[i] for i in sorted(names)])

    def full_init(self) -> None:
        """Read everything, open (or build) the crop cache, and check the subsets.

        Raises:
            InputError: If a named subset has no face, or the pipeline no use for a cache.
        """
        if self._fully_initialized:
            return
        super().full_init()
        if self.cache is not None:
            try:
                self.crops = open_crops(self, self.cache)
            except BaseException:
                self._fully_initialized = False  # not without the cache that was asked for
                raise
        if self.subsets and not self.bbox_file and self.data_mode == 'topdown':
            check_subsets(self)

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
            self._doubt(None if problem is None else (problem, True))
        return kept

    def about_reading(self, instances: Sequence[dict]) -> Iterator[str]:
        """Say what was read in another way than it is written, a line each."""
        made = sum(lacks_bbox(each['raw_ann_info']) for each in instances if 'raw_ann_info' in each)
        if made:
            yield (
                f'{made} annotations have no bbox; it is made about their labelled points, '
                f'{self.bbox_margin:.0%} of their longer extent wider on each side (bbox_margin)'
            )
        nearly = self.photographs.nearly
        if nearly:
            name = next(iter(nearly))
            yield (
                f'{len(nearly)} photographs are read under another name (file_names), such as '
                f'{nearly[name]!r} for {name!r}'
            )

    def _check_addresses(self, records: Sequence[Record]) -> None:
        steps = getattr(self.pipeline, 'transforms', ())
        loaders = [step for step in steps if isinstance(step, LoadImage)]
        if not loaders or any(loader.backend_args for loader in loaders):
            return
        for record in records:
            name = record.image['file_name']
            if is_address(name):
                raise record.error(
                    'file_name',
                    f'{short(name)} is an address, and files are read: name what fetches it, such '
                    "as LoadImage(backend_args={'backend': 'http'})",
                )

    def _tell(self, line: str, level: int = logging.INFO) -> None:
        print_log(f'{self.ann_file}: {line}', logger='current', level=level)

    def _doubt(self, problem: tuple[str, bool] | None) -> None:
        """Refuse a set that is surely wrong, unless it is asked for; else warn."""
        if problem is None:
            return
        text, is_sure = problem
        if is_sure and self.on_implausible == 'refuse':
            raise AnnotationError(
                f"{self.ann_file}: {text}; on_implausible='warn' reads it all the same"
            )
        self._tell(text, logging.WARNING)

    def reason_to_drop(self, record: Record) -> str | None:
        """Why an annotation is left out; None if it is not."""
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
        record = self._record(raw_data_info)
        annotation, image = record.annotation, record.image
        record.check_depth()
        instance = self._parse_common(record)
        bbox_xywh = record.bbox(self.bbox_margin)
        bbox_xyxy = bbox_xywh2xyxy(np.array(bbox_xywh, dtype=np.float32))
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

    def _record(self, raw_data_info: dict) -> Record:
        return Record(self.ann_file, raw_data_info['raw_ann_info'], raw_data_info['raw_img_info'])

    def _parse_common(self, record: Record) -> dict:
        """What every data set reads in the same way: names, points and their visibility."""
        points = np.array(record.keypoints(self._metainfo['num_keypoints']), dtype=np.float32)
        points = points.reshape(1, -1, 3)
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
        }
        common.update(image_size(record.image))
        if self.test_mode and self.data_mode == 'topdown':
            common['annotated'] = annotated_facts(record)
        return common

    def filter_data(self) -> list[dict]:
        """Leave out detections below ``filter_cfg.bbox_score_thr``.

        Raises:
            InputError: If ``indices`` lists what is not among the others.
        """
        threshold = (self.filter_cfg or {}).get('bbox_score_thr')
        kept = self.data_list
        if threshold is not None:
            kept = [item for item in kept if item['bbox_score'].max() >= threshold]
        check_indices(self._indices, len(kept), self.ann_file)
        return kept

    def get_data_info(self, idx: int) -> dict:
        """Sample ``idx`` before the pipeline, with what of the metainfo transforms read."""
        info = super().get_data_info(idx)
        info.update(self._shared)
        return info

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on sample ``idx``; randomness follows the index (see randomness.py)."""
        if self.replacement is not None:
            return self.replacement.prepare(partial(load_sample, self), idx, len(self))
        return load_sample(self, idx, idx)

    def __getitems__(self, indices: Sequence[int]) -> list:
        """Load the samples of a batch, as one by one, but in less time; see loading.py."""
        return load_batch(self, indices)

    def raw_sample(self, idx: int) -> dict:
        """Sample ``idx`` before the pipeline, with its crop where there is a cache."""
        info = self.get_data_info(idx)
        if self.crops is not None:
            info.update(self.crops.sample(info['id']))
        return info

    @property
    def coco(self):
        """The annotations as a ``COCO`` object, for tools that want one."""
        from ...coco_api import COCO

        return COCO(self.ann_file)


def _check_choice(name: str, key: str, value: Any, choices: Sequence[str]) -> None:
    """Check an argument that is one of a few words.

    Raises:
        InputError: If it is none of them.
    """
    if value not in choices:
        raise InputError(f'{name}: {key}={value!r} is not one of {", ".join(choices)}')


def _check_margin(name: str, margin: Any) -> None:
    if margin is not None and not (is_number(margin) and margin >= 0):
        raise InputError(f'{name}: bbox_margin={margin!r} is no share from 0 on')


def _check_detections(name: str, data_mode: str, test_mode: bool, split: dict | None) -> None:
    """Check that detected boxes are asked for where nothing is trained on.

    Raises:
        InputError: If they are not.
    """
    if data_mode != 'topdown' or not test_mode:
        raise InputError(f"{name}: bbox_file needs data_mode='topdown' and test_mode=True")
    if split:
        raise InputError(f'{name}: bbox_file has no train_val_split')
