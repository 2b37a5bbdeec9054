"""Run a script in several processes; when one of them dies, end all and name it in one line.

torchrun's own ``start_processes`` starts them, with torchrun's variables and error files. Its agent
is left out: it takes a rank that exits with 0 for one that is done, gives the others half a minute
to end and a run half a minute to save, leaves the loader workers of a killed rank behind, and its
store listens to the whole network. :class:`Watch` stands in for that agent.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import Any

from mmpose_lite.utils import collector_at_rest
from mmpose_lite.utils.threads import limit_threads

from . import rank as rank_script

_LOOPBACK = '127.0.0.1'
_SIOCGIFADDR = 0x8915
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_POLL = 0.05
# Ranks that lost one of theirs have nothing to save; what is left of them after this is stuck.
_GRACE = 5.0
# A death is noticed a little later than a note is dated.
_LAG = 0.5
# As long as torchrun's agents wait for each other at the end.
_LAST_RANKS = timedelta(seconds=300)
_TIMED_OUT = re.compile(r'time[d ]*out', re.IGNORECASE)


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; names and defaults are torchrun's where it has them."""
    parser = argparse.ArgumentParser(
        prog='launch',
        description='Run a script in several processes; when one of them ends, so do all.',
    )
    numbers = {
        'nproc_per_node': (1, 'processes of this machine'),
        'nnodes': (1, 'machines'),
        'node_rank': (0, 'which one this is, from 0'),
        'master_port': (None, 'a free port of machine 0'),
        'join_seconds': (900, 'how long machines wait for each other'),
        'stop_seconds': (600, 'how long processes may save after SIGTERM or SIGINT'),
    }
    for name, (default, text) in numbers.items():
        parser.add_argument(f'--{name}', type=int, default=default, metavar='N', help=text)
    parser.add_argument('--master_addr', default=_LOOPBACK, help='address of machine 0')
    parser.add_argument('-m', '--module', action='store_true', help='the script is a module')
    parser.add_argument('script', help='what every process runs')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...', help='its arguments')
    args = parser.parse_args(argv)
    if args.nnodes == 1:
        args.master_addr = _LOOPBACK
    elif args.master_port is None:
        args.master_port = 29500
    if not 0 <= args.node_rank < args.nnodes:
        parser.error(f'--node_rank {args.node_rank} is not one of {args.nnodes} machines')
    if args.nproc_per_node < 1:
        parser.error(f'--nproc_per_node {args.nproc_per_node} is no number of processes')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    args = parse_args(argv)
    if 'GLOO_SOCKET_IFNAME' not in os.environ and (name := interface_to(args.master_addr)):
        # By itself gloo takes the address that the machine's own name stands for, which on many
        # machines no other one can reach.
        os.environ['GLOO_SOCKET_IFNAME'] = name
    # While other machines are awaited there is nothing to save, and the store hears no signal.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    with collector_at_rest():
        import torch
        from torch.distributed.elastic.multiprocessing import SignalException
    # GPUs leave little to the cores but the loaders.
    limit_threads(args.nproc_per_node, 1 if torch.cuda.device_count() else None)
    try:
        store, port = _open_store(args)
        first, world = _count_ranks(store, args)
    except (OSError, RuntimeError) as error:
        _print(f'error: {_why_not_started(args, str(error))}')
        return 1
    with tempfile.TemporaryDirectory(prefix='mmpose_lite-', ignore_cleanup_errors=True) as folder:
        watch = Watch(args.stop_seconds, first)
        try:
            watch.start(args, port, world, folder)
        except SignalException as stop:
            return 128 + stop.sigval
        watch.wait()
        status = watch.conclude(world, several=args.nnodes > 1)
    _meet_again(store, args, status)
    return status


def interface_to(host: str) -> str | None:
    """The name of the network interface by which a host is reached; None if that is unknown."""
    try:
        import fcntl
    except ImportError:  # not a Unix
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))  # chooses a way, sends nothing
        except OSError:
            return None
        own = probe.getsockname()[0]
        for _, name in socket.if_nameindex():
            request = struct.pack('256s', name.encode()[:15])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:  # has no address
                continue
            if socket.inet_ntoa(answer[20:24]) == own:
                return name
    return None


def _open_store(args: argparse.Namespace) -> tuple[Any, int]:
    """Open the store at which all ranks meet, and wait for the other machines.

    Raises:
        OSError, RuntimeError: If the port is in use, or a machine does not come.
    """
    from torch.distributed import TCPStore

    if args.nnodes > 1:
        limit = timedelta(seconds=args.join_seconds)
        place, is_first = (args.master_addr, args.master_port), args.node_rank == 0
        return TCPStore(*place, args.nnodes, is_first, limit), args.master_port
    # By itself the store would listen to the whole network.
    with socket.create_server((_LOOPBACK, args.master_port or 0)) as server:
        port = server.getsockname()[1]
        listener = os.dup(server.fileno())  # the store closes what it is given
    store = TCPStore(
        _LOOPBACK,
        port,
        is_master=True,
        wait_for_workers=False,
        master_listen_fd=listener,
        use_libuv=False,  # with it, torch 2.6's takes no socket that listens already
    )
    return store, port


def _count_ranks(store: Any, args: argparse.Namespace) -> tuple[int, int]:
    """The first rank of this machine, and the number of all."""
    store.set(f'ranks/{args.node_rank}', str(args.nproc_per_node))
    counts = [int(store.get(f'ranks/{node}')) for node in range(args.nnodes)]
    return sum(counts[: args.node_rank]), sum(counts)


def _meet_again(store: Any, args: argparse.Namespace, status: int) -> None:
    """Keep the store of machine 0 until the ranks of the others are done with it, too."""
    with suppress(RuntimeError):  # the others are gone
        store.set(f'ended/{args.node_rank}', '')
        if args.node_rank == 0 and status == 0:
            store.wait([f'ended/{node}' for node in range(args.nnodes)], _LAST_RANKS)


def _why_not_started(args: argparse.Namespace, text: str) -> str:
    place = f'{args.master_addr}:{args.master_port or 0}'
    if 'EADDRINUSE' in text or 'Address already in use' in text:
        return f'the port of {place} is in use; PORT or --master_port names another'
    return f'the processes of {place} could not be started: {text}'


@dataclass(frozen=True)
class Ending:
    """The end of a process, as the system tells it.

    Attributes:
        time: When it was noticed, by the monotonic clock.
        status: The exit status, or minus the signal.
    """

    time: float
    status: int


@dataclass(frozen=True)
class RootCause:
    """The rank that ended a run.

    Attributes:
        rank: The rank.
        text: What became of it: what follows its name in a sentence.
        code: The exit status of the run.
        trace: The traceback of its error.
        is_known: Whether this is the cause; else the rank only suffered from another's end.
    """

    rank: int
    text: str
    code: int
    trace: str = ''
    is_known: bool = True


class Watch:
    """The processes of this machine, watched until all have ended.

    Args:
        stop_seconds: How long ranks may take to save after a signal has asked them to stop.
        first: The first rank of this machine.
    """

    def __init__(self, stop_seconds: float, first: int) -> None:
        self._stop_seconds = stop_seconds
        self._first = first
        self._processes: dict[int, Popen] = {}
        self._files: dict[int, Path] = {}
        self._endings: dict[int, Ending] = {}
        self._signal = 0
        self._kill_at = float('inf')
        self._killed = False

    def start(self, args: argparse.Namespace, port: int, world: int, folder: str) -> None:
        """Start the ranks; their notes go to files of a folder."""
        from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, start_processes

        shared = {
            rank_script.LAUNCHER: str(os.getpid()),
            'WORLD_SIZE': str(world),
            'LOCAL_WORLD_SIZE': str(args.nproc_per_node),
            'GROUP_RANK': str(args.node_rank),
            'MASTER_ADDR': args.master_addr,
            'MASTER_PORT': str(port),
            'TORCHELASTIC_RUN_ID': 'mmpose_lite',
            'TORCHELASTIC_RESTART_COUNT': '0',
            'TORCHELASTIC_MAX_RESTARTS': '0',
            'TORCHELASTIC_USE_AGENT_STORE': 'True',
        }
        ranks = {
            local: {**shared, 'RANK': str(self._first + local), 'LOCAL_RANK': str(local)}
            for local in range(args.nproc_per_node)
        }
        module = ['-m'] if args.module else []
        words = ('-u', rank_script.__file__, *module, args.script, *args.arguments)
        ignored = [each for each in _SIGNALS if signal.getsignal(each) is signal.SIG_IGN]
        started: Any = start_processes(
            'rank', sys.executable, dict.fromkeys(ranks, words), ranks, DefaultLogsSpecs(folder)
        )
        for number in _SIGNALS:  # start_processes has set its own
            signal.signal(number, signal.SIG_IGN if number in ignored else self._pass_on)
        for local, handler in started.subprocess_handlers.items():
            self._processes[self._first + local] = handler.proc
            self._files[self._first + local] = Path(started.error_files[local])

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Ask the ranks to save and stop; a second signal ends them at once."""
        now = time.monotonic()
        self._kill_at = min(self._kill_at, now if self._signal else now + self._stop_seconds)
        if not self._signal:
            self._signal = number
            for process in self._processes.values():
                process.send_signal(number)

    def wait(self) -> None:
        """Wait until all have ended; once one has failed, the others get a few seconds for it."""
        is_broken = False
        while any(process.poll() is None for process in self._processes.values()):
            self._find_endings()
            if not is_broken and self._find_root_cause() is not None:
                is_broken = True
                self._kill_at = min(self._kill_at, time.monotonic() + _GRACE)
            if time.monotonic() > self._kill_at:
                self._kill()
            time.sleep(_POLL)
        self._find_endings()
        self._kill()  # loaders' workers whose rank was killed

    def _find_endings(self) -> None:
        now = time.monotonic()  # which of those found together was the first is not known
        for rank, process in self._processes.items():
            status = None if self._killed else process.poll()
            if status is not None:
                self._endings.setdefault(rank, Ending(now, status))

    def _notes(self) -> dict[int, dict[str, Any]]:
        """Notes that ranks have written about their ends."""
        files = {rank: file for rank, file in self._files.items() if file.is_file()}
        return {rank: json.loads(file.read_text('utf-8')) for rank, file in files.items()}

    def _find_root_cause(self) -> RootCause | None:
        # A signal to all of them is no cause.
        asked = (-self._signal, -signal.SIGTERM) if self._signal else ()
        unasked = {rank: end for rank, end in self._endings.items() if end.status not in asked}
        notes = self._notes()
        waiting = self._processes.keys() - self._endings.keys() - notes.keys()
        return find_root_cause(notes, unasked, waiting)

    def _kill(self) -> None:
        self._killed = True
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def conclude(self, world: int, several: bool) -> int:
        """Say what ended the run; return the exit status."""
        notes, cause = self._notes(), self._find_root_cause()
        if cause is not None and (cause.is_known or not self._signal):
            place = f' (on {os.uname().nodename})' if several else ''
            _print(cause.trace.rstrip())
            elsewhere = "; another machine's launcher says why" if several else ''
            elsewhere = '' if cause.is_known else elsewhere
            _print(f'error: rank {cause.rank} of {world}{place}{cause.text}{elsewhere}')
            return cause.code
        stopped = [note['code'] for _, note in sorted(notes.items()) if note['state'] == 'stopped']
        if stopped:
            return stopped[0]
        is_done = len(notes) == len(self._processes)
        return 128 + self._signal if self._signal and not is_done else 0


def find_root_cause(
    notes: Mapping[int, dict[str, Any]],
    endings: Mapping[int, Ending],
    waiting: Collection[int] = (),
) -> RootCause | None:
    """Find the rank that ended a run; None if all have done what they were to do.

    An error of a rank's own comes before anything that the others suffer from it. Where there is
    none, a rank that is gone without a word is to blame; where all are still there, one that does
    not answer.

    Args:
        notes: What ranks of this machine have written about their ends.
        endings: How their processes ended, as far as they have by themselves.
        waiting: The ranks that have not ended.
    """
    failed = sorted(
        (note['time'], rank) for rank, note in notes.items() if note['state'] == 'failed'
    )
    for _, rank in failed:
        if not notes[rank]['suffers']:
            note = notes[rank]
            return RootCause(rank, f': {note["message"]}', note['code'], note['trace'])
    first = failed[0][0] if failed else float('inf')
    silent = [
        (ending.status == -signal.SIGTERM, ending.time, ending.status == 0, rank)
        for rank, ending in endings.items()
        if ending.time < first + _LAG and _is_silent(notes.get(rank), ending)
    ]
    if silent:
        rank = min(silent)[-1]
        return _of_ending(rank, endings[rank])
    if not failed:
        return None
    if waiting and all(_TIMED_OUT.search(notes[rank]['message']) for _, rank in failed):
        return RootCause(min(waiting), ' did not answer the others in time', 1)
    note = notes[failed[0][1]]
    return RootCause(
        failed[0][1],
        f' lost its connections: {note["message"].splitlines()[0]}',
        note['code'],
        is_known=False,
    )


def _is_silent(note: Mapping[str, Any] | None, ending: Ending) -> bool:
    """Tell whether a process ended without saying so, or otherwise than it said."""
    return note is None or (note['state'] == 'done' and ending.status != 0)


def _of_ending(rank: int, ending: Ending) -> RootCause:
    if ending.status < 0:
        name = signal.Signals(-ending.status).name
        return RootCause(rank, f' was killed by {name}', 128 - ending.status)
    text = f' ended with status {ending.status} before it was done'
    return RootCause(rank, text, ending.status or 1)


def _print(text: str) -> None:
    if text:
        print(text, file=sys.stderr, flush=True)
