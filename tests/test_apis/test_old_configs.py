"""Configs of MMPose 0.x are told what they are."""

import importlib

import pytest

from mmpose_lite.apis import load_config
from mmpose_lite.cli.train import main as run_train

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


# Too little of it for the text of a file alone.
MODEL = "model = dict(type='TopDown', {})\n"
HEAD = "keypoint_head=dict(type='TopdownHeatmapSimpleHead')"


@pytest.mark.parametrize(
    ('base', 'text', 'marks'),
    [
        (OLD.partition('\n_base_')[2].partition('\n')[2], 'total_epochs = 10', 'data, model.key'),
        (MODEL.format(HEAD), 'x = 1', r"model.keypoint_head, model.type='TopDown'"),
        (MODEL.format(''), 'model = dict(pretrained=None)', "model.type='TopDown'"),
        ("model = dict(type='Own')", f'model = dict({HEAD})', 'model.keypoint_head:'),
        ('x = 1', 'data = dict(train=dict())', 'data:'),
    ],
)
@pytest.mark.parametrize('command', ['train', 'check_data'])
def test_it_is_told_by_what_it_inherits(tmp_path, base, text, marks, command):
    (tmp_path / 'base.py').write_text(base)
    (tmp_path / 'own.py').write_text(f"_base_ = './base.py'\n{text}\n")
    module = importlib.import_module(f'mmpose_lite.cli.{command}')
    with pytest.raises(SystemExit, match=rf'own\.py\' is one of MMPose 0\.x, by its {marks}'):
        module.main([str(tmp_path / 'own.py')])


@pytest.mark.parametrize(
    'text',
    [
        # Names of a user's own, beside keys of 1.x.
        "total_epochs = 3\nlog_config = data_cfg = dict()\ndefault_scope = 'mmpose'",
        'total_epochs = 3\nchannel_cfg = dict(num_output_channels=19)',
        "data = dict(root='faces')\ntrain_dataloader = dict()\nmodel = dict(type='Own')",
        "data = 'faces'\nmodel = 'TopDown'",
        '# samples_per_gpu = 1\n# total_epochs = 3\n# lr_config = dict()\n',
    ],
)
def test_other_configs_are_not_taken_for_one(tmp_path, text):
    path = tmp_path / 'own.py'
    path.write_text(text)
    assert load_config(path).default_scope == 'mmpose_lite'
