"""Loaders of faces; a config adds to `dataset` its type, files and pipelines."""

data_mode = 'topdown'

train_dataloader = dict(
    batch_size=64,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(data_mode=data_mode, data_prefix=dict(img='images/')),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(data_mode=data_mode, data_prefix=dict(img='images/'), test_mode=True),
)
test_dataloader = val_dataloader

# By default the size of a face is the distance that its data set's papers take.
val_evaluator = dict(type='NME', norm_mode='keypoint_distance')
test_evaluator = val_evaluator
