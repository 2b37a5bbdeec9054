"""Steps at five and seven eighths of two epochs of 2,725 faces in place of the cosine."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

param_scheduler = [
    _base_.param_scheduler[0],
    dict(type='MultiStepLR', begin=0, milestones=[214, 299], gamma=0.1, by_epoch=False),
]
