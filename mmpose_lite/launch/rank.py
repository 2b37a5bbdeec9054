"""One process of a run: runs a script, and leaves a note of how that ended.

The launcher runs this file; it needs nothing but the standard library:

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
from typing import Any

LAUNCHER = 'MMPOSE_LITE_LAUNCHER'  # the launcher's process id

_NOTE = 'TORCHELASTIC_ERROR_FILE'  # where torch's `@record` would write
_PR_SET_PDEATHSIG = 1
_OWN_FILES = (__file__, runpy.__file__, '<frozen runpy>')
_FROM_SIGNAL = range(128, 128 + 65)
_CONNECTION = ('gloo', 'NCCL', 'TCPStore', 'Connection reset', 'Connection closed', 'Broken pipe')


def main() -> int:
    """Run what the arguments name; return the exit status."""
    _end_with(int(os.environ[LAUNCHER]))
    note = Path(os.environ[_NOTE])
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
    try:
        if arguments[0] == '-m':
            sys.argv = arguments[1:]
            _replace_first_path(os.getcwd())
            runpy.run_module(arguments[1], run_name='__main__', alter_sys=True)
        else:
            sys.argv = arguments
            _replace_first_path(os.path.dirname(os.path.abspath(arguments[0])))
            runpy.run_path(arguments[0], run_name='__main__')
    except SystemExit as error:
        return _of_exit(error)
    except KeyboardInterrupt:
        return {'state': 'stopped', 'code': 128 + signal.SIGINT}
    except BaseException as error:
        return _failure(error, f'{type(error).__name__}: {error}', _trace(error))
    return {'state': 'done', 'code': 0}


def _replace_first_path(folder: str) -> None:
    """Import from the script's folder instead of this file's."""
    if sys.path[0] == os.path.dirname(os.path.abspath(__file__)):
        sys.path.pop(0)
    sys.path.insert(0, folder)


def _of_exit(error: SystemExit) -> dict[str, Any]:
    if not error.code:
        return {'state': 'done', 'code': 0}
    if isinstance(error.code, int):
        if error.code in _FROM_SIGNAL:
            return {'state': 'stopped', 'code': error.code}
        return _failure(error, f'ended with status {error.code}', code=error.code)
    return _failure(error, str(error.code).removeprefix('error: '))


def _failure(error: BaseException, message: str, trace: str = '', code: int = 1) -> dict[str, Any]:
    suffers = _lost_connection(error) or _names_others(error)
    note = {'state': 'failed', 'code': code, 'suffers': suffers}
    return {**note, 'message': message.strip(), 'trace': trace}


def _trace(error: BaseException) -> str:
    """The traceback, from the script on."""
    place = error.__traceback__
    while place is not None and place.tb_frame.f_code.co_filename in _OWN_FILES:
        place = place.tb_next
    return ''.join(traceback.format_exception(type(error), error, place))


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _lost_connection(error: BaseException) -> bool:
    """Tell whether an error says no more than that another rank is gone or does not answer."""
    return any(
        'Dist' in kind.__name__
        for each in _chain(error)
        for kind in type(each).__mro__
        if kind.__module__.startswith('torch')
    ) or any(
        word in str(each)
        for each in _chain(error)
        if isinstance(each, RuntimeError)
        for word in _CONNECTION
    )


def _names_others(error: BaseException) -> bool:
    """Tell whether an error that all ranks raise names, as its ``ranks``, others than this one."""
    own = int(os.environ['RANK'])
    named = [ranks for each in _chain(error) if (ranks := getattr(each, 'ranks', None))]
    return any(own not in ranks for ranks in named)


def _end_with(launcher: int) -> None:
    """Ask the system to end this process when the launcher is gone, even if that was killed."""
    if sys.platform == 'linux':
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != launcher:
            sys.exit('error: the launcher is gone')


if __name__ == '__main__':
    leave(main())
