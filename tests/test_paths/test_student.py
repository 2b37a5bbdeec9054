"""A student's way: from a release of AFLW to the number, typed from an empty folder."""

import json
import re
from functools import partial

import pytest

from helpers.data_factory import write_tiny_config
from helpers.in_process import run_main
from mmpose_lite.cli.main import main as run_command

ANNOTATIONS = 'data/aflw/annotations/face_landmarks_aflw_{}.json'


@pytest.fixture
def type_in(tmp_path, monkeypatch):
    monkeypatch.delenv('MMPOSE_LITE_VERBOSE')
    return partial(run_main, run_command, cwd=tmp_path)


@pytest.mark.slow
def test_from_the_release_to_the_number(type_in, tmp_path):
    made = ('--train', 6, '--test', 3, '--seed', 2, '--workers', 1)
    type_in('make-synthetic', 'release', *made, '--forms')
    images, mat = 'release/images/flickr', 'release/forms/AFLWinfo_release.mat'
    convert = ('convert', 'aflw', '--images', images, '--mat', mat)
    with pytest.raises(SystemExit, match=r'9 faces, none are left .* --expect train=N'):
        type_in(*convert)  # it is not the whole of AFLW
    with pytest.raises(SystemExit) as ended:
        type_in(*convert, '--expect', 'train=6')
    assert ended.value.code == 1
    read = tmp_path.joinpath(ANNOTATIONS.format('test_frontal')).read_text
    frontal = len(json.loads(read())['annotations'])
    printed = type_in(*convert, '--expect', 'train=6', 'test=3', f'test_frontal={frontal}')
    assert f'{ANNOTATIONS.format("train")}: 6 faces' in printed
    # It says how the photographs get to where configs look for them.
    target, source = re.search(r"ln -s '(\S+)' '(\S+)'", printed).groups()[::-1]
    (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / target).symlink_to(source)

    config = write_tiny_config(tmp_path, 'data/aflw')
    assert '0 faults' in type_in('check-data', config, '--aflw', 'no')
    printed = type_in('train', config, '--dry-run')
    assert 'dry run: nothing was written to the work dir' in printed
    assert not (tmp_path / 'work_dirs').exists()
    printed = type_in('train', config)
    command = re.search(r'next: mmpose-lite (test .*)', printed).group(1)
    files = ('--out', 'metrics.json', '--dump', 'one.json', '--report', 'report')
    printed = type_in(*command.split(), *files)
    metrics = json.loads((tmp_path / 'metrics.json').read_text())
    assert set(metrics) == {'NME', 'NME_frontal'}
    for value in metrics.values():
        assert f'{100 * value:.3f} %' in printed
    page = (tmp_path / 'report' / 'index.html').read_text()
    assert 'frontal' in page
    type_in('test', config, 'work_dirs/tiny/epoch_1.pth', '--dump', 'other.json')
    printed = type_in('report', 'one.json', 'other.json', '--out', 'compared')
    for name in ('full', 'frontal'):
        assert re.search(rf'/epoch_1 minus .*/best_NME_epoch_\d, {name}: [+-]', printed)
    assert (tmp_path / 'compared' / 'index.html').is_file()
