"""A config of faces made small enough for two iterations on a CPU."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

# Four channels a branch: the least that keeps the form of the network.
_STAGES = {
    'stage1': {'num_blocks': (1,), 'num_channels': (4,)},
    'stage2': {'num_blocks': (1, 1), 'num_channels': (4, 4)},
    'stage3': {'num_modules': 1, 'num_blocks': (1, 1, 1), 'num_channels': (4, 4, 4)},
    'stage4': {'num_modules': 1, 'num_blocks': (1, 1, 1, 1), 'num_channels': (4, 4, 4, 4)},
}
_SIZES = {'input_size': (64, 64), 'heatmap_size': (16, 16), 'in_featuremap_size': (2, 2)}
_OF_LOADERS = {'batch_size': 2, 'num_workers': 0}


# What makes other networks tiny: settings of the backbone, and of the head.
_SMALL: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    'ResNet': ({'depth': 18}, {'in_channels': 512}),
    'SCNet': ({'stem_channels': 8, 'base_channels': 8}, {'in_channels': 256}),
    'MobileNetV2': ({'widen_factor': 0.1}, {'in_channels': 1280}),
    'HourglassNet': (
        {
            'downsample_times': 2,
            'stage_channels': (256, 16, 16),  # the stem has 256
            'stage_blocks': (1, 1, 1),
            'feat_channel': 16,
        },
        {'in_channels': 16},
    ),
    'CSPNeXt': ({'deepen_factor': 0.167, 'widen_factor': 0.125}, {'in_channels': 128}),
}


def shrink(cfg: Config, data_root: Path, work_dir: Path) -> Config:
    """Make a config tiny in place: 64x64 crops, few channels, one epoch of two faces a batch."""
    model = cfg.model
    sizes = _SIZES
    if model.backbone.type == 'SCNet':  # whose smallest maps are of 4x4 cells at least
        sizes = {key: tuple(2 * side for side in size) for key, size in sizes.items()}
    _replace(cfg._cfg_dict, {**sizes, 'data_root': str(data_root)})
    model.backbone.init_cfg = None
    cfg.load_from = None  # weights of a network of its full size
    if model.backbone.type == 'HRNet':
        for stage, settings in _STAGES.items():
            model.backbone.extra[stage].update(settings)
        model.head.update(in_channels=16, conv_out_channels=(16,))
    else:
        backbone, head = _SMALL[model.backbone.type]
        model.backbone.update(backbone)
        model.head.update(head)
    if model.head.type == 'HeatmapHead' and model.backbone.type != 'HRNet':
        model.head.deconv_out_channels = (8, 8, 8)
    if model.head.type == 'RTMCCHead':
        model.head.gau_cfg.update(hidden_dims=16, s=8)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.update(_OF_LOADERS)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.work_dir = str(work_dir)
    return cfg


def _replace(node: Any, values: dict[str, Any]) -> None:
    for child in node if isinstance(node, list | tuple) else ():
        _replace(child, values)
    for key, child in list(node.items()) if isinstance(node, dict) else ():
        if key in values:
            node[key] = values[key]
        else:
            _replace(child, values)
