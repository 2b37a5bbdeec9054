"""The project's recipe from faces19, in batches of 8."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

load_from = 'faces19'
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
