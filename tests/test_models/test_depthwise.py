"""Wide depthwise kernels: the gradients of torch's own convolution."""

import copy
import pickle

import pytest
import torch
from torch import nn

from mmpose_lite.apis import load_config
from mmpose_lite.models.utils.depthwise import WideDepthwiseConv2d, speed_up_depthwise
from mmpose_lite.registry import MODELS

RTMPOSE = 'configs/face_2d_keypoint/rtmpose/wflw/rtmpose-m_8xb64-60e_wflw-256x256.py'


def gradients(conv, x, amp=False):
    """The output of a convolution, and the gradients of its input and parameters."""
    x = x.clone().requires_grad_()
    with torch.autocast('cpu', enabled=amp):
        out = conv(x)
    weights = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view(out.shape)
    found = torch.autograd.grad((out * weights).sum(), [x, *conv.parameters()])
    return [out.detach(), *found]


@pytest.mark.parametrize('size', [(5, 5), (3, 5), (7, 7), (1, 9), (5, 11)], ids=str)
@pytest.mark.parametrize('bias', [False, True])
def test_gradients_are_those_of_the_convolution(size, bias):
    torch.manual_seed(0)
    padding = tuple(side // 2 for side in size)
    conv = nn.Conv2d(6, 6, size, padding=padding, groups=6, bias=bias).double()
    fast = copy.deepcopy(conv)
    assert speed_up_depthwise(fast) == 1
    # Narrower and wider than the kernel; and in the layout that models have.
    for shape in ((2, 6, 4, 3), (2, 6, 9, 16)):
        x = torch.randn(shape).double().to(memory_format=torch.channels_last)
        torch.testing.assert_close(gradients(fast, x), gradients(conv, x))


@pytest.mark.parametrize('amp', [False, True], ids=['float32', 'bfloat16'])
def test_so_are_those_of_other_precisions(amp):
    torch.manual_seed(0)
    conv = nn.Conv2d(16, 16, 5, padding=2, groups=16)
    fast = copy.deepcopy(conv)
    speed_up_depthwise(fast)
    x = torch.randn(4, 16, 12, 12).to(memory_format=torch.channels_last)
    for found, wanted in zip(gradients(fast, x, amp), gradients(conv, x, amp), strict=True):
        assert found.dtype == wanted.dtype
        atol = (2**-7 if amp else 1e-5) * float(wanted.abs().max())
        torch.testing.assert_close(found, wanted, rtol=0, atol=atol)


@pytest.mark.filterwarnings('ignore:`torch.jit.trace:FutureWarning')
@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
def test_a_trace_holds_the_convolution():
    """Counters of operations know it by its name."""
    conv = nn.Conv2d(4, 4, 5, padding=2, groups=4)
    speed_up_depthwise(conv)
    traced = torch.jit.trace(conv, torch.randn(1, 4, 8, 8))
    assert 'aten::_convolution' in str(traced.inlined_graph)


def test_what_needs_no_gradient_gets_none():
    conv = nn.Conv2d(4, 4, 5, padding=2, groups=4)
    speed_up_depthwise(conv)
    conv(torch.randn(1, 4, 8, 8)).sum().backward()  # the input needs none
    assert conv.bias.grad is not None
    conv.bias.requires_grad_(False)
    conv.zero_grad()
    conv(torch.randn(1, 4, 8, 8, requires_grad=True)).sum().backward()
    assert conv.weight.grad is not None
    assert conv.bias.grad is None
    conv.weight.requires_grad_(False)
    assert not conv(torch.randn(1, 4, 8, 8)).requires_grad


@pytest.mark.parametrize(
    'other',
    [
        {'kernel_size': 3, 'padding': 1},
        {'kernel_size': 5, 'padding': 0},
        {'kernel_size': 5, 'padding': 2, 'stride': 2},
        {'kernel_size': 5, 'padding': 4, 'dilation': 2},
        {'kernel_size': 5, 'padding': 2, 'padding_mode': 'reflect'},
        {'kernel_size': 5, 'padding': 'same'},
        {'kernel_size': 4, 'padding': 2},
        {'kernel_size': 5, 'padding': 2, 'groups': 2},
    ],
    ids=str,
)
def test_other_convolutions_stay(other):
    conv = nn.Conv2d(4, 4, **{'groups': 4, **other})
    assert speed_up_depthwise(conv) == 0
    assert type(conv) is nn.Conv2d


def test_models_have_them_on_a_cpu(monkeypatch):
    cfg = load_config(RTMPOSE)
    cfg.model.backbone.update(deepen_factor=0.167, widen_factor=0.125, init_cfg=None)
    cfg.model.head.in_channels = 128
    model = MODELS.build(cfg.model)
    for each in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert sum(isinstance(conv, WideDepthwiseConv2d) for conv in each.modules()) == 4
    monkeypatch.setattr('mmpose_lite.models.pose_estimators.base.get_device', lambda: 'cuda')
    model = MODELS.build(cfg.model)
    assert not any(isinstance(conv, WideDepthwiseConv2d) for conv in model.modules())
