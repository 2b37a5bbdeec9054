"""Hourglass, MobileNetV2, SCNet and CSPNeXt against the whole tables of MMPose 1.3.2."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from helpers.golden import table
from helpers.seeding import seed_weights, wavy_image
from mmpose_lite.registry import MODELS

FACTS = table('zoo/backbones.json.gz')
SETTINGS = table('zoo/settings.json')['backbones']
MODELS_OF_CONFIGS = table('zoo/configs.json.gz')


def as_tuples(value):
    """Lists of a JSON file, which are tuples in configs."""
    return tuple(map(as_tuples, value)) if isinstance(value, list) else value


@pytest.mark.parametrize('name', FACTS)
def test_names_and_what_is_frozen(name):
    """Values are compared in the other test: the images of these stand in no table."""
    with torch.device('meta'):
        model = MODELS.build({key: as_tuples(value) for key, value in SETTINGS[name].items()})
    wanted = FACTS[name]
    state = [[key, list(each.shape)] for key, each in model.state_dict().items()]
    assert sorted(state) == sorted(wanted['state'])
    model.train()
    still = [key for key, each in model.named_parameters() if not each.requires_grad]
    assert sorted(still) == sorted(wanted['frozen'])
    norms = [each for each in model.modules() if isinstance(each, _BatchNorm)]
    assert sum(not norm.training for norm in norms) == wanted['norms_in_eval']
    with torch.device('meta'):
        outputs = model.eval()(torch.empty(1, 3, 128, 128))
    assert [list(maps.shape) for maps in outputs] == wanted['shapes']


class Model(nn.Module):
    """A backbone under the name that it has in a model, by which its weights are drawn."""

    def __init__(self, config):
        super().__init__()
        self.backbone = MODELS.build({**config, 'init_cfg': None})


@pytest.mark.parametrize('name', ['mobilenetv2', 'scnet50', 'rtmpose_t_face6', 'rtmpose_m_wflw'])
def test_last_maps_of_face_models(name):
    config = MODELS_OF_CONFIGS[name]['model']
    model = Model({key: as_tuples(value) for key, value in config['backbone'].items()}).eval()
    seed_weights(model)
    settings = config['data_preprocessor']
    mean, std = (torch.tensor(settings[key]).view(3, 1, 1) for key in ('mean', 'std'))
    images = np.stack([wavy_image(seed, 256, 256)[..., ::-1].transpose(2, 0, 1) for seed in (0, 1)])
    inputs = (torch.from_numpy(images.copy()).float() - mean) / std
    with torch.no_grad():
        found = model.backbone(inputs)[-1][:, ::8].numpy()
    wanted = table(f'zoo/model_{name}.npz')['feat']
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
