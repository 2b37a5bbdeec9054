"""The page of a report: one HTML file with its styles, scripts, numbers and pictures.

Figures are drawn in the browser by plotly.js: the switches give each curve another subset and
normaliser, and colours follow the reader's light or dark screen. Figures made here would hold
layout and data once per combination, in one colour scheme. All else is plain HTML, which can be
read, searched and printed.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
from plotly.offline import get_plotlyjs

from ..errors import InputError
from ..utils.templates import page_environment
from ..version import __version__
from .faces import drawn_sides
from .schema import Report

_HERE = Path(__file__).parent
_STYLES = ('base.css', 'parts.css', 'gallery.css')
# One module in the page: each file sees the names of the others.
_SCRIPTS = tuple(
    f'{name}.js' for name in ('theme', 'figures', 'curves', 'charts', 'sorting', 'gallery', 'main')
)
_COLOURS = 6  # of base.css; further runs repeat them
# Data of the figures; the rest of the metrics is in the page's text.
_DRAWN = ('name', 'links', 'curves', 'yaw', 'box_size', 'by_point', 'box_errors', 'reliability')


def render_page(metrics: Report, pictures: Mapping[str, bytes]) -> str:
    """Lay out a report as a page that opens from disk and needs no network.

    Args:
        metrics: The content of ``metrics.json``.
        pictures: JPEG files by the names in ``picture`` of the faces shown.

    Returns:
        The content of ``index.html``.

    Raises:
        InputError: If a picture is not given.
    """
    runs = metrics['runs']
    scripts = [get_plotlyjs(), _assets(_SCRIPTS)]
    return (
        _environment()
        .get_template('page.html.j2')
        .render(
            runs=runs,
            comparisons=metrics['comparisons'],
            intervals=metrics['intervals'],
            subsets=_union(run['subsets'] for run in runs),
            normalisers=_union(run['normalisers'] for run in runs),
            primary=runs[0]['primary'],
            colours={run['name']: index % _COLOURS for index, run in enumerate(runs)},
            pictures=_data_uris(metrics, pictures),
            drawn={
                'runs': [{key: dict(run)[key] for key in _DRAWN} for run in runs],
                'normalisers': _union(run['normalisers'] for run in runs),
            },
            styles=_assets(_STYLES),
            scripts=scripts,
            script_hashes=[_hash(script) for script in scripts],
            version=__version__,
        )
    )


def _environment() -> jinja2.Environment:
    environment = page_environment(_HERE / 'templates')
    environment.filters.update({function.__name__: function for function in _FILTERS})
    environment.policies['json.dumps_kwargs'] = {'allow_nan': False, 'separators': (',', ':')}
    return environment


def _assets(names: Iterable[str]) -> str:
    return '\n'.join((_HERE / 'assets' / name).read_text('utf-8') for name in names)


def _hash(script: str) -> str:
    """The hash by which the page's Content-Security-Policy allows a script; no other may run."""
    digest = hashlib.sha256(script.encode('utf-8')).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _union(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Join dicts; the first value of a key stays."""
    joined: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            joined.setdefault(key, value)
    return joined


def _data_uris(metrics: Report, pictures: Mapping[str, bytes]) -> dict[str, str]:
    """Turn the pictures that a report names into data URIs."""
    uris = {}
    for run, _, side in drawn_sides(metrics):
        name = side['picture']
        if name is None or name in uris:
            continue
        if name not in pictures:
            raise InputError(f'{run}: picture {name!r} of a face is not given')
        content = base64.b64encode(pictures[name]).decode('ascii')
        uris[name] = f'data:image/jpeg;base64,{content}'
    return uris


# How the page writes numbers: no line break between a number and its unit or sign.
_SPACE = '\N{NO-BREAK SPACE}'
_MINUS = '\N{MINUS SIGN}'
_NONE = '\N{EN DASH}'
_ABSOLUTE = re.compile(r'([A-Za-z]:)?[\\/]')


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
    """Write a number that is not a fraction: degrees, pixels, a correlation."""
    return _NONE if number is None else _number(number, digits)


def between(part: dict, unit: str, digits: int = 0) -> str:
    """Name a bin by its limits; an open end is None."""
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
    """Sort the keys of failure rates, their thresholds."""
    return sorted(measures, key=float)


def moment(text: str | None) -> str | None:
    """Write an ISO time to the minute; any other text stays as it is."""
    if text is None or 'T' not in text:
        return text
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f'{when:%Y-%m-%d %H:%M} {when:%Z}'.strip()


def base_name(file: str) -> str:
    """Cut the folders off a path of any system."""
    return file.replace('\\', '/').rpartition('/')[2]


def without_folders(path: str | None) -> str | None:
    """Cut an absolute path to its last two parts: a page that is shared tells nobody's folders."""
    if path is None or not _ABSOLUTE.match(path):
        return path
    return '/'.join(path.replace('\\', '/').rsplit('/', 2)[-2:])


def without_folders_in(command: str | None) -> str | None:
    """Cut the absolute paths of a command, also those of ``key=path``."""
    if command is None:
        return None
    try:
        words = shlex.split(command)
    except ValueError:  # not a shell's
        words = command.split()
    parts = (re.split('(=)', word, maxsplit=1) for word in words)
    return shlex.join(''.join(map(str, map(without_folders, word))) for word in parts)


def having_scores(runs: list[dict], normaliser: str, subset: str) -> list[dict]:
    """Select the runs with scores of a subset by a normaliser."""
    return [run for run in runs if subset in run['scores'].get(normaliser, {})]


def _number(value: float, digits: int) -> str:
    return f'{value:.{digits}f}'.replace('-', _MINUS)


_FILTERS = (
    *(percent, signed_percent, interval, signed_interval, count, plain, between, probability),
    *(thresholds, moment, base_name, having_scores),
    *(without_folders, without_folders_in),
)
