"""One hourglass of 52 layers on the faces of COCO-WholeBody.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/coco_wholebody_face/td-hm_hourglass52_8xb32-60e_coco-wholebody-face-256x256.py

Meant for 8 GPUs with 32 faces each, like the config that it varies.
MMPose published for this recipe an NME of 5.87, in percent of the distance between the outer eye corners.
"""

_base_ = ['./td-hm_res50_8xb32-60e_coco-wholebody-face-256x256.py']

model = dict(
    backbone=dict(_delete_=True, type='HourglassNet', num_stacks=1),
    head=dict(type='CPMHead', in_channels=256, num_stages=1, deconv_out_channels=None),
)
