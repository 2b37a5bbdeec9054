"""How checkpoints reach models: strictly, and from wherever their names say."""

from __future__ import annotations

import os.path as osp
from collections.abc import Callable
from importlib import import_module
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.fileio import get_file_backend
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from torch import nn

from mmpose_lite.utils import InputError

from .downloads import fetch
from .fitting import differences, not_finite, take_wrapper_off
from .pretrained import install_pretrained_init
from .reader import is_trusted, read_checkpoint

_SHOWN = 10


def load_strictly(model: nn.Module, checkpoint: dict[str, Any], name: str) -> None:
    """Load weights that must fit the model to the last tensor.

    Args:
        model: The model.
        checkpoint: A checkpoint, or its ``state_dict``; what wraps all names is taken off, see
            :func:`~.dialects.unwrap`.
        name: Where it comes from, for the message of an error.

    Raises:
        InputError: If a tensor is missing, left over, of another shape, or whole numbers where
            the model has fractions; the message lists the first ten. Or if one has numbers that
            are not finite, where the model's own are.
    """
    given = checkpoint.get('state_dict', checkpoint)
    if not isinstance(given, dict):
        raise InputError(f"checkpoint '{name}': state_dict is a {type(given).__name__}, not a dict")
    wanted = model.state_dict()
    given = take_wrapper_off(given, wanted, name)
    if faults := differences(given, wanted):
        listed = '; '.join(faults[:_SHOWN]) + ('; ...' if len(faults) > _SHOWN else '')
        raise InputError(
            f"checkpoint '{name}' does not fit the model in {len(faults)} tensors: {listed}"
        )
    # As the model will have them: a large double is infinite in its single precision.
    spoilt = not_finite({key: given[key].to(wanted[key].dtype) for key in wanted})
    own = not_finite(wanted) if spoilt else []  # masks, for one
    spoilt = [key for key in spoilt if key not in own]
    if spoilt:
        raise InputError(
            f"checkpoint '{name}' has numbers that are not finite in {len(spoilt)} of "
            f'{len(wanted)} tensors; the first is {spoilt[0]}'
        )
    model.load_state_dict(given)


def install_checkpoint_reader() -> None:
    """Make mmengine read files, wherever they lie, by :func:`~.reader.read_checkpoint`.

    All its schemes are replaced: some call others directly, and all end in an unsafe
    ``torch.load``. Pretrained weights are counted: see :mod:`.pretrained`.
    """
    for prefixes, loader in _LOADERS.items():
        CheckpointLoader.register_scheme(prefixes=list(prefixes), loader=loader, force=True)
    install_pretrained_init()


# mmengine logs a loader by its name from the eleventh letter on: load_from_local is 'local'.


def load_from_local(filename: str, map_location: Any) -> dict[str, Any]:
    """Read a file."""
    return read_checkpoint(filename, map_location)


def load_from_http(filename: str, map_location: Any, model_dir: str | None = None) -> dict:
    """Download a file once, and read it."""
    return read_checkpoint(fetch(filename, model_dir), map_location, is_trusted(filename))


def load_from_torchvision(filename: str, map_location: Any) -> dict[str, Any]:
    """Read one of torchvision's weights."""
    return _load_listed(filename, map_location, mmengine_checkpoint.get_torchvision_models())


def load_from_openmmlab(filename: str, map_location: Any) -> dict[str, Any]:
    """Read one of OpenMMLab's weights, or a file that the user's own list names."""
    return _load_listed(
        filename,
        map_location,
        mmengine_checkpoint.get_external_models(),
        mmengine_checkpoint.get_deprecated_model_names(),
    )


def load_from_mmcls(filename: str, map_location: Any) -> dict[str, Any]:
    """Read the backbone of one of MMClassification's weights."""
    content = _load_listed(filename, map_location, mmengine_checkpoint.get_mmcls_models())
    state = content.get('state_dict', content)
    start = 'backbone.'
    kept = {key.removeprefix(start): state[key] for key in state if str(key).startswith(start)}
    return {'state_dict': kept}


def load_from_ceph(filename: str, map_location: Any) -> dict[str, Any]:
    """Read a file of an object store, by way of a temporary one."""
    backend = get_file_backend(filename, backend_args={'backend': 'petrel'})
    return _load_by_copy(filename, map_location, lambda path: _write(path, backend.get(filename)))


def load_from_pavi(filename: str, map_location: Any) -> dict[str, Any]:
    """Read a file of pavi, by way of a temporary one."""
    try:
        modelcloud = import_module('pavi').modelcloud
    except ImportError as error:
        raise InputError(f"'{filename}' needs the package pavi, which is not installed") from error
    model = modelcloud.get(filename.removeprefix('pavi://'))
    return _load_by_copy(filename, map_location, model.download)


_LOADERS: dict[tuple[str, ...], Callable] = {
    ('',): load_from_local,
    ('http://', 'https://'): load_from_http,
    ('modelzoo://', 'torchvision://'): load_from_torchvision,
    ('open-mmlab://', 'openmmlab://'): load_from_openmmlab,
    ('mmcls://',): load_from_mmcls,
    (r'(\S+\:)?s3://', r'(\S+\:)?petrel://'): load_from_ceph,
    ('pavi://',): load_from_pavi,
}


def _load_listed(
    filename: str,
    map_location: Any,
    places: dict[str, str],
    newer_names: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Read a file that a list names, by its address or by its path in mmengine's home."""
    name = filename.partition('://')[2]
    name = (newer_names or {}).get(name, name)
    if name not in places:
        raise InputError(f"'{filename}' is not among the {len(places)} known models")
    place = places[name]
    trusted = is_trusted(filename)
    if place.startswith(('http://', 'https://')):
        return read_checkpoint(fetch(place, is_listed=True), map_location, trusted)
    home = mmengine_checkpoint._get_mmengine_home()
    return read_checkpoint(osp.join(home, place), map_location, trusted)


def _load_by_copy(filename: str, map_location: Any, copy: Callable[[str], Any]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = osp.join(folder, osp.basename(filename) or 'checkpoint')
        copy(path)
        return read_checkpoint(path, map_location, is_trusted(filename))


def _write(path: str, content: bytes) -> None:
    with open(path, 'wb') as file:
        file.write(content)
