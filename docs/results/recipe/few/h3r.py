"""H3R and Muon from faces19, in batches of 8."""

_base_ = ['../parts/h3r.py']

load_from = 'faces19'
train_dataloader = dict(batch_size=8)
auto_scale_lr = dict(base_batch_size=8)
