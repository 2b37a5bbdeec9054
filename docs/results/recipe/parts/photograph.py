"""Crops with other colours, blur, noise, JPEG and objects in front of the face."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

train_pipeline = [
    *_base_.train_pipeline[:-2],
    dict(type='PhotometricDistortion'),
    dict(type='RandomPhotograph'),
    *_base_.train_pipeline[-2:],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
