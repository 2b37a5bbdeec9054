"""Progress: a bar on a terminal, and lines where no bar can move."""

import io
from unittest.mock import MagicMock

import pytest
from rich.console import Console

from mmpose_lite.utils import progress
from mmpose_lite.utils.progress import Progress, track


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets."""
    now = [100.0]
    monkeypatch.setattr(progress, 'monotonic', lambda: now[0])
    return now


def console(**options):
    return Console(file=io.StringIO(), width=100, **options)


def test_lines_come_after_two_seconds_and_then_every_thirty(clock):
    out = console()
    with Progress('faces', 1200, console=out) as bar:
        bar.note = '2 images/s'
        for _ in range(130):
            clock[0] += 0.5
            bar.advance()
    assert out.file.getvalue().splitlines() == [
        'faces: 4 of 1,200  2 images/s  0:09:58 left',
        'faces: 64 of 1,200  2 images/s  0:09:28 left',
        'faces: 124 of 1,200  2 images/s  0:08:58 left',
    ]


def test_a_line_of_work_without_an_end_has_neither_a_total_nor_a_time_that_is_left(clock):
    out = console()
    with Progress('frames', None, console=out) as bar:
        clock[0] += 3
        bar.advance(2)
    assert out.file.getvalue() == 'frames: 2\n'


@pytest.mark.parametrize('has_widgets', [True, False])
def test_a_notebook_has_a_bar_if_it_has_widgets(clock, monkeypatch, has_widgets):
    spec = 'a spec' if has_widgets else None
    monkeypatch.setattr(progress, 'find_spec', {'ipywidgets': spec}.__getitem__)
    bars = []
    monkeypatch.setattr(progress, '_make_bar', lambda console: bars.append(console) or MagicMock())
    out = MagicMock(is_terminal=False, is_jupyter=True)
    with Progress('faces', 10, console=out) as bar:
        clock[0] += 3
        bar.advance(5)
    assert bool(bars) == has_widgets
    lines = [call.args[0] for call in out.print.call_args_list]
    assert lines == ([] if has_widgets else ['faces: 5 of 10  0:00:03 left'])


def test_short_work_shows_nothing(clock):
    out = console()
    with Progress('faces', 3, console=out) as bar:
        for _ in range(3):
            clock[0] += 0.5
            bar.advance()
    assert out.file.getvalue() == ''


def test_other_work_between_two_steps_is_not_in_the_time_that_is_left(clock):
    out = console()
    with Progress('training', 11, done=1, console=out) as bar:
        clock[0] += 2
        bar.advance()
        clock[0] += 3600  # a validation
        bar.restart_clock()
        clock[0] += 2
        bar.advance()
    assert out.file.getvalue().splitlines() == [
        'training: 2 of 11  0:00:18 left',
        'training: 3 of 11  0:00:16 left',
    ]


def test_a_terminal_has_a_bar_that_goes_when_it_ends(clock):
    out = console(force_terminal=True)
    with Progress('[faces]', 10, console=out) as bar:
        clock[0] += 3
        bar.advance(5)
        out.print('between')
    printed = out.file.getvalue()
    assert '[faces]' in printed
    assert '5/10' in printed
    assert '0:00:03 left' in printed
    assert printed.endswith('\x1b[2K')  # the bar's line is cleared


def test_items_pass_through(clock):
    assert list(track(iter('abc'), 3, 'letters')) == ['a', 'b', 'c']
