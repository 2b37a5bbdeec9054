"""Times a model's own ``train_step`` or ``test_step``, driven by no tool and no runner.

python benchmarks/measure/model.py CONFIG OUT_FILE --package mmpose_lite --step test
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, DictAction
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper
from torch import nn


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        'out_file', help='JSON file to write: times of steps, as the stopwatch does'
    )
    parser.add_argument('--package', required=True, help='mmpose_lite or mmpose')
    parser.add_argument('--step', choices=('train', 'test'), required=True)
    parser.add_argument('--checkpoint', help='weights of a model that is tested')
    parser.add_argument('--batch', type=int, default=8, help='images of a step')
    parser.add_argument('--warmup', type=int, default=2, help='steps before those that are timed')
    parser.add_argument('--steps', type=int, default=4, help='timed steps')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    return parser.parse_args()


def make_batch(cfg: Config, package: str, step: str, count: int) -> dict[str, Any]:
    """The first faces of the set of training or of the test, as the package's pipeline has them."""
    registry = import_module(f'{package}.registry')
    dataset = registry.DATASETS.build(cfg[f'{step}_dataloader'].dataset)
    return pseudo_collate([dataset[i] for i in range(count)])


def make_training(cfg: Config, package: str) -> tuple[nn.Module, Callable[[dict], Any]]:
    """A model that is built from the registry, and its training step with mmengine's optimizer."""
    model = import_module(f'{package}.registry').MODELS.build(cfg.model)
    model.init_weights()
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), lr=5e-4))
    return model.train(), lambda batch: model.train_step(batch, optimizer)


def make_test(
    cfg: Config, package: str, checkpoint: str
) -> tuple[nn.Module, Callable[[dict], Any]]:
    """A model of ``init_model``, and its test step."""
    model = import_module(f'{package}.apis').init_model(cfg, checkpoint, device='cpu')
    return model, torch.no_grad()(model.test_step)


def time_steps(step: Callable[[dict], Any], batch: dict, warmup: int, count: int) -> dict:
    """Note when each step begins and ends, on the machine's monotonic clock."""
    notes: dict[str, Any] = {'warmup': warmup, 'batch': len(batch['inputs'])}
    notes |= {'begun': [], 'done': []}
    for _ in range(warmup + count):
        own = copy.deepcopy(batch)
        notes['begun'].append(time.monotonic())
        step(own)
        notes['done'].append(time.monotonic())
    return notes


def main() -> None:
    """Time the steps of a model and write what was found."""
    args = parse_args()
    import_module(f'{args.package}.utils').register_all_modules(init_default_scope=True)
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    batch = make_batch(cfg, args.package, args.step, args.batch)
    if args.step == 'train':
        model, step = make_training(cfg, args.package)
    else:
        model, step = make_test(cfg, args.package, args.checkpoint)
    notes = time_steps(step, batch, args.warmup, args.steps)
    notes['parameters'] = sum(each.numel() for each in model.parameters())
    Path(args.out_file).write_text(json.dumps(notes), encoding='utf-8')


if __name__ == '__main__':
    main()
