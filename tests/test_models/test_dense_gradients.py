"""Joined and averaged maps: torch's own values and gradients, in the layout of the maps."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmpose_lite.models.backbones.csp_darknet import SPPBottleneck
from mmpose_lite.models.backbones.scnet import SCBottleneck
from mmpose_lite.models.utils.csp_layer import CSPLayer
from mmpose_lite.models.utils.dense_gradients import average_maps, join_channels

LAST, FIRST = torch.channels_last, torch.contiguous_format
SILU = {'type': 'SiLU'}


def maps(channels, layout=LAST, dtype=torch.float32):
    torch.manual_seed(channels)
    made = torch.randn(2, channels, 6, 4, dtype=dtype).to(memory_format=layout)
    return made.requires_grad_()


def gradient_of(made, out):
    """The gradient that reaches the maps, as it lies in memory."""
    weights = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view(out.shape)
    (found,) = torch.autograd.grad((out * weights).sum(), [made])
    return found


@pytest.mark.parametrize('layout', [LAST, FIRST], ids=['channels last', 'channels first'])
def test_a_join_has_the_values_and_gradients_of_torch(layout):
    for position in (0, 1):
        parts = [maps(3, layout), maps(5, layout)]
        joined, plain = join_channels(parts), torch.cat(parts, dim=1)
        assert torch.equal(joined, plain)
        expected = gradient_of(parts[position], plain)
        assert torch.equal(gradient_of(parts[position], joined), expected)


def test_parts_of_a_join_get_dense_gradients():
    parts = [maps(3), maps(5), maps(4).detach()]
    joined = join_channels([2 * each for each in parts])
    seen = gradient_of(parts[0], joined)
    assert seen.is_contiguous(memory_format=LAST)
    assert not gradient_of(parts[0], torch.cat(parts, dim=1)).is_contiguous(memory_format=LAST)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16], ids=str)
def test_an_average_has_the_values_and_gradients_of_torch(dtype):
    for layout in (LAST, FIRST):
        made = maps(5, layout, dtype)
        for wanted in (None, torch.float32):
            found, plain = (
                average_maps(made, wanted),
                made.mean((2, 3), keepdim=True, dtype=wanted),
            )
            assert torch.equal(found, plain)
            assert found.dtype == plain.dtype
            assert torch.equal(gradient_of(made, found), gradient_of(made, plain))
            with torch.no_grad():
                assert torch.equal(average_maps(made, wanted), plain)


def test_an_averages_gradient_adds_to_another_in_one_layout():
    made = maps(5)
    assert gradient_of(made, average_maps(made)).stride()[1] == 1
    assert gradient_of(made, made.mean((2, 3), keepdim=True)).stride()[1] != 1


class Gradients(TorchDispatchMode):
    """Notes whether the map that each operation of a backward pass gets is free of gaps."""

    def __init__(self):
        super().__init__()
        self.dense = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if 'backward' in str(func) and args[0].dim() == 4:
            self.dense.append(args[0].is_contiguous(memory_format=LAST))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ('layer', 'shape'),
    [
        (
            lambda: CSPLayer(8, 8, use_cspnext_block=True, channel_attention=True, act_cfg=SILU),
            (2, 8, 8, 8),
        ),
        (lambda: SPPBottleneck(8, 8, act_cfg=SILU), (2, 8, 8, 8)),
        (lambda: SCBottleneck(16, 16), (2, 16, 8, 8)),
    ],
    ids=['CSPLayer', 'SPPBottleneck', 'SCBottleneck'],
)
def test_no_operation_of_a_layer_gets_a_gradient_with_gaps(layer, shape):
    torch.manual_seed(0)
    built = layer().to(memory_format=LAST)
    x = torch.randn(shape).to(memory_format=LAST).requires_grad_()
    loss = built(x).square().sum()
    with Gradients() as gradients:
        loss.backward()
    assert len(gradients.dense) > 5
    assert all(gradients.dense), gradients.dense


def test_a_tracer_sees_the_plain_operations():
    """Norms are folded into what torch.fx can follow, and exports have one reduction."""
    layer = CSPLayer(8, 8, use_cspnext_block=True, channel_attention=True, act_cfg=SILU)
    names = [str(node.target) for node in torch.fx.symbolic_trace(layer).graph.nodes]
    assert 'mean' in names
    assert 'permute' not in names
