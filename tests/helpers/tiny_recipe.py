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
_SIZES = {'input_size': (64, 64), 'heatmap_size': (16, 16)}
_OF_LOADERS = {'batch_size': 2, 'num_workers': 0}


def shrink(cfg: Config, data_root: Path, work_dir: Path) -> Config:
    """Make a config tiny in place: 64x64 crops, few channels, one epoch of two faces a batch."""
    _replace(cfg._cfg_dict, {**_SIZES, 'data_root': str(data_root)})
    model = cfg.model
    model.backbone.init_cfg = None
    if model.backbone.type == 'HRNet':
        for stage, settings in _STAGES.items():
            model.backbone.extra[stage].update(settings)
        model.head.update(in_channels=16, conv_out_channels=(16,))
    else:
        model.backbone.depth = 18
        model.head.in_channels = 512
        if model.head.type == 'HeatmapHead':
            model.head.deconv_out_channels = (8, 8, 8)
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
