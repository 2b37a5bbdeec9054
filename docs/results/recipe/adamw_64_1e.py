"""The same for one epoch, with Gaussians of sigma 1."""

_base_ = ['./adamw_64.py']

codec = dict(_base_.codec, sigma=1)
model = dict(head=dict(decoder=codec))
train_pipeline = [
    dict(step, encoder=codec) if step.type == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
train_cfg = dict(max_epochs=1, val_interval=1)
default_hooks = dict(checkpoint=dict(interval=1))
