"""A 1x1 convolution of maps that are not joined yet: the same function, and its gradients."""

import copy

import pytest
import torch
from torch import nn

from mmpose_lite.models import FeatureMapProcessor, HeatmapHead
from mmpose_lite.models.necks.fmap_proc_neck import JoinedMaps

SHAPES = [(2, 3, 16, 12), (2, 4, 8, 6), (2, 5, 4, 3), (2, 2, 16, 12)]
HEAD = {'in_channels': 14, 'out_channels': 3, 'deconv_out_channels': None}


def draw_maps():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in SHAPES]


def gradients(output, *sources):
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1))
    return torch.autograd.grad((output * weights).sum(), sources)


@pytest.mark.parametrize('align_corners', [False, True])
@pytest.mark.parametrize('bias', [False, True])
def test_convolving_first_is_joining_first(align_corners, bias):
    torch.manual_seed(0)
    conv, maps = nn.Conv2d(14, 6, 1, bias=bias), draw_maps()
    joined = JoinedMaps(maps, align_corners)
    expected, found = conv(joined.join()), joined.convolve(conv)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    sources = (*maps, *conv.parameters())
    pairs = zip(gradients(found, *sources), gradients(expected, *sources), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_it_is_a_list_of_one_map():
    maps = JoinedMaps(draw_maps(), align_corners=False)
    (joined,) = maps
    assert len(maps) == 1
    assert joined.shape == (2, 14, 16, 12)
    assert torch.equal(maps[-1], joined)
    assert torch.equal(joined[:, :3], maps.maps[0])
    with pytest.raises(IndexError):
        maps[1]


class Join(nn.Module):
    def forward(self, *maps):
        return FeatureMapProcessor(concat=True)(list(maps))[0]


@pytest.mark.parametrize(
    ('size', 'factors'), [((8, 6), [2.0, 2.0]), ((4, 2), [4.0, 6.0]), ((5, 6), None)]
)
def test_maps_are_resized_by_constant_factors_where_these_are_whole(size, factors):
    """Else onnxruntime leaves the blocked layout to resize the maps of an exported file."""
    maps = (torch.rand(2, 3, 16, 12), torch.rand(2, 4, *size))
    batch = torch.export.Dim('batch')
    program = torch.export.export(Join(), maps, dynamic_shapes={'maps': ({0: batch}, {0: batch})})
    (call,) = (node for node in program.graph.nodes if 'upsample' in str(node.target))
    found = dict(zip(('input', 'output_size', 'align_corners', 'factors'), call.args, strict=False))
    assert found.get('factors') == factors
    resized = nn.functional.interpolate(maps[1], size=(16, 12), mode='bilinear')
    assert torch.equal(Join()(*maps), torch.cat([maps[0], resized], dim=1))


@pytest.mark.filterwarnings('ignore:`torch.jit.trace:FutureWarning')
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
def test_a_trace_gives_the_same():
    """Counters of operations and TensorBoard's graphs trace a model."""
    maps = (torch.rand(2, 3, 16, 12), torch.rand(2, 4, 8, 6))
    assert torch.equal(torch.jit.trace(Join(), maps)(*maps), Join()(*maps))


# Convolutions, and whether the first of them may come before the resizing.
LAYERS = [
    ({'conv_out_channels': (6, 5), 'conv_kernel_sizes': (1, 3)}, True),
    ({'conv_out_channels': (6,), 'conv_kernel_sizes': (3,)}, False),
    ({'conv_out_channels': None}, False),
    ({'deconv_out_channels': (6,), 'deconv_kernel_sizes': (4,), 'conv_out_channels': None}, False),
]


@pytest.mark.parametrize(('layers', 'early'), LAYERS)
def test_a_head_convolves_first_where_it_may(layers, early, monkeypatch):
    torch.manual_seed(0)
    head, maps = HeatmapHead(**{**HEAD, **layers}), draw_maps()
    joined = FeatureMapProcessor(concat=True)(maps)
    whole = joined.join()
    expected = copy.deepcopy(head)([whole])
    asked = []
    monkeypatch.setattr(JoinedMaps, 'join', lambda self: asked.append(self) or whole)
    torch.testing.assert_close(head(joined), expected, rtol=0, atol=1e-5)
    assert bool(asked) != early


@pytest.mark.parametrize(
    ('layer', 'expected'),
    [
        (nn.Conv2d(4, 4, 1), True),
        (nn.Conv2d(4, 4, 3, padding=1), False),
        (nn.Conv2d(4, 4, 1, padding=1), False),
        (nn.Conv2d(4, 4, 1, stride=2), False),
        (nn.Conv2d(4, 4, 1, groups=2), False),
        (nn.ConvTranspose2d(4, 4, 1), False),
        (nn.Identity(), False),
    ],
)
def test_layers_that_do_without_the_joined_map(layer, expected, monkeypatch):
    maps = JoinedMaps([torch.ones(1, 2, 4, 4), torch.ones(1, 2, 2, 2)], align_corners=False)
    whole, asked = maps.join(), []
    monkeypatch.setattr(JoinedMaps, 'join', lambda self: asked.append(self) or whole)
    torch.testing.assert_close(maps.convolve(layer), layer(whole), rtol=0, atol=1e-5)
    assert bool(asked) != expected
