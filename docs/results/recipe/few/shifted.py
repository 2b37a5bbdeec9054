"""small_set.py with crops that are shifted by up to a tenth of their side."""

_base_ = ['./small_set.py']

train_pipeline = [
    dict(step, shift_prob=1, shift_factor=0.1) if step.type == 'RandomBBoxTransform' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
