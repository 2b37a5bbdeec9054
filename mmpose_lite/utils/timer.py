"""A stop watch for the parts of a loop."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager


class StopWatch:
    """Times named blocks of code and averages over the last few runs of each.

    Args:
        window: How many runs the average covers.
    """

    def __init__(self, window: int = 1) -> None:
        self.window = window
        self.reset()

    @contextmanager
    def timeit(self, timer_name: str = '_FPS_') -> Iterator[None]:
        """Time a ``with`` block; blocks may nest. ``_FPS_`` is reported as a rate."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[timer_name].append(time.perf_counter() - start)

    def report(self, key: str | None = None) -> dict[str, float] | float:
        """Return the mean milliseconds of every timer (``_FPS_``: runs a second), or of one."""
        result = {name: 1000 * sum(runs) / len(runs) for name, runs in self._seconds.items()}
        if '_FPS_' in result:
            result['_FPS_'] = 1000 / result['_FPS_']
        return result if key is None else result[key]

    def report_strings(self) -> list[str]:
        """Return one line for each timer, the rate first."""
        result = dict(self.report())  # type: ignore[arg-type]
        fps = [f'FPS: {result.pop("_FPS_"):>5.1f}'] if '_FPS_' in result else []
        return fps + [f'{name}: {mean:>5.0f}' for name, mean in result.items()]

    def reset(self) -> None:
        """Forget all runs."""
        self._seconds: defaultdict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=self.window)
        )
