"""The end of a training's log: the best and the last epoch. And what the best is chosen on."""

import pytest

from helpers.exact_runs import BY_ITERATION, make_config, train
from mmpose_lite.apis import load_config
from mmpose_lite.engine.preflight import about_held_out, about_selection
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation.metrics import NME
from mmpose_lite.structures import config_root

pytestmark = pytest.mark.usefixtures('as_new_process')

AFLW = config_root() / 'face_2d_keypoint' / 'topdown_heatmap' / 'aflw'
PLAIN = AFLW / 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py'
WITH_SPLIT = PLAIN.with_name(f'{PLAIN.stem}_val-split.py')


@pytest.fixture
def find_errors(monkeypatch):
    """Make the next validations find certain errors."""

    def find(*errors):
        left = list(errors)

        def evaluate(metric, size):
            metric.results.clear()
            error = left.pop(0)
            return {'NME': error, 'NME_frontal': error / 2}

        monkeypatch.setattr(NME, 'evaluate', evaluate)

    return find


def last_lines(capsys):
    lines = capsys.readouterr().out.splitlines()
    found = [line.split('INFO - ')[1] for line in lines if 'INFO - best epoch' in line]
    return found + [line.split('INFO - ')[1] for line in lines if 'INFO - last' in line]


def without_loss(*lines):
    return [line.partition(', val_loss')[0] for line in lines]


def test_the_best_and_the_last_epoch_with_all_their_metrics(tmp_path, find_errors, capsys):
    find_errors(0.3, 0.125, 0.25)
    train(make_config(tmp_path), tmp_path / 'run')
    best, last = last_lines(capsys)
    assert best.startswith('best epoch 2 of 3, by NME: NME 0.125, NME_frontal 0.0625, val_loss 0.0')
    assert best.endswith('; best_NME_epoch_2.pth')
    assert last.startswith('last epoch 3 of 3: NME 0.25, NME_frontal 0.125, val_loss 0.0')


@pytest.mark.slow
def test_a_resumed_run_reports_on_the_whole(tmp_path, find_errors, as_new_process, capsys):
    cfg = make_config(tmp_path, train_cfg__max_epochs=2)
    find_errors(0.125, 0.3)
    train(cfg, tmp_path / 'run')
    as_new_process()
    capsys.readouterr()
    # The last checkpoint was saved before its validation, which is made again.
    find_errors(0.3, 0.25)
    train(make_config(tmp_path), tmp_path / 'run', resume=True)
    best, last = without_loss(*last_lines(capsys))
    assert best == 'best epoch 1 of 3, by NME: NME 0.125, NME_frontal 0.0625'
    assert last == 'last epoch 3 of 3: NME 0.25, NME_frontal 0.125'


@pytest.mark.slow
def test_runs_by_iteration_name_iterations(tmp_path, find_errors, capsys):
    find_errors(0.3, 0.25, 0.5)
    train(make_config(tmp_path, **BY_ITERATION), tmp_path / 'run')
    lines = capsys.readouterr().out
    assert 'best iteration 8 of 12, by NME: NME 0.25, ' in lines
    assert 'last iteration 12 of 12: NME 0.5, ' in lines


@pytest.mark.slow
def test_without_save_best_there_is_a_last_epoch_only(tmp_path, find_errors, capsys):
    cfg = make_config(
        tmp_path, default_hooks__checkpoint={'type': 'CheckpointHook', '_delete_': True}
    )
    find_errors(0.3, 0.125, 0.25)
    train(cfg, tmp_path / 'run')
    (last,) = without_loss(*last_lines(capsys))
    assert last == 'last epoch 3 of 3: NME 0.25, NME_frontal 0.125'


@pytest.mark.slow
def test_what_the_best_epoch_is_chosen_on_is_said_once(tmp_path, capsys):
    train(make_config(tmp_path), tmp_path / 'run')
    lines = [line for line in capsys.readouterr().out.splitlines() if 'chosen on test' in line]
    (line,) = lines
    assert 'INFO' in line
    assert 'save_best: NME of face_landmarks_aflw_test.json' in line
    assert str(WITH_SPLIT.relative_to(config_root().parent)) in line


def test_the_config_with_the_split_tests_on_faces_of_its_own():
    assert about_selection(load_config(PLAIN), 'NME') is not None
    cfg = load_config(WITH_SPLIT)
    assert about_selection(cfg, 'NME') is None
    cfg.test_dataloader = cfg.val_dataloader
    assert 'a test_share beside the val_share holds out faces' in about_selection(cfg, 'NME')
    cfg = load_config(WITH_SPLIT)
    # Only the two loaders differ from the config that it varies.
    plain, ours = load_config(PLAIN), load_config(WITH_SPLIT)
    differing = {key for key in ours if ours[key] != plain.get(key)}
    assert differing == {'held_out', 'train_dataloader', 'val_dataloader'}
    assert cfg.train_dataloader.dataset.train_val_split == {'part': 'train', 'val_share': 0.1}
    assert cfg.val_dataloader.dataset.train_val_split == {'part': 'val', 'val_share': 0.1}
    assert cfg.val_dataloader.dataset.ann_file == cfg.train_dataloader.dataset.ann_file


def test_parts_of_one_file_are_not_the_same_faces():
    loader = {'dataset': {'ann_file': 'a.json', 'pipeline': [], 'train_val_split': {'part': 'val'}}}
    other = {'dataset': {**loader['dataset'], 'train_val_split': {'part': 'train'}}}
    assert about_selection({'val_dataloader': loader, 'test_dataloader': other}, 'NME') is None
    assert about_selection({'val_dataloader': loader, 'test_dataloader': loader}, ['NME', 'PCK'])
    assert about_selection({'val_dataloader': loader}, 'NME') is None


def loaders(train, val):
    """A config whose training and validation read one file; each has further settings."""
    dataset = {'ann_file': 'a.json', 'pipeline': []}
    roles = {'train': train, 'val': val}
    return {f'{role}_dataloader': {'dataset': {**dataset, **more}} for role, more in roles.items()}


TRAIN, VAL, MORE = ({'part': 'train'}, {'part': 'val'}, {'part': 'val', 'val_share': 0.3})


@pytest.mark.parametrize(('train', 'val'), [(None, VAL), (TRAIN, None), (TRAIN, MORE), (VAL, VAL)])
def test_a_split_that_does_not_hold_out_is_refused(train, val):
    cfg = loaders({'train_val_split': train}, {'train_val_split': val})
    with pytest.raises(InputError, match=r"a\.json' is split, but validation faces may be trained"):
        about_held_out(cfg)


def three(train, val, test):
    """A config of one file; each role has a part, or all."""
    shares = {'val_share': 0.2, 'test_share': 0.3}
    roles = {'train': train, 'val': val, 'test': test}
    dataset = {'ann_file': 'a.json', 'pipeline': []}
    return {
        f'{role}_dataloader': {
            'dataset': {**dataset, 'train_val_split': part and {**shares, 'part': part}}
        }
        for role, part in roles.items()
    }


def test_three_parts_are_held_apart():
    assert about_held_out(three('train', 'val', 'test')) is None
    assert about_selection(three('train', 'val', 'test'), 'NME') is None
    assert about_held_out(three('train', 'val', 'val')) is None
    assert about_selection(three('train', 'val', 'val'), 'NME') is not None
    # A part, and the whole that it is of.
    assert about_selection(three('train', 'val', None), 'NME') is not None


@pytest.mark.parametrize(
    ('roles', 'name'),
    [
        (('train', 'train', 'test'), 'validation'),
        (('train', 'val', 'train'), 'test'),
        (('train', 'val', None), 'test'),
        ((None, 'val', 'test'), 'validation'),
        (('test', 'val', 'test'), 'validation'),
    ],
)
def test_a_part_that_is_trained_on_is_not_tested(roles, name):
    with pytest.raises(InputError, match=f'is split, but {name} faces may be trained on'):
        about_held_out(three(*roles))


def test_parts_of_other_shares_have_photographs_in_common():
    cfg = three('train', 'val', 'test')
    cfg['test_dataloader']['dataset']['train_val_split'] = {'part': 'val', 'val_share': 0.1}
    assert about_selection(cfg, 'NME') is not None
    with pytest.raises(InputError, match=r"part='test' of the same .* and group"):
        about_held_out(cfg)


def test_testing_on_trained_faces_is_said():
    cfg = loaders({}, {'ann_file': 'b.json'})
    assert about_held_out(cfg) is None
    cfg['test_dataloader'] = cfg['train_dataloader']
    assert about_held_out(cfg).startswith('test faces are trained on')


def test_validating_on_trained_faces_is_said():
    assert about_held_out(loaders({}, {})).startswith('validation faces are trained on')
    assert about_held_out(loaders({'indices': [0, 2]}, {'indices': [1]})) is None
    split = {'part': 'val', 'val_share': 0.1}
    assert about_held_out(loaders({'train_val_split': TRAIN}, {'train_val_split': split})) is None
    assert about_held_out(load_config(PLAIN)) is None
