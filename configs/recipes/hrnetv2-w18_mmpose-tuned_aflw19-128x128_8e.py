"""MMPose's recipe of hrnetv2-w18_mmpose_aflw19-128x128_8e.py at a larger rate, to be compared with other optimizers.

    python tools/train.py configs/recipes/hrnetv2-w18_mmpose-tuned_aflw19-128x128_8e.py --cfg-options data_root=MY/SET/

Rates to try are 1e-3 to 1.2e-2: --cfg-options optim_wrapper.optimizer.lr=2e-3. docs/results.md has those that were.
"""

_base_ = ['./hrnetv2-w18_mmpose_aflw19-128x128_8e.py']

optim_wrapper = dict(optimizer=dict(lr=4e-3))
