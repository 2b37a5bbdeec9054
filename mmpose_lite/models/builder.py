"""Building parts of a model from their configs."""

from mmpose_lite.registry import MODELS

BACKBONES = MODELS
NECKS = MODELS
HEADS = MODELS
LOSSES = MODELS
POSE_ESTIMATORS = MODELS

build_backbone = MODELS.build
build_neck = MODELS.build
build_head = MODELS.build
build_loss = MODELS.build
build_pose_estimator = MODELS.build
