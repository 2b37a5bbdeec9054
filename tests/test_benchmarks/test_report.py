"""Tables of what was measured."""

import pytest

from benchmarks import report
from benchmarks.report import Spread

ROW = {
    'name': 'pipeline',
    'work': 'training pipeline',
    'key': 'images_per_s',
    'unit': 'images/s',
    'lower_is_better': False,
    'goal': 1.5,
    'of_ratio': True,
    'problem': '',
    'ours': [300.0, 310.0, 290.0],
    'theirs': [100.0, 200.0, 145.0],
}


def cells(**changes):
    """The cells of one row of the comparison."""
    line = report.comparison_table([{**ROW, **changes}]).splitlines()[-1]
    return [cell.strip() for cell in line.strip('|').split('|')]


def test_quartiles():
    assert Spread.of([4.0, 1.0, 2.0, 5.0, 3.0]) == Spread(3, 2, 4)
    assert Spread.of([7.0]) == Spread(7, 7, 7)


@pytest.mark.parametrize(
    ('value', 'text'),
    [(12345.6, '12,346'), (123.4, '123'), (12.34, '12.3'), (1.0, '1.00'), (0.01234, '0.0123')],
)
def test_numbers_have_three_digits(value, text):
    assert report.number(value) == text


def test_ratio_is_the_median_of_pairs():
    # 3, 1.55 and 2; of the medians it would be 300 / 145.
    assert cells()[2:] == [
        '300 (295 to 305)',
        '145 (122 to 172)',
        '2.00 (1.77 to 2.50)',
        'at least 1.5',
        'reached',
    ]


@pytest.mark.parametrize(
    ('goal', 'lower_is_better', 'verdict'),
    [(2.1, False, 'missed'), (2.0, True, 'reached'), (1.9, True, 'missed'), (None, True, '')],
)
def test_verdict(goal, lower_is_better, verdict):
    assert cells(goal=goal, lower_is_better=lower_is_better)[-1] == verdict


def test_a_goal_may_be_a_value_of_ours():
    row = cells(of_ratio=False, theirs=[], goal=720, lower_is_better=True, unit='s')
    assert row[3:] == ['', '', 'at most 720 s', 'reached']


def test_what_is_not_measured_says_so():
    row = cells(problem='not measured: without a GPU', ours=[], theirs=[])
    assert row[2:] == ['', '', '', 'at least 1.5', 'not measured: without a GPU']
    assert cells(theirs=[])[-1] == 'not measured: without mmpose'


def test_bounds_come_in_their_order():
    rows = [{**ROW, 'name': name} for name in ('train-amp', 'loader', 'other')]
    works = [line.split('|')[1].strip() for line in report.bounds_table(rows).splitlines()[2:]]
    assert works == ['loader, decoding', 'both, decoding, --amp']


def test_a_table_takes_its_place_in_a_document(tmp_path):
    path = tmp_path / 'page.md'
    path.write_text('before\n<!-- here -->\nold\n<!-- end of here -->\nafter\n')
    for text in ('| new |', '| newer |'):
        report.write_between(path, 'here', text)
    assert path.read_text() == (
        'before\n<!-- here -->\n\n| newer |\n\n<!-- end of here -->\nafter\n'
    )
    with pytest.raises(ValueError, match='there'):
        report.write_between(path, 'there', 'text')
