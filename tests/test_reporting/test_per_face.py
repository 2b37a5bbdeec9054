"""A table with a row per face."""

import csv
import io
import math
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
from hand_made import row
from hand_made import run as make_run

from mmpose_lite.errors import InputError
from mmpose_lite.reporting import to_frame
from mmpose_lite.reporting.per_face import per_face_csv
from mmpose_lite.reporting.run_errors import RunErrors


class Frame:
    """A stand-in for pandas's table."""

    def __init__(self, data, columns):
        self.columns = columns
        self.records = [dict(zip(columns, each, strict=True)) for each in data]

    def to_dict(self, orient):
        assert orient == 'records'
        return self.records


@pytest.fixture(params=['stand-in', *(['installed'] if find_spec('pandas') else [])])
def _pandas(request, monkeypatch):
    if request.param == 'stand-in':
        monkeypatch.setitem(sys.modules, 'pandas', SimpleNamespace(DataFrame=Frame))


@pytest.mark.usefixtures('_pandas')
def test_a_row_a_face():
    first = make_run(row(1, 5, subsets=['a', 'b'], scores=[0.2, 0.4, 0.6, 0.8]), name='x')
    second = make_run(row('z', 1) | {'mask': [True, False, False, False]}, name='y')
    frame = to_frame([first, second])
    lines = frame.to_dict('records')
    assert [line['run'] for line in lines] == ['x', 'y']
    assert (lines[0]['id'], lines[1]['id']) == (1, 'z')
    assert lines[0]['image'] == 'photos/1.jpg'
    assert (lines[0]['subsets'], lines[0]['points'], lines[1]['points']) == ('a b', 4, 1)
    assert lines[0]['confidence'] == 0.5
    assert lines[0]['nme_box'] == pytest.approx(0.05)
    assert math.isnan(lines[0]['yaw'])
    assert math.isnan(lines[1]['nme_tight_box'])
    text = per_face_csv([RunErrors(each) for each in (first, second)])
    assert next(csv.reader(io.StringIO(text))) == list(frame.columns)


@pytest.mark.usefixtures('_pandas')
def test_a_single_run():
    (line,) = to_frame(make_run(row(1, 5))).to_dict('records')
    assert line['run'] == 'run'


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'pandas', None)
    with pytest.raises(InputError, match=r'^this needs pandas: pip install pandas$'):
        to_frame([])
