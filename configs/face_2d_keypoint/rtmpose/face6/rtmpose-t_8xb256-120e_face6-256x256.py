"""RTMPose-t on six sets of faces at once, with milder crops in the last epochs and no average of weights.

    python tools/train.py configs/face_2d_keypoint/rtmpose/face6/rtmpose-t_8xb256-120e_face6-256x256.py

Meant for 8 GPUs with 256 faces each, like the config that it varies.
MMPose published for this recipe an NME of 1.67 on LaPa's test set, in percent of the distance between the outer eye corners.
"""

_base_ = ['./rtmpose-m_8xb256-120e_face6-256x256.py']

model = dict(
    backbone=dict(
        deepen_factor=0.167,
        widen_factor=0.375,
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmdetection/v3.0/rtmdet/'
            'cspnext_rsb_pretrain/cspnext-tiny_imagenet_600e-3a2dd350.pth',
        ),
    ),
    head=dict(in_channels=384),
)
optim_wrapper = dict(optimizer=dict(weight_decay=0.0))
train_pipeline_stage2 = list(_base_.train_pipeline_stage2)
# RandomBBoxTransform
train_pipeline_stage2[4] = dict(
    train_pipeline_stage2[4], scale_factor=[0.75, 1.25], rotate_factor=60
)
custom_hooks = [dict(_base_.custom_hooks[1], switch_pipeline=train_pipeline_stage2)]
