"""Data sets inside others, as objects and as configs."""

from types import SimpleNamespace

import pytest

from mmpose_lite.utils.nested_datasets import innermost, walk_datasets

CONFIG = {'dataset': {'datasets': [{'name': 'a'}, {'dataset': {'name': 'b'}}], 'name': 'all'}}


def as_object(config):
    parts = {
        key: [as_object(part) for part in value] if key == 'datasets' else as_object(value)
        for key, value in config.items()
        if key != 'name'
    }
    return SimpleNamespace(**{**config, **parts})


def name(part):
    return part.get('name') if isinstance(part, dict) else getattr(part, 'name', None)


@pytest.mark.parametrize('whole', [CONFIG, as_object(CONFIG)], ids=['config', 'object'])
def test_a_whole_comes_before_its_parts_and_parts_know_it(whole):
    found = {place: [*map(name, nest)] for place, nest in walk_datasets(whole, 'train')}
    assert list(found.items()) == [
        ('train', [None]),
        ('train.dataset', [None, 'all']),
        ('train.dataset.datasets.0', [None, 'all', 'a']),
        ('train.dataset.datasets.1', [None, 'all', None]),
        ('train.dataset.datasets.1.dataset', [None, 'all', None, 'b']),
    ]
    assert [name(part) for *_, part in innermost(whole)] == ['a', 'b']


def test_there_may_be_none():
    assert list(walk_datasets(None)) == [('', (None,))]
