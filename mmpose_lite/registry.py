"""Every registry of the package, under MMPose's names.

A registry names the packages and modules that have its types under their names (``locations``).
The module of a type is imported when that is looked up, so a run loads what its config names.
Each has mmengine's registry of the same kind, where there is one, as its parent: a type that is
not found here is looked for there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from mmengine import registry as mmengine_registry
from mmengine.registry import Registry, build_functions

from .errors import InputError, MissingKeyError, about_nearest

SCOPE = 'mmpose_lite'

# Types of other packages that are here under their names, with the same arguments and the same
# numbers: a config that names them needs no such package. All of MMPose's are.
_MMPOSE = 'mmpose'
_SHARED = {'mmdet': ('CSPNeXt', 'PipelineSwitchHook', 'YOLOXHSVRandomAug')}

_ENGINE = 'mmpose_lite.engine'
_HOOKS = 'mmpose_lite.engine.hooks'
_DATASETS = 'mmpose_lite.datasets'
_MODELS = 'mmpose_lite.models'
_METRICS = 'mmpose_lite.evaluation.metrics'
_VISUAL = 'mmpose_lite.visualization'
_APIS = 'mmpose_lite.apis'

# ``*args`` and ``**kwargs`` take arguments that have other names.
_NAMELESS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class UnknownTypeError(MissingKeyError):
    """A registry has no such type; the message names the nearest ones."""


class WrongArgumentsError(InputError, TypeError):
    """The arguments beside a ``type`` are not those that it takes."""


class PoseRegistry(Registry):
    """A registry that imports types one by one, and whose errors say what there is."""

    def get(self, key: str) -> Any:
        """Find a type by its name, here or in the parent; None if there is none.

        A name of another package's scope is ours where :func:`own_name` says so.
        """
        key = own_name(key)
        if key not in self.module_dict:
            self._import(key.rpartition('.')[2])
        return super().get(key)

    def import_types(self) -> None:
        """Import every type, for those who list what there is."""
        for module in map(import_module, self._locations):
            for name in dir(module):
                getattr(module, name)

    def _import(self, name: str) -> None:
        """Import a type, if there is one of this name."""
        for module in map(import_module, self._locations):
            if name in dir(module):
                getattr(module, name)
                return

    def _register_module(
        self, module: type, module_name: str | list[str] | None = None, force: bool = False
    ) -> None:
        """Register a type; if it has the name of one of ours, that comes first, as if imported."""
        if not module.__module__.startswith(f'{SCOPE}.'):
            names = module_name or module.__name__
            for name in [names] if isinstance(names, str) else names:
                self._import(name)
        super()._register_module(module, module_name, force)

    def build(self, cfg: dict, *args: Any, **kwargs: Any) -> Any:
        """Build what a config describes; see mmengine.

        Raises:
            UnknownTypeError: If its ``type`` is unknown.
            WrongArgumentsError: If that takes other arguments.
        """
        if isinstance(cfg, dict) and '_scope_' in cfg:
            cfg = cfg.copy()
            adopt_part(cfg)
        with explaining_builds():
            return super().build(cfg, *args, **kwargs)


def own_name(key: str) -> str:
    """The name of a type here, where another package's scope stands before it: ``mmdet.CSPNeXt``.

    A name that is none of ours stays as it is.
    """
    scope, _, name = key.partition('.')
    return name if name and (scope == _MMPOSE or name in _SHARED.get(scope, ())) else key


def adopt_part(part: dict) -> None:
    """Make a part of a config that is ours under another package's scope say so, in place.

    The scope stands before its type, or as ``_scope_`` beside it.
    """
    kind, scope = part.get('type'), part.get('_scope_')
    if isinstance(kind, str):
        part['type'] = own_name(kind)
    if scope == _MMPOSE or own_name(f'{scope}.{kind}') == kind:
        part['_scope_'] = SCOPE


@contextmanager
def explaining_builds() -> Iterator[None]:
    """Turn errors of a build into one-line errors that list the valid choices.

    A runner builds loops, hooks and optimizers by mmengine's own registries, which find our types
    and know nothing of our errors.

    Raises:
        UnknownTypeError: If a ``type`` is unknown.
        WrongArgumentsError: If what it names takes other arguments.
    """
    try:
        yield
    except (KeyError, TypeError) as error:
        explained = None if isinstance(error, InputError) else _explain(error)
        if explained is None:
            raise
        raise explained from error


def require_type(registry: Registry, key: str) -> Any:
    """The class or function that a registry has under a name.

    Raises:
        UnknownTypeError: If there is none.
    """
    found = registry.get(key)
    if found is None:
        raise _unknown(registry, key)
    return found


def _unknown(registry: Registry, key: str) -> UnknownTypeError:
    if isinstance(registry, PoseRegistry):
        registry.import_types()
    # mmengine's own registries have no parent.
    parent = registry.parent.module_dict if registry.parent else {}
    near = about_nearest(key.rpartition('.')[2], [*parent, *registry.module_dict])
    return UnknownTypeError(
        f"type='{key}' is not in the {registry.scope}::{registry.name} registry; {near}. "
        "A type of your own needs custom_imports = dict(imports=['its.module']) in the config"
    )


def _explain(error: KeyError | TypeError) -> InputError | None:
    """Explain what is wrong with the part that mmengine was building; None if nothing is."""
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    ours = [f for f in frames if f.f_code.co_filename == build_functions.__file__]
    if not ours:
        return None
    at_build, values = frames[-1] is ours[-1], ours[-1].f_locals
    kind = values.get('obj_cls')
    if kind is not None and isinstance(error, TypeError):
        return _about_arguments(error, kind, values, at_build)
    if not at_build or not isinstance(error, KeyError):
        return None
    if 'obj_type' in values:
        return _unknown(values['registry'], values['obj_type'])
    cfg, registry = values['cfg'], values['registry']
    return MissingKeyError(f"a part for the {registry.name} registry has no 'type': {dict(cfg)}")


def _about_arguments(
    error: TypeError, kind: Any, values: dict[str, Any], at_build: bool
) -> WrongArgumentsError | None:
    """Message of a constructor about its arguments, if it is about those in the config.

    Errors from within a constructor are none of the config's, unless one that it hands its
    arguments on to refuses one of them.
    """
    makers = [kind]
    if inspect.isclass(kind):
        makers = [vars(base)['__init__'] for base in kind.__mro__ if '__init__' in vars(base)]
    found = re.search(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'", str(error))
    name = f"type='{values['obj_type']}'"
    if found is None:
        return WrongArgumentsError(f'{name}: {error}') if at_build else None
    if found[2] not in values['args'] or found[1] not in {m.__qualname__ for m in makers}:
        return None
    known = dict.fromkeys(key for maker in makers for key in _parameters(maker))
    near = about_nearest(found[2], known)
    return WrongArgumentsError(
        f"{name} takes no argument '{found[2]}'; {near} of {', '.join(known)}"
    )


def _parameters(maker: Any) -> list[str]:
    """The names by which something takes its arguments."""
    try:
        found = inspect.signature(maker).parameters.values()
    except ValueError:  # written in C
        return []
    return [each.name for each in found if each.kind not in _NAMELESS and each.name != 'self']


def _child(name: str, parent: str | None, *locations: str) -> PoseRegistry:
    parent_registry = getattr(mmengine_registry, parent) if parent else None
    return PoseRegistry(name, parent=parent_registry, scope=SCOPE, locations=list(locations))


RUNNERS = _child('runner', 'RUNNERS', _ENGINE)
RUNNER_CONSTRUCTORS = _child('runner constructor', 'RUNNER_CONSTRUCTORS', _ENGINE)
LOOPS = _child('loop', 'LOOPS', 'mmpose_lite.engine.loops')
HOOKS = _child('hook', 'HOOKS', _HOOKS)
LOG_PROCESSORS = _child('log_processor', 'LOG_PROCESSORS', 'mmpose_lite.engine.run_log')
OPTIMIZERS = _child('optimizer', 'OPTIMIZERS', _ENGINE)
OPTIM_WRAPPERS = _child('optim_wrapper', 'OPTIM_WRAPPERS', _ENGINE)
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    'optimizer wrapper constructor', 'OPTIM_WRAPPER_CONSTRUCTORS', _ENGINE
)
PARAM_SCHEDULERS = _child('parameter scheduler', 'PARAM_SCHEDULERS', _ENGINE)

DATASETS = _child('dataset', 'DATASETS', _DATASETS)
DATA_SAMPLERS = _child('data sampler', 'DATA_SAMPLERS', _DATASETS)
TRANSFORMS = _child('transform', 'TRANSFORMS', _DATASETS)

MODELS = _child('model', 'MODELS', _MODELS, _HOOKS)  # an average of weights is a model
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
