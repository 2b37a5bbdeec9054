"""The recipe with heatmaps of randomised rounding (H3R) in place of UDP's Gaussians."""

_base_ = ['../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

codec = dict(
    _delete_=True,
    type='RandomRoundingHeatmap',
    input_size=(128, 128),
    heatmap_size=(32, 32),
    decoding='local',
)
_steps = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
train_pipeline = [
    *_steps[:2],
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0, rotate_factor=40, scale_factor=(0.85, 1.15)),
    _steps[2],
    dict(type='GenerateTarget', encoder=codec),
    _steps[3],
]
model = dict(
    head=dict(
        decoder=codec, loss=dict(_delete_=True, type='BinaryHeatmapLoss', use_target_weight=True)
    ),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=0.75),
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_steps))
test_dataloader = val_dataloader
