"""HRNetV2-W18 at 128x128 on a set in AFLW's form, from random weights, by the project's own recipe.

    python tools/train.py configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py --cfg-options data_root=MY/SET/

Batches of 16 faces. The config that it varies is the yardstick; docs/results.md has what was measured.
"""

_base_ = ['./hrnetv2-w18_mmpose_aflw19-128x128_8e.py', '../_base_/recipes/best_256x256.py']

# The annotations of P1_Facial_Keypoints, on which this was measured, count pixels from 1; --cfg-options first_pixel=0 for a
# set that counts from 0.
first_pixel = 1
codec = _base_.best_codec
train_pipeline, val_pipeline = _base_.best_train_pipeline, _base_.best_val_pipeline
optim_wrapper = dict(_delete_=True, **_base_.best_optim_wrapper)
param_scheduler = _base_.best_param_scheduler
auto_scale_lr = dict(base_batch_size=16)
model = dict(head=dict(decoder=dict(_delete_=True, **codec)), test_cfg=_base_.best_test_cfg)
train_dataloader = dict(
    batch_size=16, dataset=dict(first_pixel=first_pixel, pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(first_pixel=first_pixel, pipeline=val_pipeline))
test_dataloader = val_dataloader
