"""The text that a run leaves of its config: Python that reads back to the same values."""

import math
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from mmpose_lite.apis import load_config, train
from mmpose_lite.structures import config_root
from mmpose_lite.utils.config_text import ReadableConfig, config_text

CONFIGS = sorted(config_root().rglob('*.py'))


def read(text: str, folder: Path) -> Config:
    (folder / 'config.py').write_text(text)
    return Config.fromfile(folder / 'config.py')


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_read_back(path, tmp_path):
    cfg = Config.fromfile(path)
    text = ReadableConfig.of(cfg).pretty_text
    assert read(text, tmp_path).to_dict() == cfg.to_dict()


VALUES = {
    'empty': [{}, [], (), ''],
    'numbers': {'yes': True, 'none': None, 'small': 1e-5, 'big': 10**20, 'one': (1,)},
    'keys': {0: {'name': 'a', 'swap': ''}, 'a-b': 1, 'plain': [2]},
    'words': {'lambda': 1, 'type': 'X', 'class': 'Y'},
    'quotes': 'a "double" and a \'single\' one\nand \\ a line',
    'nested': [[(1, 2), [3.5]], [{'deep': [{'deeper': ({'a': 1},)}]}]],
    'long': {f'key_{i}': ['a rather long string'] * 4 for i in range(5)},
}


@pytest.mark.parametrize('name', VALUES)
def test_values_read_back(name, tmp_path):
    back = read(config_text({name: VALUES[name], 'other': 1}), tmp_path)
    assert back.to_dict() == {name: VALUES[name], 'other': 1}
    assert type(back.to_dict()[name]) is type(VALUES[name])


def test_numbers_that_are_no_literals_read_back(tmp_path):
    values = {'high': math.inf, 'low': -math.inf, 'nan': math.nan, 'array': np.float64(0.1)}
    back = read(config_text(values), tmp_path)
    assert (back.high, back.low, back.array) == (math.inf, -math.inf, 0.1)
    assert math.isnan(back.nan)


def test_layout():
    values = {'b': {'type': 'Adam', 'lr': 0.1}, 'a': [{'x': 'y' * 50}, {'x': 'z' * 50}]}
    assert config_text(values) == (
        'a = [\n'
        f"    dict(x='{'y' * 50}'),\n"
        f"    dict(x='{'z' * 50}'),\n"
        ']\n'
        "b = dict(lr=0.1, type='Adam')\n"
    )


def test_a_readable_config_is_the_same_config(tmp_path):
    cfg = read('a = dict(b=1)', tmp_path)
    readable = ReadableConfig.of(cfg)
    assert readable.filename == cfg.filename
    readable.a.b = 2
    assert cfg.a.b == 2
    copied = readable.copy()
    copied.a = 3
    assert (copied.pretty_text, readable.pretty_text) == ('a = 3\n', 'a = dict(b=2)\n')


@pytest.mark.usefixtures('as_new_process')
def test_a_run_never_formats_code_and_leaves_a_config_that_reads_back(
    tiny_config, tmp_path, monkeypatch
):
    def never(code, **settings):
        raise AssertionError('the text was formatted by yapf')

    monkeypatch.setattr('mmengine.config.config.FormatCode', never)
    cfg = load_config(tiny_config, {'work_dir': str(tmp_path), 'train_cfg.max_epochs': 1})
    runner = train(cfg)
    left = Config.fromfile(tmp_path / tiny_config.name)
    assert left.to_dict() == runner.cfg.to_dict()
    log = next(tmp_path.rglob('*.log')).read_text()
    assert runner.cfg.pretty_text in log
