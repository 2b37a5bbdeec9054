"""The quick start's config for one epoch on photographs, with Muon in place of Adam."""

_base_ = ['../../../configs/quickstart/td-hm_hrnetv2-w18_synthetic-aflw-128x128.py']

load_from = None  # as the quick start began when this was run
data_root = '../shared/realface/'
train_cfg = dict(max_epochs=1, val_interval=1)
optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='Muon', lr=0.02, adamw_share=0.2, betas=(0.9, 0.98))
)
default_hooks = dict(checkpoint=dict(save_best=None))
train_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root))
val_dataloader = dict(num_workers=1, dataset=dict(data_root=data_root))
test_dataloader = val_dataloader
