"""Looking at paths before anything is read from them or written to them."""

from __future__ import annotations

import logging
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from glob import escape, glob
from pathlib import Path

from ..errors import InputError, MissingFileError, nearest

_LONGEST_NAME = 500
_PACKAGE = Path(__file__).resolve().parents[1]
CONFIGS = ('.py', '.json', '.yaml', '.yml')
"""Endings of the names of configs."""
_LISTED = f'{", ".join(CONFIGS[:-1])} or {CONFIGS[-1]}'
EXPORTED = ('.onnx', '.xml', '.pt2')
"""Endings of the names of exported files."""
CHECKPOINTS = ('.pth', '.pt', '.tar', '.ckpt', '.safetensors')
"""Endings of the names of checkpoints."""
_PACKAGES = ('mmpose_lite', 'mmpose')  # whose shipped configs are ours
WEIGHTS = _PACKAGE / 'pretrained'
"""Folder of the weights that come with the package."""
_WORD = re.compile(r'[A-Za-z][A-Za-z0-9_-]*')
_HASH = re.compile(r'-[0-9a-f]{8}$')  # what `mmpose-lite publish` appends to a name


def check_folder(folder: str | Path) -> None:
    """Check that files can be written to a folder, with one that never has a name there.

    The folder need not be there yet, and is not made.

    Raises:
        InputError: If it is, or lies in, a file, cannot be made, or nothing can be written to it.
    """
    with _explaining(f'files cannot be written to {shown(folder)}'):
        nearest = _nearest_folder(Path(folder))
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(b'\0')


def check_file(file: str | Path) -> None:
    """Check that a file can be written; neither it nor its folder need be there yet.

    Raises:
        InputError: If it is a folder, or it or its folder cannot be written to.
    """
    with _explaining(f'{shown(file)} cannot be written'):
        if os.path.isdir(file):
            raise IsADirectoryError(0, 'it is a folder')
        if os.path.exists(file):
            if not os.access(file, os.W_OK):
                raise PermissionError(0, 'permission denied')
            return
        check_folder(Path(file).parent)
        with suppress(FileNotFoundError):
            os.lstat(file)  # its name may be longer than the disk allows


def check_apart(
    option: str,
    outputs: Iterable[str | os.PathLike],
    inputs: Iterable[str | os.PathLike | None],
    is_deep: bool = True,
) -> None:
    """Check that no file that is read will be written over, by whatever path each is named.

    Args:
        option: What names the outputs, for the message, such as ``'--out'``.
        outputs: Files, and folders in which files of any name are written.
        inputs: Files, and folders of files. None, addresses and what is not there are passed over.
        is_deep: Files are also written below those folders, not only directly in them.

    Raises:
        InputError: If an output is an input, also by a link, or an input lies in such a folder.
    """
    read = {key: each for each in inputs if each is not None and (key := _identity(each))}
    for output in outputs:
        key = _identity(output)
        inside = _first_inside(output, read.values(), is_deep)
        if key in read:
            problem = f'would be written over {shown(read[key])}, which is read'
        elif inside is not None:
            problem = f'is written to, and {shown(inside)} in it, which is read, may be replaced'
        else:
            continue
        raise InputError(f'{option}: {shown(output)} {problem}; name another place')


def _first_inside(
    folder: str | os.PathLike, paths: Iterable[str | os.PathLike], is_deep: bool
) -> str | os.PathLike | None:
    """The first path that lies below a folder, as itself or by a link.

    Without ``is_deep`` it is the first file that lies directly in the folder.
    """
    if not os.path.isdir(folder):
        return None
    root = os.path.realpath(folder)
    folders: dict[str, str | os.PathLike] = {}
    for path in paths:
        if not is_deep and os.path.isdir(path):
            continue
        own = os.path.realpath(os.path.dirname(os.path.abspath(path)))
        folders.setdefault(own, path)
        folders.setdefault(os.path.dirname(os.path.realpath(path)), path)
    if not is_deep:
        return folders.get(root)
    below = (path for own, path in folders.items() if Path(own).is_relative_to(root))
    return next(below, None)


def _identity(path: str | os.PathLike) -> tuple[int, int] | None:
    """Tell a file or folder that is there from others, whatever its path."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # a name with a NUL is a ValueError
        return None
    return found.st_dev, found.st_ino


def config_root() -> Path:
    """Find the folder of the shipped configs: inside an installed package, or beside a checkout's.

    Raises:
        FileNotFoundError: If neither is there.
    """
    for folder in (_PACKAGE / 'configs', _PACKAGE.parent / 'configs'):
        if (folder / '_base_').is_dir():
            return folder
    raise FileNotFoundError(f'no configs beside {_PACKAGE}: the installation is incomplete')


def find_config(path: str | Path) -> Path:
    """Find a config file: a path, or a name of a shipped one; see :func:`find_shipped_config`.

    Raises:
        MissingFileError: If there is no such file; the message names shipped ones that are near.
        InputError: If it is a folder, or its name is not that of a config.
    """
    found = Path(path) if os.path.isfile(path) else find_shipped_config(str(path))
    if found is not None and found.suffix in CONFIGS:
        return found
    if found is not None or os.path.exists(path):
        problem = file_problem(path) or f'is {_kind_of(str(path))} by its name'
        raise InputError(f"config '{path}' {problem}; names of configs end in {_LISTED}")
    places = dict.fromkeys([Path(path).absolute(), config_root().parent / path])
    where = ' nor at '.join(map(str, places))
    where = f'neither at {where}' if len(places) > 1 else f'not at {where}'
    raise MissingFileError(f"config '{path}' is {where}{about_shipped_configs(str(path))}")


def find_shipped_config(name: str) -> Path | None:
    """Find a shipped config, whatever the working directory.

    Args:
        name: Its path below the shipped ones, with or without ``configs/`` before it; the same
            after ``mmpose_lite::``, or after MMPose's own ``mmpose::``; or, if it is not one of the
            parts in ``_base_``, its file's name alone, with or without ``.py``.

    Returns:
        The file; None if there is none.
    """
    package, is_named, inner = name.partition('::')
    inner = inner if is_named else name
    if (is_named and package not in _PACKAGES) or '..' in Path(inner).parts:
        return None
    root = config_root()
    places = [root.parent / inner, root / inner]
    if inner == os.path.basename(inner):
        places += [file for file in shipped_configs() if inner in (file.name, file.stem)]
    # A place may be elsewhere: the path is absolute, or names a file beside the configs.
    shipped = (place for place in places if place.is_relative_to(root) and os.path.isfile(place))
    return next(shipped, None)


def find_metainfo_file(name: str, folder: Path | None = None) -> Path:
    """Find a metainfo file by what ``from_file`` says.

    A shipped name such as ``configs/_base_/datasets/aflw.py`` is the shipped file, wherever the
    command is run; a file of that name that is another is passed over with a warning. Any other
    path is looked up from the working directory, then from the config's folder.

    Args:
        name: The path.
        folder: The config's; None where there is none.

    Raises:
        MissingFileError: If there is no such file; the message names the places looked at.
    """
    shipped = config_root().parent / name
    places = [Path(each, name).absolute() for each in ('.', folder) if each is not None]
    own = next((place for place in places if place.is_file()), None)
    if shipped.is_file():
        if own is not None and own.read_bytes() != shipped.read_bytes():
            _tell_passed_over(name, own)
        return shipped
    if own is None:
        looked_at = list(dict.fromkeys(map(str, [*places, shipped])))
        where = f'{"neither" if len(looked_at) > 1 else "not"} at {" nor at ".join(looked_at)}'
        if folder is None and not Path(name).is_absolute():
            where += "; load_config also looks in the config's folder"
        raise MissingFileError(f"metainfo file from_file='{name}' is {where}")
    return own


@lru_cache
def _tell_passed_over(name: str, file: Path) -> None:
    """Warn, once in a process, that a user's own file is not read."""
    from mmengine.logging import print_log

    text = f"from_file='{name}' is the shipped file; {shown(file)} differs, and is not read"
    print_log(f'{text}: name it by its whole path to have it', 'current', logging.WARNING)


def is_config(name: str) -> bool:
    """Tell whether a name is that of a config, by its suffix or among the shipped ones.

    It need not be there; names of packaged weights are none.
    """
    if name in packaged_weights():
        return False
    return name.endswith(CONFIGS) or find_shipped_config(name) is not None


def _kind_of(name: str) -> str:
    """The kind of a file by its name, where a config was expected."""
    if is_exported(name):
        return 'an exported file'
    return 'a checkpoint' if name.lower().endswith(CHECKPOINTS) else 'no config'


def is_exported(name: str | os.PathLike) -> bool:
    """Tell whether a name is that of an exported file, by its suffix."""
    return os.fspath(name).lower().endswith(EXPORTED)


def size_of_model(file: Path) -> int:
    """The bytes of a checkpoint or exported file; an .xml keeps its weights in a .bin."""
    weights = file.with_suffix('.bin')
    is_openvino = file.suffix.lower() == '.xml' and weights.is_file()
    return file.stat().st_size + (weights.stat().st_size if is_openvino else 0)


def packaged_weights() -> dict[str, Path]:
    """The files of the weights that come with the package, by name: without their hash."""
    return {_HASH.sub('', path.stem): path for path in sorted(WEIGHTS.glob('*.pth'))}


def find_weights(name: str) -> str:
    """Return the file of packaged weights; any other path or address as it is.

    Args:
        name: Such as ``'faces19'``, ``'work_dirs/a/best.pth'`` or ``'https://...'``. A path that
            exists goes first, but no folder goes before such weights.

    Raises:
        MissingFileError: If it is a bare word, and neither a file nor the name of such weights.
    """
    if not _WORD.fullmatch(name) or os.path.isfile(name):
        return name
    known = packaged_weights()
    if name not in known:
        if os.path.exists(name):
            return name
        names = ', '.join(known) or 'none'
        raise MissingFileError(
            f"checkpoint '{name}' does not exist, and the package has no weights of that name "
            f'(it has: {names})'
        )
    return str(known[name])


def shipped_configs() -> list[Path]:
    """The shipped configs, without the parts in ``_base_``."""
    files = sorted(config_root().rglob('*.py'))
    return [file for file in files if '_base_' not in file.parts]


def about_shipped_configs(name: str) -> str:
    """Say for the end of a message which shipped configs have a name that is near another."""
    near = nearest(Path(name.rpartition('::')[2]).stem, [file.stem for file in shipped_configs()])
    return f'; shipped ones of a near name: {", ".join(near)}' if near else ''


def check_checkpoint(name: str) -> None:
    """Check that a checkpoint is a file, or named weights, unless its name is an address.

    Raises:
        MissingFileError: If it is none; of a folder, the message names the checkpoints in it.
        InputError: If it is a config.
    """
    path = os.path.expanduser(name)
    if is_config(name) and (name.endswith(CONFIGS) or not os.path.exists(path)):
        raise InputError(
            f'checkpoint {shown(path)} is a config by its name: a file of weights was expected, '
            'such as best.pth'
        )
    path = find_weights(path)
    problem = None if '://' in name else file_problem(path)
    if problem is not None:
        files = sorted(map(os.path.basename, glob(os.path.join(escape(path), '*.pth'))))
        inside = f'; it has {", ".join(files)}' if files else ''
        kind = 'exported file' if is_exported(path) else 'checkpoint'
        raise MissingFileError(f'{kind} {shown(path)} {problem}{inside}')


def check_weights(name: str) -> None:
    """Check that a file can hold weights; see :func:`check_checkpoint`.

    Raises:
        InputError: If it is missing, or an exported file.
    """
    check_checkpoint(name)
    if is_exported(name):
        raise InputError(
            f'checkpoint {shown(name)} is an exported file, whose weights cannot be taken out'
        )


def check_model(model: str, checkpoint: str | None = None) -> None:
    """Check that a checkpoint or exported file, or a config with one, can be a model.

    Raises:
        InputError: If a file is missing, or a config comes without weights.
    """
    if checkpoint is not None:
        find_config(model)
        check_checkpoint(checkpoint)
    elif is_config(model):
        raise InputError(
            f'{shown(model)} is a config, which has no weights: name its checkpoint after it'
        )
    else:
        check_checkpoint(model)


def file_problem(path: str | os.PathLike) -> str | None:
    """Say what keeps a path from being a file to read, such as ``'does not exist'``, or None.

    It is not opened: a pipe would be waited for, and a device may have no end.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return 'is a link to nothing' if os.path.islink(path) else 'does not exist'
    except (OSError, ValueError) as error:
        return f'cannot be read: {reason_of(error)}'
    if stat.S_ISREG(mode):
        return None
    return f'is {"a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"}, not a file'


def shown(path: str | os.PathLike) -> str:
    """A path as messages show it: quoted, on one line, and of a length that can be read."""
    text = repr(os.fspath(path))
    return text if len(text) <= _LONGEST_NAME else f'{text[:100]}...{text[-100:]}'


@contextmanager
def _explaining(what: str) -> Iterator[None]:
    """Raise the system's refusals as an InputError."""
    try:
        yield
    except InputError:
        raise
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        raise InputError(f'{what}: {reason_of(error)}') from error


def _nearest_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there; names below are looked at."""
    for above in (path, *path.parents):
        try:
            is_folder = stat.S_ISDIR(os.stat(above).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            if os.path.islink(above):
                raise FileNotFoundError(0, f'{shown(above)} is a link to nothing') from None
            continue
        if not is_folder:
            raise NotADirectoryError(0, f'{shown(above)} is a file')
        for name in path.relative_to(above).parts:
            with suppress(FileNotFoundError):
                os.lstat(above / name)  # a name may be longer than this folder's disk allows
        return above
    return Path()


def reason_of(error: Exception) -> str:
    """The system's words for an error, or the error's own."""
    return getattr(error, 'strerror', None) or str(error)
