"""States of hooks are in checkpoints: resumed runs end where undisturbed ones do."""

from types import SimpleNamespace

import pytest
from mmengine.hooks import EarlyStoppingHook, Hook

from helpers.exact_runs import contents, make_config, train
from mmpose_lite.engine.run_state import hook_states, restore_hook_states
from mmpose_lite.errors import InputError


class CountHook(Hook):
    """Counts, last of all, and may end the process after an iteration."""

    priority = 'LOWEST'

    def __init__(self, end_after=None):
        self.count, self.end_after = 0, end_after

    def after_train_iter(self, runner, **kwargs):
        self.count += 1
        if runner.iter + 1 == self.end_after:
            raise KeyboardInterrupt

    def after_val_iter(self, runner, **kwargs):
        self.count += 1

    def after_val_epoch(self, runner, **kwargs):
        self.count += 1

    def state_dict(self):
        return {'count': self.count}

    def load_state_dict(self, state):
        self.count = state['count']


def stopping(monitor='NME', **settings):
    return {'type': 'EarlyStoppingHook', 'monitor': monitor, 'rule': 'less', **settings}


@pytest.mark.slow
def test_a_run_that_stops_early_ends_where_it_would_have(tmp_path, as_new_process):
    """The third validation without progress is the fourth: one comes before the kill."""
    cfg = make_config(
        tmp_path,
        train_cfg__max_epochs=6,
        custom_hooks=[
            stopping(patience=3, min_delta=10.0),
            stopping('val_loss', patience=5, min_delta=10.0),
        ],
    )

    whole = train(cfg, tmp_path / 'whole', hook=CountHook())
    assert whole.epoch == 4
    as_new_process()
    with pytest.raises(KeyboardInterrupt):
        train(cfg, tmp_path / 'killed', hook=CountHook(end_after=10))
    as_new_process()
    resumed = train(cfg, tmp_path / 'killed', resume=True, hook=CountHook())
    assert resumed.epoch == 4
    assert contents(tmp_path / 'killed') == contents(tmp_path / 'whole')


@pytest.mark.slow
def test_a_run_that_a_hook_has_ended_stays_ended(tmp_path, as_new_process):
    """Its best weights are saved after the hook has said so; the config's settings stay."""
    early = [stopping(stopping_threshold=1e9)]
    cfg = make_config(tmp_path, custom_hooks=early, train_cfg__max_epochs=2)
    assert train(cfg, tmp_path / 'run').epoch == 1
    as_new_process()
    assert train(cfg, tmp_path / 'run', resume=True).epoch == 1
    as_new_process()
    cfg.resume_settings, cfg.custom_hooks = 'config', []
    assert train(cfg, tmp_path / 'run', resume=True).epoch == 2


def run_of(*hooks):
    said = []
    return SimpleNamespace(hooks=hooks, logger=SimpleNamespace(warning=said.append), said=said)


def early(monitor, count=0):
    hook = EarlyStoppingHook(monitor, rule='less')
    hook.wait_count = count
    return hook


def test_hooks_of_one_class_keep_apart():
    stored = hook_states([early('NME', 1), CountHook(), early('AUC', 2), early('AUC', 3)])
    run = run_of(early('AUC'), early('NME'), CountHook(), early('AUC'))
    restore_hook_states(run, stored, 'a.pth')
    assert [getattr(hook, 'wait_count', '-') for hook in run.hooks] == [2, 1, '-', 3]
    assert run.said == []


def test_a_hook_that_is_missing_or_new_is_said():
    stored = hook_states([early('NME', 1), early('AUC', 2), early('AUC', 3), CountHook()])
    run = run_of(early('NME'), early('AUC'), early('EPE'))
    restore_hook_states(run, stored, 'a.pth')
    assert [hook.wait_count for hook in run.hooks] == [1, 0, 0]
    assert run.said == [
        "EarlyStoppingHook(AUC): 1 in this run, 2 in 'a.pth': its memory begins anew",
        "CountHook: 0 in this run, 1 in 'a.pth': its memory is dropped",
        "EarlyStoppingHook(EPE): 1 in this run, 0 in 'a.pth': its memory begins anew",
    ]


def test_a_hook_that_refuses_its_state_is_named():
    stored = [{'type': 'CountHook', 'monitor': '', 'state': {}}]
    with pytest.raises(InputError, match=r"'a\.pth': hooks\.CountHook: KeyError: 'count'"):
        restore_hook_states(run_of(CountHook()), stored, 'a.pth')
