"""The project's recipe, without shifted crops, from faces19, in batches of 8."""

_base_ = ['../parts/exact_crops.py']

load_from = 'faces19'
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
