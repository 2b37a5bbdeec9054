"""The rank that a failure is blamed on."""

import signal

import pytest
import torch.distributed as dist

from mmpose_lite.launch import rank
from mmpose_lite.launch.launcher import Ending, find_root_cause


def done(rank):
    return {'rank': rank, 'state': 'done', 'time': 0.0, 'code': 0}


def failed(rank, time, message='ValueError: no', suffers=False):
    note = {'rank': rank, 'state': 'failed', 'time': time, 'message': message}
    return {**note, 'trace': '', 'code': 1, 'suffers': suffers}


def cause(*notes, waiting=(), **endings):
    found = find_root_cause(
        {each['rank']: each for each in notes},
        {int(name[1:]): Ending(*ending) for name, ending in endings.items()},
        waiting,
    )
    return found and (found.rank, found.text, found.code)


def test_nobody_is_to_blame_for_a_run_that_is_done():
    assert cause(done(0), done(1), r0=(1.0, 0), r1=(1.0, 0)) is None


def test_the_first_error_of_its_own_is_the_cause():
    notes = (failed(0, 5.2, 'Connection closed', suffers=True), failed(1, 5.4), failed(2, 5.3, 'b'))
    assert cause(*notes, r0=(5.5, 1)) == (2, ': b', 1)


def test_a_rank_that_was_killed_is_the_cause_of_lost_connections():
    lost = failed(0, 5.0, 'Connection closed', suffers=True)
    assert cause(lost, r1=(5.1, -9)) == (1, ' was killed by SIGKILL', 137)


def test_a_rank_that_ended_long_after_connections_were_lost_is_not():
    lost = failed(0, 5.0, 'Connection closed', suffers=True)
    assert cause(lost, r1=(6.2, -6)) == (0, ' lost its connections: Connection closed', 1)


def test_of_several_that_are_gone_one_that_was_not_asked_to_end_is():
    """A scheduler may have told the others to."""
    assert cause(r0=(5.0, -15), r1=(5.0, -11), r2=(5.1, -15))[0] == 1


def test_of_those_that_were_found_gone_together_the_one_that_failed_is():
    assert cause(r1=(5.0, 0), r2=(5.0, -9)) == (2, ' was killed by SIGKILL', 137)
    assert cause(r1=(5.0, 0), r2=(5.1, -9))[0] == 1


@pytest.mark.parametrize(('status', 'code'), [(0, 1), (3, 3)])
def test_an_end_without_a_word_is_no_success(status, code):
    text = f' ended with status {status} before it was done'
    assert cause(done(1), r0=(1.0, status), r1=(1.0, 0)) == (0, text, code)


def test_a_crash_after_the_end_is_told():
    crash = (1.0, -signal.SIGSEGV)
    assert cause(done(0), r0=crash) == (0, ' was killed by SIGSEGV', 139)


def test_the_one_that_does_not_answer_is_named():
    late = failed(0, 5.0, 'Timed out waiting 600000ms', suffers=True)
    assert cause(late, waiting={1}) == (1, ' did not answer the others in time', 1)
    lost = failed(0, 5.0, 'RuntimeError: Connection closed', suffers=True)
    assert cause(lost, waiting={1})[0] == 0


def caused(error, by):
    """An error with the cause that Python notes."""
    try:
        raise error from by
    except BaseException as raised:
        return raised


class LossError(ArithmeticError):
    ranks = (0, 2)


@pytest.mark.parametrize(
    ('error', 'suffers'),
    [
        (RuntimeError('[gloo/transport/tcp/pair.cc:545] Connection closed by peer'), True),
        (dist.DistNetworkError('the client socket has failed to connect'), True),
        (dist.DistBackendError('NCCL error'), True),
        (caused(SystemExit('error: x'), dist.DistNetworkError('gone')), True),
        (RuntimeError('DataLoader worker (pid 7) is killed by signal: Killed.'), False),
        (ConnectionResetError('Connection reset by peer'), False),
        (ValueError('gloo'), False),
        (caused(SystemExit('error: x'), LossError()), True),  # of others
    ],
)
def test_a_rank_that_lost_a_connection_only_suffers(monkeypatch, error, suffers):
    monkeypatch.setenv('RANK', '1')
    assert rank._failure(error, 'what it says')['suffers'] is suffers


def test_a_rank_that_the_error_of_all_names_does_not(monkeypatch):
    monkeypatch.setenv('RANK', '2')
    assert rank._failure(caused(SystemExit('error: x'), LossError()), '')['suffers'] is False
