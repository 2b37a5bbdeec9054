"""The points of AFLW on 128x128 crops of rendered faces, in a few minutes on a CPU.

    make quickstart

It fine-tunes the weights of the package, faces19, on the faces that the quick start renders into data/synthetic_aflw. Its
numbers show that the parts work together, not how good a model is on real photographs. To start from random weights, set
load_from=None and train for three epochs. MMPose's recipe of AFLW, which takes a GPU and hours, is
td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py.
"""

_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/hrnetv2_w18.py',
    '../_base_/schedules/small_set.py',
    '../_base_/pipelines/small_set_256x256.py',
    '../_base_/loaders/faces.py',
]

# schedule
load_from = 'faces19'
train_cfg = dict(max_epochs=1, val_interval=1)
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
