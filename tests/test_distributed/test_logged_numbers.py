"""Several processes log of a validation the same as one logs of all faces."""

import json

import pytest

from helpers.processes import ROOT


def logged(processes, folder, config, world, batch):
    """Return the last validation of a short training."""
    tool = (ROOT / 'tools' / 'dist_train.sh', config, world, '--work-dir', f'run{world}')
    options = (f'train_dataloader.batch_size={batch}', 'train_cfg.max_epochs=1')
    done = processes.run(*tool, '--cfg-options', *options, cwd=folder)
    assert done.status == 0, done.printed
    (path,) = (folder / f'run{world}').rglob('scalars.json')
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert ['train_NME' in row for row in rows if 'iter' in row] == [True, True]
    return rows[-1]


def test_validation_loss_is_that_of_all_faces(processes, tmp_path, faulty_config):
    """Of five faces one rank has three and one has two."""
    config = faulty_config('FrozenNormsHook')  # each rank would have statistics of its own
    alone = logged(processes, tmp_path, config, world=1, batch=4)
    both = logged(processes, tmp_path, config, world=2, batch=2)
    assert both['val_loss'] == pytest.approx(alone['val_loss'], rel=1e-3)
    assert both['NME'] == pytest.approx(alone['NME'], abs=0.02)
