"""The sieve's base: MMPose's recipe at 64x64, three epochs of 32 faces, steps at 5/8 and 7/8 of the run."""

_base_ = [
    '../../../configs/face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
]

data_root = '../shared/realface/'
input_size = (64, 64)
model = dict(backbone=dict(init_cfg=None))
train_cfg = dict(max_epochs=3, val_interval=3)
default_hooks = dict(checkpoint=dict(save_best=None, interval=3), logger=dict(interval=20))
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=19, start_factor=0.01, by_epoch=False),
    dict(type='MultiStepLR', begin=0, milestones=[161, 226], gamma=0.1, by_epoch=False),
]
auto_scale_lr = dict(base_batch_size=32)
train_dataloader = dict(batch_size=32, num_workers=1, dataset=dict(data_root=data_root))
val_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
