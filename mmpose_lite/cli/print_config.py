"""Showing each value of a config, and the file and line that it comes from."""

from __future__ import annotations

import argparse
import ast
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from mmpose_lite import apis
from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import config_root, find_config

from .command_line import (
    CommandParser,
    add_config_argument,
    add_options_argument,
    add_size_argument,
    errors_in_one_line,
    load_libraries,
)

Keys = tuple[str | int, ...]
"""The place of a value: names in dicts, numbers in lists."""

_DELETE = '_delete_'  # of a dict that replaces its base's
_OPTIONS = '--cfg-options'
_ADDED = 'mmpose_lite, by default'
# The one key whose value reaches others once the files are read.
_SIZE, _BY_SIZE = ('input_size',), '--input-size'
_NONE = object()
_COLUMN = 60


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite print-config',
        description='Print a config and everything that it inherits, as one file.',
    )
    add_config_argument(parser)
    parser.add_argument(
        '--origin',
        action='store_true',
        help='print one line per value instead, with the file and line that set it',
    )
    add_size_argument(parser)
    add_options_argument(parser)
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    path = find_config(args.config)
    load_libraries('mmpose_lite.apis.config')
    with redirect_stdout(sys.stderr):  # what the log says of options
        layout = origin_lines if args.origin else config_lines
        text = '\n'.join(layout(path, args.cfg_options))
    try:
        print(text, flush=True)
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def config_lines(path: Path, options: Mapping[str, Any] | None = None) -> list[str]:
    """Lay out a config as the lines of a file that can be read again."""
    from mmpose_lite.utils.config_text import config_text

    return config_text(apis.load_config(path, options).to_dict()).splitlines()


def origin_lines(path: Path, options: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Lay out the values of a config, a line each: its place, the value, and where it is from.

    Args:
        path: The config.
        options: Values to set, by dotted key.

    Raises:
        InputError: If the config imports its bases, in mmengine's other style.
    """
    from mmpose_lite.registry import SCOPE
    from mmpose_lite.utils.config_utils import adopt_config, equal, read_config_file
    from mmpose_lite.utils.input_size import SIZE_KEYS

    files: dict[str, Any] = {}
    loaded = apis.load_config(path).to_dict()
    with _noting_merges(lambda file, own: _overlay(files, own, file)):
        written = adopt_config(read_config_file(path), SCOPE, path.parent).to_dict()
    if not files:
        raise InputError(f"config '{path}' has no _base_ but imports: --origin cannot tell")
    values = loaded if not options else apis.load_config(path, options).to_dict()
    in_files, without_options = dict(_leaves(written)), dict(_leaves(loaded))
    for keys, value in _leaves(values):
        origin = _OPTIONS
        if equal(in_files.get(keys, _NONE), value):
            origin = _origin(files, keys)
        elif equal(without_options.get(keys, _NONE), value):
            origin = _origin(files, _SIZE)
        elif 'input_size' in (options or {}) and keys[-1] in SIZE_KEYS:
            origin = _BY_SIZE
        text = f'{".".join(map(str, keys))} = {value!r}'
        yield f'{text:<{_COLUMN}}  # {origin}'


def _origin(files: dict[str, Any], keys: Keys) -> str:
    file = _file_of(files, keys)
    return _ADDED if file is None else _place(file, keys)


@contextmanager
def _noting_merges(note: Callable[[str, dict], None]) -> Iterator[None]:
    """Tell of each config file that mmengine reads, bases first, and of its own values."""
    from mmengine.config import Config

    read, merge = Config._file2dict, Config._merge_a_into_b
    files: list[str] = []

    def read_file(filename: str, *args: Any, **kwargs: Any) -> Any:
        files.append(filename)
        return read(filename, *args, **kwargs)

    def merge_file(own: dict, base: dict, *args: Any, **kwargs: Any) -> dict:
        # The last thing that is done for a file; it calls itself for what is deeper.
        note(files.pop(), deepcopy(own))
        Config._merge_a_into_b = staticmethod(merge)  # type: ignore[method-assign]
        try:
            return merge(own, base, *args, **kwargs)
        finally:
            Config._merge_a_into_b = staticmethod(merge_file)  # type: ignore[method-assign]

    Config._file2dict = staticmethod(read_file)  # type: ignore[method-assign]
    Config._merge_a_into_b = staticmethod(merge_file)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Config._file2dict = staticmethod(read)  # type: ignore[method-assign]
        Config._merge_a_into_b = staticmethod(merge)  # type: ignore[method-assign]


def _overlay(files: dict[Any, Any], own: Mapping[str, Any], file: str) -> None:
    """Note a file for its own values, by the rules of mmengine's merging.

    The dict itself is what began it: there is a file at None.
    """
    for key, value in own.items():
        if not isinstance(value, dict):
            files[key] = file
            continue
        if value.get(_DELETE) or not isinstance(files.get(key), dict):
            files[key] = {None: file}
        _overlay(files[key], {k: v for k, v in value.items() if k != _DELETE}, file)


def _file_of(files: Any, keys: Keys) -> str | None:
    for key in keys:
        if isinstance(files, str):  # a list, whose items are of one file
            return files
        files = files.get(key)
        if files is None:
            return None
    return files.get(None) if isinstance(files, dict) else files


def _leaves(value: Any, keys: Keys = ()) -> Iterator[tuple[Keys, Any]]:
    """Yield the values of a config with their places; lists that hold no dict are one."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple) and any(isinstance(each, dict) for each in value):
        items = enumerate(value)
    if not items:
        yield keys, value
    for key, each in items:
        yield from _leaves(each, (*keys, key))


def _place(file: str, keys: Keys) -> str:
    """The file and line of a value, as one types them."""
    line = _line_of(file, keys)
    return _shown(file) + ('' if line is None else f':{line}')


@cache
def _shown(file: str) -> str:
    """A file by its ``configs/...`` name if it is shipped, or from the working directory."""
    path = Path(file).resolve()
    for folder in (config_root().resolve().parent, Path.cwd()):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder))
    return os.fspath(path)


def _line_of(file: str, keys: Keys) -> int | None:
    """The line of a file that sets a value; None where it cannot be told."""
    assigned = _assignments(file)
    found = [(at, line, node) for at, line, node in assigned if keys[: len(at)] == at]
    if not found:
        return None
    at, line, node = found[-1]
    return _descend(node, keys[len(at) :], line, assigned)


def _descend(node: ast.AST | None, keys: Keys, line: int, assigned: Any) -> int:
    """Follow the text of a value down to one of its items; the line that was last understood."""
    if isinstance(node, ast.Name):
        named = [each for at, number, each in assigned if at == (node.id,) and number <= line]
        return _descend(named[-1], keys, named[-1].lineno, assigned) if named and keys else line
    inner = _item(node, keys[0]) if keys else None
    if inner is None:
        return line
    return _descend(inner, keys[1:], inner.lineno, assigned)


def _item(node: ast.AST | None, key: str | int) -> Any:
    """The text of an item of a dict or list; None if it is not written there."""
    if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'dict':
        return next((each.value for each in node.keywords if each.arg == key), None)
    if isinstance(node, ast.Dict):
        names = [getattr(each, 'value', None) for each in node.keys]
        return node.values[names.index(key)] if key in names else None
    if isinstance(node, ast.List | ast.Tuple) and isinstance(key, int) and key < len(node.elts):
        is_plain = not any(isinstance(each, ast.Starred) for each in node.elts)
        return node.elts[key] if is_plain else None
    return None


@cache
def _assignments(file: str) -> list[tuple[Keys, int, Any]]:
    """The places that a config's statements assign to, with line and value, from top to bottom.

    What is added to a value (``+=``) has no text of its own: None.
    """
    found: list[tuple[Keys, int, Any]] = []
    if not file.endswith('.py'):
        return found
    with suppress(SyntaxError):  # of a template, which mmengine fills in
        for node in _statements(ast.parse(Path(file).read_text('utf-8-sig'))):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            value = None if isinstance(node, ast.AugAssign) else node.value
            pairs = (pair for target in targets for pair in _pairs(target, value))
            places = ((_target(name), each) for name, each in pairs)
            found += [(place, node.lineno, each) for place, each in places if place]
    return found


def _pairs(target: ast.AST, value: ast.AST | None) -> list[tuple[ast.AST, ast.AST | None]]:
    """The targets of an assignment with their values: several of ``a, b = c, d``."""
    if not isinstance(target, ast.Tuple | ast.List):
        return [(target, value)]
    values: list[Any] = [None] * len(target.elts)
    if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(values):
        values = value.elts
    return list(zip(target.elts, values, strict=True))


def _statements(node: ast.AST) -> Iterator[Any]:
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.Assign | ast.AugAssign | ast.AnnAssign):
            yield each
        elif isinstance(each, ast.If | ast.For | ast.With | ast.Try):
            yield from _statements(each)


def _target(node: ast.AST) -> Keys:
    """The place that ``a['b'].c`` stands for; none where it cannot be told."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        outer = _target(node.value)
        return (*outer, node.attr) if outer else ()
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        outer, key = _target(node.value), node.slice.value
        return (*outer, key) if outer and isinstance(key, str | int) else ()
    return ()
