"""Calls that run or unpack foreign content are made nowhere but where this list says, and why."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ('mmpose_lite', 'tools') for path in (ROOT / folder).rglob('*.py')
)
NAMES = {'eval', 'exec', 'compile', '__import__'}
MODULES = {'pickle', 'cPickle', 'dill', 'cloudpickle', 'joblib', 'marshal', 'shelve', 'runpy'}
CALLS = {'torch.load', 'torch.jit.load', 'torch.hub.load', 'torch.package', 'yaml.load'}
CALLS |= {'yaml.unsafe_load', 'yaml.full_load', 'os.system', 'os.popen', 'Config.fromstring'}
CALLS |= {'torch.hub.load_state_dict_from_url', 'model_zoo.load_url'}
KEYWORDS = {'allow_pickle', 'shell', 'pickle_module'}

# file and what it does -> why
ALLOWED = {
    ('mmpose_lite/checkpoints/reading.py', 'torch.load'): 'the one place for files',
    (
        'mmpose_lite/engine/run_state.py',
        'torch.load',
    ): "tensors of the run's processes",
    ('mmpose_lite/evaluation/metrics/dump_results.py', 'pickle'): 'writes what --dump asks for',
    ('mmpose_lite/launch/rank.py', 'runpy'): 'runs the script of the command line',
}


def unsafe(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Find the calls of a file that could run foreign content, each with its place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = {alias.name.partition('.')[0] for alias in node.names}
            yield from ((name, node) for name in modules & MODULES)
        elif isinstance(node, ast.ImportFrom):
            names = {f'{node.module}.{alias.name}' for alias in node.names}
            yield from ((name, node) for name in names & CALLS)
            yield from ((name, node) for name in {str(node.module)} & MODULES)
        elif isinstance(node, ast.Attribute):
            text = ast.unparse(node)
            yield from ((name, node) for name in CALLS if f'.{text}'.endswith(f'.{name}'))
        elif isinstance(node, ast.Name) and node.id in NAMES:
            yield node.id, node
        elif isinstance(node, ast.keyword) and node.arg in KEYWORDS:
            yield str(node.arg), node.value


@pytest.mark.parametrize('path', SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_unsafe_is_called(path):
    name = path.relative_to(ROOT).as_posix()
    found = {
        f'{name}:{node.lineno}: {what}'
        for what, node in unsafe(ast.parse(path.read_text(encoding='utf-8')))
        if (name, what) not in ALLOWED
    }
    assert not found


def test_what_is_allowed_is_still_there():
    for name, what in ALLOWED:
        tree = ast.parse((ROOT / name).read_text(encoding='utf-8'))
        assert what in {found for found, _ in unsafe(tree)}, f'{name} does no {what}'


def test_every_torch_load_says_which_it_is():
    """It is unsafe once: for files that a person has named as trusted."""
    said = []
    for name in (name for name, what in ALLOWED if what == 'torch.load'):
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == 'torch.load':
                keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                said.append((name.rpartition('/')[2], keywords['weights_only']))
    assert said.count(('reading.py', 'False')) == 1
    assert {value for name, value in said if name != 'reading.py'} <= {'True'}
    assert ('reading.py', 'True') in said


def test_pickle_is_written_and_not_read():
    text = (ROOT / 'mmpose_lite/evaluation/metrics/dump_results.py').read_text(encoding='utf-8')
    assert 'pickle.load' not in text
    assert 'Unpickler' not in text


@pytest.mark.parametrize(
    'text',
    [
        'torch.load(path)',
        'from torch import load',
        'import pickle',
        'from pickle import loads',
        'eval(text)',
        'exec(text)',
        'np.load(path, allow_pickle=True)',
        'yaml.load(text)',
        'subprocess.run(text, shell=True)',
        'mmengine.Config.fromstring(text, ".py")',
    ],
)
def test_what_is_unsafe_is_seen(text):
    assert list(unsafe(ast.parse(text)))
