"""Crops with other colours, blur, noise, JPEG and objects in front of the face."""

_base_ = ['./exact_crops.py']

train_pipeline = [
    *_base_.train_pipeline[:-2],
    dict(type='PhotometricDistortion'),
    dict(type='RandomPhotograph'),
    *_base_.train_pipeline[-2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
