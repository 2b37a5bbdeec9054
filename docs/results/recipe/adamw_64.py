"""AdamW at 4e-3, a cosine, batches of 16 and bounded DARK in the sieve."""

_base_ = ['./sieve_64.py']

codec = dict(_base_.codec, unbiased=True, guarded=True)
model = dict(head=dict(decoder=codec))
train_pipeline = [
    dict(step, encoder=codec) if step.type == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(batch_size=16, dataset=dict(pipeline=train_pipeline))
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=4e-3, weight_decay=0.02),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0),
)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=0.05, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0.05, eta_min_ratio=0.005, by_epoch=False),
]
