"""Every registry of the package, under MMPose's names.

A registry names the modules that fill it (``locations``); they are imported at the first look-up,
so importing this module costs nothing but mmengine's registry. Each has mmengine's registry of the
same kind, where there is one, as its parent: a type that is not found here is looked for there.
"""

from __future__ import annotations

import difflib
import re
from typing import Any

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


# How mmengine says that a registry has no such type.
_UNKNOWN = re.compile(r'([\w.]+) is not in the (?:[\w-]+::)?([^.:]+) registry')


class UnknownTypeError(KeyError):
    """A registry has no such type; the message names the nearest ones."""

    # A KeyError shows its message in quotes.
    __str__ = Exception.__str__


class PoseRegistry(Registry):
    """mmengine's registry; its error for an unknown type names the nearest ones."""

    def build(self, cfg: dict, *args: Any, **kwargs: Any) -> Any:
        """Build what a config describes; see mmengine.

        Raises:
            UnknownTypeError: If its ``type`` is unknown.
        """
        try:
            return super().build(cfg, *args, **kwargs)
        except KeyError as error:
            message = describe_unknown_type(error)
            if message is None:
                raise
            raise UnknownTypeError(message) from error

    def require(self, key: str) -> Any:
        """The class or function of a name.

        Raises:
            UnknownTypeError: If there is none.
        """
        found = self.get(key)
        if found is None:
            raise UnknownTypeError(self.describe_missing(key))
        return found

    def describe_missing(self, key: str) -> str:
        """Say that there is no such type, and which are the nearest."""
        parent = self.parent.module_dict if self.parent else {}
        known = {name.lower(): name for name in [*parent, *self.module_dict]}
        near = difflib.get_close_matches(key.rpartition('.')[2].lower(), known, n=3)
        names = ', '.join(known[name] for name in near)
        return (
            f"type='{key}' is not in the {self.scope}::{self.name} registry; "
            f'{f"the nearest are {names}" if near else "none is near"}. '
            "A type of your own needs custom_imports = dict(imports=['its.module']) in the config"
        )


def describe_unknown_type(error: KeyError) -> str | None:
    """Say which type a registry has not, and the nearest that it has.

    Args:
        error: An error of :class:`PoseRegistry` or of mmengine's registries.

    Returns:
        A message; None if the error is about something else.
    """
    if isinstance(error, UnknownTypeError):
        return str(error)
    found = _UNKNOWN.search(str(error))
    registry = next((each for each in ALL_REGISTRIES if found and each.name == found[2]), None)
    # A registry of no types of its own is false.
    return registry.describe_missing(found[1]) if found and registry is not None else None


def _child(name: str, parent: str | None, location: str) -> PoseRegistry:
    parent_registry = getattr(mmengine_registry, parent) if parent else None
    return PoseRegistry(name, parent=parent_registry, scope=SCOPE, locations=[location])


RUNNERS = _child('runner', 'RUNNERS', _RUNNER)
RUNNER_CONSTRUCTORS = _child('runner constructor', 'RUNNER_CONSTRUCTORS', _RUNNER)
LOOPS = _child('loop', 'LOOPS', 'mmpose_lite.engine.loops')
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

ALL_REGISTRIES = tuple(
    value for value in list(globals().values()) if isinstance(value, PoseRegistry)
)
