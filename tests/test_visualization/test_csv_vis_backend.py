"""Scalars in a CSV file that grows, and continues when a run is resumed."""

import csv

import numpy as np
import pytest
import torch

from mmpose_lite.registry import VISBACKENDS
from mmpose_lite.utils.scalar_rows import before
from mmpose_lite.visualization import CsvVisBackend


@pytest.fixture
def write(tmp_path):
    """A function that writes rows like mmengine's logger hook, in a process of its own."""

    def write(*rows, **settings):
        backend = CsvVisBackend(str(tmp_path), **settings)
        for row in rows:
            backend.add_scalars(row, step=row.get('iter', row.get('_epoch', 0)))
        return backend

    return write


def train_row(iteration, **values):
    return {'loss': 1 / iteration, **values, 'epoch': 1, 'iter': iteration}


def read(folder):
    with (folder / 'scalars.csv').open(newline='') as file:
        return list(csv.DictReader(file))


def column(folder, name):
    return [row[name] for row in read(folder)]


def test_a_row_is_there_when_the_call_returns(write, tmp_path):
    write(train_row(1), train_row(2))
    assert read(tmp_path)[1] == {
        'mode': 'train', 'step': '2', 'epoch': '1', 'iter': '2', 'loss': '0.5'
    }  # fmt: skip


def test_a_new_key_is_a_new_column(write, tmp_path):
    write(train_row(1), {'NME': 0.25}, train_row(2, grad_norm=3.0))
    assert column(tmp_path, 'mode') == ['train', 'val', 'train']
    assert column(tmp_path, 'NME') == ['', '0.25', '']
    assert column(tmp_path, 'grad_norm') == ['', '', '3.0']


def test_rows_that_a_resumed_run_makes_again_are_replaced(write, tmp_path):
    write(*(train_row(i) for i in range(1, 6)))
    with (tmp_path / 'scalars.csv').open('a') as file:
        file.write('train,6,1,6,0.1')  # the process ended here
    write(train_row(4, loss=9.0), train_row(5, loss=8.0), resume=True)
    assert column(tmp_path, 'iter') == ['1', '2', '3', '4', '5']
    assert column(tmp_path, 'loss')[-2:] == ['9.0', '8.0']


def test_a_validation_that_is_made_again_replaces_what_followed_it(write, tmp_path):
    first = [train_row(1), {'NME': 0.5, 'step': 1}, train_row(2), {'NME': 0.4, 'step': 2}]
    write(*first)
    write({'NME': 0.45, 'step': 2}, train_row(3), resume=True)
    assert column(tmp_path, 'NME') == ['', '0.5', '', '0.45', '']
    assert column(tmp_path, 'iter') == ['1', '', '2', '', '3']


def test_a_new_run_begins_anew(write, tmp_path):
    write(train_row(1), train_row(2))
    write(train_row(7))
    assert column(tmp_path, 'iter') == ['7']


def test_a_missing_file_is_begun(write, tmp_path):
    write(train_row(7), resume=True)
    assert column(tmp_path, 'iter') == ['7']


def test_single_numbers_of_hooks_have_rows_without_a_mode(tmp_path):
    backend = VISBACKENDS.build({'type': 'CsvVisBackend', 'save_dir': str(tmp_path / 'new')})
    backend.add_scalar('share', torch.tensor(0.5), step=3)
    backend.add_scalar('share', np.float64(0.25), step=4)
    assert read(tmp_path / 'new')[1] | {'mode': ''} == read(tmp_path / 'new')[1]
    assert column(tmp_path / 'new', 'share') == ['0.5', '0.25']
    assert backend.experiment == tmp_path / 'new' / 'scalars.csv'


@pytest.mark.parametrize(
    ('later', 'kept'),
    [
        ([{'iter': 3}], 3),
        ([{'iter': 9}], 5),
        ([{'step': 1}, {'iter': 3}], 2),
        ([{'step': 2}, {'iter': 4}], 4),
        ([{'step': 0}], 5),
        ([], 5),
    ],
)
def test_what_a_run_made_before_it_was_resumed(later, kept):
    rows = [{'iter': 1}, {'iter': 2}, {'step': 1}, {'iter': 3}, {'step': 2}]
    assert len(before(rows, later)) == kept
