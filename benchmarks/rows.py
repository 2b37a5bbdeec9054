"""The rows of the comparison: what each measures on either side, and the goal it was set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .bench import CHECKPOINT
from .faces import FORMATS, SMALL, Format, Mixture
from .jobs import Job
from .sides import MMPOSE, OURS
from .sizes import Sizes

SIDES = (OURS, MMPOSE)
AFLW_DATA = 'AFLW'
# What rows may need.
GPU, PSS = 'an H200', "Linux's /proc"
BFLOAT16 = 'ours --amp, MMPose float32'
GPU_ARGUMENTS = ('--amp', '--augment-on-device')


@dataclass(frozen=True)
class Figure:
    """The number of a job that a row shows, see :func:`~.jobs.figures`, and its unit."""

    key: str
    unit: str
    lower_is_better: bool = False


IMAGES = Figure('images_per_s', 'images/s')
# Of one thread that waits for nothing; beside other work its wall time would be longer.
CORE = Figure('images_per_cpu_s', 'images/s of a core')
NETWORK = Figure('network_images_per_s', 'images/s')
WALL = Figure('wall_s', 's', lower_is_better=True)


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        name: Its name on the command line.
        work: What is measured, for readers.
        figure: The number.
        ours: Our job.
        theirs: MMPose's; None where the goal is a value of ours.
        goal: What the ratio ours : MMPose's, or the value, is to reach.
        needs: What it cannot be measured without.
        discard: How many rounds only warm caches up.
        once: Whether one measurement is all there is.
    """

    name: str
    work: str
    figure: Figure
    ours: Job
    theirs: Job | None
    goal: float | None = None
    needs: tuple[str, ...] = ()
    discard: int = 0
    once: bool = False


def make_groups(sizes: Sizes) -> list[list[Row]]:
    """All rows, in groups that are measured in the same rounds."""
    return [
        *(_pipeline(form, sizes) for form in FORMATS),
        _network(sizes),
        _model(sizes),
        _loader(sizes),
        _training(sizes),
        _test(sizes),
        [_startup()],
        _memory(sizes),
        *_rtmpose(sizes),
        [_gpu_training(sizes)],
        [_gpu_schedule()],
    ]


def workers(count: int) -> tuple[str, ...]:
    """Options for so many workers of the training loader."""
    persistent = () if count else ('train_dataloader.persistent_workers=False',)
    return (f'train_dataloader.num_workers={count}', *persistent)


def iterations(warmup: int, steps: int, each: bool = False) -> tuple[str, ...]:
    """Options of the stopwatch; see there."""
    hook = {'iterations': warmup + steps, 'warmup': warmup, 'each': each}
    return tuple(f'custom_hooks.0.{key}={value}' for key, value in hook.items())


def cache(form: Format | Mixture, faces: int) -> tuple[str, ...]:
    """Options for training on the first faces, from their cached crops."""
    dataset = 'train_dataloader.dataset'
    return (f'{dataset}.indices={faces}', f'{dataset}.cache=$WORK/crops_{_short(form)}')


def _short(form: Format | Mixture) -> str:
    return form.name.replace(' and ', '+').replace(' ', '').lower()


def _pipeline(form: Format | Mixture, sizes: Sizes) -> list[Row]:
    """One process, one thread, no network."""
    seconds = ('--seconds', str(sizes.seconds))
    ours, theirs = (Job(side, 'loader', form.name, workers(0), seconds, 1) for side in SIDES)
    cached = replace(ours, options=(*workers(0), *cache(form, sizes.cached)))
    what = f'training pipeline, one core, photographs of {form.name}'
    decoded = Row(f'pipeline-{_short(form)}', f'{what}, decoded', CORE, ours, theirs, 1.5)
    work = f'{what}, ours cached, MMPose decoding'
    return [decoded, Row(f'cached-{_short(form)}', work, CORE, cached, theirs, 10, discard=1)]


def _network(sizes: Sizes) -> list[Row]:
    """Training steps alone: the batch is at hand before the clock starts."""
    steps = iterations(sizes.warmup, sizes.steps, each=True)
    options = (*_batch(sizes), *workers(0), *steps)
    ours, theirs = (Job(side, 'train', SMALL.name, options) for side in SIDES)
    amp = replace(ours, arguments=('--amp',))
    what = f'network and loss, training step of {sizes.batch}, CPU'
    return [
        Row('step-float32', f'{what}, float32', NETWORK, ours, theirs, 1.3),
        Row('step-amp', f'{what}, {BFLOAT16}', NETWORK, amp, theirs, 2.5),
    ]


def _model(sizes: Sizes) -> list[Row]:
    """A model's own steps, as a program has them that builds the model and drives it itself."""
    counts = {'--batch': sizes.model_batch, '--warmup': sizes.warmup, '--steps': sizes.steps}
    shared = tuple(str(each) for pair in counts.items() for each in pair)
    rows = []
    for step, more, goal in (
        ('train', ('--step', 'train'), 1.5),
        ('test', ('--step', 'test', '--checkpoint', f'$WORK/{CHECKPOINT}'), 2),
    ):
        ours, theirs = (Job(side, 'model', SMALL.name, (), (*more, *shared)) for side in SIDES)
        built = 'MODELS.build' if step == 'train' else 'init_model, flip test'
        work = f"a model's own {step}_step of {sizes.model_batch}, {built}, no runner, CPU, float32"
        rows.append(Row(f'model-{step}', work, NETWORK, ours, theirs, goal))
    return rows


def _loader(sizes: Sizes) -> list[Row]:
    """The loader with the config's two workers."""
    seconds = ('--seconds', str(sizes.seconds))
    ours, theirs = (Job(side, 'loader', SMALL.name, (), seconds, 1) for side in SIDES)
    cached = replace(ours, options=cache(SMALL, sizes.cached))
    what = f'loader alone, 2 workers, photographs of {SMALL.name}'
    work = f'{what}, ours cached, MMPose decoding'
    return [
        Row('loader', f'{what}, decoded', IMAGES, ours, theirs),
        Row('loader-cached', work, IMAGES, cached, theirs, discard=1),
    ]


def _training(sizes: Sizes) -> list[Row]:
    """Training with the config's two workers, from batch to batch."""
    options = (*_batch(sizes), *iterations(sizes.warmup, sizes.steps))
    ours, theirs = (Job(side, 'train', SMALL.name, options) for side in SIDES)
    amp = replace(ours, arguments=('--amp',))
    what = f'tools/train.py end to end, batch {sizes.batch}, CPU'
    return [
        Row('train-float32', f'{what}, float32', IMAGES, ours, theirs),
        Row('train-amp', f'{what}, {BFLOAT16}', IMAGES, amp, theirs),
    ]


def _test(sizes: Sizes) -> list[Row]:
    """The loop alone, and the command as a whole."""
    options = (f'test_dataloader.dataset.indices={sizes.tested}',)
    ours, theirs = (Job(side, 'test', SMALL.name, options) for side in SIDES)
    amp = replace(ours, arguments=('--amp',))
    loop = f'tools/test.py, flip test, {sizes.tested} faces, CPU'
    whole = f'{loop}, whole command'
    return [
        Row('test-float32', f'{loop}, float32', IMAGES, ours, theirs, 2),
        Row('test-amp', f'{loop}, {BFLOAT16}', IMAGES, amp, theirs, 5),
        Row('test-wall-float32', f'{whole}, float32', WALL, ours, theirs),
        Row('test-wall-amp', f'{whole}, {BFLOAT16}', WALL, amp, theirs),
    ]


def _startup() -> Row:
    options = ('custom_hooks.0.iterations=0',)
    ours, theirs = (Job(side, 'train', SMALL.name, options) for side in SIDES)
    work = 'from the command to the first iteration, warm file cache'
    figure = Figure('to_first_iteration_s', 's', lower_is_better=True)
    return Row('startup', work, figure, ours, theirs, 0.7, discard=1)


def _memory(sizes: Sizes) -> list[Row]:
    """Peaks, in runs of their own: looking slows them down."""
    tested = (f'test_dataloader.dataset.indices={sizes.tested}',)
    trained = (*_batch(sizes), *iterations(sizes.warmup, sizes.steps))
    figure = Figure('peak_mib', 'MiB', lower_is_better=True)
    rows = []
    for script, options in (('train', trained), ('test', tested)):
        ours, theirs = (Job(side, script, SMALL.name, options, watch_memory=True) for side in SIDES)
        work = f'peak memory of tools/{script}.py and its workers (PSS), CPU, float32'
        rows.append(Row(f'memory-{script}', work, figure, ours, theirs, 1, (PSS,)))
    return rows


def _rtmpose(sizes: Sizes) -> Iterator[list[Row]]:
    """RTMPose's loader with either of its pipelines, then its three sizes."""
    seconds = ('--seconds', str(sizes.seconds))
    rows = []
    for name, recipe, epochs in (
        ('rtmpose-pipeline', 'rtmpose-m', 'of most epochs'),
        ('rtmpose-pipeline-late', 'rtmpose-m-late', 'of the last epochs'),
    ):
        ours, theirs = (
            Job(side, 'loader', SMALL.name, workers(0), seconds, 1, recipe=recipe) for side in SIDES
        )
        work = f"RTMPose's training pipeline {epochs}, one core, photographs of {SMALL.name}"
        rows.append(Row(name, f'{work}, decoded', CORE, ours, theirs, 1.5))
    yield rows
    for size in 'tsm':
        yield [*_rtmpose_steps(sizes, f'rtmpose-{size}'), *_rtmpose_test(sizes, f'rtmpose-{size}')]


def _rtmpose_steps(sizes: Sizes, recipe: str) -> list[Row]:
    options = (*_batch(sizes), *workers(0), *iterations(sizes.warmup, sizes.steps, each=True))
    ours, theirs = (Job(side, 'train', SMALL.name, options, recipe=recipe) for side in SIDES)
    amp = replace(ours, arguments=('--amp',))
    what = f'RTMPose-{recipe[-1]}, training step of {sizes.batch}, CPU'
    return [
        Row(f'{recipe}-step-float32', f'{what}, float32', NETWORK, ours, theirs, 1.3),
        Row(f'{recipe}-step-amp', f'{what}, {BFLOAT16}', NETWORK, amp, theirs, 2.5),
    ]


def _rtmpose_test(sizes: Sizes, recipe: str) -> list[Row]:
    options = (f'test_dataloader.dataset.indices={sizes.tested}',)
    ours, theirs = (Job(side, 'test', SMALL.name, options, recipe=recipe) for side in SIDES)
    amp = replace(ours, arguments=('--amp',))
    what = f'RTMPose-{recipe[-1]}, tools/test.py, flip test, {sizes.tested} faces, CPU'
    return [
        Row(f'{recipe}-test-float32', f'{what}, float32', IMAGES, ours, theirs, 2),
        Row(f'{recipe}-test-amp', f'{what}, {BFLOAT16}', IMAGES, amp, theirs, 5),
    ]


def _gpu_training(sizes: Sizes) -> Row:
    steps = iterations(sizes.gpu_warmup, sizes.gpu_steps)
    options = (*workers(sizes.gpu_workers), *steps)
    theirs = Job(MMPOSE, 'train', SMALL.name, options, ('--amp',), gpu=True)
    ours = replace(theirs, side=OURS, arguments=(*GPU_ARGUMENTS, '--cache', '$WORK/gpu_crops'))
    what = 'training on one H200, batch 64, --amp, end to end'
    work = f'{what}, ours cached and augmented on the GPU, MMPose decoding'
    return Row('h200', work, IMAGES, ours, theirs, 4, (GPU,), 1)


def _gpu_schedule() -> Row:
    arguments = (*GPU_ARGUMENTS, '--auto-scale-lr', '--cache', '$WORK/aflw_crops')
    job = Job(OURS, 'train', AFLW_DATA, (), arguments, gpu=True)
    work = "AFLW's whole schedule on one H200, from the command to its end"
    return Row('h200-schedule', work, WALL, job, None, 12 * 60, (GPU, AFLW_DATA), once=True)


def _batch(sizes: Sizes) -> tuple[str, ...]:
    return (f'train_dataloader.batch_size={sizes.batch}',)
