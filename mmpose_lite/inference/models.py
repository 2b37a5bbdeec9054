"""Models by what a person names: a config with weights, a checkpoint alone, an exported file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel

from mmpose_lite.apis.config import load_config
from mmpose_lite.apis.inference import init_model
from mmpose_lite.checkpoints import read_config_of
from mmpose_lite.errors import InputError, short
from mmpose_lite.export.estimator import ExportedEstimator
from mmpose_lite.export.runtime import ExportedModel
from mmpose_lite.registry import explaining_builds
from mmpose_lite.utils.paths import check_model, is_exported, packaged_weights, shown

# What of a stored config a prediction needs.
_NEEDED = ('model', 'test_dataloader', 'default_scope')
# What names files and servers, and what weights a training starts from.
_OF_MACHINE = ('init_cfg', 'pretrained', 'backend_args', 'file_client_args')
# Of the packages whose parts have the same names here.
_SCOPES = ('mmpose', 'mmpose_lite')
_CLASS = re.compile(r'[A-Z]\w*')


@explaining_builds()
def load_model(
    model: BaseModel | ExportedModel | Config | str | os.PathLike,
    checkpoint: str | os.PathLike | None = None,
    device: str = 'auto',
    trust_checkpoint: bool = False,
) -> BaseModel:
    """Load a model for inference; of an exported file an :class:`.ExportedEstimator`.

    Args:
        model: A model of :func:`init_model`, which comes back as it is; a config or its file, with
            its weights beside it; a checkpoint of a training here, or published from one, which
            holds its config; or an exported file.
        checkpoint: The weights that belong to a config, or an exported file, whose crops are then
            made by the config's test pipeline.
        device: Such as ``'cuda:0'`` or ``'cpu'``; ``'auto'``: a GPU where there is one.
        trust_checkpoint: See :func:`init_model`. The config that a checkpoint holds is never run.

    Raises:
        InputError: If a config comes without weights, a checkpoint without a config, the two do
            not fit, or there is no such device; exported files run on the CPU.
    """
    if isinstance(model, BaseModel):
        return model
    file = model if checkpoint is None else checkpoint
    if isinstance(file, ExportedModel) or (not isinstance(file, Config) and is_exported(file)):
        config = None if checkpoint is None else model
        return _load_exported(file, config, device, trust_checkpoint)
    assert not isinstance(model, ExportedModel)
    _check_device(device)
    if checkpoint is None and not isinstance(model, Config):
        name = os.fspath(model)
        check_model(name)
        if name in packaged_weights():
            return init_model(name, None, device)
        config, weights = _stored_config(name), name
        return init_model(config, weights, device, trust_checkpoint=trust_checkpoint)
    config = model if isinstance(model, Config) else Path(model)
    weights = None if checkpoint is None else os.fspath(checkpoint)
    return init_model(config, weights, device, trust_checkpoint=trust_checkpoint)


def _load_exported(file: Any, config: Any, device: str, trust_checkpoint: bool) -> BaseModel:
    """Load an exported file, or one that is loaded, with a config's test pipeline or its own."""
    exported = file if isinstance(file, ExportedModel) else None
    name = shown(file if exported is None else exported.file)
    if device not in ('auto', 'cpu'):
        raise InputError(f'device={device!r}: exported file {name} runs on the CPU')
    if trust_checkpoint:
        raise InputError(f'trust_checkpoint applies to checkpoints; {name} is an exported file')
    if config is not None and not isinstance(config, Config):
        config = load_config(Path(config), needs=('test_dataloader',))
    return ExportedEstimator(exported or ExportedModel(file), config)


def _check_device(device: str) -> None:
    if device == 'auto':
        return
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, ValueError) as error:  # of torch without CUDA
        problem = str(error).strip().partition('\n')[0]
        raise InputError(f'device={device!r} cannot be used: {problem}') from error


def _stored_config(path: str) -> Config:
    """The part of a checkpoint's config that a prediction needs."""
    where = f'checkpoint {shown(path)}'
    values = read_config_of(path)
    if values is None or 'model' not in values:
        raise InputError(f'{where} contains no config: name its config before it')
    found = inference_config(values)
    for key, value in _pairs(found):
        if key == 'from_file':
            raise InputError(f'{where}: its config reads {short(value)}; name the config itself')
        if key == 'type' and not (isinstance(value, str) and _CLASS.fullmatch(_bare(value))):
            raise InputError(
                f'{where}: its config builds {short(value)}, which is none of the parts here; name '
                'the config itself'
            )
    return Config(found)


def inference_config(values: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a config that a prediction needs, without paths of the training's machine."""
    found = {key: values[key] for key in _NEEDED if key in values}
    loader = found.pop('test_dataloader', None)
    dataset = (loader if isinstance(loader, dict) else {}).get('dataset')
    dataset = dataset if isinstance(dataset, dict) else {}
    # Of the data set only its kind, whose points may be needed, and its steps.
    kept = {key: dataset[key] for key in ('type', 'pipeline') if key in dataset}
    found['test_dataloader'] = {'dataset': kept}
    return _without_paths(found)


def _without_paths(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if key not in _OF_MACHINE}
        return {key: _without_paths(item) for key, item in kept.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_without_paths, value))
    return value


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """All keys below a value, with what they have."""
    if isinstance(value, dict):
        yield from value.items()
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _pairs(each)


def _bare(name: str) -> str:
    """A part's name without the scope before it; others would be imported from anywhere."""
    scope, _, rest = name.partition('.')
    return rest if scope in _SCOPES else name
