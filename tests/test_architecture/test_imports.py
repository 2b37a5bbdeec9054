"""The cost and the needs of an import, in fresh processes."""

import os

import pytest

HEAVY = ('torch', 'torchvision', 'cv2', 'mmcv', 'matplotlib', 'mmpose_lite.models')

# Loads what others wrote once, then forks: a child has none of our modules loaded but its own.
IMPORT_EACH = """
import gc, importlib, os, warnings
from pathlib import Path

for name in ('cv2', 'matplotlib.pyplot', 'mmcv.cnn', 'mmcv.transforms', 'mmengine.runner'):
    importlib.import_module(name)
gc.disable()  # a collection in a child would copy the memory that it shares
warnings.simplefilter('ignore')  # Python warns about forks beside torch's threads

for path in sorted(Path('mmpose_lite').rglob('*.py')):
    name = '.'.join(path.with_suffix('').parts).removesuffix('.__init__')
    if name == 'mmpose_lite.__main__':
        continue
    child = os.fork()
    if child == 0:
        warnings.simplefilter('error')
        try:
            importlib.import_module(name)
        except BaseException as error:
            print(f'{name}: {type(error).__name__}: {error}', flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@pytest.mark.parametrize('module', ['mmpose_lite', 'mmpose_lite.registry', 'mmpose_lite.utils'])
def test_import_is_light_and_silent(processes, module):
    code = f'import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])'
    assert processes.run_python(code, flags=('-W', 'error')).strip() == '[]'


@pytest.mark.parametrize(
    ('code', 'others'),
    [
        ('from mmpose_lite.apis import init_model', ['reporting', 'engine', 'evaluation']),
        (
            "registry.MODELS.get('HRNet')",
            ['models.heads', 'models.backbones.resnet', 'reporting'],
        ),
    ],
)
def test_nothing_is_loaded_beside_what_is_named(processes, code, others):
    loaded = f'[name for name in {others} if f"mmpose_lite.{{name}}" in sys.modules]'
    code = f'import sys; from mmpose_lite import registry; {code}; print({loaded})'
    assert processes.run_python(code).strip() == '[]'


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
def test_every_module_imports_alone(processes):
    assert processes.run_python(IMPORT_EACH) == ''
