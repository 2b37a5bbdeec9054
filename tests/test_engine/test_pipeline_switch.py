"""Training data that change their pipeline from an epoch on."""

import json
import os
import signal

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset, ConcatDataset
from mmengine.hooks import Hook
from mmengine.model import BaseModel

from helpers.data_factory import make_face_set
from helpers.exact_runs import AUGMENTED, digests, last_checkpoint, make_config, train
from helpers.processes import ROOT
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.datasets.crop_cache import CropExtent
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.config_rewrites import find_pipelines, rewrite_config, set_cache
from mmpose_lite.engine.hooks import PipelineSwitchHook
from mmpose_lite.engine.preemption import RunStopped
from mmpose_lite.errors import InputError
from mmpose_lite.registry import DATASETS, MODELS, TRANSFORMS

CODEC = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 1}
LAST = [{'type': 'GenerateTarget', 'encoder': CODEC}, {'type': 'PackPoseInputs'}]
LOAD, BOX, FLIP, VARY, CROP = AUGMENTED
NEVER, ALWAYS = {**FLIP, 'prob': 0.0}, {**FLIP, 'prob': 1.0}
# Mirrored faces are those of the second pipeline.
FIRST = [LOAD, BOX, NEVER, VARY, CROP, *LAST]
WIDE = {**VARY, 'scale_factor': (0.5, 1.5), 'rotate_factor': 20}
SECOND = [LOAD, BOX, ALWAYS, {**VARY, 'scale_factor': (0.9, 1.1)}, CROP, *LAST]


def changing_pixels(steps, strength):
    """A pipeline with RTMPose's changes behind the crop, the strength of which a switch changes."""
    blurs = [{'type': kind, 'p': strength / 2} for kind in ('Blur', 'MedianBlur')]
    hole = {'type': 'CoarseDropout', 'max_holes': 1, 'max_height': 0.4, 'max_width': 0.4}
    hole |= {'min_height': 0.2, 'min_width': 0.2, 'p': strength}
    changes = [
        {'type': 'YOLOXHSVRandomAug', 'value_delta': round(30 * strength)},
        {'type': 'Albumentation', 'transforms': [*blurs, hole]},
    ]
    return [*steps[:5], *changes, *steps[5:]]


def switch(epoch, pipeline=SECOND, **kwargs):
    hook = {'type': 'PipelineSwitchHook', 'switch_epoch': epoch, 'switch_pipeline': pipeline}
    return {**hook, **kwargs}


# --- which samples go through which pipeline


class Tag:
    """Marks what went through it."""

    def __init__(self, tag):
        self.tag = tag

    def __call__(self, results):
        return {'inputs': torch.full((1,), float(self.tag)), 'data_samples': self.tag}


class Eight(BaseDataset):
    def load_data_list(self):
        return [{'id': i} for i in range(8)]


class Noting(BaseModel):
    """Remembers the marks of each batch."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.seen = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        self.seen.append(set(data_samples))
        return {'loss': self.weight.sum()}


@pytest.fixture
def toys():
    parts = [(TRANSFORMS, Tag), (DATASETS, Eight), (MODELS, Noting)]
    for registry, part in parts:
        registry.register_module(module=part)
    yield
    for registry, part in parts:
        del registry.module_dict[part.__name__]


def tags(work_dir, epochs, hooks, **loader):
    """The marks of each epoch's samples."""
    data = {'type': 'Eight', 'pipeline': [{'type': 'Tag', 'tag': 1}]}
    cfg = {
        'model': {'type': 'Noting'},
        'work_dir': str(work_dir),
        'train_dataloader': {
            'batch_size': 4,
            'sampler': {'type': 'DefaultSampler', 'shuffle': False},
            'dataset': data,
            **loader,
        },
        'train_cfg': {'by_epoch': True, 'max_epochs': epochs},
        'optim_wrapper': {'optimizer': {'type': 'SGD', 'lr': 0.0}},
        'custom_hooks': hooks,
        'visualizer': {'type': 'PoseLocalVisualizer'},
        'default_scope': 'mmpose_lite',
    }
    runner = PoseRunner.from_cfg(Config(cfg))
    runner.train()
    return [set.union(*runner.model.seen[2 * i : 2 * i + 2]) for i in range(epochs)]


def to_tag(epoch, tag=2):
    return switch(epoch, [{'type': 'Tag', 'tag': tag}])


_slow = pytest.mark.slow  # collecting kept workers, when the next run begins, takes seconds


# As mmdet's hook does it in the same runs of its own (mmdet 3.3.0).
@pytest.mark.parametrize(
    ('epoch', 'loader', 'expected'),
    [
        (3, {}, [{1}, {1}, {1}, {2}, {2}]),
        pytest.param(
            *(2, {'num_workers': 2, 'persistent_workers': True}, [{1}, {1}, {2}, {2}]), marks=_slow
        ),
        pytest.param(
            *(1, {'num_workers': 1, 'persistent_workers': False}, [{1}, {2}, {2}]), marks=_slow
        ),
        (0, {}, [{2}, {2}, {2}]),
        (7, {}, [{1}, {1}]),
    ],
)
def test_the_epoch_says_which_pipeline_samples_go_through(
    epoch, loader, expected, toys, tmp_path, as_new_process
):
    assert tags(tmp_path, len(expected), [to_tag(epoch)], **loader) == expected


def test_of_several_switches_the_last_that_was_due_counts(toys, tmp_path, as_new_process):
    hooks = [to_tag(3, 4), to_tag(1, 3)]
    assert tags(tmp_path, 5, hooks) == [{1}, {3}, {3}, {4}, {4}]


def test_parts_of_a_data_set_without_a_pipeline_switch_theirs(toys, tmp_path, as_new_process):
    part = {'type': 'Eight', 'indices': 4, 'pipeline': [{'type': 'Tag', 'tag': 1}]}
    data = {'type': 'ConcatDataset', 'datasets': [part, part]}
    assert tags(tmp_path, 2, [to_tag(1)], dataset=data) == [{1}, {2}]


def test_a_name_of_mmdet_is_ours(toys, tmp_path, as_new_process):
    hook = {**to_tag(1), 'type': 'mmdet.PipelineSwitchHook'}
    assert tags(tmp_path, 2, [hook]) == [{1}, {2}]


# --- what the config says of both pipelines


@pytest.fixture
def cfg(tmp_path):
    return make_config(
        tmp_path, train_dataloader__dataset__pipeline=FIRST, custom_hooks=[switch(1)]
    )


def kinds(steps):
    return [step['type'] for step in steps]


def test_the_head_makes_the_targets_of_both(cfg):
    rewritten, sentences = rewrite_config(cfg)
    pipelines = dict(find_pipelines(rewritten, ['train_dataloader']))
    assert list(pipelines) == ['train_dataloader.dataset', 'custom_hooks.0']
    for steps in pipelines.values():
        assert kinds(steps)[-2:] == ['TopdownAffine', 'PackPoseInputs']
        assert steps[-1]['pack_transformed']
    assert any('targets of train_dataloader and custom_hooks.0' in each for each in sentences)
    assert kinds(cfg.custom_hooks[0].switch_pipeline)[-2] == 'GenerateTarget'


def test_a_hook_among_the_default_ones_is_served_too(cfg, tmp_path):
    cfg.default_hooks['switch'] = cfg.pop('custom_hooks')[0]
    set_cache(cfg, str(tmp_path))
    rewritten, sentences = rewrite_config(cfg)
    switched = rewritten.default_hooks.switch.switch_pipeline
    assert kinds(switched)[-2:] == ['TopdownAffine', 'PackPoseInputs']
    assert any('train_dataloader and default_hooks.switch' in each for each in sentences)
    assert rewritten.train_dataloader.dataset.cache.further_pipelines == [switched]


def test_targets_that_only_one_pipeline_makes_stay_there(cfg):
    cfg.custom_hooks[0].switch_pipeline[-2].encoder.sigma = 3
    rewritten, _ = rewrite_config(cfg)
    first, second = (steps for _, steps in find_pipelines(rewritten, ['train_dataloader']))
    assert 'GenerateTarget' not in kinds(first)
    assert second[-2]['encoder']['sigma'] == 3
    # The head makes no targets of a validation loss that are not those of all epochs.
    assert not rewritten.val_dataloader.dataset.pipeline[-1].get('pack_transformed')


def test_the_device_warps_both(cfg, tmp_path):
    set_cache(cfg, str(tmp_path))
    cfg.augment_on_device = 'stream'
    rewritten, _ = rewrite_config(cfg)
    for _, steps in find_pipelines(rewritten):
        assert steps[-2]['warp'] is False
    cfg.custom_hooks[0].switch_pipeline.insert(5, {'type': 'RandomPhotograph'})
    with pytest.raises(InputError, match=r'custom_hooks\.0 has RandomPhotograph behind TopdownAff'):
        rewrite_config(cfg)


class TestCropCache:
    @pytest.fixture
    def opened(self, cfg, tmp_path):
        """The training data with a crop cache; only the second pipeline varies boxes."""
        set_cache(cfg, str(tmp_path / 'crops'))
        cfg.custom_hooks[0].switch_pipeline[3] = WIDE
        del cfg.train_dataloader.dataset.pipeline[3]
        rewritten, sentences = rewrite_config(cfg)
        assert any('crop cache' in each for each in sentences)
        return DATASETS.build(rewritten.train_dataloader.dataset), rewritten.custom_hooks[0]

    def test_its_crops_are_the_photographs_for_both(self, cfg, opened):
        dataset, hook = opened
        del cfg.train_dataloader.dataset['cache']
        plain = DATASETS.build(cfg.train_dataloader.dataset)
        second = PipelineSwitchHook(1, hook.switch_pipeline)
        for change in (False, True):
            if change:
                dataset.pipeline = plain.pipeline = second.pipeline
            for number in range(16):
                index = SampleIndex(number, 0, 3)
                found, expected = (each[index]['inputs'].int() for each in (dataset, plain))
                assert (found - expected).abs().max() <= 1

    def test_the_extent_of_both_is_kept(self, cfg):
        of = CropExtent.of_pipeline
        cfg.custom_hooks[0].switch_pipeline[3] = WIDE
        first, second = (
            of(map(TRANSFORMS.build, steps))
            for _, steps in find_pipelines(cfg, ['train_dataloader'])
        )
        both = first.covering(second)
        assert both == second.covering(first)
        assert (both.smallest, both.largest, both.rotation) == (0.5, 1.5, 60)
        arguments = np.array([500, 500]), np.array([100, 100]), (1000, 1000)
        areas = [each.window(*arguments)[2:4] for each in (first, second, both)]
        assert areas[2] > max(areas[:2])

    def test_extents_of_other_paddings_are_covered(self):
        one = CropExtent((64, 64), padding=1.0, shift=0.2, smallest=0.5, largest=2.0)
        two = CropExtent((64, 64), padding=2.0, shift=0.15, smallest=0.5, largest=1.1)
        both = CropExtent((64, 64), padding=2.0, shift=0.15, smallest=0.25, largest=1.1)
        assert one.covering(two) == both
        with pytest.raises(InputError, match=r'crop to \(64, 64\) and \(32, 32\)'):
            one.covering(CropExtent((32, 32)))

    def test_photographs_are_loaded_in_one_way(self, cfg, tmp_path):
        set_cache(cfg, str(tmp_path))
        cfg.custom_hooks[0].switch_pipeline[0] = {'type': 'LoadImage', 'exif': 'apply'}
        rewritten, _ = rewrite_config(cfg)
        with pytest.raises(InputError, match='load photographs in one way'):
            DATASETS.build(rewritten.train_dataloader.dataset)


def test_half_bodies_hinder_no_cache_of_faces(tmp_path):
    """RandomHalfBody does nothing where no point is of a half."""
    root = make_face_set(tmp_path / 'faces')
    steps = [LOAD, BOX, {'type': 'RandomHalfBody'}, VARY, CROP, LAST[-1]]
    files = {'ann_file': 'annotations/face_landmarks_aflw_train.json'}
    folders = {'data_root': str(root), 'data_prefix': {'img': 'images/'}}
    dataset = AFLWDataset(**files, **folders, pipeline=steps, cache=str(tmp_path / 'crops'))
    assert len(dataset.crops.file) == 8
    info = dataset.metainfo
    points = {
        i: {'name': name, 'id': i, 'type': 'upper', 'swap': info['keypoint_id2name'][mirror]}
        for i, (name, mirror) in enumerate(
            zip(info['keypoint_name2id'], info['flip_indices'], strict=True)
        )
    }
    halves = {
        'dataset_name': 'halves',
        'keypoint_info': points,
        'skeleton_info': {},
        'joint_weights': [1.0] * 19,
        'sigmas': [],
    }
    with pytest.raises(InputError, match='RandomHalfBody comes before the crop'):
        AFLWDataset(
            **files, **folders, pipeline=steps, cache=str(tmp_path / 'crops'), metainfo=halves
        )


# --- what is wrong is said before the first iteration


class Begun(Exception):
    """The first iteration is there."""


class BeginHook(Hook):
    def before_train_iter(self, runner, **kwargs):
        raise Begun


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'custom_hooks.0.switch_pipeline.4.input_size': (32, 32)},
            r'sizes of crops differ: .*train_dataloader\.dataset\.pipeline\.4\.input_size='
            r'\(64, 64\); .*; train_dataloader \(PipelineSwitchHook, epoch 2\)\.dataset'
            r'\.pipeline\.4\.input_size=\(32, 32\)',
        ),
        (
            {'custom_hooks.0.switch_pipeline.5.encoder.heatmap_size': (32, 32)},
            r'epoch 2\)\.dataset\.pipeline\.5\.encoder has heatmap_size=\(32, 32\)',
        ),
        ({'custom_hooks.0.switch_pipeline.2.type': 'RandomFlop'}, "type='RandomFlop' is not in"),
        ({'custom_hooks.0.switch_epoch': -1}, r'switch_epoch=-1 is not an epoch'),
        (
            {
                'train_cfg': {'_delete_': True, 'by_epoch': False, 'max_iters': 4},
                'train_dataloader.sampler.type': 'InfiniteSampler',
            },
            r'switch_epoch=1 is never reached, .*by_epoch=False',
        ),
    ],
    ids=['size', 'targets', 'type', 'epoch', 'iterations'],
)
def test_faults_of_the_second_pipeline_are_said_first(
    cfg, change, message, tmp_path, as_new_process
):
    cfg.merge_from_dict(change)
    with pytest.raises(InputError, match=message):
        train(cfg, tmp_path / 'run', hook=BeginHook())


def test_data_without_a_pipeline_cannot_switch(toys, tmp_path, as_new_process):
    with pytest.raises(InputError, match=r'TensorDataset\) has no pipeline to replace'):
        PipelineSwitchHook(1, []).switched_copies(torch.utils.data.TensorDataset())
    both = ConcatDataset([Eight(pipeline=[Tag(1)]), Eight(pipeline=[Tag(1)])])
    assert [
        each[0]['data_samples'] for each in PipelineSwitchHook(1, [Tag(2)]).switched_copies(both)
    ] == [
        2,
        2,
    ]
    assert both[0]['data_samples'] == both[15]['data_samples'] == 1


def test_a_run_that_ends_before_its_switch_says_so(cfg, tmp_path, as_new_process):
    cfg.custom_hooks[0].switch_epoch = 3
    with pytest.raises(Begun):
        train(cfg, tmp_path / 'run', hook=BeginHook())
    (log,) = (tmp_path / 'run').rglob('*.log')
    assert 'switch_epoch=3, and the run has 3 epochs: its pipeline is never used' in log.read_text()


# --- resuming


class FlipsHook(Hook):
    """Notes whether the faces of each iteration are mirrored, and ends the process after one."""

    def __init__(self, after_iter=None):
        self.after_iter, self.seen = after_iter, []

    def after_train_iter(self, runner, data_batch=None, **kwargs):
        self.seen.append({bool(each.flip) for each in data_batch['data_samples']})
        if runner.iter + 1 == self.after_iter:
            os.kill(os.getpid(), signal.SIGTERM)


SETTINGS = {
    'plain': {},
    'workers': {'train_dataloader__num_workers': 1, 'train_dataloader__persistent_workers': True},
    'cache': {'train_dataloader__dataset__cache': True},
    # Crops that the model's device warps and changes, from samples or from its own memory.
    **{
        mode: {
            'augment_on_device': mode,
            'train_dataloader__dataset__pipeline': changing_pixels(FIRST, 1.0),
            'custom_hooks': [switch(1, changing_pixels(SECOND, 0.5))],
            **{f'{role}_dataloader__dataset__cache': True for role in ('train', 'val', 'test')},
        }
        for mode in ('stream', 'resident')
    },
}
SETTINGS['stream'] |= SETTINGS['workers']


@pytest.fixture(scope='module')
def ends(tmp_path_factory):
    return {'folder': tmp_path_factory.mktemp('undisturbed')}


@pytest.fixture
def undisturbed(ends, as_new_process):
    """A function of the name of settings: their config, and the end of an undisturbed run."""

    def end_of(name):
        if name not in ends:
            plain = {'train_dataloader__dataset__pipeline': FIRST, 'custom_hooks': [switch(1)]}
            cfg = make_config(ends['folder'], **(plain | SETTINGS[name]))
            hook = FlipsHook()
            train(cfg, ends['folder'] / name, hook=hook)
            assert hook.seen == [{False}] * 4 + [{True}] * 8
            ends[name] = cfg, digests(last_checkpoint(ends['folder'] / name))
            as_new_process()
        return ends[name]

    return end_of


# Of four iterations an epoch; the second one is the first of the second pipeline.
MOMENTS = {'the epoch before': 2, 'its end': 4, 'the epoch of the switch': 6, 'later': 9}
QUICK = ('plain', 'the epoch of the switch')


@pytest.mark.parametrize(
    ('name', 'moment'),
    [
        pytest.param(name, moment, marks=[pytest.mark.slow] * ((name, moment) != QUICK))
        for name in SETTINGS
        for moment in MOMENTS
    ],
)
def test_a_resumed_run_has_the_pipeline_of_its_epoch(
    name, moment, undisturbed, as_new_process, tmp_path
):
    cfg, expected = undisturbed(name)
    before, after = FlipsHook(MOMENTS[moment]), FlipsHook()
    with pytest.raises(RunStopped):
        train(cfg, tmp_path, hook=before)
    as_new_process()
    train(cfg, tmp_path, resume=True, hook=after)
    assert before.seen + after.seen == [{False}] * 4 + [{True}] * 8
    assert digests(last_checkpoint(tmp_path)) == expected


RANKS = """
_base_ = ['{base}']
custom_imports = dict(imports=['faults'])
train_cfg = dict(max_epochs=3)
train_dataloader = dict(
    batch_size=2, num_workers=1, persistent_workers=True, dataset=dict(pipeline={first})
)
custom_hooks = [
    dict(type='PipelineSwitchHook', switch_epoch=1, switch_pipeline={second}),
    dict(type='RecordHook'),
    dict(type='StopHook'),
]
"""


@pytest.mark.parametrize('mode', ['workers', 'stream', 'resident'])
def test_two_ranks_resume_with_it(processes, tiny_config, tmp_path, mode):
    """Of eight faces, so an epoch has two iterations."""
    first, second, flags = FIRST, SECOND, []
    if mode != 'workers':
        first, second = changing_pixels(FIRST, 1.0), changing_pixels(SECOND, 0.5)
        flags = ['--cache', tmp_path / 'crops', '--augment-on-device', mode]
    config = tmp_path / 'two.py'
    config.write_text(RANKS.format(base=tiny_config, first=first, second=second))

    def run(name, *options, status=0, **variables):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        command = (ROOT / 'tools' / 'dist_train.sh', config, 2, '--no-validate', *flags, *options)
        variables['RECORD'] = str(folder)
        done = processes.run(*command, '--work-dir', folder / 'run', cwd=tmp_path, **variables)
        assert done.status == status, done.printed
        records = [(folder / f'{rank}.jsonl').read_text().splitlines() for rank in range(2)]
        return records, digests(last_checkpoint(folder / 'run'))

    whole, end = run('whole')
    for records in whole:
        flips = [set(json.loads(line)['flips']) for line in records]
        assert flips == [{False}] * 2 + [{True}] * 4
    for after in (1, 3, 5):
        stopped = {'status': 128 + signal.SIGTERM, 'STOP_AFTER': str(after)}
        records, _ = run(f'run{after}', **stopped)
        assert records == [each[:after] for each in whole]
        assert run(f'run{after}', '--resume') == (whole, end)
