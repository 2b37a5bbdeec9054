"""Names of types that MMPose's modules annotate with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from mmengine.config import ConfigDict
from mmengine.structures import InstanceData, PixelData
from torch import Tensor

ConfigType: TypeAlias = ConfigDict | dict
OptConfigType: TypeAlias = ConfigType | None
MultiConfig: TypeAlias = ConfigType | list[ConfigType]
OptMultiConfig: TypeAlias = MultiConfig | None

InstanceList: TypeAlias = list[InstanceData]
PixelDataList: TypeAlias = list[PixelData]
Predictions: TypeAlias = InstanceList | tuple[InstanceList, PixelDataList]

# Samples are PoseDataSample, which lies in a layer above this one.
SampleList: TypeAlias = list[Any]
OptSampleList: TypeAlias = SampleList | None

Features: TypeAlias = Sequence[Tensor] | list[tuple[Tensor, ...]] | list[list[tuple[Tensor, ...]]]
FeatureDict: TypeAlias = dict[str, Tensor]
ForwardResults: TypeAlias = dict[str, Tensor] | SampleList | tuple[Tensor, ...] | Tensor
