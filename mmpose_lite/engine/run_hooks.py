"""Hooks that runs have whatever their config says."""

from __future__ import annotations

from typing import Any

from mmengine.hooks import EMAHook, Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from mmpose_lite.checkpoints import make_plain
from mmpose_lite.models.utils.fold_norms import fold_norms

from .instances import close_files
from .preflight import check_testing, check_training, check_validation
from .resumable_loop import ResumableLoop


class PlainCheckpointHook(Hook):
    """Has checkpoints hold tensors and plain data only, whatever other hooks put in."""

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Convert what is not plain, in place."""
        make_plain(checkpoint)


class ValidationStopHook(Hook):
    """Has a training that is told to end leave a validation; it is made again afterwards."""

    priority = 'LOWEST'

    def after_val_iter(self, runner: Runner, batch_idx: int, **kwargs: Any) -> None:
        """Ask, as long as every process has such a batch: the last one has the fewest."""
        if not runner.is_training or not isinstance(runner.train_loop, ResumableLoop):
            return
        loader = runner.val_dataloader
        fewest = len(loader.dataset) // runner.world_size // (loader.batch_size or 1)
        if runner.world_size == 1 or batch_idx < fewest:
            runner.train_loop.stop_in_validation()


class CloseLogHook(Hook):
    """Closes the file of a run's log when the run is over; mmengine keeps the logger."""

    priority = 'LOWEST'

    def after_run(self, runner: Runner) -> None:
        """Close it; a line that comes later opens it again, at its end."""
        close_files(runner.logger)


class PreflightHook(Hook):
    """Runs the checks once everything is built."""

    priority = 'HIGHEST'

    def before_train(self, runner: Runner) -> None:
        """Check a training run."""
        check_training(runner)

    def before_val(self, runner: Runner) -> None:
        """Check a validation by itself; a training has checked its own."""
        if not runner.is_training:
            check_validation(runner)

    def before_test(self, runner: Runner) -> None:
        """Check a test run."""
        check_testing(runner)


class FoldNormsHook(Hook):
    """Folds batch norms into convolutions for a test, after which the model is done with.

    Not where somebody else holds on to the weights: an average that is put in their place for the
    test, or a compiler.
    """

    priority = 'LOWEST'

    def before_test(self, runner: Runner) -> None:
        """Fold what can be folded; the weights have been loaded."""
        averaged = any(isinstance(hook, EMAHook) for hook in runner.hooks)
        if averaged or runner.cfg.get('compile'):
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        model.eval()
        count = fold_norms(model)
        runner.logger.info(f'{count} batch norms are folded into convolutions for this test')
