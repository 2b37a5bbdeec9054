"""One module from pixels to points: what an exported file computes."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmpose_lite.errors import InputError
from mmpose_lite.models.data_preprocessors.device_crops import warp_photograph
from mmpose_lite.models.utils.fold_norms import fold_norms


class ErrorCurve(nn.Module):
    """Turns scores into expected errors; see :class:`.Confidence`, whose curve is straight between.

    Args:
        scores: ``(B,)``, never falling: the places where the curve is known.
        expected: ``(B,)``, its values there, percent of the box.
        factors: ``(K,)``, of each point.
    """

    first: Tensor
    starts: Tensor
    widths: Tensor
    slopes: Tensor
    steps: Tensor
    factors: Tensor

    def __init__(
        self, scores: Sequence[float], expected: Sequence[float], factors: Sequence[float]
    ) -> None:
        super().__init__()
        # A further knot at the end, so that there is a stretch, if a level one.
        knots = np.append(scores, scores[-1] + 1.0)
        values = np.append(expected, expected[-1])
        widths, rises = np.diff(knots), np.diff(values)
        is_step = widths == 0
        kept = {
            'first': values[0],
            'starts': knots[:-1],
            'widths': widths,
            'slopes': np.where(is_step, 0.0, rises / np.where(is_step, 1.0, widths)),
            'steps': np.where(is_step, rises, 0.0),
            'factors': factors,
        }
        for name, each in kept.items():
            self.register_buffer(name, torch.tensor(each, dtype=torch.float32))

    def forward(self, scores: Tensor) -> Tensor:
        """Compute expected errors ``(N, K)``, percent of the box, from scores ``(N, K)``."""
        past = scores[..., None] - self.starts
        along = past.clamp(min=0).minimum(self.widths)
        rises = along * self.slopes + (past >= 0).to(past.dtype) * self.steps
        return (self.first + rises.sum(dim=-1)) * self.factors


class CropGraph(nn.Module):
    """Turns crops into points: normalisation, network, flip test and decoding in one module.

    It is made of the model's own parts; the model itself stays as it is.

    Args:
        model: A model of :func:`init_model`.
        flip: Average the outputs of crops and their mirrors, in twice the time.
        fold: Fold the norms of the network into its convolutions.
        confidence: A fitted confidence, as its ``to_json`` gives it; expected errors are a third
            output then. It was fitted without flip test, with which there is no such output.

    Raises:
        InputError: If the model has no head, or its head no decoder.
    """

    label_weight: Tensor
    label_offset: Tensor

    def __init__(
        self,
        model: Any,
        flip: bool = False,
        fold: bool = True,
        confidence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.curve: ErrorCurve | None = None
        if confidence is not None and not flip:
            names = ('scores', 'expected', 'factors')
            self.curve = ErrorCurve(*(confidence[name] for name in names))
        if not getattr(model, 'with_head', False) or model.head.decoder is None:
            raise InputError('model.head.decoder: an exported file decodes points, and has none')
        # Weights that need no gradients are traced faster.
        model = copy.deepcopy(model).eval().requires_grad_(False)
        if fold:
            fold_norms(model)
        self.model = model
        width, height = model.head.decoder.input_size
        self.size_wh = (int(width), int(height))
        self.metainfo: Mapping[str, Any] = {
            'flip_indices': [int(i) for i in model.dataset_meta['flip_indices']],
            'input_size': self.size_wh,
        }
        self.test_cfg = {**model.test_cfg, 'flip_test': flip}
        self.maps_labels = model.label_map is not None
        if self.maps_labels:
            for name in ('weight', 'offset'):
                values = torch.from_numpy(getattr(model.label_map, name)).float()
                self.register_buffer(f'label_{name}', values)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """Predict points ``(B, K, 2)``, crop pixels, scores ``(B, K)``, and errors, if known.

        Args:
            crops: uint8 ``(B, H, W, 3)``, BGR.
        """
        return self.predict(crops.permute(0, 3, 1, 2))

    def predict(self, images: Tensor) -> tuple[Tensor, ...]:
        """Predict from images ``(B, 3, H, W)`` of levels from 0 to 255, in any type."""
        points, scores, *_ = self.model.head.decode_batch(self.raw_outputs(images))
        points = self._map_labels(points) if self.maps_labels else points
        return (points, scores) if self.curve is None else (points, scores, self.curve(scores))

    def raw_outputs(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute what is decoded, such as heatmaps, from images as for :meth:`predict`."""
        data = {'inputs': images, 'data_samples': None}
        inputs = self.model.data_preprocessor(data)['inputs']
        if self.test_cfg['flip_test']:
            count = inputs.shape[0]  # len() would fix the batch of the file
            both = self.model.extract_feat(torch.cat([inputs, inputs.flip(-1)]))
            feats: Any = [[maps[:count] for maps in both], [maps[count:] for maps in both]]
        else:
            feats = self.model.extract_feat(inputs)
        outputs: tuple[Tensor, ...] = self.model.head.predicted_outputs(
            feats, self.metainfo, self.test_cfg
        )
        return outputs

    def _map_labels(self, points: Tensor) -> Tensor:
        """Apply the model's :class:`.LabelMap` to points ``(B, K, 2)``, crop pixels."""
        size = torch.tensor(self.size_wh, dtype=points.dtype, device=points.device)
        flat = (points / size - 0.5).flatten(1)
        flat = flat + flat @ self.label_weight + self.label_offset
        return (flat.unflatten(1, (points.shape[1], 2)) + 0.5) * size


class PhotographGraph(CropGraph):
    """Turns a photograph and boxes into points: the crops are cut in the graph as well.

    For the arguments see :class:`CropGraph`. The model needs its config, whose test pipeline says
    how boxes become crops.

    Raises:
        InputError: If that pipeline has a step that the graph does not know.
    """

    def __init__(
        self, model: Any, flip: bool = False, confidence: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(model, flip, confidence=confidence)
        self.cutting = read_cutting(model.cfg)

    def forward(self, image: Tensor, boxes: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        """Predict points ``(N, K, 2)``, pixels of the photograph, scores ``(N, K)``, and errors.

        Args:
            image: uint8 ``(H, W, 3)``, BGR.
            boxes: float32 ``(N, 4)``, xyxy, pixels of the photograph.
        """
        crops, corner, scale = self.cut(image, boxes)
        points, *others = self.predict(crops)
        size = torch.tensor(self.size_wh, dtype=points.dtype, device=points.device)
        return points / size * scale[:, None] + corner[:, None], *others

    def cut(self, image: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cut the crops ``(N, 3, H, W)``, whole levels as float32, for :meth:`forward`.

        Corners ``(N, 2)`` and sides ``(N, 2)`` of what they show, pixels of the photograph, are
        returned with them.
        """
        size = torch.tensor(self.size_wh, dtype=boxes.dtype, device=boxes.device)
        center = (boxes[:, :2] + boxes[:, 2:]) * 0.5
        scale = (boxes[:, 2:] - boxes[:, :2]) * self.cutting['padding']
        # The shorter side grows until the box has the crop's form.
        scale = (scale / size).amax(dim=1, keepdim=True) * size
        corner = center - 0.5 * scale
        step = scale / (size - 1 if self.cutting['use_udp'] else size)
        zeros = torch.zeros_like(step[:, 0])
        rows = [step[:, 0], zeros, corner[:, 0], zeros, step[:, 1], corner[:, 1]]
        maps = torch.stack(rows, dim=1).unflatten(1, (2, 3))
        return warp_photograph(image, maps, self.size_wh), corner, scale


def read_cutting(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """Read from the test pipeline of a config how boxes become crops: ``padding``, ``use_udp``.

    Raises:
        InputError: If there is no such pipeline, or it has a step that changes pixels or boxes in
            another way.
    """
    loader = cfg.get('test_dataloader') or {}
    found: dict[str, Any] = {}
    for step in loader.get('dataset', {}).get('pipeline') or ():
        kind = str(step['type']).rpartition('.')[2]
        if kind == 'GetBBoxCenterScale':
            found['padding'] = float(step.get('padding', 1.25))
        elif kind == 'TopdownAffine':
            found['use_udp'] = bool(step.get('use_udp', False))
        elif kind not in ('LoadImage', 'PackPoseInputs'):
            raise InputError(
                f'test_dataloader.dataset.pipeline has {kind}, which a file cannot do for a whole '
                'photograph: export it for crops (--input crops)'
            )
    if len(found) < 2:
        raise InputError(
            'test_dataloader.dataset.pipeline has no GetBBoxCenterScale and TopdownAffine, which '
            'say how boxes become crops: export for crops (--input crops)'
        )
    return found
