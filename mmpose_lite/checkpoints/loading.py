"""Loading weights into models: strictly or as far as they fit, from wherever their names say."""

from __future__ import annotations

import os
import os.path as osp
import re
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlparse

import torch
from mmengine.dist import barrier, is_main_process
from mmengine.fileio import get_file_backend
from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner import checkpoint as mmengine_checkpoint
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.files import beside, sha256

from .errors import one_line
from .key_mapping import describe_wrapper, ways_to_unwrap
from .reading import is_trusted, read_checkpoint
from .serialization import INPUT_SIZE

_SHOWN = 10


def load_strictly(model: nn.Module, checkpoint: dict[str, Any], name: str) -> None:
    """Load weights that must fit the model to the last tensor.

    Args:
        model: The model.
        checkpoint: A checkpoint, or its ``state_dict``; what wraps all names is taken off. A map
            of labels in its ``meta`` becomes the model's.
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
    given = strip_wrapper(given, wanted, name)
    if faults := differences(given, wanted):
        raise InputError(
            f"checkpoint '{name}' does not fit the model in {len(faults)} tensors: "
            f'{some_of(faults, "; ")}'
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
    _adopt_label_map(model, checkpoint, name)


def _adopt_label_map(model: Any, checkpoint: dict[str, Any], name: str) -> None:
    """Give a model the map of labels that its weights were adapted by, if there is one."""
    if not hasattr(model, 'label_map'):
        return
    model.label_map = None
    stored = (checkpoint.get('meta') or {}).get('label_map')
    if stored is None:
        return
    from mmpose_lite.structures.keypoint import LabelMap

    try:
        model.label_map = LabelMap.from_plain(stored)
    except ValueError as error:
        raise InputError(f"checkpoint '{name}': {error}") from error


def install_checkpoint_reader() -> None:
    """Make mmengine read files, wherever they lie, by :func:`~.reading.read_checkpoint`.

    All its schemes are replaced: some call others directly, and all end in an unsafe
    ``torch.load``. Pretrained weights are counted: see :class:`CountedPretrainedInit`.
    """
    for prefixes, loader in _LOADERS.items():
        CheckpointLoader.register_scheme(prefixes=list(prefixes), loader=loader, force=True)
    WEIGHT_INITIALIZERS.register_module(name='Pretrained', module=CountedPretrainedInit, force=True)


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
    content = get_file_backend(filename, backend_args={'backend': 'petrel'}).get(filename)
    return _load_by_copy(filename, map_location, lambda path: path.write_bytes(content))


def load_from_pavi(filename: str, map_location: Any) -> dict[str, Any]:
    """Read a file of pavi, by way of a temporary one."""
    try:
        modelcloud = import_module('pavi').modelcloud
    except ImportError as error:
        raise InputError(f"'{filename}' needs the package pavi, which is not installed") from error
    model = modelcloud.get(filename.removeprefix('pavi://'))
    return _load_by_copy(filename, map_location, lambda path: model.download(str(path)))


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


def _load_by_copy(filename: str, map_location: Any, copy: Callable[[Path], Any]) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder, osp.basename(filename) or 'checkpoint')
        copy(path)
        return read_checkpoint(str(path), map_location, is_trusted(filename))


_WAY_ROUND = (
    'the init_cfg of {} asks for it: --cfg-options model.backbone.init_cfg=None starts a backbone '
    'from nothing, model.backbone.init_cfg.checkpoint=FILE from a local file'
)


class CountedPretrainedInit(PretrainedInit):
    """mmengine's initializer, which says what it took, and for which nothing is an error."""

    def __call__(self, module: nn.Module) -> None:
        """Load the tensors that fit the module by name and shape.

        Raises:
            InputError: If none does, or the file cannot be read. If it cannot be had, the message
                says how to do without.
        """
        try:
            content = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        except (DownloadError, MissingFileError) as error:
            raise type(error)(f'{error}; {_WAY_ROUND.format(type(module).__name__)}') from error
        load_matching(module, content, self.checkpoint, self.prefix)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())


def load_matching(
    module: nn.Module, content: dict[str, Any], name: str, prefix: str | None = None
) -> None:
    """Load the tensors that fit a module by name and shape, and log what they are.

    Args:
        module: The module.
        content: A checkpoint, or its ``state_dict``.
        name: Where it comes from, for messages.
        prefix: Of the tensors that are meant, such as ``backbone``; None: those of the module's
            own names, or else those of a model's backbone.

    Raises:
        InputError: If none fits.
    """
    wanted = module.state_dict()
    state = content.get('state_dict', content)
    state = state if isinstance(state, dict) else {}
    named = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    given, taken = _fitting(named, wanted, name, prefix)
    if not taken and prefix is None:
        # A backbone takes that of a whole model.
        of_model, of_backbone = _fitting(named, wanted, name, 'backbone')
        if of_backbone:
            given, taken, prefix = of_model, of_backbone, 'backbone'
    kept = [key for key in wanted if key not in taken]
    kind = type(module).__name__
    source = f"'{name}'" + (f" (prefix '{prefix}')" if prefix else '')
    if not taken:
        raise InputError(
            f'{kind}: none of the {len(given)} tensors of {source} fits by name and shape; '
            f'the module has {some_of(wanted)}, the file has {some_of(given)}'
        )
    rest = f'; the start of {len(kept)} stays: {some_of(kept)}' if kept else ''
    print_log(
        f'{kind}: {len(taken)} of its {len(wanted)} tensors come from the {len(given)} of '
        f'{source}{rest}',
        logger='current',
    )
    module.load_state_dict(taken, strict=False)


def _fitting(
    named: dict[str, Tensor], wanted: dict[str, Tensor], name: str, prefix: str | None
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors under a prefix, by their names without it, and those that fit."""
    start = '' if prefix is None else f'{prefix.rstrip(".")}.'
    bare = strip_wrapper(named, {f'{start}{key}' for key in wanted}, name)
    given = {key.removeprefix(start): bare[key] for key in bare if key.startswith(start)}
    taken = {
        key: tensor
        for key, tensor in given.items()
        if key in wanted and wanted[key].shape == tensor.shape
    }
    return given, taken


def about_input_size(model: nn.Module, content: dict[str, Any], name: str) -> str | None:
    """Say that weights were trained on crops of another size than a model's.

    Returns:
        A sentence; None if the sizes agree, or one of them is not known.
    """
    size = (content.get('meta') or {}).get(INPUT_SIZE)
    own = getattr(getattr(getattr(model, 'head', None), 'decoder', None), 'input_size', None)
    if size is None or own is None or size == tuple(own):
        return None
    return (
        f"the weights of '{name}' were trained on crops of {size[0]}x{size[1]}, and those of this "
        f'run are {own[0]}x{own[1]}: --input-size {size[0]}x{size[1]} takes theirs, in a program '
        f'cfg_options=dict(input_size=({size[0]}, {size[1]}))'
    )


def drop_pretrained(model: nn.Module) -> None:
    """Keep the modules of a model from starting with files, whatever their ``init_cfg`` says.

    No generator draws for a file's weights: all else starts as it would have.
    """
    module: Any
    for module in model.modules():
        settings = getattr(module, 'init_cfg', None)
        if settings:
            given = [settings] if isinstance(settings, dict) else settings
            module.init_cfg = [each for each in given if not _is_pretrained(each)]


def _is_pretrained(init_cfg: dict[str, Any]) -> bool:
    kind = init_cfg.get('type')
    return kind == 'Pretrained' or (isinstance(kind, type) and issubclass(kind, PretrainedInit))


def some_of(items: Iterable[str], between: str = ', ') -> str:
    """List the first ten of some texts."""
    texts = [one_line(item, 200) for item in items]
    more = f'{between}...' if len(texts) > _SHOWN else ''
    return (between.join(texts[:_SHOWN]) or 'none') + more


# torch's names and OpenMMLab's, which add a date: net-00eb2006.pth, net-f2bbc62b_20210125.pth
_HASH = re.compile(r'-([0-9a-f]{8,64})(_\d{8})?\.\w+$')


class DownloadError(InputError):
    """A file that the network does not give."""


def fetch(url: str, folder: str | None = None, is_listed: bool = False) -> str:
    """Download a file once, by the first process.

    Args:
        url: Its address.
        folder: Where it is kept; torch's own by default.
        is_listed: Whether one of mmengine's lists names it, whose names end with hashes: else
            eight digits that are a date are no hash.

    Returns:
        The file's path.

    Raises:
        DownloadError: If it cannot be had.
        InputError: If it is not what the hash in its name says: a download is not kept then, a
            file that was there before is left as it is.
    """
    folder = folder or osp.join(torch.hub.get_dir(), 'checkpoints')
    name = osp.basename(urlparse(url).path)
    if name in ('', '.', '..') or '\\' in name or '\0' in name:
        raise InputError(f"'{url}' names no file")
    path = osp.join(folder, name)
    try:
        if is_main_process():
            promised = _hash_in(name, is_listed)
            if osp.isfile(path):
                _check(path, promised, f"'{path}', from '{url}', is refused", 'remove it to retry')
            else:
                _download(url, path, promised)
    finally:
        barrier()
    return path


def _hash_in(name: str, is_listed: bool) -> str:
    """The hash that a name ends with, in hex; empty if there is none."""
    found = _HASH.search(name)
    digits = '' if found is None else found[1]
    if not is_listed:
        with suppress(ValueError):  # it is no date
            return '' if 1990 <= datetime.strptime(digits, '%Y%m%d').year < 2100 else digits
    return digits


def _check(path: str | Path, promised: str, refusal: str, advice: str) -> None:
    """Compare the first digits of a file's hash."""
    digest = sha256(path) if promised else ''
    if not digest.startswith(promised):
        raise InputError(
            f'{refusal}: its SHA-256 is {digest[: len(promised)]}..., but its name promises '
            f'{promised}; {advice}'
        )


def _download(url: str, path: str, promised: str) -> None:
    """Fetch a file beside its place, and move it there when it has come, whole and as promised."""
    try:
        os.makedirs(osp.dirname(path), exist_ok=True)
        with beside(path) as part:
            torch.hub.download_url_to_file(url, str(part))
            _check(part, promised, f"'{url}' is refused", 'it is not kept')
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError) as error:  # the network's errors are OSErrors
        raise DownloadError(
            f"'{url}' cannot be downloaded: {error}; if "
            f"you download it elsewhere, put it at '{path}'"
        ) from error


def differences(
    given: Mapping[str, Any], wanted: Mapping[str, Tensor], owner: str = 'the model has'
) -> list[str]:
    """List what is missing, left over, of another shape, or whole numbers in place of fractions.

    Each is a line that says whose the wanted tensors are; a file may hold anything in their place.
    """
    faults = [f'{key} is missing' for key in wanted if key not in given]
    faults += [f'{one_line(key, 100)} is left over' for key in given if key not in wanted]
    return faults + [
        f'{key} is {_form(given[key])}, {owner} {_form(wanted[key])}'
        for key in wanted
        if key in given and _form(given[key]) != _form(wanted[key])
    ]


def strip_wrapper(given: Mapping[str, Any], wanted: Container[str], source: str) -> dict[str, Any]:
    """Take what wraps all names off them where more are wanted so; log it, naming the source."""
    ways = list(ways_to_unwrap(given))
    names = max(ways, key=lambda bare: sum(name in wanted for name in bare.values()))
    said = describe_wrapper(names)
    if said is not None:
        print_log(f"'{source}': {said}", 'current')
    return {bare: given[stored] for stored, bare in names.items()}


def not_finite(state: Mapping[str, Tensor]) -> list[str]:
    """The names of tensors that hold a NaN or an infinite number."""
    return [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]


def _form(value: Any) -> str:
    """The shape of a tensor, and which kind of numbers it has."""
    if not isinstance(value, Tensor):
        return f'a {type(value).__name__}'
    return f'{tuple(value.shape)}{"" if value.is_floating_point() else " of whole numbers"}'
