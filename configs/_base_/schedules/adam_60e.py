"""Sixty epochs of Adam: 500 steps of warm-up, then a tenth of the rate after epochs 40 and 55."""

train_cfg = dict(max_epochs=60, val_interval=1)

optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-3))

param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=60, milestones=[40, 55], gamma=0.1, by_epoch=True),
]

# The rate above is meant for 8 GPUs with 64 faces each.
auto_scale_lr = dict(base_batch_size=512)
