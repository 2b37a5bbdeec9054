"""From histories of scalars to the numbers of a line of the log."""

from __future__ import annotations

from typing import Any

from mmengine.runner import LogProcessor as _LogProcessor

from mmpose_lite.registry import LOG_PROCESSORS


@LOG_PROCESSORS.register_module()
class LogProcessor(_LogProcessor):
    """mmengine's; the loss of a validation is its own.

    mmengine's is the mean of the last ``window_size`` losses, which are of as many validations.
    """

    def _collect_scalars(
        self, custom_cfg: list[dict], runner: Any, mode: str, reserve_prefix: bool = False
    ) -> dict:
        numbers = super()._collect_scalars(custom_cfg, runner, mode, reserve_prefix)
        wanted = {each.get('log_name', each['data_src']) for each in custom_cfg}
        histories = runner.message_hub.log_scalars
        for name in numbers:
            source = name if reserve_prefix else f'{mode}/{name}'
            is_loss = source.startswith('val/') and 'loss' in source
            if is_loss and source in histories and source.removeprefix('val/') not in wanted:
                numbers[name] = histories[source].current()
        return numbers
