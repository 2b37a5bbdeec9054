"""HRNetV2-W18 at 128x128 on a set in AFLW's form, from random weights, by MMPose's recipe: the yardstick.

    python tools/train.py configs/recipes/hrnetv2-w18_mmpose_aflw19-128x128_8e.py --cfg-options data_root=MY/SET/

Rounded Gaussians of sigma 2, Adam with two steps, rotations to 60 degrees and scales from 0.75 to 1.25, over 8 epochs in
batches of 32. The rate of 1e-3 is small for so few steps; hrnetv2-w18_mmpose-tuned_aflw19-128x128_8e.py has a larger one.
"""

_base_ = ['../face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py']

# schedule
train_cfg = dict(max_epochs=8, val_interval=8)
default_hooks = dict(checkpoint=dict(interval=8, save_best=None))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=8, milestones=[5, 7], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=32)

# model: codec, crops and heatmaps follow from this size
input_size = (128, 128)
model = dict(backbone=dict(init_cfg=None))

# The pixel that annotations count from: --cfg-options first_pixel=1 for those of P1_Facial_Keypoints.
first_pixel = 0
train_dataloader = dict(batch_size=32, dataset=dict(first_pixel=first_pixel))
val_dataloader = dict(dataset=dict(first_pixel=first_pixel))
test_dataloader = val_dataloader
