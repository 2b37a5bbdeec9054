"""The base of heads, and the accuracy of a training batch, which stays where the batch is."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from torch import Tensor, nn

from mmpose_lite.codecs.utils import get_heatmap_maximum
from mmpose_lite.registry import KEYPOINT_CODECS, MODELS
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.utils import InputError
from mmpose_lite.utils.tensor_utils import constant, send


class BaseHead(BaseModule, metaclass=ABCMeta):
    """Turns feature maps into losses and predictions.

    Args:
        decoder: Config of the codec. It decodes the outputs and, where the pipeline has no
            ``GenerateTarget``, also encodes the targets.
        init_cfg: How weights start.

    Attributes:
        target_kinds: Kinds of targets that it learns; see :class:`BaseKeypointCodec`.
    """

    target_kinds: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, decoder: dict | None = None, init_cfg: dict | list[dict] | None = None
    ) -> None:
        super().__init__(init_cfg)
        self.decoder = KEYPOINT_CODECS.build(decoder) if decoder is not None else None

    def build_loss(self, cfg: dict) -> nn.Module:
        """Build the loss; it, the head and the codec must mean the same kind of targets.

        Raises:
            InputError: If they do not; the message has the losses that would do.
        """
        loss = MODELS.build(cfg)
        said = {
            type(self).__name__: self.target_kinds,
            f'loss={type(loss).__name__}': getattr(loss, 'target_kinds', ()),
        }
        kind = getattr(self.decoder, 'target_kind', None)
        if kind is not None:
            said[f'decoder={type(self.decoder).__name__}'] = (kind,)
        meant = {part: kinds for part, kinds in said.items() if kinds}
        if meant and not set.intersection(*map(set, meant.values())):
            listed = '; '.join(f'{part}: {" or ".join(kinds)}' for part, kinds in meant.items())
            raise InputError(f'parts of model.head mean different targets: {listed}{_advice(kind)}')
        return loss

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

    def loss(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute losses, and accuracies for the log, by name; see :meth:`losses_of`."""
        return self.losses_of(self(feats), batch_data_samples, train_cfg)

    def losses_of(
        self,
        outputs: Tensor,
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of raw outputs, as :meth:`forward` gives them.

        The targets are those that the samples carry, or else those of :meth:`encode`.

        Args:
            outputs: The outputs.
            batch_data_samples: The samples.
            train_cfg: ``compute_acc`` (True) adds accuracies.

        Raises:
            NotImplementedError: If the head defines neither this nor its own :meth:`loss`.
        """
        raise NotImplementedError(f'{type(self).__name__} has no losses_of')

    def encode(self, samples: list[PoseDataSample], device: torch.device) -> dict[str, Tensor]:
        """Make the targets of samples that carry none, by :meth:`BaseKeypointCodec.encode_batch`.

        Raises:
            RuntimeError: If they have no ``gt_instances.transformed_keypoints``, or the head was
                built without a decoder.
        """
        if self.decoder is None or 'transformed_keypoints' not in samples[0].gt_instances:
            raise RuntimeError(
                'no targets: use GenerateTarget in the pipeline, or PackPoseInputs with '
                'pack_transformed=True and a decoder in the head'
            )
        truth = [sample.gt_instances for sample in samples]
        points, visible = (
            # Each is of one face, (1, K, ...).
            torch.cat([torch.as_tensor(each.get(name), dtype=torch.float32) for each in truth])
            for name in ('transformed_keypoints', 'keypoints_visible')
        )
        return self.decoder.encode_batch(send(points, device), send(visible, device))

    def decode(self, batch_outputs: Tensor) -> list[InstanceData]:
        """Read the points of a batch of outputs, all at once, where the outputs are.

        Raises:
            RuntimeError: If the head was built without a decoder.
        """
        if self.decoder is None:
            raise RuntimeError(f'{type(self).__name__} has no decoder: it needs one to predict')
        keypoints, scores = self.decoder.decode_batch(batch_outputs.detach().float())
        rows = zip(keypoints[:, None].cpu().numpy(), scores[:, None].cpu().numpy(), strict=True)
        return [InstanceData(keypoints=points, keypoint_scores=score) for points, score in rows]


def _advice(kind: str | None) -> str:
    MODELS.import_types()
    losses = [
        name
        for name, loss in MODELS.module_dict.items()
        if kind in getattr(loss, 'target_kinds', ()) and issubclass(loss, nn.Module)
    ]
    return f'; losses of {kind}: {", ".join(sorted(losses))}' if losses else ''


@torch.no_grad()
def heatmap_accuracy(output: Tensor, target: Tensor, mask: Tensor, thr: float = 0.05) -> Tensor:
    """Share of peaks of maps ``(B, K, H, W)`` that lie within ``thr`` of the target's peaks.

    ``thr`` is a share of height and width, and ``mask`` ``(B, K)`` marks the points that count. It
    is the mean over points of each point's share over faces, without points that no face of the
    batch has: MMPose's ``acc_pose``, but NaN where no point counts.
    """
    size = constant(output.shape[-2:], output)
    predicted, _ = get_heatmap_maximum(output)
    wanted, _ = get_heatmap_maximum(target)
    return _accuracy((predicted - wanted) / size, mask, thr)


@torch.no_grad()
def coordinate_accuracy(output: Tensor, target: Tensor, mask: Tensor, thr: float = 0.05) -> Tensor:
    """Share of points ``(B, K, D)`` within ``thr`` of the target; see :func:`heatmap_accuracy`."""
    return _accuracy(output - target, mask, thr)


def _accuracy(apart: Tensor, mask: Tensor, thr: float) -> Tensor:
    distance = torch.linalg.vector_norm(apart, dim=-1)
    hits = ((distance < thr) & mask).sum(dim=0)
    counts = mask.sum(dim=0)
    shares = hits / counts.clamp(min=1)
    return shares.sum() / (counts > 0).sum()
