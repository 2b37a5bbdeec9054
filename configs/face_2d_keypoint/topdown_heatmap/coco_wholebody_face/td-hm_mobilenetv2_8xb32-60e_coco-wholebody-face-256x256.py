"""MobileNetV2 with three deconvolutions on the faces of COCO-WholeBody.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/coco_wholebody_face/td-hm_mobilenetv2_8xb32-60e_coco-wholebody-face-256x256.py

Meant for 8 GPUs with 32 faces each, like the config that it varies.
MMPose published for this recipe an NME of 6.11, in percent of the distance between the outer eye corners.
"""

_base_ = ['./td-hm_res50_8xb32-60e_coco-wholebody-face-256x256.py']

model = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        widen_factor=1.0,
        out_indices=(7,),
        init_cfg=dict(type='Pretrained', checkpoint='mmcls://mobilenet_v2'),
    ),
    head=dict(in_channels=1280),
)
