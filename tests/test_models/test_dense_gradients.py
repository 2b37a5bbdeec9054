"""Joined and averaged maps: torch's own values and gradients, in the layout of the maps."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmpose_lite.models.backbones.csp_darknet import SPPBottleneck
from mmpose_lite.models.backbones.scnet import SCBottleneck
from mmpose_lite.models.utils.csp_layer import ChannelAttention, CSPLayer
from mmpose_lite.models.utils.dense_gradients import average_maps, join_channels

LAST, FIRST = torch.channels_last, torch.contiguous_format
SILU = {'type': 'SiLU'}


def maps(channels, layout=LAST, dtype=torch.float32):
    torch.manual_seed(channels)
    made = torch.randn(2, channels, 6, 4, dtype=dtype).to(memory_format=layout)
    return made.requires_grad_()


def gradient_of(made, out):
    """The gradient that reaches the maps, as it lies in memory, of a weighted sum of the output."""
    weights = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view(out.shape)
    weights = torch.empty_like(out).copy_(weights)  # in the output's layout
    (found,) = torch.autograd.grad(out, [made], weights, retain_graph=True)
    return found


@pytest.mark.parametrize('layout', [LAST, FIRST], ids=['channels last', 'channels first'])
def test_a_join_has_the_values_and_gradients_of_torch(layout):
    for position in (0, 1):
        leaves = [maps(3, layout), maps(5, layout)]
        parts = [2 * each for each in leaves]
        joined, plain = join_channels(parts), torch.cat(parts, dim=1)
        assert torch.equal(joined, plain)
        expected = gradient_of(leaves[position], plain)
        assert torch.equal(gradient_of(leaves[position], joined), expected)


def test_parts_of_a_join_get_dense_gradients():
    parts = [2 * maps(3), 2 * maps(5), maps(4).detach()]
    assert not gradient_of(parts[0], torch.cat(parts, dim=1)).is_contiguous(memory_format=LAST)
    assert gradient_of(parts[0], join_channels(parts)).is_contiguous(memory_format=LAST)


def test_a_leaf_of_a_join_gathers_no_hooks():
    leaf = maps(3)
    for _ in range(2):
        join_channels([leaf, maps(5)])
    assert not leaf._backward_hooks


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize('layout', [LAST, FIRST], ids=['channels last', 'channels first'])
def test_an_average_has_the_values_and_gradients_of_torch(layout, dtype):
    made = maps(5, layout, dtype)
    found, plain = average_maps(made), made.mean((2, 3), keepdim=True)
    assert torch.equal(found, plain)
    assert torch.equal(gradient_of(made, found), gradient_of(made, plain))
    with torch.no_grad():
        assert torch.equal(average_maps(made), plain)


@pytest.mark.parametrize('layout', [LAST, FIRST], ids=['channels last', 'channels first'])
def test_the_gradient_of_an_average_has_the_layout_of_the_maps(layout):
    made = maps(5, layout)
    dense = gradient_of(made, average_maps(made)).contiguous(memory_format=layout)
    assert gradient_of(made, average_maps(made)).stride() == dense.stride()


class Gradients(TorchDispatchMode):
    """Notes whether the maps of the operations of a backward pass are channels last."""

    def __init__(self):
        super().__init__()
        self.dense = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        whole = [each for each in args if isinstance(each, torch.Tensor) and each.dim() == 4]
        if 'backward' in str(func):
            self.dense += [each.is_contiguous(memory_format=LAST) for each in whole]
        elif 'add.Tensor' in str(func):  # which may meet a gap, but not another order
            self.dense += [each.stride(1) == 1 for each in whole]
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ('layer', 'shape'),
    [
        (lambda: ChannelAttention(8), (2, 8, 8, 8)),
        (lambda: CSPLayer(8, 8, use_cspnext_block=True, act_cfg=SILU), (2, 8, 8, 8)),
        (lambda: SPPBottleneck(8, 8, act_cfg=SILU), (2, 8, 8, 8)),
        (lambda: SCBottleneck(16, 16), (2, 16, 8, 8)),
    ],
    ids=['ChannelAttention', 'CSPLayer', 'SPPBottleneck', 'SCBottleneck'],
)
def test_all_operations_of_a_layer_get_gradients_in_its_layout(layer, shape):
    torch.manual_seed(0)
    built = layer().to(memory_format=LAST)
    x = torch.randn(shape).to(memory_format=LAST).requires_grad_()
    loss = built(1 * x).square().sum()
    with Gradients() as gradients:
        loss.backward()
    assert len(gradients.dense) > 2
    assert all(gradients.dense), gradients.dense


def test_torch_fx_follows_a_layer():
    """It meets stand-ins of maps, when norms are to be folded."""
    layer = CSPLayer(8, 8, use_cspnext_block=True, channel_attention=True, act_cfg=SILU)
    names = [str(node.target) for node in torch.fx.symbolic_trace(layer).graph.nodes]
    assert 'mean' in names
    assert 'permute' not in names


@pytest.mark.filterwarnings('ignore:`torch.jit.trace:FutureWarning')
def test_a_trace_holds_the_plain_operations():
    """Exports have one reduction."""
    traced = torch.jit.trace(average_maps, maps(5))
    assert 'aten::mean' in str(traced.graph)
    assert 'aten::permute' not in str(traced.graph)
