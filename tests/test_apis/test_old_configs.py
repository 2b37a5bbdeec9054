"""Configs of MMPose 0.x are told what they are."""

import pytest

from mmpose_lite.apis import load_config
from mmpose_lite.apis.train import main as run_train

# The keys of an AFLW config of 0.x; its bases are in MMPose's tree, and not here.
OLD = """
_base_ = ['../../../../_base_/default_runtime.py', '../../../../_base_/datasets/aflw.py']
checkpoint_config = dict(interval=1)
optimizer = dict(type='Adam', lr=2e-3)
optimizer_config = dict(grad_clip=None)
lr_config = dict(policy='step', step=[40, 55])
total_epochs = 60
model = dict(
    type='TopDown',
    keypoint_head=dict(type='TopdownHeatmapSimpleHead', in_channels=270),
    train_cfg=dict(),
    test_cfg=dict(flip_test=True),
)
data = dict(samples_per_gpu=64, train=dict(type='FaceAFLWDataset'))
"""


def test_a_config_of_0_x_is_one_line(tmp_path):
    path = tmp_path / 'hrnetv2_w18_aflw_256x256.py'
    path.write_text(OLD)
    message = r'MMPose 0\.x, by its checkpoint_config, keypoint_head, .*shipped config.*0\.x load'
    with pytest.raises(SystemExit, match=message) as caught:
        run_train([str(path)])
    assert str(path) in caught.value.code
    assert '\n' not in caught.value.code


@pytest.mark.parametrize(
    'text',
    [
        # Names of a user's own, beside keys of 1.x.
        "total_epochs = 3\nlog_config = data_cfg = dict()\ndefault_scope = 'mmpose'",
        'total_epochs = 3\nchannel_cfg = dict(num_output_channels=19)',
        '# samples_per_gpu = 1\n# total_epochs = 3\n# lr_config = dict()\n',
    ],
)
def test_other_configs_are_not_taken_for_one(tmp_path, text):
    path = tmp_path / 'own.py'
    path.write_text(text)
    assert load_config(path).default_scope == 'mmpose_lite'
