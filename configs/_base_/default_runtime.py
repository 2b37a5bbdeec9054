"""What every run has: hooks, environment, logging and the three loops."""

default_scope = 'mmpose_lite'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),  # mmengine's, as are the next three
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    checkpoint=dict(type='CheckpointHook', interval=10),  # engine/hooks, as are all below
    # MMPose has none of these five; they are there without a config, too, and None removes one.
    speed=dict(type='SpeedHook'),
    train_error=dict(type='TrainErrorHook'),
    val_loss=dict(type='ValLossHook'),
    summary=dict(type='SummaryHook'),
    screen=dict(type='ScreenHook'),
    # MMPose's.
    visualization=dict(type='PoseVisualizationHook', enable=False),
    badcase=dict(
        type='BadCaseAnalysisHook',
        enable=False,
        out_dir='badcase',
        metric_type='loss',
        badcase_thr=5,
    ),
)
custom_hooks = [dict(type='SyncBuffersHook')]  # mmengine's

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)

vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='PoseLocalVisualizer', vis_backends=vis_backends, name='visualizer')

# Of this package, as are the sampler, the loops and OptimWrapper, which have mmengine's names, too.
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True, num_digits=6)
log_level = 'INFO'
load_from = None
resume = False
backend_args = dict(backend='local')

train_cfg = dict(by_epoch=True)
val_cfg = dict()
test_cfg = dict()
