"""RTMPose-m on WFLW: 98 points, 256x256 crops, a vector of 512 bins for x and one for y.

    python tools/train.py configs/face_2d_keypoint/rtmpose/wflw/rtmpose-m_8xb64-60e_wflw-256x256.py

Meant for 8 GPUs with 64 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
MMPose published for this recipe an NME of 4.01, in percent of the distance between the outer eye corners.
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
model = dict(head=dict(out_channels=98, decoder=_base_.codec))

# data
dataset_type = 'WFLWDataset'
data_root = 'data/wflw/'

train_dataloader = dict(
    num_workers=10,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_wflw_train.json',
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=10,
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
        pipeline=_base_.val_pipeline,
    ),
)
test_dataloader = val_dataloader
