"""HRNetV2-W18 on 300W: 68 points, 256x256 crops, heatmaps with a Gaussian of sigma 1.5.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/300w/td-hm_hrnetv2-w18_8xb64-60e_300w-256x256.py

Meant for 8 GPUs with 64 faces each; with another total batch, let the learning rate follow it (--auto-scale-lr).
MMPose published for this recipe an NME of 2.92 (common), 5.64 (challenge), 3.45 (full) and 4.10 (test), in percent of the
distance between the outer eye corners. A test run gives all four; its plain `NME` is over the faces of full and test.
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
codec = dict(_base_.codec, sigma=1.5)
model = dict(head=dict(out_channels=68, decoder=codec))

# data; a list from the base is replaced as a whole, so the new codec goes into a copy of it
train_pipeline = [
    dict(step, encoder=codec) if step.type == 'GenerateTarget' else step
    for step in _base_.train_pipeline
]
dataset_type = 'Face300WDataset'
data_root = 'data/300w/'

train_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_300w_train.json',
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_300w_valid.json',
        subsets=dict(
            common='annotations/face_landmarks_300w_valid_common.json',
            challenge='annotations/face_landmarks_300w_valid_challenge.json',
        ),
        pipeline=_base_.val_pipeline,
    ),
)

# The test set is no part of the validation set, which papers call full.
full_file = 'annotations/face_landmarks_300w_valid.json'
test_file = 'annotations/face_landmarks_300w_test.json'
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/300w.py'),
        datasets=[
            dict(
                _base_.val_dataloader.dataset,
                type=dataset_type,
                data_root=data_root,
                ann_file=file,
                subsets=subsets,
            )
            for file, subsets in (
                (full_file, dict(val_dataloader['dataset']['subsets'], full=full_file)),
                (test_file, dict(test=test_file)),
            )
        ],
        test_mode=True,
        pipeline=_base_.val_pipeline,
    ),
)
