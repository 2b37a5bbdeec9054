"""small_set.py with crops that are shifted by up to a tenth of their side."""

_base_ = ['small_set.py']

_crops = dict(
    type='RandomBBoxTransform',
    shift_prob=1,
    shift_factor=0.1,
    rotate_factor=30,
    scale_factor=(0.85, 1.15),
)
train_pipeline = [
    _crops if step.type == 'RandomBBoxTransform' else step for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
