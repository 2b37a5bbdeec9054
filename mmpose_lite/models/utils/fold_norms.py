"""Folding of batch norms into the convolutions before them, for models that no longer learn."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from operator import is_
from typing import Any

from mmcv.cnn.bricks import wrappers
from mmengine.model.utils import _BatchNormXd
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .depthwise import WideDepthwiseConv2d, is_recorded

# Exactly these classes, since a subclass may use its weights in another way.
_PLAIN = (nn.Conv2d, wrappers.Conv2d, WideDepthwiseConv2d)
_TRANSPOSED = (nn.ConvTranspose2d, wrappers.ConvTranspose2d)
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm, _BatchNormXd)  # the last: SyncBN of one process


def fold_norms(model: nn.Module) -> int:
    """Fold batch norms into the convolutions before them, in place and for good.

    In evaluation a batch norm is a factor and an offset for each channel, which the weights and
    the bias of the convolution take over. The outputs are the same except for rounding (in float32
    about 1e-6 of the largest), with fewer passes over memory. Afterwards the model can neither
    train nor load its checkpoints: fold after loading, and not for a validation within training.

    A norm is folded if nothing else reads the convolution's output. That is found by tracing the
    model; if a part's path depends on its data, its children are traced instead.

    Returns:
        The number of norms that were folded.

    Raises:
        ValueError: If the model is in training.
    """
    if model.training:
        raise ValueError('fold_norms is for models in evaluation; call model.eval() first')
    pairs = _find_pairs(model)
    for part, conv_name, norm_name in pairs:
        _fold(part.get_submodule(conv_name), part.get_submodule(norm_name))
        part.set_submodule(norm_name, nn.Identity())
    return len(pairs)


class FoldedView:
    """Provides a form of a model with folded norms for evaluation; the model itself is unchanged.

    The form is made anew each time and shares modules and tensors with the model, except for the
    folded convolutions and the modules that hold them. So it follows every change of the weights,
    and checkpoints, averages and training are not affected. It takes about a fiftieth of the time
    of a batch on a CPU; only the pairs of convolution and norm are kept.
    """

    def __init__(self) -> None:
        self._modules: list[nn.Module] = []
        self._pairs: list[tuple[nn.Module, nn.Module]] = []

    def __deepcopy__(self, memo: dict) -> FoldedView:
        return FoldedView()

    def __reduce__(self) -> tuple[type[FoldedView], tuple]:
        return FoldedView, ()

    def of(self, model: nn.Module, parts: Sequence[nn.Module]) -> Any:
        """Return a form of a model in which the norms of some parts are folded.

        It is the model itself where there is nothing to fold, or where others look on: hooks of
        modules, compiled or replaced ``forward`` methods, a trace.
        """
        modules = [module for part in parts for module in part.modules()]
        if is_recorded() or any(map(_is_bound, modules)):
            return model
        if len(modules) != len(self._modules) or not all(map(is_, modules, self._modules)):
            found = _find_pairs(*parts)
            self._pairs = [(part.get_submodule(a), part.get_submodule(b)) for part, a, b in found]
            self._modules = modules
        made: dict[nn.Module, nn.Module] = {}
        for conv, norm in self._pairs:
            made[conv], made[norm] = _shallow_copy(conv), nn.Identity()
            _fold(made[conv], norm)
        return _rebuild(model, made)


def _is_bound(module: nn.Module) -> bool:
    """Tell whether a module must be itself, and as it is, when it is called."""
    hooks = module._forward_hooks or module._forward_pre_hooks
    return bool(hooks) or module.training or 'forward' in vars(module)


def _rebuild(module: nn.Module, made: dict[nn.Module, nn.Module]) -> nn.Module:
    """A module with others in place of some that it holds; itself where it holds none of them."""
    if module not in made:
        children = {
            name: None if child is None else _rebuild(child, made)
            for name, child in module._modules.items()
        }
        made[module] = module
        if not all(map(is_, children.values(), module._modules.values())):
            made[module] = _shallow_copy(module)
            made[module]._modules = children
    return made[module]


def _shallow_copy(module: nn.Module) -> nn.Module:
    """Another module with the same attributes and tensors, which can be given others."""
    other = copy.copy(module)
    other._parameters = dict(module._parameters)
    return other


class _Tracer(fx.Tracer):
    """Sees convolutions and norms as one step, whoever wrote their class."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        known = isinstance(m, (*_PLAIN, *_TRANSPOSED, *_NORMS))
        return known or super().is_leaf_module(m, module_qualified_name)


def _find_pairs(*parts: nn.Module) -> list[tuple[nn.Module, str, str]]:
    """Parts that can be traced, each with the names of a convolution and of its norm."""
    traced: dict[nn.Module, fx.Graph] = {}
    for part in parts:
        _trace(part, traced)
    # What several parts hold, another of them may use without the norm.
    holders = Counter(module for part in traced for module in part.modules())
    return [
        (part, conv, norm)
        for part, graph in traced.items()
        for conv, norm in _pairs_in(graph, dict(part.named_modules()))
        if holders[part.get_submodule(conv)] == holders[part.get_submodule(norm)] == 1
    ]


def _trace(part: nn.Module, traced: dict[nn.Module, fx.Graph]) -> None:
    """Trace a part, or else its children."""
    try:
        traced[part] = _Tracer().trace(part)
    except Exception:  # whatever the code of a model raises where it meets no tensor
        for child in part.children():
            _trace(child, traced)


def _pairs_in(graph: fx.Graph, modules: dict[str, nn.Module]) -> Iterator[tuple[str, str]]:
    """Names of convolutions whose maps one norm alone reads, and of that."""
    calls = Counter(node.target for node in graph.nodes if node.op == 'call_module')
    # Weights that are read by themselves stay as they are.
    calls.update(str(n.target).rpartition('.')[0] for n in graph.nodes if n.op == 'get_attr')
    for node in graph.nodes:
        source = node.args[0] if node.args else None
        if node.op != 'call_module' or not isinstance(source, fx.Node):
            continue
        conv, norm = str(source.target), str(node.target)
        alone = source.op == 'call_module' and len(source.users) == 1
        if alone and calls[conv] == calls[norm] == 1 and _fit(modules[conv], modules[norm]):
            yield conv, norm


def _fit(conv: nn.Module, norm: nn.Module) -> bool:
    if type(norm) not in _NORMS or norm.training or norm.running_mean is None:
        return False
    return type(conv) in _PLAIN or (type(conv) in _TRANSPOSED and bool(conv.groups == 1))


def _fold(conv: Any, norm: Any) -> None:
    conv.weight, conv.bias = fuse_conv_bn_weights(
        conv.weight,
        conv.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
        transpose=type(conv) in _TRANSPOSED,
    )
