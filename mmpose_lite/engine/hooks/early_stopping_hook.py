"""Ending a training whose metric no longer improves."""

from __future__ import annotations

from mmengine.hooks import EarlyStoppingHook as _EarlyStoppingHook
from mmengine.runner import Runner

from mmpose_lite.registry import HOOKS

from ..run_state import is_training


@HOOKS.register_module()
class EarlyStoppingHook(_EarlyStoppingHook):
    """Ends a training whose metric no longer improves; see mmengine.

    A test or validation by itself is left alone. mmengine's hook builds the training there, which
    takes its data.
    """

    def before_run(self, runner: Runner) -> None:
        """Check that the training loop can be stopped."""
        if is_training(runner):
            super().before_run(runner)
