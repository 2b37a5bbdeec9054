"""AdamW for all parameters, at the rate that Muon's recipe has for norms and biases."""

_base_ = ['./exact_crops.py']

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=4e-3, weight_decay=0.02),
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0),
)
