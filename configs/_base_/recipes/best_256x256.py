"""The project's own recipe for heatmaps, under names that a config puts in place of those of MMPose's recipe:

    codec = _base_.best_codec
    train_pipeline, val_pipeline = _base_.best_train_pipeline, _base_.best_val_pipeline
    optim_wrapper = dict(_delete_=True, **_base_.best_optim_wrapper)
    param_scheduler = _base_.best_param_scheduler
    model = dict(head=dict(decoder=dict(_delete_=True, **codec)), test_cfg=_base_.best_test_cfg)
    train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
    val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
    test_dataloader = val_dataloader

It is UDP's crops, heatmaps and decoder, moderate changes of the crop, shifts of up to a tenth among them, Muon for kernels and
AdamW for the rest, and a rate that falls as a cosine. docs/results.md has what was measured, at 64x64 and 128x128.
"""

_base_ = ['../schedules/muon_cosine.py']

best_codec = dict(type='UDPHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=2)
# UDP's cells are where their mirror images are: no shift.
best_test_cfg = dict(flip_test=True, flip_mode='heatmap', shift_heatmap=False)
best_train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(
        type='RandomBBoxTransform',
        shift_prob=1,
        shift_factor=0.1,
        rotate_factor=40,
        scale_factor=(0.85, 1.15),
    ),
    dict(type='TopdownAffine', input_size=best_codec['input_size'], use_udp=True),
    dict(type='GenerateTarget', encoder=best_codec),
    dict(type='PackPoseInputs'),
]
best_val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=best_codec['input_size'], use_udp=True),
    dict(type='PackPoseInputs'),
]
