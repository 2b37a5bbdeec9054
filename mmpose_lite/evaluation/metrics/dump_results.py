"""Dumps of predictions in MMPose's format."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log

from mmpose_lite.errors import InputError
from mmpose_lite.registry import METRICS
from mmpose_lite.utils.collectives import gather_objects, is_shared
from mmpose_lite.utils.files import replacing
from mmpose_lite.utils.tensor_utils import to_cpu

from .row_metric import in_order


@METRICS.register_module()
class DumpResults(BaseMetric):
    """Write the samples of a test, with their predictions, to a pickle file.

    The format is mmengine's: a list of samples as dicts, in the order of the data. They are
    gathered over the process group, and the first process writes them.

    Args:
        out_file_path: The file, which ends in ``.pkl`` or ``.pickle``.
        collect_device: See :class:`.RowMetric`.
        collect_dir: See :class:`.RowMetric`.

    Raises:
        InputError: If the file's name ends otherwise.
    """

    def __init__(
        self, out_file_path: str, collect_device: str = 'cpu', collect_dir: str | None = None
    ) -> None:
        super().__init__(collect_device=collect_device, collect_dir=collect_dir)
        if not out_file_path.endswith(('.pkl', '.pickle')):
            raise InputError(f"out_file_path='{out_file_path}' does not end in .pkl or .pickle")
        self.out_file_path = out_file_path

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep the samples of a batch, on the CPU."""
        self.results.extend(map(to_cpu, data_samples))

    def evaluate(self, size: int) -> dict[str, float]:
        """Gather the samples and write the file in the first process; there are no scores."""
        parts = [self.results]
        if is_shared():
            gathered = gather_objects(encode(self.results))
            parts = [decode(part) for part in gathered] if is_main_process() else []
        if is_main_process():
            self.compute_metrics(in_order(parts, size))
        self.results.clear()
        return {}

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Write samples to the file, which appears whole or not at all."""
        path = Path(self.out_file_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            pickle.dump(results, file, protocol=2)
        print_log(f'{len(results)} samples are in {path}', logger='current')
        return {}


def encode(value: Any) -> Any:
    """Turn a sample (arrays, tensors, nested containers, plain values) into JSON data.

    Raises:
        TypeError: If it holds anything else.
    """
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {'tuple': [encode(item) for item in value]}
    if isinstance(value, dict):
        return {'dict': [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, torch.Tensor):
        if value.dtype == torch.bfloat16:  # numpy has none
            return {'bfloat16': encode(value.float().numpy())}
        return {'tensor': encode(value.numpy())}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in 'biufcU':
        content = base64.b64encode(np.asarray(value).tobytes()).decode()
        kind = 'array' if isinstance(value, np.ndarray) else 'number'
        return {kind: [value.dtype.str, list(value.shape), content]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f'a sample holds a {type(value).__name__}, which cannot be gathered')


def decode(value: Any) -> Any:
    """The inverse of :func:`encode`."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == 'tuple':
        return tuple(map(decode, content))
    if kind == 'dict':
        return {decode(key): decode(item) for key, item in content}
    if kind in ('tensor', 'bfloat16'):
        tensor = torch.from_numpy(decode(content))
        return tensor.bfloat16() if kind == 'bfloat16' else tensor
    dtype, shape, text = content
    array = np.frombuffer(bytearray(base64.b64decode(text)), np.dtype(dtype)).reshape(shape)
    return array[()] if kind == 'number' else array
