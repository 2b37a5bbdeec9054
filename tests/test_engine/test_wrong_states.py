"""Whatever is wrong in a sound checkpoint of plain data is one line that names file and key."""

from collections import Counter
from copy import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook

from helpers.exact_runs import make_config, train
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.writing import write_checkpoint
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.resumption import Resumption
from mmpose_lite.errors import InputError

NAN = float('nan')
GONE = object()  # takes the key away
ADAM, GROUP = ('optimizer', 'state', 0), ('optimizer', 'param_groups', 0)
LINEAR, STEPS = ('param_schedulers', 0), ('param_schedulers', 1)
PLACE, INFO = ('position',), ('message_hub', 'runtime_info')
RANDOM, STEP = ('ranks', 0, 'random'), ('ranks', 0, 'step')
FACTS = ('meta', 'trained_with')


def at(value, index, new):
    """A copy of a tensor with one other number."""
    value = value.clone(memory_format=torch.contiguous_format)
    value.view(-1)[index] = new
    return value


# Where, and what stands there instead: a value, or a function of the right one.
WRONG = [
    ((*ADAM, 'exp_avg'), torch.zeros(5)),
    ((*ADAM, 'exp_avg'), lambda right: right.transpose(0, -1)[..., :1]),
    ((*ADAM, 'exp_avg'), lambda right: right.long()),
    ((*ADAM, 'exp_avg'), lambda right: at(right, 3, NAN)),
    ((*ADAM, 'exp_avg'), lambda right: right.double() + 1e300),
    ((*ADAM, 'exp_avg'), [0.0]),
    ((*ADAM, 'exp_avg'), GONE),
    ((*ADAM, 'exp_avg_sq'), lambda right: at(right, 0, -1)),
    ((*ADAM, 'momentum_buffer'), torch.zeros(5)),
    *(((*ADAM, 'step'), each) for each in (NAN, -1, 1.5, torch.zeros(5), 'x', True)),
    (ADAM, None),
    (('optimizer', 'state'), []),
    (('optimizer', 'state', 9999), {}),
    (('optimizer', 'state', 'x'), {}),
    (('optimizer',), []),
    (('optimizer', 'param_groups'), 'x'),
    (('optimizer', 'param_groups'), lambda right: right * 2),
    ((*GROUP, 'params'), lambda right: right[1:]),
    ((*GROUP, 'params'), lambda right: [0, 0, *right[2:]]),
    ((*GROUP, 'params'), lambda right: ['x', *right[1:]]),
    *(((*GROUP, 'lr'), each) for each in (-1, NAN, 'x', True, None, [0.1])),
    *(((*GROUP, 'betas'), each) for each in ((0.9,), (0.9, 1.5), 'ab', (NAN, 0.9))),
    ((*GROUP, 'eps'), -1),
    ((*GROUP, 'initial_lr'), float('inf')),
    ((*GROUP, 'weight_decay'), '0'),
    ((*GROUP, 'weight_decay'), -0.1),
    ((*GROUP, 'amsgrad'), 'yes'),
    ((*GROUP, 'amsgrad'), True),  # without the state that goes with it
    (('param_schedulers',), {}),
    (('param_schedulers',), lambda right: right[:1]),
    (('param_schedulers', 0), lambda right: [right]),
    *(((*LINEAR, 'last_step'), each) for each in (10**9, True, 1.5, -2, 'x')),
    ((*LINEAR, '_global_step'), 10**9),
    ((*LINEAR, '_global_step'), GONE),
    ((*LINEAR, 'start_factor'), float('inf')),
    ((*LINEAR, 'start_factor'), 'x'),
    ((*LINEAR, 'total_iters'), 2.5),
    ((*LINEAR, 'base_values'), 'x'),
    ((*LINEAR, 'base_values'), [0.1, 0.1]),
    ((*LINEAR, '_last_value'), [NAN]),
    ((*LINEAR, 'param_name'), 'eps'),
    ((*LINEAR, 'by_epoch'), 1),
    ((*LINEAR, 'step'), 3),
    ((*STEPS, 'gamma'), NAN),
    ((*STEPS, '_global_step'), 4),  # after one epoch
    ((*STEPS, 'milestones'), Counter({'x': 1})),
    *(((*PLACE, 'epoch'), each) for each in (99, -1, True, 1.0, 'x', None)),
    *(((*PLACE, 'iter'), each) for each in (10**6, -1, False, 0)),
    *(((*PLACE, 'batch'), each) for each in (99, -1, 1.0)),
    ((*PLACE, 'validated'), 1),
    ((*PLACE, 'global_batch'), 0),
    ((*PLACE, 'face'), 0),
    (PLACE, [1, 2]),
    (('meta',), []),
    *((('meta', 'seed'), each) for each in ('x', -1, 2**40, True)),
    (('meta', 'epoch'), 'x'),
    (FACTS, []),
    ((*FACTS, 'data', 'batches'), 'x'),
    ((*FACTS, 'optimizer'), ['SGD']),
    ((*FACTS, 'schedulers'), ['LinearLR', 'StepLR']),
    (('message_hub',), []),
    (('message_hub', 'log_scalars'), []),
    (('message_hub', 'log_scalars', 'train/loss', 'log_history'), 'x'),
    (('message_hub', 'log_scalars', 'train/loss', 'max_length'), -1),
    (('message_hub', 'resumed_keys'), GONE),
    (('message_hub', 'resumed_keys', 'iter'), 'x'),
    ((*INFO, 'last_ckpt'), 5),
    ((*INFO, 'best_score'), 'x'),
    ((*INFO, 'best_score'), NAN),
    ((*INFO, 'skipped_losses'), 'x'),
    ((*INFO, 'last_validation'), {'when': 3}),
    ((*INFO, 'bad_images'), {}),
    (('hooks',), {}),
    (('hooks', 0), lambda right: {**right, 'type': 1}),
    *((('hooks', 0, 'state', 'wait_count'), each) for each in (-1, 'x', True, GONE)),
    (('hooks', 0, 'state', 'best_score'), NAN),
    (('hooks', 1, 'state'), {'other': 1}),
    (('ranks',), {}),
    (RANDOM, GONE),
    (RANDOM, lambda right: {**right, 'numpy': right['python']}),
    ((*RANDOM, 'python', 'version'), 2),
    ((*RANDOM, 'python', 'words'), lambda right: right[:-1]),
    ((*RANDOM, 'python', 'words'), lambda right: at(right, 624, 999)),
    ((*RANDOM, 'python', 'words'), lambda right: at(right, 0, -1)),
    ((*RANDOM, 'python', 'gauss'), [1.0]),
    ((*RANDOM, 'numpy', 'state', 'pos'), 10**6),
    ((*RANDOM, 'numpy', 'state', 'key'), lambda right: right.double()),
    ((*RANDOM, 'numpy', 'has_gauss'), 2),
    ((*RANDOM, 'numpy', 'bit_generator'), 'PCG64'),
    ((*RANDOM, 'torch'), lambda right: right[:-8]),
    ((*RANDOM, 'torch'), lambda right: right.float()),
    ((*RANDOM, 'torch'), lambda right: torch.full_like(right, 255)),
    ((*STEP, 'refused'), 1),
    ((*STEP, 'gradients', 9999), torch.zeros(1)),
    ((*STEP, 'gradients', 0), torch.zeros(1)),
    ((*STEP, 'gradients', 0), lambda right: at(right, 0, NAN)),
    ((*STEP, 'gradients', 0), lambda right: right.long()),
    (('ema_state_dict',), []),
    (('ema_state_dict', 'steps'), torch.tensor(-1)),
    (('ema_state_dict', 'module.backbone.conv1.weight'), torch.zeros(1)),
    (('ema_state_dict', 'module.backbone.conv1.weight'), GONE),
    (('ema_state_dict', 'module.backbone.conv1.weight'), lambda right: at(right, 0, NAN)),
]


class CountHook(Hook):
    """Has a memory of its own; it comes after the checkpoint hook in mmengine's order."""

    priority = 'LOWEST'

    def __init__(self):
        self.count = 0

    def after_train_iter(self, runner, **kwargs):
        self.count += 1

    def state_dict(self):
        return {'count': self.count}

    def load_state_dict(self, state):
        self.count = state['count']


class Ready(Exception):
    """All is built, and nothing is loaded yet."""


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp('begun')


@pytest.fixture
def run(as_new_process, folder, tmp_path, monkeypatch):
    """A run that is about to resume, and what its checkpoint holds: 5 of 12 iterations."""
    cfg = make_config(
        folder,
        optim_wrapper__accumulative_counts=3,
        default_hooks__checkpoint__by_epoch=False,
        default_hooks__checkpoint__interval=5,
        custom_hooks=[
            {'type': 'EMAHook', 'ema_type': 'ExpMomentumEMA', 'momentum': 0.1},
            {'type': 'EarlyStoppingHook', 'monitor': 'NME', 'rule': 'less'},
        ],
    )
    file = folder / 'run' / 'iter_5.pth'
    if not file.exists():
        cfg.train_cfg.max_epochs = 2
        train(cfg, folder / 'run', hook=CountHook())
        as_new_process()
    cfg.train_cfg.max_epochs, cfg.resume, cfg.work_dir = 3, True, str(folder / 'run')

    def stop(runner):
        raise Ready

    monkeypatch.setattr(PoseRunner, 'load_or_resume', stop)
    runner, said = PoseRunner.from_cfg(cfg), []
    runner.register_hook(CountHook())
    with pytest.raises(Ready):
        runner.train()
    monkeypatch.setattr(runner.logger, 'warning', said.append)
    return SimpleNamespace(
        runner=runner,
        said=said,
        stored=torch.load(file, weights_only=True),
        read=read_checkpoint(str(file)),
        path=str(tmp_path / 'wrong.pth'),
    )


# What a message names in place of these.
OTHER_NAMES = {
    'amsgrad': 'max_exp_avg_sq',
    'bit_generator': 'numpy',
    'log_history': 'train/loss',
    'state': 'CountHook',
    'words': 'python',
}
# Of these it is the reader, or the hook of moving averages, that looks.
BY_FILE = ('log_scalars', 'ema_state_dict')


def resume(run, content, place):
    """From a file, or, to save time, from what its reader gave."""
    if set(BY_FILE) & set(place):
        write_checkpoint(content, run.path, resumable=True)
        run.runner.resume(run.path)
    else:
        Resumption(run.runner, content, run.path).run()


def changed(content, place, new):
    """Content with something else in a place; the rest is shared."""
    key, *rest = place
    content = copy(content)
    if rest:
        content[key] = changed(content[key], rest, new)
    elif new is GONE:
        del content[key]
    else:
        content[key] = new(content[key]) if callable(new) else new
    return content


def error_of(run, content, place):
    """Return the message about wrong content; any other error is a fault too."""
    try:
        resume(run, content, place)
    except InputError as error:
        return str(error)
    except Exception as error:
        return f'{type(error).__name__}\n{error}'
    return 'nothing'


@pytest.mark.slow
@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
def test_each_wrong_value_is_one_line(run):
    assert len(WRONG) > 100
    faults = []
    for place, new in WRONG:
        source = run.stored if set(BY_FILE) & set(place) else run.read
        text = error_of(run, changed(source, place, new), place)
        key = place[-1]
        named = key in (0, 1, 'x') or str(key) in text or OTHER_NAMES.get(key, '?') in text
        if not ("wrong.pth'" in text and named and '\n' not in text):
            faults.append((place, new, text))
    assert not faults, '\n'.join(map(str, faults))
    resume(run, run.stored, BY_FILE)
    runner = run.runner
    assert runner.train_loop.position.iter == 5
    assert sum('exp_avg' in each for each in runner.optim_wrapper.optimizer.state.values())
    assert [hook.count for hook in runner.hooks if isinstance(hook, CountHook)] == [5]


@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
def test_gradients_of_another_number_of_processes_are_dropped_and_it_is_said(run):
    run.read['ranks'] *= 2
    Resumption(run.runner, run.read, run.path).run()
    assert 'of 2 of its 3 batches in each of 2 process(es), are dropped' in run.said[-1]
    assert not any(each.grad.any() for each in run.runner.model.parameters())


@pytest.mark.filterwarnings('ignore:Detected call of `scheduler.step')
@pytest.mark.parametrize('maker', ['mmpose_lite', 'mmengine'])
def test_older_checkpoints_resume_too(run, maker):
    """Without the facts, the hooks and the end that are newer; what can be compared is."""
    content = run.read
    del content['meta']['trained_with'], content['hooks'], content['position']['stopped']
    if maker == 'mmengine':
        del content['ranks'], content['position']
    content['optimizer']['param_groups'][0]['initial_lr'] *= 2
    Resumption(run.runner, content, run.path).run()
    position = run.runner.train_loop.position
    assert (position.epoch, position.iter) == (1, 5)
    assert position.batch == (1 if maker == 'mmpose_lite' else 0)
    settings, *hooks = run.said
    assert settings.startswith(f"the settings of '{run.path}' stand, not the config's: lr=")
    assert [line.partition(' ')[0] for line in hooks] == ['EarlyStoppingHook(NME):', 'CountHook:']
    assert all(line.endswith('its memory begins anew') for line in hooks)
