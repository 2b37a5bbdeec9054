"""The AFLW model on seeded weights and images, run once for all tests that look at it."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from helpers.golden import facts
from helpers.seeding import seed_weights, wavy_image
from mmpose_lite.apis import load_config
from mmpose_lite.codecs import MSRAHeatmap
from mmpose_lite.registry import MODELS
from mmpose_lite.structures import PoseDataSample, parse_pose_metainfo

CONFIG = 'configs/face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
METAINFO = {'from_file': 'configs/_base_/datasets/aflw.py'}


def seeded_sample(points, side=256):
    """A sample of a crop of side 410 about (300, 210), with targets for points of 256x256."""
    codec = MSRAHeatmap((side, side), heatmap_size=(side // 4, side // 4), sigma=2)
    targets = codec.encode(np.array(points, dtype=np.float32)[None] * side / 256)
    sample = PoseDataSample(
        metainfo={
            'input_size': (side, side),
            'input_center': np.array([300.0, 210.0]),
            'input_scale': np.array([410.0, 410.0]),
            'flip_indices': parse_pose_metainfo(METAINFO)['flip_indices'],
        }
    )
    sample.gt_instances = InstanceData(bboxes=np.zeros((1, 4)), bbox_scores=np.ones(1))
    sample.gt_fields = PixelData(heatmaps=torch.from_numpy(targets['heatmaps']))
    sample.gt_instance_labels = InstanceData(
        keypoint_weights=torch.from_numpy(targets['keypoint_weights'])
    )
    return sample


@pytest.fixture(scope='session')
def aflw_model():
    cfg = load_config(CONFIG)
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(cfg.model)
    seed_weights(model)
    return model


def bgr_images(side=256):
    """Two images ``(3, side, side)``."""
    images = [wavy_image(seed, side, side) for seed in (0, 1)]
    return [torch.from_numpy(image.transpose(2, 0, 1).copy()) for image in images]


def normalised_images(side):
    """The same as the network sees them, in float64."""
    settings = load_config(CONFIG).model.data_preprocessor
    mean, std = (torch.tensor(settings[key], dtype=torch.float64) for key in ('mean', 'std'))
    rgb = torch.stack(bgr_images(side)).flip(1)
    return (rgb - mean[:, None, None]) / std[:, None, None]


@pytest.fixture(scope='session')
def aflw_batch(aflw_model):
    samples = [seeded_sample(points) for points in facts()['keypoints']]
    return aflw_model.data_preprocessor({'inputs': bgr_images(), 'data_samples': samples})


@pytest.fixture(scope='session')
def aflw_forward(aflw_model, aflw_batch):
    """Results of a test run of two images: feature maps, heatmaps and points."""
    model, inputs, samples = aflw_model.eval(), aflw_batch['inputs'], aflw_batch['data_samples']
    seen = []
    hook = model.backbone.register_forward_hook(lambda *args: seen.append(args[-1]))
    with torch.no_grad():
        with_flip = [sample.pred_instances for sample in model.predict(inputs, samples)]
        feats = [maps[: len(inputs)] for maps in seen[0]]
        joined = model.neck(feats)
        without = model.add_pred_to_datasample(model.head.predict(joined, samples), None, samples)
        heatmaps = model.head(joined)
    hook.remove()
    return SimpleNamespace(
        inputs=inputs.numpy(),
        features=[maps.numpy() for maps in feats],
        heatmaps=heatmaps.numpy(),
        pred_flip=np.concatenate([each.keypoints for each in with_flip]),
        scores_flip=np.concatenate([each.keypoint_scores for each in with_flip]),
        pred_no_flip=np.concatenate([each.pred_instances.keypoints for each in without]),
    )


@pytest.fixture(scope='session')
def aflw_first_loss(aflw_model, aflw_batch):
    """The loss before any step, in float32 as in training."""
    model = copy.deepcopy(aflw_model).train()
    return model.loss(aflw_batch['inputs'], aflw_batch['data_samples'])['loss_kpt'].item()


@pytest.fixture(scope='session')
def aflw_losses(aflw_model):
    """Losses and accuracies of three steps of Adam in float64, ``(3, 2)``.

    Adam's first steps are nearly the gradient's sign, so the last bit of a small gradient decides
    about a whole step. In float64 that bit is beyond what the losses show. Whatever a processor
    may still round otherwise is made exact: inputs are normalised here, targets have 12 bits.
    Crops of 128x128 do, in a quarter of the time.
    """
    model, rows = copy.deepcopy(aflw_model).double().train(), []
    samples = [seeded_sample(points, 128).to(torch.float64) for points in facts()['keypoints']]
    for sample in samples:
        sample.gt_fields.heatmaps = (sample.gt_fields.heatmaps * 4096).round() / 4096
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    for _ in range(3):
        losses = model.loss(normalised_images(128), samples)
        optimizer.zero_grad()
        losses['loss_kpt'].backward()
        optimizer.step()
        rows.append([losses['loss_kpt'].item(), losses['acc_pose'].item()])
    return np.array(rows)
