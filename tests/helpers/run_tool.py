"""Running the tools of the checkout as a user does, in processes of their own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run_tool(*arguments: object, cwd: Path, launcher: tuple[str, ...] = ()) -> str:
    """Run ``python [launcher] tools/...`` in a folder; return what it printed."""
    tool, *rest = map(str, arguments)
    command = [sys.executable, *launcher, str(ROOT / 'tools' / tool), *rest]
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, 'OMP_NUM_THREADS': '1', 'COLUMNS': '160'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]  # how it ended; the config is far above
    return done.stdout
