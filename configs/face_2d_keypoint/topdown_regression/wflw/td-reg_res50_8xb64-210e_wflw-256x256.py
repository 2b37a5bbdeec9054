"""ResNet-50 on WFLW: the 98 points by regression from 256x256 crops.

    python tools/train.py configs/face_2d_keypoint/topdown_regression/wflw/td-reg_res50_8xb64-210e_wflw-256x256.py

Meant for 8 GPUs with 64 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
MMPose published for this recipe an NME of 4.88, in percent of the distance between the outer eye corners.
"""

_base_ = [
    '../../../_base_/default_runtime.py',
    '../../../_base_/models/resnet50.py',
    '../../../_base_/loaders/faces.py',
]

# schedule
train_cfg = dict(max_epochs=210, val_interval=10)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', begin=0, end=500, start_factor=0.001, by_epoch=False),
    dict(type='MultiStepLR', begin=0, end=210, milestones=[170, 200], gamma=0.1, by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=512)
default_hooks = dict(checkpoint=dict(save_best='NME', rule='less'))

# model
codec = dict(type='RegressionLabel', input_size=(256, 256))
model = dict(
    neck=dict(type='GlobalAveragePooling'),
    head=dict(
        type='RegressionHead',
        in_channels=2048,
        num_joints=98,
        loss=dict(type='SmoothL1Loss', use_target_weight=True),
        decoder=codec,
    ),
    train_cfg=dict(),
    test_cfg=dict(flip_test=True, shift_coords=True),
)

# data
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomBBoxTransform', scale_factor=[0.75, 1.25], rotate_factor=60),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PackPoseInputs'),
]
dataset_type = 'WFLWDataset'
data_root = 'data/wflw/'

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_wflw_train.json',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_wflw_test.json',
        subsets=dict(
            pose='annotations/face_landmarks_wflw_test_largepose.json',
            expression='annotations/face_landmarks_wflw_test_expression.json',
            illumination='annotations/face_landmarks_wflw_test_illumination.json',
            makeup='annotations/face_landmarks_wflw_test_makeup.json',
            occlusion='annotations/face_landmarks_wflw_test_occlusion.json',
            blur='annotations/face_landmarks_wflw_test_blur.json',
        ),
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader
