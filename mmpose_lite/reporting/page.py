"""The page of a report: one HTML file that holds its styles, scripts, numbers and pictures.

Figures are drawn in the browser by plotly.js, not in Python by plotly: the switches give each curve
another subset and normaliser, and colours follow the reader's light or dark screen. Figures made
here would hold layout and data once for each combination, in one colour scheme. Everything else
is in the HTML as it comes from here, so that numbers can be read, searched and printed as they are.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from plotly.offline import get_plotlyjs

from ..utils import InputError
from ..version import __version__
from .page_text import FILTERS
from .report_shape import check_report

_HERE = Path(__file__).parent
_STYLES = ('base.css', 'parts.css', 'gallery.css')
# One module in the page: each file sees the names of the others.
_SCRIPTS = (
    'theme.js',
    'figures.js',
    'curves.js',
    'charts.js',
    'sorting.js',
    'gallery.js',
    'main.js',
)
# base.css has so many; beyond them they come again.
_COLOURS = 6
# What figures are drawn from; the rest of the metrics is in the page's text.
_DRAWN = (
    'name',
    'links',
    'curves',
    'yaw',
    'box_size',
    'by_point',
    'box_errors',
    'reliability',
)


def render_page(metrics: dict[str, Any], pictures: Mapping[str, bytes]) -> str:
    """Lay out a report as a page that opens from disk and asks nothing of a network.

    Args:
        metrics: What ``metrics.json`` holds, see ``report_shape``.
        pictures: JPEG files by the names that ``worst[].picture`` has.

    Returns:
        The whole ``index.html``.

    Raises:
        InputError: The metrics are not of that shape, or a picture is not given.
    """
    check_report(metrics)
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
            pictures=_data_uris(runs, pictures),
            drawn={
                'runs': [{key: run[key] for key in _DRAWN} for run in runs],
                'normalisers': _union(run['normalisers'] for run in runs),
            },
            styles=_assets(_STYLES),
            scripts=scripts,
            script_hashes=[_hash(script) for script in scripts],
            version=__version__,
        )
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / 'templates'),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.policies['json.dumps_kwargs'] = {'allow_nan': False, 'separators': (',', ':')}
    return environment


def _assets(names: Iterable[str]) -> str:
    return '\n'.join((_HERE / 'assets' / name).read_text('utf-8') for name in names)


def _hash(script: str) -> str:
    """What the page's Content-Security-Policy knows a script by: nothing else may run in it."""
    digest = hashlib.sha256(script.encode('utf-8')).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _union(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Join dicts in the order of their keys' first appearance; the first value of a key stays."""
    joined: dict[str, Any] = {}
    for part in parts:
        joined = {**joined, **{key: part[key] for key in part if key not in joined}}
    return joined


def _data_uris(runs: list[dict[str, Any]], pictures: Mapping[str, bytes]) -> dict[str, str]:
    """Turn the pictures that the runs name into URIs that hold them."""
    uris = {}
    for run in runs:
        for name in filter(None, (face['picture'] for face in run['worst'])):
            if name not in pictures:
                raise InputError(f'{run["name"]}: picture {name!r} of a worst face is not given')
            content = base64.b64encode(pictures[name]).decode('ascii')
            uris[name] = f'data:image/jpeg;base64,{content}'
    return uris
