"""Randomised rounding (H3R) in place of UDP's Gaussians, decoded by a local soft-argmax."""

_base_ = ['./dark.py']

_h3r = dict(
    type='RandomRoundingHeatmap', input_size=(128, 128), heatmap_size=(32, 32), decoding='local'
)
codec = dict(_delete_=True, **_h3r)
train_pipeline = [
    dict(step, encoder=_h3r) if step.type == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
model = dict(
    head=dict(
        decoder=codec,
        loss=dict(_delete_=True, type='BinaryHeatmapLoss', use_target_weight=True),
    )
)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
