"""Break the package one line at a time; the test named in ``planted_faults`` must turn red.

    python tests/sabotages.py [--only WORD] [--jobs N]

Each fault is planted in a copy of the checkout, where its test was green before.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import wait
from pathlib import Path

import pytest

from planted_faults import SABOTAGES, Sabotage

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
_FORK = get_context('fork')
# Loaded once; a test by itself would take most of its time for them.
_LIBRARIES = ('torch', 'torchvision', 'mmcv', 'mmengine.runner', 'cv2')
_COPIED = ('benchmarks', 'configs', 'mmpose_lite', 'tests', 'tools')
_FILES = ('pyproject.toml', 'README.md', 'setup.py', 'requirements.txt')


def apply(sabotage: Sabotage, root: Path) -> None:
    """Change the line of a sabotage.

    Raises:
        SystemExit: If the line is not in its file exactly once.
    """
    path = root / sabotage.file
    text = path.read_text(encoding='utf-8')
    if text.count(sabotage.line) != 1:
        sys.exit(f'{sabotage.what}: {sabotage.file} has {sabotage.line!r} not once')
    path.write_text(text.replace(sabotage.line, sabotage.becomes), encoding='utf-8')


def copy_checkout(target: Path) -> None:
    """Copy the folders and files that tests need."""
    ignored = shutil.ignore_patterns('__pycache__', '.*_cache')
    for name in _COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=ignored)
    for name in _FILES:
        shutil.copy(ROOT / name, target / name)


def is_green(tests: Sequence[str], root: Path) -> bool:
    """Run tests in a copy, in a process that has the libraries already; return True if all pass."""
    process = _FORK.Process(target=_run_tests, args=(tests, root))
    process.start()
    process.join(900)
    if process.exitcode not in (0, 1):
        process.kill()
        log = (root / 'pytest.log').read_text(encoding='utf-8')
        raise RuntimeError(f'{" ".join(tests)} could not be run:\n{log}')
    return process.exitcode == 0


def _run_tests(tests: Sequence[str], root: Path) -> None:
    """Run pytest in this process, as ``python -m pytest`` in that folder would."""
    os.setsid()
    os.chdir(root)
    sys.path[:] = [str(root), *(path for path in sys.path if Path(path) not in (ROOT, HERE))]
    for name in [name for name in sys.modules if name.partition('.')[0] == 'planted_faults']:
        del sys.modules[name]
    log = os.open('pytest.log', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    options = ('-q', '-x', '-p', 'no:cacheprovider', '-p', 'no:xdist')
    status = pytest.main([*options, *tests])
    sys.stdout.flush()
    os._exit(status)


def try_sabotage(sabotage: Sabotage) -> None:
    """Plant a fault in a new copy; end with 0 if its test turns red."""
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        apply(sabotage, Path(folder))
        try:
            caught = not is_green(sabotage.test.split(), Path(folder))
        except RuntimeError as error:
            print(error)
            caught = False
    print(f'{"caught" if caught else "MISSED"}  {sabotage.what}  ({sabotage.test})', flush=True)
    sys.exit(not caught)


def try_all(sabotages: Sequence[Sabotage], jobs: int) -> int:
    """Try them, a process each; return how many were caught."""
    waiting, running, caught = list(sabotages), [], 0
    while waiting or running:
        while waiting and len(running) < jobs:
            process = _FORK.Process(target=try_sabotage, args=(waiting.pop(0),))
            process.start()
            running.append(process)
        ready = wait([process.sentinel for process in running])
        for process in [each for each in running if each.sentinel in ready]:
            process.join()
            running.remove(process)
            caught += process.exitcode == 0
    return caught


def main() -> None:
    """Run the tests without any fault, then with each."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--only', default='', help='those whose description has this word')
    parser.add_argument('--jobs', type=int, default=1, help='how many at a time')
    args = parser.parse_args()
    for library in _LIBRARIES:
        import_module(library)
    chosen = [each for each in SABOTAGES if args.only in each.what]
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        # Those with options of their own, such as ``-k``, are run one by one.
        together = {each.test for each in chosen if len(each.test.split()) == 1}
        alone = {each.test for each in chosen} - together
        for tests in filter(None, (sorted(together), *(test.split() for test in sorted(alone)))):
            if not is_green(tests, Path(folder)):
                sys.exit((Path(folder) / 'pytest.log').read_text(encoding='utf-8'))
    print(f'{len(together) + len(alone)} tests are green without a fault', flush=True)
    caught = try_all(chosen, args.jobs)
    print(f'{caught} of {len(chosen)} caught')
    sys.exit(caught < len(chosen))


if __name__ == '__main__':
    main()
