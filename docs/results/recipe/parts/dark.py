"""DARK in place of UDP, with the shift of the mirrored heatmaps that is exact for a stride of four."""

_base_ = ['./exact_crops.py']

codec = dict(
    type='MSRAHeatmap',
    input_size=(128, 128),
    heatmap_size=(32, 32),
    sigma=2,
    unbiased=True,
    guarded=True,
)
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
train_pipeline = [
    *_base_.train_pipeline[:4],
    val_pipeline[2],
    dict(type='GenerateTarget', encoder=codec),
    val_pipeline[3],
]
model = dict(head=dict(decoder=codec), test_cfg=dict(shift_heatmap=0.75))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
