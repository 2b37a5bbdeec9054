"""Configs as people have them, which of their keys a run reads, and what their numbers may be.

They may begin with byte-order marks, and be written for MMPose.
"""

from __future__ import annotations

import os.path as osp
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from numbers import Integral, Real
from pathlib import Path
from typing import IO, Any

from mmengine.config import Config
from mmengine.config import config as _config_module

from mmpose_lite.errors import InputError, MissingFileError, nearest
from mmpose_lite.registry import adopt_part

from .nested_datasets import walk_datasets
from .paths import (
    about_shipped_configs,
    config_root,
    find_metainfo_file,
    find_shipped_config,
)

_MMPOSE, _SCOPE = 'mmpose', 'mmpose_lite'
_find_base_as_mmengine = Config._get_cfg_path

_ROLES = ('train', 'val', 'test')
LOADERS = tuple(f'{role}_dataloader' for role in _ROLES)
# What a run reads: mmengine's Runner, and what this package adds to it.
READ_KEYS = frozenset(
    (
        *LOADERS,
        *(f'{role}_cfg' for role in _ROLES),
        *('activation_checkpointing', 'augment_on_device', 'auto_scale_lr', 'compile'),
        *('custom_hooks', 'custom_imports', 'data_preprocessor', 'default_hooks'),
        *('default_scope', 'efficient_conv_bn_eval', 'env_cfg', 'experiment_name'),
        *('find_unused_parameters', 'input_size', 'launcher', 'limit_workers', 'load_from'),
        *('log_level', 'log_processor', 'model', 'model_wrapper_cfg', 'optim_wrapper', 'overwrite'),
        *('param_scheduler', 'randomness', 'resume', 'resume_settings', 'runner_type', 'sync_bn'),
        *('targets_by_head', 'test_evaluator', 'val_evaluator', 'verbose', 'visualizer'),
        'work_dir',
    )
)
# What configs customarily call the values that they copy into those.
VARIABLES = (
    *('backend_args', 'base_lr', 'codec', 'data_mode', 'data_root', 'dataset_type'),
    *('first_pixel', 'max_epochs', 'metainfo', 'stage2_num_epochs'),
    *('test_pipeline', 'train_pipeline', 'train_pipeline_stage2', 'val_pipeline'),
    *('tta_cfg', 'tta_model', 'tta_pipeline'),
    *('vis_backends', 'dataset_info'),
)
_OF_LOADERS = (
    *('batch_sampler', 'batch_size', 'collate_fn', 'dataset', 'drop_last', 'generator', 'in_order'),
    *('multiprocessing_context', 'num_batch_per_epoch', 'num_workers', 'persistent_workers'),
    *('pin_memory', 'pin_memory_device', 'prefetch_factor', 'sampler', 'shuffle', 'timeout'),
    'worker_init_fn',
)
# The keys of dicts that are not a part's arguments, which the part's class would check.
KEYS_OF = {
    **dict.fromkeys(LOADERS, _OF_LOADERS),
    'auto_scale_lr': ('base_batch_size', 'enable'),
    'env_cfg': ('cudnn_benchmark', 'dist_cfg', 'mp_cfg', 'resource_limit'),
    'custom_imports': ('allow_failed_imports', 'imports'),
    'env_cfg.mp_cfg': ('mp_start_method', 'opencv_num_threads'),
    'randomness': ('deterministic', 'diff_rank_seed', 'seed'),
    'optim_wrapper.paramwise_cfg': (
        *('bias_decay_mult', 'bias_lr_mult', 'bypass_duplicate', 'custom_keys'),
        *('dcn_offset_lr_mult', 'dwconv_decay_mult', 'flat_decay_mult', 'norm_decay_mult'),
    ),
    'optim_wrapper.clip_grad': (
        *('clip_value', 'error_if_nonfinite', 'foreach', 'max_norm', 'norm_type', 'type'),
    ),
    'model.backbone.extra': ('stage1', 'stage2', 'stage3', 'stage4', 'upsample'),
    **dict.fromkeys(
        (f'model.backbone.extra.stage{i}' for i in range(1, 5)),
        (
            *('block', 'multiscale_output', 'num_blocks', 'num_branches', 'num_channels'),
            'num_modules',
        ),
    ),
    'model.train_cfg': ('compute_acc',),
    'model.test_cfg': (
        *('flip_mode', 'flip_test', 'output_heatmaps', 'output_keypoint_indices'),
        *('shift_coords', 'shift_heatmap'),
    ),
    'default_hooks': (
        *('badcase', 'checkpoint', 'logger', 'param_scheduler', 'runtime_info', 'sampler_seed'),
        *('timer', 'visualization'),
    ),
}
# The least that a run's numbers may be; parts check their own. None stands for a default.
_LEAST_WHOLE = {
    **{f'{loader}.batch_size': 1 for loader in LOADERS},
    **{f'{loader}.num_workers': 0 for loader in LOADERS},
    **{f'{loader}.prefetch_factor': 1 for loader in LOADERS},
    'default_hooks.checkpoint.interval': -1,  # below 1: no checkpoint is written
    'default_hooks.logger.interval': 1,
    'optim_wrapper.accumulative_counts': 1,
    'randomness.seed': 0,
}
_LEAST = {
    **{f'{loader}.timeout': 0 for loader in LOADERS},
    'optim_wrapper.clip_grad.max_norm': 0,
    'optim_wrapper.optimizer.lr': 0,
    'optim_wrapper.optimizer.weight_decay': 0,
}
_LARGEST_SEED = 2**32 - 1
# Parts, and hooks under names of a user's own, may have further ones here.
_OPEN = ('default_hooks', 'model.')
# The keys of data sets that these variables are customarily copied to.
COPIED_AS = {
    'data_mode': 'data_mode',
    'data_root': 'data_root',
    'dataset_type': 'type',
    'first_pixel': 'first_pixel',
}
# What a pipeline or a codec becomes part of is read, not the variable.
_COPIED = ('codec', 'test_pipeline', 'train_pipeline', 'val_pipeline')


def read_config_file(path: str | Path) -> Config:
    """Read a config file and its bases, which may begin with a byte-order mark.

    A base is a path from the file that names it, or the name of a shipped config, such as
    ``mmpose_lite::face_2d_keypoint/...``; see :func:`.find_shipped_config`. Modules of its
    ``custom_imports`` are not imported.
    """
    # mmengine would hand the mark on to the parser, and knows the packages of its own family alone.
    # It stays so: other threads may read as well.
    vars(_config_module)['open'] = _open_without_mark
    Config._get_cfg_path = staticmethod(_find_base)  # type: ignore[method-assign]
    return Config.fromfile(path, import_custom_modules=False)


def _open_without_mark(path: Any, mode: str = 'r', encoding: str | None = None) -> IO:
    reads_text = encoding == 'utf-8' and mode == 'r'
    return open(path, mode, encoding='utf-8-sig' if reads_text else encoding)


def _find_base(base: str, path: str) -> tuple[str, str | None]:
    """Find a base of a config.

    Returns:
        The file, and the scope of its parts; None: that of the config.

    Raises:
        MissingFileError: If it is said to be a shipped one, and is none.
    """
    beside = osp.join(osp.dirname(path), base)
    shipped = None if osp.isfile(beside) else find_shipped_config(base)
    if shipped is not None:
        return str(shipped), None
    if base.startswith(f'{_SCOPE}::'):
        raise MissingFileError(
            f"_base_='{base}' is not below {config_root()}{about_shipped_configs(base)}"
        )
    return _find_base_as_mmengine(base, path)


def adopt_config(cfg: Config, scope: str, folder: Path | None = None) -> Config:
    """Make a config that says ``mmpose`` mean this package's scope, in place.

    Types of other packages that are here too become ours, see :func:`.own_name`. Metainfo files
    that are in ``folder``, the config's, become absolute paths.
    """
    if cfg.get('default_scope', _MMPOSE) in (_MMPOSE, None):
        cfg.default_scope = scope
    _adopt(cfg._cfg_dict, folder)
    return cfg


def _adopt(node: Any, folder: Path | None) -> None:
    if isinstance(node, list | tuple):
        for item in node:
            _adopt(item, folder)
    if not isinstance(node, dict):
        return
    adopt_part(node)
    for value in list(node.values()):
        if folder is not None and isinstance(value, dict):
            _settle_metainfo(value, folder)
        _adopt(value, folder)


def _settle_metainfo(value: dict, folder: Path) -> None:
    """Make a metainfo file that is below the config's folder an absolute path, in place.

    One that is nowhere stays as it is: only a data set that is built needs it.
    """
    name = value.get('from_file')
    if not isinstance(name, str):
        return
    with suppress(MissingFileError):
        found = find_metainfo_file(name, folder)
        if not found.is_relative_to(config_root()) and not osp.isfile(name):
            value['from_file'] = str(found.resolve())


def check_keys(cfg: Config) -> None:
    """Check that no key of a config is a slip for one that is read.

    Names of a user's own are left alone: of those at the top that are like a key that is read, all
    whose value stands elsewhere too, where the config has used it.

    Raises:
        InputError: If a key that nothing reads is like one that is read.
    """
    for key, value in cfg.items():
        near = slip_of(key, (*READ_KEYS, *VARIABLES))
        if near is not None and not _is_used(cfg, key, value, near):
            raise _unread(key, near)
    for path, known in KEYS_OF.items():
        for key in _dict_at(cfg, path):
            near = slip_of(key, known)
            if near is not None:
                raise _unread(f'{path}.{key}', f'{path}.{near}')


def check_numbers(cfg: Config) -> None:
    """Check the numbers of a run that libraries refuse late, or with a traceback.

    Raises:
        InputError: If one is no number, or is too small; it names the key and the value.
    """
    for path, least in {**_LEAST_WHOLE, **_LEAST}.items():
        parent, _, key = path.rpartition('.')
        value = _dict_at(cfg, parent).get(key)
        if value is not None:
            check_number(path, value, least, Integral if path in _LEAST_WHOLE else Real)
    seed = _dict_at(cfg, 'randomness').get('seed') or 0
    if seed > _LARGEST_SEED:
        raise InputError(f'randomness.seed={seed} is larger than {_LARGEST_SEED}')


def check_number(name: str, value: Any, least: float, kind: type[Any] = Integral) -> None:
    """Check that a value is a number from ``least`` on, of Python's ``Integral`` or ``Real`` ones.

    Raises:
        InputError: If it is not.
    """
    if not isinstance(value, kind) or isinstance(value, bool) or not value >= least:
        said = 'a whole number' if kind is Integral else 'a number'
        raise InputError(f'{name}={value!r} is not {said} from {least}')


def about_keys(cfg: Config) -> list[str]:
    """Say what a config sets and a run does not use, a sentence each.

    They are keys that nothing reads, and codecs and pipelines that were copied before they were
    changed.
    """
    unread = [key for key, value in cfg.items() if _is_unread(cfg, key, value)]
    said = [f'nothing reads {", ".join(unread)}'] if unread else []
    for path in (path for path in KEYS_OF if not path.startswith(_OPEN)):
        unknown = [key for key in _dict_at(cfg, path) if key not in KEYS_OF[path]]
        if unknown:
            known = ', '.join(KEYS_OF[path])
            said.append(f'nothing reads {", ".join(unknown)} of {path}, which has {known}')
    for name in _COPIED:
        value = cfg.get(name)
        if isinstance(value, dict | list) and value and not _stands_elsewhere(cfg, name, value):
            said.append(f'no part has {name} as it is: {_difference(cfg, name, value)}')
    for name in (name for name in COPIED_AS if cfg.get(name) is not None):
        others = _of_data_sets(cfg, name)
        if others:
            said.append(f'no data set has {name}={cfg[name]!r}: {others}')
    return said


def slip_of(key: str, known: Iterable[str]) -> str | None:
    """The known key that another is a slip for; None where it is one, or is like none.

    ``codec2`` is no slip: a number makes a name of its own.
    """
    known = list(known)
    if key in known:
        return None
    digits = re.compile(r'_?\d+')
    for near in nearest(key, known, cutoff=0.8):
        is_sibling = digits.sub('', key) == digits.sub('', near)
        if abs(len(key) - len(near)) <= 2 and not is_sibling:
            return near
    return None


def places(node: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    """All values inside a config, at any depth, by their dotted paths."""
    is_dict = isinstance(node, dict)
    if is_dict or isinstance(node, list | tuple):
        for key, value in node.items() if is_dict else enumerate(node):
            inner = f'{path}.{key}' if path else str(key)
            yield inner, value
            yield from places(value, inner)


def value_at(node: Any, keys: Sequence[str]) -> Any:
    """The value at a path inside dicts and lists; None if there is none."""
    for key in keys:
        if isinstance(node, dict):
            node = node.get(key)
        elif isinstance(node, list | tuple) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    return node


def _unread(path: str, near: str) -> InputError:
    return InputError(f"nothing reads '{path}'; the nearest key is '{near}'")


def _dict_at(cfg: Config, path: str) -> Mapping[str, Any]:
    node = value_at(cfg._cfg_dict, path.split('.'))
    return node if isinstance(node, Mapping) else {}


def _is_used(cfg: Config, key: str, value: Any, near: str) -> bool:
    """Tell whether a key that is like another is a variable of a user's own."""
    if not isinstance(value, dict | list | tuple) or not value:
        return near not in READ_KEYS
    parts = value.values() if isinstance(value, dict) else value
    parts = [part for part in parts if isinstance(part, dict | list | tuple) and part]
    candidates = [value] if near in READ_KEYS else [value, *parts]
    # A part stays that part where the command line has added to it, as --cache does.
    others = [each for _, each in places({k: v for k, v in cfg.items() if k != key})]
    if isinstance(value, dict) and 'type' in value and any(_holds(each, value) for each in others):
        return True
    return any(_stands_elsewhere(cfg, key, each) for each in candidates)


def _is_unread(cfg: Config, key: str, value: Any) -> bool:
    """Tell whether a key of a user's own holds settings of which no part has any."""
    # Single values are left out: a config may have reckoned with them.
    if key in READ_KEYS or key in VARIABLES or not isinstance(value, dict | list) or not value:
        return False
    others = [each for _, each in places({k: v for k, v in cfg.items() if k != key})]
    parts = [each for _, each in places(value) if isinstance(each, dict | list) and each]
    return not any(_holds(other, part) for other in others for part in [value, *parts])


def _holds(other: Any, part: dict | list) -> bool:
    """Tell whether a value is another, or a dict has all entries of it."""
    if isinstance(other, dict) and isinstance(part, dict):
        return all(key in other and other[key] == value for key, value in part.items())
    return equal(other, part)


def equal(one: Any, other: Any) -> bool:
    """Tell whether two values of a config are the same, of one type: 1 is not True."""
    return type(one) is type(other) and one == other


def _stands_elsewhere(cfg: Config, name: str, value: Any) -> bool:
    others = {key: other for key, other in cfg.items() if key != name}
    if name in _COPIED:
        others = {key: other for key, other in others.items() if key in READ_KEYS}
    return any(equal(each, value) for _, each in places(others))


def _of_data_sets(cfg: Config, name: str) -> str:
    """Say what data sets have in place of a variable; empty where one has it, or none has any."""
    value, key, others = cfg[name], COPIED_AS[name], {}
    folder = f'{value.rstrip("/")}/' if name == 'data_root' and isinstance(value, str) else ''
    for loader in LOADERS:
        for place, (*_, dataset) in walk_datasets(cfg.get(loader) or {}, loader):
            if 'dataset' in dataset or 'datasets' in dataset:
                continue
            paths = [each for _, each in places(dataset) if isinstance(each, str)]
            own = dataset.get(key)
            if equal(own, value) or (folder and any(f'{p}/'.startswith(folder) for p in paths)):
                return ''
            if own is not None:
                others[f'{place}.{key}'] = own
    return ', '.join(f'{place}={own!r}' for place, own in others.items())


def _difference(cfg: Config, name: str, value: Any) -> str:
    """Say what is used in place of a variable that was copied before it was changed."""
    if name != 'codec' or not isinstance(value, dict):
        return 'the pipelines of data sets, at *_dataloader.dataset.pipeline, are others'
    decoder = _dict_at(cfg, 'model.head.decoder')
    keys = [key for key in {**value, **decoder} if value.get(key) != decoder.get(key)]
    own = ', '.join(f'{key}={value.get(key)!r}' for key in keys)
    used = ', '.join(f'{key}={decoder.get(key)!r}' for key in keys)
    return f'it has {own}, and model.head.decoder has {used}'
