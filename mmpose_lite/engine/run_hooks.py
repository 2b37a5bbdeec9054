"""Hooks that every run has, whatever its config says."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.runner import Runner

from .checkpoint import make_plain
from .preflight import check_testing, check_training, check_validation


class PlainCheckpointHook(Hook):
    """Has checkpoints hold tensors and plain data only, whatever other hooks put in."""

    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Convert what is not plain, in place."""
        make_plain(checkpoint)


class PreflightHook(Hook):
    """Runs the checks once everything is built."""

    priority = 'HIGHEST'

    def before_train(self, runner: Runner) -> None:
        """Check a training run."""
        check_training(runner)

    def before_val(self, runner: Runner) -> None:
        """Check a validation."""
        check_validation(runner)

    def before_test(self, runner: Runner) -> None:
        """Check a test run."""
        check_testing(runner)
