"""MMPose's inferencer: its arguments and what it yields, read in its 1.x source."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpose_lite.apis import MMPoseInferencer
from mmpose_lite.errors import InputError
from mmpose_lite.inference.video import VideoReader, writing_video
from mmpose_lite.structures import PoseDataSample


def two_faces(image):
    return [[20, 10, 90, 80, 0.9], [22, 12, 92, 82, 0.2]]


@pytest.fixture(scope='module')
def inferencer(tiny_config, trained):
    return MMPoseInferencer(tiny_config, str(trained.checkpoint), device='cpu', det_model=two_faces)


def test_faces_are_plain_data_in_a_list_of_one_photograph(inferencer, photographs, landmarker):
    found = list(inferencer(photographs[:2]))
    assert [list(each) for each in found] == [['predictions'], ['predictions']]
    ((first, second),) = found[0]['predictions']
    assert list(first) == ['keypoints', 'keypoint_scores', 'bbox', 'bbox_score']
    assert (len(first['keypoints']), len(first['keypoint_scores'])) == (19, 19)
    assert first['bbox'] == ([20, 10, 90, 80],)
    assert second['bbox_score'] == pytest.approx(0.2)
    (known,) = landmarker(photographs[0], boxes=two_faces(None))
    np.testing.assert_allclose(first['keypoints'], known.points[0], atol=1e-3)


def test_faces_of_a_weak_box_are_left_out(inferencer, photographs):
    (found,) = inferencer(photographs[0], bbox_thr=0.5)
    assert len(found['predictions'][0]) == 1


def test_files_and_pictures(inferencer, photographs, tmp_path):
    (found,) = inferencer(
        photographs[1],
        return_vis=True,
        kpt_thr=0,
        vis_out_dir=str(tmp_path / 'vis'),
        pred_out_dir=str(tmp_path / 'pred'),
    )
    (picture,) = found['visualization']
    drawn = cv2.imread(str(tmp_path / 'vis' / 'face1.png'))
    np.testing.assert_array_equal(picture[..., ::-1], drawn)
    rows = json.loads((tmp_path / 'pred' / 'face1.json').read_text(encoding='utf-8'))
    assert rows == json.loads(json.dumps(found['predictions'][0]))
    list(inferencer(photographs[1], out_dir=str(tmp_path / 'both')))
    assert (tmp_path / 'both' / 'visualizations' / 'face1.png').is_file()
    assert (tmp_path / 'both' / 'predictions' / 'face1.json').is_file()


def test_samples_where_they_are_asked_for(inferencer, photographs):
    (found,) = inferencer(photographs[0], return_datasamples=True)
    (sample,) = found['predictions']
    assert isinstance(sample, PoseDataSample)
    assert sample.pred_instances.keypoints.shape == (2, 19, 2)


def test_the_alias_takes_a_checkpoint_that_holds_its_config(trained, photographs):
    alias = MMPoseInferencer('face', str(trained.checkpoint), det_model='whole_image')
    (found,) = alias(photographs[1])
    height, width = cv2.imread(photographs[1]).shape[:2]
    assert found['predictions'][0][0]['bbox'] == ([0, 0, width, height],)


def test_the_alias_alone_takes_the_weights_of_the_package(photographs, monkeypatch):
    said = []
    monkeypatch.setattr(
        'mmpose_lite.inference.inferencer.print_log', lambda *each: said.append(each)
    )
    (found,) = MMPoseInferencer('face', det_model='whole_image', device='cpu')(photographs[1])
    ((face,),) = found['predictions']
    assert np.shape(face['keypoints']) == (19, 2)
    assert 'these are faces19, of this package, with 19' in said[0][0]


def test_a_video_becomes_a_video_and_a_list_of_frames(inferencer, photographs, tmp_path):
    path = tmp_path / 'talk.mp4'
    image = cv2.resize(cv2.imread(photographs[1]), (96, 96))
    with writing_video(path, None, 25) as write:
        for index in range(4):
            write(np.roll(image, index, axis=1), index / 25)
    folders = {'vis_out_dir': str(tmp_path / 'vis'), 'pred_out_dir': str(tmp_path / 'pred')}
    found = list(inferencer([photographs[0], str(path)], **folders))
    assert len(found) == 5
    assert {each.name for each in (tmp_path / 'vis').iterdir()} == {'face0.png', 'talk.mp4'}
    assert len(list(VideoReader(tmp_path / 'vis' / 'talk.mp4'))) == 4
    rows = json.loads((tmp_path / 'pred' / 'talk.json').read_text(encoding='utf-8'))
    assert [row['frame_id'] for row in rows] == [0, 1, 2, 3]
    of_frames = [each['predictions'][0] for each in found[1:]]
    assert [row['instances'] for row in rows] == json.loads(json.dumps(of_frames))


def test_photographs_of_one_name_in_two_folders_have_files_of_their_own(
    inferencer, photographs, tmp_path
):
    for folder in 'ab':
        (tmp_path / folder).mkdir()
        shutil.copy(photographs[0], tmp_path / folder / 'x.png')
    out = tmp_path / 'out'
    list(inferencer([str(tmp_path / each / 'x.png') for each in 'ab'], out_dir=str(out)))
    assert {each.name for each in (out / 'predictions').iterdir()} == {'x.json', 'x_2.json'}
    assert {each.name for each in (out / 'visualizations').iterdir()} == {'x.png', 'x_2.png'}


def test_a_video_that_is_left_early_is_whole(inferencer, photographs, tmp_path):
    path = tmp_path / 'talk.mp4'
    with writing_video(path, None, 25) as write:
        for index in range(4):
            write(np.zeros((96, 96, 3), np.uint8), index / 25)
    results = inferencer(str(path), out_dir=str(tmp_path / 'out'))
    next(results), next(results)
    results.close()
    assert len(list(VideoReader(tmp_path / 'out' / 'visualizations' / 'talk.mp4'))) == 2
    file = tmp_path / 'out' / 'predictions' / 'talk.json'
    assert len(json.loads(file.read_text(encoding='utf-8'))) == 2


def test_frames_are_shown_in_one_window_and_photographs_wait(
    inferencer, photographs, monkeypatch, tmp_path
):
    shown, waits = [], []
    monkeypatch.setattr('mmpose_lite.inference.inferencer.about_display', lambda *_: '')
    monkeypatch.setattr(cv2, 'imshow', lambda title, _: shown.append(title))
    monkeypatch.setattr(cv2, 'waitKey', waits.append)
    path = str(tmp_path / 'talk.mp4')
    with writing_video(path, None, 25) as write:
        write(np.zeros((96, 96, 3), np.uint8), 0)
        write(np.zeros((96, 96, 3), np.uint8), 0.04)
    list(inferencer([photographs[0], path], show=True))
    assert (shown, waits) == ([photographs[0], path, path], [0, 1, 1])
    list(inferencer(path, show=True, wait_time=0.5))
    assert waits[3:] == [500, 500]


def test_without_a_display_nothing_is_shown(inferencer, photographs, monkeypatch):
    monkeypatch.setattr('mmpose_lite.inference.video.sys.platform', 'linux')
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r'show=True needs a display, .* vis_out_dir writes'):
        list(inferencer(photographs[0], show=True))


def test_cameras_have_the_names_that_mmpose_gives_them(inferencer, monkeypatch):
    asked = []

    class Camera:
        def __init__(self, number):
            asked.append(number)

        def isOpened(self):
            return False

    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    for name in ('webcam', 'webcam:2'):
        with pytest.raises(InputError, match='does not answer'):
            list(inferencer(name))
    assert asked == [0, 2]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({}, 'pose2d names no model'),
        ({'pose3d': 'human3d'}, "pose3d='human3d' means nothing here"),
        ({'pose_2d': 'face'}, "pose_2d='face' means nothing here"),
    ],
)
def test_what_it_cannot_do_is_one_line(arguments, message):
    with pytest.raises(InputError, match=message):
        MMPoseInferencer(**arguments)


@pytest.mark.parametrize('way', ['itself', 'relative', 'link', 'link of a file'])
def test_photographs_are_not_drawn_over(inferencer, photographs, tmp_path, monkeypatch, way):
    """The folder of results is that of the sources, by whatever path."""
    folder = tmp_path / 'mine'
    folder.mkdir()
    source = folder / 'x.png'
    shutil.copy(photographs[0], source)
    before = source.read_bytes()
    out, given = folder, source
    if way == 'relative':
        monkeypatch.chdir(tmp_path)
        out = Path('mine', '..', 'mine')
    elif way == 'link':
        out = tmp_path / 'link'
        out.symlink_to(folder)
    elif way == 'link of a file':
        given = tmp_path / 'others' / 'x.png'
        given.parent.mkdir()
        given.symlink_to(source)
    with pytest.raises(
        InputError, match=r"vis_out_dir: '.*x\.png' would be written over '.*x\.png'"
    ):
        list(inferencer(str(given), vis_out_dir=str(out), pred_out_dir=str(tmp_path / 'points')))
    assert source.read_bytes() == before
    assert not (tmp_path / 'points').exists()
    list(inferencer(str(given), pred_out_dir=str(out)))  # x.json replaces nothing
    assert source.read_bytes() == before


def test_a_photograph_s_picture_does_not_replace_another_source(inferencer, photographs, tmp_path):
    """Two of one name: the second one's picture is ``x_2.png``."""
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
    sources = [str(tmp_path / each) for each in ('a/x.png', 'b/x.png', 'c_2.png')]
    for each in sources:
        shutil.copy(photographs[0], each)
    (tmp_path / 'c_2.png').rename(tmp_path / 'x_2.png')
    sources[2] = str(tmp_path / 'x_2.png')
    with pytest.raises(InputError, match=r"x_2\.png' would be written over"):
        list(inferencer(sources, vis_out_dir=str(tmp_path)))


def test_a_video_is_not_written_over_itself(inferencer, photographs, tmp_path):
    path = tmp_path / 'talk.mp4'
    with writing_video(path, None, 25) as write:
        write(np.zeros((96, 96, 3), np.uint8), 0)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"vis_out_dir: '.*talk\.mp4' would be written over"):
        list(inferencer(str(path), vis_out_dir=str(tmp_path)))
    with (
        pytest.raises(InputError, match=r"video: '.*talk\.mp4' would be written over"),
        writing_video(path, str(path)),
    ):
        pass
    assert path.read_bytes() == before
