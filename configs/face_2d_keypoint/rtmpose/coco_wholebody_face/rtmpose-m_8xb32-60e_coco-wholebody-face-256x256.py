"""RTMPose-m on the faces of COCO-WholeBody: 68 points, 256x256 crops, a vector of 512 bins for x and one for y.

    python tools/train.py configs/face_2d_keypoint/rtmpose/coco_wholebody_face/rtmpose-m_8xb32-60e_coco-wholebody-face-256x256.py

Meant for 8 GPUs with 32 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
MMPose published for this recipe an NME of 4.66, in percent of the distance between the outer eye corners.
"""

_base_ = [
    '../../../_base_/default_runtime.py',
    '../../../_base_/models/rtmpose_m.py',
    '../../../_base_/schedules/adamw_60e.py',
    '../../../_base_/pipelines/simcc_256x256.py',
    '../../../_base_/loaders/faces.py',
]

# schedule
train_cfg = dict(max_epochs=_base_.max_epochs, val_interval=1)
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
        switch_epoch=_base_.max_epochs - _base_.stage2_num_epochs,
        switch_pipeline=_base_.train_pipeline_stage2,
    ),
]

# model
model = dict(head=dict(out_channels=68, decoder=_base_.codec))

# data
dataset_type = 'CocoWholeBodyFaceDataset'
data_root = 'data/coco/'

train_dataloader = dict(
    batch_size=32,
    num_workers=10,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/coco_wholebody_train_v1.0.json',
        data_prefix=dict(img='train2017/'),
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=10,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/coco_wholebody_val_v1.0.json',
        data_prefix=dict(img='val2017/'),
        pipeline=_base_.val_pipeline,
    ),
)
test_dataloader = val_dataloader
