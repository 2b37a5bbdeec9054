"""Muon in place of AdamW, all else as there."""

_base_ = ['./adamw_64_1e.py']

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='Muon', lr=0.02, adamw_share=0.2, weight_decay=0.02)
)
