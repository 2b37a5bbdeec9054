"""Tiny models with seeded weights: one of each network of the zoo, and of each codec."""

import torch

from mmpose_lite.apis import init_model, load_config

from .seeding import seed_weights
from .tiny_recipe import shrink

FACE = 'configs/face_2d_keypoint'
AFLW = f'{FACE}/topdown_heatmap/aflw'
ZOO = {
    'hrnet': (f'{AFLW}/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py', {}),
    'dark': (f'{AFLW}/td-hm_hrnetv2-w18_dark-8xb64-60e_aflw-256x256.py', {}),
    'resnet': (
        f'{FACE}/topdown_heatmap/coco_wholebody_face/'
        'td-hm_res50_8xb32-60e_coco-wholebody-face-256x256.py',
        {},
    ),
    'hourglass': (
        f'{FACE}/topdown_heatmap/coco_wholebody_face/'
        'td-hm_hourglass52_8xb32-60e_coco-wholebody-face-256x256.py',
        {},
    ),
    'mobilenetv2': (
        f'{FACE}/topdown_heatmap/coco_wholebody_face/'
        'td-hm_mobilenetv2_8xb32-60e_coco-wholebody-face-256x256.py',
        {},
    ),
    'scnet': (
        f'{FACE}/topdown_heatmap/coco_wholebody_face/'
        'td-hm_scnet50_8xb32-60e_coco-wholebody-face-256x256.py',
        {},
    ),
    'regression': (f'{FACE}/topdown_regression/wflw/td-reg_res50_8xb64-210e_wflw-256x256.py', {}),
    'rtmpose': (f'{FACE}/rtmpose/wflw/rtmpose-m_8xb64-60e_wflw-256x256.py', {}),
    'udp': (
        f'{AFLW}/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py',
        {'type': 'UDPHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 2},
    ),
}


def make_model(name, tmp_path):
    """A tiny network with seeded weights, on the CPU."""
    config, codec = ZOO[name]
    cfg = shrink(load_config(config), tmp_path, tmp_path)
    if codec:
        cfg.model.head.decoder = codec
        for step in cfg.test_dataloader.dataset.pipeline:
            if step['type'] == 'TopdownAffine':
                step['use_udp'] = True
    model = init_model(cfg, device='cpu')
    seed_weights(model)
    return model.eval()


def random_crops(model, count, seed=0):
    """Crops ``(count, H, W, 3)`` uint8 of a model's input size."""
    width, height = model.head.decoder.input_size
    generator = torch.Generator().manual_seed(seed)
    shape = (count, height, width, 3)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
