"""Output that pages show, compared with what commands and programs print."""

import ast
import re
import textwrap
from typing import Any

import numpy as np

from helpers.pages import Block

# A number with its sign, separators and decimals; a run of a test has others.
_NUMBER = r'[+-]?\d+(?:[.,]\d+)*'
_SHAPE = re.compile(r'#\s*\(([\w, ]+)\)')


def pattern_of(line: str) -> re.Pattern[str]:
    """Match a line of another run: any number where it has one, and anything for ``...``."""
    texts = re.split(rf'({_NUMBER}|\.\.\.)', line.strip())
    # Every second text is a number or an ellipsis.
    parts = ['.*' if text == '...' else _NUMBER for text in texts]
    parts[::2] = [re.escape(text) for text in texts[::2]]
    return re.compile(''.join(parts))


def missing_lines(shown: str, printed: str) -> list[str]:
    """The lines of a page that no line of an output is like."""
    lines = printed.splitlines()
    wanted = [line for line in shown.splitlines() if line.strip()]
    return [line for line in wanted if not any(map(pattern_of(line).search, lines))]


def check_shapes(block: Block, names: dict[str, Any]) -> int:
    """Compare the shapes in comments behind ``print`` with the values; return how many there are.

    Args:
        block: A program that has been run.
        names: What it left behind. Letters in a shape stand for any number.
    """
    text = textwrap.dedent(block.text)
    lines = text.splitlines()
    found = 0
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or getattr(node.func, 'id', '') != 'print':
            continue
        comment = _SHAPE.search(lines[node.end_lineno - 1][node.end_col_offset :])
        if comment is None:
            continue
        shape = _printed_shape(node, names)
        wanted = [each.strip() for each in comment[1].split(',')]
        fits = len(shape) == len(wanted) and all(
            not text.isdigit() or int(text) == size
            for text, size in zip(wanted, shape, strict=True)
        )
        assert fits, f'{block.place} shows ({comment[1]}), but it is {shape}'
        found += 1
    return found


def _printed_shape(call: ast.Call, names: dict[str, Any]) -> tuple[int, ...]:
    """The shape that a ``print`` prints, or that of its first value."""
    printed = [ast.unparse(each) for each in call.args]
    shape = next((each for each in printed if each.endswith('.shape')), None)
    if shape is not None:
        return tuple(eval(shape, names))
    return np.shape(eval(printed[0], names))
