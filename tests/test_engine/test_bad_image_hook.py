"""Replaced samples are counted over all processes, logged, and too many end the run."""

import json
import logging
from types import SimpleNamespace

import pytest

from mmpose_lite.datasets.datasets.base.replacement import Replacement
from mmpose_lite.engine.hooks import BadImageHook
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.utils import InputError

SIZE = 40


@pytest.fixture
def lines(monkeypatch):
    found = []
    logger = logging.Logger('run')
    logger.addHandler(logging.Handler())
    monkeypatch.setattr(logger, 'warning', found.append)
    return SimpleNamespace(found=found, logger=logger)


class Faces:
    def __init__(self, replacement):
        self.replacement = replacement

    def __len__(self):
        return SIZE


def runner(lines, replacement=None, wrap=lambda dataset: dataset):
    loader = SimpleNamespace(dataset=wrap(Faces(replacement)))
    return SimpleNamespace(
        logger=lines.logger, iter=0, train_dataloader=loader, val_dataloader=loader
    )


def batch(*bad):
    """Four samples; ``bad`` are those that were replaced."""
    samples = [PoseDataSample() for _ in range(4)]
    for i in bad:
        samples[i].set_field((f'image {i} is gone',), 'bad_images', field_type='metainfo')
    return {'inputs': None, 'data_samples': samples}


def run(hook, run, batches):
    hook.before_train(run)
    for i, each in enumerate(batches):
        run.iter = i
        hook.before_train_iter(run, i, each)
    hook.after_train_epoch(run)


def test_what_is_replaced_is_logged_and_counted(lines):
    hook = BadImageHook(interval=2)
    batches = [batch(1), batch(), batch(1, 2), batch(), batch()]
    run(hook, runner(lines, Replacement(max_share=0.1)), batches)
    assert lines.found == [
        'replaced: image 1 is gone',  # once
        'replaced: image 2 is gone',
        'iteration 4: 3 of the last 20 samples (an epoch) replaced, their images cannot be read',
    ]


def test_more_than_the_share_of_an_epoch_ends_the_run(lines):
    setting = Replacement(max_share=0.1)  # four of forty
    run(BadImageHook(2), runner(lines, setting), [batch(0), batch(0), batch(0), batch(0)])
    message = r'5 of the first 24 samples of an epoch of 40 .*more than on_bad_image.max_share=0.1'
    with pytest.raises(InputError, match=message):
        run(BadImageHook(2), runner(lines, setting), [batch(0)] * 5 + [batch()] * 5)
    with pytest.raises(InputError, match='5 of the first 20'):  # at the end of an epoch, too
        run(BadImageHook(50), runner(lines, setting), [batch(0)] * 5)


def test_the_next_epoch_counts_anew(lines):
    hook, one = BadImageHook(2), runner(lines, Replacement(max_share=0.1))
    for _ in range(5):
        run(hook, one, [batch(0), batch(0), batch(0)])
    assert sum('3 of the last 12' in line for line in lines.found) == 5


def test_many_in_a_row_end_the_run(lines):
    setting = Replacement(max_share=1, max_in_a_row=5)
    run(BadImageHook(2), runner(lines, setting), [batch(2, 3), batch(0, 1, 3), batch()])
    with pytest.raises(InputError, match=r'5 of them in a row .*max_in_a_row=5'):
        run(BadImageHook(2), runner(lines, setting), [batch(2, 3), batch(0, 1, 2), batch()])


def test_all_processes_stop_alike(lines, monkeypatch):
    """Two processes, each with a share that is allowed; together it is not."""

    def gather(content):
        return [content, json.dumps({**json.loads(content), 'problems': ['of another']}).encode()]

    monkeypatch.setattr('mmpose_lite.engine.hooks.bad_image_hook.gather_bytes', gather)
    with pytest.raises(InputError, match='6 of the first 24 samples'):
        run(BadImageHook(3), runner(lines, Replacement(max_share=0.1)), [batch(0)] * 3)
    assert 'replaced: of another' in lines.found


@pytest.mark.parametrize(
    'wrap',
    [
        lambda dataset: dataset,
        lambda dataset: Wrapped(dataset=dataset),
        lambda dataset: Wrapped(datasets=[Faces(None), Wrapped(dataset=dataset)]),
    ],
)
def test_sets_made_of_others_are_looked_into(lines, wrap):
    with pytest.raises(InputError, match='max_share=0 allows'):
        run(BadImageHook(1), runner(lines, Replacement(max_share=0), wrap), [batch(0)])


class Wrapped(SimpleNamespace):
    def __len__(self):
        return SIZE


def test_it_is_silent_where_bad_images_are_refused(lines, monkeypatch):
    monkeypatch.setattr('mmpose_lite.engine.hooks.bad_image_hook.gather_bytes', None)
    run(BadImageHook(1), runner(lines), [batch()] * 3)
    assert lines.found == []


def test_validation_must_not_replace(lines):
    BadImageHook().before_val(runner(lines))
    with pytest.raises(InputError, match=r'val_dataloader\.dataset\.on_bad_image'):
        BadImageHook().before_val(runner(lines, Replacement()))
