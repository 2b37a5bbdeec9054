"""HRNetV2-W18 on AFLW: 19 points, 256x256 crops, heatmaps with a Gaussian of sigma 2.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py

Meant for 8 GPUs with 64 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
MMPose published for this recipe an NME of 1.41 (full) and 1.27 (frontal), in percent of the box size.
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
model = dict(head=dict(out_channels=19, decoder=_base_.codec))

# data
dataset_type = 'AFLWDataset'
data_root = 'data/aflw/'

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_aflw_train.json',
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_aflw_test.json',
        # Faces of the test set that are also counted by themselves: those with all points visible.
        subsets=dict(frontal='annotations/face_landmarks_aflw_test_frontal.json'),
        pipeline=_base_.val_pipeline,
    ),
)
test_dataloader = val_dataloader

# evaluation
val_evaluator = dict(type='NME', norm_mode='use_norm_item', norm_item='bbox_size')
test_evaluator = val_evaluator
