"""SimCC: each coordinate of a point is a class among the bins of its axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from mmpose_lite.registry import KEYPOINT_CODECS
from mmpose_lite.utils.tensor_utils import constant

from .base import BaseKeypointCodec
from .utils import get_simcc_maximum, refine_simcc_dark

_SMOOTHING_TYPES = ('gaussian', 'standard')


@KEYPOINT_CODECS.register_module()
class SimCCLabel(BaseKeypointCodec):
    """Two vectors per point, one along each axis, with the peak at the bin nearest to the point.

    Args:
        input_size: Width and height of the network's input, pixels.
        smoothing_type: ``'gaussian'``: a Gaussian about that bin; ``'standard'``: that bin alone.
        sigma: Standard deviation of the Gaussian, bins; one for both axes, or a pair.
        simcc_split_ratio: Bins per pixel.
        label_smooth_weight: Share of a label that the other bins have together (``'standard'``).
        normalize: Divide Gaussians by their area, so that they sum to about 1.
        use_dark: Refine decoded peaks by a parabola, see :func:`refine_simcc_dark`.
        decode_visibility: Also decode a visibility for each point, from 0 to 1.
        decode_beta: Visibilities are read from a softmax; the vectors are multiplied by this times
            sigma before it.
        guarded: Bound DARK's steps, which have no bound as published.

    Raises:
        ValueError: If the smoothing type is unknown, or ``label_smooth_weight`` is not a share or
            is given for Gaussians.

    Source: Li et al., ECCV 2022, https://arxiv.org/abs/2107.03332
    """

    target_kind = 'simcc labels'
    label_mapping_table: ClassVar = {
        'keypoint_x_labels': 'keypoint_x_labels',
        'keypoint_y_labels': 'keypoint_y_labels',
        'keypoint_weights': 'keypoint_weights',
    }

    def __init__(
        self,
        input_size: tuple[int, int],
        smoothing_type: str = 'gaussian',
        sigma: float | tuple[float, float] = 6.0,
        simcc_split_ratio: float = 2.0,
        label_smooth_weight: float = 0.0,
        normalize: bool = True,
        use_dark: bool = False,
        decode_visibility: bool = False,
        decode_beta: float = 150.0,
        guarded: bool = False,
    ) -> None:
        if smoothing_type not in _SMOOTHING_TYPES:
            raise ValueError(
                f'{type(self).__name__} got invalid `smoothing_type`: {smoothing_type!r} is not '
                f'one of {", ".join(_SMOOTHING_TYPES)}'
            )
        if not 0 <= label_smooth_weight <= 1:
            raise ValueError(f'`label_smooth_weight` should be 0 to 1, got {label_smooth_weight}')
        if smoothing_type == 'gaussian' and label_smooth_weight > 0:
            raise ValueError(
                f'label_smooth_weight={label_smooth_weight} is only used for `standard` mode, and '
                'this is gaussian'
            )
        self.input_size = input_size
        self.smoothing_type = smoothing_type
        self.sigma = (sigma, sigma) if isinstance(sigma, int | float) else tuple(sigma)
        self.simcc_split_ratio = simcc_split_ratio
        self.label_smooth_weight = label_smooth_weight
        self.normalize = normalize
        self.use_dark = use_dark
        self.decode_visibility = decode_visibility
        self.decode_beta = decode_beta
        self.guarded = guarded
        self.simcc_size = simcc_size(input_size, simcc_split_ratio)
        # Labels are made for centres (bins) from `_first` on and below `_stop`: a Gaussian may lie
        # outside the input by three sigma.
        reach = [3 * each if smoothing_type == 'gaussian' else None for each in self.sigma]
        self._first = np.array([0 if each is None else -each - 1 for each in reach])
        self._stop = np.array(self.simcc_size) + [each or 0 for each in reach]
        names = ('keypoint_x_labels', 'keypoint_y_labels')
        self._profiles = {name: self._make_profile(axis) for axis, name in enumerate(names)}

    def _make_profile(self, axis: int) -> ndarray:
        """Make an array of which each label of an axis is a window, for :meth:`encode_batch`.

        It is the label of a centre that lies in the middle of an axis so long that the windows of
        all centres fit, followed by a window of zeros.
        """
        size = self.simcc_size[axis]
        reach = size - 1 + math.ceil(-self._first[axis])
        bins = np.arange(-reach, reach + 1)
        if self.smoothing_type == 'standard':
            weight = self.label_smooth_weight
            label = np.where(bins == 0, 1 - weight, weight / (size - 1))
        else:
            sigma = self.sigma[axis]
            label = np.exp(-(bins**2) / (2 * sigma**2))
            label /= sigma * math.sqrt(2 * math.pi) if self.normalize else 1
        return np.concatenate([label, np.zeros(size)])

    def encode_batch(self, keypoints: Tensor, keypoints_visible: Tensor) -> dict[str, Tensor]:
        """Make ``keypoint_x_labels`` ``(B, K, Lx)``, ``keypoint_y_labels`` ``(B, K, Ly)``, weights.

        Bins are rounded half to even, and Gaussians are not cut off. A point has labels of 0 if it
        is hidden or lies outside the input (Gaussians: more than three sigma outside). A visible
        point outside has weight 0; a hidden one keeps its visibility as its weight.
        """
        centers = (keypoints * self.simcc_split_ratio).round()
        first, stop = constant(self._first, centers), constant(self._stop, centers)
        inside = ((centers >= first) & (centers < stop)).all(dim=-1)
        labelled = keypoints_visible >= 0.5
        encoded = {}
        for axis, (name, values) in enumerate(self._profiles.items()):
            profile, size = constant(values, centers), self.simcc_size[axis]
            # Centres are whole bins, so each label is a window of the profile; the last one is 0.
            windows = profile.unfold(0, size, 1)
            row = (len(windows) - 2) // 2 - centers[..., axis]
            row = torch.where(inside & labelled, row, len(windows) - 1)
            encoded[name] = windows[row.long()]
        encoded['keypoint_weights'] = torch.where(labelled & ~inside, 0, keypoints_visible)
        return encoded

    def decode_batch(self, simcc_x: Tensor, simcc_y: Tensor) -> tuple[Tensor, ...]:
        """Decode points ``(B, K, 2)`` and scores ``(B, K)`` from vectors ``(B, K, L)``.

        A point's score is the lower of its two maxima; if it is not above 0, the point is at bin -1
        of both axes. With ``decode_visibility`` there are visibilities ``(B, K)`` as well.
        """
        bins, scores = get_simcc_maximum(simcc_x, simcc_y)
        if self.use_dark:
            refined = [
                refine_simcc_dark(bins[..., axis], simcc, self._blur_kernel(axis), self.guarded)
                for axis, simcc in enumerate((simcc_x, simcc_y))
            ]
            bins = torch.stack(refined, dim=-1)
        points = bins / self.simcc_split_ratio
        if not self.decode_visibility:
            return points, scores
        beta_x, beta_y = (self.decode_beta * sigma for sigma in self.sigma)
        _, visibility = get_simcc_maximum(simcc_x * beta_x, simcc_y * beta_y, apply_softmax=True)
        return points, scores, visibility

    def _blur_kernel(self, axis: int) -> int:
        kernel = int((self.sigma[axis] * 20 - 7) // 3)
        return kernel - (kernel % 2 == 0)

    def encode(self, keypoints: ndarray, keypoints_visible: ndarray | None = None) -> dict:
        """Make the targets of N faces, with N first; see :meth:`encode_batch`."""
        return self._encode_arrays(keypoints, keypoints_visible)

    def decode(self, simcc_x: ndarray, simcc_y: ndarray) -> tuple[ndarray, Any]:
        """Decode N faces ``(N, K, L)``, or one ``(K, L)``; see :meth:`decode_batch`.

        With ``decode_visibility`` the second result is a pair, as in MMPose: scores, visibilities.
        """
        vectors = (each.reshape(-1, *each.shape[-2:]) for each in (simcc_x, simcc_y))
        points, *scores = self._decode_arrays(*vectors)
        return points, tuple(scores) if self.decode_visibility else scores[0]


def simcc_size(input_size: Sequence[int], simcc_split_ratio: float) -> tuple[int, ...]:
    """Compute the number of bins along x and along y for an input (w, h), pixels."""
    return tuple(round(side * simcc_split_ratio) for side in input_size)
