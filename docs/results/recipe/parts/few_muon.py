"""The project's recipe from faces19, for few faces."""

_base_ = ['./faces19.py']

train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
