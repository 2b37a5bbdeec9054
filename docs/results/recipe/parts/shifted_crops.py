"""Crops that are moved by up to a tenth of their side, too."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

train_pipeline = [
    dict(step, shift_prob=1, shift_factor=0.1) if step.type == 'RandomBBoxTransform' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
