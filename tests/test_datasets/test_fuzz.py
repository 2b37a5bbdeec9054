"""Thousands of wrong files: each is read right, or refused by name.

A share of the cases runs with the other tests; all of them, 5,000 annotation files and 1,000
images, run with ``--whole``, and ``MMPOSE_LITE_FUZZ_SEED`` makes others. A case that fails prints
its number.
"""

import io
import json
import os
import time
from collections import Counter

import numpy as np
import pytest
from rich.console import Console

from helpers.data_factory import ANNOTATIONS, make_face_set
from helpers.fuzzing import annotations, images
from helpers.fuzzing.outcome import PIPELINE, SECONDS, at_most, load, losses, make_head
from mmpose_lite.cli.check_data import format_findings
from mmpose_lite.cli.command_line import write_results
from mmpose_lite.data_tools.checks import check_splits, find_splits
from mmpose_lite.datasets import AFLWDataset, LoadImage
from mmpose_lite.errors import InputError
from mmpose_lite.utils.images import BadImageError

SHARE = 0.06
SEED = int(os.environ.get('MMPOSE_LITE_FUZZ_SEED', '0'))


@pytest.fixture(scope='module')
def files(whole):
    """The number of annotation files."""
    return 5000 if whole else round(5000 * SHARE)


@pytest.fixture(scope='module')
def photographs(whole):
    """The number of images."""
    return 1000 if whole else round(1000 * SHARE)


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = make_face_set(tmp_path_factory.mktemp('fuzz'), train=4, test=4)
    os.mkfifo(root / 'images' / 'pipe.png')
    (root / 'images' / 'loop.png').symlink_to('loop.png')
    return root


@pytest.fixture(scope='module')
def head():
    return make_head()


@pytest.fixture(scope='module')
def metainfo():
    return AFLWDataset(lazy_init=True).metainfo


def check_message(message, names):
    """A message is one line that any terminal shows, and names the file."""
    assert message.isprintable()
    assert len(message) < 2000
    assert any(name in message for name in names)


def assert_found(report, case):
    assert report.faults, case


def check_refusal(error, mutant, content, names):
    """A refusal names the file; where one field of one record is wrong, these as well."""
    message = str(error)
    check_message(message, names)
    if mutant.field in (None, 'id', 'file_name') or 'no JSON' in message:
        return
    if mutant.field == 'image_id' and 'match no face' in message:
        return  # it is another photograph's now, and the subset finds it missing
    assert mutant.field in message
    key = 'images' if mutant.field in ('width', 'height') else 'annotations'
    number = content[key][mutant.record]['id']
    # Where a subset does not fit, its file numbers the face in its own way.
    assert any(f'id {i}' in message for i in (number, 900 + number))


def test_annotation_files(root, head, metainfo, files):
    outcomes = Counter()
    paths = [ANNOTATIONS.format(name) for name in ('test', 'test_frontal')]
    originals = [json.loads((root / path).read_text()) for path in paths]
    sound = [losses(load(root, *paths, kind, metainfo), head) for kind in range(3)]
    slowest = 0.0
    for number in range(files):
        begin = time.perf_counter()
        kind = number % 3
        # The subset's file, too, in a sixth of the cases.
        which = int(kind == 1 and number % 2)
        mutant = annotations.mutate(originals[which], number, SEED)
        given = list(paths)
        given[which] = 'annotations/mutant.json'
        (root / given[which]).write_bytes(mutant.content)
        try:
            with at_most(SECONDS):
                found = losses(load(root, *given, kind, metainfo), head)
        except InputError as error:
            check_refusal(error, mutant, originals[which], ('mutant.json', "image '"))
            outcomes['refused'] += 1
        except BaseException as error:
            raise AssertionError(f'case {number}, kind {kind}: {mutant.name}') from error
        else:
            if mutant.record is not None and which == 0 and len(found) == 4:
                others = [i for i in range(4) if i != mutant.record]
                assert [found[i] for i in others] == [sound[kind][i] for i in others], number
            outcomes['read'] += 1
        slowest = max(slowest, time.perf_counter() - begin)
    print(dict(outcomes), f'slowest {slowest:.2f} s')
    assert outcomes['refused'] > 0.4 * files
    assert outcomes['read'] > 0.05 * files


def test_checking_finds_what_loading_refuses(root, metainfo, files):
    """tools/check_data.py reads every such file to its end."""
    original = json.loads((root / ANNOTATIONS.format('test')).read_text())
    dataset = {
        'type': 'AFLWDataset',
        'data_root': str(root),
        'ann_file': 'annotations/mutant.json',
        'data_prefix': {'img': 'images/'},
        'metainfo': metainfo,
    }
    (split,) = find_splits({'train_dataloader': {'dataset': dataset}})
    findings = Counter()
    for number in range(round(0.3 * files)):
        mutant = annotations.mutate(original, number, SEED)
        (root / 'annotations' / 'mutant.json').write_bytes(mutant.content)
        try:
            with at_most(SECONDS):
                report = check_splits([split], workers=1)
                Console(file=io.StringIO()).print(format_findings(report.findings, 5))
                write_results(str(root / 'report.json'), report.to_dict())
        except BaseException as error:
            raise AssertionError(f'case {number}: {mutant.name}') from error
        try:
            loaded = load(root, 'annotations/mutant.json', '', 0, metainfo)
            for index in range(len(loaded)):
                loaded.pipeline.transforms[0](loaded.get_data_info(index))
        except InputError as error:
            assert_found(report, f'case {number}: {mutant.name}: {error}')
            findings['refused'] += 1
        findings['with faults'] += bool(report.faults)
    print(dict(findings))
    assert findings['with faults'] >= findings['refused'] > 0


BOXES = [{'image_id': i, 'bbox': [5, 6, 60, 50], 'score': 0.9} for i in (1, 2, 3, 4)]


def test_detections_and_lists_of_ids(root, metainfo, files):
    boxes, ids = root / 'boxes.json', root / 'ids.txt'
    outcomes = Counter()
    for number in range(round(0.1 * files)):
        # The first case is sound.
        sound = json.dumps(BOXES).encode()
        boxes.write_bytes(annotations.mutate_detections(BOXES, number, SEED) if number else sound)
        ids.write_bytes(annotations.mutate_ids([1, 2, 3], number, SEED) if number else b'1\n3\n')
        uses = ({'bbox_file': 'boxes.json'}, {'subsets': {'some': 'ids.txt'}})
        for use, path in zip(uses, (boxes, ids), strict=True):
            try:
                with at_most(SECONDS):
                    dataset = AFLWDataset(
                        data_root=str(root),
                        ann_file=ANNOTATIONS.format('test'),
                        data_prefix={'img': 'images/'},
                        test_mode=True,
                        metainfo=metainfo,
                        pipeline=PIPELINE[:2],
                        **use,
                    )
                    assert all(np.isfinite(each['bbox_scale']).all() for each in dataset)
                outcomes['read'] += 1
            except InputError as error:
                check_message(str(error), (path.name,))
                outcomes['refused'] += 1
            except BaseException as error:
                raise AssertionError(f'case {number}: {path.name}') from error
        assert number or outcomes['read'] == 2
    print(dict(outcomes))
    assert outcomes['refused'] > 0


def test_images(root, head, metainfo, photographs):
    content = json.loads((root / ANNOTATIONS.format('test')).read_text())
    for image in content['images']:
        del image['width'], image['height']  # else those of another size would be refused unread
    (root / 'annotations' / 'sizeless.json').write_text(json.dumps(content))
    dataset = load(root, *['annotations/sizeless.json'] * 2, 0, metainfo, indices=[1])
    path = root / 'images' / 'face1.png'
    kept = path.read_bytes()
    outcomes = Counter()
    slowest = 0.0
    for number in range(photographs):
        begin = time.perf_counter()
        name, content = images.mutate(number, SEED)
        path.write_bytes(content)
        try:
            with at_most(SECONDS):
                losses(dataset, head)
            outcomes['read'] += 1
        except BadImageError as error:
            check_message(str(error), (str(path),))
            outcomes['refused'] += 1
        except BaseException as error:
            raise AssertionError(f'case {name}') from error
        slowest = max(slowest, time.perf_counter() - begin)
    path.write_bytes(kept)
    print(dict(outcomes), f'slowest {slowest:.2f} s')
    assert min(outcomes['read'], outcomes['refused']) > 0.1 * photographs


@pytest.mark.parametrize('name', sorted(images.kinds_once()))
def test_every_kind_is_read(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(images.kinds_once()[name])
    image = LoadImage()({'img_path': str(path)})['img']
    wanted = images.PIXELS.astype(int)
    if 'grey' in name:
        wanted = np.repeat(image[..., :1].astype(int), 3, axis=2)
    assert image.dtype == np.uint8
    assert image.shape == (60, 80, 3)
    limit = 120 if 'gif' in name else 14  # of few colours
    assert np.abs(image.astype(int) - wanted).max() <= limit


@pytest.mark.parametrize(
    ('side', 'padding', 'reason'),
    [(6_000, 0, 'which it is too short for'), (40_000, 2_000_000, 'more than 268435456')],
)
@pytest.mark.parametrize('name', sorted(images.bombs()))
def test_a_header_that_lies_is_refused_before_decoding(
    tmp_path, monkeypatch, name, side, padding, reason
):
    path = tmp_path / name
    path.write_bytes(images.bombs(side)[name] + bytes(padding))
    monkeypatch.setattr('cv2.imdecode', None)
    with pytest.raises(BadImageError, match=f'{name}.*has {side}x{side} pixels .*{reason}'):
        LoadImage()({'img_path': str(path)})


def test_a_part_of_a_png_that_is_longer_than_the_file_is_refused(tmp_path, monkeypatch):
    """Decoders make room for two gigabytes, and fill it."""
    content = bytearray(images.kinds_once()['plain.png'])
    content[content.index(b'IDAT') - 4] = 0x7F
    path = tmp_path / 'long.png'
    path.write_bytes(content)
    monkeypatch.setattr('cv2.imdecode', None)
    with pytest.raises(BadImageError, match=r'long\.png.*one of its parts is longer'):
        LoadImage()({'img_path': str(path)})


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('pipe.png', 'is a pipe'),
        ('loop.png', 'cannot be read'),
        ('.', 'is a folder'),
        ('/dev/zero', 'is a pipe, socket or device'),
        ('a\0b.png', 'cannot be read'),
        ('\ud800.png', 'cannot be read'),
        ('x' * 5000, 'cannot be read'),
        ('face0.png/x.png', 'cannot be read'),
    ],
)
def test_what_is_no_file_is_refused_at_once(root, name, message):
    with at_most(SECONDS), pytest.raises(BadImageError, match=message) as caught:
        LoadImage()({'img_path': os.path.join(root, 'images', name)})
    assert str(caught.value).isprintable()
