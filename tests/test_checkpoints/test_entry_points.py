"""No entry point runs anything of a hostile file; a canary and an audit hook watch.

Each entry point reads all files in one process of its own, by what the tools and functions call.
"""

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hostile import hostile_files
from pickling import call, content, write, zipped
from second_order import second_order_files

from mmpose_lite.apis import init_model

HERE = Path(__file__).resolve().parent
ENTRIES = ['init', 'pretrained', 'test', 'train', 'resume', 'convert']


@pytest.fixture(scope='session')
def job(processes, tmp_path_factory, tiny_config):
    """Hostile files of all families, files that fit, and where things are."""
    root = tmp_path_factory.mktemp('hostile')
    canary = str(root / 'canary')
    model = init_model(tiny_config, device='cpu')
    good = {
        'state_dict': model.state_dict(),
        'meta': {'epoch': 0, 'iter': 0, 'dataset_meta': {'dataset_name': 'aflw'}},
        'message_hub': {'log_scalars': {}, 'runtime_info': {}, 'resumed_keys': {}},
    }
    hostile = hostile_files(canary)
    refused = write(root / 'refused', {family: each[0] for family, each in hostile.items()})
    (root / 'inert').mkdir()
    inert = {}
    for family, value in second_order_files(canary, good).items():
        inert[family] = root / 'inert' / f'{family}.pth'
        torch.save(value, inert[family])
    torch.save(good, root / 'good.pth')
    return SimpleNamespace(
        processes=processes,
        root=root,
        canary=canary,
        config=tiny_config,
        hostile=hostile,
        refused=refused,
        inert=inert,
    )


def read_all(job, entry, files):
    """Results of an entry point: of each file the error, and what was seen."""
    folder = job.root / f'work_{entry}'
    folder.mkdir(exist_ok=True)
    warm_up = [job.root / 'good.pth', job.refused['call_os'], job.refused['step_array_of_objects']]
    task = {
        'config': job.config,
        'folder': folder,
        'canary': job.canary,
        'warm_up': [] if entry == 'unsafe' else warm_up,
        'files': files,
    }
    path = job.root / f'{entry}.json'
    path.write_text(json.dumps(task, default=str))
    command = (sys.executable, HERE / 'entry_points.py', entry, path)
    done = job.processes.run(*command, cwd=folder, PYTHONPATH=str(HERE.parents[1]))
    assert done.status == 0, done.printed[-5000:]
    return json.loads(done.printed.splitlines()[-1])


@pytest.fixture(scope='session', params=ENTRIES)
def outcome(request, job):
    """All files by one entry point."""
    files = {**job.refused, **{f'inert_{family}': path for family, path in job.inert.items()}}
    return SimpleNamespace(entry=request.param, results=read_all(job, request.param, files))


@pytest.mark.quick('hostile checkpoints run nothing')
def test_nothing_of_five_families_runs(job):
    families = list(job.refused)[:: len(job.refused) // 5][:5]
    results = read_all(job, 'test', {family: job.refused[family] for family in families})
    assert [results[family]['seen'] for family in families] == [[]] * 5
    assert all('InputError' in results[family]['error'][0].split() for family in families)


def test_nothing_runs(job, outcome):
    assert len(outcome.results) == len(job.refused) + len(job.inert) >= 140
    assert not {family: each['seen'] for family, each in outcome.results.items() if each['seen']}


def test_each_refusal_is_one_line_that_names_file_and_fault(job, outcome):
    for family, path in job.refused.items():
        kinds, message = outcome.results[family]['error']
        assert 'InputError' in kinds.split(), (family, kinds, message)
        assert len(message.splitlines()) == 1
        assert path.name in message
        assert re.search(job.hostile[family][1], message), (family, message)


def test_plain_data_is_read_or_refused_with_an_input_error(job, outcome):
    for family in job.inert:
        error = outcome.results[f'inert_{family}']['error']
        if family == 'history_names':
            assert 'message_hub.log_scalars.../x is not a log history' in error[1]
        elif outcome.entry == 'resume':  # there is no optimizer in them
            assert 'InputError' in error[0].split(), (family, error)
        else:
            assert error is None, (family, error)


def test_the_watch_sees_what_unsafe_reading_runs(job):
    """The same calls in files that nothing looks at: the canary and the hook are not blind."""
    code = f'open({job.canary!r}, "w").close()'
    calls = {
        'shell': call('os system', f'touch {job.canary}'),
        'exec': call('builtins exec', code),
        'open': call('builtins open', job.canary, 'w'),
        'popen': call('subprocess getoutput', f'touch {job.canary}'),
        'socket': call('socket socket'),
        'import': call('importlib import_module', 'this'),
    }
    files = write(job.root / 'live', {each: zipped(content(part)) for each, part in calls.items()})
    results = read_all(job, 'unsafe', files)
    assert all('canary' in results[each]['seen'] for each in ('shell', 'exec', 'open', 'popen'))
    seen = {each: ' '.join(results[each]['seen']) for each in calls}
    assert 'os.system' in seen['shell']
    assert 'exec' in seen['exec']
    assert 'compile' in seen['exec']
    assert f"open ('{job.canary}'" in seen['open']
    assert 'subprocess.Popen' in seen['popen']
    assert 'socket.__new__' in seen['socket']
    assert 'import this' in seen['import']
