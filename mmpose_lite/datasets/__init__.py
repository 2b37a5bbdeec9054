"""The data path: annotation files to batches of crops."""

from typing import TYPE_CHECKING

from mmpose_lite.utils.lazy import lazy_names

if TYPE_CHECKING:
    from .builder import build_dataset as build_dataset
    from .dataset_wrappers import CombinedDataset as CombinedDataset
    from .datasets import AFLWDataset as AFLWDataset
    from .datasets import BaseCocoStyleDataset as BaseCocoStyleDataset
    from .datasets import CocoWholeBodyFaceDataset as CocoWholeBodyFaceDataset
    from .datasets import COFWDataset as COFWDataset
    from .datasets import Face300VWDataset as Face300VWDataset
    from .datasets import Face300WDataset as Face300WDataset
    from .datasets import Face300WLPDataset as Face300WLPDataset
    from .datasets import HalpeDataset as HalpeDataset
    from .datasets import LapaDataset as LapaDataset
    from .datasets import WFLWDataset as WFLWDataset
    from .samplers import DefaultSampler as DefaultSampler
    from .samplers import InfiniteSampler as InfiniteSampler
    from .transforms import Albumentation as Albumentation
    from .transforms import DisturbBox as DisturbBox
    from .transforms import GenerateTarget as GenerateTarget
    from .transforms import GetBBoxCenterScale as GetBBoxCenterScale
    from .transforms import KeypointConverter as KeypointConverter
    from .transforms import LoadImage as LoadImage
    from .transforms import PackPoseInputs as PackPoseInputs
    from .transforms import PhotometricDistortion as PhotometricDistortion
    from .transforms import RandomBBoxTransform as RandomBBoxTransform
    from .transforms import RandomFlip as RandomFlip
    from .transforms import RandomHalfBody as RandomHalfBody
    from .transforms import RandomPhotograph as RandomPhotograph
    from .transforms import ReplaceBox as ReplaceBox
    from .transforms import TopdownAffine as TopdownAffine
    from .transforms import YOLOXHSVRandomAug as YOLOXHSVRandomAug

__getattr__, __dir__ = lazy_names(__name__)
