"""The project's own recipe for heatmaps, under names that a config puts in place of those of MMPose's recipe:

    codec, train_pipeline = _base_.best_codec, _base_.best_train_pipeline
    optim_wrapper = dict(_delete_=True, **_base_.best_optim_wrapper)
    param_scheduler = _base_.best_param_scheduler
    model = dict(head=dict(decoder=codec), test_cfg=_base_.best_test_cfg)
    train_dataloader = dict(dataset=dict(pipeline=train_pipeline))

It is DARK's targets and decoder with bounded steps, moderate changes of the crop, Muon for kernels and AdamW for the rest,
and a rate that falls as a cosine. docs/results.md has what was measured, at 64x64 and 128x128.
"""

best_codec = dict(
    type='MSRAHeatmap',
    input_size=(256, 256),
    heatmap_size=(64, 64),
    sigma=2,
    unbiased=True,
    guarded=True,
)
# A mirrored map is 1 - 1/stride of a cell off. MMPose moves it by a whole one, so that points are half a pixel of the input
# too far to the right.
best_test_cfg = dict(flip_test=True, flip_mode='heatmap', shift_heatmap=0.75)
best_train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', shift_prob=0, rotate_factor=40, scale_factor=(0.85, 1.15)),
    dict(type='TopdownAffine', input_size=best_codec['input_size']),
    dict(type='GenerateTarget', encoder=best_codec),
    dict(type='PackPoseInputs'),
]

# AdamW's rate is a fifth of Muon's. Norms and biases do not decay.
best_optim_wrapper = dict(
    optimizer=dict(type='Muon', lr=0.02, adamw_share=0.2, weight_decay=0.02),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0),
)
# Shares of the run, however many iterations it has.
best_param_scheduler = [
    dict(type='LinearLR', begin=0, end=0.05, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0.05, eta_min_ratio=0.005, by_epoch=False),
]
