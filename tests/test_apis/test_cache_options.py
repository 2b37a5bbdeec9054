"""The crop cache and batched warping, through the command line."""

import json
import shutil

import pytest

from mmpose_lite.apis import load_config, train
from mmpose_lite.cli.test import main as run_test
from mmpose_lite.cli.train import main as run_train

pytestmark = pytest.mark.usefixtures('as_new_process')

RESIDENT = ['--augment-on-device', 'resident']


@pytest.mark.parametrize(
    'flags',
    [
        pytest.param([], marks=pytest.mark.slow),
        pytest.param(['--augment-on-device', 'stream'], marks=pytest.mark.slow),
        RESIDENT,
    ],
    ids=['cut', 'streamed', 'resident'],
)
def test_a_test_over_the_cache_has_the_same_numbers(
    tiny_config, trained, tmp_path, as_new_process, flags
):
    def metrics(name, *more):
        out = tmp_path / f'{name}.json'
        arguments = [str(tiny_config), str(trained.checkpoint), '--out', str(out)]
        run_test([*arguments, '--work-dir', str(tmp_path / name), *more])
        as_new_process()
        return json.loads(out.read_text())

    plain = metrics('plain')
    cached = metrics('cached', '--cache', str(tmp_path / 'crops'), *flags)
    assert list((tmp_path / 'crops').glob('face_landmarks_aflw_test-*.crops'))
    assert cached.keys() == plain.keys()
    for name, value in plain.items():
        assert cached[name] == pytest.approx(value, abs=1e-4)  # 0.01 percentage points


@pytest.mark.parametrize('flags', [[], RESIDENT], ids=['cut', 'resident'])
def test_training_from_the_cache(tiny_config, face_set, tmp_path, flags):
    root = shutil.copytree(face_set, tmp_path / 'faces')
    options = [f'{loader}_dataloader.dataset.data_root={root}' for loader in ('train', 'val')]
    arguments = [str(tiny_config), '--work-dir', str(tmp_path / 'run')]
    run_train([*arguments, '--cache', *flags, '--cfg-options', *options])
    assert (tmp_path / 'run' / 'epoch_2.pth').is_file()
    names = {path.name.partition('-')[0] for path in (root / 'crops').glob('*.crops')}
    assert names == {'face_landmarks_aflw_train', 'face_landmarks_aflw_test'}


def test_iterations_from_resident_crops_and_a_test_after_them(tiny_config, face_set, tmp_path):
    root = shutil.copytree(face_set, tmp_path / 'faces')
    loaders = ('train', 'val', 'test')
    cfg = load_config(
        str(tiny_config),
        {
            **{f'{loader}_dataloader.dataset.data_root': str(root) for loader in loaders},
            **{f'{loader}_dataloader.dataset.cache': True for loader in loaders},
            'train_cfg': {'_delete_': True, 'by_epoch': False, 'max_iters': 2, 'val_interval': 2},
            'augment_on_device': 'resident',
            'work_dir': str(tmp_path / 'run'),
        },
    )
    runner = train(cfg)
    assert runner.model.data_preprocessor.crops is not None
    assert 0 < runner.test()['NME'] < 10
    held = runner.model.data_preprocessor.crops
    assert len(held) == len(runner.test_dataloader.dataset)


def test_without_a_gpu_the_workers_warp(tiny_config, trained, tmp_path):
    out = tmp_path / 'out.json'
    arguments = [str(tiny_config), str(trained.checkpoint), '--out', str(out)]
    run_test([*arguments, '--work-dir', str(tmp_path / 'run'), '--augment-on-device'])
    assert json.loads(out.read_text())['NME'] < 0.1


def test_pixels_that_are_changed_first_cannot_be_resident(tiny_config, trained, tmp_path):
    steps = "[dict(type='LoadImage'), dict(type='GetBBoxCenterScale'), "
    steps += "dict(type='PhotometricDistortion'), "
    steps += "dict(type='TopdownAffine', input_size=(64, 64)), dict(type='PackPoseInputs')]"
    config = tmp_path / 'changed.py'
    config.write_text(
        f"_base_ = ['{tiny_config}']\ntest_dataloader = dict(dataset=dict(pipeline={steps}))\n"
    )
    arguments = [str(config), str(trained.checkpoint), '--work-dir', str(tmp_path / 'run')]
    with pytest.raises(SystemExit, match=r"'resident': PhotometricDistortion changes pixels"):
        run_test([*arguments, '--cache', str(tmp_path / 'crops'), *RESIDENT])
