"""Disagreements in a config are named before the first iteration."""

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.hooks import Hook

from mmpose_lite.apis import load_config
from mmpose_lite.engine import PoseRunner, optim_wrappers
from mmpose_lite.engine.point_checks import check_sizes
from mmpose_lite.engine.run_state import random_state
from mmpose_lite.errors import InputError

pytestmark = pytest.mark.usefixtures('as_new_process')

LARGER = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (32, 32), 'sigma': 1}
UDP = {'type': 'UDPHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 1}
TRAIN, VAL = 'train_dataloader.dataset.pipeline', 'val_dataloader.dataset.pipeline'
ENCODER, DECODER = f'{TRAIN}.3.encoder', 'model.head.decoder'


class Checked(Exception):
    """The checks are over."""


class EndHook(Hook):
    priority = 'LOWEST'

    def before_train(self, runner):
        raise Checked


@pytest.fixture
def build(tiny_config, tmp_path, monkeypatch):
    """Build a run of the tiny config with some values of its own, which ends once it is checked."""

    def build(values=()):
        cfg = load_config(tiny_config)
        cfg.merge_from_dict({'train_cfg.max_epochs': 3, **dict(values)})
        cfg.work_dir = str(tmp_path / 'run')
        runner = PoseRunner.from_cfg(cfg)
        runner.register_hook(EndHook())
        runner.said = []
        monkeypatch.setattr(runner.logger, 'warning', runner.said.append)
        return runner

    return build


def warnings_of(runner):
    """Return the remarks of a training's checks, beside the one about its batch."""
    with pytest.raises(Checked):
        runner.train()
    return [each for each in runner.said if 'is meant for a batch of 512' not in each]


SIZES = {
    'the decoder': (
        {f'{DECODER}.input_size': (128, 128)},
        r'crops differ: model\.head\.decoder\.input_size=\(128, 128\); .*'
        r'train_dataloader\.dataset\.pipeline\.3\.encoder\.input_size=\(64, 64\); '
        r'train_dataloader\.dataset\.pipeline\.2\.input_size=\(64, 64\)',
    ),
    'the crop of validation': (
        {f'{VAL}.2.input_size': (96, 64)},
        r'crops differ: .*train_dataloader\S*=\(64, 64\); val_dataloader\S*=\(96, 64\)',
    ),
    'heatmaps twice as large': (
        {DECODER: LARGER, ENCODER: LARGER},
        r'sizes of heatmaps differ: model\.head\.decoder\.heatmap_size=\(32, 32\); '
        r'what model\.head makes of crops of 64x64=\(16, 16\)',
    ),
    'targets twice as large': (
        {ENCODER: LARGER},
        r'encoder has heatmap_size=\(32, 32\), model\.head\.decoder has heatmap_size=\(16, 16\)',
    ),
    'another kind of targets': (
        {ENCODER: UDP},
        r"encoder has type='UDPHeatmap', model\.head\.decoder has type='MSRAHeatmap'",
    ),
    'padding': (
        {'model.data_preprocessor.pad_size_divisor': 48},
        r'train_dataloader=\(64, 64\); .*backbone=\(96, 96\); see .*pad_size_divisor',
    ),
    'channels': (
        {'model.head.in_channels': 24},
        r'model\.head \(HeatmapHead, in_channels=24\) does not take a tensor \(1, 32, 16, 16\)',
    ),
    'a map that there is not': (
        {'model.neck': {'_delete_': True, 'type': 'FeatureMapProcessor', 'select_index': 7}},
        r'model\.neck \(FeatureMapProcessor\) does not take a tensor \(1, 8, 16, 16\) and .*range',
    ),
    'no final layer': (
        {'model.head.final_layer': None},
        r'numbers of maps differ: model\.head\.out_channels=19; .*crops of 64x64=32',
    ),
    'coordinates': (
        {
            'model.head': {
                '_delete_': True,
                'type': 'RegressionHead',
                'in_channels': 8,
                'num_joints': 19,
                'decoder': {'type': 'RegressionLabel', 'input_size': (64, 64)},
            },
            ENCODER: {'_delete_': True, 'type': 'RegressionLabel', 'input_size': (64, 64)},
        },
        r'model\.head \(RegressionHead, in_channels=8\) does not take a tensor \(1, 32, 16, 16\)',
    ),
    'another number of stages': (
        {
            'model.neck': None,
            'model.head': {
                '_delete_': True,
                'type': 'CPMHead',
                'in_channels': 8,
                'out_channels': 19,
                'num_stages': 2,
                'decoder': {**LARGER, 'heatmap_size': (16, 16)},
            },
        },
        r'model\.head: the length of feature maps did not match the `num_stages`=2: 4 come in',
    ),
    'bins of targets': (
        {
            'model.head': {
                '_delete_': True,
                'type': 'RTMCCHead',
                'in_channels': 32,
                'out_channels': 19,
                'input_size': (64, 64),
                'in_featuremap_size': (16, 16),
                'gau_cfg': {'hidden_dims': 8, 's': 8},
            },
            ENCODER: {
                '_delete_': True,
                'type': 'SimCCLabel',
                'input_size': (64, 64),
                'simcc_split_ratio': 1.0,
            },
        },
        r'model\.head\.loss does not take a tensor \(1, 19, 128\) and a tensor \(1, 19, 128\) and '
        'the targets of train_dataloader: ',
    ),
    'the flip test': (
        {'model.test_cfg.flip_mode': 'udp_combined'},
        r"model\.test_cfg=.*'udp_combined'.* does not take a face of val_dataloader",
    ),
}


@pytest.mark.parametrize('case', SIZES)
def test_sizes_that_disagree_end_a_training_before_it_begins(build, case):
    values, message = SIZES[case]
    with pytest.raises(InputError, match=message) as caught:
        build(values).train()
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('job', ['val', 'test'])
def test_sizes_that_disagree_end_a_test(build, job):
    loader = f'{job}_dataloader.dataset.pipeline.2.input_size'
    with pytest.raises(InputError, match=rf'{job}_dataloader.*=\(32, 32\)'):
        getattr(build({loader: (32, 32)}), job)()


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({f'{ENCODER}.sigma': 2}, r'encoder has sigma=2, model.head.decoder has sigma=1'),
        (
            {f'{DECODER}.unbiased': True},
            'encoder has unbiased=False, model.head.decoder has unbiased=True',
        ),
        ({f'{VAL}.2.use_udp': True}, f'{VAL}.2.use_udp=True (TopdownAffine), and model.head'),
        (
            {ENCODER: UDP, DECODER: UDP},
            'shift_heatmap=True, and model.head.decoder is a UDPHeatmap',
        ),
        (
            {
                **{f'{each}.2.input_size': (62, 62) for each in (TRAIN, VAL)},
                **{f'{each}.input_size': (62, 62) for each in (ENCODER, DECODER)},
            },
            'input_size=(62, 62) is not a whole multiple of heatmap_size=(16, 16)',
        ),
    ],
)
def test_what_moves_points_by_a_share_of_a_cell_is_said(build, values, message):
    assert any(message in each for each in warnings_of(build(values)))


def test_a_sound_config_is_checked_without_a_word_and_left_as_it_is(build, tiny_config):
    steps = list(load_config(tiny_config).train_pipeline)
    steps[2:2] = [{'type': 'RandomFlip'}, {'type': 'RandomBBoxTransform'}]
    runner = build({TRAIN: steps})
    assert warnings_of(runner) == []
    runner.model.train()
    runner.model.backbone.layer1.eval()  # as frozen parts are
    modes = [module.training for module in runner.model.modules()]
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    drawn = random_state()
    loaders = {'train_dataloader': runner.train_dataloader, 'val_dataloader': runner.val_dataloader}
    check_sizes(runner, loaders, ['val_dataloader'])
    after = runner.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert [module.training for module in runner.model.modules()] == modes
    gradients = [parameter.grad for parameter in runner.model.parameters()]
    assert not any(each is not None and each.any() for each in gradients)
    assert repr(random_state()) == repr(drawn)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize('has_it', [True, False])
@pytest.mark.parametrize('dtype', ['bfloat16', 'float16', None])
def test_half_precision_that_is_imitated_is_said(build, monkeypatch, has_it, dtype):
    monkeypatch.setattr(optim_wrappers, 'has_fast_bfloat16', lambda: has_it)
    values = {'optim_wrapper.type': 'AmpOptimWrapper', 'optim_wrapper.dtype': dtype}
    said = warnings_of(build(values if dtype else {}))
    assert any('no bfloat16 instructions' in each for each in said) == (
        dtype == 'bfloat16' and not has_it
    )


def test_several_codecs_of_which_one_is_the_decoders(build, tiny_config):
    """Targets of several resolutions, for a head of a user's own."""
    codecs = [ConfigDict(LARGER), load_config(tiny_config).codec]
    assert warnings_of(build({ENCODER: codecs, f'{TRAIN}.3.multilevel': True})) == []


def linear(end, **more):
    return {'type': 'LinearLR', 'begin': 0, 'end': end, 'start_factor': 0.001, **more}


LENGTHS = {
    'a warm-up': (
        {'param_scheduler': [linear(500, by_epoch=False)], 'train_dataloader.batch_size': 2},
        'param_scheduler.0 (LinearLR) is a warm-up over 500, and the run has 12 iterations: '
        'lr reaches 2.3 % of the 0.01 that the config names, after 100 % of the run; a tenth of it '
        'is --cfg-options param_scheduler.0.end=2',
    ),
    'half a warm-up': (
        {'param_scheduler': [linear(6, by_epoch=False)], 'train_dataloader.batch_size': 2},
        'lr reaches 100 % of the 0.01 that the config names, after 50 % of the run',
    ),
    'milestones': (
        {'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [3, 4], 'by_epoch': True}]},
        'param_scheduler.0 (MultiStepLR) has the milestones [3, 4], and the run has 3 epochs: lr '
        'never falls',
    ),
    'a milestone': (
        {'param_scheduler': [{'type': 'MultiStepLR', 'milestones': [1, 3], 'by_epoch': True}]},
        'has the milestones [3], and the run has 3 epochs: lr falls less often',
    ),
    'a step': ({'param_scheduler': [{'type': 'StepLR', 'step_size': 3}]}, 'lr never falls'),
    'a cosine': (
        {'param_scheduler': [{'type': 'CosineAnnealingLR', 'T_max': 5, 'begin': 1}]},
        'ends at 6, and the run has 3 epochs: lr does not get to its last value',
    ),
    'a beginning': (
        {'param_scheduler': [{'type': 'ExponentialLR', 'gamma': 0.5, 'begin': 3, 'end': 9}]},
        'begins at 3, and the run has 3 epochs: it changes nothing',
    ),
    'an average that begins': (
        {'custom_hooks': [{'type': 'EMAHook', 'begin_epoch': 3}]},
        'EMAHook has begin_epoch=3, and the run has 3: it averages no weights',
    ),
    'an average': (
        {'custom_hooks': [{'type': 'EMAHook', 'momentum': 0.01}]},
        'EMAHook has momentum=0.01 and averages 3 times: 97 % of the weights that are tested are',
    ),
    'a validation': (
        {'train_cfg.val_begin': 4},
        'train_cfg.val_begin=4, and the run has 3 epochs: there is no validation',
    ),
    'the best': (
        {'val_dataloader': None, 'val_cfg': None, 'val_evaluator': None},
        'save_best=NME, and there is no validation, so no checkpoint is the best',
    ),
    'checkpoints': (
        {'default_hooks.checkpoint.interval': 4, 'default_hooks.checkpoint.save_last': False},
        'default_hooks.checkpoint has interval=4 and save_last=False, and the run has 3: ',
    ),
}


@pytest.mark.parametrize('what', LENGTHS)
def test_what_the_run_is_too_short_for_is_said(build, what):
    values, sentence = LENGTHS[what]
    found = warnings_of(build(values))
    assert len(found) == 1
    assert sentence in found[0]


def test_schedules_that_fit_are_not(build):
    fitting = [
        linear(1, by_epoch=True, begin=0),
        {'type': 'MultiStepLR', 'milestones': [1, 2]},
        {'type': 'CosineAnnealingLR', 'T_max': 3},
        {'type': 'StepLR', 'step_size': 2},
    ]
    ema = {'type': 'EMAHook', 'ema_type': 'ExpMomentumEMA', 'momentum': 0.0002}
    assert warnings_of(build({'param_scheduler': fitting, 'custom_hooks': [ema]})) == []


def test_an_average_that_would_begin_later_is_refused(build):
    with pytest.raises(InputError, match=r'EMAHook has begin_iter=9, and the run has 3'):
        build({'custom_hooks': [{'type': 'EMAHook', 'begin_iter': 9}]}).train()
