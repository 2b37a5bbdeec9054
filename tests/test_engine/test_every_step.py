"""A run that resumes at any step sees the faces, and draws the augmentation, that came next."""

import hashlib

import pytest
import torch
from mmengine.hooks import Hook

from helpers.exact_runs import BY_ITERATION, make_config
from mmpose_lite.engine import PoseRunner

BATCHES = 6  # of 3 of 16 faces, the last of one
WORKERS = (0, 1, 2, 4)
LOOPS = {
    'epochs': {'train_cfg__max_epochs': 2},
    'endless': {
        **BY_ITERATION,
        'train_cfg': {**BY_ITERATION['train_cfg'], 'max_iters': 2 * BATCHES, 'val_interval': 100},
    },
}


class SeenHook(Hook):
    """Stands for the network: notes each face and what augmentation made of it."""

    def __init__(self):
        self.seen = []

    def before_train(self, runner):
        runner.model.train_step = self.note

    def note(self, data, optim_wrapper):
        for image, sample in zip(data['inputs'], data['data_samples'], strict=True):
            points = sample.gt_instances.transformed_keypoints.tobytes()
            made = hashlib.sha256(image.numpy().tobytes() + points).hexdigest()
            self.seen.append((sample.metainfo['id'], made))
        return {'loss': torch.zeros(())}


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    return tmp_path_factory.mktemp('faces')


@pytest.fixture
def see(faces, as_new_process):
    """A function that runs a loop with a number of workers, from a step on; what it saw."""

    def run(loop, workers, work_dir, step=0):
        as_new_process()
        cfg = make_config(
            faces,
            **LOOPS[loop],
            train_dataloader__batch_size=3,
            train_dataloader__num_workers=workers,
            train_dataloader__persistent_workers=workers == 4,
            limit_workers=False,
            param_scheduler=[],
            val_cfg=None,
            val_dataloader=None,
            val_evaluator=None,
            default_hooks__checkpoint={
                'type': 'CheckpointHook',
                'interval': 1,
                'by_epoch': False,
                '_delete_': True,
            },
        )
        cfg.work_dir = str(work_dir)
        if step:
            cfg.work_dir = str(work_dir / f'from{step}')
            cfg.resume, cfg.load_from = True, str(work_dir / f'iter_{step}.pth')
        runner, hook = PoseRunner.from_cfg(cfg), SeenHook()
        runner.register_hook(hook)
        runner.train()
        return hook.seen

    return run


# torch says so on a machine with fewer cores.
@pytest.mark.filterwarnings('ignore:This DataLoader will create 4')
@pytest.mark.slow  # `test_resuming_a_resumed_run` is quick
@pytest.mark.parametrize('loop', LOOPS)
def test_resuming_at_every_step(loop, see, tmp_path, whole):
    undisturbed = see(loop, 0, tmp_path)
    per_step = [3, 3, 3, 3, 3, 1] * 2 if loop == 'epochs' else [3] * 2 * BATCHES
    assert len(undisturbed) == sum(per_step)
    assert len(set(undisturbed)) == len(undisturbed), 'each epoch draws anew'
    workers = WORKERS if whole else (0, 2)
    steps = range(1, 2 * BATCHES) if whole else (1, 5, 6, 8)
    for count in workers:
        assert see(loop, count, tmp_path / f'with{count}') == undisturbed
        for step in steps:
            rest = see(loop, count, tmp_path, step)
            assert rest == undisturbed[sum(per_step[:step]) :], (count, step)


def test_resuming_a_resumed_run(see, tmp_path):
    undisturbed = see('epochs', 0, tmp_path)
    see('epochs', 2, tmp_path, 3)
    again = see('epochs', 1, tmp_path / 'from3', 8)
    assert again == undisturbed[16 + 6 :]
