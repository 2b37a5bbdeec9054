"""The order of the layers, read from the import statements without running anything."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / 'mmpose_lite'

# Lowest first; a layer imports those before it, and parts on one line do not import each other.
LAYERS = (
    ('version',),
    ('errors',),
    ('registry',),
    ('utils',),
    ('launch', 'structures'),
    ('codecs', 'checkpoints'),
    ('datasets', 'models', 'evaluation', 'visualization', 'synthetic'),
    ('reporting', 'data_tools'),
    ('engine',),
    ('apis',),
    ('export',),
    ('inference',),
    ('demo',),
    ('cli',),
    ('__main__',),
)
# What the package itself names: what is loaded with it, and what at its first use.
AT_THE_TOP = {'version', 'utils', 'inference'}
ERRORS = {'InputError', 'MissingFileError', 'MissingKeyError'}
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

SOURCES = {
    '.'.join(path.relative_to(ROOT).with_suffix('').parts).removesuffix('.__init__'): path
    for path in sorted(PACKAGE.rglob('*.py'))
}


def statements(tree: ast.AST, lazy: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the import statements, those inside functions only if ``lazy``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if lazy or not (is_function or is_type_checking(node)):
            yield from statements(node, lazy)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and 'TYPE_CHECKING' in ast.unparse(node.test)


def imports(module: str, lazy: bool) -> set[str]:
    """Name the modules of the package that a module imports."""
    path = SOURCES[module]
    package = module if path.name == '__init__.py' else module.rpartition('.')[0]
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text(encoding='utf-8')), lazy):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
            continue
        base = node.module or ''
        if node.level:
            anchor = package.split('.')[: len(package.split('.')) - node.level + 1]
            base = '.'.join([*anchor, *filter(None, [base])])
        names = {f'{base}.{alias.name}' for alias in node.names}
        found |= {name if name in SOURCES else base for name in names}
    return {name for name in found if name.split('.')[0] == 'mmpose_lite'} - {module}


def part(module: str) -> str:
    """Name the part of the package that a module belongs to; empty for the package itself."""
    return module.partition('.')[2].partition('.')[0]


@pytest.mark.parametrize('module', sorted(SOURCES))
def test_module_imports_only_lower_layers(module):
    own = part(module)
    others = {part(name) for name in imports(module, lazy=True)} - {own, ''}
    allowed = {name for name, rank in RANK.items() if rank < RANK[own]} if own else AT_THE_TOP
    if own == 'synthetic':  # it draws by itself
        allowed = {'utils'}
    if module == 'mmpose_lite.apis':  # the list of names, as MMPose has it; it loads none of them
        allowed |= {'inference'}
    assert others <= allowed, f'{module} must not import {sorted(others - allowed)}'


def test_errors_are_imported_from_their_module():
    """Those that ``mmpose_lite.utils`` hands on are for programs of users."""
    for module, path in SOURCES.items():
        for node in statements(ast.parse(path.read_text(encoding='utf-8')), lazy=True):
            base = getattr(node, 'module', None) or ''
            is_of_utils = base.removeprefix('mmpose_lite.') == 'utils'
            named = {alias.name for alias in node.names} if is_of_utils else set()
            assert not named & ERRORS, f'{module} imports {named & ERRORS} from mmpose_lite.utils'


def test_every_part_has_a_layer():
    assert {part(module) for module in SOURCES} - {''} <= set(RANK)


def test_no_import_cycles():
    graph = {module: imports(module, lazy=False) for module in SOURCES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f'import cycle: {" -> ".join(error.args[1])}')


def test_every_import_within_the_package_exists():
    for module in SOURCES:
        unknown = {name for name in imports(module, lazy=True) if name not in SOURCES}
        assert not unknown, f'{module} imports {sorted(unknown)}, which are not there'


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in SOURCES.values()}
    assert not [str(folder) for folder in folders if not (folder / '__init__.py').is_file()]
