"""Reading configs, and overriding their values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import deepcopy
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmpose_lite.errors import InputError, MissingFileError, MissingKeyError, first_few
from mmpose_lite.registry import DATASETS, SCOPE
from mmpose_lite.utils import get_root_logger
from mmpose_lite.utils.config_utils import (
    COPIED_AS,
    KEYS_OF,
    LOADERS,
    READ_KEYS,
    VARIABLES,
    adopt_config,
    check_keys,
    equal,
    places,
    read_config_file,
    slip_of,
    value_at,
)
from mmpose_lite.utils.input_size import set_input_size
from mmpose_lite.utils.nested_datasets import walk_datasets
from mmpose_lite.utils.paths import config_root, find_config, find_metainfo_file

# Keys of MMPose 0.x's configs, and of those of 1.x alone.
_OLD = {
    *('channel_cfg', 'checkpoint_config', 'data_cfg', 'dist_params', 'keypoint_head'),
    *('log_config', 'lr_config', 'optimizer_config', 'samples_per_gpu', 'total_epochs'),
}
_NEW = {'default_scope', 'optim_wrapper', 'train_dataloader', 'val_dataloader', 'val_evaluator'}
# A name or two of a user's own may be among them.
_OLD_ENOUGH = 3


def load_config(
    path: str | Path, options: Mapping[str, Any] | None = None, needs: Sequence[str] = ()
) -> Config:
    """Read a config file, and import the modules of its ``custom_imports``.

    Args:
        path: A file, or the name of a shipped config, which is found from any folder.
        options: Values to set, by dotted key. A value for a variable of the config, such as
            ``codec``, also reaches the places where the variable was used, which are logged;
            ``input_size`` reaches crops, codecs and heads.
        needs: Keys that must have a value.

    Returns:
        The config. The scope ``mmpose`` becomes ours, and paths of metainfo files of the user's
        own that are relative to the config become absolute.

    Raises:
        MissingFileError: If there is no such file.
        MissingKeyError: If one of ``needs`` is missing.
        InputError: If the config cannot be read, is one of MMPose 0.x, or names a module that does
            not exist; if a key or an option is misspelt, or an option cannot reach the places where
            its variable was used; or if ``input_size`` does not suit the network. Errors of
            imported modules pass through.
    """
    found = find_config(path)
    _refuse_old_text(found)
    with _naming(f"config '{path}'", found):
        cfg = read_config_file(found)
    _refuse_old(Path(path), cfg)
    with _naming(f"config '{path}'", found):
        check_keys(cfg)
    _import_modules(Path(path), cfg.get('custom_imports') or {})
    if options:
        with _naming(f"config '{path}' with --cfg-options", found):
            _override(cfg, dict(options))
    with _naming(f"config '{path}'", found):
        resized = set_input_size(cfg)
    if resized and 'input_size' in (options or {}):
        get_root_logger().info(resized)
    missing = [key for key in needs if cfg.get(key) is None]
    if missing:
        raise MissingKeyError(f"config '{path}' has no {', no '.join(missing)}")
    adopt_config(cfg, SCOPE, found.parent)
    _settle_own_sets(cfg, found.parent)
    return cfg


def _settle_own_sets(cfg: Config, folder: Path) -> None:
    """Give data sets whose class names a metainfo file below the config's folder that file."""
    for loader in LOADERS:
        for _, (*_, part) in walk_datasets(cfg.get(loader) or {}):
            # A user's own class is here by now; those of the package name shipped files.
            kind = DATASETS.module_dict.get(part.get('type')) if isinstance(part, dict) else None
            name = (getattr(kind, 'METAINFO', None) or {}).get('from_file')
            if name is None or part.get('metainfo'):
                continue
            with suppress(MissingFileError):  # whoever builds the data set tells
                file = find_metainfo_file(name, folder)
                if not file.is_relative_to(config_root()):
                    part['metainfo'] = {'from_file': str(file.resolve())}


@contextmanager
def _naming(what: str, path: Path) -> Iterator[None]:
    """Turn any error into an InputError that names the config and, if known, its line."""
    try:  # what runs is the text of the config, and what mmengine reads it by
        yield
    except InputError as error:
        raise InputError(f'{what}: {error}') from error
    except Exception as error:
        line, trace = getattr(error, 'lineno', None), error.__traceback__
        while trace is not None:
            line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
            trace = trace.tb_next
        where = '' if line is None else f', line {line}'
        problem = ' '.join(f'{type(error).__name__}: {getattr(error, "msg", error)}'.split())
        raise InputError(f'{what}{where}: {problem}') from error


def _import_modules(path: Path, settings: Mapping[str, Any]) -> None:
    imports = settings.get('imports') or []
    for name in [imports] if isinstance(imports, str) else imports:
        if not settings.get('allow_failed_imports') and not _is_there(name):
            raise InputError(
                f"config '{path}': custom_imports names '{name}', and there is no such module; "
                'add its folder to PYTHONPATH'
            )
    if settings:
        import_modules_from_strings(**settings)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError as error:  # a package that it is in; or that one imports
        if error.name and f'{module}.'.startswith(f'{error.name}.'):
            return False
        raise


def _refuse_old_text(path: Path) -> None:
    """Refuse a config of MMPose 0.x by its own text: its bases are seldom beside it."""
    lines = (line.partition('#')[0] for line in path.read_text('utf-8', 'replace').splitlines())
    found = set(re.findall(r'\b(\w+)[\'"]?\s*[=:]', '\n'.join(lines)))
    keys = sorted(found & _OLD)
    if len(keys) >= _OLD_ENOUGH and not found & _NEW:
        _refuse(path, keys)


def _refuse_old(path: Path, cfg: Config) -> None:
    """Refuse a config of MMPose 0.x by what it and its bases come to."""
    model = cfg.get('model')
    marks = []
    if isinstance(cfg.get('data'), dict) and not any(key.endswith('_dataloader') for key in cfg):
        marks.append('data')
    if isinstance(model, dict) and 'keypoint_head' in model:
        marks.append('model.keypoint_head')
    if isinstance(model, dict) and model.get('type') == 'TopDown':
        marks.append("model.type='TopDown'")
    if marks:
        _refuse(path, marks)


def _refuse(path: Path, marks: Sequence[str]) -> NoReturn:
    raise InputError(
        f"config '{path}' is one of MMPose 0.x, by its {', '.join(marks)}: those do not run "
        f'here, nor in MMPose 1.x. Start from the shipped config of its data set and model '
        f'({config_root() / "face_2d_keypoint"}), and copy your changes over; checkpoints '
        'of 0.x load as they are'
    )


_FREE = ('custom_keys', 'data_prefix', 'keypoint_info', 'skeleton_info', 'subsets')
_NAMED = 6  # places that a message names


def _override(cfg: Config, options: Mapping[str, Any]) -> None:
    """Set values by dotted keys; variables first, so that what a run reads has the last word."""
    for key, value in options.items():
        _check_option(cfg, key, value)
    variables = dict.fromkeys(key.partition('.')[0] for key in options)
    for name in (name for name in variables if name not in READ_KEYS):
        own = {key: value for key, value in options.items() if key.partition('.')[0] == name}
        _override_variable(cfg, name, own)
    cfg.merge_from_dict({k: v for k, v in options.items() if k.partition('.')[0] in READ_KEYS})


def _override_variable(cfg: Config, name: str, options: Mapping[str, Any]) -> None:
    """Set a variable of the config, and what it was copied to when the config was read."""
    shown = ' '.join(f'{key}={value}' for key, value in options.items())
    before = deepcopy(cfg.get(name))
    cfg.merge_from_dict(dict(options))
    reached = _carry(cfg, name, before, options)
    if not any(path.partition('.')[0] in READ_KEYS for path in reached):
        maybe = list(_related(cfg, before, options))
        why = f'{name} was copied when the config was read'
        if before is None and not maybe and name in COPIED_AS:  # as other configs have it
            maybe = [f'{place}.{COPIED_AS[name]}' for place in _data_sets(cfg)]
            why = f'the config has no variable {name}'
        if maybe:
            raise InputError(f'{shown} reaches nothing: {why}; set {_listed(maybe)}')
        get_root_logger().warning(
            f'{shown}: nothing that a run reads is a copy of {name}; only code of yours can see it'
        )
        return
    get_root_logger().info(f'{shown} also reaches {_listed(reached)}')


def _carry(cfg: Config, name: str, before: Any, options: Mapping[str, Any]) -> list[str]:
    """Put a variable's new value where its old one stands; returns these places.

    Where another variable has the same value, nothing is replaced.
    """
    values = cfg._cfg_dict
    after = values.pop(name)  # it has its new value
    reached: list[str] = []
    twins = [key for key in values if key not in READ_KEYS and values[key] == before]
    if isinstance(before, str) and name in COPIED_AS:
        reached = _replace(values, _renamed_string(name, before, str(after)))
    elif isinstance(before, int) and name in COPIED_AS:
        key = COPIED_AS[name]
        reached = _replace(values, lambda own, value: (own == key and value == before, after))
    elif _is_specific(before) and not twins:
        reached = _replace(values, lambda _, value: (equal(value, before), after))
    # Sizes and the like that were taken out of it, `input_size=codec['input_size']`, follow where
    # key and value agree.
    for key in [] if twins else options:
        inner, leaf = key.split('.')[1:], key.rpartition('.')[2]
        old, new = value_at(before, inner), value_at(after, inner)
        if isinstance(old, list | tuple) and old:
            reached += _replace(values, partial(_of_key, leaf, old, new))
    values[name] = after
    return reached


def _is_specific(value: Any) -> bool:
    """Tell whether an equal value is a copy: of a size, such as (64, 64), it need not be."""
    if isinstance(value, list | tuple):
        return any(isinstance(each, dict) for each in value)
    return isinstance(value, dict) and bool(value)


def _renamed_string(name: str, before: str, after: str) -> Callable[[Any, Any], tuple[bool, Any]]:
    """A replacement of a name or a folder, the latter also where paths begin with it."""

    def replace(key: Any, value: Any) -> tuple[bool, Any]:
        if key == COPIED_AS[name] and value == before:
            return True, after
        begins = isinstance(value, str) and before.endswith('/') and value.startswith(before)
        return begins, f'{after.rstrip("/")}/{str(value)[len(before) :]}'

    return replace


def _of_key(leaf: str, old: Any, new: Any, key: Any, value: Any) -> tuple[bool, Any]:
    return key == leaf and equal(value, old), new


def _replace(
    node: Any, replacement: Callable[[Any, Any], tuple[bool, Any]], path: str = ''
) -> list[str]:
    """Replace values inside dicts and lists, in place; returns the dotted paths of these.

    ``replacement`` is given a key and a value, and tells whether that goes, and for what.
    """
    if not isinstance(node, dict | list):
        return []
    reached = []
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        inner = f'{path}.{key}' if path else str(key)
        goes, new = replacement(key, value)
        if goes:
            node[key] = deepcopy(new)
            reached.append(inner)
        else:
            reached += _replace(value, replacement, inner)
    return reached


def _related(cfg: Config, before: Any, options: Mapping[str, Any]) -> Iterator[str]:
    """Find where a run may read what an option meant: the same value under a like key."""
    read = list(places({key: value for key, value in cfg.items() if key in READ_KEYS}))
    for option in options:
        inner, leaf = option.partition('.')[2], option.rpartition('.')[2]
        old = value_at(before, inner.split('.')) if inner else before
        for path, value in read:
            key = path.rpartition('.')[2]
            # `base_lr` may be meant for `lr`.
            is_same = f'_{leaf}'.endswith(f'_{key}') and equal(value, old)
            if isinstance(before, dict | list | tuple) and before and equal(value, before):
                yield f'{path}.{inner}' if inner else path
            elif is_same or (old is None and key == leaf):
                yield path


def _data_sets(cfg: Config) -> Iterator[str]:
    """The places of the data sets that read files, which are no wrappers of others."""
    for loader in LOADERS:
        places = [place for place, _ in walk_datasets(cfg.get(loader) or {}, loader)]
        yield from (
            place for place in places if not any(each.startswith(f'{place}.') for each in places)
        )


def _listed(paths: Iterable[str]) -> str:
    return first_few(list(dict.fromkeys(paths)), _NAMED)


def _check_option(cfg: Config, option: str, value: Any) -> None:
    """Check that an option's key is no slip, and puts no plain value in the place of a part."""
    keys, node = option.split('.'), cfg._cfg_dict
    for depth, key in enumerate(keys):
        path = '.'.join(keys[:depth])
        if not key:
            raise InputError(f"'{option}={value}': a name is missing in its key")
        if isinstance(node, list) and not (key.isdigit() and int(key) < len(node)):
            raise InputError(f"'{option}': {path} is a list of {len(node)}, 0 to {len(node) - 1}")
        if isinstance(node, dict) and key not in node:
            near = slip_of(key, _known_keys(node, path))
            if near is not None:
                raise InputError(f"'{option}': {path or 'the config'} has no '{key}', but '{near}'")
            return
        node = value_at(node, [key])
    is_part = isinstance(node, dict) and 'type' in node
    if is_part and value is not None and not isinstance(value, dict):
        raise InputError(
            f"'{option}={value}' would replace a {node['type']} by {value!r}; set {option}.type, "
            'or one of its arguments'
        )


def _known_keys(node: Mapping[str, Any], path: str) -> Iterable[str]:
    """The keys that a dict may have; none where a part checks its arguments, or names are free."""
    if not path:
        return {*READ_KEYS, *VARIABLES, *node}
    if 'type' in node or path.rpartition('.')[2] in _FREE:
        return ()
    return {*KEYS_OF.get(path, ()), *node}
