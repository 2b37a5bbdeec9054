"""Progress of work that takes a while: a live bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING, Any, TextIO, TypeVar, cast

if TYPE_CHECKING:
    from rich.console import Console

_Item = TypeVar('_Item')

# Seconds: work that ends sooner shows nothing; lines where no bar can move are this far apart.
_FIRST_S, _INTERVAL_S = 2.0, 30.0
# How much the last step counts in the time of a step, which the rest is reckoned from.
_MOMENTUM = 0.05


class _LastingStream:
    """Standard output or error, of a console that a run must outlive.

    A terminal, a pipe or a disk may be gone by the time that something is printed; that is then
    lost. What an encoding lacks is escaped.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(getattr(sys, self._name), name)

    def write(self, text: str) -> int:
        """Write a text, if that is possible."""
        stream = getattr(sys, self._name)
        encoding = getattr(stream, 'encoding', None) or 'utf-8'
        with suppress(OSError, ValueError):  # the latter of a file that is closed
            stream.write(text.encode(encoding, 'backslashreplace').decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Flush the stream, if that is possible."""
        with suppress(OSError, ValueError):
            getattr(sys, self._name).flush()


def lasting_console(stream: str = 'stdout') -> Console:
    """Make a console whose end ends no run.

    Args:
        stream: ``'stdout'`` or ``'stderr'``.
    """
    from rich.console import Console

    return Console(file=cast(TextIO, _LastingStream(stream)), highlight=False)


class Progress:
    """Show how far a piece of work is, until it is paused or its context ends.

    A terminal has a bar that moves, and goes when the work ends; so has a notebook where ipywidgets
    is installed. Elsewhere a line is printed after two seconds, then every 30.

    Args:
        label: What is worked on; may be changed.
        total: The number of steps; None if it is not known.
        done: Those that an earlier run has made.
        console: Where to print; standard error by default.

    Attributes:
        label: What is worked on.
        note: Further words, such as a loss; may be changed.
    """

    def __init__(
        self, label: str, total: int | None, done: int = 0, console: Console | None = None
    ) -> None:
        self.label, self.note = label, ''
        self._total, self._done = total, done
        self._console = lasting_console('stderr') if console is None else console
        self._can_move = _can_move(self._console)
        self._begun = self._since = monotonic()
        self._next = self._begun + _FIRST_S
        self._step_s, self._seen = 0.0, 0
        self._bar: Any = None

    def __enter__(self) -> Progress:
        self._begun = self._since = monotonic()
        self._next = self._begun + _FIRST_S
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def advance(self, steps: int = 1) -> None:
        """Count steps that were made."""
        now = monotonic()
        took, self._since = (now - self._since) / max(1, steps), now
        self._seen += 1
        # The mean of the first steps but the very first, which starts the workers.
        share = max(_MOMENTUM, 1 / max(1, self._seen - 1))
        self._step_s += share * (took - self._step_s)
        self._done += steps
        if now >= self._next:
            self._show(now)

    def pause(self) -> None:
        """Take the bar away until the next step."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def restart_clock(self) -> None:
        """Leave the time since the last step out: other work was done."""
        self._since = monotonic()

    def _show(self, now: float) -> None:
        end = f'  {self.note}' if self.note else ''
        if self._total is not None:
            seconds = round(self._step_s * max(0, self._total - self._done))
            end += f'  {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02} left'
        if not self._can_move:
            self._next = now + _INTERVAL_S
            of = '' if self._total is None else f' of {self._total:,}'
            line = f'{self.label}: {self._done:,}{of}{end}'
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)
            return
        self._next = now + 0.1
        if self._bar is None:
            self._bar = _make_bar(self._console)
            self._bar.add_task('', total=self._total, label='', end='')
            self._bar.start()
        self._bar.update(self._bar.task_ids[0], completed=self._done, label=self.label, end=end)


def _can_move(console: Console) -> bool:
    # Without its widgets rich would show a warning in a notebook, and no bar.
    if console.is_jupyter:
        return find_spec('ipywidgets') is not None
    return console.is_terminal and not console.is_dumb_terminal


def _make_bar(console: Console) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    return Bar(
        TextColumn('{task.fields[label]}', markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('{task.fields[end]}', markup=False),
        console=console,
        transient=True,
        auto_refresh=False,
    )


def track(items: Iterable[_Item], total: int | None, label: str) -> Iterator[_Item]:
    """Yield items, and show how far the work on them is.

    Args:
        items: The items.
        total: Their number; None if it is not known.
        label: What they are.
    """
    with Progress(label, total) as progress:
        for item in items:
            yield item
            progress.advance()
