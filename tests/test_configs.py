"""Every config: it parses, agrees with itself, and names what exists with arguments it takes."""

import inspect
import json
from pathlib import Path
from typing import Any

import mmengine.runner  # noqa: F401  (fills mmengine's registries, as every run does)
import pytest
from mmengine.config import Config
from mmengine.model import ExponentialMovingAverage

from mmpose_lite import registry
from mmpose_lite.apis import load_config
from mmpose_lite.structures import config_root, parse_pose_metainfo
from mmpose_lite.utils.config_utils import about_keys, check_keys

ROOT = config_root()
GOLDEN = Path(__file__).resolve().parents[2] / 'shared' / 'golden'
AFLW = ROOT / 'face_2d_keypoint' / 'topdown_heatmap' / 'aflw'
PLAIN = AFLW / 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
DARK = AFLW / 'td-hm_hrnetv2-w18_dark-8xb64-60e_aflw-256x256.py'

CONFIGS = sorted(path for path in ROOT.rglob('*.py') if '_base_' not in path.parts)
METAINFO = sorted((ROOT / '_base_' / 'datasets').glob('*.py'))

# The key that holds a typed dict, or a list or a dict of them -> the registry that builds it.
BUILDERS = {
    **dict.fromkeys(
        ('model', 'data_preprocessor', 'backbone', 'neck', 'head', 'loss'), registry.MODELS
    ),
    'decoder': registry.KEYPOINT_CODECS,
    'encoder': registry.KEYPOINT_CODECS,
    'codec': registry.KEYPOINT_CODECS,
    'best_codec': registry.KEYPOINT_CODECS,
    'init_cfg': registry.WEIGHT_INITIALIZERS,
    'dataset': registry.DATASETS,
    'datasets': registry.DATASETS,
    **dict.fromkeys(
        (
            f'{role}_{name}'
            for role in ('dataset', 'val')
            for name in ('lapa', 'coco', 'wflw', '300w', 'cofw', 'halpe')
        ),
        registry.DATASETS,
    ),
    **dict.fromkeys(
        (
            *('pipeline', 'train_pipeline', 'train_pipeline_stage2', 'val_pipeline'),
            *('switch_pipeline', 'best_train_pipeline', 'best_val_pipeline'),
        ),
        registry.TRANSFORMS,
    ),
    'sampler': registry.DATA_SAMPLERS,
    'optim_wrapper': registry.OPTIM_WRAPPERS,
    'optimizer': registry.OPTIMIZERS,
    'param_scheduler': registry.PARAM_SCHEDULERS,
    'best_param_scheduler': registry.PARAM_SCHEDULERS,
    'default_hooks': registry.HOOKS,
    'small_set_hooks': registry.HOOKS,
    'custom_hooks': registry.HOOKS,
    'vis_backends': registry.VISBACKENDS,
    'visualizer': registry.VISUALIZERS,
    'log_processor': registry.LOG_PROCESSORS,
    'val_evaluator': registry.METRICS,
    'test_evaluator': registry.METRICS,
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=CONFIGS, ids=name_of)
def config(request):
    return Config.fromfile(request.param)


_NAMED_HOOKS = ('default_hooks', 'small_set_hooks')  # by names of their own


def typed_dicts(node: Any, key: str = '', above: str = ''):
    """Yield (key, dict) for every dict with a ``type``; list items go by the key of the list."""
    if isinstance(node, dict):
        if node.get('type') == 'Albumentation':  # what is in it is of no registry
            node = {'type': node['type'], 'transforms': ()}
        if 'type' in node:
            yield (above if above in _NAMED_HOOKS or key not in BUILDERS else key), node
        for name, child in node.items():
            yield from typed_dicts(child, name, key)
    elif isinstance(node, list | tuple):
        for child in node:
            yield from typed_dicts(child, key, above)


def parameters(cls: Any) -> set[str]:
    """Name the arguments of a class or function, through ``**kwargs`` to its bases."""
    names: set[str] = set()
    for base in inspect.getmro(cls) if inspect.isclass(cls) else [cls]:
        function = vars(base).get('__init__') if inspect.isclass(base) else base
        if function is None:
            continue
        found = inspect.signature(function).parameters
        names |= set(found)
        if not any(p.kind is p.VAR_KEYWORD for p in found.values()):
            break
    return names


def test_there_are_configs():
    assert len(CONFIGS) >= 33
    assert len(METAINFO) >= 7


def test_decoder_is_the_encoder(config):
    keys = ('codec', 'decoder', 'encoder')
    codecs = [node for key, node in typed_dicts(config.to_dict()) if key in keys]
    assert len(codecs) >= 4  # codec, head.decoder, and GenerateTarget in two places
    assert all(codec == config.codec for codec in codecs)


def test_crops_have_the_codecs_size(config):
    steps = [node for _, node in typed_dicts(config.to_dict()) if node['type'] == 'TopdownAffine']
    assert len(steps) >= 5  # the two pipelines, and those of the three loaders
    assert all(step['input_size'] == config.codec.input_size for step in steps)


def test_recipes_for_one_set_take_its_folder_as_an_option():
    """It reaches every loader, of the yardstick and of what varies it."""
    for path in (ROOT / 'recipes').glob('*.py'):
        cfg = load_config(path, {'data_root': 'my/faces'})
        loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
        assert {loader.dataset.data_root for loader in loaders} == {'my/faces'}
        assert cfg.model.head.decoder.input_size == (128, 128)
        assert cfg.train_cfg.max_epochs == 8


def test_every_type_exists_and_takes_its_arguments(config):
    found = list(typed_dicts(config.to_dict()))
    assert len(found) > 40
    for key, node in found:
        cls = BUILDERS[key].get(node['type'])
        assert cls is not None, f'{key}: there is no {node["type"]}'
        # Whoever builds a hook, a scheduler or a wrapper takes these out before.
        taken = {'type', '_scope_', 'priority', 'convert_to_iter_based', 'paramwise_cfg'}
        if node['type'] == 'EMAHook':  # hands the rest on
            taken |= parameters(ExponentialMovingAverage)
        unknown = set(node) - taken - parameters(cls)
        assert not unknown, f'{key}: {node["type"]} does not take {sorted(unknown)}'


def test_every_key_is_read_or_used(config):
    check_keys(config)
    assert about_keys(config) == []


def test_config_survives_being_written_and_read(config, tmp_path, monkeypatch):
    # Laying out the text takes seconds, and is yapf's work.
    monkeypatch.setattr('mmengine.config.config.FormatCode', lambda code, **_: (code, True))
    path = tmp_path / 'dumped.py'
    config.dump(path)
    assert Config.fromfile(path).to_dict() == config.to_dict()


@pytest.mark.parametrize('path', METAINFO, ids=name_of)
def test_metainfo_parses(path):
    info = parse_pose_metainfo({'from_file': str(path)})
    assert info['dataset_name'] == path.stem
    assert info['flip_indices'] != list(range(info['num_keypoints']))


# What MMPose's AFLW config says, flattened; the rest of it is structure.
FACTS = {
    'train_cfg': {'by_epoch': True, 'max_epochs': 60, 'val_interval': 1},
    'optim_wrapper.optimizer': {'type': 'Adam', 'lr': 2e-3},
    'auto_scale_lr.base_batch_size': 512,
    'default_hooks.checkpoint.save_best': 'NME',
    'default_hooks.checkpoint.rule': 'less',
    'default_hooks.logger.interval': 50,
    'custom_hooks': [{'type': 'SyncBuffersHook'}],
    'param_scheduler': [
        {'type': 'LinearLR', 'begin': 0, 'end': 500, 'start_factor': 1e-3, 'by_epoch': False},
        {
            'type': 'MultiStepLR',
            'begin': 0,
            'end': 60,
            'milestones': [40, 55],
            'gamma': 0.1,
            'by_epoch': True,
        },
    ],
    'codec': {
        'type': 'MSRAHeatmap',
        'input_size': [256, 256],
        'heatmap_size': [64, 64],
        'sigma': 2,
    },
    'model.data_preprocessor': {
        'type': 'PoseDataPreprocessor',
        'mean': [123.675, 116.28, 103.53],
        'std': [58.395, 57.12, 57.375],
        'bgr_to_rgb': True,
    },
    'model.backbone.extra.stage4': {
        'num_modules': 3,
        'num_branches': 4,
        'block': 'BASIC',
        'num_blocks': [4, 4, 4, 4],
        'num_channels': [18, 36, 72, 144],
        'multiscale_output': True,
    },
    'model.backbone.extra.upsample': {'mode': 'bilinear', 'align_corners': False},
    'model.backbone.init_cfg.checkpoint': 'open-mmlab://msra/hrnetv2_w18',
    'model.neck': {'type': 'FeatureMapProcessor', 'concat': True},
    'model.head.in_channels': 270,
    'model.head.out_channels': 19,
    'model.head.deconv_out_channels': None,
    'model.head.conv_out_channels': [270],
    'model.head.conv_kernel_sizes': [1],
    'model.head.loss': {'type': 'KeypointMSELoss', 'use_target_weight': True},
    'model.test_cfg': {'flip_test': True, 'flip_mode': 'heatmap', 'shift_heatmap': True},
    'train_dataloader.batch_size': 64,
    'train_dataloader.num_workers': 2,
    'train_dataloader.dataset.ann_file': 'annotations/face_landmarks_aflw_train.json',
    'train_dataloader.dataset.data_root': 'data/aflw/',
    'val_dataloader.batch_size': 32,
    'val_dataloader.sampler.round_up': False,
    'val_dataloader.dataset.ann_file': 'annotations/face_landmarks_aflw_test.json',
    'val_dataloader.dataset.subsets': {
        'frontal': 'annotations/face_landmarks_aflw_test_frontal.json'
    },
    'val_evaluator': {
        'type': 'NME',
        'norm_mode': 'use_norm_item',
        'norm_item': 'bbox_size',
    },
}
STEPS = [
    {'type': 'LoadImage'},
    {'type': 'GetBBoxCenterScale'},
    {'type': 'RandomFlip', 'direction': 'horizontal'},
    {
        'type': 'RandomBBoxTransform',
        'shift_prob': 0,
        'rotate_factor': 60,
        'scale_factor': [0.75, 1.25],
    },
    {'type': 'TopdownAffine', 'input_size': [256, 256]},
    {'type': 'GenerateTarget', 'encoder': FACTS['codec']},
    {'type': 'PackPoseInputs'},
]


def as_json(path: Path) -> dict[str, Any]:
    """Flatten a config; tuples become lists."""
    return json.loads(json.dumps(Config.fromfile(path).to_dict()))


def look_up(config: dict[str, Any], dotted: str) -> Any:
    for key in dotted.split('.'):
        config = config[key]
    return config


@pytest.mark.parametrize('fact', FACTS)
def test_aflw_config_says_what_mmposes_says(fact):
    assert look_up(as_json(PLAIN), fact) == FACTS[fact]


def test_aflw_pipelines_are_mmposes():
    config = as_json(PLAIN)
    assert config['train_dataloader']['dataset']['pipeline'] == STEPS
    for loader in ('val_dataloader', 'test_dataloader'):
        kept = [step for i, step in enumerate(STEPS) if i in {0, 1, 4, 6}]
        assert config[loader]['dataset']['pipeline'] == kept


def test_configs_of_the_results_have_the_crops_that_were_measured():
    """Those that vary the recipe would otherwise change with it."""
    folder = Path('docs/results/recipe')
    exact = {'shift_prob': 0, 'rotate_factor': 40, 'scale_factor': [0.85, 1.15]}
    shifted = {**exact, 'shift_prob': 1, 'shift_factor': 0.1}
    recipe = Path('configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py')
    expected = dict.fromkeys([recipe, folder / 'parts/shifted_crops.py'], shifted)
    parts = ('exact_crops', 'dark', 'h3r', 'photograph', 'adamw', 'adamw_slow')
    names = (*(f'parts/{part}' for part in parts), 'few/recipe', 'best_ema')
    expected |= dict.fromkeys([folder / f'{each}.py' for each in names], exact)
    small = {'shift_prob': 0, 'rotate_factor': 30, 'scale_factor': [0.85, 1.15]}
    expected[folder / 'few/small_set.py'] = small
    expected[folder / 'few/shifted.py'] = {**small, 'shift_prob': 1, 'shift_factor': 0.1}
    wide = {'rotate_factor': 60, 'scale_factor': [0.75, 1.25]}
    expected[folder / 'parts/wide_crops.py'] = {**exact, **wide}
    for path, crops in expected.items():
        pipeline = as_json(path)['train_dataloader']['dataset']['pipeline']
        (step,) = (each for each in pipeline if each['type'] == 'RandomBBoxTransform')
        assert step == {'type': 'RandomBBoxTransform', **crops}, path


def test_dark_config_differs_in_the_codec_alone():
    plain, dark = PLAIN.stem.replace('8xb64', 'dark-8xb64'), DARK.stem
    assert plain == dark
    text = json.dumps(as_json(DARK)).replace(', "unbiased": true', '')
    assert json.loads(text) == as_json(PLAIN)
    assert as_json(DARK)['model']['head']['decoder']['unbiased'] is True


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="MMPose's flattened configs are not here")
@pytest.mark.parametrize(
    ('path', 'name'), [(PLAIN, 'config_aflw.json'), (DARK, 'config_aflw_dark.json')]
)
def test_flattened_config_is_mmposes(path, name):
    ours, theirs = as_json(path), json.loads((GOLDEN / name).read_text(encoding='utf-8'))
    theirs['default_scope'] = 'mmpose_lite'
    for loader in ('val_dataloader', 'test_dataloader'):
        theirs[loader]['dataset']['subsets'] = FACTS['val_dataloader.dataset.subsets']
    for hook in ('speed', 'train_error', 'val_loss', 'summary', 'screen'):
        assert hook not in theirs['default_hooks']
        del ours['default_hooks'][hook]
    assert ours == theirs
