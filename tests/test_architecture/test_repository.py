"""The checkout itself: its requirements, its documents, and what must not be in it."""

import ast
import re
import sys
from pathlib import Path

import pytest

from mmpose_lite.utils.collect_env import NEEDS

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ('benchmarks', 'configs', 'docs', 'mmpose_lite', 'tests', 'tools', '.ci', '.github')
SUFFIXES = {'.py', '.md', '.txt', '.toml', '.yml', '.yaml', '.json', '.cfg', '.in', ''}

# Imported only by what needs them, with an error that names them.
OPTIONAL = {'albumentations', 'av', 'h5py', 'onnxruntime', 'safetensors', 'scipy', 'shtab'}

# Written in two parts so that this file does not contain them.
FORBIDDEN = ['/ro' + 'ot/', '/wo' + 'rk/', '/ho' + 'me/', 'pypi' + '.org', 'file' + ':///']


def documents() -> list[Path]:
    """List the text files of the checkout, leaving out what git does not hold."""
    files = [path for path in ROOT.iterdir() if path.is_file() and path.name != '.git']
    files += [path for folder in FOLDERS for path in (ROOT / folder).rglob('*') if path.is_file()]
    return [path for path in files if path.suffix in SUFFIXES and '__pycache__' not in path.parts]


def requirements() -> dict[str, str]:
    """Read the distributions and lowest versions of requirements.txt."""
    text = (ROOT / 'requirements.txt').read_text(encoding='utf-8')
    return dict(re.findall(r'^([\w-]+)>=([\d.]+)', text, flags=re.MULTILINE))


@pytest.mark.parametrize('word', FORBIDDEN)
def test_no_file_names_a_machine(word):
    hits = [path for path in documents() if word in path.read_text('utf-8', errors='replace')]
    assert not [str(path.relative_to(ROOT)) for path in hits]


def test_environment_check_knows_the_requirements():
    needs = {need.distribution: need.minimum for need in NEEDS}
    coco = {'xtcocotools', 'pycocotools'}
    assert needs == {name: low for name, low in requirements().items() if name not in coco}


def third_party() -> dict[str, set[str]]:
    """Collect the modules of others that the package and the tools import, and where."""
    users: dict[str, set[str]] = {}
    for path in [*(ROOT / 'mmpose_lite').rglob('*.py'), *(ROOT / 'tools').glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or '']
            for root in {name.partition('.')[0] for name in names}:
                users.setdefault(root, set()).add(path.name)
    return {name: users[name] for name in set(users) - sys.stdlib_module_names - {'mmpose_lite'}}


def test_every_requirement_is_used():
    # mmengine reads torchvision:// weights with torchvision.
    assert {need.module for need in NEEDS} - {'torchvision'} <= set(third_party())


def test_everything_used_is_required():
    assert set(third_party()) <= {need.module for need in NEEDS} | OPTIONAL


def test_no_module_imports_the_coco_libraries_by_itself():
    # coco_api.py imports whichever there is, by name.
    assert not {'xtcocotools', 'pycocotools'} & set(third_party())


def test_tests_that_documents_name_are_there():
    broken = []
    for path in (file for file in documents() if file.suffix == '.md'):
        links = re.findall(r'\[(test_\w+)\]\(([^)]+\.py)\)', path.read_text(encoding='utf-8'))
        for name, target in links:
            if f'def {name}(' not in (path.parent / target).read_text(encoding='utf-8'):
                broken.append(f'{path.relative_to(ROOT)}: {name}')
    assert not broken


def test_the_readme_is_a_page():
    assert len((ROOT / 'README.md').read_text(encoding='utf-8').splitlines()) <= 120


def test_links_between_documents_lead_somewhere():
    broken = []
    for path in (file for file in documents() if file.suffix == '.md'):
        text = path.read_text(encoding='utf-8')
        for target in re.findall(r'\]\((?!https?:|#|mailto:)([^)#\s]+)', text):
            if not (path.parent / target).exists():
                broken.append(f'{path.relative_to(ROOT)}: {target}')
    assert not broken
