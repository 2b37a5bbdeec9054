"""Batch norms folded into the convolutions before them, for models that no longer learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from mmcv.cnn.bricks import wrappers
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

# These classes themselves: a subclass may do something else with its weights.
_PLAIN = (nn.Conv2d, wrappers.Conv2d)
_TRANSPOSED = (nn.ConvTranspose2d, wrappers.ConvTranspose2d)
_NORMS = (nn.BatchNorm2d, nn.SyncBatchNorm)


def fold_norms(model: nn.Module) -> int:
    """Fold batch norms into the convolutions before them, in place and for good.

    In evaluation a batch norm is a factor and an offset for each channel, which the weights and
    the bias of the convolution take over. The outputs are the same but for rounding (in float32
    about 1e-6 of the largest), with fewer passes over memory. Afterwards the model can neither
    train nor load its checkpoints: fold after loading, and not for a validation within training.

    A norm is folded if it alone reads what the convolution gives. That is found by tracing the
    model; of a part whose path depends on its data, the children are traced instead.

    Args:
        model: The model, in evaluation.

    Returns:
        How many norms were folded.

    Raises:
        ValueError: If the model is in training.
    """
    if model.training:
        raise ValueError('fold_norms is for models in evaluation; call model.eval() first')
    pairs = list(_find_pairs(model))
    for part, conv_name, norm_name in pairs:
        _fold(part.get_submodule(conv_name), part.get_submodule(norm_name))
        part.set_submodule(norm_name, nn.Identity())
    return len(pairs)


class _Tracer(fx.Tracer):
    """Sees convolutions and norms as one step, whoever wrote their class."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        known = isinstance(m, (*_PLAIN, *_TRANSPOSED, *_NORMS))
        return known or super().is_leaf_module(m, module_qualified_name)


def _find_pairs(part: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
    """Parts that can be traced, each with the names of a convolution and of its norm."""
    try:
        graph = _Tracer().trace(part)
    except Exception:  # whatever the code of a model raises where it meets no tensor
        for child in part.children():
            yield from _find_pairs(child)
        return
    modules = dict(part.named_modules())
    calls = Counter(node.target for node in graph.nodes if node.op == 'call_module')
    for node in graph.nodes:
        source = node.args[0] if node.args else None
        if node.op != 'call_module' or not isinstance(source, fx.Node):
            continue
        conv, norm = str(source.target), str(node.target)
        alone = source.op == 'call_module' and len(source.users) == 1
        if alone and calls[conv] == calls[norm] == 1 and _fit(modules[conv], modules[norm]):
            yield part, conv, norm


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
