"""faces19: AFLW's 19 points on 128x128 crops, learnt from rendered faces alone.

    mmpose-lite make-synthetic data/rendered_faces19 --train 6000 --test 300 --seed 11 --boxes tight68 --poses portrait
    mmpose-lite train configs/pretrained/faces19.py --amp

A box is the square about the 68 points of 300W (`--boxes tight68`). The weights in the package were made so.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/schedules/small_set.py',
    '../_base_/loaders/faces.py',
]

# schedule
train_cfg = dict(max_epochs=10, val_interval=2)
default_hooks = dict(_base_.small_set_hooks, early_stopping=None, logger=dict(interval=25))

# model
input_size = (128, 128)
codec = dict(
    type='MSRAHeatmap', input_size=input_size, heatmap_size=(32, 32), sigma=2, unbiased=True
)
model = dict(backbone=dict(init_cfg=None), head=dict(out_channels=19, decoder=codec))

# pipelines: colours, occlusion, blur, noise and compression stand in for real photographs
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomFlip', direction='horizontal'),
    dict(
        type='RandomBBoxTransform',
        shift_factor=0.06,
        shift_prob=0.5,
        rotate_factor=30,
        scale_factor=(0.85, 1.15),
    ),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PhotometricDistortion'),
    dict(type='RandomPhotograph'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackPoseInputs'),
]

# data
dataset_type = 'AFLWDataset'
data_root = 'data/rendered_faces19/'

train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_aflw_train.json',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_aflw_test.json',
        subsets=dict(frontal='annotations/face_landmarks_aflw_test_frontal.json'),
        pipeline=val_pipeline,
    ),
)
test_dataloader = val_dataloader

# evaluation
val_evaluator = dict(type='NME', norm_mode='use_norm_item', norm_item='bbox_size')
test_evaluator = val_evaluator
