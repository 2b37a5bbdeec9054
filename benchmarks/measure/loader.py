"""Times the training loader of a config alone: what data costs without a network.

python benchmarks/measure/loader.py CONFIG OUT_FILE --package mmpose_lite --seconds 3
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.config import Config, DictAction
from mmengine.runner import Runner
from torch.utils.data import DataLoader


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument('out_file', help='JSON file to write: images, seconds, CPU seconds')
    parser.add_argument('--package', required=True, help='mmpose_lite or mmpose')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    parser.add_argument('--seconds', type=float, help='time so long; default: one whole epoch')
    return parser.parse_args()


def build_loader(config: str, options: dict[str, Any], package: str) -> DataLoader:
    """Build the training loader as the package's own training would."""
    import_module(f'{package}.utils').register_all_modules(init_default_scope=True)
    cfg = Config.fromfile(config)
    cfg.merge_from_dict(options)
    runner = Runner
    if package == 'mmpose_lite':
        runner = import_module('mmpose_lite.engine').PoseRunner
        import_module('mmpose_lite.engine.config_rewrites').move_targets_to_head(cfg)
    return runner.build_dataloader(cfg.train_dataloader, seed=0)


def endless(loader: DataLoader) -> Iterator[Any]:
    """Repeat a loader's epochs."""
    while True:
        yield from loader


def time_some(loader: DataLoader, seconds: float, warm_epoch: bool) -> dict[str, float]:
    """Count the images of at least so many seconds, once every worker has warmed up.

    A cache is checked where it is read first, so it needs a whole epoch for that.
    """
    batches = endless(loader)
    for _ in islice(batches, len(loader) if warm_epoch else 1 + 2 * loader.num_workers):
        pass
    begun, busy, images, elapsed = time.perf_counter(), time.process_time(), 0, 0.0
    for batch in batches:
        images += len(batch['inputs'])
        elapsed = time.perf_counter() - begun
        if elapsed >= seconds:
            break
    return {'images': images, 'seconds': elapsed, 'cpu_seconds': time.process_time() - busy}


def time_epoch(loader: DataLoader) -> dict[str, float]:
    """Time an epoch from asking for its first batch, workers' start included."""
    begun, busy = time.perf_counter(), time.process_time()
    images = sum(len(batch['inputs']) for batch in loader)
    elapsed = time.perf_counter() - begun
    return {'images': images, 'seconds': elapsed, 'cpu_seconds': time.process_time() - busy}


def main() -> None:
    """Time a loader and write what was found."""
    args = parse_args()
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    loader = build_loader(args.config, args.cfg_options, args.package)
    if args.seconds:
        cached = any(key.endswith('.cache') for key in args.cfg_options)
        found = time_some(loader, args.seconds, warm_epoch=cached)
    else:
        found = time_epoch(loader)
    Path(args.out_file).write_text(json.dumps(found), encoding='utf-8')


if __name__ == '__main__':
    main()
