"""A video of rendered heads becomes one with points, frame for frame."""

import itertools
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.videos import render_heads
from mmpose_lite import inference
from mmpose_lite.errors import InputError
from mmpose_lite.inference import video as reading
from mmpose_lite.inference import video_results as of_videos
from mmpose_lite.inference.boxes import ious
from mmpose_lite.inference.results import Landmarks
from mmpose_lite.inference.sources import about_others
from mmpose_lite.inference.video import VideoReader
from mmpose_lite.inference.video_results import (
    AnnotatedVideo,
    as_video,
    split_videos,
    video_results,
)
from mmpose_lite.inference.writers import Layout
from mmpose_lite.structures import parse_pose_metainfo

FRAMES, SIZE_WH, SIDES = 12, (160, 96), (48, 40)


@pytest.fixture(scope='module')
def rendered():
    s = np.linspace(0, 1, FRAMES)[:, None]
    left, right = np.hstack([40 + 20 * s, 48 + 4 * s]), np.hstack([118 - 16 * s, 46 + 0 * s])
    return render_heads(np.stack([left, right], axis=1), SIDES, size_wh=SIZE_WH)


@pytest.fixture(scope='module')
def video(rendered, tmp_path_factory):
    av = pytest.importorskip('av')
    path = tmp_path_factory.mktemp('video') / 'heads.mp4'
    with av.open(str(path), 'w') as output:
        stream = output.add_stream('libx264', rate=25)
        stream.width, stream.height, stream.pix_fmt = *SIZE_WH, 'yuv420p'
        for index, image in enumerate(rendered.frames):
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


class Landmarker:
    """A model as the tracker sees it: the truth, with noise of half a pixel."""

    def __init__(self, rendered):
        self.truth = rendered
        self.rng = np.random.default_rng(0)
        self.meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
        self.looked_at = []

    def find_boxes(self, frame):
        self.looked_at.append(frame.frame)
        return np.column_stack([self.truth.boxes[frame.frame], [0.9, 0.8]])

    def predict(self, photographs):
        for frame, boxes in photographs:
            heads = ious(boxes, self.truth.boxes[frame.frame]).argmax(1)
            points = self.truth.points[frame.frame][heads]
            points = points + self.rng.normal(0, 0.5, points.shape)
            scores = np.full(points.shape[:2], 0.8)
            yield Landmarks(frame, points, scores, boxes[:, :4], boxes[:, 4], self.meta)


def test_without_tracking_the_detector_sees_every_frame(rendered, video):
    landmarker = Landmarker(rendered)
    results = list(video_results(landmarker, VideoReader(video)))
    assert landmarker.looked_at == list(range(FRAMES))
    assert all(result.ids is None and len(result) == 2 for result in results)


def test_faces_that_are_followed_have_ids_and_the_detector_rests(rendered, video):
    landmarker = Landmarker(rendered)
    results = list(video_results(landmarker, VideoReader(video), track=True, every=5))
    assert landmarker.looked_at == [0, 5, 10]
    assert [result.ids.tolist() for result in results] == [[1, 2]] * FRAMES
    assert [result.photograph.frame for result in results] == list(range(FRAMES))
    assert results[-1].box_scores.tolist() == pytest.approx([0.9, 0.8])


@pytest.mark.parametrize('is_file', [True, False])
def test_points_of_faces_that_are_followed_are_smoothed(rendered, video, is_file, monkeypatch):
    clock = itertools.count(0, 0.04)  # frames of cameras have the time at which they come
    monkeypatch.setattr(reading.time, 'perf_counter', lambda: next(clock))
    reader = VideoReader(video)
    if not is_file:
        reader.path = None
    results = list(video_results(Landmarker(rendered), reader, smooth=True))
    plain = list(video_results(Landmarker(rendered), VideoReader(video), track=True))

    def roughness(found):
        return np.abs(np.diff([each.points for each in found], 2, axis=0)).mean()

    assert len(results) == FRAMES
    assert roughness(results) < 0.9 * roughness(plain)
    assert np.abs(results[-1].points - rendered.points[-1]).mean() < 1
    assert results[-1].photograph.image.shape == (SIZE_WH[1], SIZE_WH[0], 3)


def test_the_annotated_video_has_all_frames_their_times_and_points(rendered, video, tmp_path):
    landmarker = Landmarker(rendered)
    form = AnnotatedVideo(Layout(tmp_path / 'out', [], landmarker.meta))
    results = list(video_results(landmarker, VideoReader(video), track=True))
    for _ in range(2):  # the same name twice
        for result in results:
            form.write(result)
        form.close()
    assert [path.name for path in form.files] == ['heads.mp4', 'heads_2.mp4']
    for path in form.files:
        frames = list(VideoReader(path))
        assert [frame.time_s for frame in frames] == [r.photograph.time_s for r in results]
        changed = np.abs(frames[3].image.astype(int) - rendered.frames[3]).sum(2)
        x, y = rendered.points[3, 0, 10].round().astype(int)
        assert changed[y - 1 : y + 2, x - 1 : x + 2].mean() > 4 * changed[:10].mean()


def test_sources_that_are_videos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / '7').mkdir()
    sources = ['a.mp4', '0', 0, 'a.jpg', '7', tmp_path / 'b.mov', np.zeros((2, 2, 3))]
    found = [as_video(source) for source in sources]
    assert found == ['a.mp4', 0, 0, None, None, str(tmp_path / 'b.mov'), None]


def test_folders_and_patterns_hold_videos(tmp_path):
    for name in ('a.jpg', 'clips/b.MP4', 'clips/c [1].mov', 'clips/notes.txt', 'empty/x.heic'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    clips = [str(tmp_path / 'clips' / name) for name in ('b.MP4', 'c [1].mov')]
    assert split_videos(str(tmp_path)) == (clips, [str(tmp_path)])
    assert split_videos(tmp_path / 'clips') == (clips, [])
    assert split_videos([str(tmp_path), clips[1]]) == (clips, [str(tmp_path)])
    assert split_videos(str(tmp_path / 'clips' / '*.m*')) == (clips[1:], [])
    everything = str(tmp_path / '**' / '*.[jM]*')
    assert split_videos(everything) == (clips[:1], [str(tmp_path / 'a.jpg')])
    assert split_videos(clips[1]) == (clips[1:], [])
    for without in (str(tmp_path / 'empty'), str(tmp_path / '*.jpg'), 'http://x/a.jpg?size=1'):
        assert split_videos(without) == ([], without)
    address = 'http://x/a.mp4?size=1'
    assert split_videos(address) == ([address], [])


def test_what_is_not_read_of_a_folder_is_said(tmp_path):
    for name in ('a.jpg', 'b.mp4', 'b.json', '.DS_Store', 'c.heic', 'd/e.HEIC', 'd/f.gif', 'g'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    remark = about_others(str(tmp_path))
    assert "' has 4 files that are not read" in remark
    assert remark.endswith('.heic (2), .gif (1), no ending (1)')
    (tmp_path / 'only').mkdir()
    (tmp_path / 'only' / 'a.png').touch()
    assert about_others(str(tmp_path / 'only')) == ''


def test_a_file_that_is_no_video_is_told_and_the_others_are_done(trained, video, tmp_path):
    (tmp_path / 'bad.mp4').write_text('no video')
    landmarker = inference.Landmarker(trained.checkpoint, detector='whole-image', device='cpu')
    told = []
    sources = [str(tmp_path / 'bad.mp4'), str(video)]
    results = landmarker(sources, stream=True, on_error=lambda *each: told.append(each))
    assert len(list(results)) == FRAMES
    ((name, error),) = told
    assert name == sources[0]
    assert 'cannot be read as a video' in str(error)
    with pytest.raises(InputError, match='cannot be read as a video'):
        landmarker(sources)


def test_a_landmarker_takes_videos(video, trained):
    def detect(image):
        return [[16, 24, 64, 72, 0.9]]

    landmarker = inference.Landmarker(trained.checkpoint, detector=detect, device='cpu')
    results = landmarker(str(video), stream=True)
    assert [next(results).photograph.frame for _ in range(3)] == [0, 1, 2]
    found = landmarker([str(video)], track=True)
    assert [each.photograph.frame for each in found] == list(range(FRAMES))
    assert found[0].ids.tolist() == [1]
    with pytest.raises(InputError, match='boxes are those of one photograph'):
        landmarker(str(video), boxes=[[0, 0, 9, 9]])


def test_only_videos_are_tracked_and_only_files_end(trained, monkeypatch):
    landmarker = inference.Landmarker(trained.checkpoint, detector='whole-image', device='cpu')
    with pytest.raises(InputError, match='track and smooth apply to videos'):
        landmarker(np.zeros((9, 9, 3), np.uint8), track=True)
    camera = SimpleNamespace(name='0', path=None)
    monkeypatch.setattr(of_videos, 'VideoReader', lambda source: camera)
    with pytest.raises(InputError, match='0 has no end: stream=True'):
        landmarker(0)
