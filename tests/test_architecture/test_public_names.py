"""The public names of every package: none vanishes by accident, and each says what it is.

After adding names, or removing some on purpose, write the list anew:

    python tests/test_architecture/test_public_names.py
"""

import ast
import importlib
import inspect
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STORED = ROOT / 'tests' / 'public_names.json'


def declared(path: Path) -> list[str]:
    """Read ``__all__``, or else the names imported as themselves, without importing the file."""
    tree = ast.parse(path.read_text(encoding='utf-8'))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '__all__':
            return sorted(ast.literal_eval(node.value))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    aliases = [alias for node in imports for alias in node.names]
    return sorted(alias.name for alias in aliases if alias.asname == alias.name)


def public_names() -> dict[str, list[str]]:
    """Collect the public names of all packages that declare some."""
    files = sorted((ROOT / 'mmpose_lite').rglob('__init__.py'))
    names = {'.'.join(path.parent.relative_to(ROOT).parts): declared(path) for path in files}
    return {package: names[package] for package in sorted(names) if names[package]}


def test_no_public_name_vanished():
    stored, now = json.loads(STORED.read_text(encoding='utf-8')), public_names()
    gone = {
        package: sorted(set(names) - set(now.get(package, ()))) for package, names in stored.items()
    }
    assert not {package: names for package, names in gone.items() if names}


def test_new_public_names_are_stored():
    stored = json.loads(STORED.read_text(encoding='utf-8'))
    assert public_names() == stored, f'run: python {Path(__file__).relative_to(ROOT)}'


@pytest.mark.parametrize('package', sorted(public_names()))
def test_no_lazy_name_is_that_of_a_module(package):
    """Importing the module would put it in the place of what is in it."""
    folder = ROOT.joinpath(*package.split('.'))
    tree = ast.parse((folder / '__init__.py').read_text(encoding='utf-8'))
    lazy = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for block in lazy for node in block.body if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names}
    assert not names & {path.stem for path in folder.iterdir()}


@pytest.mark.parametrize('package', sorted(public_names()))
def test_public_names_resolve_and_are_described(package):
    module = importlib.import_module(package)
    assert module.__doc__, f'{package} has no docstring'
    for name in public_names()[package]:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, f'{package}.{name} has no docstring'


if __name__ == '__main__':
    STORED.write_text(json.dumps(public_names(), indent=2) + '\n', encoding='utf-8')
