"""What every head offers."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor

from mmpose_lite.registry import KEYPOINT_CODECS
from mmpose_lite.structures import PoseDataSample


class BaseHead(BaseModule, metaclass=ABCMeta):
    """Turns feature maps into losses and predictions.

    Args:
        decoder: Config of the codec that reads points from outputs (and makes targets where the
            samples carry none).
        init_cfg: How weights start.
    """

    def __init__(
        self, decoder: dict | None = None, init_cfg: dict | list[dict] | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.decoder = KEYPOINT_CODECS.build(decoder) if decoder is not None else None

    @abstractmethod
    def forward(self, feats: Sequence[Tensor]) -> Any:
        """Compute raw outputs of feature maps."""

    @abstractmethod
    def predict(
        self, feats: Any, batch_data_samples: list[PoseDataSample], test_cfg: dict | None = None
    ) -> Any:
        """Predict points.

        Args:
            feats: Feature maps; with flip test a list of two: of the images, of their mirrors.
            batch_data_samples: The samples; flip test reads ``flip_indices``.
            test_cfg: ``flip_test``, ``output_heatmaps`` and what else the head knows.

        Returns:
            One :class:`InstanceData` a sample, ``keypoints`` ``(1, K, 2)`` in pixels of the
            network's input and ``keypoint_scores`` ``(1, K)``, in numpy; where maps are asked for,
            a pair of these and one :class:`PixelData` a sample.
        """

    @abstractmethod
    def loss(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute losses, and accuracies for the log, by name."""

    def decode(self, batch_outputs: Tensor) -> list[InstanceData]:
        """Read the points of a batch of outputs, all at once, where the outputs are.

        Raises:
            RuntimeError: If the head was built without a decoder.
        """
        if self.decoder is None:
            raise RuntimeError(
                f"{type(self).__name__} has no decoder: set `decoder` in the head's config to "
                'predict'
            )
        keypoints, scores = self.decoder.decode_batch(batch_outputs.detach().float())
        rows = zip(keypoints[:, None].cpu().numpy(), scores[:, None].cpu().numpy(), strict=True)
        return [InstanceData(keypoints=points, keypoint_scores=score) for points, score in rows]
