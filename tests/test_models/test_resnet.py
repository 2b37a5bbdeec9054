"""ResNet: MMPose's numbers on seeded weights, depths and options."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from helpers.seeding import seed_weights, wavy_image
from mmpose_lite.models.backbones import ResNet, ResNetV1d
from mmpose_lite.models.backbones.residual import BasicBlock, Bottleneck, ResLayer, get_expansion

IMAGES = torch.from_numpy(
    np.stack([wavy_image(seed, 64, 64).transpose(2, 0, 1) for seed in (0, 1)])
).float()


def small(depth=18, base_channels=4, **arguments):
    return ResNet(depth=depth, stem_channels=8, base_channels=base_channels, **arguments)


# Recorded with MMPose 1.3.2: for each output its channels and size, its mean, its largest value,
# and the first and the last cell.
RECORDED = [
    (ResNet, 18, (0, 1, 2, 3), 0, (64, 16), 0.4706833, 4.038064, 0.2961044, 0),
    (ResNet, 18, (0, 1, 2, 3), 1, (128, 8), 0.8082048, 7.103398, 0.468549, 1.821595),
    (ResNet, 18, (0, 1, 2, 3), 2, (256, 4), 1.303017, 11.1887, 0.7643043, 3.06703),
    (ResNet, 18, (0, 1, 2, 3), 3, (512, 2), 1.557476, 19.71698, 0, 1.945531),
    (ResNet, 50, (3,), 0, (2048, 2), 26.59234, 219.1295, 54.43106, 14.32465),
    (ResNetV1d, 18, (3,), 0, (512, 2), 1.369372, 13.74716, 0.4858239, 0.812313),
]


@pytest.fixture(scope='module')
def outputs():
    """The maps of each network of the table."""
    made = {}
    for kind, depth, indices in {row[:3] for row in RECORDED}:
        model = kind(depth=depth, out_indices=indices)
        seed_weights(model)
        with torch.no_grad():
            made[kind, depth, indices] = model.eval()(IMAGES / 127 - 1)
    return made


@pytest.mark.parametrize('row', RECORDED, ids=lambda row: f'{row[0].__name__}{row[1]}-{row[3]}')
def test_numbers_are_mmpose_s(outputs, row):
    kind, depth, indices, index, (channels, size), mean, largest, first, last = row
    maps = outputs[kind, depth, indices][index]
    assert maps.shape == (2, channels, size, size)
    assert maps.mean().item() == pytest.approx(mean, rel=1e-4)
    close = {'abs': 1e-4 * largest}
    assert maps.abs().max().item() == pytest.approx(largest, **close)
    assert maps[0, 0, 0, 0].item() == pytest.approx(first, **close)
    assert maps[1, -1, -1, -1].item() == pytest.approx(last, **close)


@pytest.mark.parametrize(
    ('depth', 'blocks', 'block', 'channels'),
    [
        (18, [2, 2, 2, 2], BasicBlock, 32),
        (34, [3, 4, 6, 3], BasicBlock, 32),
        (50, [3, 4, 6, 3], Bottleneck, 128),
        (101, [3, 4, 23, 3], Bottleneck, 128),
        (152, [3, 8, 36, 3], Bottleneck, 128),
    ],
)
def test_depths(depth, blocks, block, channels):
    model = small(depth)
    layers = [model.layer1, model.layer2, model.layer3, model.layer4]
    assert [len(layer) for layer in layers] == blocks
    assert isinstance(model.layer1[0], block)
    assert model.feat_dim == channels


def test_outputs_strides_and_stages():
    shapes = [tuple(m.shape[1:]) for m in small(out_indices=(0, 2))(IMAGES)]
    assert shapes == [(4, 16, 16), (16, 4, 4)]
    wide = small(out_indices=(3,), strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))
    assert wide(IMAGES)[0].shape == (2, 32, 8, 8)
    short = small(num_stages=2, strides=(1, 2), dilations=(1, 1), out_indices=(1,))
    assert short(IMAGES)[0].shape == (2, 8, 8, 8)
    assert not hasattr(short, 'layer3')


def test_deep_stem_and_avg_down():
    model = small(50, deep_stem=True, avg_down=True)
    assert not hasattr(model, 'conv1')
    assert [unit.conv.stride for unit in model.stem] == [(2, 2), (1, 1), (1, 1)]
    assert isinstance(model.layer2[0].downsample[0], nn.AvgPool2d)
    assert model.layer2[0].downsample[1].stride == (1, 1)
    assert not isinstance(model.layer1[0].downsample[0], nn.AvgPool2d)  # it does not shrink
    assert model(IMAGES)[0].shape == (2, 128, 2, 2)
    same = ResNetV1d(depth=50, stem_channels=8, base_channels=4)
    assert list(same.state_dict()) == list(model.state_dict())


@pytest.mark.parametrize(('style', 'strides'), [('pytorch', (1, 2)), ('caffe', (2, 1))])
def test_styles(style, strides):
    block = small(50, style=style).layer2[0]
    assert (block.conv1.stride[0], block.conv2.stride[0]) == strides


@pytest.mark.parametrize('deep_stem', [False, True])
@pytest.mark.parametrize('count', [-1, 0, 2])
def test_frozen_stages_do_not_learn(count, deep_stem):
    model = small(frozen_stages=count, deep_stem=deep_stem).train()
    stem = {'stem'} if deep_stem else {'conv1', 'bn1'}
    wanted = set() if count < 0 else stem | {f'layer{i}' for i in range(1, count + 1)}
    still = {name.split('.')[0] for name, p in model.named_parameters() if not p.requires_grad}
    assert still == wanted
    before = copy.deepcopy(model.state_dict())
    model(IMAGES)
    moved = {
        n.split('.')[0] for n, v in model.state_dict().items() if not torch.equal(v, before[n])
    }
    assert moved
    assert not moved & still


def test_with_cp_and_norm_eval_give_the_same_numbers():
    # On AVX2, oneDNN's weight gradients of strided pointwise convolutions write beyond their
    # buffers where 2 to 7 channels come in, channels last.
    models = [small(18, 8, norm_eval=True, with_cp=with_cp) for with_cp in (False, True)]
    for model in models:
        seed_weights(model)
        model.train()
        model(IMAGES / 127)[0].mean().backward()
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)
    assert models[0].bn1.num_batches_tracked == 0


@pytest.mark.parametrize('zero', [False, True])
def test_zero_init_residual(zero):
    model = small(50, zero_init_residual=zero)
    model.init_weights()
    lasts = [block.norm3 for block in model.modules() if isinstance(block, Bottleneck)]
    assert {norm.weight.unique().item() for norm in lasts} == {0.0 if zero else 1.0}


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ({'depth': 20}, KeyError, 'depth=20'),
        ({'num_stages': 5}, ValueError, 'num_stages=5'),
        ({'num_stages': 3}, ValueError, 'as many strides'),
        ({'out_indices': (4,)}, ValueError, 'beyond 4 stages'),
        ({'depth': 50, 'style': 'keras'}, ValueError, 'keras'),
        ({'expansion': 2}, ValueError, 'expansion of a BasicBlock'),
        ({'expansion': -1}, TypeError, 'positive integer'),
    ],
)
def test_wrong_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        small(**{'depth': 18, **arguments})


def test_layer_that_changes_shape_at_its_end():
    layer = ResLayer(BasicBlock, 3, 4, 8, stride=2, downsample_first=False)
    assert [block.stride for block in layer] == [1, 1, 2]
    assert layer(torch.rand(1, 4, 8, 8)).shape == (1, 8, 4, 4)
    assert get_expansion(Bottleneck) == 4
    assert get_expansion(Bottleneck, 2) == 2
