"""Every registry of the package, under MMPose's names.

A registry names the modules that fill it (``locations``); they are imported at the first look-up,
so importing this module costs nothing but mmengine's registry. Each has mmengine's registry of the
same kind, where there is one, as its parent: a type that is not found here is looked for there.
"""

from __future__ import annotations

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry

SCOPE = 'mmpose_lite'

_RUNNER = 'mmpose_lite.engine.runner'
_HOOKS = 'mmpose_lite.engine.hooks'
_DATASETS = 'mmpose_lite.datasets'
_MODELS = 'mmpose_lite.models'
_OPTIM = 'mmpose_lite.engine.optim_wrappers'
_METRICS = 'mmpose_lite.evaluation'
_VISUAL = 'mmpose_lite.visualization'
_APIS = 'mmpose_lite.apis'


def _child(name: str, parent: str | None, location: str) -> Registry:
    parent_registry = getattr(mmengine_registry, parent) if parent else None
    return Registry(name, parent=parent_registry, scope=SCOPE, locations=[location])


RUNNERS = _child('runner', 'RUNNERS', _RUNNER)
RUNNER_CONSTRUCTORS = _child('runner constructor', 'RUNNER_CONSTRUCTORS', _RUNNER)
LOOPS = _child('loop', 'LOOPS', _RUNNER)
HOOKS = _child('hook', 'HOOKS', _HOOKS)
LOG_PROCESSORS = _child('log_processor', 'LOG_PROCESSORS', _HOOKS)
OPTIMIZERS = _child('optimizer', 'OPTIMIZERS', _OPTIM)
OPTIM_WRAPPERS = _child('optim_wrapper', 'OPTIM_WRAPPERS', _OPTIM)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optimizer wrapper constructor', 'OPTIM_WRAPPER_CONSTRUCTORS', _OPTIM
)
PARAM_SCHEDULERS = _child('parameter scheduler', 'PARAM_SCHEDULERS', _OPTIM)

DATASETS = _child('dataset', 'DATASETS', _DATASETS)
DATA_SAMPLERS = _child('data sampler', 'DATA_SAMPLERS', _DATASETS)
TRANSFORMS = _child('transform', 'TRANSFORMS', _DATASETS)

MODELS = _child('model', 'MODELS', _MODELS)
MODEL_WRAPPERS = _child('model_wrapper', 'MODEL_WRAPPERS', _MODELS)
WEIGHT_INITIALIZERS = _child('weight initializer', 'WEIGHT_INITIALIZERS', _MODELS)
BATCH_AUGMENTS = _child('batch augment', None, _MODELS)
TASK_UTILS = _child('task util', 'TASK_UTILS', _MODELS)
KEYPOINT_CODECS = _child('KEYPOINT_CODECS', None, 'mmpose_lite.codecs')

METRICS = _child('metric', 'METRICS', _METRICS)
EVALUATORS = _child('evaluator', 'EVALUATOR', _METRICS)
VISUALIZERS = _child('visualizer', 'VISUALIZERS', _VISUAL)
VISBACKENDS = _child('vis_backend', 'VISBACKENDS', _VISUAL)
INFERENCERS = _child('inferencer', 'INFERENCERS', _APIS)

ALL_REGISTRIES = tuple(value for value in list(globals().values()) if isinstance(value, Registry))
