"""faces19: AFLW's 19 points on 128x128 crops, learnt from rendered faces alone.

    mmpose-lite make-synthetic data/rendered_faces19 --train 16000 --test 300 --seed 11 --boxes tight68 --poses portrait
    mmpose-lite dist-train configs/pretrained/faces19.py 2 --amp --cfg-options randomness.seed=0
    mmpose-lite publish work_dirs/faces19/epoch_5.pth --name faces19 --half
    mmpose-lite calibrate configs/pretrained/faces19.py --out faces19-HASH.calibration.json

These commands made the weights of the package and the map of boxes beside them, on two cores, at commit fd7b31d, with
version 3 of the renderer; later versions draw faces that vary more. A box is the square about the 68 points of 300W (`--boxes tight68`).
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/schedules/muon_cosine.py',
    '../_base_/loaders/faces.py',
]

# schedule: Muon for kernels, AdamW for the rest, a rate that falls as a cosine
train_cfg = dict(max_epochs=5, val_interval=5)
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=2), logger=dict(interval=25))
optim_wrapper = _base_.best_optim_wrapper
param_scheduler = _base_.best_param_scheduler
auto_scale_lr = dict(base_batch_size=32)

# model
input_size = (128, 128)
codec = dict(
    type='MSRAHeatmap',
    input_size=input_size,
    heatmap_size=(32, 32),
    sigma=2,
    unbiased=True,
    guarded=True,
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
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='PhotometricDistortion'),
    dict(type='RandomPhotograph'),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs'),
]
val_pipeline = [
    dict(type='LoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
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
