"""SCNet-50 with three deconvolutions on the faces of COCO-WholeBody.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/coco_wholebody_face/td-hm_scnet50_8xb32-60e_coco-wholebody-face-256x256.py

Meant for 8 GPUs with 32 faces each, like the config that it varies.
MMPose published for this recipe an NME of 5.67, in percent of the distance between the outer eye corners.
"""

_base_ = ['./td-hm_res50_8xb32-60e_coco-wholebody-face-256x256.py']

model = dict(
    backbone=dict(
        type='SCNet',
        init_cfg=dict(
            checkpoint='https://download.openmmlab.com/mmpose/pretrain_models/scnet50-7ef0a199.pth'
        ),
    ),
)
