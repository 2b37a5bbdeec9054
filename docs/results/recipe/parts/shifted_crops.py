"""Crops that are moved by up to a tenth of their side, as the recipe has had them since these runs."""

_base_ = ['./exact_crops.py']

train_pipeline = [
    dict(step, shift_prob=1, shift_factor=0.1) if step.type == 'RandomBBoxTransform' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
