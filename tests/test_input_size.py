"""One size of the network's input: it reaches crops, codecs and heads of every config."""

import re

import pytest
import torch
from mmengine.config import Config

from helpers.in_process import run_main
from mmpose_lite.apis import init_model, load_config
from mmpose_lite.checkpoints.loading import about_input_size
from mmpose_lite.checkpoints.serialization import restore_content
from mmpose_lite.cli.browse_dataset import main as browse
from mmpose_lite.cli.print_config import main as print_config
from mmpose_lite.cli.test import main as run_test
from mmpose_lite.cli.train import main as run_train
from mmpose_lite.engine import PoseRunner
from mmpose_lite.errors import InputError
from mmpose_lite.registry import MODELS
from mmpose_lite.utils.config_utils import about_keys, places
from mmpose_lite.utils.input_size import set_input_size
from mmpose_lite.utils.paths import config_root, shipped_configs

SHIPPED = shipped_configs()
QUICKSTART = 'configs/quickstart/td-hm_hrnetv2-w18_synthetic-aflw-128x128.py'
HEATMAPS = 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256'
DECONVS = 'td-hm_res50_8xb32-60e_coco-wholebody-face-256x256'
COORDINATES = 'td-reg_res50_8xb64-210e_wflw-256x256'


def sizes(cfg, name):
    return {tuple(value) for at, value in places(cfg.to_dict()) if at.endswith(f'.{name}')}


@pytest.mark.parametrize('path', SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_config_has_it_everywhere(path):
    for size, size_wh in ((128, (128, 128)), ((192, 256), (192, 256))):
        cfg = load_config(path, {'input_size': size})
        assert sizes(cfg, 'input_size') == {size_wh}
        assert sizes(cfg, 'heatmap_size') <= {(size_wh[0] // 4, size_wh[1] // 4)}
        head, pipeline = cfg.model.head, cfg.train_dataloader.dataset.pipeline
        encoders = [step.encoder for step in pipeline if step.type == 'GenerateTarget']
        assert [head.decoder] == encoders == [cfg.codec]
        assert sizes(cfg, 'in_featuremap_size') <= {(size_wh[0] // 32, size_wh[1] // 32)}
        makes_no_maps = head.type in ('RegressionHead', 'RTMCCHead')
        assert makes_no_maps or 'heatmap_size' in head.decoder
        assert head.type != 'RTMCCHead' or 'in_featuremap_size' in head
        assert about_keys(cfg) == []
        # What was written is read again as it is.
        assert set_input_size(cfg) == ''


def test_the_size_that_a_config_has_changes_nothing():
    assert load_config(HEATMAPS, {'input_size': 256}).to_dict() == {
        **load_config(HEATMAPS).to_dict(),
        'input_size': 256,
    }


@pytest.mark.parametrize('name', [HEATMAPS, DECONVS, COORDINATES])
@pytest.mark.parametrize('size', [128, (96, 160)], ids=str)
def test_networks_make_what_the_codec_expects(name, size):
    cfg = load_config(name, {'input_size': size})
    width, height = cfg.codec.input_size
    with torch.device('meta'):
        model = MODELS.build(cfg.model).eval()
        feats = model.extract_feat(torch.empty(1, 3, height, width))
        if name == COORDINATES:
            assert model.head.fc(feats[-1].flatten(1)).shape == (1, 2 * 98)
        else:
            maps = model.head.forward(feats)
            assert tuple(maps.shape[:1:-1]) == tuple(cfg.codec.heatmap_size)


def test_the_quick_start_trains_as_small_sets_do_on_the_faces_of_the_recipe():
    ours, base = load_config(QUICKSTART), load_config(HEATMAPS)
    codec = {'input_size': (128, 128), 'heatmap_size': (32, 32), 'unbiased': True}
    codec = {**base.codec.to_dict(), **codec}
    assert ours.codec.to_dict() == ours.model.head.decoder.to_dict() == codec
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        own, theirs = (cfg[loader].dataset.to_dict() for cfg in (ours, base))
        assert own.pop('data_root') != theirs.pop('data_root')
        steps = own.pop('pipeline'), theirs.pop('pipeline')
        assert own == theirs
        for step, other in zip(*steps, strict=True):
            changed = {'TopdownAffine': {'input_size'}, 'GenerateTarget': {'encoder'}}
            changed['RandomBBoxTransform'] = {'rotate_factor', 'scale_factor'}
            assert {key for key in step if step[key] != other[key]} == changed.get(
                step['type'], set()
            )
    small = Config.fromfile(config_root() / '_base_/schedules/small_set.py')
    assert ours.optim_wrapper.optimizer == small.optim_wrapper.optimizer


@pytest.fixture
def own(tmp_path):
    """A config of a user's own, on top of a shipped one."""
    path = tmp_path / 'own.py'
    base = f'mmpose_lite::face_2d_keypoint/topdown_heatmap/aflw/{HEATMAPS}.py'
    path.write_text(f"_base_ = '{base}'\n\ninput_size = (128, 160)\n")
    return path


def test_a_key_on_top_of_a_shipped_config(own):
    cfg = load_config(own)
    assert sizes(cfg, 'input_size') == {(128, 160)}
    assert sizes(cfg, 'heatmap_size') == {(32, 40)}
    assert cfg.codec.sigma == 2
    assert sizes(load_config(own, {'input_size': 64}), 'input_size') == {(64, 64)}


def test_a_config_that_is_handed_over_is_written_and_said(own, tmp_path, as_new_process, capsys):
    cfg = Config.fromfile(own)
    assert sizes(cfg, 'input_size') == {(256, 256)}
    cfg.work_dir = str(tmp_path / 'run')
    runner = PoseRunner.from_cfg(cfg)
    assert sizes(runner.cfg, 'input_size') == {(128, 160)}
    assert 'config rewritten: input_size=128x160 reaches ' in capsys.readouterr().out
    model = init_model(Config.fromfile(own), device='cpu')
    assert tuple(model.head.decoder.input_size) == (128, 160)


@pytest.mark.parametrize('size', [128, (192, 256)], ids=str)
def test_a_head_of_vectors_is_of_the_size(size):
    codec = {'type': 'SimCCLabel', 'input_size': (256, 256)}
    head = {'type': 'RTMCCHead', 'in_channels': 4, 'out_channels': 3, 'input_size': (256, 256)}
    head |= {'in_featuremap_size': (8, 8), 'decoder': codec}
    cfg = Config({'codec': codec, 'model': {'head': head}})
    cfg.input_size = size
    set_input_size(cfg)
    width, height = (size, size) if isinstance(size, int) else size
    assert cfg.model.head.in_featuremap_size == (width // 32, height // 32)
    x, y = MODELS.build(cfg.model.head)([torch.rand(1, 4, height // 32, width // 32)])
    assert (x.shape, y.shape) == ((1, 3, 2 * width), (1, 3, 2 * height))
    cfg.input_size = 100
    with pytest.raises(InputError, match=r'model\.head\.in_featuremap_size=.* parts of cells'):
        set_input_size(cfg)


def test_sizes_of_parts_of_others_follow():
    """Heads that know the size of their features, and a codec of several resolutions."""
    codecs = [{'type': 'X', 'input_size': (256, 256), 'heatmap_size': (n, n)} for n in (32, 64)]
    head = {'type': 'OwnHead', 'in_featuremap_size': (8, 8), 'input_size': (256, 256)}
    affine = {'type': 'TopdownAffine', 'input_size': [256, 256]}
    cfg = Config(
        {
            'model': {
                'backbone': {'type': 'OwnNet'},
                'head': {**head, 'decoder': codecs},
                'neck': {'type': 'OwnNeck', 'in_featuremap_size': (16, 16), 'simcc': 2.0},
            },
            'steps': [affine],
        }
    )
    cfg.input_size = (128, 192)
    said = set_input_size(cfg)
    assert said.startswith('input_size=128x192 reaches model.head.in')
    assert cfg.model.head.input_size == cfg.steps[0].input_size == (128, 192)
    assert cfg.model.head.in_featuremap_size == (4, 6)
    assert cfg.model.neck.in_featuremap_size == (8, 12)
    assert [codec.heatmap_size for codec in cfg.model.head.decoder] == [(16, 24), (32, 48)]


@pytest.mark.parametrize(
    ('size', 'said'),
    [
        (
            100,
            'input_size=100x100: the width is not a multiple of 32, the stride of model.backbone ',
        ),
        ((128, 100), r'the height is not a multiple of 32, .*\(HRNet\); near are 96 and 128$'),
        (16, 'near are 32$'),
        (-128, 'input_size=-128 is neither a side in pixels, such as 128, nor'),
        (128.0, 'input_size=128.0 is neither'),
        ('big', "input_size='big' is neither"),
        (True, 'input_size=True is neither'),
        ([128, 128, 3], r'input_size=\[128, 128, 3\] is neither'),
    ],
)
def test_what_cannot_be_a_size_is_named(size, said):
    with pytest.raises(InputError, match=said) as error:
        load_config(HEATMAPS, {'input_size': size})
    assert '\n' not in str(error.value)
    assert str(error.value).startswith(f"config '{HEATMAPS}': ")


def test_a_heatmap_that_does_not_divide_is_named():
    codec = {'type': 'MSRAHeatmap', 'input_size': (256, 256), 'heatmap_size': (64, 64)}
    model = {'backbone': {'type': 'OwnNet'}, 'head': {'decoder': codec}}
    cfg = Config({'input_size': 130, 'model': model})
    wanted = r'130x130: model\.head\.decoder\.heatmap_size=\(64, 64\) is for crops of 256x256, and'
    with pytest.raises(InputError, match=wanted):
        set_input_size(cfg)


def test_a_config_without_a_codec_is_named():
    cfg = Config({'input_size': 64, 'model': {'head': {'type': 'OwnHead'}}})
    with pytest.raises(InputError, match=r'input_size=64x64: the config has no codec'):
        set_input_size(cfg)
    assert set_input_size(Config({'model': {}})) == ''


def test_a_variable_of_that_name_that_agrees_is_one():
    """Also one that could not be set."""
    backbone = {'type': 'ResNet', 'depth': 18}
    head = {'type': 'RegressionHead', 'decoder': {'type': 'X', 'input_size': (100, 90)}}
    cfg = Config({'input_size': [100, 90], 'model': {'backbone': backbone, 'head': head}})
    assert set_input_size(cfg) == ''
    steps = [{'type': 'TopdownAffine', 'input_size': (64, 64)}]
    assert set_input_size(Config({'input_size': 64, 'train_pipeline': steps})) == ''


@pytest.mark.parametrize('name', ['128', '192x256'])
def test_a_command_line(name, capsys):
    print_config([HEATMAPS, '--cfg-options', 'codec.sigma=3', '--input-size', name])
    width, _, height = name.partition('x')
    text = capsys.readouterr().out
    assert f'input_size=({width}, {height or width})' in text
    assert 'sigma=3' in text
    assert '(256, 256)' not in text


def test_a_command_line_that_is_no_size(capsys):
    with pytest.raises(SystemExit, match='2'):
        print_config([HEATMAPS, '--input-size', '128px'])
    assert "'128px' is neither a side in pixels (128) nor WIDTHxHEIGHT" in capsys.readouterr().err


def test_the_origin_of_a_size(own, capsys):
    codec = r'\ncodec\.heatmap_size = \((\d+), \d+\) +# (.*)\n'
    print_config([str(own), '--origin'])
    heatmap, origin = re.search(codec, capsys.readouterr().out).groups()
    assert (heatmap, origin) == ('32', f'{own}:3')
    print_config([str(own), '--origin', '--input-size', '64'])
    heatmap, origin = re.search(codec, capsys.readouterr().out).groups()
    assert (heatmap, origin) == ('16', '--input-size')


def test_a_model_in_a_program(tiny_config):
    model = init_model(tiny_config, device='cpu', cfg_options={'input_size': (32, 64)})
    assert tuple(model.head.decoder.input_size) == (32, 64)


@pytest.mark.slow
def test_a_training_a_test_and_a_look(tiny_config, tmp_path):
    run_main(run_train, tiny_config, '--work-dir', 'run', '--input-size', 32, cwd=tmp_path)
    dumped = load_config(tmp_path / 'run' / 'tiny.py')
    assert dumped.input_size == 32
    assert sizes(dumped, 'input_size') == {(32, 32)}
    assert sizes(dumped, 'heatmap_size') == {(8, 8)}
    checkpoint = tmp_path / 'run' / 'epoch_2.pth'
    said = r'were trained on crops of 32x32, and those of this run are 64x64: --input-size 32x32 '
    same = run_main(run_test, tiny_config, checkpoint, '--input-size', 32, cwd=tmp_path)
    assert 'trained on crops' not in same
    other = run_main(run_test, tiny_config, checkpoint, cwd=tmp_path)
    assert re.search(f'WARNING - .*{said}', other)
    options = ('--dry-run', '--cfg-options', f'load_from={checkpoint}')
    begun = run_main(run_train, tiny_config, '--input-size', '64x96', *options, cwd=tmp_path)
    assert '19 points in crops of 64x96' in begun
    sheets = run_main(browse, tiny_config, '--input-size', 32, '--out', 'seen', cwd=tmp_path)
    assert sheets.strip().startswith('seen/tiny-train-transformed')


@pytest.mark.parametrize(
    ('text', 'is_said'),
    [
        ('codec = dict(input_size=(128, 128), sigma=2)', True),
        ('codec = dict(\n    input_size=(\n        128,\n        128,\n    ))', True),
        ("{'input_size': [128, 128], 'sigma': 2}", True),
        ('a = dict(input_size=(256, 256))', False),
        ('a = dict(input_size=(128, 128))\nb = dict(input_size=(64, 64))', False),
        ('input_size = 128', False),
        (None, False),
    ],
)
def test_the_size_of_a_checkpoint_where_it_tells(text, is_said):
    content = {'state_dict': {'weight': torch.ones(1)}, 'meta': {'cfg': text, 'input_size': 'x'}}
    restore_content(content, 'a.pth')
    assert 'cfg' not in content['meta']
    with torch.device('meta'):
        model = MODELS.build(load_config(HEATMAPS).model)
    said = about_input_size(model, content, 'a.pth')
    assert (said is not None) == is_said
    assert about_input_size(model, {}, 'a.pth') is None
