"""The file of a crop cache is never used when wrong, and built once."""

import os
import pickle
import threading

import cv2
import numpy as np
import pytest

from helpers.crop_caches import build, change_time, opened, same_crops
from helpers.data_factory import make_face_set
from mmpose_lite.datasets.crop_cache import CropFile, DamagedCropsError
from mmpose_lite.datasets.crop_cache.crop_cache import CropCache
from mmpose_lite.datasets.crop_cache.crop_file import write_crops
from mmpose_lite.errors import InputError


@pytest.fixture
def root(tmp_path):
    return make_face_set(tmp_path / 'faces', train=6, test=2)


def test_a_second_run_reads_the_file(root, capsys):
    build(root)
    path = next((root / 'crops').glob('*.crops'))
    written = path.stat().st_mtime_ns
    again = build(root)
    again.full_init()
    assert path.stat().st_mtime_ns == written
    assert pickle.loads(pickle.dumps(again)).crops.file.offsets.tolist() == (
        again.crops.file.offsets.tolist()
    )


def change_annotation(root):
    path = root / 'annotations' / 'face_landmarks_aflw_train.json'
    path.write_text(path.read_text().replace('"category_id": 1', '"category_id":  1'))


def change_photograph(root):
    path = str(root / 'images' / 'face1.png')
    cv2.imwrite(path, 255 - cv2.imread(path))


def change_pixels(root):
    """Put other pixels into a file of the same size and time of change."""
    path = root / 'images' / 'face1.png'
    state, size = path.stat(), path.stat().st_size
    for level in range(255, 0, -1):
        content = cv2.imencode('.png', np.full_like(cv2.imread(str(path)), level))[1].tobytes()
        if len(content) <= size:
            break
    path.write_bytes(content.ljust(size, b'\0'))  # decoders stop at the end of the image
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (size, state.st_mtime_ns)


CHANGES = [change_annotation, change_time, change_photograph, change_pixels]


@pytest.mark.parametrize('change', CHANGES)
def test_a_stale_file_is_built_anew(root, change):
    build(root)
    path = next((root / 'crops').glob('*.crops'))
    before = path.stat().st_ino, CropFile(path).about
    change(root)
    assert same_crops(build(root), build(root, None))
    assert list((root / 'crops').glob('*.crops')) == [path]
    assert (path.stat().st_ino, CropFile(path).about) != before


@pytest.mark.slow
def test_settings_have_files_of_their_own(root):
    for kwargs in ({}, {'size': (48, 48)}, {'augment': []}, {'indices': 3}):
        build(root, **kwargs)
    assert len(list((root / 'crops').glob('*.crops'))) == 4


@pytest.mark.slow
@pytest.mark.parametrize('kept', [0, 10, 0.5, 0.99, -1])
def test_a_torn_file_is_built_anew(root, kept):
    build(root)
    path = next((root / 'crops').glob('*.crops'))
    content = path.read_bytes()
    size = int(kept * len(content)) if isinstance(kept, float) else kept % len(content)
    path.write_bytes(content[:size])
    with pytest.raises(DamagedCropsError):
        CropFile(path)
    assert same_crops(build(root), build(root, None))
    assert path.read_bytes() == content


@pytest.mark.slow
def test_every_flipped_bit_is_noticed(root):
    build(root)
    path = next((root / 'crops').glob('*.crops'))
    content = path.read_bytes()
    file = CropFile(path)
    begin, end = int(file.offsets.min()), len(content)
    rng = np.random.default_rng(0)
    for place in [begin, end - 1, *rng.integers(begin, end, 200), *range(end - 300, end)]:
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(DamagedCropsError):
            CropFile(path).check_all()


def test_a_damaged_crop_is_read_from_its_photograph(root):
    expected = build(root, None)
    build(root)
    path = next((root / 'crops').glob('*.crops'))
    content = bytearray(path.read_bytes())
    begin = int(CropFile(path).offsets[2])
    content[begin + 40 : begin + 400] = bytes(360)
    path.write_bytes(content)
    assert same_crops(build(root), expected)
    assert path.read_bytes() == content
    assert same_crops(build(root), expected)
    CropFile(path).check_all()


@pytest.mark.slow
def test_of_several_that_find_damage_one_builds(root, monkeypatch):
    caches = [build(root) for _ in range(2)]
    paths = {opened(dataset).path for dataset in caches}
    content = bytearray(paths.pop().read_bytes())
    content[100] ^= 1
    caches[0].crops.file.path.write_bytes(content)
    caches = [build(root) for _ in range(2)]
    for dataset in caches:
        opened(dataset)
    built = []
    build_file = CropCache._build
    monkeypatch.setattr(CropCache, '_build', lambda self: built.append(1) or build_file(self))
    for dataset in caches:
        dataset.crops.verify()
        dataset.crops.file.check_all()
    assert built == [1]
    assert same_crops(caches[1], build(root, None))


@pytest.mark.slow
def test_a_set_whose_cache_failed_is_not_read_without_it(root):
    image = root / 'images' / 'face3.png'
    content = image.read_bytes()
    image.write_bytes(b'no image')
    dataset = build(root, lazy_init=True)
    for _ in range(2):
        with pytest.raises(InputError, match='face3'):
            dataset.full_init()
    image.write_bytes(content)
    dataset.full_init()
    assert dataset.crops is not None


def test_the_pixels_cannot_be_written_to(root):
    dataset = build(root)
    dataset.full_init()
    crop = dataset.crops.file[0].pixels
    with pytest.raises(ValueError, match='read-only'):
        crop[0] = 0


def test_runs_that_begin_together_build_once(root):
    written = []

    def run():
        dataset = build(root)
        dataset.full_init()
        written.append(os.stat(dataset.crops.file.path).st_ino)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 4
    assert len(set(written)) == 1


def test_an_interrupted_build_leaves_no_file(root):
    (root / 'images' / 'face3.png').write_bytes(b'no image')
    with pytest.raises(InputError, match=r'face3\.png'):
        build(root)
    assert not list((root / 'crops').glob('*.crops*part'))
    assert not list((root / 'crops').glob('*.crops'))


@pytest.fixture
def victim(tmp_path):
    """A file to which links lead that somebody has put beside the crops."""
    path = tmp_path / 'victim'
    path.write_bytes(b'mine')
    return path


@pytest.mark.slow
@pytest.mark.parametrize('ending', ['.part', '.lock', '.damaged', ''])
def test_links_beside_the_file_are_not_followed(root, victim, ending):
    """A lock that is a link is refused by name; all else works without it."""
    build(root)
    path = next((root / 'crops').glob('*.crops'))
    link = path.with_name(f'{path.name}{ending}')
    link.unlink(missing_ok=True)
    link.symlink_to(victim)
    change_time(root)
    if ending == '.lock':
        with pytest.raises(InputError, match=r'crops\.lock.* remove it'):
            build(root)
    else:
        assert same_crops(build(root), build(root, None))
    assert victim.read_bytes() == b'mine'


@pytest.mark.slow
def test_the_mark_of_damage_is_not_put_where_a_link_leads(root, tmp_path):
    dataset = build(root)
    content = bytearray(opened(dataset).path.read_bytes())
    content[int(opened(dataset).offsets[2])] ^= 1
    opened(dataset).path.write_bytes(content)
    mark = opened(dataset).path.with_name(f'{opened(dataset).path.name}.damaged')
    mark.symlink_to(tmp_path / 'nowhere')
    assert same_crops(dataset, build(root, None))
    assert not (tmp_path / 'nowhere').exists()


def test_a_pipe_in_place_of_the_crops_is_named(root):
    path = opened(build(root)).path
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(InputError, match=r'\.crops. is a folder, pipe or device'):
        build(root)


@pytest.mark.slow
def test_a_table_of_places_beyond_the_file_is_refused(root):
    """Its checksum may hold: somebody may have made it."""
    path = opened(build(root)).path
    file = CropFile(path)
    crops = [(i, file[i]) for i in range(len(file))]
    huge = crops[2][1]._replace(window=crops[2][1].window._replace(width=10**6))
    write_crops(path, [*crops[:2], (2, huge), *crops[3:]], file.about)
    with pytest.raises(DamagedCropsError, match='outside'):
        CropFile(path)
    assert same_crops(build(root), build(root, None))
