"""The base class of heads, and the accuracy of a training batch."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.model import BaseModule
from mmengine.structures import InstanceData, PixelData
from torch import Tensor, nn

from mmpose_lite.errors import InputError
from mmpose_lite.registry import KEYPOINT_CODECS, MODELS
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.utils.tensor_utils import send

_TRUTH = ('transformed_keypoints', 'keypoints_visible')  # the fields that targets are made of
# The results of a codec, in this order; not all codecs give the last one.
_DECODED = ('keypoints', 'keypoint_scores', 'keypoints_visible')


class BaseHead(BaseModule, metaclass=ABCMeta):
    """Turns feature maps into losses and predictions.

    The raw outputs of :meth:`forward` are one tensor, or a tuple or list of them, each with B
    first: a vector for each axis, say, or a map for each stage. A subclass defines

    - :meth:`forward`;
    - ``target_names``, :meth:`loss_of` and :meth:`accuracy_of`: what it learns, and how;
    - :meth:`mirrored`, for the flip test;
    - :meth:`final_outputs`, if the codec reads only some of the outputs;
    - :meth:`fields_of`, if there are maps to look at.

    From there on all heads are alike. For training :meth:`loss` calls :meth:`forward` and then
    :meth:`losses_of`, which calls :meth:`targets`, :meth:`loss_of`, :meth:`accuracy_of` and
    :meth:`further_losses`. In iterations that are logged, ``TrainErrorHook`` reads the outputs of
    :meth:`forward`, which it replaces for that time.

    Args:
        init_cfg: How weights start; ``default_init_cfg`` if it is None.
        decoder: Config of the codec. It decodes the outputs and, if the pipeline has no
            ``GenerateTarget``, also encodes the targets.

    Attributes:
        default_init_cfg: How weights start by default.
        target_kinds: Kinds of targets that the head can learn; see :class:`BaseKeypointCodec`.
        target_names: The codec's names of the targets, in the order of :meth:`loss_of`.
    """

    target_kinds: ClassVar[tuple[str, ...]] = ()
    target_names: ClassVar[tuple[str, ...]] = ()
    default_init_cfg: ClassVar[Any] = None

    # MMPose's heads call this with the first argument alone.
    def __init__(
        self, init_cfg: dict | list[dict] | None = None, decoder: dict | None = None
    ) -> None:
        super().__init__(deepcopy(self.default_init_cfg) if init_cfg is None else init_cfg)
        self.decoder = KEYPOINT_CODECS.build(decoder) if decoder is not None else None

    def build_loss(self, cfg: dict) -> nn.Module:
        """Build the loss, and check that it is for the head's and the codec's kind of targets.

        Raises:
            InputError: If the kinds differ; the message lists the losses that fit.
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
        """Compute the raw outputs from feature maps."""

    def predict(
        self, feats: Any, batch_data_samples: list[PoseDataSample], test_cfg: dict | None = None
    ) -> list[InstanceData] | tuple[list[InstanceData], list[PixelData]]:
        """Predict points.

        Args:
            feats: Feature maps; with flip test a list of two: of the images, of their mirrors.
            batch_data_samples: The samples; flip test reads the first one's ``flip_indices``.
            test_cfg: ``flip_test``, ``output_heatmaps`` (bool) and what :meth:`mirrored` reads.

        Returns:
            One :class:`InstanceData` per sample, with numpy arrays: ``keypoints`` ``(1, K, 2)`` in
            pixels of the network's input and ``keypoint_scores`` ``(1, K)``. If maps are asked for
            and the head has some, a pair of these and one :class:`PixelData` per sample.
        """
        test_cfg = test_cfg or {}
        metainfo = batch_data_samples[0].metainfo if batch_data_samples else {}
        outputs = self.predicted_outputs(feats, metainfo, test_cfg)
        predictions = self.decode(outputs)
        fields = None
        if test_cfg.get('output_heatmaps', False):
            fields = self.fields_of(outputs, predictions)
        return predictions if fields is None else (predictions, fields)

    def predicted_outputs(
        self, feats: Any, metainfo: Mapping[str, Any], test_cfg: Mapping[str, Any]
    ) -> tuple[Tensor, ...]:
        """Compute the outputs that a prediction decodes, with flip test the mean of both passes.

        For the arguments see :meth:`predict` and :meth:`mirrored`.
        """
        if not test_cfg.get('flip_test', False):
            return self.final_outputs(self(feats))
        images, mirrors = feats
        outputs = self.final_outputs(self(images))
        others = self.mirrored(self.final_outputs(self(mirrors)), metainfo, test_cfg)
        return tuple((a + b) * 0.5 for a, b in zip(outputs, others, strict=True))

    def final_outputs(self, outputs: Any) -> tuple[Tensor, ...]:
        """Pick the outputs that the codec reads: by default all. Picking twice changes nothing."""
        return (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)

    def mirrored(
        self, outputs: tuple[Tensor, ...], metainfo: Mapping[str, Any], test_cfg: Mapping[str, Any]
    ) -> Sequence[Tensor]:
        """Turn the outputs of mirrored images into those of the images themselves.

        Args:
            outputs: Those of :meth:`final_outputs`.
            metainfo: A sample's metainfo, with ``flip_indices`` and ``input_size``.
            test_cfg: See :meth:`predict`.
        """
        raise NotImplementedError(f'{type(self).__name__} defines no mirrored, for the flip test')

    def fields_of(
        self, outputs: tuple[Tensor, ...], predictions: list[InstanceData]
    ) -> list[PixelData] | None:
        """Make ``heatmaps`` ``(C, H, W)`` of each sample for drawings; None if there are none.

        A head may add further fields to the predictions here.
        """
        return None

    def loss(
        self,
        feats: Sequence[Tensor],
        batch_data_samples: list[PoseDataSample],
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of feature maps; see :meth:`losses_of`."""
        return self.losses_of(self(feats), batch_data_samples, train_cfg)

    def losses_of(
        self, outputs: Any, samples: list[PoseDataSample], train_cfg: dict | None = None
    ) -> dict[str, Tensor]:
        """Compute ``loss_kpt`` of raw outputs, and ``acc_pose`` unless ``compute_acc`` is off."""
        targets = self.targets(samples, outputs[0].device)
        losses = {'loss_kpt': self.loss_of(outputs, *targets)}
        if (train_cfg or {}).get('compute_acc', True):
            losses['acc_pose'] = self.accuracy_of(outputs, *targets)
        losses.update(self.further_losses(outputs, *targets))
        return losses

    def further_losses(self, outputs: Any, *targets: Any) -> dict[str, Tensor]:
        """Compute further terms and numbers, of the same arguments as :meth:`loss_of`; here none.

        Values whose name contains ``loss`` are added to the loss, and all are logged.
        """
        return {}

    def loss_of(self, outputs: Any, *targets: Any) -> Tensor:
        """Compute one loss from raw outputs and the targets, in the order of ``target_names``."""
        raise NotImplementedError(f'{type(self).__name__} defines no loss_of')

    def accuracy_of(self, outputs: Any, *targets: Any) -> Tensor:
        """Compute the share of points that are hit, of the same arguments as :meth:`loss_of`."""
        raise NotImplementedError(f'{type(self).__name__} defines no accuracy_of')

    @classmethod
    def has_losses_of(cls) -> bool:
        """Tell whether :meth:`losses_of` is defined, and :meth:`loss` is that of this class."""
        is_defined = bool(cls.target_names) or cls.losses_of is not BaseHead.losses_of
        return is_defined and cls.loss is BaseHead.loss

    @classmethod
    def makes_targets(cls) -> bool:
        """Tell whether :meth:`targets` alone supplies the training targets.

        A head that overrides ``loss``, ``losses_of`` or ``targets`` may read the samples' own
        targets, so ``GenerateTarget`` stays in the pipeline and validations have no ``val_loss``,
        unless the head overrides this method, too. For a further term, override
        :meth:`further_losses`.
        """
        own = ('loss', 'losses_of', 'targets')
        is_theirs = all(getattr(cls, name) is getattr(BaseHead, name) for name in own)
        return is_theirs and bool(cls.target_names)

    def targets(self, samples: list[PoseDataSample], device: torch.device) -> list[Tensor]:
        """Return the targets of ``target_names``, each with B first.

        They are taken from the samples if these carry them, and otherwise encoded here, the whole
        batch at once.

        Raises:
            RuntimeError: If samples have neither targets nor ``transformed_keypoints``, or the
                head was built without a decoder.
        """
        names = self.target_names
        carried = _carried(samples, names) if 'gt_instance_labels' in samples[0] else None
        if carried is not None:
            return [send(values, device) for values in carried]
        truth = [sample.gt_instances for sample in samples]
        if self.decoder is None or 'transformed_keypoints' not in truth[0]:
            raise RuntimeError(
                f'no targets ({", ".join(names)}): use GenerateTarget in the pipeline, or '
                'PackPoseInputs with pack_transformed=True and a decoder in the head'
            )
        points, visible = (
            torch.cat([torch.as_tensor(each.get(name), dtype=torch.float32) for each in truth])
            for name in _TRUTH
        )
        encoded = self.decoder.encode_batch(send(points, device), send(visible, device))
        if any('dataset_keypoint_weights' in each for each in truth):
            encoded['keypoint_weights'] = encoded['keypoint_weights'] * _factors(truth, device)
        return [encoded[name] for name in names]

    def decode(self, batch_outputs: Any) -> list[InstanceData]:
        """Decode a batch of outputs, raw or final, on their device; see :meth:`decode_batch`."""
        decoded = self.decode_batch(batch_outputs)
        faces = zip(*(values[:, None].cpu().numpy() for values in decoded), strict=True)
        return [InstanceData(**dict(zip(_DECODED, face, strict=False))) for face in faces]

    def decode_batch(self, batch_outputs: Any) -> tuple[Tensor, ...]:
        """Decode outputs to tensors: points ``(B, K, 2)`` in input pixels, scores ``(B, K)``.

        Raises:
            RuntimeError: If the head was built without a decoder.
        """
        if self.decoder is None:
            raise RuntimeError(f'{type(self).__name__} has no decoder: it needs one to predict')
        outputs = [each.detach().float() for each in self.final_outputs(batch_outputs)]
        with torch.autocast(outputs[0].device.type, enabled=False):
            decoded: tuple[Tensor, ...] = self.decoder.decode_batch(*outputs)
        return decoded


def _factors(truth: Sequence[InstanceData], device: torch.device) -> Tensor:
    """The data sets' weights of the points, ``(B, K)``; 1 for a face whose set has none."""
    even = np.ones(truth[0].transformed_keypoints.shape[:2])
    factors = np.concatenate([each.get('dataset_keypoint_weights', even) for each in truth])
    return send(torch.as_tensor(factors, dtype=torch.float32), device)


def _carried(samples: list[PoseDataSample], names: Sequence[str]) -> list[Tensor] | None:
    """The targets that the pipeline has made, with B first; None if some are missing."""
    found = []
    for sample in samples:
        maps = dict(sample.gt_fields.items()) if 'gt_fields' in sample else {}
        maps = {name: each[None] for name, each in maps.items() if isinstance(each, Tensor)}
        found.append({**maps, **dict(sample.gt_instance_labels.items())})
    if not found[0].keys() >= set(names):
        return None
    return [torch.cat([each[name] for each in found]) for name in names]


def _advice(kind: str | None) -> str:
    MODELS.import_types()
    losses = [
        name
        for name, loss in MODELS.module_dict.items()
        if kind in getattr(loss, 'target_kinds', ()) and not issubclass(loss, BaseHead)
    ]
    return f'; losses of {kind}: {", ".join(sorted(losses))}' if losses else ''


@torch.no_grad()
def point_accuracy(
    output: Tensor, target: Tensor, mask: Tensor, size: Tensor | float = 1.0, thr: float = 0.05
) -> Tensor:
    """Share of points ``(B, K, D)`` that lie within ``thr * size`` of the target.

    ``mask`` ``(B, K)`` marks the points that count. Each point has its share over the faces of the
    batch; the result is the mean over the points that some face has. It is MMPose's ``acc_pose``,
    but NaN if no point counts, and it stays on the batch's device.
    """
    distance = torch.linalg.vector_norm((output - target) / size, dim=-1)
    hits = ((distance < thr) & mask).sum(dim=0)
    counts = mask.sum(dim=0)
    shares = hits / counts.clamp(min=1)
    return shares.sum() / (counts > 0).sum()
