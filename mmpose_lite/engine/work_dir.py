"""The folder of a run: held by one training at a time, and found under a name that is near."""

from __future__ import annotations

import json
import os
import os.path as osp
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from itertools import islice
from logging import WARNING
from pathlib import Path

from filelock import FileLock, Timeout
from mmengine.logging import print_log

from mmpose_lite.checkpoints.writing import PREVIOUS, write_text
from mmpose_lite.errors import InputError, nearest
from mmpose_lite.utils.collectives import first_decides
from mmpose_lite.utils.files import lock_file
from mmpose_lite.utils.paths import check_folder

_LOCK, _HOLDER = '.lock', '.lock.json'
# Workers that a killed training left behind, which have its lock too, end within this.
_PATIENCE = 15.0
_NEAR = 3  # folders that a message names

# Folders that this thread's training holds.
_held: ContextVar[frozenset[str]] = ContextVar('held_folders', default=frozenset())


@contextmanager
def holding(*folders: str) -> Iterator[None]:
    """Hold folders that a training writes to while the context lasts; no other training can.

    The first process of a run does it for all. The system lets go of them when the process ends,
    in whatever way. Folders that this training already holds are skipped; others are made.

    Raises:
        InputError: In all processes, if another training holds one, or files cannot be written
            to it.
    """
    before = _held.get()
    wanted = sorted({osp.realpath(folder) for folder in folders} - before)
    with ExitStack() as stack:
        first_decides(lambda: ''.join(stack.enter_context(_locked(each)) for each in wanted))
        token = _held.set(before | set(wanted))
        try:
            yield
        finally:
            _held.reset(token)


@contextmanager
def _locked(folder: str) -> Iterator[str]:
    """Lock a folder and write down who did."""
    check_folder(folder)
    os.makedirs(folder, exist_ok=True)
    lock, holder = lock_file(osp.join(folder, _LOCK)), osp.join(folder, _HOLDER)
    is_locked = _lock(lock, folder)
    try:
        write_text(json.dumps({'process': os.getpid(), 'host': socket.gethostname()}), holder)
        yield ''
    finally:
        with suppress(OSError):  # the folder may be gone by now
            os.remove(holder)
        if is_locked:
            lock.release()


def _lock(lock: FileLock, folder: str) -> bool:
    """Take a lock that no other has; whether the disk knows locks."""
    try:
        lock.acquire(timeout=0 if _may_run(_holder(folder)) else _PATIENCE)
        return True
    except Timeout:
        pass
    except (OSError, NotImplementedError) as error:
        text = f"'{folder}' cannot be locked ({error}): let no other training write to it"
        print_log(text, 'current', WARNING)
        return False
    about = _holder(folder)
    who = f'process {about.get("process", "unknown")} on {about.get("host", "an unknown machine")}'
    raise InputError(
        f"'{folder}' is in use by another training, {who}: wait until it ends, or choose another "
        f"folder with --work-dir; if it is gone, remove '{osp.join(folder, _LOCK)}'"
    )


def _holder(folder: str) -> dict:
    """The last holder of a folder, as far as is known."""
    try:
        about = json.loads(Path(folder, _HOLDER).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _may_run(about: dict) -> bool:
    """Tell whether a holder may still be running; those of other machines always may."""
    process = about.get('process')
    if os.name == 'nt' or about.get('host') != socket.gethostname() or not isinstance(process, int):
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def near_runs(folder: str, is_checkpoint: Callable[[str], bool]) -> list[str]:
    """Folders with checkpoints, by their names, that may be meant where a folder has none.

    Returns:
        At most three: folders in it and in its ``previous``, such as differ in the name of the
        folder above alone, and folders beside it of a similar name.
    """
    here = Path(folder)
    similar = [
        *_folders_in(here),
        *_folders_in(here / PREVIOUS),
        *(above / here.name for above in _similar(here.parent)),
        *_similar(here),
    ]
    found = (each for each in similar if any(map(is_checkpoint, _names(each))))
    return list(islice(map(str, found), _NEAR))


def _similar(folder: Path) -> list[Path]:
    """Folders beside one, those of the most similar name first."""
    names = [each.name for each in _folders_in(folder.parent) if each.name != folder.name]
    return [folder.with_name(name) for name in nearest(folder.name, names)]


def _folders_in(folder: Path) -> list[Path]:
    return [folder / name for name in _names(folder) if (folder / name).is_dir()]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []
