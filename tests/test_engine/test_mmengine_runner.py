"""mmengine's own Runner, which a training script of somebody's may build, with our parts."""

import pytest
from mmengine.config import Config
from mmengine.runner import Runner

from mmpose_lite.engine import PoseRunner
from mmpose_lite.registry import SCOPE

pytestmark = [
    pytest.mark.usefixtures('as_new_process'),
    # What mmengine imports to describe the machine.
    pytest.mark.filterwarnings('ignore:The distutils package:DeprecationWarning'),
]

# Those that PoseRunner has by itself; mmengine's has them where a config names them.
HOOKS = ['SpeedHook', 'TrainErrorHook', 'ValLossHook', 'SummaryHook', 'BadImageHook']


@pytest.fixture
def cfg(tiny_config, tmp_path):
    cfg = Config.fromfile(tiny_config)
    cfg.default_scope, cfg.work_dir = SCOPE, str(tmp_path / 'run')
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.pop('persistent_workers', None)
    cfg.train_cfg.update(max_epochs=2, val_interval=1)
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=1, save_best='NME')
    cfg.custom_hooks = [{'type': name} for name in HOOKS]
    return cfg


@pytest.mark.slow
def test_it_trains_resumes_and_tests(cfg, tmp_path, as_new_process):
    folder = tmp_path / 'run'
    runner = Runner.from_cfg(cfg)
    runner.train()
    logged = runner.message_hub.log_scalars
    assert {'train/images_per_s', 'val/NME'} <= set(logged)
    # What is replaced goes once its successor, which has no footer, has been read back.
    assert [path.name for path in folder.glob('epoch_*')] == ['epoch_2.pth']
    assert len(list(folder.glob('best_NME_*'))) == 1

    for kind, epochs in ((Runner, 3), (PoseRunner, 4)):
        as_new_process()
        cfg.resume, cfg.train_cfg.max_epochs = True, epochs
        other = kind.from_cfg(cfg)
        other.train()
        assert other.epoch == epochs
        assert [path.name for path in folder.glob('epoch_*')] == [f'epoch_{epochs}.pth']

    as_new_process()
    cfg.resume, cfg.load_from = False, str(folder / 'epoch_4.pth')  # ours, with a footer
    tested = Runner.from_cfg(cfg).test()
    as_new_process()
    assert tested['NME'] == pytest.approx(PoseRunner.from_cfg(cfg).test()['NME'], abs=1e-5)


def test_validating_alone_is_no_training(cfg, tmp_path):
    runner = Runner.from_cfg(cfg)
    numbers = runner.val()
    assert 'NME' in numbers
    assert 'val_loss' not in numbers
    assert not list((tmp_path / 'run').glob('*.pth'))


@pytest.mark.slow
def test_it_trains_by_iterations(cfg, tmp_path):
    cfg.train_cfg = {'by_epoch': False, 'max_iters': 2, 'val_interval': 1}
    cfg.default_hooks.checkpoint.update(by_epoch=False)
    cfg.log_processor = {'type': 'LogProcessor', 'by_epoch': False}
    Runner.from_cfg(cfg).train()
    assert [path.name for path in (tmp_path / 'run').glob('iter_*')] == ['iter_2.pth']
