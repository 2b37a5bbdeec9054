"""Hourglass, MobileNetV2, SCNet and CSPNeXt: MMPose's numbers, names, starts and options."""

import math
import zlib

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from helpers.seeding import seed_weights, wavy_image
from mmpose_lite.checkpoints import install_checkpoint_reader
from mmpose_lite.errors import InputError
from mmpose_lite.models.backbones import CSPNeXt, HourglassNet, MobileNetV2, SCNet
from mmpose_lite.models.backbones.csp_darknet import SPPBottleneck
from mmpose_lite.models.backbones.mobilenet_v2 import InvertedResidual
from mmpose_lite.models.backbones.scnet import SCBottleneck, SCConv
from mmpose_lite.models.backbones.utils import make_divisible
from mmpose_lite.models.utils.csp_layer import ChannelAttention, CSPLayer, DarknetBottleneck
from mmpose_lite.models.utils.fold_norms import FoldedView
from mmpose_lite.registry import MODELS

IMAGES = torch.from_numpy(
    np.stack([wavy_image(seed, 128, 128).transpose(2, 0, 1) for seed in (0, 1)])
).float()

HOURGLASS = {'downsample_times': 2, 'stage_channels': (256, 24, 32), 'stage_blocks': (1, 1, 2)}
DEPTHWISE = {'arch': 'P6', 'use_depthwise': True, 'channel_attention': False, 'expand_ratio': 0.25}
CASES = {
    'hourglass': (HourglassNet, {**HOURGLASS, 'feat_channel': 16}),
    'mobilenetv2': (MobileNetV2, {'widen_factor': 0.35, 'out_indices': (1, 4, 7)}),
    'scnet': (
        SCNet,
        {'depth': 50, 'base_channels': 16, 'stem_channels': 16, 'out_indices': (0, 1, 3)},
    ),
    'cspnext': (
        CSPNeXt,
        {'widen_factor': 0.25, 'deepen_factor': 0.34, 'out_indices': (0, 2, 4)},
    ),
    'cspnext_p6': (
        CSPNeXt,
        {'widen_factor': 0.125, 'deepen_factor': 0.167, 'spp_kernel_sizes': (3, 5), **DEPTHWISE}
        | {'act_cfg': {'type': 'ReLU'}, 'out_indices': (3, 5)},
    ),
}
# Recorded with MMPose 1.3.2: for each output its channels and size, its mean, its largest value,
# and the first and the last cell.
RECORDED = [
    ('hourglass', 0, (16, 32), 1.493619, 16.24063, 0, 0),
    ('hourglass', 1, (16, 32), 12.61868, 83.62351, 3.579335, 12.14459),
    ('mobilenetv2', 0, (8, 32), -0.08549039, 1.179873, -0.02653103, -0.3802653),
    ('mobilenetv2', 1, (32, 8), 0.2542495, 10.47241, 4.728646, 0.7004851),
    ('mobilenetv2', 2, (1280, 4), 1.25802, 6, 0, 0),
    ('scnet', 0, (64, 32), 0.5441492, 7.378641, 0.9920689, 0.2781693),
    ('scnet', 1, (128, 16), 2.028736, 24.03471, 0.2857394, 0),
    ('scnet', 2, (512, 4), 45.85574, 406.5639, 68.99355, 28.56082),
    ('cspnext', 0, (16, 64), 0.007384695, 1.877585, -0.1872866, 0.1102278),
    ('cspnext', 1, (64, 16), 0.02195524, 0.3342863, -0.07793058, 0.06971148),
    ('cspnext', 2, (256, 4), 0.0008232377, 0.2352091, 0.0009053497, -0.01848084),
    ('cspnext_p6', 0, (64, 8), 0.1129016, 0.8725609, 0.1970433, 0.02859502),
    ('cspnext_p6', 1, (128, 2), 0.1687738, 1.351303, 0.05636442, 0),
]


def build(name):
    kind, arguments = CASES[name]
    return kind(**arguments)


@pytest.fixture(scope='module')
def networks():
    """Each case with seeded weights, channels last, in evaluation, and its outputs."""
    made = {}
    for name in CASES:
        model = build(name).to(memory_format=torch.channels_last).eval()
        seed_weights(model)
        with torch.no_grad():
            made[name] = model, model(IMAGES / 127 - 1)
    return made


@pytest.mark.parametrize('row', RECORDED, ids=lambda row: f'{row[0]}-{row[1]}')
def test_numbers_are_mmpose_s(networks, row):
    name, index, (channels, size), mean, largest, first, last = row
    maps = networks[name][1][index]
    assert maps.shape == (2, channels, size, size)
    close = {'abs': 1e-4 * largest}
    assert maps.mean().item() == pytest.approx(mean, **close)
    assert maps.abs().max().item() == pytest.approx(largest, **close)
    assert maps[0, 0, 0, 0].item() == pytest.approx(first, **close)
    assert maps[1, -1, -1, -1].item() == pytest.approx(last, **close)


@pytest.mark.parametrize('name', CASES)
def test_all_norms_fold_and_maps_lie_channels_last(networks, name):
    model, outputs = networks[name]
    with torch.no_grad():
        folded = FoldedView().of(model, [model])
        found = folded(IMAGES / 127 - 1)
    assert not any(isinstance(module, _BatchNorm) for module in folded.modules())
    assert len(found) == len(outputs)
    for one, other in zip(found, outputs, strict=True):
        atol = 1e-5 * float(other.abs().max())
        torch.testing.assert_close(one, other, rtol=1e-4, atol=atol)
        for maps in (one, other):
            assert maps.is_contiguous(memory_format=torch.channels_last)


# The networks of MMPose's face configs: learned numbers, tensors, CRC-32 of all names and shapes.
SIZES = [
    (HourglassNet, {'num_stacks': 1}, 94_843_520, 492, 4281734287),
    (MobileNetV2, {}, 2_223_872, 312, 729730154),
    (SCNet, {'depth': 50}, 23_515_584, 702, 2304492699),
    (CSPNeXt, {'deepen_factor': 0.67, 'widen_factor': 0.75}, 12_279_432, 350, 4112820014),
    (CSPNeXt, {'deepen_factor': 0.33, 'widen_factor': 0.5}, 4_378_320, 242, 2169201965),
    (CSPNeXt, {'deepen_factor': 0.167, 'widen_factor': 0.375}, 2_348_700, 206, 1278672197),
]


@pytest.mark.parametrize(('kind', 'arguments', 'learned', 'count', 'digest'), SIZES)
def test_names_and_sizes_are_mmpose_s(kind, arguments, learned, count, digest):
    with torch.device('meta'):
        model = kind(**arguments)
    assert sum(parameter.numel() for parameter in model.parameters()) == learned
    lines = sorted(f'{name} {tuple(each.shape)}' for name, each in model.state_dict().items())
    assert len(lines) == count
    assert zlib.crc32('\n'.join(lines).encode()) == digest


@pytest.mark.parametrize(
    ('kind', 'count', 'still', 'held'),
    [
        (MobileNetV2, -1, set(), set()),
        (MobileNetV2, 0, {'conv1'}, set()),
        (MobileNetV2, 2, {'conv1', 'layer1', 'layer2'}, {'layer1', 'layer2'}),
        (CSPNeXt, -1, set(), set()),
        (CSPNeXt, 0, {'stem'}, {'stem'}),
        (CSPNeXt, 2, {'stem', 'stage1', 'stage2'}, {'stem', 'stage1', 'stage2'}),
    ],
)
def test_frozen_stages(kind, count, still, held):
    """MobileNetV2's first norm goes on counting, as in MMPose."""
    model = kind(widen_factor=0.25, frozen_stages=count)
    for mode in (True, False, True):
        model.train(mode)
    learning = [n.split('.')[0] for n, p in model.named_parameters() if p.requires_grad]
    assert not still & set(learning)
    assert still | set(learning) == {name for name, _ in model.named_children()}
    norms = [(n.split('.')[0], m) for n, m in model.named_modules() if isinstance(m, _BatchNorm)]
    assert {name for name, norm in norms if not norm.training} == held
    assert {name for name, norm in norms if norm.training}.isdisjoint(held)


def test_frozen_stages_of_a_scnet_are_a_resnet_s():
    model = SCNet(50, base_channels=16, stem_channels=16, frozen_stages=1).train()
    still = {n.split('.')[0] for n, p in model.named_parameters() if not p.requires_grad}
    assert still == {'conv1', 'bn1', 'layer1'}
    assert not any(m.training for m in model.layer1.modules())


@pytest.mark.parametrize('name', ['mobilenetv2', 'scnet', 'cspnext'])
def test_norm_eval(name):
    kind, arguments = CASES[name]
    model = kind(norm_eval=True, **arguments).train()
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert model.training


@pytest.mark.parametrize('name', ['mobilenetv2', 'scnet'])
def test_with_cp_gives_the_same_numbers(name):
    kind, arguments = CASES[name]
    models = [kind(norm_eval=True, with_cp=with_cp, **arguments) for with_cp in (False, True)]
    for model in models:
        seed_weights(model)
        # A frozen input would keep the first blocks from being computed anew.
        inputs = (IMAGES / 127 - 1).requires_grad_()
        sum(maps.mean() for maps in model.train()(inputs)).backward()
        assert inputs.grad is not None
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize('kind', [DarknetBottleneck, InvertedResidual])
def test_a_shortcut_changes_no_input(kind):
    """Blocks add in place to what is their own."""
    block = kind(16, 16)
    inputs = torch.randn(2, 16, 8, 8, requires_grad=True)
    before = inputs.detach().clone()
    out = block(inputs)
    assert torch.equal(inputs, before)
    branch = block.conv if kind is InvertedResidual else nn.Sequential(block.conv1, block.conv2)
    torch.testing.assert_close(out, before + branch(before))
    out.sum().backward()


def test_what_a_single_hourglass_never_uses_waits_for_no_gradient():
    model = HourglassNet(num_stacks=1, **HOURGLASS)
    unused = {n for n, p in model.named_parameters() if not p.requires_grad}
    assert unused == {n for n, _ in model.named_parameters() if n.startswith('inters.')}
    model(IMAGES[:, :, :32, :32])[0].sum().backward()
    assert {n for n, p in model.named_parameters() if p.grad is None} == unused


def test_weights_start_as_mmpose_s_do():
    """Uniform in CSPNeXt (a=sqrt(5): the bound is 1 / sqrt(fan-in)), tiny in an hourglass."""
    model = build('cspnext')
    model.init_weights()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            bound = 1 / math.sqrt(module.weight[0].numel())
            assert module.weight.abs().max() <= bound
            if module.weight.numel() > 500:
                assert module.weight.abs().max() > 0.98 * bound
                assert module.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.1)
    assert not model.stage1[1].attention.fc.bias.any()
    hourglass = build('hourglass')
    hourglass.init_weights()
    for module in hourglass.modules():
        if isinstance(module, nn.Conv2d):
            assert module.weight.std().item() == pytest.approx(0.001, rel=0.1)
    scnet = build('scnet')
    scnet.init_weights()
    blocks = [block for block in scnet.modules() if isinstance(block, SCBottleneck)]
    assert len(blocks) == 16
    assert not any(block.norm3.weight.any() for block in blocks)
    conv = scnet.layer4[1].scconv.k3[0].weight  # He's, by the fan-out
    assert conv.std().item() == pytest.approx(math.sqrt(2 / (9 * conv.shape[0])), rel=0.05)


@pytest.mark.parametrize(
    ('config', 'settings'),
    [
        ({'type': 'CSPNeXt', '_scope_': 'mmdet', 'widen_factor': 0.125}, {'prefix': 'backbone.'}),
        ({'type': 'mmdet.CSPNeXt', 'widen_factor': 0.125}, {'prefix': 'backbone.'}),
        (
            {'type': 'MobileNetV2', 'widen_factor': 0.25},
            {'checkpoint': 'mmcls://mobilenet_v2'},
        ),
    ],
)
def test_all_weights_start_from_a_pretrained_file(tmp_path, monkeypatch, config, settings):
    """As detectors, pose models and classifiers hold a backbone's, beside their own."""
    source = MODELS.build(config)
    seed_weights(source)
    wanted = source.state_dict()
    path = tmp_path / 'net.pth'
    stored = {f'backbone.{name}': each for name, each in wanted.items()}
    torch.save({'state_dict': {**stored, 'head.fc.weight': torch.ones(3)}}, path)
    module = 'mmpose_lite.checkpoints.loading.mmengine_checkpoint'
    monkeypatch.setattr(f'{module}.get_mmcls_models', lambda: {'mobilenet_v2': str(path)})
    install_checkpoint_reader()
    init_cfg = {'type': 'Pretrained', 'checkpoint': str(path), **settings}
    model = MODELS.build({**config, 'init_cfg': init_cfg})
    model.init_weights()
    found = model.state_dict()
    assert list(found) == list(wanted)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize(
    ('make', 'error', 'message'),
    [
        (lambda: HourglassNet(num_stacks=0), AssertionError, 'num_stacks=0'),
        (lambda: HourglassNet(stage_channels=(8,) * 5), AssertionError, 'are of one length'),
        (
            lambda: HourglassNet(stage_channels=(8,) * 5, stage_blocks=(1,) * 5),
            AssertionError,
            'longer than downsample_times=5',
        ),
        (lambda: InvertedResidual(8, 8, stride=3), AssertionError, 'stride=3'),
        (lambda: MobileNetV2(frozen_stages=8), ValueError, 'frozen_stages=8'),
        (lambda: MobileNetV2(out_indices=[8]), ValueError, r'out_indices=\[8\]'),
        (lambda: SCNet(20), KeyError, 'depth=20'),
        (lambda: SCConv(8, 16, 1, 4), AssertionError, 'in_channels=8 is not out_channels=16'),
        (lambda: CSPNeXt(arch='P7'), KeyError, "arch='P7' is not one of P5, P6"),
        (lambda: CSPNeXt(frozen_stages=5), ValueError, 'frozen_stages=5 is not from -1 to 4'),
        (lambda: CSPNeXt(out_indices=(5,)), AssertionError, r'out_indices=\[5\]'),
        (lambda: CSPNeXt(arch='P6', out_indices=(6,)), InputError, r'out_indices=\[6\]'),
    ],
)
def test_wrong_arguments_are_named(make, error, message):
    """By the kinds of errors that MMPose raises."""
    with pytest.raises(error, match=message):
        make()


def test_silus_of_a_cspnext_copy_nothing(networks):
    """In place they would, of each map, for the backward pass; a ReLU would not."""
    silus = [m for m in networks['cspnext'][0].modules() if isinstance(m, nn.SiLU)]
    assert len(silus) > 30
    assert not any(silu.inplace for silu in silus)
    relus = [m for m in networks['cspnext_p6'][0].modules() if isinstance(m, nn.ReLU)]
    assert all(relu.inplace for relu in relus)
    chosen = CSPLayer(8, 8, act_cfg={'type': 'SiLU', 'inplace': True})
    assert chosen.main_conv.activate.inplace


def test_stages_of_one_s_own():
    stages = [[16, 24, 2, True, False], [24, 32, 1, False, True]]
    model = CSPNeXt(arch_ovewrite=stages, out_indices=(0, 1, 2), widen_factor=0.5)
    assert [tuple(maps.shape[1:]) for maps in model(IMAGES[:, :, :64, :32])] == [
        (8, 32, 16),
        (12, 16, 8),
        (16, 8, 4),
    ]
    assert [type(part).__name__ for part in model.stage2] == [
        *('ConvModule', 'SPPBottleneck', 'CSPLayer'),
    ]
    blocks = model.stage1[1].blocks, model.stage2[2].blocks
    assert [len(each) for each in blocks] == [2, 1]
    assert [each[0].add_identity for each in blocks] == [True, False]


def test_a_layer_of_darknet_s_blocks():
    layer = CSPLayer(8, 16, num_blocks=2)
    assert [type(block) for block in layer.blocks] == [DarknetBottleneck] * 2
    assert not layer.channel_attention
    assert layer(torch.randn(2, 8, 6, 6)).shape == (2, 16, 6, 6)


def test_attention_weighs_each_channel_by_a_hard_sigmoid_of_the_means():
    attention = ChannelAttention(2)
    nn.init.constant_(attention.fc.weight, 0)
    attention.fc.weight.data[0, 1] = 3  # of the second channel's mean
    nn.init.zeros_(attention.fc.bias)
    maps = torch.ones(1, 2, 3, 3)
    maps[0, 1] = torch.arange(9).view(3, 3) / 12  # on average 1 / 3
    weighed = attention(maps)
    torch.testing.assert_close(weighed[0, 0], torch.full((3, 3), 4 / 6))  # (1 + 3) / 6
    torch.testing.assert_close(weighed[0, 1], maps[0, 1] / 2)


@pytest.mark.parametrize('sizes', [(3, 5), (5, 3)], ids=str)
def test_a_pyramid_pools_windows_of_each_size(sizes):
    pyramid = SPPBottleneck(4, 6, kernel_sizes=sizes, norm_cfg=None, act_cfg=None)
    maps = torch.zeros(1, 4, 7, 7)
    maps[0, 0, 3, 3] = 1
    nn.init.constant_(pyramid.conv1.conv.weight, 0)
    pyramid.conv1.conv.weight.data[0, 0] = 1
    nn.init.zeros_(pyramid.conv1.conv.bias)
    nn.init.zeros_(pyramid.conv2.conv.bias)
    nn.init.constant_(pyramid.conv2.conv.weight, 0)
    for out, source in enumerate((0, 2, 4)):  # of each kind the first channel
        pyramid.conv2.conv.weight.data[out, source] = 1
    areas = [size**2 for size in sizes]
    assert pyramid(maps).sum(dim=(0, 2, 3)).tolist() == [1, *areas, 0, 0, 0]


def test_a_self_calibrated_block_halves_its_channels():
    block = SCBottleneck(16, 64, stride=2, downsample=nn.Conv2d(16, 64, 1, stride=2))
    assert block.mid_channels == 8
    assert block.conv3.in_channels == 16
    assert block(torch.randn(2, 16, 8, 8)).shape == (2, 64, 4, 4)


@pytest.mark.parametrize(
    ('arguments', 'result'),
    [
        ((32 * 0.35, 8), 16),  # 11.2 -> 8 is less than 0.9 of it
        ((24 * 0.35, 8), 8),
        ((96 * 0.35, 8), 32),
        ((12, 8), 16),
        ((1, 8), 8),
        ((1, 8, 4), 4),
        ((11.2, 8, None, 0.5), 8),
        ((20, 8), 24),
    ],
)
def test_make_divisible(arguments, result):
    assert make_divisible(*arguments) == result
