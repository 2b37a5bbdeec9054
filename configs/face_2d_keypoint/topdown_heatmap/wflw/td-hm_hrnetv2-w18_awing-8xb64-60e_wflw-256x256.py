"""HRNetV2-W18 on WFLW with the Adaptive Wing loss, which weighs the pixels of the peaks.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/wflw/td-hm_hrnetv2-w18_awing-8xb64-60e_wflw-256x256.py

Meant for 8 GPUs with 64 faces each, like the config that it varies.
MMPose published for this recipe an NME of 4.02 (pose 6.94, expression 4.28, illumination 3.97, make-up 3.87,
occlusion 4.78, blur 4.59), in percent of the distance between the outer eye corners.
"""

_base_ = ['./td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256.py']

model = dict(head=dict(loss=dict(type='AdaptiveWingLoss')))
