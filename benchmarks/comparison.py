"""Repeated, interleaved measurements and what they say about a row."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .bench import Bench
from .jobs import Job, JobError, Measurement
from .rows import Row


@dataclass(frozen=True)
class Taken:
    """One measurement of a job, in round ``round``."""

    job: Job
    round: int
    measurement: Measurement


def compare(
    bench: Bench, rows: Sequence[Row], repeats: int, available: Collection[str]
) -> tuple[list[dict[str, Any]], list[Taken]]:
    """Measure the rows of a group in the same rounds.

    Args:
        bench: Where to measure.
        rows: The rows.
        repeats: Measurements of each job.
        available: What there is of all that rows may need.

    Returns:
        The rows, as plain data for :mod:`.report`, and the single measurements.
    """
    problems = {row.name: missing(row, available) for row in rows}
    possible = [row for row in rows if not problems[row.name]]
    taken = []
    try:
        for each in take_rounds(bench, possible, repeats, available):
            taken.append(each)
    except JobError as error:
        print(f'error: {error}', file=sys.stderr)
        problems |= {row.name: 'failed' for row in possible}
    return [summarize(row, taken, problems[row.name]) for row in rows], taken


def missing(row: Row, available: Collection[str]) -> str:
    """Explain why a row cannot be measured; empty if it can."""
    lacking = [need for need in row.needs if need not in available]
    return f'not measured: without {", ".join(lacking)}' if lacking else ''


def take_rounds(
    bench: Bench, rows: Sequence[Row], repeats: int, available: Collection[str]
) -> Iterator[Taken]:
    """Run every job of the rows once, then every job again, and so on."""
    both = (job for row in rows for job in (row.ours, row.theirs))
    jobs = dict.fromkeys(job for job in both if job and job.side in available)
    rounds = 1 if any(row.once for row in rows) else repeats
    for count in range(-max((row.discard for row in rows), default=0), rounds):
        for job in jobs:
            label = f'{count + 1} of {rounds}' if count >= 0 else 'warm-up'
            print(f'{label}: {job.side} {job.script}', file=sys.stderr, flush=True)
            measurement = bench.run(job)
            if count >= 0:
                yield Taken(job, count, measurement)


def summarize(row: Row, taken: Sequence[Taken], problem: str) -> dict[str, Any]:
    """A row with its numbers, in the order in which they were measured.

    Args:
        row: The row.
        taken: Measurements of its group.
        problem: Why there are none, if there are none.
    """
    numbers = {
        name: [each.measurement.figures[row.figure.key] for each in taken if each.job == job]
        for name, job in (('ours', row.ours), ('theirs', row.theirs))
    }
    if problem:
        numbers = {'ours': [], 'theirs': []}
    about = {'name': row.name, 'work': row.work, **asdict(row.figure), 'goal': row.goal}
    return {**about, 'of_ratio': row.theirs is not None, 'problem': problem, **numbers}
