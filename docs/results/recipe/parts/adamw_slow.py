"""adamw.py at a rate of 1.5e-3."""

_base_ = ['./adamw.py']

optim_wrapper = dict(optimizer=dict(lr=1.5e-3))
