"""The registries and what they hold, against MMPose's."""

import inspect

import pytest
from mmengine.config import Config

from mmpose_lite import registry
from mmpose_lite.utils import register_all_modules

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
        'Face300WDataset',
        'Face300WLPDataset',
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
    ),
    'MODELS': (
        'AdaptiveWingLoss',
        'FeatureMapProcessor',
        'GlobalAveragePooling',
        'HRNet',
        'HeatmapHead',
        'JSDiscretLoss',
        'KeypointMSELoss',
        'L1Loss',
        'PoseDataPreprocessor',
        'RegressionHead',
        'ResNet',
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
    'KEYPOINT_CODECS': ('MSRAHeatmap', 'RegressionLabel', 'UDPHeatmap'),
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


@pytest.mark.parametrize('name', MMPOSE)
def test_registered_classes_bear_their_name_and_are_described(name):
    for type_name, value in getattr(registry, name).module_dict.items():
        assert type_name == value.__name__
        if value.__module__.startswith('mmpose_lite'):
            assert inspect.getdoc(value), f'{type_name} has no docstring'


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
