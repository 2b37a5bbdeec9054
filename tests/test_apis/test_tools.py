"""tools/train.py and tools/test.py from end to end, on a tiny set that is learnt by heart."""

import json
import pickle
import re

import numpy as np
import pytest

from helpers.in_process import run_main
from mmpose_lite.apis import inference_topdown, init_model
from mmpose_lite.cli.test import main
from mmpose_lite.engine.base_runner import training_facts

# Answering every face with the mean of the eight has an NME of 0.086.
LEARNT = 0.06


@pytest.fixture(scope='module')
def tested(tmp_path_factory, tiny_config, trained):
    """The folder in which tools/test.py left its files, and what it printed."""
    folder = tmp_path_factory.mktemp('tested')
    outputs = ('--out', 'numbers.json', '--dump', 'deep/faces.json', '--show-dir', 'pictures')
    arguments = (tiny_config, trained.checkpoint, '--work-dir', 'run', *outputs)
    printed = run_main(main, *arguments, cwd=folder)
    return folder, printed


@pytest.fixture(scope='module')
def faces(tested):
    return json.loads((tested[0] / 'deep' / 'faces.json').read_text())


def test_training_learns_the_faces(trained):
    numbers = re.findall(r'Epoch\(val\) .*NME: ([\d.]+)', trained.printed)
    assert len(numbers) == 2
    assert float(numbers[-1]) < LEARNT
    assert list(trained.folder.glob('best_NME_epoch_*.pth'))
    assert 'loss_kpt' in trained.printed


def test_the_log_begins_with_the_rate_and_the_batch(trained):
    start = trained.printed.partition('Config:')[0].partition('Runtime environment:')[2]
    assert re.findall(r'training: (.*)', start) == ['lr: 0.01', 'base batch: 512', 'batch: 8']


@pytest.mark.parametrize(
    ('changes', 'facts'),
    [
        ({}, {'lr': 0.1, 'batch': 12}),
        ({'auto_scale_lr': {'base_batch_size': 6}}, {'lr': 0.1, 'base batch': 6, 'batch': 12}),
        (
            {'auto_scale_lr': {'base_batch_size': 6, 'enable': True}},
            {
                'lr': '0.1, which is scaled from the base batch to the batch',
                'base batch': 6,
                'batch': 12,
            },
        ),
        ({'optim_wrapper': {'a': {'optimizer': {'lr': 1}}}}, {'batch': 12}),
        ({'train_dataloader': None}, {}),
    ],
)
def test_what_the_log_begins_with(changes, facts):
    """In two processes; an optimizer of several parts has no one rate."""
    cfg = {'train_dataloader': {'batch_size': 6}, 'optim_wrapper': {'optimizer': {'lr': 0.1}}}
    found = training_facts({**cfg, **changes}, 2)
    assert found == {f'training: {name}': fact for name, fact in facts.items()}


def test_numbers_go_to_a_file(tested):
    numbers = json.loads((tested[0] / 'numbers.json').read_text())
    assert numbers['NME'] < LEARNT
    assert numbers['NME_frontal'] < LEARNT
    assert numbers['NME'] != numbers['NME_frontal']


def test_table_says_what_the_numbers_are(tested, trained):
    folder, printed = tested
    numbers = json.loads((folder / 'numbers.json').read_text())
    table = printed[printed.rindex(trained.checkpoint.name) :]
    assert re.search(r'flip test\s+on', table)
    for word in ('metric', 'normaliser', 'faces', 'points', 'side'):
        assert word in table
    rows = {name: re.search(rf'NME .*{name}.*', table).group() for name in ('full', 'frontal')}
    assert f'{100 * numbers["NME"]:.3f} %' in rows['full']
    assert re.search(r'\b5\b.*\b95\b', rows['full'])  # faces and points
    assert f'{100 * numbers["NME_frontal"]:.3f} %' in rows['frontal']
    assert re.search(r'\b2\b.*\b38\b', rows['frontal'])


def test_dump_has_a_row_a_face(tested, faces, tiny_config, trained):
    numbers = json.loads((tested[0] / 'numbers.json').read_text())
    assert faces['metrics'] == numbers
    assert faces['config'] == str(tiny_config)
    assert faces['checkpoint'] == str(trained.checkpoint)
    assert [row['id'] for row in faces['faces']] == [1, 2, 3, 4, 5]
    assert [row['subsets'] for row in faces['faces']] == [[], ['frontal'], [], ['frontal'], []]
    # The numbers can be had from the rows.
    pred, gt = (np.array([row[key] for row in faces['faces']]) for key in ('pred', 'gt'))
    side = np.array([row['bbox'][2] - row['bbox'][0] for row in faces['faces']])
    by_face = np.linalg.norm(pred - gt, axis=-1) / side[:, None]
    assert numbers['NME'] == pytest.approx(by_face.mean(), abs=1e-6)
    assert numbers['NME_frontal'] == pytest.approx(by_face[[1, 3]].mean(), abs=1e-6)


def test_pictures_are_written(tested):
    names = sorted(path.name for path in (tested[0] / 'pictures').iterdir())
    assert names == [f'face{i}_0.png' for i in range(5)]


def test_inference_gives_what_the_test_run_gave(faces, tiny_config, trained, face_set):
    model = init_model(tiny_config, str(trained.checkpoint), device='cpu')
    for row in faces['faces']:
        (sample,) = inference_topdown(model, row['img_path'], [row['bbox']])
        np.testing.assert_allclose(sample.pred_instances.keypoints[0], row['pred'], atol=1e-3)
        np.testing.assert_allclose(
            sample.pred_instances.keypoint_scores[0], row['scores'], rtol=1e-4
        )


@pytest.mark.usefixtures('as_new_process')
def test_dump_of_samples(tmp_path, tiny_config, trained, faces):
    out = tmp_path / 'samples.pkl'
    main(
        [str(tiny_config), str(trained.checkpoint), '--work-dir', str(tmp_path), '--dump', str(out)]
    )
    samples = pickle.loads(out.read_bytes())
    for sample, row in zip(samples, faces['faces'], strict=True):
        np.testing.assert_allclose(sample['pred_instances']['keypoints'][0], row['pred'], atol=1e-3)


@pytest.mark.quick('two ranks')
def test_two_processes_train_and_validate(processes, tmp_path, tiny_config):
    """Eight faces in batches of two by two ranks; every rank sees all rows of the five."""
    launcher = ('-m', 'torch.distributed.run', '--nproc_per_node', '2', '--standalone')
    printed = processes.run_tool(
        'train.py',
        tiny_config,
        '--launcher',
        'pytorch',
        '--work-dir',
        'run',
        '--cfg-options',
        'train_cfg.max_epochs=1',
        'train_dataloader.batch_size=2',
        cwd=tmp_path,
        launcher=launcher,
    )
    assert re.search(r'batch +4 faces \(2 processes of 2\)', printed)
    assert re.search(r'Epoch\(train\) +\[1\]\[2/2\]', printed)
    assert len(re.findall(r'Epoch\(val\) .*NME: [\d.]+', printed)) == 1  # logged by one rank
    assert (tmp_path / 'run' / 'epoch_1.pth').is_file()
    assert not (tmp_path / '.dist_test').exists()
