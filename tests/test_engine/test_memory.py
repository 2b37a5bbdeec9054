"""Memory of a step: its estimate, what is free, and errors that name a batch that would fit."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from helpers.exact_runs import digests, last_checkpoint, make_config, train
from mmpose_lite.engine import Muon, PoseRunner, loops, memory
from mmpose_lite.engine.memory import StepMemory, estimate_memory, free_host_memory
from mmpose_lite.engine.optimizer_states import state_copies
from mmpose_lite.errors import InputError

GB = 10**9
OF_A_GPU = torch.cuda.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB.')
OF_A_CPU = RuntimeError(
    "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
)


class Network(nn.Module):
    """A layer of four maps; its weights are (4 * 3 * 9 + 4 + 4 + 4) floats."""

    def __init__(self, size_wh):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.dropout = nn.Dropout(0.5)
        self.head = SimpleNamespace(decoder=SimpleNamespace(input_size=size_wh))

    def forward(self, inputs, samples=None, mode='tensor'):
        return torch.relu_(self.norm(self.conv(self.dropout(inputs))))


def runner_of(model, optimizer, **cfg):
    wrapper = SimpleNamespace(optimizer=optimizer)
    return SimpleNamespace(model=model, optim_wrapper=wrapper, cfg=cfg)


LOADER = SimpleNamespace(batch_size=8)


@pytest.mark.parametrize('size_wh', [(64, 64), (256, 256), (128, 192), (100, 60)])
def test_the_estimate_is_what_the_layers_keep(size_wh):
    model = Network(size_wh)
    found = estimate_memory(runner_of(model, torch.optim.Adam(model.parameters())), LOADER)
    pixels, weights = size_wh[0] * size_wh[1], 3 * 4 * 9 + 4 + 4 + 4
    # The crop, what the convolution gives, what the norm gives, and the gradients of the latter.
    # With a tenth of them for gaps in the heap.
    assert found.face == int(1.1 * 4 * pixels * (3 + 4 + 4 + 2 * 4))
    assert found.constant == 4 * weights * 3  # gradients, and two of Adam
    assert found.weights == 4 * (weights + 4 + 4) + 8  # statistics and a count
    assert found.peak(8) == found.weights + found.constant + 8 * found.face
    assert found.free > 0


def test_a_head_for_one_size_gets_crops_of_that(monkeypatch):
    model, sizes = Network((256, 192)), []
    forward = model.forward

    def keep(inputs, *args, **kwargs):
        sizes.append(tuple(inputs.shape[2:]))
        return forward(inputs)

    monkeypatch.setattr(model, 'forward', keep)
    runner = runner_of(model, torch.optim.SGD(model.parameters(), 0.1))
    usual = estimate_memory(runner, LOADER)
    model.head.in_featuremap_size = (8, 6)
    assert estimate_memory(runner, LOADER).face == usual.face
    assert sizes == [(96, 128)] * 2 + [(192, 256)] * 2


def test_a_network_that_takes_no_smaller_crops_has_an_estimate_too(monkeypatch):
    model, sizes = Network((256, 256)), []
    usual = estimate_memory(runner_of(model, torch.optim.Adam(model.parameters())), LOADER)
    forward = model.forward

    def of_128(inputs, samples=None, mode='tensor'):
        sizes.append(inputs.shape[-1])
        if inputs.shape[-1] < 128:
            raise RuntimeError('a map of 2x2 cannot be pooled by 4')
        return forward(inputs)

    monkeypatch.setattr(model, 'forward', of_128)
    found = estimate_memory(runner_of(model, torch.optim.Adam(model.parameters())), LOADER)
    assert sizes == [64, 128, 128]
    assert (found.face, found.constant) == (usual.face, usual.constant)


def test_half_precision_keeps_half_and_a_copy_of_the_weights():
    model = Network((64, 64))
    runner = runner_of(model, torch.optim.SGD(model.parameters(), 0.1))
    whole = estimate_memory(runner, LOADER)
    runner.optim_wrapper.cast_dtype = torch.bfloat16
    half = estimate_memory(runner, LOADER)
    assert half.face == pytest.approx(whole.face / 2, abs=1)
    assert whole.constant < half.constant <= whole.constant + 2 * (3 * 4 * 9 + 4)


def test_parts_that_are_not_trained_keep_nothing():
    model = Network((64, 64))
    model.conv.requires_grad_(False)
    found = estimate_memory(runner_of(model, torch.optim.SGD(model.parameters(), 0.1)), LOADER)
    assert found.constant == 4 * (4 + 4)
    assert found.face == int(1.1 * 4 * 64 * 64 * (4 + 4 + 2 * 4))  # as the norm's weights are


@pytest.mark.parametrize(
    ('kind', 'settings', 'count'),
    [
        (torch.optim.SGD, {}, 0),
        (torch.optim.SGD, {'momentum': 0.9}, 1),
        (torch.optim.Adam, {'fused': True}, 2),
        (torch.optim.AdamW, {'amsgrad': True}, 3),
        (torch.optim.Adagrad, {}, 1),
        (Muon, {}, 1),  # two of a vector, one of a kernel
    ],
)
def test_optimizers_keep_copies(kind, settings, count):
    optimizer = kind([nn.Parameter(torch.ones(3))], lr=0.1, **settings)
    assert state_copies(optimizer) == count


def test_a_model_is_left_as_it_was():
    model = Network((64, 64)).train()
    model.norm.eval()
    before, generator = {k: v.clone() for k, v in model.state_dict().items()}, torch.get_rng_state()
    assert estimate_memory(runner_of(model, torch.optim.SGD(model.parameters(), 0.1)), LOADER)
    assert (model.training, model.norm.training) == (True, False)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), generator)
    assert all(each.grad is None for each in model.parameters())


def test_no_estimate_is_no_error(monkeypatch):
    model = Network((64, 64))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    assert estimate_memory(runner_of(model, optimizer, compile=True), LOADER) is None
    assert estimate_memory(runner_of(model, optimizer), SimpleNamespace(batch_size=None)) is None
    model.head.decoder = None
    assert estimate_memory(runner_of(model, optimizer), LOADER) is None
    model = Network((64, 64))
    monkeypatch.setattr(model, 'forward', lambda *args, **kwargs: 1 / 0)
    assert estimate_memory(runner_of(model, optimizer), LOADER) is None
    assert model.training


@pytest.mark.usefixtures('as_new_process')
def test_a_training_is_the_same_without_it(tmp_path, monkeypatch):
    cfg = make_config(tmp_path, train_cfg__max_epochs=1)
    train(cfg, tmp_path / 'with')
    monkeypatch.setattr(loops, 'estimate_memory', lambda *args: None)
    train(cfg, tmp_path / 'without')
    found = [digests(last_checkpoint(tmp_path / name)) for name in ('with', 'without')]
    assert found[0] == found[1]


STEP = StepMemory(weights=GB, constant=2 * GB, face=GB // 10, free=8 * GB)


def test_a_batch_that_fits():
    assert STEP.describe(16) == 'about 4.6 GB for a step; 8.0 GB free'
    assert STEP.warning(60) is None
    small = StepMemory(weights=10**6, constant=10**6, face=10**5, free=10**8)
    assert small.describe(5) == 'about 2 MB for a step; 100 MB free'


def test_a_batch_that_does_not_fit():
    # (0.9 * 8 - 2) GB are for 52 faces.
    assert STEP.warning(100) == (
        'train_dataloader.batch_size=100: a step may not fit into memory, about 13.0 GB for a '
        'step; 8.0 GB free; 52 would fit: --cfg-options train_dataloader.batch_size=52 '
        '(optim_wrapper.accumulative_counts=2 adds up 2 of them a step)'
    )
    none = StepMemory(weights=GB, constant=2 * GB, face=GB // 10, free=GB)
    assert 'not even one face would fit' in none.warning(1)


@pytest.mark.usefixtures('as_new_process')
def test_a_run_warns_before_it_begins(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv('MMPOSE_LITE_VERBOSE')
    monkeypatch.setattr(memory, 'free_memory', lambda: 10**6)
    train(make_config(tmp_path, train_cfg__max_epochs=1), tmp_path / 'run')
    printed = capsys.readouterr().out
    assert 'WARNING: train_dataloader.batch_size=4: a step may not fit into memory' in printed
    (line,) = (line for line in printed.splitlines() if line.startswith('memory '))
    assert line.endswith(' for a step; 1 MB free')


def fail(error):
    def step(*args, **kwargs):
        raise error

    return step


@pytest.mark.usefixtures('as_new_process')
@pytest.mark.parametrize('error', [OF_A_GPU, OF_A_CPU, MemoryError('std::bad_alloc')])
def test_a_step_without_memory_names_a_batch(tmp_path, tiny_model_class, monkeypatch, error):
    monkeypatch.setattr(tiny_model_class, 'loss', fail(error))
    with pytest.raises(InputError) as caught:
        train(make_config(tmp_path), tmp_path / 'run')
    text = str(caught.value)
    assert text.startswith('train_dataloader.batch_size=4: a step does not fit into memory: about ')
    assert text.endswith(
        ' free before the first; 2 would fit: --cfg-options train_dataloader.batch_size=2 '
        '(optim_wrapper.accumulative_counts=2 adds up 2 of them a step)'
    )
    assert '\n' not in text
    assert caught.value.__cause__ is error


@pytest.fixture
def tiny_model_class():
    """The class of the tiny config's model."""
    from mmpose_lite.models import TopdownPoseEstimator

    return TopdownPoseEstimator


@pytest.mark.parametrize(
    'error',
    [
        RuntimeError('mat1 and mat2 shapes cannot be multiplied'),
        MemoryError('Caught MemoryError in DataLoader worker process 0.'),
        RuntimeError('unable to mmap 9 bytes from file </torch_1>: Cannot allocate memory (12)'),
    ],
)
def test_other_errors_are_not_explained(error):
    memory.explain_no_memory(error, 'train', LOADER)


@pytest.mark.usefixtures('as_new_process')
def test_other_errors_of_a_step_are_as_they_were(tmp_path, tiny_model_class, monkeypatch):
    error = RuntimeError('mat1 and mat2 shapes cannot be multiplied')
    monkeypatch.setattr(tiny_model_class, 'loss', fail(error))
    with pytest.raises(RuntimeError) as caught:
        train(make_config(tmp_path), tmp_path / 'run')
    assert caught.value is error


@pytest.fixture
def _predicts_one(tiny_model_class, monkeypatch):
    """One face fits, as the checks before a run try it, and a batch does not."""
    predict = tiny_model_class.predict

    def predict_one(self, inputs, samples):
        if len(samples) > 1:
            raise OF_A_GPU
        return predict(self, inputs, samples)

    monkeypatch.setattr(tiny_model_class, 'predict', predict_one)


@pytest.mark.usefixtures('as_new_process', '_predicts_one')
def test_validations_name_theirs(tmp_path):
    cfg = make_config(tmp_path, val_dataloader__batch_size=5)
    with pytest.raises(InputError, match=r'^val_dataloader.batch_size=5: a batch .* 2 would fit'):
        train(cfg, tmp_path / 'run')


@pytest.mark.usefixtures('as_new_process', '_predicts_one')
def test_tests_name_theirs(tmp_path):
    cfg = make_config(tmp_path, work_dir=str(tmp_path / 'run'))
    with pytest.raises(InputError, match=r'^test_dataloader.batch_size=4: a batch .* 2 would fit'):
        PoseRunner.from_cfg(cfg).test()


def v1(folder, limit, usage, cache):
    names = ('limit_in_bytes', 'usage_in_bytes')
    files = {f'{folder}/memory.{name}': n for name, n in zip(names, (limit, usage), strict=True)}
    return {**files, f'{folder}/memory.stat': f'cache 7\ntotal_inactive_file {cache}'}


def v2(folder, limit, usage, cache):
    files = {f'{folder}/memory.max': limit, f'{folder}/memory.current': usage}
    return {**files, f'{folder}/memory.stat': f'anon 7\ninactive_file {cache}'}


UNIFIED, MEMORY = 'sys/fs/cgroup', 'sys/fs/cgroup/memory'


@pytest.mark.parametrize(
    ('groups', 'files', 'free'),
    [
        ('0::/', {}, 8_192_000),
        ('0::/', v2(UNIFIED, 'max', 900, 300), 8_192_000),
        ('0::/', v2(UNIFIED, 5000, 900, 300), 4400),
        ('0::/a/b', v2(f'{UNIFIED}/a', 5000, 900, 300) | v2(f'{UNIFIED}/a/b', 7000, 900, 0), 4400),
        ('0::/a', v2(UNIFIED, 5000, 5900, 300), 0),
        ('4:memory:/a\n1:cpu:/b', v1(f'{MEMORY}/a', 6000, 1000, 500), 5500),
        ('4:memory:/a', v1(f'{MEMORY}/a', 9223372036854771712, 1000, 500), 8_192_000),
        ('1:cpu:/a', v1(f'{MEMORY}/a', 6000, 1000, 500), 8_192_000),
    ],
)
def test_what_the_host_has_free(tmp_path, monkeypatch, groups, files, free):
    monkeypatch.setattr(memory, 'resource', None)
    meminfo = 'MemTotal: 9000 kB\nMemAvailable: 8000 kB'
    for path, text in {'proc/meminfo': meminfo, 'proc/self/cgroup': groups, **files}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(f'{text}\n')
    assert free_host_memory(tmp_path) == free


def test_a_limit_of_the_process_counts(monkeypatch):
    everything = free_host_memory()
    limit = everything // 2
    monkeypatch.setattr(memory.resource, 'getrlimit', lambda kind: (limit, limit))
    assert free_host_memory() < limit


def test_processes_share_the_host(monkeypatch):
    monkeypatch.setattr(memory, 'free_host_memory', lambda: 9000)
    monkeypatch.setenv('LOCAL_WORLD_SIZE', '3')
    assert memory.free_memory() == 3000


def test_a_gpu_has_what_torch_holds_and_does_not_use(monkeypatch):
    monkeypatch.setattr(memory, 'get_device', lambda: 'cuda')
    for name, value in {
        'mem_get_info': (5 * GB, 24 * GB),
        'memory_reserved': 4 * GB,
        'memory_allocated': GB,
        'get_device_name': 'a GPU',
    }.items():
        monkeypatch.setattr(torch.cuda, name, lambda value=value: value)
    assert memory.free_memory() == 8 * GB
    with pytest.raises(
        InputError, match=r'does not fit into the memory of a GPU \(24.0 GB\); 4 wou'
    ):
        memory.explain_no_memory(OF_A_GPU, 'train', LOADER)
