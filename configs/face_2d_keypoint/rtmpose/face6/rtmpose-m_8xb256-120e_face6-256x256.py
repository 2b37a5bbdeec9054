"""RTMPose-m on six sets of faces at once: LaPa's 106 points, 256x256 crops, vectors of 512 bins for x and y.

    python tools/train.py configs/face_2d_keypoint/rtmpose/face6/rtmpose-m_8xb256-120e_face6-256x256.py

Meant for 8 GPUs with 256 faces each; as in MMPose the learning rate is for 512 in all (--auto-scale-lr lets it follow).
MMPose published for this recipe an NME of 1.44 on LaPa's test set, in percent of the distance between the outer eye
corners. COFW's eyes are trained as other points, as in MMPose; the config with `cofw-eyes` in its name has them right.
"""

_base_ = [
    '../../../_base_/default_runtime.py',
    '../../../_base_/models/rtmpose_m.py',
    '../../../_base_/schedules/adamw_60e.py',
    '../../../_base_/pipelines/simcc_256x256.py',
    '../../../_base_/loaders/face6.py',
]

# data; each point counts by LaPa's weight of it
train_pipeline = [
    dict(type='LoadImage', backend_args=dict(backend='local')),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform', scale_factor=[0.5, 1.5], rotate_factor=80),
    dict(type='TopdownAffine', input_size=_base_.codec['input_size']),
    dict(type='mmdet.YOLOXHSVRandomAug'),
    dict(
        type='Albumentation',
        transforms=[
            dict(type='Blur', p=0.2),
            dict(type='MedianBlur', p=0.2),
            _base_.train_pipeline[6]['transforms'][2],  # CoarseDropout
        ],
    ),
    dict(type='GenerateTarget', encoder=_base_.codec, use_dataset_keypoint_weights=True),
    dict(type='PackPoseInputs'),
]
train_pipeline_stage2 = [
    dict(type='LoadImage', backend_args=dict(backend='local')),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform', shift_factor=0.0, scale_factor=[0.5, 1.5], rotate_factor=80),
    dict(type='TopdownAffine', input_size=_base_.codec['input_size']),
    dict(type='mmdet.YOLOXHSVRandomAug'),
    _base_.train_pipeline_stage2[6],  # Albumentation
    dict(type='GenerateTarget', encoder=_base_.codec, use_dataset_keypoint_weights=True),
    dict(type='PackPoseInputs'),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))
test_dataloader = dict(dataset=dict(pipeline=_base_.val_pipeline))

# schedule: twice as long; the learning rate falls to a two-hundredth of its value from epoch 30 on
max_epochs = 120
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
optim_wrapper = dict(clip_grad=dict(max_norm=35, norm_type=2))
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], eta_min=_base_.base_lr * 0.005, end=max_epochs, T_max=90),
]
default_hooks = dict(checkpoint=dict(save_best='NME', rule='less', max_keep_ckpts=1, interval=1))
custom_hooks = [
    dict(
        type='EMAHook',
        ema_type='ExpMomentumEMA',
        momentum=0.0002,
        update_buffers=True,
        priority=49,
    ),
    dict(
        type='mmdet.PipelineSwitchHook',
        switch_epoch=max_epochs - _base_.stage2_num_epochs,
        switch_pipeline=train_pipeline_stage2,
    ),
]

# model; the backbone starts from ImageNet's weights
model = dict(
    backbone=dict(
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmdetection/v3.0/rtmdet/'
            'cspnext_rsb_pretrain/cspnext-m_8xb256-rsb-a1-600e_in1k-ecb3bbd9.pth',
        ),
    ),
    head=dict(out_channels=106, decoder=_base_.codec),
)
