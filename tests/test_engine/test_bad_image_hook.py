"""Replaced samples are counted over all processes, logged, and too many end the run."""

import logging
from types import SimpleNamespace

import pytest

from mmpose_lite.datasets.datasets.base.bad_images import BadImageReplacement
from mmpose_lite.engine.hooks import BadImageHook
from mmpose_lite.engine.run_log import DeferredMessageHub
from mmpose_lite.errors import InputError
from mmpose_lite.structures import PoseDataSample

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
        self.bad_image_replacement = replacement

    def __len__(self):
        return SIZE


def runner(lines, replacement=None, wrap=lambda dataset: dataset):
    loader = SimpleNamespace(dataset=wrap(Faces(replacement)))
    return SimpleNamespace(
        logger=lines.logger,
        iter=0,
        train_dataloader=loader,
        val_dataloader=loader,
        message_hub=DeferredMessageHub('replaced'),
        world_size=1,
        rank=0,
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
    run(hook, runner(lines, BadImageReplacement(max_share=0.1)), batches)
    assert lines.found == [
        'replaced: image 1 is gone',  # once
        'replaced: image 2 is gone',
        'iteration 4: 3 of the last 20 samples (an epoch) replaced, their images cannot be read',
    ]


def test_more_than_the_share_of_an_epoch_ends_the_run(lines):
    setting = BadImageReplacement(max_share=0.1)  # four of forty
    run(BadImageHook(2), runner(lines, setting), [batch(0), batch(0), batch(0), batch(0)])
    message = r'5 of the first 24 samples of an epoch of 40 .*more than on_bad_image.max_share=0.1'
    with pytest.raises(InputError, match=message):
        run(BadImageHook(2), runner(lines, setting), [batch(0)] * 5 + [batch()] * 5)
    with pytest.raises(InputError, match='5 of the first 20'):  # at the end of an epoch, too
        run(BadImageHook(50), runner(lines, setting), [batch(0)] * 5)


def test_the_next_epoch_counts_anew(lines):
    hook, one = BadImageHook(2), runner(lines, BadImageReplacement(max_share=0.1))
    for _ in range(5):
        run(hook, one, [batch(0), batch(0), batch(0)])
    assert sum('3 of the last 12' in line for line in lines.found) == 5


def test_many_in_a_row_end_the_run(lines):
    setting = BadImageReplacement(max_share=1, max_in_a_row=5)
    run(BadImageHook(2), runner(lines, setting), [batch(2, 3), batch(0, 1, 3), batch()])
    with pytest.raises(InputError, match=r'5 of them in a row .*max_in_a_row=5'):
        run(BadImageHook(2), runner(lines, setting), [batch(2, 3), batch(0, 1, 2), batch()])


def test_all_processes_stop_alike(lines, monkeypatch):
    """Two processes, each with a share that is allowed; together it is not."""

    def gather(counts):
        return [counts, {**counts, 'problems': ['of another']}]

    monkeypatch.setattr('mmpose_lite.engine.hooks.bad_image_hook.gather_objects', gather)
    with pytest.raises(InputError, match='6 of the first 24 samples'):
        run(BadImageHook(3), runner(lines, BadImageReplacement(max_share=0.1)), [batch(0)] * 3)
    assert 'replaced: of another' in lines.found


def count(hook, run, batches):
    """Count batches of an epoch that has not ended."""
    hook.before_train(run)
    for i, each in enumerate(batches):
        run.iter = i
        hook.before_train_iter(run, i, each)


def test_a_resumed_run_has_the_share_so_far(lines):
    """Three batches are counted, one of them since the last time that processes did so."""
    one = runner(lines, BadImageReplacement(max_share=0.1))
    hook = BadImageHook(2)
    count(hook, one, [batch(0)] * 3)
    hook.keep(one)
    with pytest.raises(InputError, match='5 of the first 20 samples'):
        count(BadImageHook(2), one, [batch(0)] * 2)


@pytest.mark.parametrize(('world_size', 'stops'), [(2, True), (3, False)])
def test_a_resumed_run_has_the_row_of_each_process(lines, monkeypatch, world_size, stops):
    """The second of two has two in a row; of other processes, nobody knows whose they were."""
    setting = BadImageReplacement(max_share=1, max_in_a_row=3)
    one = runner(lines, setting)
    other = {'seen': 4, 'replaced': 2, 'row': 2, 'problems': [], 'now': 2}
    module = 'mmpose_lite.engine.hooks.bad_image_hook'
    hook = BadImageHook(50)
    count(hook, one, [batch()])
    with monkeypatch.context() as two:
        two.setattr(f'{module}.gather_objects', lambda own: [own, other])
        hook.keep(one)
    one.world_size, one.rank = world_size, 1
    hook = BadImageHook(50)
    count(hook, one, [batch(0)])
    if stops:
        with pytest.raises(InputError, match=r'3 of the first 12 samples.*3 of them in a row'):
            hook.after_train_epoch(one)
    else:
        hook.after_train_epoch(one)
        assert '3 of the last 12 samples' in lines.found[-1]


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
        run(BadImageHook(1), runner(lines, BadImageReplacement(max_share=0), wrap), [batch(0)])


class Wrapped(SimpleNamespace):
    def __len__(self):
        return SIZE


def test_it_is_silent_where_bad_images_are_refused(lines, monkeypatch):
    monkeypatch.setattr('mmpose_lite.engine.hooks.bad_image_hook.gather_objects', None)
    run(BadImageHook(1), runner(lines), [batch()] * 3)
    assert lines.found == []


def test_validation_must_not_replace(lines):
    BadImageHook().before_val(runner(lines))
    with pytest.raises(InputError, match=r'val_dataloader\.dataset\.on_bad_image'):
        BadImageHook().before_val(runner(lines, BadImageReplacement()))
