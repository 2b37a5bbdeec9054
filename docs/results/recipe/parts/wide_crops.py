"""MMPose's changes of the crop: rotations up to 60 degrees, scales from 0.75 to 1.25."""

_base_ = ['./exact_crops.py']

train_pipeline = [
    dict(step, rotate_factor=60, scale_factor=(0.75, 1.25))
    if step.type == 'RandomBBoxTransform'
    else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
