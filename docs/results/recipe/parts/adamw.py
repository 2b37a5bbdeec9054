"""AdamW at 4e-3 in place of Muon."""

_base_ = ['../../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

optim_wrapper = dict(optimizer=dict(_delete_=True, type='AdamW', lr=4e-3, weight_decay=0.02))
