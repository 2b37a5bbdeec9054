"""Facts that go with an exported file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmpose_lite.errors import InputError
from mmpose_lite.reporting.dumping import resolved_sha256
from mmpose_lite.utils.files import sha256
from mmpose_lite.utils.paths import find_weights
from mmpose_lite.version import __version__

from .graph import CropGraph, PhotographGraph, read_cutting

FORM = 1
"""The version of the metadata's keys."""


def collect_metadata(model: Any, graph: CropGraph, checkpoint: str, weights: str) -> dict[str, Any]:
    """Collect what a program must know of a file, and where it came from.

    Args:
        model: The model, with its config.
        graph: What the file computes.
        checkpoint: Its checkpoint's file.
        weights: How weights are stored.
    """
    meta, cfg = model.dataset_meta, model.cfg
    names = [meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])]
    takes_photographs = isinstance(graph, PhotographGraph)
    checkpoint = find_weights(str(checkpoint))
    is_file = Path(checkpoint).is_file()
    return {
        'form': FORM,
        'mmpose_lite': __version__,
        'input': 'image' if takes_photographs else 'crops',
        'input_size': list(graph.size_wh),
        'color': 'bgr',
        **_cutting(cfg, takes_photographs),
        'flip': graph.test_cfg['flip_test'],
        'weights': weights,
        'expected_errors': graph.curve is not None,
        'codec': type(model.head.decoder).__name__,
        'dataset': str(meta['dataset_name']),
        'points': names,
        'mirror_pairs': sorted({(min(pair), max(pair)) for pair in meta['flip_pairs']}),
        'colors': np.asarray(meta['keypoint_colors']).tolist(),
        'skeleton': [[int(a), int(b)] for a, b in meta['skeleton_links']],
        'config': Path(cfg.filename or '').name,
        'config_sha256': resolved_sha256(cfg.to_dict()),
        'checkpoint': Path(checkpoint).name,
        'checkpoint_sha256': sha256(checkpoint) if is_file else None,
    }


def _cutting(cfg: Any, is_needed: bool) -> dict[str, Any]:
    """The cutting of crops from boxes; of a file for crops, as far as a graph could do it."""
    try:
        return read_cutting(cfg)
    except InputError:
        if is_needed:
            raise
        return {'padding': None, 'use_udp': None}
