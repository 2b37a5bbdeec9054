"""300VW from videos with .pts files of their frames."""

import json

import cv2
import numpy as np
import pytest

from mmpose_lite.cli.convert import main
from mmpose_lite.data_tools.converters import convert_300vw, face_300vw
from mmpose_lite.datasets import Face300VWDataset
from mmpose_lite.errors import InputError, MissingFileError

SIZE_WH = (112, 96)
# A video of each set, with how many frames it has, and which have points.
VIDEOS = {'001': (5, (1, 2, 5)), '114': (3, (1, 2)), '203': (2, (2,)), '410': (2, (1, 2))}
COUNTS = {'train': 3, 'test': 5, 'test_1': 2, 'test_2': 1, 'test_3': 2}


def points_of(number):
    """68 points between (20.25, 15.5) and (87.25, 82.5), two pixels further right each frame."""
    steps = np.arange(68)
    return np.stack([20.25 + steps + 2 * number, 15.5 + (steps * 13) % 68], axis=1)


def grey_of(number):
    return 40 * number


def pts(points):
    lines = ''.join(f'{x:.3f} {y:.3f}\n' for x, y in points)
    return f'version: 1\nn_points: {len(points)}\n{{\n{lines}}}\n'


def write_video(root, video, frames, annotated):
    (root / video / 'annot').mkdir(parents=True)
    fourcc = cv2.VideoWriter_fourcc(*'MJPG')
    writer = cv2.VideoWriter(str(root / video / 'vid.avi'), fourcc, 30, SIZE_WH)
    assert writer.isOpened()
    for number in range(1, frames + 1):
        writer.write(np.full((*SIZE_WH[::-1], 3), grey_of(number), np.uint8))
    writer.release()
    for number in annotated:
        path = root / video / 'annot' / f'{number:06d}.pts'
        path.write_text(pts(points_of(number)))


@pytest.fixture
def root(tmp_path, monkeypatch):
    videos = {'train': ('001',), 'test_1': ('114',), 'test_2': ('203',), 'test_3': ('410',)}
    monkeypatch.setattr(face_300vw, 'VIDEOS', videos)
    for video, (frames, annotated) in VIDEOS.items():
        write_video(tmp_path / 'videos', video, frames, annotated)
    return tmp_path / 'videos'


@pytest.fixture
def out(tmp_path):
    return tmp_path / '300vw'


def read(out, name):
    return json.loads((out / 'annotations' / f'face_landmarks_300vw_{name}.json').read_text())


def test_the_videos_of_the_sets():
    """50 for training; 31, 19 and 14 in the three categories of the test: 114, each once."""
    counts = {name: len(videos) for name, videos in face_300vw.VIDEOS.items()}
    assert counts == {'train': 50, 'test_1': 31, 'test_2': 19, 'test_3': 14}
    assert len({video for videos in face_300vw.VIDEOS.values() for video in videos}) == 114


def test_sets_frames_and_fields(root, out):
    report = convert_300vw(root, out, expected=COUNTS)
    assert report.is_complete
    assert {each.name: each.faces for each in report.sets} == COUNTS
    content = read(out, 'train')
    assert [each['file_name'] for each in content['images']] == [
        '001/imgs/000001.png', '001/imgs/000002.png', '001/imgs/000005.png'
    ]  # fmt: skip
    assert (content['images'][0]['width'], content['images'][0]['height']) == SIZE_WH
    for image, number in zip(content['images'], (1, 2, 5), strict=True):
        frame = cv2.imread(str(out / 'images' / image['file_name']))
        assert abs(frame.astype(int) - grey_of(number)).max() <= 3  # the codec's loss
    assert len(list((out / 'images' / '001' / 'imgs').iterdir())) == 3  # those with points
    face = content['annotations'][2]
    points = np.array(face.pop('keypoints')).reshape(68, 3)
    np.testing.assert_array_equal(points[:, :2], points_of(5))
    assert (points[:, 2] == 1).all()
    assert face['center'] == [20.25 + 10 + 33.5, 15.5 + 33.5]
    assert face['scale'] == 67 / 200
    assert [each['file_name'][:3] for each in read(out, 'test')['images']] == [
        '114', '114', '203', '410', '410'
    ]  # fmt: skip


def test_frames_that_are_there_stay(root, out):
    convert_300vw(root, out, expected=COUNTS)
    kept, gone = (out / 'images' / '001' / 'imgs' / f'00000{i}.png' for i in (1, 2))
    before = kept.stat().st_mtime_ns
    gone.unlink()
    assert convert_300vw(root, out, expected=COUNTS).is_complete
    assert kept.stat().st_mtime_ns == before
    assert gone.is_file()
    for video in VIDEOS:  # they suffice
        (root / video / 'vid.avi').unlink()
    assert convert_300vw(root, out, expected=COUNTS).is_complete


def test_broken_frames_are_left_out(root, out, tmp_path):
    broken = tmp_path / 'broken.txt'
    broken.write_text('001: 1-2 7\n\n410: 2\n')
    report = convert_300vw(root, out, broken, expected={'train': 1, 'test_3': 1, 'test': 4})
    assert report.is_complete
    assert report.remarks == ['3 frames are left out, as --broken asks']
    assert [each['file_name'] for each in read(out, 'train')['images']] == ['001/imgs/000005.png']
    assert not (out / 'images' / '001' / 'imgs' / '000001.png').exists()


@pytest.mark.parametrize('line', ['001', '999: 1', '001: x', '001: 1-', '001: 1,2', '1: 1'])
def test_a_wrong_list_of_broken_frames(root, out, tmp_path, line):
    broken = tmp_path / 'broken.txt'
    broken.write_text(f'114: 1\n{line}\n')
    with pytest.raises(InputError, match=r'broken\.txt.*line 2 is not a VIDEO: FRAME'):
        convert_300vw(root, out, broken)


def test_what_has_no_place_is_reported(root, out):
    (root / '114' / 'vid.avi').write_bytes(b'no video')
    (root / '410' / 'annot' / '000000.pts').write_text(pts(points_of(1)))
    (root / '001' / 'annot' / '000001.pts').write_text(pts(points_of(1)[:67]))
    (root / '001' / 'annot' / '000009.pts').write_text(pts(points_of(1)))
    (root / '001' / 'annot' / 'x.pts').write_text('')
    for path in (root / '203' / 'annot').iterdir():
        path.unlink()
    report = convert_300vw(root, out, expected=COUNTS)
    assert {reason: len(names) for reason, names in report.unplaced.items()} == {
        'the video is missing, or has no files of points': 1,
        'its file of points cannot be used': 1,
        'its video has no such frame, or cannot be read': 4,
    }
    assert report.unplaced['its video has no such frame, or cannot be read'][0].startswith('001/im')
    assert report.notes['the file of points names no frame'] == [
        str(root / '001' / 'annot' / 'x.pts')
    ]
    assert {each.name: each.faces for each in report.sets} == {
        'train': 2, 'test': 2, 'test_1': 0, 'test_2': 0, 'test_3': 2
    }  # fmt: skip


def test_a_folder_without_videos(tmp_path):
    with pytest.raises(MissingFileError, match='has no videos of 300VW'):
        convert_300vw(tmp_path, tmp_path)


def test_the_command_shows_how_far_it_is(root, out, capsys):
    counts = [f'{name}={count}' for name, count in COUNTS.items()]
    main(['300vw', '--source', str(root), '--out', str(out), '--expect', *counts])
    printed = capsys.readouterr().out
    assert 'face_landmarks_300vw_test.json: 5 faces in 5 photographs: as expected' in printed
    assert '--broken FILE leaves out' in printed


def test_progress_counts_every_frame_when_it_is_written(root, out):
    seen = []

    def progress(each, total):
        for item in each:
            seen.append((item, total, len(list(out.rglob('*.png')))))
            yield item

    convert_300vw(root, out, expected=COUNTS, progress=progress)
    assert seen == [(i, 8, i) for i in range(8)]


def test_the_files_are_read_by_the_data_set(root, out):
    convert_300vw(root, out, expected=COUNTS)
    data = Face300VWDataset(
        ann_file='annotations/face_landmarks_300vw_test.json',
        data_root=str(out),
        data_prefix={'img': 'images/'},
        test_mode=True,
        pipeline=[{'type': 'LoadImage'}],
    )
    assert len(data) == 5
    np.testing.assert_allclose(data[0]['bbox'], [[22.25, 15.5, 89.25, 82.5]])
    np.testing.assert_allclose(data[0]['keypoints'][0], points_of(1), rtol=1e-6)
    assert data[0]['img_shape'] == SIZE_WH[::-1]
