"""Reading configs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from mmpose_lite.registry import SCOPE
from mmpose_lite.structures import config_root
from mmpose_lite.utils import InputError, MissingFileError, MissingKeyError
from mmpose_lite.utils.config_utils import adopt_config, read_config_file

# Keys of MMPose 0.x's configs, and of those of 1.x alone.
_OLD = {
    'channel_cfg',
    'checkpoint_config',
    'data_cfg',
    'dist_params',
    'keypoint_head',
    'log_config',
}
_OLD |= {'lr_config', 'optimizer_config', 'samples_per_gpu', 'total_epochs'}
_NEW = {'default_scope', 'optim_wrapper', 'train_dataloader', 'val_dataloader', 'val_evaluator'}
# A name or two of a user's own may be among them.
_OLD_ENOUGH = 3


_KINDS = ('.py', '.json', '.yaml', '.yml')


def load_config(
    path: str | Path, options: Mapping[str, Any] | None = None, needs: Sequence[str] = ()
) -> Config:
    """Read a config file, and import the modules of its ``custom_imports``.

    Args:
        path: The file; a ``configs/...`` name is found among the shipped ones, whatever the
            working directory.
        options: Values to set, by dotted key.
        needs: Keys that must have a value.

    Returns:
        The config. The scope ``mmpose`` becomes ours, and paths of metainfo files of the user's
        own that are relative to the config become absolute.

    Raises:
        MissingFileError: If there is no such file.
        MissingKeyError: If it lacks what is needed.
        InputError: If it cannot be read, is a config of MMPose 0.x, or names a module that there
            is not. What a module does when it is imported keeps its error.
    """
    path = Path(path)
    shipped = config_root().parent / path
    found = next((each for each in (path, shipped) if each.is_file()), None)
    if found is None:
        raise MissingFileError(f"config '{path}' is neither at {path.absolute()} nor at {shipped}")
    if found.suffix not in _KINDS:
        raise InputError(f"config '{path}' is no config by its name: {', '.join(_KINDS)} are")
    _refuse_old_text(found)
    with _naming(f"config '{path}'", found):
        cfg = read_config_file(found)
    _refuse_old(path, cfg)
    _import_modules(path, cfg.get('custom_imports') or {})
    if options:
        with _naming(f"config '{path}' with --cfg-options", found):
            cfg.merge_from_dict(dict(options))
    missing = [key for key in needs if cfg.get(key) is None]
    if missing:
        raise MissingKeyError(f"config '{path}' has no {', no '.join(missing)}")
    return adopt_config(cfg, SCOPE, found.parent)


@contextmanager
def _naming(what: str, path: Path) -> Iterator[None]:
    """Have any error name the config, and its line where its own code ran into it.

    Nothing of this package runs here: the text of the config does, and what mmengine reads it by.
    """
    try:
        yield
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
                'PYTHONPATH must have the folder that it is in'
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
        f'here, nor in MMPose 1.x. Begin with the shipped config of its data set and model '
        f'({config_root() / "face_2d_keypoint"}), and carry over what you changed; checkpoints '
        'of 0.x load as they are'
    )
