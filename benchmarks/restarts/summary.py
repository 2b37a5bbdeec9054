"""Tables of trials."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import markdown_table


def summary(trials: Sequence[Mapping[str, Any]]) -> str:
    """One line for all trials, and one for each value of their settings."""
    rows = [_row('all', trials)]
    for key in trials[0]['setting'] if trials else ():
        for value in sorted({trial['setting'][key] for trial in trials}):
            some = [trial for trial in trials if trial['setting'][key] == value]
            rows.append(_row(f'{key} {value}', some))
    header = ('', 'Trainings', 'Equal', 'Kills', 'Iterations lost, mean', 'most', 'Beyond a save')
    return markdown_table(header, rows)


def phases(trials: Sequence[Mapping[str, Any]]) -> str:
    """Count the kills by stage."""
    counts = Counter(kill['phase'] for trial in trials for kill in trial['kills'])
    rows = [(phase, str(count)) for phase, count in counts.most_common()]
    return markdown_table(('Killed while', 'Kills'), rows)


def failures(trials: Sequence[Mapping[str, Any]]) -> list[str]:
    """List what went wrong, a line for each trial."""
    return [
        f'seed {trial["seed"]}, {trial["setting"]}: {trial["different"] or trial["problem"]}'
        for trial in trials
        if not trial['equal'] or lost_too_much(trial)
    ]


def lost_too_much(trial: Mapping[str, Any]) -> bool:
    """Tell whether a kill lost more than what is done between two saves."""
    return trial['most_lost'] > trial['save_interval']


def _row(name: str, trials: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    lost = [kill['lost'] for trial in trials for kill in trial['kills']]
    return (
        name,
        str(len(trials)),
        str(sum(trial['equal'] for trial in trials)),
        str(len(lost)),
        f'{sum(lost) / max(len(lost), 1):.2f}',
        str(max(lost, default=0)),
        str(sum(map(lost_too_much, trials))),
    )
