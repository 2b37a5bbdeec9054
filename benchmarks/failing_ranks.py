"""Fails ranks of small runs in many ways: python benchmarks/failing_ranks.py --ranks 2 8 [--help].

Each rank joins the group by gloo and sums with the others; one fails, at a random moment. The run
must end within 30 s of that, with one line about that rank, no process left and nothing in
shared memory. tests/test_distributed/test_faults.py
has the same faults in real trainings.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

RANK = """
import os, signal, subprocess, sys, threading, time
kind, who, delay, folder = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
rank = int(os.environ['RANK'])
def fail():
    if rank != who:
        return
    subprocess.Popen(['sleep', '600'])  # as a loader's worker
    open(os.path.join(folder, 'when'), 'w').write(str(time.time()))
    if kind == 'raise': raise LookupError('made to fail')
    if kind == 'input': sys.exit('error: made to fail')
    if kind == 'exit0': os._exit(0)
    if kind == 'exit3': os._exit(3)
    os.kill(os.getpid(), getattr(signal, kind))
if kind == 'deaf':
    kind = 'SIGKILL'
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if delay < 0.2: fail()
import torch, torch.distributed as dist
if delay < 0.4: fail()
dist.init_process_group('gloo')
values, ends = torch.ones(1000), time.monotonic() + delay
while time.monotonic() < ends:
    dist.all_reduce(values)
    values.fill_(1)
    ends = ends if rank == who else float('inf')
fail()
while True: dist.all_reduce(values)
"""
SAID = {
    'raise': ': LookupError: made to fail',
    'input': ': made to fail',
    'exit0': ' ended with status 0 before it was done',
    'exit3': ' ended with status 3 before it was done',
    'deaf': ' was killed by SIGKILL',
    **{name: f' was killed by {name}' for name in ('SIGKILL', 'SIGSEGV', 'SIGABRT')},
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split(':')[0])
    parser.add_argument('--ranks', type=int, nargs='+', default=[2, 8], help='processes of a run')
    parser.add_argument('--failures', type=int, default=40, help='failures of each number of ranks')
    parser.add_argument('--seed', type=int, default=0, help='draws ranks and moments')
    parser.add_argument('--limit', type=float, default=30, help='seconds from failure to end')
    return parser.parse_args(argv)


def left_behind(mark: str) -> list[str]:
    """The processes whose environment holds a mark."""
    found = []
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            if mark.encode() in (folder / 'environ').read_bytes():
                found.append(folder.name)
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def shared_memory() -> set[str]:
    """Names that processes which are gone have left in shared memory, of torch and of Python."""
    names = [name for name in os.listdir('/dev/shm') if name.startswith(('torch_', 'psm_'))]
    owners = {name: re.match(r'torch_(\d+)_', name) for name in names}
    return {name for name, pid in owners.items() if not pid or not Path('/proc', pid[1]).exists()}


def fail_once(kind: str, rank: int, ranks: int, delay: float, limit: float) -> tuple[float, str]:
    """Run to a failure; return the seconds from it to the end, and what was wrong, if anything."""
    shared = shared_memory()
    with tempfile.TemporaryDirectory(prefix='failing_') as folder:
        script = Path(folder) / 'rank.py'
        script.write_text(RANK, encoding='utf-8')
        launch = [sys.executable, str(ROOT / 'tools' / 'launch.py'), f'--nproc_per_node={ranks}']
        done = subprocess.run(
            [*launch, str(script), kind, str(rank), str(delay), folder],
            env={**os.environ, 'OMP_NUM_THREADS': '1', 'FAILING': folder},
            capture_output=True,
            text=True,
            check=False,
        )
        when = Path(folder) / 'when'
        if not when.is_file():
            return 0.0, f'never failed:\n{done.stderr}'
        seconds = time.time() - float(when.read_text(encoding='utf-8'))
        left = left_behind(f'FAILING={folder}')
    named = re.findall(r'^.*rank \d+ of \d+.*$', done.stderr, flags=re.MULTILINE)
    wrong = {
        f'took {seconds:.1f} s': seconds > limit,
        'ended with status 0': done.returncode == 0,
        f'said {named}': named != [f'error: rank {rank} of {ranks}{SAID[kind]}'],
        f'left {left}': bool(left),
        'left something in shared memory': not shared_memory() <= shared,
    }
    return seconds, '; '.join(text for text, is_so in wrong.items() if is_so)


def main(argv: Sequence[str] | None = None) -> None:
    """Run all failures; print a line for each number of ranks, and fail if one was not handled."""
    args = parse_args(argv)
    draw, problems = random.Random(args.seed), []
    for ranks in args.ranks:
        good, times = 0, []
        for count in range(args.failures):
            kind, rank = list(SAID)[count % len(SAID)], draw.randrange(ranks)
            delay = draw.uniform(0, 1.5)
            seconds, wrong = fail_once(kind, rank, ranks, delay, args.limit)
            times.append(seconds)
            good += not wrong
            if wrong:
                problems.append(f'{ranks} ranks, {kind} of rank {rank} at {delay:.2f} s: {wrong}')
                print(problems[-1], file=sys.stderr, flush=True)
        longest = f'longest {max(times):.1f} s from failure to end'
        print(f'{ranks} ranks: {good} of {args.failures}, {longest}', flush=True)
    if problems:
        sys.exit(1)


if __name__ == '__main__':
    main()
