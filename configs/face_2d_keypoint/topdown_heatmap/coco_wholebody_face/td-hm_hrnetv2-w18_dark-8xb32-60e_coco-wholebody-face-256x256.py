"""HRNetV2-W18 on the faces of COCO-WholeBody with DARK: unrounded targets, and a decoder below the cell.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/coco_wholebody_face/td-hm_hrnetv2-w18_dark-8xb32-60e_coco-wholebody-face-256x256.py

Meant for 8 GPUs with 32 faces each, like the config that it varies.
MMPose published for this recipe an NME of 5.13, in percent of the distance between the outer eye corners.
"""

_base_ = ['./td-hm_hrnetv2-w18_8xb32-60e_coco-wholebody-face-256x256.py']

codec = dict(_base_.codec, unbiased=True)
model = dict(head=dict(decoder=codec))

# A list from the base is replaced as a whole, so the new codec goes into a copy of the pipeline.
train_pipeline = [
    dict(step, encoder=codec) if step.type == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
