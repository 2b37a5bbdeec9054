"""The recipe with an exponential moving average of the weights, which is what is validated."""

_base_ = ['../../../configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py']

custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.002, update_buffers=True),
]
