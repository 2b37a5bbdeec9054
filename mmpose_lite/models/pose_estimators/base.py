"""Base class of the pose estimators."""

from __future__ import annotations

import logging
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from mmengine.device import get_device
from mmengine.dist import get_world_size
from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.model.utils import _BatchNormXd
from torch import Tensor

from mmpose_lite.models.utils.depthwise import speed_up_depthwise
from mmpose_lite.models.utils.fold_norms import FoldedView
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import PoseDataSample, parse_pose_metainfo
from mmpose_lite.utils.linux import keep_freed_memory

if TYPE_CHECKING:
    from mmpose_lite.structures.keypoint import LabelMap


class BasePoseEstimator(BaseModel, metaclass=ABCMeta):
    """A backbone, and optionally a neck and a head.

    Weights are laid out channels last. Without a GPU, synchronised norms become plain ones, see
    :func:`revert_sync_norms`, the process keeps freed memory for reuse, see
    :func:`keep_freed_memory`, and wide depthwise kernels get their gradients in parts, see
    :func:`speed_up_depthwise`.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck.
        head: Config of the head.
        train_cfg: Settings of the head's loss.
        test_cfg: Settings of the head's predictions.
        data_preprocessor: Config of the preprocessor.
        use_syncbn: Turn batch norms into synchronised ones.
        init_cfg: How weights start.
        metainfo: Description of the points; overrides that of the data.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        head: dict | None = None,
        train_cfg: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        use_syncbn: bool = False,
        init_cfg: dict | list[dict] | None = None,
        metainfo: Mapping[str, Any] | None = None,
    ) -> None:
        # Built here, since mmengine's base would look in its own registry if no scope is set.
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.metainfo = None if metainfo is None else parse_pose_metainfo(metainfo)
        self.backbone = MODELS.build(backbone)
        if neck is not None:
            self.neck = MODELS.build(neck)
        if head is not None:
            self.head = MODELS.build(head)
        self.train_cfg = train_cfg or {}
        self.test_cfg = test_cfg or {}
        if use_syncbn:
            self.backbone = torch.nn.SyncBatchNorm.convert_sync_batchnorm(self.backbone)
        # Of a checkpoint that was adapted to other annotators; see apis/adaptation.py.
        self.label_map: LabelMap | None = None
        self._folded = FoldedView()
        # The same function in the layout that convolutions are fastest in.
        self.to(memory_format=torch.channels_last)
        if get_device() == 'cpu':
            keep_freed_memory()
            revert_sync_norms(self)
            speed_up_depthwise(self)

    @property
    def with_neck(self) -> bool:
        """True if there is a neck."""
        return hasattr(self, 'neck')

    @property
    def with_head(self) -> bool:
        """True if there is a head."""
        return hasattr(self, 'head')

    def extract_feat(self, inputs: Tensor) -> Any:
        """Compute feature maps of images ``(B, 3, H, W)``."""
        feats = self.backbone(inputs)
        return self.neck(feats) if hasattr(self, 'neck') else feats

    def _for_evaluation(self, inputs: Tensor) -> BasePoseEstimator:
        """The form of this model that extracts features fastest in an evaluation.

        On a CPU the norms of backbone and neck are folded into their convolutions. On a GPU the
        many small kernels of folding take longer than it saves, and so does folding for one image.
        """
        if self.training or torch.is_grad_enabled() or inputs.device.type != 'cpu':
            return self
        passes = 2 if self.test_cfg.get('flip_test') else 1
        if passes * len(inputs) < 2:
            return self
        parts = [self.backbone, self.neck] if self.with_neck else [self.backbone]
        return self._folded.of(self, parts)

    def forward(
        self, inputs: Tensor, data_samples: list[PoseDataSample] | None = None, mode: str = 'tensor'
    ) -> Any:
        """Run the model on preprocessed images ``(B, 3, H, W)`` and samples, one a face.

        Mode ``'loss'`` gives a dict of losses, ``'predict'`` the samples with predictions in image
        pixels, and ``'tensor'``, which needs no samples, the head's raw output.

        Raises:
            RuntimeError: If the mode is unknown.
        """
        samples = data_samples or []
        if mode == 'loss':
            return self.loss(inputs, samples)
        if mode == 'predict':
            for sample in samples if self.metainfo is not None else ():
                sample.set_metainfo(self.metainfo)
            return self.predict(inputs, samples)
        if mode != 'tensor':
            raise RuntimeError(f"mode='{mode}' is not one of loss, predict, tensor")
        feats = self.extract_feat(inputs)
        return self.head(feats) if self.with_head else feats

    def loss(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> dict[str, Tensor]:
        """Compute the head's losses of a batch; see :meth:`forward`."""
        return self.head.loss(self.extract_feat(inputs), data_samples, train_cfg=self.train_cfg)

    @abstractmethod
    def predict(self, inputs: Tensor, data_samples: list[PoseDataSample]) -> list[PoseDataSample]:
        """Predict a batch; see :meth:`forward`."""


def revert_sync_norms(model: torch.nn.Module) -> int:
    """Turn synchronised batch norms into plain ones, in place; log and return their number.

    torch synchronises statistics on GPUs only, and refuses to train several processes on CPUs.
    Names, weights and arithmetic stay; of several processes each has its own statistics.
    """
    norms = [each for each in model.modules() if isinstance(each, torch.nn.SyncBatchNorm)]
    for norm in norms:
        norm.__class__ = _BatchNormXd  # it stays the same object, wherever it is held
    if norms:
        alone = get_world_size() == 1
        whose = 'which is the same' if alone else 'each process has its own statistics'
        print_log(
            f'SyncBN needs GPUs: {len(norms)} are plain batch norms on this CPU, {whose}',
            logger='current',
            level=logging.INFO if alone else logging.WARNING,
        )
    return len(norms)
