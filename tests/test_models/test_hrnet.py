"""HRNet's options, on networks of a few channels."""

import copy

import pytest
import torch
from torch import nn

from helpers.seeding import seed_weights
from mmpose_lite.models import HRNet
from mmpose_lite.models.backbones.hrnet import HRModule
from mmpose_lite.models.backbones.residual import BasicBlock, Bottleneck

IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def stages(block='BASIC', modules=1, **last):
    extra = {
        f'stage{i}': {
            'num_modules': modules,
            'num_branches': i,
            'block': block if i > 1 else 'BOTTLENECK',
            'num_blocks': (1,) * i,
            'num_channels': tuple(4 * 2**branch for branch in range(i)),
        }
        for i in (1, 2, 3, 4)
    }
    extra['stage4'].update(last)
    return extra


def build(extra=None, seeded=True, **arguments):
    model = HRNet(extra or stages(multiscale_output=True), **arguments)
    if seeded:
        seed_weights(model)
    return model


def test_branches_have_strides_4_to_32():
    maps = build()(IMAGES)
    assert [tuple(m.shape) for m in maps] == [
        (2, 4, 16, 16),
        (2, 8, 8, 8),
        (2, 16, 4, 4),
        (2, 32, 2, 2),
    ]


def test_one_output_is_the_first_of_four():
    """The last module then has no paths to the lower branches."""
    one, four = build(stages(modules=2)), build(stages(modules=2, multiscale_output=True))
    fewer = set(four.state_dict()) - set(one.state_dict())
    assert fewer
    assert all(name.startswith('stage4.1.fuse_layers.') for name in fewer)
    one.eval()
    four.eval()
    (only,) = one(IMAGES)
    torch.testing.assert_close(only, four(IMAGES)[0])


def test_bottlenecks_have_four_times_the_channels():
    maps = build(stages('BOTTLENECK', multiscale_output=True))(IMAGES)
    assert [m.shape[1] for m in maps] == [16, 32, 64, 128]


@pytest.mark.parametrize(
    ('upsample', 'expected'),
    [
        (None, {'nearest'}),
        ({'mode': 'bilinear', 'align_corners': False}, {'bilinear'}),
        ({'mode': 'bilinear', 'align_corners': True}, {'bilinear'}),
    ],
)
def test_upsampling(upsample, expected):
    extra = stages(multiscale_output=True)
    if upsample:
        extra['upsample'] = upsample
    model = build(extra)
    found = [module for module in model.modules() if isinstance(module, nn.Upsample)]
    assert {module.mode for module in found} == expected
    assert {module.align_corners for module in found} == {(upsample or {}).get('align_corners')}
    assert sorted({module.scale_factor for module in found}) == [2, 4, 8]
    assert model(IMAGES)[0].shape == (2, 4, 16, 16)


FROZEN = {
    -1: (),
    0: ('conv1', 'bn1', 'conv2', 'bn2'),
    1: ('conv1', 'bn1', 'conv2', 'bn2', 'layer1', 'transition1'),
    2: ('conv1', 'bn1', 'conv2', 'bn2', 'layer1', 'transition1', 'stage2', 'transition2'),
    4: None,
}


@pytest.mark.parametrize('count', FROZEN)
def test_frozen_stages_do_not_learn(count):
    model = build(frozen_stages=count)
    model.train()
    still = {name.split('.')[0] for name, p in model.named_parameters() if not p.requires_grad}
    everything = {name.split('.')[0] for name, _ in model.named_parameters()}
    assert still == (everything if FROZEN[count] is None else set(FROZEN[count]))
    for name, module in model.named_children():
        if any(True for _ in module.parameters()):
            assert module.training == (name not in still)
    before = copy.deepcopy(model.state_dict())
    model(IMAGES)
    moved = {
        n.split('.')[0] for n, v in model.state_dict().items() if not torch.equal(v, before[n])
    }
    assert not moved & still  # neither weights nor running statistics


def test_norm_eval_keeps_running_statistics():
    model = build(norm_eval=True).train()
    before = copy.deepcopy(model.state_dict())
    model(IMAGES)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert model.conv1.weight.requires_grad
    assert model.training


def test_with_cp_gives_the_same_numbers():
    plain, saving = build().train(), build(with_cp=True).train()
    outputs = []
    for model in (plain, saving):
        maps = model(IMAGES)
        sum(m.square().mean() for m in maps).backward()
        outputs.append(maps)
    for one, other in zip(*outputs, strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(plain.parameters(), saving.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize('zero', [False, True])
def test_zero_init_residual_starts_blocks_as_identities(zero):
    model = build(seeded=False, zero_init_residual=zero)
    model.init_weights()
    lasts = [m.norm3 for m in model.modules() if isinstance(m, Bottleneck)]
    lasts += [m.norm2 for m in model.modules() if isinstance(m, BasicBlock)]
    assert lasts
    assert {norm.weight.unique().item() for norm in lasts} == {0.0 if zero else 1.0}
    assert model.conv1.weight.std().item() == pytest.approx(0.001, rel=0.1)


def test_other_norms():
    model = build(norm_cfg={'type': 'SyncBN'}, seeded=False)
    assert isinstance(model.norm1, nn.SyncBatchNorm)
    assert 'bn1.weight' in model.state_dict()


def test_module_refuses_lists_of_another_length():
    with pytest.raises(ValueError, match='num_channels'):
        HRModule(2, BasicBlock, (1, 1), [4, 8], (4,))
