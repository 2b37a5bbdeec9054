"""How numbers are written on a report's page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

# A number, a range's dash and a sign must not be broken apart.
_SPACE = '\N{NO-BREAK SPACE}'
_DASH = '\N{EN DASH}'
_MINUS = '\N{MINUS SIGN}'
_NONE = _DASH


def percent(share: float | None, digits: int = 2) -> str:
    """Write a fraction as a percentage: 0.0141 is 1.41 %."""
    return _NONE if share is None else f'{_number(100 * share, digits)}{_SPACE}%'


def signed_percent(share: float | None, digits: int = 2) -> str:
    """Write a difference of fractions in percentage points, with its sign."""
    if share is None:
        return _NONE
    text = _number(100 * share, digits)
    nothing = not text.strip(f'{_MINUS}0.')
    return text.strip(_MINUS) if nothing else text if share < 0 else f'+{text}'


def interval(limits: Sequence[float | None] | None, digits: int = 2) -> str:
    """Write an interval of fractions in percent: 1.38 to 1.44."""
    if limits is None or None in limits:
        return _NONE
    return ' to '.join(_number(100 * limit, digits) for limit in limits if limit is not None)


def signed_interval(limits: Sequence[float | None] | None, digits: int = 2) -> str:
    """Write an interval of a difference in percentage points, with signs."""
    if limits is None or None in limits:
        return _NONE
    return ' to '.join(signed_percent(limit, digits) for limit in limits)


def count(number: int) -> str:
    """Write a number of things with commas between thousands."""
    return f'{number:,}'


def plain(number: float | None, digits: int = 0) -> str:
    """Write a number that is no fraction: degrees, pixels, a correlation."""
    return _NONE if number is None else _number(number, digits)


def between(part: dict, unit: str, digits: int = 0) -> str:
    """Name a bin by its limits; an open end is null."""
    low, high = part['low'], part['high']
    if low is None or high is None:
        word, limit = ('under', high) if low is None else ('from', low)
        return f'{word} {plain(limit, digits)}{unit}'
    return f'{plain(low, digits)} to {plain(high, digits)}{unit}'


def probability(p: float | None) -> str:
    """Write a p-value; a bootstrap cannot tell very small ones apart."""
    if p is None:
        return _NONE
    return 'under 0.001' if p < 0.001 else f'{p:.3f}'


def thresholds(measures: dict) -> list[str]:
    """Name the thresholds of failure rates in ascending order, as the keys that they are."""
    return sorted(measures, key=float)


def moment(text: str | None) -> str | None:
    """Write an ISO time to the minute; anything else stays as it is."""
    if text is None or 'T' not in text:
        return text
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f'{when:%Y-%m-%d %H:%M} {when:%Z}'.strip()


def base_name(file: str) -> str:
    """Leave the folders out of a file's name, whichever system it is from."""
    return file.replace('\\', '/').rpartition('/')[2]


def having_scores(runs: list[dict], normaliser: str, subset: str) -> list[dict]:
    """Of some runs those that have scores of a subset under a normaliser."""
    return [run for run in runs if subset in run['scores'].get(normaliser, {})]


def _number(value: float, digits: int) -> str:
    return f'{value:.{digits}f}'.replace('-', _MINUS)


FILTERS = {
    function.__name__: function
    for function in (
        percent,
        signed_percent,
        interval,
        signed_interval,
        count,
        plain,
        between,
        probability,
        thresholds,
        moment,
        base_name,
        having_scores,
    )
}
