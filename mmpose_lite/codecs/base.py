"""Base class of the codecs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor


class BaseKeypointCodec:
    """Translates points in the network's input (pixels) to training targets and back.

    A codec is written once, batched, in torch: :meth:`encode_batch` and :meth:`decode_batch` work
    on the device of their arguments. :meth:`encode` and :meth:`decode` are MMPose's form of the
    same: one face, numpy in and numpy out. A codec defines one of the two forms, and has both.

    It may make several targets, by name, and read several outputs of a network, by position: one
    argument each, ``decode(simcc_x, simcc_y)``. Its signature says how many; see :class:`BaseHead`
    for what a head hands over.

    Attributes:
        instance_mapping_table: Encoded keys that belong to a sample's ``gt_instances``.
        label_mapping_table: Encoded keys that belong to its ``gt_instance_labels``.
        field_mapping_table: Encoded keys that belong to its ``gt_fields``.
        target_kind: What it makes: ``'heatmaps'``, ``'combined heatmaps'``, ``'coordinates'``, or
            None, which heads and losses take on trust.
        use_udp: The crops that it is made for, as :class:`TopdownAffine` has it; None: either.
        auxiliary_encode_keys: Further results of the pipeline that :meth:`encode` takes.
    """

    target_kind: str | None = None
    use_udp: bool | None = None
    auxiliary_encode_keys: ClassVar[set[str]] = set()
    instance_mapping_table: ClassVar[dict[str, str]] = {}
    label_mapping_table: ClassVar[dict[str, str]] = {}
    field_mapping_table: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        """Check that a codec defines one form of each direction.

        Raises:
            TypeError: If it does not.
        """
        super().__init_subclass__()
        for one, other in (('encode', 'encode_batch'), ('decode', 'decode_batch')):
            if all(getattr(cls, name) is getattr(BaseKeypointCodec, name) for name in (one, other)):
                raise TypeError(f'{cls.__name__} must define {one} or {other}')

    def encode_batch(self, keypoints: Tensor, keypoints_visible: Tensor) -> dict[str, Tensor]:
        """Make the targets of a batch.

        Args:
            keypoints: ``(B, K, 2)``, pixels of the network's input.
            keypoints_visible: ``(B, K)``; below 0.5 a point has no target.

        Returns:
            Targets by name, each with B first; always ``keypoint_weights`` ``(B, K)``.
        """
        points, visible = keypoints.cpu().numpy(), keypoints_visible.cpu().numpy()
        faces = [self.encode(points[i : i + 1], visible[i : i + 1]) for i in range(len(points))]
        targets = {name: np.stack([face[name] for face in faces]) for name in faces[0]}
        targets['keypoint_weights'] = targets['keypoint_weights'][:, 0]
        return {name: torch.from_numpy(value).to(keypoints) for name, value in targets.items()}

    # Any, so that a codec may say how many there are, and name them.
    def decode_batch(self, *encoded: Any) -> tuple[Tensor, ...]:
        """Read a batch of predictions.

        Args:
            encoded: The outputs, tensors with B first.

        Returns:
            Points ``(B, K, 2)`` in pixels of the network's input and scores ``(B, K)``; then, of a
            codec that reads these too, how visible the points are ``(B, K)``.
        """
        outputs = (each.cpu().numpy() for each in encoded)
        faces = [self.decode(*face) for face in zip(*outputs, strict=True)]
        decoded = (np.concatenate(parts) for parts in zip(*faces, strict=True))
        return tuple(torch.from_numpy(values).to(encoded[0]) for values in decoded)

    @property
    def support_batch_decoding(self) -> bool:
        """True: :meth:`batch_decode` can always be called."""
        return True

    def encode(self, keypoints: ndarray, keypoints_visible: ndarray | None = None) -> dict:
        """Make the targets of one face: those of :meth:`encode_batch`, in numpy.

        All but ``keypoint_weights`` ``(1, K)`` lack the batch's axis.

        Args:
            keypoints: ``(1, K, 2)``, pixels of the network's input.
            keypoints_visible: ``(1, K)``; all visible by default.

        Raises:
            ValueError: If there is more than one face.
        """
        if keypoints.shape[0] != 1:
            raise ValueError(
                f'{type(self).__name__} encodes one face at a time, got {keypoints.shape[0]}'
            )
        targets = self._encode_arrays(keypoints, keypoints_visible)
        encoded = {name: value[0] for name, value in targets.items()}
        return {**encoded, 'keypoint_weights': targets['keypoint_weights']}

    def _encode_arrays(
        self, keypoints: ndarray, keypoints_visible: ndarray | None
    ) -> dict[str, ndarray]:
        """Make the targets of N faces by :meth:`encode_batch`."""
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        targets = self.encode_batch(
            torch.as_tensor(keypoints, dtype=torch.float32),
            torch.as_tensor(keypoints_visible, dtype=torch.float32),
        )
        return {name: value.numpy() for name, value in targets.items()}

    def decode(self, *encoded: Any) -> tuple[Any, ...]:
        """Read the points of one face: those of :meth:`decode_batch`, in numpy.

        Outputs lack the batch's axis; points are ``(1, K, 2)`` and scores ``(1, K)``.
        """
        decoded = self.decode_batch(*(torch.as_tensor(each)[None] for each in encoded))
        return tuple(values.numpy() for values in decoded)

    def batch_decode(self, *batch_encoded: Any) -> tuple[Sequence[ndarray], ...]:
        """Read the points of a batch, as one ``(1, K, 2)`` and ``(1, K)`` for each face."""
        decoded = self.decode_batch(*batch_encoded)
        return tuple(list(values[:, None].cpu().numpy()) for values in decoded)
