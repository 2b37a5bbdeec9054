"""Start programs and forked children, and collect what they print and leave behind.

Tests reach the programs through the fixture ``processes``, which marks them as slow.
"""

import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAULTS = ROOT / 'tests' / 'test_distributed'
# A job ends within 30 s of its failure; before that come imports and iterations on a busy machine.
LIMIT = 900


def start(*command: object, cwd: Path, **variables: str) -> subprocess.Popen:
    """Start a command as a user does, in a session of its own."""
    environment = {**os.environ, 'PYTHON': sys.executable, 'OMP_NUM_THREADS': '1'}
    environment |= {'PYTHONPATH': str(FAULTS), 'COLUMNS': '160', **variables}
    return subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen, limit: float = LIMIT) -> SimpleNamespace:
    """Wait for a command; return its status and output. One that hangs is killed and fails."""
    try:
        printed, _ = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(f'still running after {limit} s: {process.communicate()[0]}')
    return SimpleNamespace(status=process.returncode, printed=printed)


def run(*command: object, cwd: Path, **variables: str) -> SimpleNamespace:
    """Start a command and wait for it."""
    return finish(start(*command, cwd=cwd, **variables))


def run_tool(
    tool: str, *arguments: object, cwd: Path, launcher: tuple[str, ...] = (), **variables: str
) -> str:
    """Run ``python [launcher] tools/...`` as a user does; return what it printed."""
    command = (sys.executable, *launcher, ROOT / 'tools' / tool)
    done = run(*command, *arguments, cwd=cwd, **variables)
    assert done.status == 0, done.printed[-5000:]  # how it ended; the config is far above
    return done.printed


def run_command(*words: object, cwd: Path, **variables: str) -> str:
    """Run ``python -m mmpose_lite`` as a user does who has it installed; return what it printed."""
    command = (sys.executable, '-m', 'mmpose_lite', *words)
    done = run(*command, cwd=cwd, **{'PYTHONPATH': str(ROOT), **variables})
    assert done.status == 0, done.printed[-5000:]
    return done.printed


def run_python(code: str, *arguments: object, flags: tuple[str, ...] = (), **variables: str) -> str:
    """Run code in a fresh interpreter at the root of the checkout; return what it printed."""
    done = run(sys.executable, *flags, '-c', code, *arguments, cwd=ROOT, **variables)
    assert done.status == 0, done.printed
    return done.printed


class Child:
    """Run a function in a forked process.

    Args:
        function: Called in the child, which then ends without Python's clean-up.
    """

    def __init__(self, function):
        self._said, saying = os.pipe()
        self._process = os.fork()
        if self._process:
            os.close(saying)
            return
        status = 1
        try:
            function()
            status = 0
        except BaseException:  # whatever it is, the parent has to hear of it
            os.write(saying, traceback.format_exc().encode())
        finally:
            os._exit(status)

    def status(self) -> int:
        """Wait for its end; one that ends by an exception fails the test with its traceback."""
        with os.fdopen(self._said, 'rb') as pipe:
            said = pipe.read().decode()
        status = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        if said:
            pytest.fail(f'a child ended by this:\n{said}', pytrace=False)
        return status


def left_behind(mark: str, patience: float = 6) -> list[str]:
    """List processes whose environment holds a mark, once those that are ending have ended."""
    ends = time.monotonic() + patience
    while found := _processes(mark):
        if time.monotonic() > ends:
            break
        time.sleep(0.1)
    return found


def _processes(mark: str) -> list[str]:
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            if mark.encode() in (folder / 'environ').read_bytes():
                found.append(f'{folder.name}: {(folder / "cmdline").read_text()}')
        except OSError:  # it has ended, or is somebody else's
            continue
    return found
