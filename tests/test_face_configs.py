"""The shipped face configs: MMPose's value for value, and each trains and is tested."""

import math
import os
from pathlib import Path

import mmengine.runner  # noqa: F401  (fills mmengine's registries, as every run does)
import pytest
import torch
from mmengine.config import Config

from helpers.face_sets import FORMS, make_set
from helpers.mmpose_facts import NAMES, flat_config, read_configs
from helpers.tiny_recipe import shrink
from mmpose_lite.apis import load_config
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.config_rewrites import move_targets_to_head, set_cache, warp_on_device
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import config_root

# What MMPose does not have: the choice of the epoch by faces that are not those of the test.
OURS_ALONE = {
    'face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256_val-split.py',
}

# Hooks of ours that the shipped configs name.
LOG_HOOKS = {
    'speed': 'SpeedHook',
    'train_error': 'TrainErrorHook',
    'val_loss': 'ValLossHook',
    'summary': 'SummaryHook',
    'screen': 'ScreenHook',
}

ROOT = config_root()
THEIRS = read_configs()
# The configs of an installed MMPose, where there is one: site-packages/mmpose/.mim/configs
MMPOSE = os.environ.get('MMPOSE_CONFIGS')

WFLW = ['pose', 'expression', 'illumination', 'makeup', 'occlusion', 'blur']
SUBSETS = {
    '300w': ['common', 'challenge'],
    'aflw': ['frontal'],
    'wflw': WFLW,
}
# MMPose's 300W config tests on the validation set, ours on the test set as well.
TEST_SUBSETS = {**SUBSETS, '300w': ['common', 'challenge', 'full', 'test']}


def stem(name):
    return Path(name).stem


def data_set(name):
    return Path(name).parent.name


QUICK = (
    'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256',
    'td-reg_res50_wingloss_8xb64-210e_wflw-256x256',
)
EACH_SOME_SLOW = pytest.mark.parametrize(
    'name',
    [
        pytest.param(name, id=stem(name), marks=[pytest.mark.slow] * (stem(name) not in QUICK))
        for name in NAMES
    ],
)


def differences(name):
    """Differences of a config of ours from MMPose's of that name, by dotted path."""
    ours, theirs = flat_config(ROOT / name), THEIRS[name]
    return {
        path: (ours.get(path), theirs.get(path))
        for path in {*ours, *theirs}
        if path not in ours or path not in theirs or ours[path] != theirs[path]
    }


@pytest.mark.parametrize('name', NAMES, ids=stem)
def test_it_is_mmposes_value_for_value(name):
    found = differences(name)
    assert found.pop('default_scope') == ('mmpose_lite', 'mmpose')
    for hook, kind in LOG_HOOKS.items():
        assert found.pop(f'default_hooks.{hook}.type') == (kind, None)
    found = {path: values for path, values in found.items() if '.subsets.' not in path}
    if data_set(name) == '300w':
        found = {
            path: values
            for path, values in found.items()
            if not path.startswith('test_dataloader.dataset.')
            and path not in ('full_file', 'test_file')
        }
    assert found == {}


def test_300w_is_tested_on_what_mmpose_tests_on_and_on_the_test_set():
    name = next(name for name in NAMES if data_set(name) == '300w')
    cfg = Config.fromfile(ROOT / name)
    valid, test = cfg.test_dataloader.dataset.datasets
    assert cfg.test_dataloader.dataset.pipeline == cfg.val_dataloader.dataset.pipeline
    for part in (valid, test):
        kept = {k: v for k, v in part.items() if k not in ('subsets', 'pipeline', 'ann_file')}
        assert kept == {k: cfg.val_dataloader.dataset[k] for k in kept}
    assert valid.ann_file == cfg.val_dataloader.dataset.ann_file
    assert test.ann_file == 'annotations/face_landmarks_300w_test.json'


def test_300w_can_be_cached_and_augmented_on_the_device():
    """Its combined test set is left to the workers."""
    cfg = load_config(ROOT / next(name for name in NAMES if data_set(name) == '300w'))
    move_targets_to_head(cfg)
    set_cache(cfg, True)
    cfg.augment_on_device = 'stream'
    warp_on_device(cfg)
    steps = cfg.train_dataloader.dataset.pipeline
    assert steps[-2] == {'type': 'TopdownAffine', 'input_size': (256, 256), 'warp': False}
    assert cfg.test_dataloader.dataset.pipeline[2].get('warp') is None


def test_all_are_there():
    """With no other file but those that MMPose does not have."""
    shipped = (ROOT / 'face_2d_keypoint').rglob('*.py')
    assert sorted({str(path.relative_to(ROOT)) for path in shipped} - OURS_ALONE) == NAMES
    assert len(NAMES) == 14


@pytest.mark.parametrize('name', NAMES, ids=stem)
def test_a_variant_is_a_dozen_lines(name):
    """Beside its description."""
    code = (ROOT / name).read_text().split('"""', 2)[2].strip().splitlines()
    if any(word in name for word in ('dark', 'awing', 'wingloss')):
        assert len([line for line in code if line.strip()]) <= 12
    assert len(code) <= 80


@EACH_SOME_SLOW
def test_the_whole_model_builds(name):
    cfg = load_config(ROOT / name)
    points = FORMS[cfg.dataset_type]['points']
    with torch.device('meta'):
        model = MODELS.build(cfg.model).eval()
        feats = model.extract_feat(torch.empty(1, 3, 256, 256))
        if 'regression' in name:
            assert model.head.fc(feats[-1].flatten(1)).shape == (1, 2 * points)
        else:
            assert model.head.forward(feats).shape == (1, points, 64, 64)


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    folders = {}

    def find(kind):
        if kind not in folders:
            folders[kind] = make_set(tmp_path_factory.mktemp(kind), kind)
        return folders[kind]

    return find


def run(cfg, sets, work_dir):
    """Train and test a config made tiny: its last validation's numbers, and the test's."""
    runner = PoseRunner.from_cfg(shrink(cfg, sets(cfg.dataset_type), work_dir))
    runner.train()
    assert runner.iter == 2
    best = runner.message_hub.get_info('best_score')
    numbers = runner.test()
    return best, numbers


def keys(subsets):
    return {'NME', *(f'NME_{name}' for name in subsets)}


@EACH_SOME_SLOW
def test_it_trains_and_is_tested(name, sets, tmp_path, as_new_process):
    best, numbers = run(load_config(ROOT / name), sets, tmp_path)
    assert set(numbers) == keys(TEST_SUBSETS.get(data_set(name), ()))
    assert all(0 < value < math.inf for value in numbers.values())
    if data_set(name) == '300w':
        whole, full, test = numbers['NME'], numbers['NME_full'], numbers['NME_test']
        assert whole == pytest.approx((3 * full + 2 * test) / 5)
        assert best == pytest.approx(full)
    else:
        assert best == pytest.approx(numbers['NME'], rel=1e-4)


@pytest.mark.skipif(MMPOSE is None, reason='MMPOSE_CONFIGS does not name the configs of an MMPose')
@pytest.mark.parametrize('name', NAMES, ids=stem)
class TestMMPosesOwnFiles:
    def test_they_are_those_that_were_recorded(self, name):
        assert flat_config(Path(MMPOSE) / name) == THEIRS[name]

    def test_they_run_as_they_are(self, name, sets, tmp_path, as_new_process):
        best, numbers = run(load_config(Path(MMPOSE) / name), sets, tmp_path)
        assert set(numbers) == {'NME'}
        assert best == pytest.approx(numbers['NME'], rel=1e-4)
