"""Freed memory is used again."""

import platform

import pytest

PROGRAM = """
import resource, sys
import torch
from mmpose_lite.utils.linux import keep_freed_memory

if sys.argv[1] == 'keep':
    assert keep_freed_memory()
for _ in range(30):  # a large block below, and a small one that stays above
    torch.zeros(2**24)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(30):
    torch.zeros(2**24)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != 'glibc', reason='a setting of glibc')
def test_large_blocks_are_allocated_once(processes):
    keep, leave = (int(processes.run_python(PROGRAM, choice)) for choice in ('keep', 'leave'))
    assert keep < 0.1 * leave
