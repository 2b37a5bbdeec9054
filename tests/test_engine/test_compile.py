"""Compiling the network, by a backend that needs no compiler of C++."""

import pytest
import torch
from torch import nn

from mmpose_lite.engine.base_runner import compile_network, compile_settings
from mmpose_lite.errors import InputError


@pytest.mark.parametrize(
    ('choice', 'settings'),
    [
        (None, None),
        (False, None),
        (True, {}),
        ('max-autotune', {'mode': 'max-autotune'}),
        ({'backend': 'eager'}, {'backend': 'eager'}),
    ],
)
def test_forms_of_the_key(choice, settings):
    assert compile_settings(choice) == settings


def test_another_form_is_named():
    with pytest.raises(InputError, match='compile=3 is not one of'):
        compile_settings(3)


class Head(nn.Conv2d):
    def loss(self, feats):
        return self.forward(feats).mean()


# Dynamo looks at the gradients of what is no leaf.
@pytest.mark.filterwarnings('ignore:The .grad attribute of a Tensor')
def test_parts_are_compiled_in_place_also_where_forward_is_called_by_name():
    torch.manual_seed(0)
    model = nn.Module()
    model.backbone, model.head = nn.Conv2d(3, 4, 1), Head(4, 2, 1)
    x = torch.rand(2, 3, 5, 5)
    names, expected = list(model.state_dict()), model.head.loss(model.backbone(x))

    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    assert compile_network(model, {'backend': backend}) == ['backbone', 'head']
    loss = model.head.loss(model.backbone(x))
    loss.backward()
    assert len(graphs) == 2
    assert list(model.state_dict()) == names
    torch.testing.assert_close(loss, expected)
    assert model.backbone.weight.grad.any()
