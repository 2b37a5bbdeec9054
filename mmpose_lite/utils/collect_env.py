"""The environment: what is installed, and what is wrong with it."""

from __future__ import annotations

import importlib
import platform
import re
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple

from ..version import __version__
from .threads import find_cores


class Problem(NamedTuple):
    """Something that keeps the package from working, and the command that fixes it."""

    what: str
    fix: str


class Need(NamedTuple):
    """A package that must import; requirements.txt says the same."""

    distribution: str
    module: str
    minimum: str


NEEDS = (
    Need('torch', 'torch', '2.10'),
    Need('torchvision', 'torchvision', '0.25'),
    Need('mmengine', 'mmengine', '0.10.7'),
    Need('mmcv-lite', 'mmcv', '2.1'),
    Need('numpy', 'numpy', '1.24'),
    Need('opencv-python', 'cv2', '4.8'),
    Need('pillow', 'PIL', '9'),
    Need('json-tricks', 'json_tricks', '3.17'),
    Need('matplotlib', 'matplotlib', '3.5'),
    Need('rich', 'rich', '13'),
    Need('filelock', 'filelock', '3.12'),
    Need('jinja2', 'jinja2', '3.1'),
    Need('plotly', 'plotly', '6.0'),
)

_FIX_PAIR = 'pip install -U torch torchvision'


def collect_env() -> dict[str, str]:
    """Describe the machine and the versions of everything that the package uses.

    A package that is missing or does not import is listed with the reason.
    """
    env = {
        'mmpose_lite': __version__,
        'Python': f'{platform.python_version()} ({sys.executable})',
        'Platform': platform.platform(),
    }
    env |= {need.module: _state(need) for need in NEEDS}
    env['COCO API'] = _coco_state()
    env['Devices'] = describe_devices()
    env['Cores'] = str(find_cores())
    return env


def installed_versions() -> dict[str, str]:
    """The versions of the package and of what it uses, without importing anything."""
    versions = {'mmpose_lite': __version__}
    for need in NEEDS:
        module = sys.modules.get(need.module)
        versions[need.module] = (
            _version(need, module) if module else _installed(need.distribution) or 'not installed'
        )
    return versions


def environment_text() -> str:
    """Describe the command, the machine and the versions of what the package uses.

    mmengine's description imports torchvision, and with it torch's compiler, for its version.
    """
    torch: Any = _import('torch')
    # The libraries in torch and its instructions; its settings are the compiler's flags.
    build = (line.strip(' -') for line in torch.__config__.show().splitlines()[1:])
    facts = {
        'Command': ' '.join(sys.argv),
        'Python': sys.version.replace('\n', ''),
        'Platform': platform.platform(),
        **installed_versions(),
        'Devices': describe_devices(),
        'Threads': torch.get_num_threads(),
        'torch is built with': '; '.join(
            line for line in build if line and not line.startswith('Build settings')
        ),
    }
    return fact_lines(facts)


def fact_lines(facts: Mapping[str, Any]) -> str:
    """Lay out facts: an indented line each, which begins a new one."""
    return ''.join(f'\n    {name}: {value}' for name, value in facts.items())


def check_env() -> list[Problem]:
    """Find what keeps the package from working here, each with the one command that fixes it."""
    found = [*map(_check, NEEDS), _check_pair(), _check_mmcv(), _check_coco()]
    return [problem for problem in found if problem]


def _import(name: str) -> ModuleType | Exception:
    """Import a module; a broken one may raise anything, which is returned."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        return error


def _missing(result: Any, module: str) -> bool:
    return isinstance(result, ModuleNotFoundError) and result.name == module


def _installed(distribution: str) -> str | None:
    from importlib import metadata  # a tenth of a second, which --help has no use for

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _version(need: Need, module: ModuleType) -> str:
    """Ask the module first: cv2, for one, comes from half a dozen distributions."""
    return getattr(module, '__version__', None) or _installed(need.distribution) or '0'


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r'\d+', version.partition('+')[0])[:3])


def _state(need: Need) -> str:
    result = _import(need.module)
    if isinstance(result, ModuleType):
        return _version(need, result)
    return 'not installed' if _missing(result, need.module) else f'does not import: {result}'


def _check(need: Need) -> Problem | None:
    result = _import(need.module)
    wanted = f'"{need.distribution}>={need.minimum}"'
    if _missing(result, need.module):
        return Problem(f'{need.distribution} is not installed', f'pip install {wanted}')
    if isinstance(result, Exception):
        fix = f'pip install --force-reinstall --no-deps {need.distribution}'
        if need.module == 'cv2' and 'libGL' in str(result):  # a server without a desktop
            fix = 'pip uninstall -y opencv-python && pip install opencv-python-headless'
        if need.module == 'torchvision':  # most often compiled for another torch
            fix = _FIX_PAIR
        return Problem(f'{need.module} is installed but does not import: {result}', fix)
    version = _version(need, result)
    if _numbers(version) < _numbers(need.minimum):
        return Problem(
            f'{need.module} {version} is older than {need.minimum}', f'pip install -U {wanted}'
        )
    return None


def _check_pair() -> Problem | None:
    """Torchvision names the torch that it is built for in its metadata."""
    from importlib import metadata

    torch, vision = _installed('torch'), _installed('torchvision')
    if torch is None or vision is None:
        return None
    for line in metadata.requires('torchvision') or ():
        match = re.match(r'torch\s*\(?(==|>=)\s*([\d.]+)', line)
        if match is None:
            continue
        have, want, is_exact = _numbers(torch), _numbers(match[2]), match[1] == '=='
        if have != want and (is_exact or have < want):
            built_for = match[2] if is_exact else f'{match[2]} or newer'
            what = f'torchvision {vision} is built for torch {built_for}, but torch is {torch}'
            return Problem(what, _FIX_PAIR)
    return None


def _check_mmcv() -> Problem | None:
    """Full mmcv and mmcv-lite write to the same folder; two versions there are a mixture."""
    full, lite = _installed('mmcv'), _installed('mmcv-lite')
    if full is None or lite is None or full == lite:
        return None
    return Problem(
        f'mmcv {full} and mmcv-lite {lite} are both installed, in one folder',
        'pip uninstall -y mmcv mmcv-lite && pip install mmcv-lite',
    )


def _check_coco() -> Problem | None:
    if _installed('xtcocotools') or _installed('pycocotools'):
        return None
    return Problem('neither xtcocotools nor pycocotools is installed', 'pip install pycocotools')


def _coco_state() -> str:
    """Say which library reads annotations, and whether its masks work (keypoints need none)."""
    if version := _installed('xtcocotools'):
        loads = isinstance(_import('xtcocotools._mask'), ModuleType)
        masks = 'masks work' if loads else 'masks stood in for: built for another NumPy'
        return f'xtcocotools {version} ({masks})'
    version = _installed('pycocotools')
    return f'pycocotools {version}' if version else 'not installed'


def describe_devices() -> str:
    """Name the GPUs, or say that there is none."""
    torch: Any = _import('torch')
    if isinstance(torch, Exception):
        return 'unknown'
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        names = ', '.join(torch.cuda.get_device_name(i) for i in range(count))
        return f'{names} (CUDA {torch.version.cuda})'
    if torch.backends.mps.is_available():
        return 'Apple GPU (MPS)'
    return 'CPU only'
