"""One face on its way through the pipeline and the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from mmengine.structures import BaseDataElement, InstanceData, PixelData

from .multilevel_pixel_data import MultilevelPixelData

Element = TypeVar('Element', bound=BaseDataElement)

# What samples carry where the pipeline makes the targets.
_TARGETS = ('gt_fields', 'gt_instance_labels')


def _field(name: str, *dtypes: type) -> property:
    """A data field kept under ``_name`` that takes only the given types."""
    private = f'_{name}'

    def getter(self: BaseDataElement) -> Any:
        try:
            return self.__dict__[private]
        except KeyError:
            raise AttributeError(_about_missing(name)) from None

    def setter(self: BaseDataElement, value: Any) -> None:
        self.set_field(value, private, dtype=dtypes)

    def deleter(self: BaseDataElement) -> None:
        delattr(self, private)

    return property(getter, setter, deleter)


def _about_missing(name: str) -> str:
    said = f'this PoseDataSample has no {name}'
    if name not in _TARGETS:
        return said
    return (
        f'{said}: it carries no targets where the head makes them; targets_by_head=False in the '
        'config has the pipeline make them'
    )


class PoseDataSample(BaseDataElement):
    """Truth, targets and predictions of one image or crop.

    Attributes:
        gt_instances: The truth in image pixels: ``keypoints`` ``(N, K, 2)``,
            ``keypoints_visible`` ``(N, K)``, ``bboxes`` ``(N, 4)`` xyxy, ``bbox_scores`` ``(N,)``.
        gt_instance_labels: What a loss compares with, as tensors: ``keypoint_weights`` ``(N, K)``.
        gt_fields: Targets as maps: ``heatmaps`` ``(K, H, W)``, or a list of several sizes.
        pred_instances: As ``gt_instances``, with ``keypoint_scores`` ``(N, K)``.
        pred_fields: Predicted maps, where they were asked for.

    The metainfo holds what is known of the image: ``id``, ``img_id``, ``img_path``, ``ori_shape``
    and ``img_shape`` (h, w), ``input_size`` (w, h), ``input_center`` and ``input_scale`` (the crop
    in image pixels), ``flip_indices``, ``subsets``.
    """

    gt_instances = _field('gt_instances', InstanceData)
    gt_instance_labels = _field('gt_instance_labels', InstanceData)
    pred_instances = _field('pred_instances', InstanceData)
    gt_fields = _field('gt_fields', PixelData, MultilevelPixelData)
    pred_fields = _field('pred_fields', PixelData, MultilevelPixelData)


def make_element(
    kind: type[Element], data: Mapping[str, Any], metainfo: Mapping[str, Any] | None = None
) -> Element:
    """Make an element of these fields, by the names under which they are kept; it shares them.

    An element's own setters look through all other fields for each one, and copy metainfo deeply:
    that is a tenth of what it costs to load a face from the crop cache.

    Raises:
        ValueError: If instances differ in their number, or a field of theirs has none.
    """
    if issubclass(kind, InstanceData):
        numbers = {len(value) if hasattr(value, '__len__') else None for value in data.values()}
        if len(numbers) > 1 or None in numbers:
            raise ValueError(_about_numbers(data))
    element = kind()
    fields = vars(element)
    fields.update(data)
    fields['_data_fields'].update(data)
    if metainfo:
        fields.update(metainfo)
        fields['_metainfo_fields'].update(metainfo)
    return element


def _about_numbers(data: Mapping[str, Any]) -> str:
    for name, value in data.items():
        if not hasattr(value, '__len__'):
            return f'{name} of instances is {value!r}, which has no length'
    numbers = ', '.join(f'{name} {len(value)}' for name, value in data.items())
    return f'instances differ in their number: {numbers}'
