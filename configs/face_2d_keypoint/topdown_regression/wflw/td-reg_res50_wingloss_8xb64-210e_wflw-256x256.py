"""ResNet-50 on WFLW by regression with the Wing loss, which weighs small errors.

    python tools/train.py configs/face_2d_keypoint/topdown_regression/wflw/td-reg_res50_wingloss_8xb64-210e_wflw-256x256.py

Meant for 8 GPUs with 64 faces each, like the config that it varies.
MMPose published for this recipe an NME of 4.67, in percent of the distance between the outer eye corners.
"""

_base_ = ['./td-reg_res50_8xb64-210e_wflw-256x256.py']

model = dict(head=dict(loss=dict(type='WingLoss')))
