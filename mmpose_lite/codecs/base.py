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

    There are two forms of each direction. :meth:`encode_batch` and :meth:`decode_batch` take a
    batch of tensors and work on their device; :meth:`encode` and :meth:`decode`, MMPose's form,
    take one face in numpy arrays. A subclass defines one form and gets the other from this class;
    so does one that overrides a form of its parent.

    A codec may make several targets, which have names, and read several outputs of a network, one
    positional argument each: ``decode(simcc_x, simcc_y)``. For the head's part see
    :class:`BaseHead`.

    Attributes:
        instance_mapping_table: Encoded keys that belong to a sample's ``gt_instances``.
        label_mapping_table: Encoded keys that belong to its ``gt_instance_labels``.
        field_mapping_table: Encoded keys that belong to its ``gt_fields``.
        target_kind: The kind of its targets, which heads and losses must have among theirs:
            ``'heatmaps'``, ``'combined heatmaps'``, ``'binary heatmaps'``, ``'coordinates'`` or
            ``'simcc labels'``; None is not checked.
        use_udp: The ``use_udp`` that :class:`TopdownAffine` must have; None: either.
        auxiliary_encode_keys: Further keys of a sample that :meth:`encode` takes.
    """

    target_kind: str | None = None
    use_udp: bool | None = None
    auxiliary_encode_keys: ClassVar[set[str]] = set()
    instance_mapping_table: ClassVar[dict[str, str]] = {}
    label_mapping_table: ClassVar[dict[str, str]] = {}
    field_mapping_table: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls) -> None:
        """Check that a subclass has a form of each direction of its own, and set the other one.

        Raises:
            TypeError: If it has none.
        """
        super().__init_subclass__()
        for one, other in (('encode', 'encode_batch'), ('decode', 'decode_batch')):
            if all(getattr(cls, name) is getattr(BaseKeypointCodec, name) for name in (one, other)):
                raise TypeError(f'{cls.__name__} must define {one} or {other}')
            if one in vars(cls) and other not in vars(cls):
                # Otherwise it would silently keep the batched form of the class that it extends.
                setattr(cls, other, getattr(BaseKeypointCodec, other))

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
        targets = {}
        for name in faces[0]:
            join = np.concatenate if self._has_faces_first(name) else np.stack
            targets[name] = torch.from_numpy(join([face[name] for face in faces])).to(keypoints)
        return targets

    def _has_faces_first(self, name: str) -> bool:
        """Tell whether a target of :meth:`encode` has an axis of faces first; fields have not."""
        tables = (self.label_mapping_table, self.instance_mapping_table)
        return name == 'keypoint_weights' or any(name in table for table in tables)

    # Typed as Any, so that a subclass may name its outputs in place of ``*encoded``.
    def decode_batch(self, *encoded: Any) -> tuple[Tensor, ...]:
        """Decode a batch of predictions.

        Args:
            encoded: The network's outputs, tensors with B first.

        Returns:
            Points ``(B, K, 2)`` in pixels of the network's input and scores ``(B, K)``; some codecs
            add visibilities ``(B, K)``.
        """
        outputs = (each.cpu().numpy() for each in encoded)
        faces = [_flat(self.decode(*face)) for face in zip(*outputs, strict=True)]
        decoded = (np.concatenate(parts) for parts in zip(*faces, strict=True))
        return tuple(torch.from_numpy(values).to(encoded[0]) for values in decoded)

    # From here on the forms of MMPose: one face at a time in numpy, which GenerateTarget calls and
    # codecs written for MMPose define.

    @property
    def support_batch_decoding(self) -> bool:
        """True, since :meth:`batch_decode` works for every codec; MMPose's callers ask for it."""
        return True

    def encode(self, keypoints: ndarray, keypoints_visible: ndarray | None = None) -> dict:
        """Make the targets of one face in numpy; see :meth:`encode_batch`.

        ``keypoint_weights`` ``(1, K)`` and the targets of ``label_mapping_table`` have an axis of
        one face first; the others have none.

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
        return {
            name: value if self._has_faces_first(name) else value[0]
            for name, value in targets.items()
        }

    def _encode_arrays(
        self, keypoints: ndarray, keypoints_visible: ndarray | None
    ) -> dict[str, ndarray]:
        """Make the targets of N faces with :meth:`encode_batch`."""
        if keypoints_visible is None:
            keypoints_visible = np.ones(keypoints.shape[:2], dtype=np.float32)
        targets = self._written_form('encode_batch')(
            torch.as_tensor(keypoints, dtype=torch.float32),
            torch.as_tensor(keypoints_visible, dtype=torch.float32),
        )
        return {name: value.numpy() for name, value in targets.items()}

    def decode(self, *encoded: Any) -> tuple[Any, ...]:
        """Decode the points of one face in numpy; see :meth:`decode_batch`.

        The outputs have no batch axis; points are ``(1, K, 2)`` and scores ``(1, K)``. A codec that
        also reads visibilities may pair them with the scores, as MMPose's do.
        """
        return self._decode_arrays(*(np.asarray(each)[None] for each in encoded))

    def _decode_arrays(self, *encoded: ndarray) -> tuple[ndarray, ...]:
        """Decode the points of N faces with :meth:`decode_batch`."""
        decoded = self._written_form('decode_batch')(*map(torch.as_tensor, encoded))
        return tuple(values.numpy() for values in decoded)

    def _written_form(self, name: str) -> Any:
        """Find the batched method that a subclass has written, past those set by this class.

        The latter call :meth:`encode` or :meth:`decode`, which may be what calls it now.
        """
        own = vars(BaseKeypointCodec)[name]
        methods = (vars(kind)[name] for kind in type(self).__mro__ if name in vars(kind))
        return next((method for method in methods if method is not own), own).__get__(self)

    def batch_decode(self, *batch_encoded: Any) -> tuple[Sequence[ndarray], ...]:
        """Decode a batch into a list of points ``(1, K, 2)`` and one of scores ``(1, K)``."""
        decoded = self.decode_batch(*batch_encoded)
        return tuple(list(values[:, None].cpu().numpy()) for values in decoded)


def _flat(decoded: tuple[Any, ...]) -> list[ndarray]:
    """Flatten a codec's results: MMPose's may pair scores and visibilities."""
    return [part for each in decoded for part in (each if isinstance(each, tuple) else [each])]
