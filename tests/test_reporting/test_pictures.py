"""The files that a report reads for its pictures, whatever a dump names."""

import os
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hand_made import row
from hand_made import run as make_run

from mmpose_lite.reporting import write_report
from mmpose_lite.reporting.dumping import data_roots


@pytest.fixture
def root(tmp_path):
    """A data root with a photograph, and another photograph beside it."""
    for path in (tmp_path / 'data' / 'images' / 'a.png', tmp_path / 'private.png'):
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((120, 120, 3), 128, np.uint8))
    return tmp_path / 'data'


def drawn(folder, image, roots, moved_to=None):
    """Write a report; return True if it shows a picture, or else what it says."""
    run = make_run(row(1, 2, img_path=str(image)), data_roots=list(map(str, roots)))
    remarks = write_report(folder, [replace(run, moved_to=moved_to and str(moved_to))])
    page = (folder / 'index.html').read_text()
    pictures = list((folder / 'pictures').iterdir())
    assert len(pictures) == (not remarks) == page.count('data:image/jpeg;base64')
    if not remarks:
        return True
    assert 'no picture: ' in page
    return 'outside' if 'outside of the data roots' in page else remarks[0]


def test_below_the_root_photographs_are_drawn(tmp_path, root):
    assert drawn(tmp_path / 'out', root / 'images' / 'a.png', [root]) is True


def test_relative_names_are_those_of_the_working_folder(tmp_path, root, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert drawn(tmp_path / 'out', 'data/images/a.png', ['data/']) is True


@pytest.mark.parametrize('image', ['private.png', 'data/../private.png', 'data-2/a.png', ''])
def test_a_photograph_elsewhere_is_not_read(tmp_path, root, image):
    (tmp_path / 'data-2').mkdir()
    (tmp_path / 'data-2' / 'a.png').write_bytes((tmp_path / 'private.png').read_bytes())
    assert drawn(tmp_path / 'out', tmp_path / image, [root]) == 'outside'


@pytest.mark.parametrize('link', ['b.png', 'images/b.png', 'folder/private.png'])
def test_links_lead_nowhere_else(tmp_path, root, link):
    (root / 'folder').symlink_to(tmp_path)
    if link != 'folder/private.png':
        (root / link).symlink_to(tmp_path / 'private.png')
    assert drawn(tmp_path / 'out', root / link, [root]) == 'outside'


@pytest.mark.parametrize('roots', [[], ['/'], ['~'], ['~/..']])
def test_all_of_somebody_s_files_are_no_data_root(tmp_path, root, roots, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    roots = [os.path.expanduser(each) for each in roots]
    assert drawn(tmp_path / 'out', tmp_path / 'private.png', roots) == 'outside'


@pytest.mark.parametrize('image', ['/dev/zero', '/dev/stdin', 'pipe', 'http://127.0.0.1:9/a.png'])
@pytest.mark.parametrize('inside', [False, True])
def test_what_is_no_file_is_not_opened(tmp_path, root, image, inside, monkeypatch):
    """Neither elsewhere nor where a root has it."""
    monkeypatch.chdir(root)
    os.mkfifo(root / 'pipe')
    (root / 'endless').symlink_to('/dev/zero')
    image = image.replace('/dev/zero', 'endless') if inside else image
    roots = [root, '/dev'] if inside else ['elsewhere']
    found = drawn(tmp_path / 'out', image, roots)
    assert found == 'outside' if not inside else 'unreadable' in found


def test_text_and_images_that_only_promise_pixels_are_not_drawn(tmp_path, root):
    (root / 'a.txt').write_text('secret')
    huge = bytearray((root / 'images' / 'a.png').read_bytes())
    huge[16:24] = (50000).to_bytes(4, 'big') * 2
    (root / 'huge.png').write_bytes(huge)
    for name in ('a.txt', 'huge.png', 'images', 'nul\0.png', 'gone.png'):
        assert 'unreadable' in drawn(tmp_path / 'out', root / name, [root])


def test_a_data_root_that_has_moved_is_named(tmp_path, root):
    image = root / 'images' / 'a.png'
    assert drawn(tmp_path / 'out', image, [root], moved_to=root) is True
    root.rename(tmp_path / 'new')
    assert 'unreadable' in drawn(tmp_path / 'out', image, [root])
    assert drawn(tmp_path / 'out', image, [root], moved_to=tmp_path / 'new') is True
    # And nothing else is read, whatever the dump says.
    private = tmp_path / 'private.png'
    assert drawn(tmp_path / 'out', private, [tmp_path], moved_to=tmp_path / 'new') is not True
    assert drawn(tmp_path / 'out', private, [], moved_to=tmp_path / 'new') == 'outside'


def test_data_roots_are_the_config_s_and_those_that_links_lead_to(tmp_path, root):
    (tmp_path / 'far' / 'flickr').mkdir(parents=True)
    (root / 'images' / 'flickr').symlink_to(tmp_path / 'far' / 'flickr')
    dataset = {'type': 'AFLWDataset', 'data_root': str(root), 'ann_file': 'a.json', 'pipeline': []}
    images = [str(root / 'images' / name) for name in ('a.png', 'flickr/b.png')]
    found = data_roots([dataset], images)
    assert found == [str(root), str(tmp_path / 'far' / 'flickr')]
    assert data_roots([{**dataset, 'data_root': None}], images[:1]) == [str(root / 'images')]
