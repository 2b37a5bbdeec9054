"""Counts of the samples that were replaced because their images cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmpose_lite.errors import InputError
from mmpose_lite.registry import HOOKS
from mmpose_lite.utils.collectives import gather_objects
from mmpose_lite.utils.nested_datasets import walk_datasets

_EXAMPLES = 20
# Where the counts are in the message hub.
_COUNTS = 'bad_images'


@HOOKS.register_module()
class BadImageHook(Hook):
    """Logs which samples ``on_bad_image='replace'`` replaced, and stops a run if it was too many.

    The processes add up their counts every ``interval`` iterations and at the end of an epoch, so
    that all of them stop at the same iteration. An epoch is as many samples as the data set has.
    The share of replaced samples is that of all processes; replaced samples in a row are counted by
    each process. Both counts are in checkpoints, so a run that resumes inside an epoch stops where
    it would have. If bad images are refused, the hook does nothing, and :class:`PoseRunner` leaves
    it out.

    Args:
        interval: Iterations between two counts.
    """

    def __init__(self, interval: int = 50) -> None:
        self._every = interval
        self._settings: list[Any] = []
        self._size = 0
        self._row = self._longest = 0
        self._named: set[str] = set()
        self._begin_epoch()
        self._begin_count()

    def before_train(self, runner: Runner) -> None:
        """Find out whether samples may be replaced."""
        dataset = runner.train_dataloader.dataset
        self._settings = list(_settings(dataset))
        if self._settings:
            self._size = len(dataset)
            self._restore(runner)

    def keep(self, runner: Runner) -> None:
        """Put the counts up to now where checkpoints have them from; all processes call this."""
        if not self._settings:
            return
        rows = self._gather(runner)
        counts = {'seen': self._seen, 'replaced': self._replaced, 'longest': self._longest}
        runner.message_hub.update_info(_COUNTS, {**counts, 'rows': rows})

    def before_val(self, runner: Runner) -> None:
        """Check that no sample of a validation is replaced."""
        _refuse('val_dataloader', runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        """Check that no sample of a test is replaced."""
        _refuse('test_dataloader', runner.test_dataloader)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | tuple | list | None = None
    ) -> None:
        """Count a batch."""
        if not self._settings:
            return
        for sample in data_batch['data_samples'] if isinstance(data_batch, dict) else ():
            self._count(sample.get('bad_images', ()))
        if self.every_n_train_iters(runner, self._every):
            self._gather(runner)
            self._check()
            if self._seen >= self._size:
                self._report(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Say how many samples of the epoch were replaced."""
        if self._settings:
            self._gather(runner)
            self._check()
            self._report(runner)

    def _count(self, problems: tuple[str, ...]) -> None:
        self._own['seen'] += 1
        self._row = self._row + 1 if problems else 0
        if not problems:
            return
        self._own['replaced'] += 1
        self._own['row'] = max(self._own['row'], self._row)
        new = [text for text in dict.fromkeys(problems) if text not in self._named]
        self._own['problems'] += new[: _EXAMPLES - len(self._own['problems'])]
        self._named.update(new)

    def _gather(self, runner: Runner) -> list[int]:
        """Add up the counts since the last time, log new problems; return each process's row."""
        parts = gather_objects({**self._own, 'now': self._row})
        self._begin_count()
        self._seen += sum(part['seen'] for part in parts)
        self._replaced += sum(part['replaced'] for part in parts)
        self._longest = max(self._longest, *(part['row'] for part in parts))
        for part in parts:
            for problem in part['problems']:
                runner.logger.warning(f'replaced: {problem}')
        return [part['now'] for part in parts]

    def _restore(self, runner: Runner) -> None:
        counts = runner.message_hub.runtime_info.get(_COUNTS)
        if counts is None:
            return
        self._seen, self._replaced = counts['seen'], counts['replaced']
        self._longest = counts['longest']
        if len(counts['rows']) == runner.world_size:
            self._row = counts['rows'][runner.rank]

    def _check(self) -> None:
        """Stop the run above the limits."""
        share = min(each.max_share for each in self._settings)
        longest = min(each.max_in_a_row for each in self._settings)
        done = (
            f'{self._replaced} of the first {self._seen} samples of an epoch of {self._size} have '
            'images that cannot be read and were replaced'
        )
        if self._replaced > share * self._size:
            raise InputError(f'{done}, more than on_bad_image.max_share={share:g} allows')
        if self._longest >= longest:
            raise InputError(
                f'{done}, {self._longest} of them in a row (on_bad_image.max_in_a_row={longest})'
            )

    def _report(self, runner: Runner) -> None:
        if self._replaced:
            # The logger leaves out a warning that it has given before: each has its iteration.
            runner.logger.warning(
                f'iteration {runner.iter}: {self._replaced} of the last {self._seen} samples '
                '(an epoch) replaced, their images cannot be read'
            )
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._seen = self._replaced = 0

    def _begin_count(self) -> None:
        self._own: dict[str, Any] = {'seen': 0, 'replaced': 0, 'row': 0, 'problems': []}


def _settings(dataset: Any) -> Iterator[Any]:
    """Find the settings of data sets, those made of others too, that replace samples."""
    found = (getattr(nest[-1], 'bad_image_replacement', None) for _, nest in walk_datasets(dataset))
    return filter(None, found)


def replaces_samples(dataset: Any) -> bool:
    """Tell whether a data set, or one that it is made of, replaces samples of bad images."""
    return any(_settings(dataset))


def _refuse(name: str, loader: Any) -> None:
    if replaces_samples(getattr(loader, 'dataset', None)):
        raise InputError(
            f"{name}.dataset.on_bad_image must be 'refuse': in a test every face counts"
        )
