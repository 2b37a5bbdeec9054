"""Shipped configs are found by their names, on command lines and as ``_base_``, from anywhere."""

from functools import partial

import pytest

from mmpose_lite.apis import load_config
from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.structures import config_root
from mmpose_lite.utils.paths import (
    check_checkpoint,
    check_model,
    find_config,
    find_shipped_config,
    is_config,
    shipped_configs,
)

STEM = 'td-hm_hrnetv2-w18_dark-8xb64-60e_aflw-256x256'
INNER = f'face_2d_keypoint/topdown_heatmap/aflw/{STEM}.py'
NAMES = [
    STEM,
    f'{STEM}.py',
    INNER,
    f'configs/{INNER}',
    f'mmpose_lite::{INNER}',
    f'mmpose_lite::{STEM}',
    f'mmpose::{INNER}',
]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize('name', NAMES)
def test_names_of_a_shipped_config(elsewhere, name):
    assert find_config(name) == config_root() / INNER


@pytest.mark.parametrize('name', NAMES)
def test_a_base_may_be_named_so_from_any_folder(elsewhere, name):
    (elsewhere / 'own.py').write_text(f"_base_ = '{name}'\nmodel = dict(head=dict(in_channels=7))")
    cfg = load_config('own.py')
    assert cfg.model.head.in_channels == 7
    assert cfg.model.backbone == load_config(STEM).model.backbone
    assert '_scope_' not in cfg.pretty_text


def test_parts_may_be_named_and_their_variables_used(elsewhere):
    (elsewhere / 'own.py').write_text(
        "_base_ = ['mmpose_lite::_base_/default_runtime.py', "
        "'mmpose::_base_/models/hrnetv2_w18.py']\n"
        'visualizer = dict(vis_backends=_base_.vis_backends + [dict(type="CsvVisBackend")])\n'
    )
    cfg = load_config('own.py')
    assert [each['type'] for each in cfg.visualizer.vis_backends] == [
        'LocalVisBackend',
        'CsvVisBackend',
    ]
    assert cfg.model.backbone.type == 'HRNet'


def test_a_file_of_ones_own_comes_first(elsewhere):
    (elsewhere / f'{STEM}.py').write_text('mine = 1')
    (elsewhere / 'own.py').write_text(f"_base_ = '{STEM}.py'")
    assert find_config(f'{STEM}.py').resolve() == elsewhere / f'{STEM}.py'
    assert load_config('own.py').mine == 1
    assert find_config(STEM) == config_root() / INNER


def test_a_name_that_is_near_is_said(elsewhere):
    name = STEM.replace('aflw', 'afwl')
    with pytest.raises(MissingFileError, match=f'shipped ones of a near name: {STEM}, '):
        find_config(name)
    (elsewhere / 'own.py').write_text(f"_base_ = 'mmpose_lite::{name}'")
    with pytest.raises(InputError, match=rf"own\.py': _base_='mmpose_lite::{name}' is .*: {STEM},"):
        load_config('own.py')


@pytest.mark.parametrize(
    'name', ['default_runtime.py', '../configs/_base_/default_runtime.py', 'other::a/b.py', 'aflw']
)
def test_what_is_no_name_of_a_shipped_config(elsewhere, name):
    with pytest.raises(MissingFileError):
        find_config(name)
    (elsewhere / 'own.py').write_text(f"_base_ = '{name}'")
    with pytest.raises(InputError, match=r"config 'own\.py': "):
        load_config('own.py')


@pytest.mark.parametrize(
    ('name', 'kind'),
    [
        ('model.onnx', 'is an exported file by its name'),
        ('best.pth', 'is a checkpoint by its name'),
        ('face.jpg', 'is no config by its name'),
        ('folder', 'is a folder, not a file'),
    ],
)
def test_a_file_of_another_kind_in_the_place_of_a_config(elsewhere, name, kind):
    (elsewhere / 'folder').mkdir()
    if name != 'folder':
        (elsewhere / name).write_bytes(b'content')
    for given in (name, str(elsewhere / name)):
        with pytest.raises(InputError, match=rf"config '.*{name}' {kind}; .* end in \.py, \.json,"):
            find_config(given)
        assert not is_config(given)


def test_a_shipped_config_is_found_beside_a_folder_of_its_name(elsewhere):
    (elsewhere / STEM).mkdir()  # as `work_dirs` has it
    assert find_config(STEM) == config_root() / INNER


@pytest.mark.parametrize('name', ['own.py', STEM])
def test_a_config_in_the_place_of_a_checkpoint(elsewhere, name):
    (elsewhere / 'own.py').write_text('a = 1')
    for check in (check_checkpoint, partial(check_model, STEM)):
        with pytest.raises(InputError, match=f"checkpoint '{name}' is a config by its name: "):
            check(name)


def test_files_beside_the_shipped_configs_are_none():
    root = config_root()
    outside = next(path for path in root.parent.glob('*.py'))
    assert find_shipped_config(outside.name) is None
    assert find_shipped_config(str(root / INNER)) == root / INNER


def test_no_two_shipped_configs_have_one_name():
    stems = [path.stem for path in shipped_configs()]
    assert len(set(stems)) == len(stems) > 10
