"""Docstrings open with a noun or an imperative."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ('mmpose_lite', 'tests', 'tools', 'benchmarks')
# Such sentences make a reader wait for their subject.
OPENINGS = ('What', 'Whether', 'How', 'Have', 'Where', 'Which', 'Who', 'Why', 'When')


def openings(source):
    """Yield the line and the first word of each docstring."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            words = (ast.get_docstring(node) or '').split()
            if words:
                yield getattr(node, 'lineno', 1), words[0]


@pytest.mark.parametrize('folder', FOLDERS)
def test_docstrings_open_with_a_noun_or_an_imperative(folder):
    paths = sorted((ROOT / folder).rglob('*.py'))
    assert paths
    found = [
        f'{path.relative_to(ROOT)}:{line} {word}'
        for path in paths
        for line, word in openings(path.read_text(encoding='utf-8'))
        if word in OPENINGS
    ]
    assert found == []


def test_an_opening_is_found():
    assert list(openings('"""Whether."""\ndef f():\n    """What it does."""\n')) == [
        (1, 'Whether.'),
        (2, 'What'),
    ]
