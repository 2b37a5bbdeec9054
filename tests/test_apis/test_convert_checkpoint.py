"""tools/convert_checkpoint.py: what it writes, what it says, and what it refuses."""

from pathlib import Path

import pytest
import torch

from helpers.foreign_names import BACKBONES, WHOLE, to_hrnet_face, to_imagenet, to_mmpose0
from helpers.seeding import seed_weights
from mmpose_lite.apis import init_model, load_config
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.archive import read_footer
from mmpose_lite.checkpoints.key_mapping import KEY_MAPPINGS
from mmpose_lite.cli.convert_checkpoint import convert_checkpoint, main
from mmpose_lite.cli.main import main as run_command
from mmpose_lite.errors import InputError
from mmpose_lite.registry import MODELS

NANS = torch.full((19,), torch.nan)
IMAGES = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope='module')
def model(tiny_config):
    model = MODELS.build(load_config(tiny_config).model).eval()
    seed_weights(model)
    return model


@pytest.fixture
def files(model, tmp_path):
    """Writes a state dict; the value are the names of a file to read and of one to write."""

    def write(state, meta=None):
        path = tmp_path / 'in.pth'
        torch.save(state if meta is None else {'state_dict': state, 'meta': meta}, path)
        return str(path), str(tmp_path / 'out' / 'converted.pth')

    return write


@pytest.mark.parametrize('form', WHOLE)
@pytest.mark.parametrize('told', [True, False])
@torch.no_grad()
def test_a_converted_model_gives_the_same_heatmaps(model, tiny_config, files, form, told):
    given, output = files(WHOLE[form](model.state_dict()))
    found, _ = convert_checkpoint(given, output, form if told else 'auto', str(tiny_config))
    assert found == form
    assert list(read_checkpoint(output)['state_dict']) == list(model.state_dict())
    other = init_model(tiny_config, output, device='cpu')
    assert torch.equal(other(IMAGES, mode='tensor'), model(IMAGES, mode='tensor'))


@pytest.mark.parametrize('form', BACKBONES)
def test_a_converted_backbone_has_the_same_tensors(model, tiny_config, files, form):
    given, output = files(BACKBONES[form](model.state_dict()))
    found, result = convert_checkpoint(given, output, config=str(tiny_config))
    assert found == form.partition('-branches')[0]
    state = read_checkpoint(output)['state_dict']
    wanted = model.backbone.state_dict()
    assert list(state) == list(wanted)
    assert all(torch.equal(state[name], wanted[name]) for name in wanted)
    assert len(result.left_out) == {'hrnet-imagenet': 17, 'timm': 5, 'timm-branches': 0}[form]


def test_what_is_written_is_sealed_and_describes_the_points(model, files):
    points = {'dataset_name': 'own', 'num_keypoints': 19}
    meta = {'dataset_meta': points, 'config': 'import os', 'epoch': 60, 'mmpose_version': '0.18'}
    given, output = files(to_mmpose0(model.state_dict()), meta)
    convert_checkpoint(given, output)
    assert not read_footer(output).resumable
    stored = torch.load(output, weights_only=True)
    assert stored.keys() == {'meta', 'state_dict'}
    assert stored['meta']['dataset_meta'] == points
    assert stored['meta']['converted_from'] == 'in.pth'
    assert 'config' not in stored['meta']


def test_views_are_written_without_what_they_look_at(model, files):
    state = model.state_dict()
    wide = torch.zeros(10_000_000)
    wide[:19] = state['head.final_layer.bias']
    given, output = files({**state, 'head.final_layer.bias': wide[:19]})
    convert_checkpoint(given, output)
    assert Path(output).stat().st_size < 5_000_000 < Path(given).stat().st_size


def test_it_says_what_was_taken_for_what(model, files, capsys):
    given, output = files(to_hrnet_face(model.state_dict()))
    main([given, output])
    lines = [' '.join(line.split()) for line in capsys.readouterr().out.splitlines()]
    heads = sum(name.startswith('head.conv_layers') for name in model.state_dict())
    assert lines == [
        'taken for a model of HRNet-Facial-Landmark-Detection (hrnet-face), tensors:',
        f'{len(model.backbone.state_dict())} * -> backbone.*',
        f'{heads} head.* -> head.conv_layers.*',
        '2 head.3.* -> head.final_layer.*',
        f'written: {output}',
    ]
    given, output = files(to_imagenet(model.state_dict()))
    main([given, output, '--from', 'hrnet-imagenet'])
    lines = [' '.join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert f'{len(model.backbone.state_dict())} * -> as it is' in lines
    assert '2 classifier.* -> left out' in lines
    assert any("init_cfg=dict(type='Pretrained'" in line for line in lines)


def test_counters_that_are_made_are_said(model, files, capsys):
    state = model.state_dict()
    old = {name: state[name] for name in state if not name.endswith('num_batches_tracked')}
    given, output = files(to_mmpose0(old))
    main([given, output])
    assert f'{len(state) - len(old)}' in capsys.readouterr().out.splitlines()[-2]
    assert set(read_checkpoint(output)['state_dict']) == set(state)


@pytest.mark.parametrize(
    ('change', 'arguments', 'message'),
    [
        ({'other.weight': torch.ones(1)}, [], r"in\.pth', taken for .*other\.weight is left over"),
        ({'head.3.bias': None}, [], r'1 faults: head\.final_layer\.bias is missing'),
        ({'stage2.0.branches.0.0.bn1.bias': None}, [], r'backbone\.stage2\..*bn1\.bias is missing'),
        ({'conv1.weight': 3}, [], r'backbone\.conv1\.weight is not a tensor'),
        ({}, ['--from', 'mmpose0'], r'taken for a model of MMPose 0\.x: \d+ faults: conv1'),
        ({'head.0.weight': None, 'head.1.running_mean': None}, [], r'head\.0\.bias is left over'),
        ({'head.3.bias': torch.ones(5)}, ['--config'], r'head\.final_layer\.bias is \(5,\)'),
        ({'head.3.bias': NANS}, [], r'1 faults: head\.final_layer\.bias has numbers .* not finite'),
        ({'head.3.bias': NANS}, ['--config'], r'head\.final_layer\.bias has numbers .* not finite'),
        ({'head.3.bias': NANS.isnan().long()}, [], r'bias is \(19,\) of whole numbers'),
        ({'head.3.bias': NANS.isnan().long()}, ['--config'], r'bias is \(19,\) of whole numbers'),
    ],
)
def test_what_is_left_over_or_missing_ends_it(
    model, tiny_config, files, change, arguments, message
):
    state = {**to_hrnet_face(model.state_dict()), **change}
    given, output = files({name: value for name, value in state.items() if value is not None})
    config = [str(tiny_config)] if '--config' in arguments else []
    with pytest.raises(SystemExit, match=message) as ended:
        main([given, output, *arguments, *config])
    assert len(str(ended.value).splitlines()) == 1
    assert not Path(output).exists()


@pytest.mark.parametrize('form', [*WHOLE, *BACKBONES])
@pytest.mark.parametrize('start', ['model.', 'module.', 'model.module.'])
def test_what_wraps_names_is_taken_off(model, files, form, start):
    state = {**WHOLE, **BACKBONES}[form](model.state_dict())
    given, output = files({'model': {f'{start}{name}': each for name, each in state.items()}})
    found, _ = convert_checkpoint(given, output)
    assert found == form.partition('-branches')[0]
    whole = form in WHOLE
    wanted = (model if whole else model.backbone).state_dict()
    assert read_checkpoint(output)['state_dict'].keys() == wanted.keys()


def test_a_network_of_ones_own_needs_its_config(model, tiny_config, files, tmp_path):
    config = tmp_path / 'own.py'
    head = 'dict(final_layer=None)'
    config.write_text(f'_base_ = [{str(tiny_config)!r}]\nmodel = dict(head={head})\n')
    state = {k: v for k, v in model.state_dict().items() if not k.startswith('head.final_layer')}
    given, output = files(state)
    with pytest.raises(InputError, match=r'head\.final_layer\.weight is missing'):
        convert_checkpoint(given, output)
    convert_checkpoint(given, output, config=str(config))
    assert read_checkpoint(output)['state_dict'].keys() == state.keys()


def test_files_of_no_known_form_are_named(files):
    given, output = files({f'layer.{i}.weight': torch.ones(1) for i in range(12)})
    with pytest.raises(
        InputError, match=r"in\.pth' is none of mmpose0, .*layer\.9\.weight, \.\.\.$"
    ):
        convert_checkpoint(given, output)
    given, output = files({})
    with pytest.raises(InputError, match='its names are none'):
        convert_checkpoint(given, output)
    with pytest.raises(InputError, match=r'OUT: .*in\.pth.* would be written over .*in\.pth'):
        convert_checkpoint(given, given)
    with pytest.raises(InputError, match='does not exist'):
        convert_checkpoint('none.pth', output)


def test_the_tool(processes, model, files, tmp_path):
    given, _ = files(to_mmpose0(model.state_dict()))
    printed = processes.run_tool('convert_checkpoint.py', given, 'new.pth', cwd=tmp_path)
    assert 'keypoint_head.final_layer.3.*' in printed
    assert read_footer(str(tmp_path / 'new.pth')) is not None


def test_it_is_a_command_too(capsys):
    with pytest.raises(SystemExit, match='0'):
        run_command(['convert_checkpoint', '--help'])
    printed = capsys.readouterr().out
    assert '--from' in printed
    assert all(key in printed for key in KEY_MAPPINGS)
