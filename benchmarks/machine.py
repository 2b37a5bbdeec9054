"""Description of the machine that measurements were taken on."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from .sides import ROOT

# Instructions that decide how fast a network is on a CPU.
_FLAGS = ('avx2', 'avx512f', 'avx512_vnni', 'avx512_bf16', 'amx_bf16', 'amx_int8', 'asimd', 'bf16')


def describe() -> dict[str, Any]:
    """Describe the machine; nothing in it names the machine itself."""
    info = _key_values('/proc/cpuinfo')
    flags = info.get('flags', info.get('Features', '')).split()
    return {
        'cpu': info.get('model name') or platform.processor() or platform.machine(),
        'cores': os.cpu_count(),
        'cpu_flags': [flag for flag in _FLAGS if flag in flags],
        'memory_gib': round(_memory_kib('MemTotal') / 2**20, 1),
        'gpu': torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        'system': platform.system(),
        'load_average': round(os.getloadavg()[0], 2) if hasattr(os, 'getloadavg') else None,
    }


def available_memory_mib() -> float:
    """Memory that a new process can have, in MiB."""
    return _memory_kib('MemAvailable') / 1024


def commit() -> str:
    """The checkout's commit, with a ``+`` where it has changes; empty where it has no history."""
    head = _git('rev-parse', '--short', 'HEAD')
    return head + ('+' if head and _git('status', '--porcelain') else '')


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ['git', *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _memory_kib(key: str) -> float:
    return float(_key_values('/proc/meminfo').get(key, '0 kB').split()[0])


def _key_values(path: str) -> dict[str, str]:
    """Read lines of ``key: value``; of several with one key, the last; none where no such file."""
    if not Path(path).is_file():
        return {}
    lines = (line.partition(':') for line in Path(path).read_text().splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}
