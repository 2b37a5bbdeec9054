"""HRNetV2-W18 on 300W by the project's own recipe: UDP, shifted crops, Muon, a cosine.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/300w/td-hm_hrnetv2-w18_best-8xb64-60e_300w-256x256.py

Meant for 8 GPUs with 64 faces each, like the config that it varies. Nobody has run it, so it claims no number; the recipe
was measured on small crops of other faces, see docs/results.md.
"""

_base_ = [
    './td-hm_hrnetv2-w18_8xb64-60e_300w-256x256.py',
    '../../../_base_/recipes/best_256x256.py',
]

codec = _base_.best_codec
train_pipeline, val_pipeline = _base_.best_train_pipeline, _base_.best_val_pipeline
optim_wrapper = dict(_delete_=True, **_base_.best_optim_wrapper)
param_scheduler = _base_.best_param_scheduler
model = dict(head=dict(decoder=dict(_delete_=True, **codec)), test_cfg=_base_.best_test_cfg)
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
test_dataloader = val_dataloader
