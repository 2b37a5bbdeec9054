"""The text of a config: Python that reads back to the same values."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from typing import Any

from mmengine.config import Config

from ..errors import InputError

_WIDTH = 100
_INDENT = 4


class ReadableConfig(Config):
    """A config that lays out its text by :func:`config_text`.

    mmengine formats that text anew whenever a log, a checkpoint or a hook asks for it, with a
    formatter of Python code that needs about half a second for it.
    """

    @classmethod
    def of(cls, cfg: Config) -> ReadableConfig:
        """The same config, sharing its values."""
        readable = cls.__new__(cls)
        readable.__setstate__(cfg.__getstate__())
        return readable

    @property
    def pretty_text(self) -> str:
        """The text as Python."""
        return config_text(self.to_dict())


def config_text(values: Mapping[str, Any]) -> str:
    """Lay out values as the text of a config file.

    Args:
        values: What is set, by name: plain Python data.

    Returns:
        One assignment per name, sorted by name; what does not fit on a line has a line per item.
    """
    lines = (f'{name} = {_layout(values[name], len(name) + 3, 0)}\n' for name in sorted(values))
    return ''.join(lines)


def _layout(value: Any, column: int, indent: int) -> str:
    """The text of a value that starts at a column, in a line of some indentation."""
    flat = _flat(value)
    if column + len(flat) < _WIDTH or not isinstance(value, dict | list | tuple) or not value:
        return flat
    left, right = _brackets(value)
    inner = indent + _INDENT
    items = (
        f'{" " * inner}{label}{_layout(item, inner + len(label), inner)},\n'
        for label, item in _items(value)
    )
    return f'{left}\n{"".join(items)}{" " * indent}{right}'


def _flat(value: Any) -> str:
    """The text of a value on one line."""
    if isinstance(value, dict | list | tuple):
        left, right = _brackets(value)
        text = ', '.join(label + _flat(item) for label, item in _items(value))
        comma = ',' if isinstance(value, tuple) and len(value) == 1 else ''
        return f'{left}{text}{comma}{right}'
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    # NumPy's numbers have a longer form that no config could read.
    return repr(value) if isinstance(value, str | bytes) else str(value)


def _brackets(value: dict | list | tuple) -> tuple[str, str]:
    if isinstance(value, dict):
        return ('dict(', ')') if _are_names(value) else ('{', '}')
    return ('[', ']') if isinstance(value, list) else ('(', ')')


def _items(value: dict | list | tuple) -> Iterator[tuple[str, Any]]:
    """The items of a container, each with what comes before it."""
    if not isinstance(value, dict):
        yield from (('', item) for item in value)
        return
    form = '{}=' if _are_names(value) else '{!r}: '
    yield from ((form.format(key), value[key]) for key in sorted(value, key=str))


def _are_names(keys: dict) -> bool:
    """Tell whether all keys could be names of arguments."""
    return all(isinstance(key, str) and key.isidentifier() and not iskeyword(key) for key in keys)


def read_config_text(text: str) -> dict[str, Any]:
    """Read back what :func:`config_text`, or mmengine's ``pretty_text``, has laid out.

    Nothing is run: a value is a number, text, None, a list, tuple or dict of these, or one of the
    calls ``dict(...)`` and ``float('inf')``.

    Raises:
        InputError: If there is anything else in it; the message has the line.
    """
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f'its text is not a config: {error}') from error
    values = {}
    for each in statements:
        if not isinstance(each, ast.Assign) or not isinstance(each.targets[0], ast.Name):
            raise InputError(f'line {each.lineno} of its config is not an assignment of plain data')
        values[each.targets[0].id] = _plain_value(each.value)
    return values


def _plain_value(node: ast.expr) -> Any:
    """The value of an expression that is plain data."""
    if isinstance(node, ast.List):
        return [_plain_value(each) for each in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_plain_value(each) for each in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [_plain_value(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(_plain_value, node.values), strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == 'dict' and not node.args and all(each.arg for each in node.keywords):
            return {str(each.arg): _plain_value(each.value) for each in node.keywords}
        if node.func.id == 'float' and len(node.args) == 1 and not node.keywords:
            return float(str(_plain_value(node.args[0])))
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        raise InputError(f'line {node.lineno} of its config is not plain data') from error
