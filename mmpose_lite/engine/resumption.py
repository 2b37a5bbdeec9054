"""Resuming a run from a checkpoint: all is checked before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner

from mmpose_lite.checkpoints.schema import COUNT, Each, Fields, Number, check_form, show
from mmpose_lite.engine.optimizer_states import (
    check_optimizer_state,
    settings_of,
    with_own_settings,
)
from mmpose_lite.engine.scheduler_states import (
    changed_schedules,
    check_scheduler_states,
    load_scheduler_states,
    replay_schedules,
)
from mmpose_lite.errors import InputError
from mmpose_lite.utils.tensor_utils import unwrap_model
from mmpose_lite.utils.threads import resume_threads

from .run_state import (
    Position,
    check_hook_states,
    check_rank_states,
    describe_training,
    global_batch,
    optim_wrappers,
    restore_hook_states,
    restore_rank_state,
)

# In the message hub, where the data of a resumed run have become fewer.
_LONGEST = 'longest_epoch'
_CHOICES = ('checkpoint', 'config')
_SEED = Number(0, 2**32 - 1, whole=True)
_POSITION = {
    **dict.fromkeys(('epoch', 'iter', 'batch'), COUNT),
    **dict.fromkeys(('validated', 'stopped'), bool),
    'global_batch': Number(1, whole=True),
}
_VALIDATION = Fields({'when': str, 'metrics': dict})
_INFO = {
    **dict.fromkeys(('epoch', 'iter', 'max_epochs', 'max_iters', 'skipped_losses'), COUNT),
    'last_ckpt': str,
    _LONGEST: COUNT,
    'last_validation': _VALIDATION,
    'bad_images': dict.fromkeys(('seen', 'replaced', 'longest'), COUNT) | {'rows': Each(COUNT)},
}
_BEST = {'best_score': Number(), 'best_validation': _VALIDATION}
_FACTS = {
    **dict.fromkeys(('optimizer', 'schedulers'), Each(str)),
    'accumulative_counts': Each(COUNT),
    'data': {
        **dict.fromkeys(('dataset', 'ann_file'), str),
        **dict.fromkeys(('faces', 'batch', 'batches'), COUNT),
    },
    'threads': Number(1, whole=True),
}
_ITS_OWN = 'load_from starts a new run from its weights'


def stored_seed(checkpoint: Mapping[str, Any], name: str) -> int | None:
    """The seed that a checkpoint names, checked."""
    where = f"checkpoint '{name}': meta"
    meta = checkpoint.get('meta', {})
    check_form(dict, meta, where)
    if meta.get('seed') is not None:
        check_form(_SEED, meta['seed'], f'{where}.seed')
    return meta.get('seed')


class Resumption:
    """A checkpoint that a run resumes from.

    Where settings differ from the config's, ``resume_settings`` of the config says which stand:
    the ``'checkpoint'``'s by default, or the ``'config'``'s; schedules are then walked through
    anew up to the checkpoint. The data, their batches and the length of the run are always the
    config's.

    Args:
        runner: The runner, which is built.
        checkpoint: A checkpoint of this package, or of mmengine's, which is at the start of an
            epoch.
        name: The file, for messages.
        optimizer: Whether the optimizer's state is taken.
        schedulers: Whether that of the schedulers is.

    Raises:
        InputError: If it lacks what a run needs to resume, or ``resume_settings`` is neither.
    """

    def __init__(
        self,
        runner: Runner,
        checkpoint: Mapping[str, Any],
        name: str,
        *,
        optimizer: bool = True,
        schedulers: bool = True,
    ) -> None:
        choice = runner.cfg.get('resume_settings', _CHOICES[0])
        if choice not in _CHOICES:
            raise InputError(f'resume_settings={choice!r} is not one of {", ".join(_CHOICES)}')
        needed = ['meta', 'message_hub', *(['optimizer'] if optimizer else [])]
        if missing := [key for key in needed if key not in checkpoint]:
            raise InputError(
                f"checkpoint '{name}' has no {' and no '.join(missing)}: no run can resume from "
                f'it; {_ITS_OWN}'
            )
        self._runner, self._name, self._where = runner, name, f"checkpoint '{name}'"
        self._takes_config = choice == 'config'
        self._takes_optimizer = optimizer
        self._schedulers = (runner.param_schedulers or []) if schedulers else []
        self._checkpoint = {'position': {}, 'hooks': [], **checkpoint}
        if schedulers:
            self._checkpoint.setdefault('param_schedulers', [])
        self._now = describe_training(runner)
        self._then: dict[str, Any] = {}
        self._stopped = False
        self._position = Position()

    def run(self) -> None:
        """Check all, tell what differs from the config, and resume the run.

        Raises:
            InputError: If something is not what this run can have; nothing is changed then.
        """
        self._check()
        self._tell_differences()
        random = self._restore()
        runner, position = self._runner, self._position
        runner.train_loop.resume(position, random)
        where = f'epoch {position.epoch + 1}'
        if position.batch:
            where += f', batch {position.batch + 1}'
        done = f'{position.iter} iterations are done'
        runner.logger.info(f"resumed from '{self._name}': {done}, {where} next")
        if self._stopped and not self._takes_config:
            runner.train_loop.stop_training = True
            runner.logger.warning(
                f"'{self._name}' is of a run that a hook ended early, and so this one ends; "
                '--resume-settings config resumes it'
            )

    def _check(self) -> None:
        stored_seed(self._checkpoint, self._name)
        self._then = self._checkpoint['meta'].get('trained_with', {})  # files may not say
        form = Fields(_FACTS, optional=frozenset(_FACTS), open=True)
        check_form(form, self._then, f'{self._where}: meta.trained_with')
        self._check_logs()
        self._position = self._read_position()
        if self._takes_optimizer:
            self._check_optimizers()
        if 'param_schedulers' in self._checkpoint:
            check_scheduler_states(
                self._schedulers,
                self._checkpoint['param_schedulers'],
                self._then.get('schedulers'),
                (self._position.iter, self._position.epoch),
                f'{self._where}: param_schedulers',
            )
        check_hook_states(self._checkpoint['hooks'], self._runner.hooks, f'{self._where}: hooks')
        if 'ranks' in self._checkpoint:
            check_rank_states(self._runner, self._checkpoint['ranks'], f'{self._where}: ranks')

    def _read_position(self) -> Position:
        where = f'{self._where}: position'
        meta = self._checkpoint['meta']
        check_form(dict, self._checkpoint['position'], where)
        counts = dict.fromkeys(('epoch', 'iter'), COUNT)
        check_form(Fields(counts, frozenset(counts), open=True), meta, f'{self._where}: meta')
        stored = {key: meta[key] for key in counts if key in meta}
        stored.update(self._checkpoint['position'])
        optional = frozenset(_POSITION) - {'epoch', 'iter'}
        check_form(Fields(_POSITION, optional), stored, where)
        self._stopped = stored.pop('stopped', False)
        own = global_batch(self._runner)
        before = stored.pop('global_batch', own)
        position = Position(**stored)
        self._check_bounds(position, where)
        if position.batch and before != own:
            raise InputError(
                f"checkpoint '{self._name}' is inside an epoch of batches of {before} faces over "
                f'all processes, this run has {own}: resume with the same, or from the end of an '
                'epoch'
            )
        return position

    def _check_bounds(self, position: Position, where: str) -> None:
        """Check that a position is one of this run; beyond its end nothing would be trained."""
        loop = self._runner.train_loop
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        # Epochs that are begun, each of an iteration at least.
        begun = position.epoch + (position.batch > 0)
        bounds = [
            ('batch', len(loop.dataloader), 'batches of an epoch'),
            ('batch', position.iter, 'iterations that are done'),
            ('epoch', position.iter, 'iterations that are done'),
        ]
        if by_epoch:
            last = loop.max_epochs - (position.batch > 0)
            bounds.append(('epoch', last, 'epochs that an iteration may follow'))
        else:
            bounds.append(('iter', loop.max_iters, 'iterations of the run'))
        if by_epoch and self._longest_epoch():
            bounds.append(('iter', begun * self._longest_epoch(), 'iterations of its epochs'))
        for key, most, what in bounds:
            value = getattr(position, key)
            if value > most:
                raise InputError(f'{where}.{key}={value} is beyond the {most} {what}')

    def _longest_epoch(self) -> int:
        """Iterations of the longest epoch so far; 0 where the file does not say."""
        if 'data' not in self._then:
            return 0
        before = self._checkpoint['message_hub']['runtime_info'].get(_LONGEST, 0)
        return max(before, *(facts['data']['batches'] for facts in (self._then, self._now)))

    def _check_logs(self) -> None:
        where = f'{self._where}: message_hub'
        hub = self._checkpoint['message_hub']
        parts = {'log_scalars': dict, 'runtime_info': dict, 'resumed_keys': Each(bool, dict)}
        check_form(Fields(parts), hub, where)
        info = hub['runtime_info']
        best = {
            key: form for start, form in _BEST.items() for key in info if str(key).startswith(start)
        }
        # mmengine keeps None where there is nothing yet.
        given = {key: value for key, value in info.items() if value is not None}
        forms = {key: form for key, form in {**_INFO, **best}.items() if key in given}
        check_form(Fields(forms, open=True), given, f'{where}.runtime_info')

    def _optimizers(self) -> Iterator[tuple[str, Any, Any]]:
        """Each wrapper with its state, and the state's place."""
        stored, where = self._checkpoint['optimizer'], f'{self._where}: optimizer'
        wrappers = optim_wrappers(self._runner)
        if '' in wrappers:
            yield where, wrappers[''], stored
            return
        check_form(dict.fromkeys(wrappers, dict), stored, where)
        for name, wrapper in wrappers.items():
            yield f'{where}.{name}', wrapper, stored[name]

    def _check_optimizers(self) -> None:
        now = self._now['optimizer']
        then = self._then.get('optimizer', now)
        if then != now:
            raise InputError(
                f"checkpoint '{self._name}' is of a run with {', '.join(then)}, the config's "
                f'optimizer is {", ".join(now)}: a run resumes with its own; {_ITS_OWN}'
            )
        model = unwrap_model(self._runner.model)
        names = {parameter: name for name, parameter in model.named_parameters()}
        for where, wrapper, state in self._optimizers():
            if hasattr(wrapper, 'check_state_dict'):
                wrapper.check_state_dict(state, where, names)
            else:  # mmengine's own
                check_optimizer_state(wrapper.optimizer, state, where, names)
            if self._takes_config:
                own = with_own_settings(wrapper.optimizer, state)
                check_optimizer_state(wrapper.optimizer, own, where, names)

    def _tell_differences(self) -> None:
        """Say which settings stand, and what the data were."""
        warn, seed = self._runner.logger.warning, self._checkpoint['meta'].get('seed')
        if seed not in (None, self._runner.seed):
            warn(f"'{self._name}' was trained with seed {seed}, this run has {self._runner.seed}")
        settings = list(dict.fromkeys(self._changed_settings()))
        if settings and self._takes_config:
            listed = ', '.join(f'{name}={now} (it was {then})' for name, then, now in settings)
            warn(f"from '{self._name}' on the config's settings stand: {listed}")
        elif settings:
            listed = ', '.join(f'{name}={then} (config: {now})' for name, then, now in settings)
            warn(
                f"the settings of '{self._name}' stand, not the config's: {listed}; "
                "--resume-settings config takes the config's"
            )
        if data := list(self._changed_data()):
            listed = ', '.join(f'{name} {now} (it was {then})' for name, then, now in data)
            rest = ': the rest of its epoch has other faces' if self._position.batch else ''
            warn(f"'{self._name}' was trained on other data or batches{rest}; now {listed}")

    def _changed_settings(self) -> Iterator[tuple[str, str, str]]:
        """Name, the checkpoint's value, the config's."""
        for _, wrapper, state in self._optimizers() if self._takes_optimizer else ():
            pairs = zip(wrapper.optimizer.param_groups, state['param_groups'], strict=True)
            for own, given in pairs:
                for key, value in settings_of(own).items():
                    if key in given and _plain(given[key]) != _plain(value):
                        yield key.removeprefix('initial_'), show(given[key]), show(value)
        if 'param_schedulers' in self._checkpoint:
            states = self._checkpoint['param_schedulers']
            for key, then, now in changed_schedules(self._schedulers, states):
                yield key, show(then), show(now)

    def _changed_data(self) -> Iterator[tuple[str, Any, Any]]:
        """Name, what it was, what it is."""
        then = {**self._then, **self._then.get('data', {})}
        now = {**self._now, **self._now['data']}
        for key in ('accumulative_counts', *self._now['data']):
            if key in then and then[key] != now[key]:
                yield key, then[key], now[key]

    def _restore(self) -> dict[str, Any] | None:
        """All but weights and position; returns the state of the generators."""
        runner, stored = self._runner, self._checkpoint
        if sentence := resume_threads(self._then.get('threads', self._now['threads'])):
            runner.logger.info(sentence)
        runner.message_hub.load_state_dict(stored['message_hub'])
        runner.message_hub.update_info('cfg', runner.cfg.pretty_text)
        if self._longest_epoch() > self._now['data']['batches']:
            runner.message_hub.update_info(_LONGEST, self._longest_epoch())
        for _, wrapper, state in self._optimizers() if self._takes_optimizer else ():
            if self._takes_config:
                state = with_own_settings(wrapper.optimizer, state)
                state.pop('base_param_settings', None)
            wrapper.load_state_dict(state)
        if 'param_schedulers' in stored and self._takes_config:
            position = self._position
            length = (position.iter - position.batch) / position.epoch if position.epoch else 0
            replay_schedules(self._schedulers, stored['param_schedulers'], length)
        elif 'param_schedulers' in stored:
            load_scheduler_states(self._schedulers, stored['param_schedulers'])
        restore_hook_states(runner, stored['hooks'], self._name)
        if 'ranks' not in stored:
            return None
        return restore_rank_state(runner, stored['ranks'], self._position.iter)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
