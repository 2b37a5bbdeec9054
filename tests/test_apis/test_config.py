"""Reading configs: where they are found, MMPose's scope, overrides, metainfo beside the config."""

import gc
import os

import pytest

from mmpose_lite.apis import load_config
from mmpose_lite.apis.check_data import main as check_data
from mmpose_lite.apis.train import main as run_train
from mmpose_lite.apis.train import merge_args, parse_args
from mmpose_lite.registry import DATASETS
from mmpose_lite.utils import InputError

SHIPPED = (
    'configs/face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
)


def write(folder, text, name='own.py'):
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    'text', ["default_scope = 'mmpose'", "default_scope = 'mmpose_lite'", 'work_dir = None']
)
def test_mmpose_s_scope_is_ours(tmp_path, text):
    assert load_config(write(tmp_path, text)).default_scope == 'mmpose_lite'


def test_another_scope_stays(tmp_path):
    assert load_config(write(tmp_path, "default_scope = 'mmengine'")).default_scope == 'mmengine'


def test_types_with_mmpose_s_scope_are_ours(tmp_path):
    text = """
model = dict(type='mmpose.TopdownPoseEstimator', head=dict(type='HeatmapHead', _scope_='mmpose'))
pipeline = [dict(type='mmpose.LoadImage'), dict(type='mmcv.LoadImageFromFile')]
"""
    cfg = load_config(write(tmp_path, text))
    assert cfg.model.type == 'TopdownPoseEstimator'
    assert cfg.model.head._scope_ == 'mmpose_lite'
    assert [step.type for step in cfg.pipeline] == ['LoadImage', 'mmcv.LoadImageFromFile']


def test_a_shipped_name_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cfg = load_config(SHIPPED)
    assert cfg.model.head.out_channels == 19
    # A file of the user's own under the same name comes first.
    own = tmp_path / SHIPPED
    own.parent.mkdir(parents=True)
    own.write_text('mine = True')
    assert load_config(SHIPPED).mine


def test_a_missing_config_names_both_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        load_config('configs/none.py')
    message = str(caught.value)
    assert str(tmp_path / 'configs' / 'none.py') in message
    assert message.count('none.py') == 3


def test_options_override(tmp_path):
    path = write(tmp_path, 'a = dict(b=1, c=[1, 2])\nd = 3')
    cfg = load_config(path, {'a.b': 5, 'd': 'x'})
    assert (cfg.a.b, cfg.a.c, cfg.d) == (5, [1, 2], 'x')


def test_options_of_the_command_line():
    arguments = [SHIPPED, '--cfg-options', 'train_cfg.max_epochs=3', 'randomness.seed=7']
    args = parse_args(arguments)
    cfg = merge_args(load_config(args.config, args.cfg_options), args)
    assert (cfg.train_cfg.max_epochs, cfg.randomness.seed) == (3, 7)
    assert cfg.work_dir == os.path.join('work_dirs', 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256')


METAINFO = """
dataset_info = dict(
    dataset_name='two',
    keypoint_info={
        0: dict(name='a', id=0, color=[0, 0, 0], type='', swap='b'),
        1: dict(name='b', id=1, color=[0, 0, 0], type='', swap='a'),
    },
    skeleton_info={},
    joint_weights=[1.0] * 2,
    sigmas=[],
)
"""


def test_metainfo_beside_the_config_is_found(tmp_path, monkeypatch):
    """Whatever the working directory: MMPose looks below that, and in its own installation."""
    (tmp_path / 'project').mkdir()
    (tmp_path / 'elsewhere').mkdir()
    write(tmp_path / 'project', METAINFO, 'points.py')
    text = "dataset = dict(type='AFLWDataset', metainfo=dict(from_file='points.py'))"
    path = write(tmp_path / 'project', text)
    monkeypatch.chdir(tmp_path / 'elsewhere')
    dataset = DATASETS.build({**load_config(path).dataset, 'lazy_init': True})
    assert dataset.metainfo['dataset_name'] == 'two'
    assert dataset.metainfo['flip_indices'] == [1, 0]


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('own.py', 'a = 1\nmodel = dict(', "own.py', line 2: SyntaxError: '\\(' was never closed"),
        ('own.py', 'a = 1\nb = c', "own.py', line 2: NameError: name 'c' is not defined"),
        ('own.py', "_base_ = './gone.py'", 'gone.py'),
        ('own.json', '{"model": ', 'JSONDecodeError: Expecting value'),
        ('own.yaml', 'a: [1', "own.yaml'.*Error: "),
        ('own.pth', 'PK', r'own.pth\' is no config by its name: .py, .json'),
        (
            'own.py',
            "_base_ = './base.py'\na = dict(b=dict(c=1))",
            'b is a dict in the child config',
        ),
        (
            'own.py',
            "custom_imports = dict(imports=['no_such_mod'])",
            "own.py': custom_imports names 'no_such_mod', and there is no such module",
        ),
        ('own.py', "custom_imports = dict(imports='no_such.mod')", "names 'no_such.mod'"),
        ('own.py', 'x = 1', "own.py' has no model, no train_dataloader, no train_cfg, no optim"),
        ('own.py', 'model = train_cfg = dict()', 'has no train_dataloader, no optim_wrapper'),
    ],
)
@pytest.mark.filterwarnings('ignore:unclosed file:ResourceWarning')
def test_a_slip_is_one_line(tmp_path, name, text, message):
    write(tmp_path, 'a = dict(b=None)', 'base.py')
    with pytest.raises(SystemExit, match=rf'^error: config .*{message}') as caught:
        run_train([str(write(tmp_path, text, name))])
    assert '\n' not in caught.value.code
    del caught
    gc.collect()  # of what mmengine leaves open then, while the warning is ignored


def test_options_that_do_not_fit_are_one_line(tmp_path, capsys):
    path = str(write(tmp_path, 'a = dict(b=None)'))
    with pytest.raises(SystemExit, match=r'own.py. with --cfg-options: .*b is a dict in the child'):
        run_train([path, '--cfg-options', 'a.b.c=1'])
    for main in (run_train, check_data):
        with pytest.raises(SystemExit):
            main([path, '--cfg-options', 'foo'])
        assert "argument --cfg-options: 'foo' is not KEY=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ('text', 'error'),
    [('import no_such_module_either', ImportError), ('x = 1 / 0', ZeroDivisionError)],
)
def test_a_module_that_fails_keeps_its_error(tmp_path, monkeypatch, text, error):
    """It is code, not a config: where it went wrong is in its trace."""
    write(tmp_path, text, f'failing_{error.__name__}.py')
    monkeypatch.syspath_prepend(tmp_path)
    path = write(tmp_path, f"custom_imports = dict(imports=['failing_{error.__name__}'])")
    with pytest.raises(error) as caught:
        run_train([str(path)])
    assert not isinstance(caught.value, InputError)


def test_a_module_that_may_be_missing(tmp_path):
    text = "custom_imports = dict(imports=['no_such_mod'], allow_failed_imports=True)"
    with pytest.warns(UserWarning, match='no_such_mod failed to import'):
        load_config(write(tmp_path, text))
