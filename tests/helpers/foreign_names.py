"""Our own weights under the names that other packages give them.

Written without a look at the table of renames: name by name, as the others' files have them.
"""

import re

import torch


def to_mmpose0(state):
    """HRNetV2 of MMPose 0.x: the head's convolutions and its last one are one sequence."""
    renamed = {}
    for name, tensor in state.items():
        name = re.sub('^head', 'keypoint_head', name)
        name = name.replace('head.final_layer.', 'head.final_layer.3.')
        renamed[name.replace('head.conv_layers.', 'head.final_layer.')] = tensor
    return renamed


def to_hrnet_face(state):
    """HRNet-Facial-Landmark-Detection: convolution, norm, ReLU, convolution are ``head.0`` to 3."""
    names = {
        'head.conv_layers.0.': 'head.0.',
        'head.conv_layers.1.': 'head.1.',
        'head.final_layer.': 'head.3.',
        'backbone.': '',
    }
    renamed = {}
    for name, tensor in state.items():
        start = next(start for start in names if name.startswith(start))
        renamed[names[start] + name.removeprefix(start)] = tensor
    return renamed


def to_imagenet(state):
    """The original classifiers of ImageNet, msra/hrnetv2_w18 and timm's ``hrnet_w18``."""
    own = {k.removeprefix('backbone.'): v for k, v in state.items() if k.startswith('backbone.')}
    for part in ('incre_modules.0.0.conv1', 'downsamp_modules.0.0', 'final_layer.0', 'classifier'):
        own[f'{part}.weight'] = torch.ones(2, 3)
    for part in ('incre_modules.0.0.bn1', 'downsamp_modules.0.1', 'final_layer.1'):
        for kind in ('weight', 'bias', 'running_mean', 'running_var'):
            own[f'{part}.{kind}'] = torch.ones(2)
    own['classifier.bias'] = torch.ones(2)
    return own


def to_timm_features(state):
    """timm's ``features_only=True``: with ``incre_modules`` alone."""
    own = to_imagenet(state)
    dropped = ('downsamp_modules', 'final_layer', 'classifier')
    return {name: tensor for name, tensor in own.items() if not name.startswith(dropped)}


def to_timm_branches(state):
    """timm's ``features_only=True, feature_location=''``."""
    own = to_timm_features(state)
    return {name: tensor for name, tensor in own.items() if not name.startswith('incre_modules')}


WHOLE = {'mmpose0': to_mmpose0, 'mmpose1': dict, 'hrnet-face': to_hrnet_face}
BACKBONES = {
    'hrnet-imagenet': to_imagenet,
    'timm': to_timm_features,
    'timm-branches': to_timm_branches,
}
