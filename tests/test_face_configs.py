"""The shipped face configs: MMPose's value for value, and each trains and is tested."""

import math
import os
from pathlib import Path

import mmengine.runner  # noqa: F401  (fills mmengine's registries, as every run does)
import pytest
import torch
from mmengine.config import Config

from helpers.exact_runs import digests, last_checkpoint
from helpers.face_sets import FORMS, make_parts, make_set
from helpers.mmpose_facts import NAMES, flat_config, read_configs
from helpers.tiny_recipe import shrink
from mmpose_lite.apis import load_config
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.config_rewrites import (
    find_datasets,
    find_pipelines,
    move_targets_to_head,
    rewrite_config,
    set_cache,
    warp_on_device,
)
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import config_root
from mmpose_lite.structures.pixel_changes import HsvChange
from mmpose_lite.utils.config_utils import check_keys

# What MMPose does not have: the choice of the epoch by faces that are not those of the test, and
# COFW's eyes where LaPa's are.
CORRECTED = 'face_2d_keypoint/rtmpose/face6/rtmpose-m_8xb256-120e_face6-256x256_cofw-eyes.py'
OURS_ALONE = {
    'face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256_val-split.py',
    CORRECTED,
    *(
        f'face_2d_keypoint/topdown_heatmap/{data}/td-hm_hrnetv2-w18_best-8xb64-60e_{data}-256x256.py'
        for data in ('300w', 'aflw', 'cofw', 'wflw')
    ),
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
# MMPose's 300W config tests on the validation set, ours on the test set as well. Of a test on
# several sets there is a number for each.
TEST_SUBSETS = {
    **SUBSETS,
    '300w': ['common', 'challenge', 'full', 'test'],
    # By MMPose's mapping COFW's faces have no eye corners, by which LaPa's errors are divided.
    'face6': ['lapa', 'coco_wholebody_face', 'wflw', '300w', 'halpe'],
}


def stem(name):
    return Path(name).stem


def data_set(name):
    return Path(name).parent.name


QUICK = (
    'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256',
    'td-reg_res50_wingloss_8xb64-210e_wflw-256x256',
    'td-hm_hourglass52_8xb32-60e_coco-wholebody-face-256x256',
    'rtmpose-m_8xb64-60e_wflw-256x256',
)
RTMPOSE = [name for name in (*NAMES, CORRECTED) if 'rtmpose' in name]
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


@pytest.mark.parametrize(
    'name',
    [
        # RTMPose-s and -t have the pipelines of -m.
        pytest.param(name, id=stem(name), marks=[pytest.mark.slow] * ('rtmpose-m' not in name))
        for name in RTMPOSE
    ],
)
def test_rtmpose_s_crops_are_made_and_changed_on_the_device(name):
    """Of six sets, the pipeline of the whole comes after those of the parts."""
    cfg = load_config(ROOT / name)
    set_cache(cfg, True)
    check_keys(cfg)
    cfg.augment_on_device = 'stream'
    rewritten, _ = rewrite_config(cfg)
    pipelines = {place: steps for place, steps in find_pipelines(rewritten) if len(steps) > 1}
    assert len(pipelines) == 4
    for place, steps in pipelines.items():
        (crop,) = (step for step in steps if step['type'] == 'TopdownAffine')
        assert crop['warp'] is False
        trains = place.startswith(('train', 'custom_hooks'))
        changes = ['YOLOXHSVRandomAug', 'Albumentation'] if trains else []
        if place == 'train_dataloader.dataset' and data_set(name) == 'lapa':
            changes.insert(1, 'PhotometricDistortion')
        kinds = [step['type'] for step in steps]
        assert kinds[kinds.index('TopdownAffine') + 1 :] == [*changes, 'PackPoseInputs']


def test_all_are_there():
    """With no other file but those that MMPose does not have."""
    shipped = (ROOT / 'face_2d_keypoint').rglob('*.py')
    assert sorted({str(path.relative_to(ROOT)) for path in shipped} - OURS_ALONE) == NAMES
    assert len(NAMES) == 23


@pytest.mark.parametrize('name', [*NAMES, *sorted(OURS_ALONE)], ids=stem)
def test_a_variant_is_a_dozen_lines(name):
    """Beside its description; of another size of network, which trains otherwise, two dozen."""
    code = (ROOT / name).read_text().split('"""', 2)[2].strip().splitlines()
    if '../_base_/' not in '\n'.join(code):
        lines = [line for line in code if line.strip() and not line.startswith('#')]
        assert len(lines) <= (24 if 'rtmpose' in name else 13)
    assert len(code) <= 80


def test_the_corrected_config_differs_in_the_eyes_of_cofw_alone():
    mmposes = CORRECTED.replace('_cofw-eyes', '')
    own, theirs = (flat_config(ROOT / name) for name in (CORRECTED, mmposes))
    changed = {path for path in {*own, *theirs} if own.get(path) != theirs.get(path)}
    converter = 'pipeline.0.mapping'
    places = ['mapping_cofw', f'dataset_cofw.{converter}', f'val_cofw.{converter}']
    places += [f'{role}_dataloader.dataset.datasets.4.{converter}' for role in ('train', 'test')]
    assert changed == set(places)
    pairs, before = (dict(each['mapping_cofw']) for each in (own, theirs))
    assert {point for point in pairs if pairs[point] != before[point]} == set(range(8, 16))
    # MMPose gives the eyes WFLW's numbers, from which its own mapping of WFLW leads to LaPa's.
    wflw = dict(own['mapping_wflw'])
    assert all(pairs[point] == wflw[before[point]] for point in range(8, 16))
    assert len(set(pairs.values())) == len(pairs) == 27


# Of the head's outputs for a crop of 256x256: maps, or a vector for x and one for y.
def shapes(cfg, points):
    if cfg.model.head.type == 'RTMCCHead':
        return [(1, points, 512)] * 2
    return [(1, points, 64, 64)]


@EACH_SOME_SLOW
def test_the_whole_model_builds(name):
    cfg = load_config(ROOT / name)
    points = FORMS[cfg.dataset_type]['points']
    # Autocast knows no meta tensors.
    with torch.device('cpu' if 'rtmpose' in name else 'meta'), torch.no_grad():
        model = MODELS.build(cfg.model).eval()
        feats = model.extract_feat(torch.empty(1, 3, 256, 256))
        if 'regression' in name:
            assert model.head.fc(feats[-1].flatten(1)).shape == (1, 2 * points)
        else:
            found = model.head.forward(feats)
            found = [found] if isinstance(found, torch.Tensor) else found
            assert [tuple(each.shape) for each in found] == shapes(cfg, points)


@pytest.fixture(scope='module')
def sets(tmp_path_factory):
    """A function of a config: the folder of its data, in files as it names them."""
    folders = {}

    def find(cfg):
        name = cfg.train_dataloader.dataset.type
        if name not in folders:
            folders[name] = tmp_path_factory.mktemp(name)
            if name == 'CombinedDataset':
                for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
                    make_parts(folders[name], find_datasets(loader), 2)
            else:
                make_set(folders[name], name)
        return folders[name]

    return find


def run(cfg, sets, work_dir):
    """Train and test a config made tiny: its last validation's numbers, and the test's."""
    runner = PoseRunner.from_cfg(shrink(cfg, sets(cfg), work_dir))
    runner.train()
    assert runner.iter == len(runner.train_dataloader.dataset) / 2
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
    elif data_set(name) != 'face6':  # which is validated on LaPa and tested on all
        # A network that has learnt nothing has bins of a vector that are nearly equal.
        rel = 1e-3 if 'rtmpose' in name else 1e-4
        assert best == pytest.approx(numbers['NME'], rel=rel)


@pytest.mark.slow
def test_the_corrected_config_has_a_number_of_cofw(sets, tmp_path, as_new_process):
    _, numbers = run(load_config(ROOT / CORRECTED), sets, tmp_path)
    assert set(numbers) == {*keys(TEST_SUBSETS['face6']), 'NME_cofw'}


@pytest.mark.parametrize(
    ('data', 'mode'),
    [
        ('wflw', 'resident'),
        *(
            pytest.param(data, mode, marks=pytest.mark.slow)
            for data, mode in (('lapa', 'resident'), ('face6', 'resident'), ('face6', 'stream'))
        ),
    ],
)
def test_rtmpose_trains_on_crops_of_the_device(data, mode, sets, tmp_path, as_new_process):
    """Beyond the switch of its pipeline, and is tested to the same numbers as without."""
    name = next(name for name in RTMPOSE if data_set(name) == data and 'rtmpose-m' in name)
    cfg = load_config(ROOT / name)
    set_cache(cfg, str(tmp_path / 'crops'))
    cfg.augment_on_device = mode
    cfg = shrink(cfg, sets(cfg), tmp_path / 'run')
    cfg.train_cfg.max_epochs = 2
    (switch,) = (hook for hook in cfg.custom_hooks if 'switch_epoch' in hook)
    switch.switch_epoch = 1
    runner = PoseRunner.from_cfg(cfg)
    runner.train()
    assert (runner.model.data_preprocessor.crops is not None) == (mode == 'resident')
    changes = runner.train_dataloader.dataset[0]['data_samples'].pixel_changes
    assert isinstance(changes[0], HsvChange)
    assert len(changes) == 4  # those of Albumentation too, whether drawn or not
    numbers = runner.test()
    as_new_process()
    cfg.pop('augment_on_device')
    cfg.load_from = str(last_checkpoint(tmp_path / 'run'))
    expected = PoseRunner.from_cfg(cfg).test()
    assert numbers == pytest.approx(expected, rel=1e-2)


OF_OTHER_NETWORKS = ('rtmpose', 'hourglass', 'mobilenetv2', 'scnet')


@pytest.mark.slow
@pytest.mark.parametrize(
    'name', [name for name in NAMES if any(word in name for word in OF_OTHER_NETWORKS)], ids=stem
)
def test_it_resumes_as_if_nothing_had_been(name, sets, tmp_path, as_new_process):
    """After its first epoch, where RTMPose's pipeline changes."""

    def train(folder, epochs, **settings):
        as_new_process()
        cfg = load_config(ROOT / name)
        cfg = shrink(cfg, sets(cfg), tmp_path / folder)
        cfg.train_cfg.max_epochs, cfg.randomness = epochs, {'seed': 1}
        for hook in cfg.custom_hooks:
            if 'switch_epoch' in hook:
                hook.switch_epoch = 1
        cfg.update(settings)
        PoseRunner.from_cfg(cfg).train()
        return digests(last_checkpoint(tmp_path / folder))

    whole = train('whole', 2)
    train('parts', 1)
    assert train('parts', 2, resume=True) == whole


@pytest.mark.skipif(MMPOSE is None, reason='MMPOSE_CONFIGS does not name the configs of an MMPose')
@pytest.mark.parametrize('name', NAMES, ids=stem)
class TestMMPosesOwnFiles:
    def test_they_are_those_that_were_recorded(self, name):
        assert flat_config(Path(MMPOSE) / name) == THEIRS[name]

    def test_they_run_as_they_are(self, name, sets, tmp_path, as_new_process):
        best, numbers = run(load_config(Path(MMPOSE) / name), sets, tmp_path)
        assert set(numbers) == keys(TEST_SUBSETS['face6'] if data_set(name) == 'face6' else ())
        if data_set(name) != 'face6':
            rel = 1e-3 if 'rtmpose' in name else 1e-4
            assert best == pytest.approx(numbers['NME'], rel=rel)
