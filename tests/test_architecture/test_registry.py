"""The registries and what they hold, against MMPose's."""

import importlib
import inspect
import logging
import re
import sys
from types import ModuleType

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import HOOKS, MODELS, TRANSFORMS, DefaultScope, Registry

from helpers.mmpose_facts import read_registries
from helpers.processes import ROOT
from mmpose_lite import registry
from mmpose_lite.errors import InputError
from mmpose_lite.utils import register_all_modules
from mmpose_lite.utils.config_utils import adopt_config

# Registry in the module -> the types that MMPose 1.x registers in it for top-down faces.
MMPOSE = {
    'RUNNERS': (),
    'RUNNER_CONSTRUCTORS': (),
    'LOOPS': (),
    'HOOKS': ('BadCaseAnalysisHook', 'PoseVisualizationHook'),
    'DATASETS': (
        'AFLWDataset',
        'BaseCocoStyleDataset',
        'COFWDataset',
        'CocoWholeBodyFaceDataset',
        'CombinedDataset',
        'Face300VWDataset',
        'Face300WDataset',
        'Face300WLPDataset',
        'HalpeDataset',
        'LapaDataset',
        'WFLWDataset',
    ),
    'DATA_SAMPLERS': (),
    'TRANSFORMS': (
        'Albumentation',
        'GenerateTarget',
        'GetBBoxCenterScale',
        'KeypointConverter',
        'LoadImage',
        'PackPoseInputs',
        'PhotometricDistortion',
        'RandomBBoxTransform',
        'RandomFlip',
        'RandomHalfBody',
        'TopdownAffine',
        'YOLOXHSVRandomAug',
    ),
    'MODELS': (
        'AdaptiveWingLoss',
        'CPMHead',
        'CSPNeXt',
        'CombinedTargetMSELoss',
        'FeatureMapProcessor',
        'GlobalAveragePooling',
        'HRNet',
        'HeatmapHead',
        'HourglassNet',
        'JSDiscretLoss',
        'KLDiscretLoss',
        'KeypointMSELoss',
        'L1Loss',
        'MobileNetV2',
        'PoseDataPreprocessor',
        'RTMCCHead',
        'RegressionHead',
        'ResNet',
        'SCNet',
        'SmoothL1Loss',
        'SoftWingLoss',
        'TopdownPoseEstimator',
        'WingLoss',
    ),
    'MODEL_WRAPPERS': (),
    'WEIGHT_INITIALIZERS': (),
    'BATCH_AUGMENTS': (),
    'OPTIMIZERS': (),
    'OPTIM_WRAPPERS': (),
    'OPTIM_WRAPPER_CONSTRUCTORS': (),
    'PARAM_SCHEDULERS': (),
    'METRICS': ('AUC', 'EPE', 'NME', 'PCKAccuracy'),
    'EVALUATORS': (),
    'TASK_UTILS': (),
    'VISUALIZERS': ('PoseLocalVisualizer',),
    'VISBACKENDS': (),
    'LOG_PROCESSORS': (),
    'KEYPOINT_CODECS': ('MSRAHeatmap', 'RegressionLabel', 'SimCCLabel', 'UDPHeatmap'),
    'INFERENCERS': (),
}
TYPES = [(name, type_name) for name, types in MMPOSE.items() for type_name in types]


@pytest.fixture(scope='module', autouse=True)
def _filled():
    register_all_modules(init_default_scope=False)


@pytest.mark.parametrize('name', MMPOSE)
def test_registry_exists_in_our_scope(name):
    one = getattr(registry, name)
    assert one.scope == registry.SCOPE
    assert one in registry.ALL_REGISTRIES


@pytest.mark.parametrize(('name', 'type_name'), TYPES)
def test_mmpose_type_is_registered(name, type_name):
    assert type_name in getattr(registry, name).module_dict


def named_not_there():
    """The names in the table of what there is not."""
    text = (ROOT / 'docs' / 'from_mmpose.md').read_text().partition('\n## Not there\n')[2]
    text = text.partition('\n## ')[0]
    cells = [line.split('|')[2] for line in text.splitlines() if line.startswith('|')]
    return [name for cell in cells for name in re.findall('`(.+?)`', cell)]


def test_not_there_is_complete():
    """Whatever MMPose registers is here, in mmengine, or in the table; and nothing is in two."""
    there, missing = [], []
    for name, types in read_registries().items():
        ours = getattr(registry, name, None)  # CAMERAS is nowhere
        for type_name in types:
            found = ours is not None and ours.get(type_name) is not None
            (there if found else missing).append(type_name)
    assert sorted(named_not_there()) == sorted(missing)
    assert len(there) > 40


# Modules of MMPose 1.3.2, below its package, and what people import from them.
MODULES = """
    models.backbones: CSPNeXt HourglassNet HRNet MobileNetV2 ResNet ResNetV1d SCNet
    models.backbones.csp_darknet: SPPBottleneck
    models.backbones.cspnext: CSPNeXt
    models.backbones.hourglass: HourglassModule HourglassNet
    models.backbones.hrnet: HRNet
    models.backbones.mobilenet_v2: InvertedResidual MobileNetV2
    models.backbones.resnet: ResNet
    models.backbones.scnet: SCBottleneck SCConv SCNet
    models.backbones.utils: make_divisible
    models.builder: build_pose_estimator
    models.data_preprocessors.data_preprocessor: PoseDataPreprocessor
    models.heads.base_head: BaseHead
    models.heads.coord_cls_heads.rtmcc_head: RTMCCHead
    models.heads.heatmap_heads.heatmap_head: HeatmapHead
    models.heads.regression_heads.regression_head: RegressionHead
    models.losses.heatmap_loss: KeypointMSELoss AdaptiveWingLoss
    models.losses.regression_loss: WingLoss SoftWingLoss SmoothL1Loss L1Loss
    models.losses.classification_loss: JSDiscretLoss KLDiscretLoss
    models.losses.loss_wrappers: MultipleLossWrapper
    models.necks.fmap_proc_neck: FeatureMapProcessor
    models.necks.gap_neck: GlobalAveragePooling
    models.pose_estimators.base: BasePoseEstimator
    models.pose_estimators.topdown: TopdownPoseEstimator
    models.utils: RTMCCBlock rope
    models.utils.rtmcc_block: RTMCCBlock Scale rope
    models.utils.transformer: ScaleNorm
    models.utils: CSPLayer
    models.utils.csp_layer: ChannelAttention CSPLayer CSPNeXtBlock DarknetBottleneck
    models.utils.tta: flip_heatmaps flip_coordinates aggregate_heatmaps
    codecs.base: BaseKeypointCodec
    codecs.msra_heatmap: MSRAHeatmap
    codecs.udp_heatmap: UDPHeatmap
    codecs.regression_label: RegressionLabel
    codecs.simcc_label: SimCCLabel
    codecs.utils: get_heatmap_maximum gaussian_blur generate_gaussian_heatmaps
        generate_unbiased_gaussian_heatmaps generate_udp_gaussian_heatmaps refine_keypoints
        refine_keypoints_dark refine_keypoints_dark_udp refine_simcc_dark gaussian_blur1d
        get_simcc_maximum get_simcc_normalized
    datasets.builder: build_dataset
    datasets.dataset_wrappers: CombinedDataset
    datasets.datasets.base: BaseCocoStyleDataset
    datasets.datasets.face: AFLWDataset COFWDataset CocoWholeBodyFaceDataset Face300WDataset
        Face300VWDataset Face300WLPDataset LapaDataset WFLWDataset
    datasets.datasets.wholebody: HalpeDataset
    datasets.datasets.face.aflw_dataset: AFLWDataset
    datasets.transforms.common_transforms: GenerateTarget GetBBoxCenterScale
        RandomBBoxTransform RandomFlip RandomHalfBody PhotometricDistortion Albumentation
        YOLOXHSVRandomAug
    datasets.transforms.converting: KeypointConverter
    datasets.transforms.formatting: PackPoseInputs
    datasets.transforms.loading: LoadImage
    datasets.transforms.topdown_transforms: TopdownAffine
    engine.hooks: BadCaseAnalysisHook ExpMomentumEMA PoseVisualizationHook SyncNormHook
    engine.hooks.badcase_hook: BadCaseAnalysisHook
    engine.hooks.visualization_hook: PoseVisualizationHook
    evaluation.functional: keypoint_auc keypoint_epe keypoint_nme keypoint_pck_accuracy
        pose_pck_accuracy simcc_pck_accuracy
    evaluation.functional.keypoint_eval: keypoint_nme
    evaluation.metrics: NME PCKAccuracy AUC EPE
    evaluation.metrics.keypoint_2d_metrics: NME PCKAccuracy AUC EPE
    registry: MODELS DATASETS TRANSFORMS KEYPOINT_CODECS METRICS HOOKS
    structures: PoseDataSample MultilevelPixelData merge_data_samples revert_heatmap
        split_instances bbox_xyxy2cs
    structures.bbox: bbox_cs2xyxy get_warp_matrix get_udp_warp_matrix flip_bbox
    structures.bbox.transforms: bbox_xyxy2cs
    structures.keypoint: flip_keypoints flip_keypoints_custom_center keypoint_clip_border
    structures.utils: merge_data_samples revert_heatmap split_instances
    utils: register_all_modules get_root_logger collect_env StopWatch setup_multi_processes
    utils.tensor_utils: to_numpy to_tensor
    visualization: PoseLocalVisualizer
    visualization.local_visualizer: PoseLocalVisualizer
    apis: init_model inference_topdown
    apis.inference: dataset_meta_from_config
"""
PATHS = [
    (entry.partition(':')[0], name)
    for entry in re.split(r'\n    (?! )', MODULES.rstrip())[1:]
    for name in entry.partition(':')[2].split()
]


@pytest.mark.parametrize(('module', 'name'), PATHS)
def test_mmpose_s_imports_work_under_our_name(module, name):
    assert hasattr(importlib.import_module(f'mmpose_lite.{module}'), name)


@pytest.mark.parametrize('name', MMPOSE)
def test_registered_classes_bear_their_name_and_are_described(name):
    for type_name, value in getattr(registry, name).module_dict.items():
        assert type_name == value.__name__
        if value.__module__.startswith('mmpose_lite'):
            assert inspect.getdoc(value), f'{type_name} has no docstring'


def test_every_type_is_found_by_its_name():
    """In a process that has imported nothing but the registry."""
    for path in (ROOT / 'mmpose_lite').rglob('*.py'):
        if path.stem not in ('__init__', '__main__'):
            importlib.import_module('.'.join(path.relative_to(ROOT).with_suffix('').parts))
    for one in registry.ALL_REGISTRIES:
        known = {name for each in one._locations for name in dir(importlib.import_module(each))}
        ours = {n for n, kind in one.module_dict.items() if kind.__module__.startswith('mmpose_')}
        assert ours <= known, f'{one.name}: {sorted(ours - known)}'


OWN_LOSS = """
import torch
from mmpose_lite.registry import MODELS

@MODELS.register_module()
class OwnLoss(torch.nn.Module):
    def __init__(self, power):
        super().__init__()
        self.power = power
"""


def test_a_module_of_the_users_registers_by_custom_imports(tmp_path, monkeypatch):
    (tmp_path / 'own_losses.py').write_text(OWN_LOSS)
    (tmp_path / 'config.py').write_text(
        "custom_imports = dict(imports=['own_losses'])\nloss = dict(type='OwnLoss', power=3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    loss = registry.MODELS.build(Config.fromfile(tmp_path / 'config.py').loss)
    assert loss.power == 3
    registry.MODELS.module_dict.pop('OwnLoss')


@pytest.mark.parametrize('force', [False, True])
def test_a_type_of_the_users_meets_ours_of_that_name(force):
    """In either order: a registry imports ours when theirs is registered."""
    own = registry.PoseRegistry('m', scope='mmpose_lite', locations=['mmpose_lite.models'])
    ours = type('HRNet', (), {'__module__': 'mmpose_lite.models'})
    own._import = lambda name: own.module_dict.setdefault(name, ours)
    if force:
        own.register_module(module=Faulty, name='HRNet', force=True)
        assert own.get('HRNet') is Faulty
    else:
        with pytest.raises(KeyError, match='HRNet is already registered in m at mmpose_lite'):
            own.register_module(module=Faulty, name='HRNet')


def test_what_another_package_has_too_is_here():
    for name in (name for names in registry._SHARED.values() for name in names):
        assert any(name in each.module_dict for each in registry.ALL_REGISTRIES), name


@pytest.fixture(params=[False, True], ids=['missing', 'installed'])
def mmdet(request, monkeypatch):
    """A package that has three parts under names of ours, and others; the value: it is there."""
    shared = registry._SHARED['mmdet']
    names = ('mmdet', 'mmdet.registry') if request.param else ()
    monkeypatch.setitem(sys.modules, 'mmdet', None)  # importing it fails
    for name in names:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    parents = (MODELS, TRANSFORMS, HOOKS) if request.param else ()
    for parent in parents:
        child = Registry(parent.name, parent=parent, scope='mmdet', locations=['mmdet'])
        for name in (*shared, 'Other'):
            child.register_module(name=name, module=Faulty)
    yield request.param
    for parent in parents:
        parent.children.pop('mmdet')


@pytest.mark.usefixtures('as_new_process')
def test_what_another_package_has_too_is_ours(mmdet, caplog):
    """Wherever its name stands and whoever builds it; nothing is said of it."""
    DefaultScope.get_instance('own', scope_name='mmpose_lite')
    MMLogger.get_instance('own', logger_name='own').addHandler(caplog.handler)
    backbone = {'type': 'CSPNeXt', '_scope_': 'mmdet', 'widen_factor': 0.125}
    step, hook = {'type': 'mmdet.YOLOXHSVRandomAug'}, {'type': 'mmdet.PipelineSwitchHook'}
    built = [
        registry.MODELS.build(backbone),
        registry.TRANSFORMS.build(step),
        HOOKS.build({**hook, 'switch_epoch': 1, 'switch_pipeline': []}),
    ]
    assert {type(each).__module__.partition('.')[0] for each in built} == {'mmpose_lite'}
    assert backbone['_scope_'] == 'mmdet'  # what a user gives stays as it is
    cfg = adopt_config(Config({'a': backbone, 'b': [step, hook]}), 'mmpose_lite')
    assert (cfg.a.type, cfg.a._scope_) == ('CSPNeXt', 'mmpose_lite')
    assert [each.type for each in cfg.b] == ['YOLOXHSVRandomAug', 'PipelineSwitchHook']
    assert isinstance(MODELS.build(cfg.a), type(built[0]))
    assert all(record.levelno < logging.WARNING for record in caplog.records)
    other = {'type': 'mmdet.Other', 'size': 'abc'}
    if mmdet:
        assert isinstance(registry.HOOKS.build(other), Faulty)
    else:
        with pytest.raises(InputError, match=r"type='mmdet\.Other' is not in"):
            registry.HOOKS.build(other)


class Faulty:
    """Its constructor has a bug of its own, which is none of the config's."""

    def __init__(self, size=1, key=None):
        if key == 'argument':
            Faulty(sizes=size)
        if key == 'type':
            {}[size]
        len(size)


@pytest.mark.parametrize('key', ['argument', 'type', None])
def test_errors_within_a_constructor_stay_what_they_are(monkeypatch, key):
    monkeypatch.setitem(registry.MODELS.module_dict, 'Faulty', Faulty)
    with pytest.raises((KeyError, TypeError)) as caught:
        registry.MODELS.build({'type': 'Faulty', 'key': key})
    assert not isinstance(caught.value, InputError)
    with pytest.raises(InputError, match="'Faulty' takes no argument 'sizes'; the nearest are siz"):
        registry.MODELS.build({'type': 'Faulty', 'sizes': 1})


def test_a_part_without_a_type_is_named():
    with pytest.raises(InputError, match=r"a part for the model registry has no 'type': {'a': 1}"):
        registry.MODELS.build({'a': 1})
