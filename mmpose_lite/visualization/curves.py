"""Training curves of several runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmpose_lite.errors import InputError

_COLUMNS, _PANEL_INCHES = 2, (6.4, 4.2)
# Distinguishable with colour blindness; after Okabe and Ito.
_COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000', '#999999')


@dataclass(frozen=True)
class Curve:
    """A line of a panel: values ``ys`` at the positions ``xs``.

    Attributes:
        label: Its name in the legend.
        run: The index of its run, which determines the colour.
        is_validation: Drawn dashed, with a marker at each value.
    """

    label: str
    xs: Sequence[float]
    ys: Sequence[float]
    run: int
    is_validation: bool = False


def check_picture(path: str | Path) -> None:
    """Check that a picture can be written to a file of this name.

    Raises:
        InputError: If matplotlib does not know the format.
    """
    # Imported here: it takes a second, and tables do without.
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    formats = FigureCanvasAgg.get_supported_filetypes()
    if Path(path).suffix.removeprefix('.').lower() not in formats:
        raise InputError(f"'{path}' must end with one of {', '.join(sorted(formats))}")


def draw_curves(path: str | Path, panels: dict[str, list[Curve]], x_label: str) -> None:
    """Draw a panel for each title, and write the picture.

    A vertical axis is logarithmic if its values are positive and span more than a factor of 20.

    Args:
        path: The picture; its suffix determines the format.
        panels: Curves by the panel's title; no panel is empty.
        x_label: Label of the horizontal axes.

    Raises:
        InputError: See :func:`check_picture`.
    """
    from matplotlib.figure import Figure

    check_picture(path)
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    width, height = _PANEL_INCHES
    figure = Figure((width * columns, height * rows), layout='constrained')
    for number, (title, curves) in enumerate(panels.items(), 1):
        _draw_panel(figure.add_subplot(rows, columns, number), title, curves, x_label)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _draw_panel(axes, title: str, curves: Sequence[Curve], x_label: str) -> None:
    for curve in curves:
        style = {'linestyle': '--', 'marker': 'o', 'markersize': 4} if curve.is_validation else {}
        color = _COLORS[curve.run % len(_COLORS)]
        axes.plot(curve.xs, curve.ys, label=curve.label, color=color, linewidth=1.4, **style)
    values = [value for curve in curves for value in curve.ys]
    if min(values) > 0 and max(values) > 20 * min(values):
        axes.set_yscale('log')
    axes.set_title(title)
    axes.set_xlabel(x_label)
    axes.grid(alpha=0.3)
    axes.legend(fontsize='small')
