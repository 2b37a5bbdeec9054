"""The points of AFLW on 128x128 crops of rendered faces, from scratch, in minutes on a CPU.

    make quickstart

It trains on the data that the quick start writes to data/synthetic_aflw; its numbers say that the parts work together
and nothing about real photographs. MMPose's recipe of AFLW, which takes a GPU and hours, is
td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py; this one is short, as that of a small set of faces is.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/schedules/small_set.py',
    '../_base_/pipelines/small_set_256x256.py',
    '../_base_/loaders/faces.py',
]

# schedule
train_cfg = dict(max_epochs=3, val_interval=3)
# The last epoch is tested, so that no run ends early.
default_hooks = dict(_base_.small_set_hooks, early_stopping=None, logger=dict(interval=5))

# model: codec, crops and heatmaps follow from this size
input_size = (128, 128)
model = dict(backbone=dict(init_cfg=None), head=dict(out_channels=19, decoder=_base_.codec))

# data
dataset_type = 'AFLWDataset'
data_root = 'data/synthetic_aflw/'

train_dataloader = dict(
    batch_size=8,
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_aflw_train.json',
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        ann_file='annotations/face_landmarks_aflw_test.json',
        subsets=dict(frontal='annotations/face_landmarks_aflw_test_frontal.json'),
        pipeline=_base_.val_pipeline,
    ),
)
test_dataloader = val_dataloader

# evaluation
val_evaluator = dict(type='NME', norm_mode='use_norm_item', norm_item='bbox_size')
test_evaluator = val_evaluator
