"""Reading configs: where they are found, MMPose's scope, overrides, metainfo beside the config."""

import gc
import inspect
import os
import re
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from mmengine.runner import Runner

import mmpose_lite
from mmpose_lite.apis import init_model, load_config
from mmpose_lite.cli.check_data import main as check_data
from mmpose_lite.cli.train import main as run_train
from mmpose_lite.cli.train import merge_args, parse_args
from mmpose_lite.datasets import BaseCocoStyleDataset
from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.registry import DATASETS
from mmpose_lite.structures import parse_pose_metainfo
from mmpose_lite.utils import get_root_logger, paths
from mmpose_lite.utils.config_utils import COPIED_AS, READ_KEYS, about_keys

PACKAGE = Path(mmpose_lite.__file__).parent
SHIPPED = (
    'configs/face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
)
RECIPE = 'mmpose_lite::recipes/hrnetv2-w18_mmpose_aflw19-128x128_8e.py'


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


@pytest.mark.parametrize('marked', ['own.py', 'base.py', 'points.py'])
def test_a_byte_order_mark_is_passed_over(tmp_path, marked):
    """Editors of Windows write one."""
    info = "dict(dataset_name='one', keypoint_info={0: dict(name='a', id=0)}, skeleton_info={}, "
    texts = {
        'base.py': 'lr = 0.1\n',
        'points.py': f'dataset_info = {info} joint_weights=[1.0], sigmas=[])\n',
        'own.py': "_base_ = ['base.py']\nrate = {{_base_.lr}}\n"
        "info = dict(from_file='points.py')\n",
    }
    for name, text in texts.items():
        encoding = 'utf-8-sig' if name == marked else 'utf-8'
        (tmp_path / name).write_text(text, encoding=encoding)
    cfg = load_config(tmp_path / 'own.py')
    assert (cfg.lr, cfg.rate) == (0.1, 0.1)
    assert parse_pose_metainfo(cfg.info)['num_keypoints'] == 1
    (tmp_path / 'own.json').write_text('{"lr": 0.2}', encoding='utf-8-sig')
    assert load_config(tmp_path / 'own.json').lr == 0.2


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


def test_metainfo_of_a_class_is_found_beside_the_config_too(tmp_path, monkeypatch):
    (tmp_path / 'project' / 'configs').mkdir(parents=True)
    write(tmp_path / 'project' / 'configs', METAINFO, 'points.py')

    @DATASETS.register_module(name='FacesWithTwoPoints')
    class Faces(BaseCocoStyleDataset):
        METAINFO: ClassVar[dict] = {'from_file': 'configs/points.py'}

    text = "train_dataloader = dict(dataset=dict(type='FacesWithTwoPoints', ann_file='x.json'))"
    path = write(tmp_path / 'project', text)
    monkeypatch.chdir(tmp_path)
    try:
        settings = load_config(path).train_dataloader.dataset
        dataset = DATASETS.build({**settings, 'lazy_init': True})
    finally:
        DATASETS.module_dict.pop('FacesWithTwoPoints')
    assert dataset.metainfo['dataset_name'] == 'two'


def test_a_shipped_metainfo_is_meant_from_any_folder(tmp_path, monkeypatch):
    """A file of its name that is another is passed over, with a warning, beside a config too."""
    name = 'configs/_base_/datasets/aflw.py'
    (tmp_path / name).parent.mkdir(parents=True)
    write((tmp_path / name).parent, METAINFO, 'aflw.py')
    path = write(tmp_path, f"dataset = dict(metainfo=dict(from_file='{name}'))")
    said = []
    monkeypatch.setattr('mmengine.logging.print_log', lambda *each: said.append(each[0]))
    for folder in (tmp_path, tmp_path / 'configs'):
        monkeypatch.chdir(folder)
        paths._tell_passed_over.cache_clear()
        metainfo = load_config(path).dataset.metainfo
        assert parse_pose_metainfo(metainfo)['dataset_name'] == 'aflw'
        assert "aflw.py' differs, and is not read" in said.pop(0)


def test_a_missing_metainfo_is_told_where_it_is_needed(tmp_path, monkeypatch):
    """Not when the config is read: a checkpoint may describe the points."""
    (tmp_path / 'project').mkdir()
    monkeypatch.chdir(tmp_path)
    root = paths.config_root().parent
    gone = str(tmp_path / 'gone.py')
    for name, where in (
        ('gone.py', f'neither at {gone} nor at {root / "gone.py"}; load_config also looks in'),
        (gone, f'not at {gone}'),
    ):
        text = f"dataset = dict(type='AFLWDataset', metainfo=dict(from_file='{name}'))"
        settings = load_config(write(tmp_path / 'project', text)).dataset
        assert settings.metainfo.from_file == name
        with pytest.raises(MissingFileError) as caught:
            DATASETS.build({**settings, 'lazy_init': True})
        assert f"from_file='{name}' is {where}" in str(caught.value)


def test_a_model_needs_no_metainfo_that_its_checkpoint_has(tiny_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, weights = init_model(tiny_config, device='cpu'), str(tmp_path / 'some.pth')
    meta = {'dataset_meta': model.dataset_meta}
    torch.save({'state_dict': model.state_dict(), 'meta': meta}, weights)
    text = "train_dataloader = dict(dataset=dict(metainfo=dict(from_file='gone.py')))"
    own = write(tmp_path, f"_base_ = ['{tiny_config}']\n{text}")
    assert init_model(own, weights, 'cpu').dataset_meta['num_keypoints'] == 19
    with pytest.raises(MissingFileError, match=r"from_file='gone\.py' is neither at"):
        init_model(own, device='cpu')


@pytest.mark.parametrize(
    ('name', 'text', 'message'),
    [
        ('own.py', 'a = 1\nmodel = dict(', "own.py', line 2: SyntaxError: '\\(' was never closed"),
        ('own.py', 'a = 1\nb = c', "own.py', line 2: NameError: name 'c' is not defined"),
        ('own.py', "_base_ = './gone.py'", 'gone.py'),
        ('own.json', '{"model": ', 'JSONDecodeError: Expecting value'),
        ('own.yaml', 'a: [1', "own.yaml'.*Error: "),
        ('own.pth', 'PK', r"own.pth' is a checkpoint by its name; names of configs end in \.py, "),
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


TEXT = """
codec = dict(type='MSRAHeatmap', input_size=(64, 64), heatmap_size=(16, 16), sigma=1)
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='TopdownAffine', input_size=codec['input_size']),
    dict(type='GenerateTarget', encoder=codec),
]
val_pipeline = [*train_pipeline[:2], dict(type='PackPoseInputs')]
data_root, dataset_type = 'data/own/', 'WFLWDataset'
epochs, base_lr, faces = 60, 0.002, dict(ann_file='faces.json')
model = dict(type='A', head=dict(type='B', decoder=codec), test_cfg=dict(flip_test=True))
train_dataloader = dict(
    batch_size=2,
    dataset=dict(faces, type=dataset_type, data_root=data_root, pipeline=train_pipeline),
)
val_dataloader = dict(
    dataset=dict(
        type=dataset_type, data_root=data_root, ann_file=data_root + 'b.json', pipeline=val_pipeline
    )
)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=epochs)
optim_wrapper = dict(optimizer=dict(type='Adam', lr=base_lr))
default_hooks = dict(checkpoint=dict(type='CheckpointHook'))
auto_scale_lr = dict(base_batch_size=512)
"""


def test_an_override_of_a_variable_reaches_what_was_copied_from_it(tmp_path):
    path = write(tmp_path, TEXT)
    options = {'codec.sigma': 3, 'train_pipeline.1.use_udp': True}
    cfg = load_config(path, options)
    steps = cfg.train_dataloader.dataset.pipeline
    assert steps[1].use_udp is True
    assert [each.sigma for each in (cfg.codec, cfg.model.head.decoder, steps[2].encoder)] == [3] * 3
    assert 'use_udp' not in cfg.val_dataloader.dataset.pipeline[1]
    # Sizes that were taken out of a codec follow it.
    cfg = load_config(path, {'codec.input_size': (96, 96)})
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.pipeline[1].input_size == (96, 96)
    assert cfg.model.head.decoder.input_size == (96, 96)


def test_an_override_of_a_folder_or_a_type_reaches_all_data_sets(tmp_path):
    options = {'data_root': '/faces', 'dataset_type': 'COFWDataset'}
    cfg = load_config(write(tmp_path, TEXT), options)
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert (loader.dataset.data_root, loader.dataset.type) == ('/faces', 'COFWDataset')
    assert cfg.test_dataloader.dataset.ann_file == '/faces/b.json'
    # What a run reads has the last word.
    options['val_dataloader.dataset.data_root'] = 'other'
    cfg = load_config(write(tmp_path, TEXT), options)
    assert cfg.val_dataloader.dataset.data_root == 'other'


def test_an_override_of_the_first_pixel_reaches_all_data_sets(tmp_path):
    text = TEXT.replace('data_root=data_root', 'data_root=data_root, first_pixel=first_pixel')
    path = write(tmp_path, f'first_pixel = 1{text}')
    cfg = load_config(path, {'first_pixel': 0})
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        assert loader.dataset.first_pixel == 0
    assert cfg.codec.sigma == 1


def test_an_override_reaches_what_a_run_reads_at_the_top(tmp_path):
    text = f"{TEXT}\nsize = (64, 64)\nevaluator = dict(type='NME')\nval_evaluator = evaluator"
    cfg = load_config(write(tmp_path, text), {'evaluator.norm_mode': 'x'})
    assert cfg.val_evaluator == {'type': 'NME', 'norm_mode': 'x'}
    # A size may equal another without being copied from it.
    with pytest.raises(InputError, match=r'size=.* reaches nothing: .* set model\.head\.decoder'):
        load_config(write(tmp_path, text), {'size': (32, 32)})


def test_an_override_of_one_of_two_equal_variables_is_refused(tmp_path):
    text = f'{TEXT}\nother_pipeline = train_pipeline'
    with pytest.raises(InputError, match=r'set train_dataloader\.dataset\.pipeline\.1\.use_udp'):
        load_config(write(tmp_path, text), {'train_pipeline.1.use_udp': True})


SLIPS = {
    'train_dataloder.batch_size': "the config has no 'train_dataloder', but 'train_dataloader'",
    'train_dataloader.batchsize': "train_dataloader has no 'batchsize', but 'batch_size'",
    'model.test_cfg.flip_tset': "model.test_cfg has no 'flip_tset', but 'flip_test'",
    'auto_scale_lr.enabel': "auto_scale_lr has no 'enabel', but 'enable'",
    'default_hooks.chekpoint.interval': "default_hooks has no 'chekpoint', but 'checkpoint'",
    'train_pipeline.7.prob': 'train_pipeline is a list of 3, 0 to 2',
    'model.head': r"'model.head=7' would replace a B by 7; set model.head.type",
    'train_cfg..max_epochs': 'a name is missing in its key',
    # What a variable was used for cannot be told.
    'first_pixel': 'the config has no variable first_pixel; set train_dataloader.dataset.first_pix',
    'base_lr': 'base_lr=7 reaches nothing: .* set optim_wrapper.optimizer.lr',
    'faces.ann_file': 'faces.ann_file=7 reaches nothing: .* set train_dataloader.dataset.ann_file',
}


@pytest.mark.parametrize('key', SLIPS)
def test_an_override_that_would_reach_nothing_is_refused(tmp_path, key):
    with pytest.raises(InputError, match=f'own.py. with --cfg-options: .*{SLIPS[key]}'):
        load_config(write(tmp_path, TEXT), {key: 7})


def test_data_sets_within_others_are_named_for_a_variable_that_is_missing():
    place = r'train_dataloader\.dataset\.datasets\.0\.first_pixel'
    with pytest.raises(InputError, match=f'no variable first_pixel; set {place}'):
        load_config('rtmpose-t_8xb256-120e_face6-256x256', {'first_pixel': 1})


def test_an_override_that_nothing_reads_is_said(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(get_root_logger(), 'warning', said.append)
    assert load_config(write(tmp_path, TEXT), {'my_switch': 1}).my_switch == 1
    assert said[0].startswith('my_switch=1: nothing that a run reads is a copy of my_switch')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        (
            'train_dataloder = dict(batch_size=4)',
            "'train_dataloder'; the nearest key is 'train_data",
        ),
        ('optim_wraper = dict(clip_grad=None)', "the nearest key is 'optim_wrapper'"),
        ("optim_wraper = dict(type='AmpOptimWrapper')", "the nearest key is 'optim_wrapper'"),
        ("loadfrom = 'a.pth'", "'loadfrom'; the nearest key is 'load_from'"),
        ("train_pipelin = [dict(type='LoadImage', a=1)]", "the nearest key is 'train_pipeline'"),
        (
            'model["test_cfg"]["flip_tset"] = 1',
            "'model.test_cfg.flip_tset'; .*model.test_cfg.flip_t",
        ),
        ('auto_scale_lr["enabled"] = True', "'auto_scale_lr.enabled'; .*'auto_scale_lr.enable'"),
        (
            "model['backbone'] = dict(extra=dict(stage2=dict(num_chanels=(8, 8))))",
            'model.backbone.extra.stage2.num_channels',
        ),
        ("custom_imports = dict(import_=['a'])", "'custom_imports.import_'; .*imports'"),
        ('env_cfg = dict(cudnn_bench_mark=1)', "'env_cfg.cudnn_bench_mark'; the nearest"),
    ],
)
def test_a_key_that_is_like_one_that_is_read_is_refused(tmp_path, line, message):
    with pytest.raises(InputError, match=rf"own\.py': nothing reads .*{message}"):
        load_config(write(tmp_path, f'{TEXT}\n{line}'))


@pytest.mark.parametrize(
    'lines',
    [
        "custom_hook = dict(type='A')\ncustom_hooks = [custom_hook]",
        'codecs = [codec, dict(codec, sigma=2)]',
        'codec2 = dict(codec)\ntrain_pipeline_stage1 = []',
        "max_epoch = 3\ntta_cfg = dict(type='A')",
        # A part that was given more, as --cache gives data sets a cache.
        "val_cofw = dict(type='A', a=1)\nmodel['neck'] = dict(val_cofw, cache=True)",
        "of_hooks = dict(type='A', priority=3)\ncustom_hooks = [dict(interval=2, **of_hooks)]",
    ],
)
def test_variables_of_a_user_s_own_are_left_alone(tmp_path, lines):
    cfg = load_config(write(tmp_path, f'{TEXT}\n{lines}'))
    assert about_keys(cfg) == []


def test_settings_that_nothing_reads_are_said(tmp_path):
    lines = "codec2 = dict(codec, sigma=2)\nlr_config = dict(policy='step', step=[40, 55])"
    cfg = load_config(write(tmp_path, f'{TEXT}\n{lines}'))
    assert about_keys(cfg) == ['nothing reads codec2, lr_config']


def test_what_was_copied_before_it_was_changed_is_said(tmp_path):
    write(tmp_path, TEXT, 'base.py')
    text = "_base_ = './base.py'\ncodec = dict(sigma=3)\nval_pipeline = [dict(type='LoadImage')]"
    cfg = load_config(write(tmp_path, f'{text}\nauto_scale_lr = dict(size=3)'))
    sizes, codec, pipeline = about_keys(cfg)
    assert sizes == 'nothing reads size of auto_scale_lr, which has base_batch_size, enable'
    assert codec == 'no part has codec as it is: it has sigma=3, and model.head.decoder has sigma=1'
    assert pipeline.startswith('no part has val_pipeline as it is: the pipelines of data sets')


@pytest.mark.parametrize(
    ('line', 'said'),
    [
        (
            "data_root = 'mine/'",
            "mine/': train_dataloader.dataset.data_root='data/aflw/'",
        ),
        ('first_pixel = 1', 'first_pixel=1: train_dataloader.dataset.first_pixel=0, val_d'),
        ("dataset_type = 'WFLWDataset'", "WFLWDataset': train_dataloader.dataset.type='AFLWD"),
    ],
)
def test_a_variable_of_data_sets_that_a_base_had_copied_is_said(tmp_path, line, said):
    """A config that changes it for its base changes no data set."""
    own = load_config(write(tmp_path, f"_base_ = '{RECIPE}'\n{line}"))
    (found,) = about_keys(own)
    assert found.startswith('no data set has ')
    assert said in found
    name = line.partition(' ')[0]
    follows = f'{line}\ntrain_dataloader = dict(dataset=dict({COPIED_AS[name]}={name}))'
    assert about_keys(load_config(write(tmp_path, f"_base_ = '{RECIPE}'\n{follows}"))) == []


@pytest.mark.parametrize('data_root', ['', 'data/mine/sub'])
def test_a_folder_that_paths_begin_with_is_used(tmp_path, data_root):
    faces = f"dict(type='AFLWDataset', data_root='{data_root}', ann_file='data/mine/x.json')"
    text = f"{TEXT}\ndata_root = 'data/mine'\nval_dataloader = dict(dataset={faces})"
    assert about_keys(load_config(write(tmp_path, text))) == []


@pytest.mark.parametrize(
    'value', ["[dict(type='A')]", "{'a':1}", '[1,2', '(1,2]', 'dict(a=1)', 'a,dict(b=1)']
)
def test_a_value_that_would_be_read_as_another_is_refused(value, capsys):
    with pytest.raises(SystemExit):
        parse_args([SHIPPED, '--cfg-options', f'custom_hooks={value}'])
    last = capsys.readouterr().err.splitlines()[-1]
    assert f'{value}' in last.replace('\\', '')
    assert 'a value is a number, a word, True, False, None, or a list' in last


def test_values_with_brackets_of_their_own_are_read(tmp_path):
    options = ['a={}.pth', 'b=[(1,2),x]', 'c=face(1).json', 'd=epoch_{:03d}']
    args = parse_args([SHIPPED, '--cfg-options', *options])
    read = {'a': '{}.pth', 'b': [(1, 2), 'x'], 'c': 'face(1).json', 'd': 'epoch_{:03d}'}
    assert args.cfg_options == read


def test_what_the_package_reads_of_a_config_is_known_as_read():
    sources = '\n'.join(path.read_text() for path in PACKAGE.rglob('*.py'))
    read = re.findall(r"\b(?:runner\.cfg|self\.cfg|rewritten)(?:\.get\(|\[)'(\w+)'", sources)
    assert {'compile', 'augment_on_device'} <= set(read) <= READ_KEYS
    taken = inspect.signature(Runner.__init__).parameters
    assert set(taken) - {'self', 'cfg'} <= READ_KEYS
