"""HRNet: branches of four resolutions that run side by side and exchange what they see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from mmcv.cnn import build_conv_layer, build_norm_layer
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmpose_lite.registry import MODELS

from .base_backbone import NORMAL_INIT, BaseBackbone
from .residual import (
    BasicBlock,
    Bottleneck,
    ResLayer,
    add_paths,
    conv_norm,
    get_expansion,
    norm_property,
)

_NEAREST = {'mode': 'nearest', 'align_corners': None}


class HRModule(BaseModule):
    """Runs blocks on every branch, then adds to each branch what the others know.

    Args:
        num_branches: How many resolutions; branch i has 1 / 2^i of the first one's.
        blocks: Class of the blocks.
        num_blocks: Blocks of each branch.
        in_channels: Channels of each branch; the module's outputs have as many as its blocks.
        num_channels: Channels inside the blocks of each branch, before expansion.
        multiscale_output: Return all branches; else the first only.
        with_cp: See :class:`~.residual.BasicBlock`.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm.
        upsample_cfg: ``mode`` and ``align_corners`` of the upsampling.
        init_cfg: How weights start.

    Raises:
        ValueError: If a list's length is not the number of branches.
    """

    def __init__(
        self,
        num_branches: int,
        blocks: type,
        num_blocks: Sequence[int],
        in_channels: Sequence[int],
        num_channels: Sequence[int],
        multiscale_output: bool = False,
        with_cp: bool = False,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        upsample_cfg: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg)
        lists = {'num_blocks': num_blocks, 'num_channels': num_channels, 'in_channels': in_channels}
        for name, values in lists.items():
            if len(values) != num_branches:
                raise ValueError(f'num_branches={num_branches}, but {name} is {list(values)}')
        self.num_branches = num_branches
        self.in_channels = [count * get_expansion(blocks) for count in num_channels]
        self.multiscale_output = multiscale_output
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg or {'type': 'BN'}
        self.upsample_cfg = upsample_cfg or _NEAREST
        self.branches = nn.ModuleList(
            ResLayer(
                blocks,
                num_blocks[i],
                in_channels[i],
                self.in_channels[i],
                with_cp=with_cp,
                conv_cfg=conv_cfg,
                norm_cfg=self.norm_cfg,
            )
            for i in range(num_branches)
        )
        self.fuse_layers = self._make_fuse_layers()
        self.relu = nn.ReLU(inplace=True)

    def _make_fuse_layers(self) -> Any:
        """``fuse_layers[i][j]`` takes branch j to the shape of branch i."""
        if self.num_branches == 1:
            return None
        outputs = self.num_branches if self.multiscale_output else 1
        return nn.ModuleList(
            nn.ModuleList(self._make_fuse_path(i, j) for j in range(self.num_branches))
            for i in range(outputs)
        )

    def _make_fuse_path(self, target: int, source: int) -> Any:
        if source == target:
            return None
        channels, out_channels = self.in_channels[source], self.in_channels[target]
        build = (self.conv_cfg, self.norm_cfg)
        if source > target:
            upsample = nn.Upsample(scale_factor=2 ** (source - target), **self.upsample_cfg)
            return nn.Sequential(
                *conv_norm(*build, channels, out_channels, 1, relu=False), upsample
            )
        steps = range(target - source - 1)
        halvings = [conv_norm(*build, channels, channels, 3, stride=2) for _ in steps]
        halvings.append(conv_norm(*build, channels, out_channels, 3, stride=2, relu=False))
        return nn.Sequential(*(nn.Sequential(*halving) for halving in halvings))

    def forward(self, x: list[Tensor]) -> list[Tensor]:
        """Compute the branches' maps from the branches' maps."""
        x = [branch(maps) for branch, maps in zip(self.branches, x, strict=True)]
        if self.fuse_layers is None:
            return x
        return [self.relu(add_paths(paths, x)) for paths in self.fuse_layers]


@MODELS.register_module()
class HRNet(BaseBackbone):
    """HRNet, with one output (HRNetV1) or all four (HRNetV2).

    Args:
        extra: ``stage1`` to ``stage4``, each with ``num_modules``, ``num_branches``, ``block``
            (``'BASIC'`` or ``'BOTTLENECK'``), ``num_blocks`` and ``num_channels`` (lists, one
            entry a branch); ``stage4.multiscale_output`` (default False) returns all branches;
            ``upsample`` (``mode``, ``align_corners``; nearest by default).
        in_channels: Channels of the images.
        conv_cfg: Kind of convolution.
        norm_cfg: Kind of norm; batch norm by default.
        norm_eval: Keep the running statistics of batch norms as they are.
        with_cp: Save memory by computing blocks anew in the backward pass.
        zero_init_residual: Start every block as the identity.
        frozen_stages: The stem (0) and this many stages do not train; -1: all train.
        init_cfg: How weights start.

    Source: Wang et al., TPAMI 2020, https://arxiv.org/abs/1908.07919
    """

    blocks_dict: ClassVar = {'BASIC': BasicBlock, 'BOTTLENECK': Bottleneck}

    def __init__(
        self,
        extra: dict[str, Any],
        in_channels: int = 3,
        conv_cfg: dict | None = None,
        norm_cfg: dict | None = None,
        norm_eval: bool = False,
        with_cp: bool = False,
        zero_init_residual: bool = False,
        frozen_stages: int = -1,
        init_cfg: dict | Sequence[dict] | None = NORMAL_INIT,
    ) -> None:
        super().__init__(init_cfg if isinstance(init_cfg, dict | None) else list(init_cfg))
        self.extra = extra
        self.conv_cfg = conv_cfg
        self.norm_cfg = norm_cfg or {'type': 'BN'}
        self.norm_eval = norm_eval
        self.with_cp = with_cp
        self.zero_init_residual = zero_init_residual
        self.frozen_stages = frozen_stages
        self.upsample_cfg = extra.get('upsample', _NEAREST)
        self._make_stem(in_channels)
        channels = self._make_first_stage(extra['stage1'])
        for i in (2, 3, 4):
            channels = self._make_stage(i, extra[f'stage{i}'], channels)
        self._freeze()

    norm1, norm2 = norm_property(1), norm_property(2)

    def _make_stem(self, in_channels: int) -> None:
        self.norm1_name, norm1 = build_norm_layer(self.norm_cfg, 64, postfix=1)
        self.norm2_name, norm2 = build_norm_layer(self.norm_cfg, 64, postfix=2)
        conv = {'stride': 2, 'padding': 1, 'bias': False}
        self.conv1 = build_conv_layer(self.conv_cfg, in_channels, 64, 3, **conv)
        self.add_module(self.norm1_name, norm1)
        self.conv2 = build_conv_layer(self.conv_cfg, 64, 64, 3, **conv)
        self.add_module(self.norm2_name, norm2)
        self.relu = nn.ReLU(inplace=True)

    def _make_first_stage(self, stage: dict) -> list[int]:
        block = self.blocks_dict[stage['block']]
        out_channels = stage['num_channels'][0] * get_expansion(block)
        self.layer1 = ResLayer(
            block,
            stage['num_blocks'][0],
            64,
            out_channels,
            with_cp=self.with_cp,
            conv_cfg=self.conv_cfg,
            norm_cfg=self.norm_cfg,
        )
        return [out_channels]

    def _make_stage(self, index: int, stage: dict, previous: list[int]) -> list[int]:
        """Add ``transition<index - 1>`` and ``stage<index>``; return the branches' channels."""
        block = self.blocks_dict[stage['block']]
        channels = [count * get_expansion(block) for count in stage['num_channels']]
        transition = nn.ModuleList(
            self._make_transition(previous, channels, i) for i in range(len(channels))
        )
        self.add_module(f'transition{index - 1}', transition)
        # Only the last module of the last stage may leave out the lower resolutions.
        all_branches = index < 4 or stage.get('multiscale_output', False)
        last = stage['num_modules'] - 1
        modules = [
            HRModule(
                stage['num_branches'],
                block,
                stage['num_blocks'],
                channels,
                stage['num_channels'],
                multiscale_output=all_branches or i < last,
                with_cp=self.with_cp,
                conv_cfg=self.conv_cfg,
                norm_cfg=self.norm_cfg,
                upsample_cfg=self.upsample_cfg,
            )
            for i in range(stage['num_modules'])
        ]
        self.add_module(f'stage{index}', nn.Sequential(*modules))
        return channels

    def _make_transition(self, previous: list[int], channels: list[int], branch: int) -> Any:
        """The way into a branch: None, its own predecessor, or the lowest one halved to fit."""
        build = (self.conv_cfg, self.norm_cfg)
        if branch < len(previous):
            if previous[branch] == channels[branch]:
                return None
            return nn.Sequential(*conv_norm(*build, previous[branch], channels[branch], 3))
        lowest = previous[-1]
        outputs = [lowest] * (branch - len(previous)) + [channels[branch]]
        steps = (conv_norm(*build, lowest, out, 3, stride=2) for out in outputs)
        return nn.Sequential(*(nn.Sequential(*step) for step in steps))

    def _frozen_parts(self) -> list[nn.Module]:
        if self.frozen_stages < 0:
            return []
        parts = [self.conv1, self.norm1, self.conv2, self.norm2]
        for i in range(1, self.frozen_stages + 1):
            parts.append(self.layer1 if i == 1 else getattr(self, f'stage{i}'))
            if i < 4:
                parts.append(getattr(self, f'transition{i}'))
        return parts

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Compute the maps of the last stage's branches, strides 4, 8, 16, 32."""
        x = self.relu(self.norm1(self.conv1(x)))
        x = self.relu(self.norm2(self.conv2(x)))
        branches = [self.layer1(x)]
        for i in (2, 3, 4):
            transition = getattr(self, f'transition{i - 1}')
            entered = []
            for j, path in enumerate(transition):
                source = branches[min(j, len(branches) - 1)]
                entered.append(source if path is None else path(source))
            branches = getattr(self, f'stage{i}')(entered)
        return tuple(branches)
