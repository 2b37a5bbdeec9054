"""The AFLW recipe made small: 128x128 crops of rendered faces, from scratch, in minutes on a CPU.

    make quickstart

It trains on the data that the quick start writes to data/synthetic_aflw; its numbers say that the parts work together
and nothing about real photographs.
"""

_base_ = ['../face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py']

# schedule
train_cfg = dict(max_epochs=6, val_interval=3)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=50, start_factor=0.01, by_epoch=False),
    dict(
        type='CosineAnnealingLR',
        begin=0,
        end=6,
        T_max=6,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(logger=dict(interval=5), checkpoint=dict(max_keep_ckpts=1))

# model: codec, crops and heatmaps follow from this size
input_size = (128, 128)
model = dict(backbone=dict(init_cfg=None))

# data
data_root = 'data/synthetic_aflw/'
train_dataloader = dict(batch_size=16, dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
