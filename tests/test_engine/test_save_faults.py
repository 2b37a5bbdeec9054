"""Each call of a save and of what follows it fails once: nothing is lost, and nothing is silent."""

import hashlib
import re
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.faulty_files import REFUSALS, Faults, die, faulty
from helpers.processes import Child
from helpers.saved_runs import Run, begin, names_of, train, train_epoch
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.latest import find_latest
from mmpose_lite.checkpoints.writing import SaveError, write_checkpoint
from mmpose_lite.errors import InputError


@pytest.fixture(
    params=[pytest.param((1, 9), marks=pytest.mark.slow), (2, 3)], ids=['keep1', 'keep2']
)
def case(request):
    """Three epochs are done; what is left of four and of five undisturbed ones.

    Either all of them are the best so far, or the third one stays it.
    """
    keep, best = request.param
    memory = Path('/dev/shm')  # thousands of saves that no disk needs to keep
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        start, four, five = (Path(name) / each for each in ('start', 'four', 'five'))
        for folder, epochs in ((start, 3), (four, 4), (five, 5)):
            train(folder, keep, best, epochs)
        yield SimpleNamespace(
            keep=keep,
            best=best,
            start=start,
            folder=Path(name) / 'run',
            four=names_of(four),
            five=names_of(five),
        )


def afresh(case):
    shutil.rmtree(case.folder, ignore_errors=True)
    shutil.copytree(case.start, case.folder, symlinks=True)


def count_calls(case):
    afresh(case)
    run, hook = begin(case.folder, case.keep, case.best)
    faults = Faults()
    with faulty(faults):
        train_epoch(run, hook)
    assert names_of(case.folder) == case.four
    return faults.calls


def error_of(run, hook, faults):
    try:
        with faulty(faults):
            train_epoch(run, hook)
    except SaveError as error:
        return str(error)
    return None


def check_resumes(case):
    """Something sound is there, at most one epoch is done again, and the end is the same."""
    told = []
    latest = find_latest(str(case.folder), told.append)
    assert told == []
    assert read_checkpoint(latest)['position']['epoch'] >= 3
    # Four are as many as there were to be: what the last save had no time for is done too.
    for epochs, expected in ((4, case.four), (5, case.five)):
        train(case.folder, case.keep, case.best, epochs)
        assert names_of(case.folder) == expected


@pytest.mark.parametrize('forever', [False, True], ids=['once', 'forever'])
@pytest.mark.parametrize('kind', REFUSALS)
def test_a_call_is_refused(case, kind, forever, whole):
    calls = count_calls(case)
    assert len(calls) > 30
    silent = []
    # Of the others, every seventh, and each time different ones.
    first = 2 * list(REFUSALS).index(kind) + forever + 1
    for at in range(1, len(calls) + 1) if whole else range(first, len(calls) + 1, 7):
        afresh(case)
        run, hook = begin(case.folder, case.keep, case.best)
        error = error_of(run, hook, Faults(at, REFUSALS[kind], forever))
        if error:
            assert re.fullmatch('.* could not be (written|removed): .*', error)
        # Or it was logged and will be tried again, or nothing at all is amiss.
        elif not run.warnings and names_of(case.folder) != case.four:
            silent.append((at, calls[at - 1]))
        check_resumes(case)
    assert silent == []


def test_the_process_dies_at_a_call(case, whole):
    calls = count_calls(case)
    for at in range(1, len(calls) + 1) if whole else range(case.keep, len(calls) + 1, 3):
        afresh(case)

        def save(at=at):
            run, hook = begin(case.folder, case.keep, case.best)
            with faulty(Faults(at, die)):
                train_epoch(run, hook)

        assert Child(save).status() == 9, calls[at - 1]
        check_resumes(case)


def test_a_file_is_on_the_disk_before_it_has_its_name(case):
    """And the name is, before anything is removed: the order in which a power cut finds them."""
    calls = [call for call in count_calls(case) if call.startswith('os.')]
    moves = [i for i, call in enumerate(calls) if call == 'os.replace']
    # The checkpoint and its pointer; the best, its link, the checkpoint that knows it, its pointer.
    assert len(moves) == (6 if case.best > 3 else 2)
    for i in moves:
        is_link = calls[i - 1] == 'os.symlink'
        assert calls[i - 1] == 'os.fsync' or (is_link and i == moves[3])
        assert calls[i : i + 3] == ['os.replace', 'os.open', 'os.fsync']


def test_published_weights_are_written_as_durably(case):
    run, hook = begin(case.folder, case.keep, case.best)
    train_epoch(run, hook)
    hook.published_keys = ['state_dict']
    faults = Faults()
    with faulty(faults):
        hook.after_train(run)
    calls = [call for call in faults.calls if call.startswith('os.')]
    once = ['os.mkdir', 'os.fsync', 'os.replace', 'os.open', 'os.fsync']
    assert calls == once * calls.count('os.replace')
    published = {path for path in case.folder.iterdir() if '-' in path.name}
    assert len(published) == calls.count('os.replace') >= 1
    for path in published:
        assert path.stem[-8:] == hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        assert list(read_checkpoint(str(path))) == ['state_dict']


def test_what_a_damaged_file_replaces_is_kept(case, monkeypatch):
    afresh(case)
    before = names_of(case.folder)
    run, hook = begin(case.folder, case.keep, case.best)
    write_soundly = write_checkpoint

    def write(content, path, resumable):
        write_soundly(content, path, resumable=resumable)
        with open(path, 'r+b') as file:
            file.seek(100)
            file.write(b'damaged')

    monkeypatch.setitem(Run.save_checkpoint.__globals__, 'write_checkpoint', write)
    with pytest.raises(InputError, match=r"epoch_4\.pth' is damaged"):
        train_epoch(run, hook)
    assert find_latest(str(case.folder), run.logger.warning).endswith('epoch_3.pth')
    assert before.keys() - {'last_checkpoint'} <= {path.name for path in case.folder.iterdir()}


def test_what_could_not_be_read_again_is_not_saved(case):
    """It is named, and all that was there still is."""
    afresh(case)
    before = names_of(case.folder)
    run, hook = begin(case.folder, case.keep, case.best)
    run.message_hub.update_info('mine', {'scores': [1, print]})
    place = r'message_hub\.runtime_info\.mine\.scores\.1 is a builtins\.builtin_function'
    with pytest.raises(SaveError, match=rf"epoch_4\.pth' could not be written: {place}"):
        train_epoch(run, hook)
    assert names_of(case.folder) == before
