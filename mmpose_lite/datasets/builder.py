"""Building data sets from their configs."""

from mmpose_lite.registry import DATASETS

build_dataset = DATASETS.build
