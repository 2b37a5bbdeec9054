"""The tools themselves: what they refuse, what they may be told to trust, and what they run."""

import os
from contextlib import suppress

import numpy as np
import pytest
import torch
from pickling import call, content, zipped
from second_order import second_order_files

from mmpose_lite.apis import inference_topdown, init_model
from mmpose_lite.checkpoints import read_checkpoint, trusting
from mmpose_lite.checkpoints.reading import is_trusted
from mmpose_lite.cli.test import main as run_test
from mmpose_lite.cli.train import main as run_train

pytestmark = pytest.mark.usefixtures('as_new_process')


@pytest.fixture
def canary(tmp_path):
    return tmp_path / 'canary'


@pytest.fixture
def evil(tmp_path, canary):
    """A file that makes the canary where it is read without looking at it."""
    path = tmp_path / 'evil.pth'
    code = f'open({str(canary)!r}, "w").close()'
    path.write_bytes(zipped(content(call('builtins exec', code))))
    return path


@pytest.fixture
def with_pretrained(tmp_path, tiny_config):
    """Writes a config whose backbone starts from a file."""

    def write_config(path):
        start = (
            f"dict(_delete_=True, type='Pretrained', checkpoint={str(path)!r}, prefix='backbone')"
        )
        config = tmp_path / 'pretrained.py'
        config.write_text(
            f'_base_ = [{str(tiny_config)!r}]\nmodel = dict(backbone=dict(init_cfg={start}))\n'
        )
        return config

    return write_config


def command(kind, config, path, folder):
    """The tool, and the arguments by which it reads a file."""
    given = {'test': [path], 'resume': ['--resume', path], 'pretrained': []}
    rest = given.get(kind, ['--cfg-options', f'load_from={path}'])
    main = run_test if kind == 'test' else run_train
    return main, [str(each) for each in (config, *rest, '--work-dir', folder)]


@pytest.mark.parametrize('kind', ['test', 'train', 'resume', 'pretrained'])
def test_a_tool_ends_with_one_line(tmp_path, tiny_config, with_pretrained, evil, canary, kind):
    config = with_pretrained(evil) if kind == 'pretrained' else tiny_config
    main, given = command(kind, config, evil, tmp_path / 'run')
    with pytest.raises(SystemExit) as caught:
        main(given)
    message = str(caught.value.code)
    assert message.startswith(f"error: checkpoint '{evil}' is refused: builtins.exec (at meta); ")
    assert '--trust-checkpoint' in message
    assert len(message.splitlines()) == 1
    assert not canary.exists()


@pytest.mark.parametrize('kind', ['test', 'train', 'resume'])
def test_trust_reads_the_named_file_and_says_so(tmp_path, tiny_config, evil, canary, capfd, kind):
    main, given = command(kind, tiny_config, evil, tmp_path / 'run')
    with suppress(SystemExit):  # it has run, and its weights fit nothing
        main([*given, '--trust-checkpoint'])
    assert canary.exists()
    warning = next(line for line in capfd.readouterr().out.splitlines() if 'is trusted' in line)
    assert f"WARNING - '{evil}' is trusted" in warning
    assert not is_trusted(str(evil))


def test_trust_reads_the_files_of_init_cfg_too(tmp_path, with_pretrained, evil, canary, capfd):
    main, given = command('pretrained', with_pretrained(evil), None, tmp_path / 'run')
    with suppress(SystemExit):  # it has run, and its weights fit nothing
        main([*given, '--trust-checkpoint'])
    assert canary.exists()
    assert f"WARNING - '{evil}' is trusted" in capfd.readouterr().out
    assert not is_trusted(str(evil))


def test_trust_is_for_the_named_files_alone(tmp_path, with_pretrained, evil, canary):
    """Not for what a folder has."""
    folder = tmp_path / 'run'
    folder.mkdir()
    evil.rename(folder / 'epoch_1.pth')
    config = with_pretrained(tmp_path / 'start.pth')
    given = [str(config), '--resume', '--work-dir', str(folder)]
    with pytest.raises(SystemExit, match='1 checkpoints, and none of them is sound'):
        run_train([*given, '--trust-checkpoint'])
    assert not canary.exists()


def test_trust_in_a_context_is_for_its_files_alone(evil, canary):
    with trusting('a.pth', 'https://example.org/b.pth'):
        assert is_trusted('./a.pth')
        assert is_trusted('https://example.org/b.pth')
        with trusting():
            assert is_trusted('a.pth')
        with pytest.raises(ValueError, match=r'builtins\.exec'):
            read_checkpoint(str(evil))
    assert not is_trusted('a.pth')


def test_trust_without_a_file_is_an_error(tmp_path, tiny_config):
    with pytest.raises(SystemExit, match='--trust-checkpoint: no checkpoint is named'):
        run_train([str(tiny_config), '--resume', '--trust-checkpoint', '--work-dir', str(tmp_path)])


def test_a_model_is_built_from_a_trusted_file_only_when_told(tmp_path, tiny_config, canary):
    model = init_model(tiny_config, device='cpu')
    path = tmp_path / 'odd.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {'x': Odd(str(canary))}}, path)
    with pytest.raises(ValueError, match=r'odd\.pth.*is refused: \w+\.mkdir \(at x\)'):
        init_model(tiny_config, str(path), device='cpu')
    assert not canary.exists()
    init_model(tiny_config, str(path), device='cpu', trust_checkpoint=True)
    assert canary.exists()


def test_a_description_of_points_replaces_nothing_of_the_callers(tmp_path, tiny_config, canary):
    """The pipeline's keys are the caller's, whatever the checkpoint's metainfo says."""
    model = init_model(tiny_config, device='cpu')
    image, boxes = np.full((80, 80, 3), 99, np.uint8), [[10, 10, 60, 60]]
    wanted = inference_topdown(model, image, boxes)[0].pred_instances.keypoints
    meta = {**model.dataset_meta, 'img': None, 'img_path': str(canary), 'bbox': [[0, 0, 9, 9]]}
    path = tmp_path / 'odd.pth'
    torch.save({'state_dict': model.state_dict(), 'meta': {'dataset_meta': meta}}, path)
    model = init_model(tiny_config, str(path), device='cpu')
    assert model.dataset_meta['img_path'] == str(canary)
    assert np.array_equal(
        inference_topdown(model, image, boxes)[0].pred_instances.keypoints, wanted
    )


class Odd:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize(
    'kind',
    [*(pytest.param(kind, marks=pytest.mark.slow) for kind in ('test', 'train')), 'resume'],
)
def test_nothing_that_plain_data_says_is_done(tmp_path, tiny_config, trained, canary, kind):
    """A whole run from a file with all texts, types and paths that others interpret."""
    good = torch.load(trained.checkpoint, weights_only=True)
    for key in ('position', 'ranks'):
        good.pop(key, None)
    del good['meta']['mmpose_lite']
    good['meta'].update(epoch=0, iter=0)
    beside = tmp_path / 'beside.pth'
    for path in (canary, beside):
        path.write_text('precious')
    path = tmp_path / 'plain.pth'
    torch.save(second_order_files(str(canary), good)['all'], path)
    main, given = command(kind, tiny_config, path, tmp_path / 'run')
    main(given)
    assert canary.read_text() == 'precious'
    assert beside.read_text() == 'precious'
    assert kind == 'test' or (tmp_path / 'run' / 'epoch_2.pth').is_file()
