"""HRNetV2-W18 on WFLW: 98 points, 256x256 crops, heatmaps with a Gaussian of sigma 2.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/wflw/td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256.py

Meant for 8 GPUs with 64 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
MMPose published for this recipe an NME of 4.06 (pose 6.97, expression 4.33, illumination 3.99, make-up 3.94,
occlusion 4.83, blur 4.58), in percent of the distance between the outer eye corners.
"""

_base_ = [
    '../../../_base_/default_runtime.py',
    '../../../_base_/models/hrnetv2_w18.py',
    '../../../_base_/schedules/adam_60e.py',
    '../../../_base_/pipelines/heatmap_256x256.py',
    '../../../_base_/loaders/faces.py',
]

# schedule
train_cfg = dict(max_epochs=60, val_interval=1)
default_hooks = dict(checkpoint=dict(save_best='NME', rule='less', interval=1))

# model
model = dict(head=dict(out_channels=98, decoder=_base_.codec))

# data
dataset_type = 'WFLWDataset'
data_root = 'data/wflw/'

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_wflw_train.json',
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
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
