"""Batches of 32 faces, half as many steps, at the same rate."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

train_dataloader = dict(batch_size=32)
auto_scale_lr = dict(base_batch_size=32)
