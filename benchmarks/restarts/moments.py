"""Moments at which a training is killed: some aimed at, most by chance."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

START = 'start'
# What a training tells of itself, by phase; the rest is training.
SAVING = ('save', 'write', 'move', 'remove')
VALIDATING = ('validate', 'validating', 'validated')
_AIMED_SHARE = 1 / 3


@dataclass(frozen=True)
class Moment:
    """A moment of a training.

    Attributes:
        events: What it tells then, or any of what comes after that: a resumed run may have
            done the first of these already.
        delay: Seconds after that; 0 is the very moment, before the next call of the system.
        victims: The processes that are killed.
    """

    events: tuple[str, ...]
    delay: float
    victims: tuple[int, ...]

    @property
    def is_exact(self) -> bool:
        """True if the process ends itself there: from outside it would be too late."""
        return not self.delay and 0 in self.victims and self.events[0] != START

    @property
    def phase(self) -> str:
        """Stage of the training at that moment."""
        return phase_of(self.events[0])


def phase_of(event: str) -> str:
    """The phase of what a training tells."""
    kind = event.split()[0]
    if kind == START:
        return 'starting'
    if kind in SAVING:
        return 'saving'
    return 'validating' if kind in VALIDATING else 'training'


def draw_moments(
    timeline: Sequence[tuple[float, str]], end: float, count: int, ranks: int, random: Random
) -> list[Moment]:
    """Draw the moments of some kills, in their order.

    Args:
        timeline: What the undisturbed training told, with seconds since its start.
        end: When it ended.
        count: How many.
        ranks: How many processes it has.
        random: Where chance comes from.
    """
    whole = [(0.0, START), *timeline]
    times = [time for time, _ in whole]
    aims = [i for i, (_, event) in enumerate(whole) if event.split()[0] in SAVING + VALIDATING]
    drawn = []
    for _ in range(count):
        if random.random() < _AIMED_SHARE:
            i = random.choice(aims)
            gap = (times[i + 1] if i + 1 < len(times) else end) - times[i]
            delay = random.choice((0.0, random.uniform(0, gap)))
        else:
            time = random.uniform(0, end)
            i = bisect(times, time) - 1
            delay = time - times[i]
        drawn.append((i, delay))
    return [
        Moment(tuple(event for _, event in whole[i:]), delay, _victims(ranks, random))
        for i, delay in sorted(drawn)
    ]


def while_starting(seconds: float, ranks: int, random: Random) -> Moment:
    """A moment of a start: of a run that has nothing left to do."""
    return Moment((START,), random.uniform(0, seconds), _victims(ranks, random))


def _victims(ranks: int, random: Random) -> tuple[int, ...]:
    return (0,) if ranks == 1 else random.choice(((0,), (1,), (0, 1)))
