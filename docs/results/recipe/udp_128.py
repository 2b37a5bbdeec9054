"""The recipe of commit 2c8b416 (guarded DARK) with UDP, which was the recipe from 779fb98 until its crops were shifted."""

_base_ = ['configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']
codec = dict(type='UDPHeatmap', input_size=(128, 128), heatmap_size=(32, 32), sigma=2)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0, rotate_factor=40, scale_factor=(0.85, 1.15)),
    dict(type='TopdownAffine', input_size=codec['input_size'], use_udp=True),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size'], use_udp=True),
    dict(type='PackPoseInputs'),
]
model = dict(
    head=dict(decoder=dict(_delete_=True, **codec)),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=False),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
