"""For sets of tens to thousands of faces: a rate for small batches, a warm-up in proportion to the run, an early end.

It stands in place of adam_60e.py. A config also takes up the hooks, and says how long it trains at most:

    train_cfg = dict(max_epochs=60, val_interval=1)
    default_hooks = _base_.small_set_hooks
"""

# Adam as in the quick start; other batches than 8 scale its rate.
optim_wrapper = dict(optimizer=dict(type='Adam', lr=2e-3, betas=(0.9, 0.98)))
auto_scale_lr = dict(base_batch_size=8, enable=True)

# Shares of the run, however many iterations it has; the rest of it falls to a hundredth.
param_scheduler = [
    dict(type='LinearLR', begin=0, end=0.05, start_factor=0.01, by_epoch=False),
    dict(type='CosineAnnealingLR', begin=0.05, eta_min_ratio=0.01, by_epoch=False),
]

# NME is a fraction: 0.0001 of it is a hundredth of a per cent.
small_set_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=2, save_best='NME', rule='less'),
    early_stopping=dict(
        type='EarlyStoppingHook', monitor='NME', rule='less', min_delta=1e-4, patience=15
    ),
)
