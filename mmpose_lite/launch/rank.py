"""One process of a run: runs a script, and leaves a note of how that ended.

The launcher runs this file. It needs nothing but the standard library: whatever the script is, the
package need not be on its path.

    python rank.py SCRIPT [ARGS]        python rank.py -m MODULE [ARGS]
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any

LAUNCHER = 'MMPOSE_LITE_LAUNCHER'  # the launcher's process id
NOTE = 'TORCHELASTIC_ERROR_FILE'  # where torch's `@record` would write

_PR_SET_PDEATHSIG = 1
_OWN_FILES = (__file__, runpy.__file__, '<frozen runpy>')
_FROM_SIGNAL = range(128, 128 + 65)
_CONNECTION = ('gloo', 'NCCL', 'TCPStore', 'Connection reset', 'Connection closed', 'Broken pipe')


def main() -> int:
    """Run what the arguments name; return the exit status."""
    if sys.platform == 'linux':  # ends this process with the launcher, even if that is killed
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(os.environ[LAUNCHER]):
            sys.exit('error: the launcher is gone')
    note = Path(os.environ[NOTE])
    end = _run(sys.argv[1:])
    # What ends others must not keep this note from being written.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    beside = note.with_suffix('.tmp')  # a reader sees a whole note or none
    beside.write_text(json.dumps({'time': time.monotonic(), **end}), encoding='utf-8')
    beside.replace(note)
    return end['code']


def leave(code: int) -> None:
    """End this process without taking the interpreter down.

    Threads of torch's that still want something from it then crash, now and then.
    """
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(arguments: list[str]) -> dict[str, Any]:
    """Run a script or module as Python does; describe how it ended."""
    is_module = arguments[0] == '-m'
    sys.argv = arguments[is_module:]
    # Imports are from the script's folder instead of this file's.
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        sys.path.pop(0)
    script = os.path.dirname(os.path.abspath(sys.argv[0]))
    sys.path.insert(0, os.getcwd() if is_module else script)
    interrupts = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, interrupt)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # blocked by the launcher
        if is_module:
            runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name='__main__')
    except SystemExit as error:
        return _of_exit(error)
    except BaseException as error:
        # An import of compiled code may make an error of its own of an interrupt.
        if interrupts or isinstance(error, KeyboardInterrupt):
            return {'state': 'stopped', 'code': 128 + signal.SIGINT}
        return _failure(error, f'{type(error).__name__}: {error}', _trace(error))
    return {'state': 'done', 'code': 0}


def _of_exit(error: SystemExit) -> dict[str, Any]:
    if not error.code:
        return {'state': 'done', 'code': 0}
    if isinstance(error.code, int):
        if error.code in _FROM_SIGNAL:
            return {'state': 'stopped', 'code': error.code}
        return _failure(error, f'ended with status {error.code}', code=error.code)
    return _failure(error, str(error.code).removeprefix('error: '))


def _failure(error: BaseException, message: str, trace: str = '', code: int = 1) -> dict[str, Any]:
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    note = {'state': 'failed', 'code': code, 'suffers': any(map(_is_of_others, chain))}
    return {**note, 'message': message.strip(), 'trace': trace}


def _is_of_others(error: BaseException) -> bool:
    """Tell whether an error says no more than that another rank is gone, silent or to blame."""
    if ranks := getattr(error, 'ranks', None):  # all raise it, and it names those that it is of
        return int(os.environ['RANK']) not in ranks
    if isinstance(error, RuntimeError) and any(word in str(error) for word in _CONNECTION):
        return True
    kinds = (kind for kind in type(error).__mro__ if kind.__module__.startswith('torch'))
    return any('Dist' in kind.__name__ for kind in kinds)


def _trace(error: BaseException) -> str:
    """The traceback, from the script on."""
    place = error.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename in _OWN_FILES:
        place = place.tb_next
    return ''.join(traceback.format_exception(type(error), error, place))


if __name__ == '__main__':
    leave(main())
