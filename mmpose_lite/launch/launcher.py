"""Run a script in several processes; when one of them dies, end all and name it in one line.

The processes have torchrun's variables and error files. torchrun's agent is left out: it takes a
rank that exits with 0 for one that is done, gives the others half a minute to end and a run half a
minute to save, leaves the loader workers of a killed rank behind, and its store listens to the
whole network. :class:`Watch` stands in for it.
"""

from __future__ import annotations

import argparse
import fcntl
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
from datetime import timedelta
from pathlib import Path
from subprocess import Popen
from types import FrameType
from typing import Any, NamedTuple

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
        parser.error(f'--nproc_per_node {args.nproc_per_node} is not a number of processes')
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
    # GPUs leave little to the cores but the loaders.
    limit_threads(args.nproc_per_node, 1 if torch.cuda.device_count() else None)
    try:
        store, port = _open_store(args)
        store.set(f'ranks/{args.node_rank}', str(args.nproc_per_node))
        counts = [int(store.get(f'ranks/{node}')) for node in range(args.nnodes)]
    except (OSError, RuntimeError) as error:
        place = f'{args.master_addr}:{args.master_port or 0}'
        why = f'the processes of {place} could not be started: {error}'
        if 'EADDRINUSE' in str(error) or 'Address already in use' in str(error):
            why = f'the port of {place} is in use; PORT or --master_port names another'
        print(f'error: {why}', file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix='mmpose_lite-', ignore_cleanup_errors=True) as folder:
        watch, first = Watch(args.stop_seconds), sum(counts[: args.node_rank])
        watch.start(args, port, first, sum(counts), Path(folder))
        watch.wait()
        status = watch.conclude(sum(counts), several=args.nnodes > 1)
    with suppress(RuntimeError):  # the other machines are gone
        store.set(f'ended/{args.node_rank}', '')
        if args.node_rank == 0 and status == 0:  # their ranks may not be done with the store
            store.wait([f'ended/{node}' for node in range(args.nnodes)], _LAST_RANKS)
    return status


def interface_to(host: str) -> str | None:
    """The name of the network interface by which a host is reached; None if that is unknown."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))  # chooses a way, sends nothing
        except OSError:
            return None
        own = probe.getsockname()[0]
        for _, name in socket.if_nameindex():
            request = struct.pack('256s', name.encode()[:15])
            with suppress(OSError):  # has no address
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
                if socket.inet_ntoa(answer[20:24]) == own:
                    return name
    return None


def _open_store(args: argparse.Namespace) -> tuple[Any, int]:
    """Open the store at which all ranks meet, and wait for the other machines."""
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


class Ending(NamedTuple):
    """The end of a process: when it was noticed (monotonic clock), and its status or -signal."""

    time: float
    status: int


class RootCause(NamedTuple):
    """The rank that ended a run."""

    rank: int
    text: str  # what became of it: what follows its name in a sentence
    code: int  # the exit status of the run
    trace: str = ''  # of its error
    is_known: bool = True  # else the rank only suffered from another's end


class Watch:
    """The processes of this machine, watched until all have ended."""

    def __init__(self, stop_seconds: float) -> None:
        self._stop_seconds = stop_seconds  # that ranks may take to save after a signal
        self._processes: dict[int, Popen] = {}
        self._files: dict[int, Path] = {}
        self._endings: dict[int, Ending] = {}
        self._signal = 0
        self._kill_at = float('inf')
        self._killed = False

    def start(
        self, args: argparse.Namespace, port: int, first: int, world: int, folder: Path
    ) -> None:
        """Start the ranks from the first one on; their notes go to files of a folder."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._note_signal)
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
        script = [*(['-m'] if args.module else []), args.script, *args.arguments]
        command = [sys.executable, '-u', rank_script.__file__, *script]
        # Ranks inherit this, and hear of Ctrl-C once they can say how they end.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        for local in range(args.nproc_per_node):
            rank = first + local
            file = self._files[rank] = folder / f'{rank}.json'
            own = {'RANK': str(rank), 'LOCAL_RANK': str(local), rank_script.NOTE: str(file)}
            # A session each: what a rank leaves behind is ended with its group.
            environ = {**os.environ, **shared, **own}
            self._processes[rank] = Popen(command, env=environ, start_new_session=True)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        """Remember to ask the ranks to save and stop; a second signal ends them at once."""
        now = time.monotonic()
        self._kill_at = min(self._kill_at, now if self._signal else now + self._stop_seconds)
        self._signal = self._signal or number

    def wait(self) -> None:
        """Wait until all have ended; once one has failed, the others get a few seconds for it."""
        is_asked = is_broken = False
        while any(process.poll() is None for process in self._processes.values()):
            if self._signal and not is_asked:
                is_asked = True
                for process in self._processes.values():
                    process.send_signal(self._signal)
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
            place, elsewhere = f' (on {os.uname().nodename})' if several else '', ''
            if several and not cause.is_known:
                elsewhere = '; the launcher of another machine names the cause'
            line = f'error: rank {cause.rank} of {world}{place}{cause.text}{elsewhere}'
            print(f'{cause.trace}{line}', file=sys.stderr)
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

    An error of a rank's own, by its note, comes before anything that the others suffer from it.
    Where there is none, a rank that has ended by itself and without a word is to blame; where all
    are still there, one of those that are waiting and do not answer.
    """
    failed = sorted(
        (note['time'], rank) for rank, note in notes.items() if note['state'] == 'failed'
    )
    for _, rank in failed:
        if not notes[rank]['suffers']:
            note = notes[rank]
            return RootCause(rank, f': {note["message"]}', note['code'], note['trace'])
    first = failed[0][0] if failed else float('inf')
    # Those that ended without a note, or otherwise than it says.
    silent = [
        (ending.status == -signal.SIGTERM, ending.time, ending.status == 0, rank)
        for rank, ending in endings.items()
        if ending.time < first + _LAG
        and (rank not in notes or (notes[rank]['state'] == 'done' and ending.status != 0))
    ]
    if silent:
        rank = min(silent)[-1]
        return _of_ending(rank, endings[rank].status)
    if not failed:
        return None
    if waiting and all(_TIMED_OUT.search(notes[rank]['message']) for _, rank in failed):
        return RootCause(min(waiting), ' did not answer the others in time', 1)
    rank = failed[0][1]
    text = f' lost its connections: {notes[rank]["message"].splitlines()[0]}'
    return RootCause(rank, text, notes[rank]['code'], is_known=False)


def _of_ending(rank: int, status: int) -> RootCause:
    if status < 0:
        return RootCause(rank, f' was killed by {signal.Signals(-status).name}', 128 - status)
    return RootCause(rank, f' ended with status {status} before it was done', status or 1)
