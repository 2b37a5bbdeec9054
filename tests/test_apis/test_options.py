"""Options of the tools, in one process and on two epochs."""

import json
import os
from contextlib import nullcontext
from importlib import import_module

import pytest
import torch
from torch.utils.data import DataLoader

from mmpose_lite.apis import load_config, train
from mmpose_lite.cli.convert_checkpoint import main as convert_checkpoint
from mmpose_lite.cli.test import _with_target
from mmpose_lite.cli.test import main as run_test
from mmpose_lite.cli.test import merge_args as merge_test_args
from mmpose_lite.cli.test import parse_args as parse_test_args
from mmpose_lite.cli.train import main as run_train
from mmpose_lite.cli.train import merge_args, parse_args
from mmpose_lite.datasets.samplers import InfiniteSampler
from mmpose_lite.engine import AmpOptimWrapper, PoseRunner, preflight
from mmpose_lite.errors import InputError

pytestmark = pytest.mark.usefixtures('as_new_process')


@pytest.fixture
def run(tiny_config, tmp_path, as_new_process):
    """Train as tools/train.py does; return the runner."""

    def run(*flags, work_dir='run', **options):
        as_new_process()
        options = {key.replace('__', '.'): value for key, value in options.items()}
        args = parse_args([str(tiny_config), '--work-dir', str(tmp_path / work_dir), *flags])
        return train(merge_args(load_config(args.config, options), args))

    return run


def log_of(folder, kind='loss'):
    """The lines of scalars that have a key, of all runs in a folder.

    Runs that begin in one second share a file, so runs cannot be told apart by file.
    """
    paths = sorted(folder.rglob('scalars.json'))
    lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
    return [line for line in lines if kind in line]


def weights(path):
    return torch.load(path, weights_only=True)['state_dict']


@pytest.mark.slow
def test_resumed_run_ends_with_the_weights_of_one_that_was_not_stopped(run, tmp_path, tiny_config):
    # Chance belongs to this: turns and mirrors of the second epoch must be the same.
    pipeline = list(load_config(tiny_config).train_pipeline)
    pipeline[2:2] = [{'type': 'RandomFlip'}, {'type': 'RandomBBoxTransform'}]
    same = {'train_dataloader.batch_size': 4, 'train_dataloader.dataset.pipeline': pipeline}
    run(train_cfg__max_epochs=2, work_dir='whole', **same)
    run(train_cfg__max_epochs=1, work_dir='parts', **same)
    runner = run('--resume', train_cfg__max_epochs=2, work_dir='parts', **same)
    assert (runner.epoch, runner.iter) == (2, 4)
    assert [line['epoch'] for line in log_of(tmp_path / 'parts')] == [1, 1, 2, 2]  # none twice
    whole, parts = (weights(tmp_path / name / 'epoch_2.pth') for name in ('whole', 'parts'))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.slow
def test_resumed_run_keeps_a_seed_that_was_drawn(run, tmp_path):
    drawn = {'randomness': {'seed': None}, 'train_dataloader.batch_size': 4}
    run(train_cfg__max_epochs=2, work_dir='whole', **drawn)
    first = tmp_path / 'whole' / 'epoch_1.pth'
    run('--resume', str(first), train_cfg__max_epochs=2, work_dir='parts', **drawn)
    whole, parts = (weights(tmp_path / name / 'epoch_2.pth') for name in ('whole', 'parts'))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_resume_from_a_named_checkpoint(run, tmp_path):
    run(train_cfg__max_epochs=2, work_dir='first')
    first = tmp_path / 'first' / 'epoch_1.pth'
    runner = run('--resume', str(first), train_cfg__max_epochs=2, work_dir='second')
    assert runner.epoch == 2
    assert [line['epoch'] for line in log_of(tmp_path / 'second')] == [2]


def test_resuming_looks_where_the_run_saves(run, tmp_path):
    elsewhere = {'default_hooks__checkpoint__out_dir': str(tmp_path / 'elsewhere')}
    run(train_cfg__max_epochs=1, **elsewhere)
    runner = run('--resume', 'latest', train_cfg__max_epochs=2, **elsewhere)
    assert runner.resumed_from == str(tmp_path / 'elsewhere' / 'run' / 'epoch_1.pth')
    assert runner.iter == 2
    kept = sorted(path.name for path in (tmp_path / 'elsewhere' / 'run').glob('*.pth'))
    assert 'epoch_2.pth' in kept


def test_resuming_where_there_is_nothing(run, tmp_path, capsys):
    run(train_cfg__max_epochs=1, work_dir='hrnet')
    near = f"; there are some in '{tmp_path}/hrnet'"
    nothing = f"--resume: '{tmp_path}/hrnt' has no checkpoint to resume from"
    with pytest.raises(InputError, match=f'^{nothing}{near}$'):
        run('--resume', 'latest', work_dir='hrnt')
    with pytest.raises(InputError, match=f'^{nothing}{near}$'):
        run('--resume', str(tmp_path / 'hrnt'), work_dir='other')
    capsys.readouterr()
    runner = run('--resume', work_dir='hrnt', train_cfg__max_epochs=1)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if 'BEGINS ANEW' in each]
    assert line.endswith(f'WARNING - {nothing}: THE RUN BEGINS ANEW{near}')
    assert runner.resumed_from is None


def test_resuming_from_a_folder(run, tmp_path):
    run(train_cfg__max_epochs=1, work_dir='first')
    runner = run('--resume', str(tmp_path / 'first'), train_cfg__max_epochs=2, work_dir='second')
    assert runner.resumed_from == str(tmp_path / 'first' / 'epoch_1.pth')


def test_amp_runs_on_a_cpu(run):
    runner = run('--amp', train_cfg__max_epochs=1)
    assert isinstance(runner.optim_wrapper, AmpOptimWrapper)
    assert runner.optim_wrapper.cast_dtype == torch.bfloat16
    scalars = runner.message_hub.log_scalars
    assert scalars['train/loss_kpt'].current() > 0
    assert all(value.dtype != torch.bfloat16 for value in runner.model.state_dict().values())


def test_a_config_of_mmpose_runs_as_it_is(run, tmp_path):
    runner = run(
        train_cfg__max_epochs=1, default_scope='mmpose', model__type='mmpose.TopdownPoseEstimator'
    )
    assert runner.default_scope.scope_name == 'mmpose_lite'
    assert len(log_of(tmp_path / 'run', 'NME')) == 1


def test_without_validation_there_is_no_best(run, tmp_path):
    runner = run('--no-validate', train_cfg__max_epochs=1)
    assert runner.val_loop is None
    assert log_of(tmp_path / 'run', 'NME') == []
    assert sorted(path.name for path in (tmp_path / 'run').glob('*.pth')) == ['epoch_1.pth']


@pytest.mark.parametrize(('flags', 'lr'), [((), 1e-2), (('--auto-scale-lr',), 1e-2 * 8 / 512)])
def test_learning_rate_follows_the_batch_on_demand(run, tmp_path, flags, lr):
    """The recipe is meant for a batch of 512, this run has 8."""
    run(*flags, train_cfg__max_epochs=1)
    assert log_of(tmp_path / 'run')[0]['lr'] == pytest.approx(lr)
    text = next((tmp_path / 'run').rglob('*.log')).read_text()
    assert ('batch of 512, this run has 8' in text) == (not flags)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['model.head.out_channels=20'], r'model\.head\.out_channels=20 .* 19 points'),
        (
            ['default_hooks.checkpoint.save_best=NMEE'],
            r"save_best='NMEE' is not among .*NME, NME_frontal",
        ),
        (['val_evaluator.norm_item=ear_size'], "'ear_size'"),
        (['train_dataloader.dataset.ann_file=gone.json'], r'ann_file=.*gone\.json'),
        (
            ['val_dataloader.dataset.subsets.frontal=gone.json'],
            r"subsets\['frontal'\]='gone\.json'",
        ),
        (['train_dataloader.dataset.data_root=nowhere'], r"data_root='nowhere'"),
    ],
)
def test_what_disagrees_ends_a_run_before_it_begins(tiny_config, tmp_path, options, message):
    arguments = [str(tiny_config), '--work-dir', str(tmp_path), '--cfg-options', *options]
    with pytest.raises(SystemExit, match=message) as caught:
        run_train(arguments)
    assert '\n' not in caught.value.code
    assert list(tmp_path.rglob('*.pth')) == []
    assert not any('Epoch' in path.read_text() for path in tmp_path.rglob('*.log'))


def test_a_missing_config_and_a_missing_checkpoint_are_named(tiny_config, tmp_path, as_new_process):
    with pytest.raises(SystemExit, match=r'gone\.py'):
        run_train(['gone.py'])
    work_dir = ['--work-dir', str(tmp_path)]
    with pytest.raises(SystemExit, match=r'gone\.pth'):
        run_test([str(tiny_config), str(tmp_path / 'gone.pth'), *work_dir])
    as_new_process()
    with pytest.raises(SystemExit, match=r'gone\.pth'):
        run_train([str(tiny_config), '--resume', str(tmp_path / 'gone.pth'), *work_dir])


@pytest.mark.parametrize(
    ('run', 'arguments'),
    [
        (run_train, ['--resume', 'a.pth', 'b.pth']),
        (run_test, ['a.pth', 'b.pth']),
        (run_test, ['a.pth', '--out', 'numbers.json', '--amp', 'b.pth']),
        (convert_checkpoint, ['a.pth', 'out.pth', 'b.pth']),
    ],
)
def test_two_files_for_one_checkpoint_are_named(run, arguments):
    config = [] if run is convert_checkpoint else ['config.py']
    with pytest.raises(
        SystemExit, match=r"one checkpoint is expected.*'a\.pth', 'b\.pth'"
    ) as caught:
        run([*config, *arguments])
    assert '\n' not in caught.value.code


def test_a_word_too_many_of_a_training_is_no_checkpoint(capsys):
    with pytest.raises(SystemExit):
        run_train(['config.py', 'work_dir'])
    assert 'unrecognized arguments: work_dir' in capsys.readouterr().err


def test_a_test_says_which_file_a_link_is(tmp_path):
    (tmp_path / 'best.pth').symlink_to('best_NME_epoch_3.pth')
    assert _with_target(f'{tmp_path}/best.pth') == f'{tmp_path}/best.pth -> best_NME_epoch_3.pth'
    assert _with_target('epoch_3.pth') == 'epoch_3.pth'


def test_a_pattern_for_two_writes_over_neither(tmp_path):
    for name in ('a.pth', 'b.pth'):
        (tmp_path / name).write_text(name)
    with pytest.raises(SystemExit, match=r"b\.pth' already exists next to '.*a\.pth'"):
        convert_checkpoint([str(tmp_path / 'a.pth'), str(tmp_path / 'b.pth')])
    assert (tmp_path / 'b.pth').read_text() == 'b.pth'


def test_an_option_that_there_is_not_is_still_told(capsys):
    with pytest.raises(SystemExit):
        run_test(['config.py', 'a.pth', '--aamp', 'b.pth'])
    assert 'unrecognized arguments: --aamp b.pth' in capsys.readouterr().err


IMPOSSIBLE = ('file/deep', '/proc/here', 'n' * 300, 'nul\0', 'dangling')


@pytest.mark.parametrize('place', IMPOSSIBLE)
@pytest.mark.parametrize('option', ['--work-dir', '--out', '--dump', '--report'])
def test_where_nothing_can_be_written_is_said_first(tmp_path, option, place, monkeypatch):
    """Before the config is even read, where the command line names the place."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_text('')
    (tmp_path / 'dangling').symlink_to('gone/for/good')
    name = f'{place}/x.json' if option in ('--out', '--dump') else place
    before = sorted(tmp_path.rglob('*'))
    with pytest.raises(SystemExit, match='written') as caught:
        run_test(['gone.py', 'gone.pth', option, name])
    assert '\n' not in caught.value.code
    if option == '--work-dir':
        with pytest.raises(SystemExit, match='files cannot be written to'):
            run_train(['gone.py', option, name])
    assert sorted(tmp_path.rglob('*')) == before


@pytest.mark.parametrize(
    ('command', 'option', 'name'),
    [
        ('test CONFIG w.pth --out w.pth', '--out', 'w.pth'),
        ('test CONFIG w.pth --out link.pth', '--out', 'link.pth'),
        ('test CONFIG w.pth --dump ANNOTATIONS', '--dump', 'face_landmarks_aflw_test.json'),
        ('test CONFIG w.pth --show-dir IMAGES', '--show-dir', 'images'),
        ('train CONFIG --show-dir IMAGES', '--show-dir', 'images'),
        ('test CONFIG w.pth --report here --cfg-options OF_METRICS', '--report', 'metrics.json'),
        ('check_data CONFIG --json CONFIG', '--json', 'tiny.py'),
        ('check_data CONFIG --json ANNOTATIONS', '--json', 'aflw_test.json'),
        ('check_data CONFIG --json a.json --manifest a.json', '--json', 'a.json'),
        (
            'check_data CONFIG --write-manifest --manifest ANNOTATIONS',
            '--manifest',
            'aflw_test.json',
        ),
        ('calibrate CONFIG --out CONFIG', '--out', 'tiny.py'),
        ('calibrate CONFIG --out ANNOTATIONS', '--out', 'aflw_test.json'),
        ('calibrate CONFIG --out a.json --detector file:a.json', '--out', 'a.json'),
        ('calibrate CONFIG --out a.onnx --detector yunet:a.onnx', '--out', 'a.onnx'),
        ('calibrate CONFIG w.pth --out here/../w.pth', '--out', 'w.pth'),
        ('adapt w.pth a.json --out w.pth', '--out', 'w.pth'),
        ('adapt w.pth a.json --out a.json', '--out', 'a.json'),
        ('bench a.onnx --out a.onnx', '--out', 'a.onnx'),
        (
            'convert to-coco --config CONFIG --split test --out ANNOTATIONS',
            '--out',
            'aflw_test.json',
        ),
        ('convert coco --labels here/faces.json --out here', '--out', 'faces.json'),
        ('convert coco --labels a.json --report a.json', '--report', 'a.json'),
        ('report here/metrics.json --out here', '--out', 'metrics.json'),
        ('demo here/model.onnx --out here', '--out', 'model.onnx'),
        ('export w.bin --format openvino --out .', '--out', 'w.bin'),
        ('predict CKPT here/pictures/x.png --out here', '--out', 'pictures'),
        ('predict CKPT x.png --boxes predictions.jsonl --out .', '--out', 'predictions.jsonl'),
        (
            'predict CKPT x.png --detector file:predictions.jsonl --out .',
            '--out',
            'predictions.jsonl',
        ),
    ],
)
def test_nothing_is_written_over_what_is_read(
    tiny_config, face_set, trained, tmp_path, monkeypatch, command, option, name
):
    """An error before anything is done names the file; a link to it is the file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'here' / 'pictures').mkdir(parents=True)
    files = ['w.pth', 'a.json', 'a.onnx', 'w.bin', 'predictions.jsonl']
    files += ['here/faces.json', 'here/metrics.json', 'here/model.onnx']
    for each in files:
        (tmp_path / each).write_text('mine')
    for each in ('x.png', 'here/pictures/x.png'):
        (tmp_path / each).write_bytes((face_set / 'images' / 'face1.png').read_bytes())
    (tmp_path / 'link.pth').symlink_to('w.pth')
    annotations = face_set / 'annotations' / 'face_landmarks_aflw_test.json'
    words = {'CONFIG': tiny_config, 'ANNOTATIONS': annotations, 'IMAGES': face_set / 'images'}
    words['CKPT'] = trained.checkpoint
    words['OF_METRICS'] = f'test_dataloader.dataset.ann_file={tmp_path}/here/metrics.json'
    tool, *arguments = command.split()
    main = import_module(f'mmpose_lite.cli.{tool}').main
    before = {path: path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()}
    with pytest.raises(SystemExit, match=rf'error: {option}: .*{name}.*name another') as caught:
        main([str(words.get(each, each)) for each in arguments])
    assert '\n' not in caught.value.code
    after = {path: path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()}
    assert after == before


@pytest.mark.parametrize('folder', ['', '..', 'annotations'])
def test_pictures_may_lie_beside_what_is_read(tiny_config, face_set, folder):
    """They go directly into their folder: only files there may be replaced."""
    args = parse_args([str(tiny_config), '--show-dir', str(face_set / folder)])
    cfg = load_config(tiny_config)
    if folder == 'annotations':
        with pytest.raises(InputError, match=r'--show-dir: .*\.json.* may be replaced'):
            merge_args(cfg, args)
    else:
        assert merge_args(cfg, args).default_hooks.visualization.out_dir


def test_two_results_of_a_test_are_two_files(tiny_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'w.pth').write_text('')
    for more in (['--dump', './a.json'], ['--report', '.', '--dump', 'metrics.json']):
        with pytest.raises(SystemExit, match=r'--dump .* is a file of --(out|report), too'):
            run_test([str(tiny_config), 'w.pth', '--out', 'a.json', *more])


def test_so_is_it_for_a_runner_of_ones_own(tiny_config, tmp_path):
    (tmp_path / 'file').write_text('')
    cfg = load_config(tiny_config)
    cfg.work_dir = str(tmp_path / 'file' / 'run')
    with pytest.raises(InputError, match=r"files cannot be written to '.*run': '.*file' is a file"):
        PoseRunner.from_cfg(cfg)


def test_pictures_need_a_place_too(tiny_config, tmp_path):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'some.pth').write_bytes(b'')
    arguments = [str(tiny_config), str(tmp_path / 'some.pth'), '--work-dir', str(tmp_path / 'run')]
    with pytest.raises(SystemExit, match='files cannot be written to'):
        run_test([*arguments, '--show-dir', str(tmp_path / 'file')])


@pytest.mark.parametrize('role', ['val', 'test'])
def test_a_test_of_no_weights_says_so(tiny_config, tmp_path, role, monkeypatch):
    """Also where those to start from, which are of other points or another network, are named."""
    cfg = load_config(tiny_config)
    cfg.work_dir = str(tmp_path)
    runner, said = PoseRunner.from_cfg(cfg), []
    monkeypatch.setattr(runner.logger, 'warning', said.append)
    getattr(runner, role)()
    assert [each for each in said if each.startswith('load_from names no checkpoint')] == [
        f'load_from names no checkpoint: the {role} is of the weights that the model was built with'
    ]
    cfg.load_from = 'faces19'
    with pytest.raises(InputError, match=r"'faces19' are weights to start from: in a test load_"):
        getattr(PoseRunner.from_cfg(cfg), role)()


@pytest.mark.parametrize('role', ['train', 'val', 'test'])
def test_a_loader_without_a_batch_is_refused(tiny_config, tmp_path, role, monkeypatch):
    """Of eight and five faces in batches of 16; nothing is saved, and nothing ends well."""
    options = {f'{role}_dataloader.batch_size': 16, f'{role}_dataloader.drop_last': True}
    cfg = load_config(tiny_config, options)
    cfg.work_dir = str(tmp_path)
    runner = PoseRunner.from_cfg(cfg)
    faces = 8 if role == 'train' else 5
    message = f"^{role}_dataloader has no batch: '.*json' has {faces} faces, for 1 process"
    with pytest.raises(InputError, match=f'{message}.*batch_size=16 and drop_last=True'):
        runner.test() if role == 'test' else runner.train()
    assert list(tmp_path.glob('*.pth')) == []


@pytest.mark.parametrize(
    ('faces', 'settings', 'world', 'is_empty'),
    [
        (4, {'batch_size': 2, 'drop_last': True}, 2, False),
        (3, {'batch_size': 2, 'drop_last': True}, 2, False),  # shared out as four
        (4, {'batch_size': 3, 'drop_last': True}, 2, True),
        (4, {'batch_size': 16}, 8, False),
        (0, {'batch_size': 2, 'sampler': []}, 1, True),
    ],
)
def test_which_loaders_have_no_batch(faces, settings, world, is_empty, monkeypatch):
    monkeypatch.setattr(preflight, 'get_world_size', lambda: world)
    loader = DataLoader(list(range(faces)), **settings)
    with pytest.raises(InputError) if is_empty else nullcontext():
        preflight.check_not_empty('train_dataloader', loader)


def test_an_endless_sampler_fills_any_batch():
    faces = list(range(4))
    loader = DataLoader(faces, batch_size=16, drop_last=True, sampler=InfiniteSampler(faces))
    preflight.check_not_empty('train_dataloader', loader)


def test_scaling_needs_a_base_batch(tiny_config, tmp_path):
    options = ['--auto-scale-lr', '--cfg-options', 'auto_scale_lr.base_batch_size=0']
    with pytest.raises(SystemExit, match='base_batch_size'):
        run_train([str(tiny_config), '--work-dir', str(tmp_path), *options])


def test_a_checkpoint_of_another_model_is_refused(tiny_config, trained, tmp_path):
    """A missing tensor would make the numbers of a test wrong."""
    content = torch.load(trained.checkpoint, weights_only=True)
    content['state_dict'].pop('head.final_layer.bias')
    lacking = tmp_path / 'lacking.pth'
    torch.save({'state_dict': content['state_dict'], 'meta': {}}, lacking)
    with pytest.raises(SystemExit, match=r'head\.final_layer\.bias'):
        run_test([str(tiny_config), str(lacking), '--work-dir', str(tmp_path)])


def test_dump_names_its_form(tiny_config, capsys):
    with pytest.raises(SystemExit):
        run_test([str(tiny_config), 'any.pth', '--dump', 'faces.csv'])
    assert '.json or .pkl' in capsys.readouterr().err


PICTURES = ['--show', '--show-dir', 'pictures', '--interval', '7', '--wait-time', '2.5']


@pytest.mark.parametrize('flags', [PICTURES[1:5], PICTURES])
@pytest.mark.parametrize('tool', ['train', 'test'])
def test_pictures_are_set_up_by_their_options(tiny_config, tool, flags):
    if tool == 'train':
        cfg = merge_args(load_config(tiny_config), parse_args([str(tiny_config), *flags]))
    else:
        args = parse_test_args([str(tiny_config), 'a.pth', *flags, '--badcase'])
        cfg = merge_test_args(load_config(tiny_config), args)
        assert cfg.default_hooks.badcase.enable is True
    hook = cfg.default_hooks.visualization
    assert (hook.enable, hook.out_dir, hook.interval) == (True, os.path.abspath('pictures'), 7)
    assert hook.show == ('--show' in flags)
    assert hook.get('wait_time') == (2.5 if '--show' in flags else None)
