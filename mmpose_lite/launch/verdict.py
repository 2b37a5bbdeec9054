"""Which rank ended a run, told from the notes of all and from how each process ended."""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A death is noticed a little later than a note is dated.
_LAG = 0.5
_TIMED_OUT = re.compile(r'time[d ]*out', re.IGNORECASE)


@dataclass(frozen=True)
class Ending:
    """How a process ended, as the system says it.

    Attributes:
        time: When it was noticed, by the monotonic clock.
        status: The exit status, or minus the signal.
    """

    time: float
    status: int


@dataclass(frozen=True)
class Verdict:
    """The rank that ended a run.

    Attributes:
        rank: The rank.
        text: What became of it: what follows its name in a sentence.
        code: The exit status of the run.
        trace: The traceback of its error.
        is_cause: Whether the cause is known; else the rank only suffered from another's end.
    """

    rank: int
    text: str
    code: int
    trace: str = ''
    is_cause: bool = True


def read_notes(folder: Path) -> dict[int, dict[str, Any]]:
    """Read the notes that ranks have left, by rank."""
    texts = (path.read_text(encoding='utf-8') for path in folder.glob('*.json'))
    return {note['rank']: note for note in map(json.loads, texts)}


def find_verdict(notes: dict[int, dict[str, Any]], endings: dict[int, Ending]) -> Verdict | None:
    """Find the rank that ended a run; None if all have done what they were to do.

    An error of a rank's own comes before anything that the others suffer from it. Where there is
    none, a rank that is gone without a word is to blame; where all are still there, one that does
    not answer. Those that suffer lose their connections, or are ended by the launcher.

    Args:
        notes: The notes of the ranks of this machine.
        endings: How their processes ended, as far as they have.
    """
    failed = sorted(
        (note for note in notes.values() if note['state'] == 'failed'),
        key=lambda note: note['time'],
    )
    own = [note for note in failed if not note['suffers']]
    if own:
        return _of_note(own[0])
    first = failed[0]['time'] if failed else float('inf')
    silent = [
        # A status of 0 may be torchrun's, who has collected a rank that it ended itself.
        (ending.status == -signal.SIGTERM, ending.time, ending.status == 0, rank)
        for rank, ending in endings.items()
        if _is_silent(notes.get(rank), ending) and ending.time < first + _LAG
    ]
    if silent:
        rank = min(silent)[-1]
        return _of_ending(rank, endings[rank])
    waiting = [rank for rank, note in notes.items() if note['state'] == 'running']
    if failed and waiting and all(_TIMED_OUT.search(note['message']) for note in failed):
        return Verdict(min(waiting), ' did not answer the others in time', 1)
    if not failed:
        return None
    text = f' lost its connections: {failed[0]["message"].splitlines()[0]}'
    return Verdict(failed[0]['rank'], text, failed[0]['code'], is_cause=False)


def _of_note(note: dict[str, Any]) -> Verdict:
    return Verdict(note['rank'], f': {note["message"]}', note['code'], note['trace'])


def _is_silent(note: dict[str, Any] | None, ending: Ending) -> bool:
    """Whether a process ended without saying so, or otherwise than it said."""
    if note is None or note['state'] == 'running':
        return True
    return note['state'] == 'done' and ending.status != 0


def _of_ending(rank: int, ending: Ending) -> Verdict:
    if ending.status < 0:
        name = signal.Signals(-ending.status).name
        return Verdict(rank, f' was killed by {name}', 128 - ending.status)
    text = f' ended with status {ending.status} before it was done'
    return Verdict(rank, text, ending.status or 1)
