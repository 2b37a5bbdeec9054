"""A trial: a training undisturbed, the same one killed several times, and their ends."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from helpers.exact_runs import contents, make_config

from .attempts import Attempt, TrainingError
from .moments import Moment, draw_moments, while_starting
from .settings import Setting

# Starts beyond the number of kills, of which one ends the training.
_SPARE = 10


@dataclass
class Kill:
    """Outcome of one kill.

    Attributes:
        phase: In which phase it was to be.
        last: What the training had told last.
        victims: Which processes.
        lost: Iterations that were done, and are done again.
    """

    phase: str
    last: str
    victims: Sequence[int]
    lost: int = 0


class Trial:
    """A trial.

    Args:
        setting: What the training is like.
        kills: How often it is killed.
        seed: Of the moments.
        folder: A folder that holds the faces, and gets the runs.
    """

    def __init__(self, setting: Setting, kills: int, seed: int, folder: Path) -> None:
        self.setting = setting
        self.kills: list[Kill] = []
        self._count = kills
        self._seed = seed
        self._random = Random(seed)
        self._folder = folder

    def run(self) -> dict[str, Any]:
        """Run it; what it found, as plain data."""
        problem, different = '', []
        place = self._folder / f'trial{self._seed}'
        place.mkdir()
        try:
            cfg = make_config(self._folder, **self.setting.options())
            expected, moments, startup = self._undisturbed(cfg, place / 'undisturbed')
            self._disturbed(cfg, place / 'disturbed', moments, startup)
            different = differences(expected, contents(place / 'disturbed'))
            if not different:  # else it stays, to be looked at
                shutil.rmtree(place)
        except TrainingError as error:
            problem = str(error)
        return {
            'setting': asdict(self.setting),
            'seed': self._seed,
            'equal': not problem and not different,
            'different': different,
            'problem': problem,
            'most_lost': max((kill.lost for kill in self.kills), default=0),
            'save_interval': self.setting.save_interval,
            'kills': [asdict(kill) for kill in self.kills],
        }

    def _undisturbed(self, cfg: Any, work_dir: Path) -> tuple[dict, list[Moment], float]:
        attempt = Attempt(work_dir, self.setting.ranks)
        attempt.run(cfg, resume=False)
        ranks, startup = self.setting.ranks, attempt.told[0][0]
        moments = draw_moments(attempt.told, attempt.seconds, self._count, ranks, self._random)
        return contents(work_dir), moments, startup

    def _disturbed(self, cfg: Any, work_dir: Path, moments: list[Moment], startup: float) -> None:
        before: Attempt | None = None
        for _ in range(self._count + _SPARE):
            left = self._count - len(self.kills)
            moment = moments[-left] if left else None
            attempt = Attempt(work_dir, self.setting.ranks, moment)
            attempt.run(cfg, resume=before is not None)
            if before is not None:
                self._note_lost(before, attempt)
            if attempt.killed:
                last = attempt.told[-1][1] if attempt.told else 'start'
                self.kills.append(Kill(moment.phase, last, moment.victims))
                before = _latest(before, attempt)
            elif not left:
                return
            else:  # it was too quick: the rest are killed when they find nothing to do
                before = _latest(before, attempt)
                moments[-left:] = [
                    while_starting(startup, self.setting.ranks, self._random) for _ in range(left)
                ]
        raise TrainingError(f'{self._count + _SPARE} starts were not enough')

    def _note_lost(self, before: Attempt, attempt: Attempt) -> None:
        if attempt.begun_at is not None and self.kills:
            self.kills[-1].lost = before.reached - attempt.begun_at


def _latest(before: Attempt | None, attempt: Attempt) -> Attempt:
    """The attempt that came further: one that was killed at its start has told nothing."""
    return before if before is not None and attempt.begun_at is None else attempt


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Name the files, and the parts of checkpoints, in which two runs differ."""
    told = []
    for name in sorted(expected.keys() | found.keys()):
        one, other = expected.get(name), found.get(name)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            parts = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
            told.append(f'{name}: {", ".join(sorted(parts))}')
        elif name in expected and name in found:
            told.append(f'{name}: {other}, not {one}')
        else:
            told.append(f'{name}: {"missing" if other is None else "left over"}')
    return told
