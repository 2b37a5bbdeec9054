"""AdamW at 1.5e-3 in place of Muon."""

_base_ = ['./adamw.py']

optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
