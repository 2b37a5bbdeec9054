"""``mmpose-lite print-config``: the values of a config, and the files and lines they are from."""

import ast
import os
import re
import sys

import pytest
from mmengine.config import Config

from mmpose_lite.apis import load_config
from mmpose_lite.cli.print_config import main
from mmpose_lite.structures import config_root
from mmpose_lite.utils.config_utils import places, value_at
from mmpose_lite.utils.paths import shipped_configs

SHIPPED = shipped_configs()
AFLW = 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256'


def printed_by(capsys, *arguments):
    main(list(map(str, arguments)))
    return capsys.readouterr().out


def origins(capsys, *arguments):
    """The origin of each value, and the values, by their places."""
    rows = [
        re.fullmatch(r'(\S+) = (.*?) *  # (.*)', line)
        for line in printed_by(capsys, *arguments, '--origin').splitlines()
    ]
    return {row[1]: row[3] for row in rows}, {row[1]: row[2] for row in rows}


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_what_is_printed_reads_back(path, tmp_path, capsys):
    (tmp_path / 'config.py').write_text(printed_by(capsys, path))
    read = Config.fromfile(tmp_path / 'config.py').to_dict()
    assert read == load_config(path).to_dict()


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_each_value_of_a_shipped_config_has_a_file_and_a_line_that_sets_it(path, capsys):
    found, values = origins(capsys, path)
    cfg = load_config(path).to_dict()
    single = [key for key, value in places(cfg) if not isinstance(value, dict | list | tuple)]
    in_lists = [key for key in single if key not in found]
    assert all(any(key.startswith(f'{each}.') for each in found) for key in in_lists)
    for key, origin in found.items():
        assert repr(value_at(cfg, key.split('.'))) == values[key]
        file, line = origin.split(':')
        lines = (config_root().parent / file).read_text().splitlines()
        assert 1 <= int(line) <= len(lines)
    # Values that stand beside their names stand in that line, or a variable does.
    for key in ('model.backbone.type', 'optim_wrapper.optimizer.lr', 'train_cfg.max_epochs'):
        file, line = found[key].split(':')
        text = (config_root().parent / file).read_text().splitlines()[int(line) - 1]
        if re.search(r'(\*\*|^\w+ = )_base_\.\w+', text):  # all items of a base's dict
            continue
        written = re.search(rf'{key.rpartition(".")[2]}=([^,)\s]+)', text)[1]
        is_variable = re.fullmatch(r'(_base_\.)?[a-z_]+', written)
        assert is_variable or ast.literal_eval(written) == value_at(cfg, key.split('.'))


BASE = """\
default_scope = 'mmpose_lite'
codec = dict(type='A', sigma=2, sizes=(1, 2))
model = dict(
    backbone=dict(type='B', depth=3, init_cfg=dict(type='Pretrained')),
    head=dict(type='H', decoder=codec),
    empty=dict(),
)
steps = [dict(type='Load'), dict(type='Flip', prob=0.5)]
train_dataloader = dict(dataset=dict(pipeline=steps), batch_size=4)
env_cfg = dict(mp_cfg=dict(mp_start_method='fork'))
"""
CHILD = """\
_base_ = ['base.py', 'other.json']
model = dict(
    backbone=dict(_delete_=True, type='C',
                  width=4),
    head=dict(decoder=_base_.codec),
)
train_dataloader = dict(batch_size=4)
my_list = [dict(a=1)]
my_list += [dict(b=2)]
env_cfg = dict(mp_cfg=dict(opencv_num_threads=0))
env_cfg['mp_cfg']['mp_start_method'] = 'spawn'
"""


@pytest.fixture
def child(tmp_path, monkeypatch):
    (tmp_path / 'base.py').write_text(BASE)
    (tmp_path / 'other.json').write_text('{"randomness": {"seed": 3}}')
    (tmp_path / 'child.py').write_text(CHILD)
    monkeypatch.chdir(tmp_path)
    return 'child.py'


def test_deleted_overridden_and_inherited_values(child, capsys):
    found, values = origins(capsys, child)
    assert found == {
        'default_scope': 'base.py:1',
        'codec.type': 'base.py:2',
        'codec.sigma': 'base.py:2',
        'codec.sizes': 'base.py:2',
        'model.backbone.type': 'child.py:3',
        'model.backbone.width': 'child.py:4',
        'model.head.type': 'base.py:5',
        'model.head.decoder.type': 'child.py:5',
        'model.head.decoder.sigma': 'child.py:5',
        'model.head.decoder.sizes': 'child.py:5',
        'model.empty': 'base.py:6',
        'steps.0.type': 'base.py:8',
        'steps.1.type': 'base.py:8',
        'steps.1.prob': 'base.py:8',
        'train_dataloader.dataset.pipeline.0.type': 'base.py:8',
        'train_dataloader.dataset.pipeline.1.type': 'base.py:8',
        'train_dataloader.dataset.pipeline.1.prob': 'base.py:8',
        'train_dataloader.batch_size': 'child.py:7',  # the same value, set again
        'env_cfg.mp_cfg.mp_start_method': 'child.py:11',
        'env_cfg.mp_cfg.opencv_num_threads': 'child.py:10',
        'randomness.seed': 'other.json',
        'my_list.0.a': 'child.py:9',
        'my_list.1.b': 'child.py:9',
    }
    assert values['model.backbone.type'] == "'C'"
    assert values['env_cfg.mp_cfg.mp_start_method'] == "'spawn'"


def test_options_are_an_origin_and_so_is_what_they_reach(child, capsys):
    options = ('--cfg-options', 'codec.sigma=7', 'train_dataloader.batch_size=8')
    found, values = origins(capsys, child, *options)
    by_options = {key for key, origin in found.items() if origin == '--cfg-options'}
    assert by_options == {'codec.sigma', 'model.head.decoder.sigma', 'train_dataloader.batch_size'}
    assert values['model.head.decoder.sigma'] == '7'


def test_what_no_file_says_is_the_package_s(tmp_path, capsys):
    (tmp_path / 'own.json').write_text('{"randomness": {"seed": 3}}')
    found, _ = origins(capsys, tmp_path / 'own.json')
    assert found['default_scope'] == 'mmpose_lite, by default'
    assert found['randomness.seed'] == str(tmp_path / 'own.json')


def test_shipped_files_have_the_names_that_commands_take(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found, _ = origins(capsys, AFLW)
    assert found['model.backbone.type'].startswith('configs/_base_/models/hrnetv2_w18.py:')


def test_a_config_that_imports_its_bases_has_no_origins(tmp_path):
    (tmp_path / 'base.py').write_text('seed = 1\n')
    imports = 'with read_base():\n    from .base import *\n'
    (tmp_path / 'lazy.py').write_text(f'from mmengine.config import read_base\n{imports}a = 1\n')
    with pytest.raises(SystemExit, match=r'lazy\.py. has no _base_ but imports'):
        main([str(tmp_path / 'lazy.py'), '--origin'])


def test_the_program_s_output_may_be_cut(processes, tmp_path):
    command = f'"{sys.executable}" -m mmpose_lite print-config {AFLW} --origin | head -1'
    where = str(config_root().parent)
    done = processes.run('bash', '-c', command, cwd=tmp_path, PYTHONPATH=where)
    (line,) = done.printed.removeprefix('loading torch\n').splitlines()
    assert os.sep not in line.partition('#')[0]


def test_the_log_of_options_is_not_in_the_config(processes, tmp_path):
    command = f'"{sys.executable}" -m mmpose_lite print-config {AFLW} --cfg-options codec.sigma=1'
    where = str(config_root().parent)
    done = processes.run('bash', '-c', f'{command} > own.py', cwd=tmp_path, PYTHONPATH=where)
    assert 'codec.sigma=1 also reaches model.head.decoder' in done.printed
    assert Config.fromfile(tmp_path / 'own.py').model.head.decoder.sigma == 1


def test_several_names_of_one_assignment_have_its_line(tmp_path, capsys):
    path = tmp_path / 'config.py'
    path.write_text("model, lr = dict(type='M'), 0.1\nfirst = 1\na, b = (first, 2)\n")
    found, _ = origins(capsys, path)
    lines = {key: origin.rpartition(':')[2] for key, origin in found.items()}
    del lines['default_scope']  # is added
    assert lines == {'model.type': '1', 'lr': '1', 'first': '2', 'a': '3', 'b': '3'}
