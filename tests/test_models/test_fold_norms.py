"""Folded norms: the same function, in evaluation only."""

import copy
import pickle

import pytest
import torch
from mmengine.model import revert_sync_batchnorm
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmpose_lite.apis import load_config
from mmpose_lite.models.utils.fold_norms import FoldedView, fold_norms
from mmpose_lite.registry import MODELS


def with_statistics(model):
    """Give every norm weights and running statistics that are not those of the start."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            for values in (module.weight.data, module.bias.data, module.running_mean):
                values.copy_(torch.randn(values.shape, generator=generator))
            module.running_var.copy_(torch.rand(module.running_var.shape, generator=generator) + 1)
    return model.eval()


def count_norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


@pytest.mark.parametrize('decays', [False, True], ids=['plain', 'deconvolutions'])
def test_a_folded_model_gives_the_same(tiny_config, decays):
    cfg = load_config(tiny_config)
    if decays:
        cfg.model.head.update(deconv_out_channels=(16,), deconv_kernel_sizes=(4,))
        cfg.model.head.update(conv_out_channels=None, conv_kernel_sizes=None)
    model = with_statistics(MODELS.build(cfg.model))
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = model(images)
        before = count_norms(model)
        assert fold_norms(model) == before > 20
        assert count_norms(model) == 0
        found = model(images)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max()))


@pytest.fixture
def model(tiny_config):
    return with_statistics(MODELS.build(load_config(tiny_config).model))


IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def assert_folded(model):
    """The model predicts from folded norms, and what it would without."""
    with torch.no_grad():
        folded = model._for_evaluation(IMAGES)
        assert count_norms(folded.backbone) == 0
        (found,), (wanted,) = folded.extract_feat(IMAGES), model.extract_feat(IMAGES)
    assert not torch.equal(found, wanted)
    atol = 1e-5 * float(wanted.abs().max())
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=atol)


def test_an_evaluation_folds_and_the_model_knows_nothing_of_it(model):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    norms = count_norms(model)
    assert_folded(model)
    assert count_norms(model) == norms
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_it_follows_whatever_is_done_to_the_weights(model, tiny_config):
    assert_folded(model)
    with torch.no_grad():
        model.backbone.conv1.weight.mul_(2)
        assert_folded(model)
        model.backbone.bn1.running_mean.data.add_(1)  # as averages are put in place
        assert_folded(model)
    other = with_statistics(MODELS.build(load_config(tiny_config).model))
    other.backbone.conv1.weight.data.neg_()
    model.load_state_dict(other.state_dict())
    assert_folded(model)
    model.load_state_dict(other.state_dict(), assign=True)
    assert_folded(model)
    model.backbone.bn1 = with_statistics(nn.BatchNorm2d(64))
    assert_folded(model)
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert_folded(copied)
        assert copied.backbone.conv1 is not model.backbone.conv1


def test_one_image_in_one_pass_costs_less_than_folding(model):
    with torch.no_grad():
        model.test_cfg = {'flip_test': True}
        assert model._for_evaluation(IMAGES[:1]) is not model
        model.test_cfg = {'flip_test': False}
        assert model._for_evaluation(IMAGES[:1]) is model
        assert model._for_evaluation(IMAGES) is not model


def test_where_others_look_on_nothing_is_folded(model):
    assert model._for_evaluation(IMAGES) is model  # gradients are wanted
    with torch.no_grad():
        seen = []
        handle = model.backbone.bn1.register_forward_hook(lambda *call: seen.append(call))
        assert model._for_evaluation(IMAGES) is model
        handle.remove()
        model.backbone.bn1.train()
        assert model._for_evaluation(IMAGES) is model
        model.eval()
        model.backbone.forward = model.backbone.forward  # as a compiler leaves it
        assert model._for_evaluation(IMAGES) is model
        del model.backbone.forward
        assert_folded(model)
        assert model.train()._for_evaluation(IMAGES) is model


def test_a_model_lies_channels_last_whoever_builds_it(model):
    for weight in (model.backbone.layer1[0].conv2.weight, model.head.conv_layers[0].weight):
        assert weight.is_contiguous(memory_format=torch.channels_last)
    model.init_weights()
    conv = model.backbone.layer1[0].conv2
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.zeros_like(conv.weight).stride() == conv.weight.stride()  # of gradients


@pytest.mark.parametrize(('device', 'calls'), [('cpu', 1), ('cuda', 0)])
def test_a_model_on_a_cpu_keeps_freed_memory(tiny_config, monkeypatch, device, calls):
    kept = []
    monkeypatch.setattr('mmpose_lite.models.pose_estimators.base.get_device', lambda: device)
    monkeypatch.setattr(
        'mmpose_lite.models.pose_estimators.base.keep_freed_memory', lambda: kept.append(1)
    )
    MODELS.build(load_config(tiny_config).model)
    assert len(kept) == calls


class Shared(nn.Module):
    """A convolution that is read by its norm and by another."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        x = self.conv(x)
        return x + self.norm(x)


def test_what_others_read_stays_as_it_is():
    model = with_statistics(nn.Sequential(Shared(), nn.ReLU()))
    images = torch.randn(2, 3, 8, 8)
    expected = model(images)
    assert fold_norms(model) == 0
    assert torch.equal(model(images), expected)


class Untraceable(nn.Module):
    """Parts whose path depends on the data, which hold each other's modules."""

    def __init__(self, *parts):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x):
        if x.sum() > 1e9:
            return x
        return sum(part(x) for part in self.parts)


class FromOutside(nn.Module):
    """Reads the weights of a convolution beside its norm."""

    def __init__(self):
        super().__init__()
        self.unit = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))

    def forward(self, x):
        return self.unit(x) + nn.functional.conv2d(x, self.unit[0].weight)


def unit(conv=None, norm=None):
    return nn.Sequential(conv or nn.Conv2d(3, 4, 1), norm or nn.BatchNorm2d(4))


def shared_convolution():
    conv = nn.Conv2d(3, 4, 1)
    return Untraceable(unit(conv), unit(conv))


def bare_convolution():
    conv = nn.Conv2d(3, 4, 1)
    return Untraceable(unit(conv), nn.Sequential(conv, nn.ReLU()))


def shared_norm():
    norm = nn.BatchNorm2d(4)
    return Untraceable(unit(norm=norm), unit(norm=norm))


def shared_unit():
    same = unit()
    return Untraceable(nn.Sequential(same, nn.ReLU()), Untraceable(same), Untraceable(same))


def norm_first():
    return Untraceable(nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))


def depthwise():
    return Untraceable(nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.BatchNorm2d(6), nn.SiLU()))


def synchronised():
    return Untraceable(*(unit(norm=nn.SyncBatchNorm(4)) for _ in range(2)))


def one_process():
    """As mmengine's runner leaves it."""
    return revert_sync_batchnorm(synchronised())


@pytest.mark.parametrize(
    ('make', 'count'),
    [
        (shared_convolution, 0),
        (bare_convolution, 0),
        (shared_norm, 0),
        (shared_unit, 0),
        (FromOutside, 0),
        (norm_first, 1),
        (depthwise, 1),
        (synchronised, 2),
        (one_process, 2),
    ],
)
def test_only_what_belongs_to_one_norm_is_folded(make, count):
    model = with_statistics(make())
    images = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        expected = model(images)
        folded = FoldedView().of(model, [model])
        assert (folded is model) == (count == 0)
        torch.testing.assert_close(folded(images), expected)
        assert torch.equal(model(images), expected)
        assert fold_norms(model) == count
        torch.testing.assert_close(model(images), expected)


def test_models_in_training_are_refused(tiny_config):
    with pytest.raises(ValueError, match='evaluation'):
        fold_norms(MODELS.build(load_config(tiny_config).model).train())
