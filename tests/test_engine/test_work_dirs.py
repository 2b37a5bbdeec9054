"""The folder of a run: nothing of an earlier run is lost, and one training has it at a time."""

import json
import os
import shutil
import signal
import threading
import time
from contextlib import suppress

import pytest

from helpers.exact_runs import make_config
from helpers.faulty_files import Faults, die, faulty
from helpers.processes import Child
from helpers.saved_runs import begin, names_of, train, train_epoch
from mmpose_lite.apis import load_config
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.checkpoints.writing import SaveError
from mmpose_lite.cli.train import main as run_train
from mmpose_lite.engine import PoseRunner
from mmpose_lite.engine.hooks import CheckpointHook
from mmpose_lite.engine.work_dir import holding, near_runs
from mmpose_lite.errors import InputError
from mmpose_lite.utils import collectives


def entries(folder):
    """All that lies in a folder, with the content of its files."""
    files = {path: path.read_bytes() for path in folder.rglob('*') if path.is_file()}
    return {str(path.relative_to(folder)): content for path, content in files.items()}


class Holder:
    """Another process that holds folders, with a worker of its own, until it is killed."""

    def __init__(self, *folders):
        ready, tell = os.pipe()
        self.process = os.fork()
        if not self.process:
            os.setsid()
            with holding(*map(str, folders)):
                if os.fork():
                    os.write(tell, b'.')
                time.sleep(60)
            os._exit(0)
        os.read(ready, 1)
        os.close(ready)
        os.close(tell)

    def kill(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


@pytest.fixture
def hold():
    """Has another process hold folders; returns that process."""
    holders = []

    def start(*folders):
        holders.append(Holder(*folders))
        return holders[-1]

    yield start
    for holder in holders:
        with suppress(ProcessLookupError):
            os.killpg(holder.process, signal.SIGKILL)


# Python 3.12 and later warn about any fork of a process with threads.
pytestmark = pytest.mark.filterwarnings('ignore:.*multi-threaded, use of fork')


def test_a_folder_in_use_is_refused_until_its_process_ends(tmp_path, hold):
    other = hold(tmp_path)
    refusal = f"{tmp_path.name}' is in use .*process {other.process} "
    with pytest.raises(InputError, match=refusal), holding(str(tmp_path)):
        pass
    other.kill()
    with holding(str(tmp_path)), holding(str(tmp_path), str(tmp_path / 'other')):
        assert json.loads((tmp_path / '.lock.json').read_text())['process'] == os.getpid()
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.lock', 'other']


def test_a_link_in_the_lock_s_place_is_left_as_it_is(tmp_path):
    (tmp_path / 'weights.pth').write_text('weights')
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run' / '.lock').symlink_to('../weights.pth')
    with (
        pytest.raises(InputError, match=r"run/\.lock' was not written as a lock"),
        holding(str(tmp_path / 'run')),
    ):
        pass
    assert (tmp_path / 'weights.pth').read_text() == 'weights'


def test_another_thread_is_another_training(tmp_path):
    found = []

    def begin_another():
        try:
            with holding(str(tmp_path)):
                found.append('held twice')
        except InputError as error:
            found.append(str(error))

    with holding(str(tmp_path)):
        thread = threading.Thread(target=begin_another)
        thread.start()
        thread.join()
    assert f'process {os.getpid()} ' in found[0]


@pytest.mark.parametrize('rank', [0, 1])
def test_all_processes_end_with_the_refusal(tmp_path, hold, rank, monkeypatch):
    """The first one tries, and tells the others."""
    other, said = hold(tmp_path), []
    monkeypatch.setattr(collectives, 'is_shared', lambda: True)
    monkeypatch.setattr(collectives.dist, 'get_rank', lambda: rank)
    refusal = ['', f"'{tmp_path}' is in use by process {other.process} "]

    def gather(own):
        said.append(own)
        return [refusal if rank else own]

    monkeypatch.setattr(collectives, 'gather_objects', gather)
    with pytest.raises(InputError, match=f'process {other.process} '), holding(str(tmp_path)):
        pass
    assert (said[0][1] is None) == (rank == 1)


def test_a_second_training_is_refused_before_it_writes(tmp_path, tiny_config, hold):
    (tmp_path / 'epoch_1.pth').write_bytes(b'of the first')
    other = hold(tmp_path)
    before = entries(tmp_path)
    for more in ([], ['--resume'], ['--overwrite']):
        with pytest.raises(SystemExit, match=f'process {other.process} ') as caught:
            run_train([str(tiny_config), '--work-dir', str(tmp_path), *more])
        assert '\n' not in caught.value.code
    assert entries(tmp_path) == before


def test_so_is_one_that_saves_where_another_does(tmp_path, hold, as_new_process):
    cfg = make_config(tmp_path, default_hooks__checkpoint__out_dir=str(tmp_path / 'out'))
    cfg.work_dir = str(tmp_path / 'other' / 'run')
    hold(tmp_path / 'out' / 'run')
    with pytest.raises(InputError, match=r"out/run' is in use"):
        PoseRunner.from_cfg(cfg).train()


def test_a_config_in_the_work_dir_stays_as_it_was_written(tiny_config, tmp_path):
    work = tmp_path / 'mine'
    work.mkdir()
    own = work / 'own.py'
    own.write_text(f'# Mine.\n_base_ = [{str(tiny_config)!r}]\nwork_dir = {str(work)!r}\n')
    text = own.read_text()
    PoseRunner.from_cfg(load_config(own)).dump_config()
    assert own.read_text() == text
    dumped = work / 'dumped.py'
    load_config(own).dump(str(dumped))
    cfg = load_config(dumped, {'train_cfg.max_epochs': 7})
    PoseRunner.from_cfg(cfg).dump_config()
    assert load_config(dumped).train_cfg.max_epochs == 7


def test_a_validation_may_run_beside_a_training(tmp_path, hold, as_new_process):
    cfg = make_config(tmp_path)
    cfg.work_dir = str(tmp_path / 'run')
    hold(tmp_path / 'run')
    assert PoseRunner.from_cfg(cfg).val()['NME'] > 0


def test_a_disk_without_locks_is_said(tmp_path, monkeypatch, capsys, as_new_process):
    def acquire(*args, **options):
        raise NotImplementedError('no flock here')

    monkeypatch.setattr('filelock.FileLock.acquire', acquire)
    with holding(str(tmp_path)):
        assert 'cannot be locked (no flock here)' in capsys.readouterr().out


def test_a_training_anew_moves_the_earlier_one_aside(tmp_path):
    for number in (1, 2, 3):
        train(tmp_path, 2, 1, 2 + number, resume=False)
    kept = {'best_NME_epoch_1.pth': 1, 'best.pth': 1}
    assert names_of(tmp_path) == {
        **kept,
        'epoch_4.pth': 4,
        'epoch_5.pth': 5,
        'last_checkpoint': 'epoch_5.pth',
    }
    last = names_of(tmp_path / 'previous' / 'now_1')
    assert last == {**kept, 'epoch_3.pth': 3, 'epoch_4.pth': 4, 'last_checkpoint': 'epoch_4.pth'}
    assert names_of(tmp_path / 'previous' / 'now')['epoch_2.pth'] == 2


def test_it_says_so_and_leaves_other_files(tmp_path):
    run = train(tmp_path, 1, 9, 2)
    others = ('hrnetv2_w18.pth', 'my_epoch_7.pth', 'tiny.py', 'epoch_2.txt')
    own = ('iter_7.pth', 'epoch_2-0123abcd.pth', 'best_NME_epoch_2-0123abcd.pth', 'scalars.csv')
    for name in (*others, *own):
        (tmp_path / name).write_text('')
    (tmp_path / 'epoch_9.pth').mkdir()
    run, _ = begin(tmp_path, 1, 9, resume=False)
    (line,) = run.warnings
    assert line.startswith(
        f"'{tmp_path}' has 9 files of an earlier training (epoch_9.pth, iter_7.pth"
    )
    assert line.endswith(f"and 6 more): moved to '{tmp_path}/previous/now'")
    assert {path.name for path in tmp_path.iterdir()} == {'previous', *others}
    assert {*own, 'epoch_9.pth'} < set(os.listdir(tmp_path / 'previous' / 'now'))


def test_overwrite_removes_it(tmp_path):
    train(tmp_path, 1, 9, 2)
    (tmp_path / 'mine.pth').write_text('')
    run, _ = begin(tmp_path, 1, 9, resume=False, overwrite=True)
    assert 'removed (overwrite)' in run.warnings[0]
    assert os.listdir(tmp_path) == ['mine.pth']


def test_overwrite_and_resume_are_refused(tiny_config):
    with pytest.raises(SystemExit, match='--overwrite removes the checkpoints that --resume'):
        run_train([str(tiny_config), '--overwrite', '--resume'])


def test_a_run_resumed_from_elsewhere_moves_it_too(tmp_path):
    train(tmp_path / 'first', 2, 9, 2)
    train(tmp_path / 'second', 2, 9, 3)
    shutil.rmtree(tmp_path / 'first' / 'previous', ignore_errors=True)
    run, hook = begin(tmp_path / 'second', 2, 9)
    assert run.warnings == []
    run.resumed_from = str(tmp_path / 'first' / 'epoch_2.pth')
    hook.before_train(run)
    assert 'epoch_3.pth' in names_of(tmp_path / 'second' / 'previous' / 'now')


def test_nothing_is_lost_where_moving_ends_early(tmp_path):
    """By the end of the process, or by a refusal, at any of its calls."""
    start, folder = tmp_path / 'start', tmp_path / 'run'
    train(start, 2, 1, 3)
    counted = Faults()
    shutil.copytree(start, folder, symlinks=True)
    with faulty(counted):
        begin(folder, 2, 1, resume=False)
    assert 'os.rename' in counted.calls
    for at in range(1, len(counted.calls) + 1):
        shutil.rmtree(folder)
        shutil.copytree(start, folder, symlinks=True)

        def move(at=at):
            with faulty(Faults(at, die)):
                begin(folder, 2, 1, resume=False)

        assert Child(move).status() == 9
        run = train(folder, 2, 1, 1, resume=False)
        found = [path for path in folder.rglob('*') if path.is_file()]
        for path in start.iterdir():
            assert any(path.read_bytes() == each.read_bytes() for each in found), path
        assert run.message_hub.get_info('best_score') == 1


def test_best_is_another_name_of_the_best_weights(tmp_path):
    run, hook = begin(tmp_path, 1, 2)
    for best in (1, 2, 2):
        train_epoch(run, hook)
        assert os.readlink(tmp_path / 'best.pth') == f'best_NME_epoch_{best}.pth'
    shutil.move(tmp_path, tmp_path.with_name('moved'))
    link = tmp_path.with_name('moved') / 'best.pth'
    assert read_checkpoint(str(link))['position']['epoch'] == 2


def test_one_that_a_run_finds_is_made_right(tmp_path):
    train(tmp_path, 1, 2, 3)
    (tmp_path / 'best.pth').unlink()
    (tmp_path / 'best.pth').write_text("somebody's own")
    begin(tmp_path, 1, 2)
    assert os.readlink(tmp_path / 'best.pth') == 'best_NME_epoch_2.pth'
    assert (tmp_path / 'previous' / 'now' / 'best.pth').read_text() == "somebody's own"


@pytest.mark.parametrize('refused', [('symlink',), ('symlink', 'link')])
def test_disks_without_links_have_a_second_name_or_a_copy(tmp_path, monkeypatch, refused):
    def refuse(*args, **options):
        raise PermissionError(1, 'Operation not permitted')

    for name in refused:
        monkeypatch.setattr(os, name, refuse)
    train(tmp_path, 1, 3, 3)
    best, link = tmp_path / 'best_NME_epoch_3.pth', tmp_path / 'best.pth'
    assert best.read_bytes() == link.read_bytes()
    assert os.path.samefile(best, link) == (len(refused) == 1)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == '.part'] == []


@pytest.mark.parametrize(('rule', 'better'), [('less', 0.25), ('greater', 0.75)])
def test_an_equal_score_is_no_better(tmp_path, rule, better):
    run, _ = begin(tmp_path, 1, 9)
    hook = CheckpointHook(interval=1, save_best='NME', rule=rule)
    hook.before_train(run)
    for epoch, score in enumerate((0.5, 0.5, better, better), 1):
        run.epoch = epoch
        hook._save_best_checkpoint(run, {'NME': score})
    assert names_of(tmp_path).keys() == {'best_NME_epoch_3.pth', 'best.pth'}
    assert run.message_hub.get_info('best_score') == better


def test_of_several_metrics_the_first_is_the_best(tmp_path):
    run, _ = begin(tmp_path, 1, 9)
    hook = CheckpointHook(interval=1, save_best=['PCK', 'NME'], rule=['greater', 'less'])
    hook.before_train(run)
    for epoch, (nme, pck) in enumerate([(0.5, 0.5), (0.25, 0.5), (0.5, 0.75), (0.1, 0.5)], 1):
        run.epoch = epoch
        hook._save_best_checkpoint(run, {'NME': nme, 'PCK': pck})
    assert os.readlink(tmp_path / 'best.pth') == 'best_PCK_epoch_3.pth'


def test_two_writes_of_one_file_do_not_meet(tmp_path, monkeypatch):
    """Of two runs that no lock keeps apart, or of a run and a conversion."""
    from mmpose_lite.checkpoints import writing

    parts = []
    replace = os.replace

    def note(part, path):
        parts.append(str(part))
        if len(parts) == 1:
            writing.write_text('second', str(tmp_path / 'a'))
        replace(part, path)

    monkeypatch.setattr(os, 'replace', note)
    writing.write_text('first', str(tmp_path / 'a'))
    assert (tmp_path / 'a').read_text() == 'first'
    assert len(set(parts)) == 2


def test_a_place_that_is_taken_is_said(tmp_path):
    train(tmp_path, 1, 9, 1)
    (tmp_path / 'previous').write_text('')
    before = names_of(tmp_path)
    with pytest.raises(SaveError, match="could not be moved to 'previous' in it"):
        begin(tmp_path, 1, 9, resume=False)
    assert names_of(tmp_path) == before


def test_folders_that_may_be_meant(tmp_path):
    for name in ('runs/hrnetv2', 'runs/vgg', 'runs/hrnet_new', 'rums/hrnet'):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / 'epoch_1.pth').write_text('')
    (tmp_path / 'runs' / 'hrnets').mkdir()
    is_own = CheckpointHook(by_epoch=True).is_own
    found = near_runs(str(tmp_path / 'runs' / 'hrnet'), is_own)
    names = ('rums/hrnet', 'runs/hrnetv2', 'runs/hrnet_new')
    assert found == [str(tmp_path / name) for name in names]
    assert near_runs(str(tmp_path / 'runs'), is_own) == [
        str(tmp_path / name) for name in ('runs/hrnet_new', 'runs/hrnetv2', 'runs/vgg')
    ]
    assert near_runs(str(tmp_path / 'runs' / 'other'), is_own) == []
