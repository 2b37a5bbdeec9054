"""Folded norms: the same function, in evaluation only."""

import pytest
import torch
from torch import nn

from mmpose_lite.apis import load_config
from mmpose_lite.models.utils.fold_norms import fold_norms
from mmpose_lite.registry import MODELS


def with_statistics(model):
    """Give every norm weights and running statistics that are not those of the start."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
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


def test_models_in_training_are_refused(tiny_config):
    with pytest.raises(ValueError, match='evaluation'):
        fold_norms(MODELS.build(load_config(tiny_config).model).train())
