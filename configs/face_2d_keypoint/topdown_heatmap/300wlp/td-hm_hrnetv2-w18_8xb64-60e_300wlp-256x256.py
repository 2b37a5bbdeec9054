"""HRNetV2-W18 on 300W-LP: 68 points, 256x256 crops, heatmaps with a Gaussian of sigma 1.5.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/300wlp/td-hm_hrnetv2-w18_8xb64-60e_300wlp-256x256.py

Meant for 8 GPUs with 64 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
As in MMPose the loader takes 2 faces at a time, whatever the name says.
MMPose published for this recipe an NME of 4.13, in percent of the distance between the outer eye corners.
"""

_base_ = [
    '../../../_base_/default_runtime.py',
    '../../../_base_/models/hrnetv2_w18.py',
    '../../../_base_/schedules/adam_60e.py',
    '../../../_base_/pipelines/heatmap_256x256.py',
    '../../../_base_/loaders/faces.py',
]

# schedule
train_cfg = dict(max_epochs=60, val_interval=1)
default_hooks = dict(checkpoint=dict(save_best='NME', rule='less', interval=1))

# model
codec = dict(_base_.codec, sigma=1.5)
model = dict(head=dict(out_channels=68, decoder=codec))

# data; a list from the base is replaced as a whole, so the new codec goes into a copy of it
train_pipeline = [
    dict(step, encoder=codec) if step.type == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
dataset_type = 'Face300WLPDataset'
data_root = 'data/300wlp/'

train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_300wlp_train.json',
        data_prefix=dict(img='train/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_300wlp_valid.json',
        data_prefix=dict(img='val/'),
        pipeline=_base_.val_pipeline,
    ),
)
test_dataloader = val_dataloader
