"""The recipe, without shifted crops, with an exponential moving average of the weights, which is what is validated."""

_base_ = ['./parts/exact_crops.py']

custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.002, update_buffers=True),
]
