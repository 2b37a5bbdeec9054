"""RTMPose-m on LaPa: 106 points, 256x256 crops, a vector of 512 bins for x and one for y.

    python tools/train.py configs/face_2d_keypoint/rtmpose/lapa/rtmpose-m_8xb64-120e_lapa-256x256.py

Meant for 8 GPUs with 64 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
As in MMPose the loader takes 32 faces at a time, whatever the name says.
MMPose published for this recipe an NME of 1.29, in percent of the distance between the outer eye corners.
"""

_base_ = [
    '../../../_base_/default_runtime.py',
    '../../../_base_/models/rtmpose_m.py',
    '../../../_base_/schedules/adamw_60e.py',
    '../../../_base_/pipelines/simcc_256x256.py',
    '../../../_base_/loaders/faces.py',
]

# schedule: twice as long
max_epochs = 120
train_cfg = dict(max_epochs=max_epochs, val_interval=1)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], begin=60, end=max_epochs, T_max=60),
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
        switch_pipeline=_base_.train_pipeline_stage2,
    ),
]

# model
model = dict(head=dict(out_channels=106, decoder=_base_.codec))

# data; before the last epochs crops vary more than those of the other sets
train_pipeline = [
    *_base_.train_pipeline[:3],  # LoadImage, GetBBoxCenterScale, RandomFlip
    dict(type='RandomHalfBody'),
    dict(type='RandomBBoxTransform', scale_factor=[0.5, 1.5], rotate_factor=80),
    dict(type='TopdownAffine', input_size=_base_.codec['input_size']),
    dict(type='mmdet.YOLOXHSVRandomAug'),
    dict(type='PhotometricDistortion'),
    dict(
        type='Albumentation',
        transforms=[
            dict(type='Blur', p=0.2),
            dict(type='MedianBlur', p=0.2),
            _base_.train_pipeline[6]['transforms'][2],  # CoarseDropout
        ],
    ),
    *_base_.train_pipeline[7:],  # GenerateTarget, PackPoseInputs
]
dataset_type = 'LapaDataset'
data_root = 'data/LaPa/'

train_dataloader = dict(
    batch_size=32,
    num_workers=10,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/lapa_train.json',
        data_prefix=dict(img=''),
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=10,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/lapa_val.json',
        data_prefix=dict(img=''),
        pipeline=_base_.val_pipeline,
    ),
)
test_dataloader = dict(
    num_workers=10,
    dataset=dict(val_dataloader['dataset'], ann_file='annotations/lapa_test.json'),
)
