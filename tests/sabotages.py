"""Break the package one line at a time; the test named in ``planted_faults`` must turn red.

    python tests/sabotages.py [--only WORD] [--jobs N]

Each fault is planted in a copy of the checkout, where its test was green before.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from planted_faults import SABOTAGES, Sabotage

ROOT = Path(__file__).resolve().parents[1]
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


def is_green(test: str, root: Path) -> bool:
    """Run a test in a copy; return True if it passes."""
    command = [sys.executable, '-m', 'pytest', '-q', '-x', '-p', 'no:cacheprovider', *test.split()]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=900)
    if done.returncode not in (0, 1):
        sys.exit(f'{test} could not be run:\n{done.stdout}{done.stderr}')
    return done.returncode == 0


def is_caught(sabotage: Sabotage) -> bool:
    """Plant a fault in a new copy; return True if its test turns red."""
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        apply(sabotage, Path(folder))
        caught = not is_green(sabotage.test, Path(folder))
    print(f'{"caught" if caught else "MISSED"}  {sabotage.what}  ({sabotage.test})', flush=True)
    return caught


def main() -> None:
    """Run the tests without any fault, then with each."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--only', default='', help='those whose description has this word')
    parser.add_argument('--jobs', type=int, default=1, help='how many at a time')
    args = parser.parse_args()
    chosen = [each for each in SABOTAGES if args.only in each.what]
    with tempfile.TemporaryDirectory() as folder:
        copy_checkout(Path(folder))
        red = [
            test
            for test in dict.fromkeys(each.test for each in chosen)
            if not is_green(test, Path(folder))
        ]
    if red:
        sys.exit(f'red without a sabotage: {", ".join(red)}')
    with ThreadPoolExecutor(args.jobs) as pool:
        caught = list(pool.map(is_caught, chosen))
    print(f'{sum(caught)} of {len(caught)} caught')
    sys.exit(not all(caught))


if __name__ == '__main__':
    main()
