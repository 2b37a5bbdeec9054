"""The recipe before its crops were shifted: what the other parts were compared with."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

_crops = dict(type='RandomBBoxTransform', shift_prob=0, rotate_factor=40, scale_factor=(0.85, 1.15))
train_pipeline = [
    _crops if step.type == 'RandomBBoxTransform' else step for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
