"""Building a data set outside a run; those of a run are built with its loaders."""

from mmpose_lite.registry import DATASETS

build_dataset = DATASETS.build
