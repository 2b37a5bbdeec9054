"""What the log of a run says before the run begins."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Priority

from mmpose_lite.utils.collect_env import describe_devices, installed_versions


def environment_text() -> str:
    """Describe the command, the machine and the versions of what the package uses.

    mmengine's description imports torchvision, and with it torch's compiler, for its version.
    """
    facts = {
        'Command': ' '.join(sys.argv),
        'Python': sys.version.replace('\n', ''),
        'Platform': platform.platform(),
        **installed_versions(),
        'Devices': describe_devices(),
        'Threads': torch.get_num_threads(),
        'torch is built with': _build(),
    }
    return lines(facts)


def lines(facts: Mapping[str, Any]) -> str:
    """Lay out facts: an indented line each, which begins a new one."""
    return ''.join(f'\n    {name}: {value}' for name, value in facts.items())


def hooks_text(hooks: Iterable[Hook]) -> str:
    """List hooks in their order, then who acts at each stage of a run."""
    hooks = list(hooks)
    stages = {stage: [] for stage in Hook.stages}  # type: dict[str, list[str]]
    for hook in hooks:
        for stage in hook.get_triggered_stages():
            stages[stage].append(_name(hook))
    order = ', '.join(f'{_name(hook)} ({_priority(hook)})' for hook in hooks)
    active = {stage: ', '.join(names) for stage, names in stages.items() if names}
    return order + lines(active)


def _name(hook: Hook) -> str:
    return type(hook).__name__


def _priority(hook: Hook) -> str:
    try:
        return Priority(hook.priority).name
    except ValueError:
        return str(hook.priority)


def _build() -> str:
    """The libraries in torch and the instructions that it uses, without the compiler's flags."""
    about = (line.strip(' -') for line in torch.__config__.show().splitlines()[1:])
    return '; '.join(line for line in about if line and not line.startswith('Build settings'))
