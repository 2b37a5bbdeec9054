"""The quick start's recipe on faces in AFLW's form that count pixels from 1: DARK, and Adam at 2e-3."""

_base_ = ['../../../../configs/quickstart/td-hm_hrnetv2-w18_synthetic-aflw-128x128.py']

data_root = '../shared/realface/'
train_dataloader = dict(dataset=dict(data_root=data_root, first_pixel=1))
val_dataloader = dict(dataset=dict(data_root=data_root, first_pixel=1))
test_dataloader = val_dataloader
