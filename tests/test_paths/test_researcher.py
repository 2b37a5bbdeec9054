"""A researcher's way: photographs with points of one's own, trained, stopped, compared."""

import json
import re
from functools import partial

import numpy as np
import pytest

from helpers.data_factory import draw_face
from helpers.in_process import run_main
from mmpose_lite.cli.main import main as run_command

# Of AFLW's 19 points.
POINTS = {
    'left_brow': 1, 'right_brow': 4, 'left_eye_outer': 6, 'left_eye_inner': 8,
    'right_eye_inner': 9, 'right_eye_outer': 11, 'nose_left': 12, 'nose_tip': 13,
    'nose_right': 14, 'mouth_left': 15, 'mouth_right': 17, 'chin': 18,
}  # fmt: skip
FACES = 30
CONFIG = 'data/mine/hrnetv2_mine.py'
# The same network with few channels, as a variant of the config that was written.
TINY = f"""
_base_ = '{CONFIG}'

def stage(branches):
    return dict(num_blocks=(1,) * branches, num_channels=(8,) * branches)

extra = dict(
    stage1=stage(1), stage2=stage(2), stage3=dict(stage(3), num_modules=1),
    stage4=dict(stage(4), num_modules=1),
)
model = dict(
    backbone=dict(init_cfg=None, extra=extra),
    head=dict(in_channels=32, conv_out_channels=(32,)),
)
train_dataloader = dict(num_workers=0, persistent_workers=False)
val_dataloader = dict(num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)
train_cfg = dict(max_epochs=1)
"""


@pytest.fixture
def folder(tmp_path):
    """Photographs, and labels as labelme writes them."""
    (tmp_path / 'images').mkdir()
    (tmp_path / 'labels').mkdir()
    rng = np.random.default_rng(0)
    for i in range(FACES):
        image, face = draw_face(tmp_path, i, rng)
        xy = np.reshape(face['keypoints'], (-1, 3))[:, :2].tolist()
        shapes = [
            {'label': name, 'points': [xy[k]], 'shape_type': 'point', 'group_id': None, 'flags': {}}
            for name, k in POINTS.items()
        ]
        record = {'shapes': shapes, 'imagePath': f'..\\images\\{image["file_name"]}'}
        record |= {'imageWidth': image['width'], 'imageHeight': image['height']}
        path = tmp_path / 'labels' / f'{i}.json'
        path.write_text(json.dumps({**record, 'imageData': None, 'flags': {}}))
    (tmp_path / 'tiny.py').write_text(TINY)
    return tmp_path


LABELS = ('labelme', '--labels', 'labels', '--images', 'images', '--names', ','.join(POINTS))


@pytest.mark.slow
def test_from_labels_to_a_comparison(folder):
    type_in = partial(run_main, run_command, cwd=folder)
    printed = type_in('convert', *LABELS, '--out', 'data/mine')
    assert 'the distance left_eye_outer - right_eye_outer' in printed
    check, browse, *rest = re.findall(r'^    mmpose-lite (\S+ \S+)', printed, re.MULTILINE)
    assert [each.split() for each in rest] == [['train', CONFIG], ['test', CONFIG]]
    assert check.split() == ['check-data', CONFIG]
    printed = type_in(*check.split())
    assert '0 faults' in printed
    assert re.search(r'val part .* \d+ ', printed)
    type_in(*browse.split(), '--out', 'sheets')
    assert list((folder / 'sheets').glob('*.png'))

    train = ('train', 'tiny.py', '--input-size', 64)
    assert '12 points in crops of 64x64' in type_in(*train, '--dry-run')
    type_in(*train)
    printed = type_in(*train, '--resume', '--cfg-options', 'train_cfg.max_epochs=2')
    assert re.search(r'resumed after (epoch 1|iteration \d+)', printed)
    start = 'load_from=work_dirs/tiny/epoch_2.pth'
    printed = type_in(*train, '--work-dir', 'work_dirs/tuned', '--cfg-options', start)
    assert re.search(r"weights +of 'work_dirs/tiny/epoch_2\.pth'", printed)
    for name in ('tiny', 'tuned'):
        dump = ('--dump', f'{name}.json')
        type_in('test', 'tiny.py', f'work_dirs/{name}/best.pth', '--input-size', 64, *dump)
    dumps = ('tiny.json', 'tuned.json', '--names', 'random', 'tuned')
    printed = type_in('report', *dumps, '--out', 'report')
    assert printed.startswith('tuned minus random, full: ')
    assert (folder / 'report' / 'index.html').stat().st_size > 10_000
    type_in('convert', 'to-coco', '--config', 'tiny.py', '--out', 'fix/coco.json')
    corrected = json.loads((folder / 'fix' / 'coco.json').read_text())
    assert corrected['categories'][0]['keypoints'] == list(POINTS)


def test_on_two_processes(processes, folder):
    processes.run_command('convert', *LABELS, '--out', 'data/mine', cwd=folder)
    train = ('tiny.py', 2, '--input-size', '64', '--cfg-options', 'train_dataloader.batch_size=8')
    screen = {'MMPOSE_LITE_VERBOSE': '0'}
    printed = processes.run_command('dist-train', *train, cwd=folder, **screen)
    assert '(2 processes of 8)' in printed
    assert re.search(r'^epoch 1/1: NME \d+\.\d\d %', printed, re.MULTILINE)
    assert 'Warning' not in printed
    command = ('test', 'tiny.py', 'work_dirs/tiny/best.pth', '--input-size', '64')
    assert 'NME' in processes.run_command(*command, cwd=folder)
