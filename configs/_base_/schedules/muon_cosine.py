"""Muon for kernels and AdamW for the rest, and a rate that falls as a cosine, for a config to take:

optim_wrapper = dict(_delete_=True, **_base_.best_optim_wrapper)
param_scheduler = _base_.best_param_scheduler
"""

# AdamW's rate is a fifth of Muon's. Norms and biases do not decay.
best_optim_wrapper = dict(
    optimizer=dict(type='Muon', lr=0.02, adamw_share=0.2, weight_decay=0.02),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0),
)
# Shares of the run, however many iterations it has.
best_param_scheduler = [
    dict(type='LinearLR', begin=0, end=0.05, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0.05, eta_min_ratio=0.005, by_epoch=False),
]
