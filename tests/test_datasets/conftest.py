"""Fixtures of the tests of data sets."""

import json
import shutil
from types import SimpleNamespace

import pytest

from helpers.data_factory import ANNOTATIONS, make_face_set
from mmpose_lite.cli.check_data import main

CONFIG = """
train_dataloader = dict(dataset=dict(
    type='RepeatDataset', times=2, dataset=dict(
        type='AFLWDataset', data_root='{root}', ann_file='{train}', data_prefix=dict(img='images/'),
        pipeline=[dict(type='LoadImage')], on_bad_image='replace')))
val_dataloader = dict(dataset=dict(
    type='AFLWDataset', data_root='{root}', ann_file='{test}', data_prefix=dict(img='images/'),
    test_mode=True, subsets=dict(frontal='{frontal}')))
test_dataloader = val_dataloader
"""


@pytest.fixture(scope='session')
def set_to_check(tmp_path_factory):
    root = make_face_set(tmp_path_factory.mktemp('check') / 'set', train=12)
    names = {name: ANNOTATIONS.format(name) for name in ('train', 'test')}
    frontal = ANNOTATIONS.format('test_frontal')
    (root / 'config.py').write_text(CONFIG.format(root='ROOT', frontal=frontal, **names))
    return root


@pytest.fixture
def faces_to_check(set_to_check, tmp_path):
    """A copy of the set, to be damaged, and ways to change and to check it."""
    root = tmp_path / 'set'
    shutil.copytree(set_to_check, root)
    config = root / 'config.py'
    config.write_text(config.read_text().replace('ROOT', str(root)))

    def edit(change, split='train'):
        path = root / ANNOTATIONS.format(split)
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    def check(*arguments):
        out = root / 'report.json'
        try:
            main([str(config), '--json', str(out), '--workers', '1', *arguments])
        except SystemExit as stopped:
            code = stopped.code
        else:
            code = 0
        report = json.loads(out.read_text())
        assert code == (1 if report['faults'] else 0)
        return report

    image = root / 'images' / 'face3.png'
    return SimpleNamespace(root=root, edit=edit, check=check, image=image, texts=texts)


def texts(findings, kind=None):
    return [
        f'{each["where"]}: {each["problem"]}' for each in findings if kind in (None, each['kind'])
    ]
