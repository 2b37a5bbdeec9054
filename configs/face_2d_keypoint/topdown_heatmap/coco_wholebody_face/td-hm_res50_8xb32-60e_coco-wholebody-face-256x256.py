"""ResNet-50 with three deconvolutions on the faces of COCO-WholeBody: 68 points, 256x256 crops.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/coco_wholebody_face/td-hm_res50_8xb32-60e_coco-wholebody-face-256x256.py

Meant for 8 GPUs with 32 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
MMPose published for this recipe an NME of 5.82, in percent of the distance between the outer eye corners.
"""

_base_ = [
    '../../../_base_/default_runtime.py',
    '../../../_base_/models/resnet50.py',
    '../../../_base_/schedules/adam_60e.py',
    '../../../_base_/pipelines/heatmap_256x256.py',
    '../../../_base_/loaders/faces.py',
]

# schedule
train_cfg = dict(max_epochs=60, val_interval=1)
param_scheduler = [_base_.param_scheduler[0], dict(_base_.param_scheduler[1], end=210)]
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(checkpoint=dict(save_best='NME', rule='less', interval=1))

# model
model = dict(
    head=dict(
        type='HeatmapHead',
        in_channels=2048,
        out_channels=68,
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=_base_.codec,
    ),
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True),
)

# data; unlike elsewhere boxes are also shifted
train_pipeline = list(_base_.train_pipeline)
train_pipeline[3] = dict(type='RandomBBoxTransform', rotate_factor=60, scale_factor=(0.75, 1.25))
dataset_type = 'CocoWholeBodyFaceDataset'
data_root = 'data/coco/'

train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/coco_wholebody_train_v1.0.json',
        data_prefix=dict(img='train2017/'),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/coco_wholebody_val_v1.0.json',
        data_prefix=dict(img='val2017/'),
        pipeline=_base_.val_pipeline,
    ),
)
test_dataloader = val_dataloader
