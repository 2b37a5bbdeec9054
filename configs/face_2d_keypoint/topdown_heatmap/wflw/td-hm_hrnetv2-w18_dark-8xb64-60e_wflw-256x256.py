"""HRNetV2-W18 on WFLW with DARK: unrounded targets, and a decoder that fits the peak below the cell.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/wflw/td-hm_hrnetv2-w18_dark-8xb64-60e_wflw-256x256.py

Meant for 8 GPUs with 64 faces each, like the config that it varies.
MMPose published for this recipe an NME of 3.98 (pose 6.98, expression 4.29, illumination 3.96, make-up 3.89,
occlusion 4.78, blur 4.56), in percent of the distance between the outer eye corners.
"""

_base_ = ['./td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256.py']

codec = dict(_base_.codec, unbiased=True)
model = dict(head=dict(decoder=codec))

# A list from the base is replaced as a whole, so the new codec goes into a copy of the pipeline.
train_pipeline = [
    dict(step, encoder=codec) if step.type == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
