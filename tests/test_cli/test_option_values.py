"""Values of ``--cfg-options``: those that mmengine's DictAction reads, without loading it."""

import random

import pytest
from mmengine.config import DictAction

from mmpose_lite.cli.command_line import read_value

WORDS = ['True', 'false', 'TRUE', 'None', 'none', 'word', 'a.b/c-d_e', '{}.pth', 'epoch_{:03d}']
WORDS += ['face(1).json', 'x=y', '/path/a,b', '~', '*', '==', '"a"', "'a,b'", '(a)b', ' a b ', '']
NUMBERS = ['1', '-3', '1.5', '1e-3', 'inf', '1_000', '0x10', 'nan']
SEVERAL = ['1,2', '1,a,None', '1,', ',1', '[]', '()', '[1]', '(1,)', '(1)', '[1,2.5,x]', '[ 1, 2 ]']
SEVERAL += ['[(1,2),(3,4)]', '[[1],[2,[3]]]', '([a,b],c)', '[a,,b]', '[,]', "'[1,2]'", '"(1,2)"']


@pytest.mark.parametrize('text', [*WORDS, *NUMBERS, *SEVERAL])
def test_values_are_those_of_mmengine(text):
    expected = DictAction._parse_iterable(text)
    value = read_value(text)
    assert repr(value) == repr(expected)


def test_random_values_are_those_of_mmengine():
    """Of ill-nested ones, such as ``(a][b)``, some are refused where mmengine reads something."""
    rng, refused = random.Random(0), 0
    for _ in range(3000):
        text = ''.join(rng.choice('12ab,,()[]()[]. \'"') for _ in range(rng.randrange(1, 12)))
        try:
            expected = repr(DictAction._parse_iterable(text))
        except AssertionError:  # its word for brackets that do not close
            expected = 'refused'
        except RecursionError:  # as for (1,2),(3,4)
            continue
        try:
            value = repr(read_value(text))
        except ValueError:
            refused += 1
            continue
        assert value == expected, text
    assert refused < 1500


@pytest.mark.parametrize('text', ['[1,2', '1,2]', '[(1,2],3)', "[dict(type='A')]", "{'a':1}"])
def test_brackets_that_do_not_close_and_dicts_are_refused(text):
    with pytest.raises(ValueError, match=r'brackets do not close|has a dict'):
        read_value(text)


def test_lists_without_outer_brackets_are_read():
    assert read_value('(1,2),(3,4)') == [(1, 2), (3, 4)]
    assert read_value('[a],[b]') == [['a'], ['b']]
