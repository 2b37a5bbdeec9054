"""The optimizer of small_set.py in place of Muon."""

_base_ = ['./few_muon.py']

optim_wrapper = dict(
    _delete_=True, type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-3, betas=(0.9, 0.98))
)
