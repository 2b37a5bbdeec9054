"""Videos are read and written frame for frame, with their times and their sound."""

import os
import socket
import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.inference import video
from mmpose_lite.inference.video import VideoError, VideoReader, Window, is_video, writing_video

MILLISECONDS = Fraction(1, 1000)
TIMES = np.cumsum([0, *np.random.default_rng(0).integers(20, 80, 23)]) / 1000  # s
RATE = 8000  # samples of sound a second


def picture(index, size_wh=(64, 48)):
    image = np.full((size_wh[1], size_wh[0], 3), 40 + 5 * index, np.uint8)
    image[:, 2 * index : 2 * index + 8] = 255
    return image


def write_source(path, times=TIMES, sound='aac', size_wh=(64, 48)):
    av = pytest.importorskip('av')
    with av.open(str(path), 'w') as output:
        stream = output.add_stream('libx264', rate=25)
        stream.width, stream.height, stream.pix_fmt = *size_wh, 'yuv420p'
        stream.codec_context.time_base = MILLISECONDS
        voice = output.add_stream(sound, rate=RATE) if sound else None
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index, size_wh), format='bgr24')
            frame.pts, frame.time_base = round(time / MILLISECONDS), MILLISECONDS
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if voice:
            tone = 8000 * np.sin(np.arange(int(RATE * times[-1])) / 4)
            samples = tone.astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(samples, format='s16', layout='mono')
            frame.sample_rate, frame.pts = RATE, 0
            output.mux(voice.encode(frame))
            output.mux(voice.encode(None))
    return path


def copy(source, target):
    with writing_video(target, str(source)) as write:
        frames = list(VideoReader(source))
        for frame in frames:
            write(frame.image, frame.time_s)
    return frames


def test_a_video_that_ends_early_is_a_warning_and_one_without_frames_an_error(tmp_path, capsys):
    path = tmp_path / 'a.avi'
    output = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 25, (64, 48))
    for index in range(20):
        output.write(picture(index))
    output.release()
    reader = VideoReader(path)
    assert (reader.count, len(list(reader))) == (20, 20)
    assert 'ends after' not in capsys.readouterr().out
    reader.count = 40
    assert len(list(reader)) == 20
    assert 'ends after 20 of 40 frames' in capsys.readouterr().out
    path.unlink()
    with pytest.raises(VideoError, match=r'a\.avi. has no frame that can be read'):
        list(reader)


def decode(path, kind):
    import av

    with av.open(str(path)) as file:
        return list(file.decode(**{kind: 0}))


def samples_of(path):
    from av import AudioResampler

    to_mono = AudioResampler(format='flt', layout='mono')
    frames = [mono for frame in decode(path, 'audio') for mono in to_mono.resample(frame)]
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames])


@pytest.mark.parametrize('name', ['in.mp4', 'in.mkv'])
def test_frames_and_their_uneven_times_are_kept(tmp_path, name):
    source = write_source(tmp_path / name)
    frames = copy(source, tmp_path / 'out' / 'out.mp4')
    assert [frame.frame for frame in frames] == list(range(24))
    assert np.allclose([frame.time_s for frame in frames], TIMES)
    written = decode(tmp_path / 'out' / 'out.mp4', 'video')
    assert np.allclose([float(each.pts * each.time_base) for each in written], TIMES)
    pictures = np.array([picture(index) for index in range(24)]).astype(int)
    differences = [np.abs(pictures - each.to_ndarray(format='bgr24')) for each in written]
    assert [each.mean((1, 2, 3)).argmin() for each in differences] == list(range(24))


@pytest.mark.parametrize(('name', 'sound'), [('in.mp4', 'aac'), ('in.mkv', 'pcm_s16le')])
def test_the_sound_is_that_of_the_source(tmp_path, name, sound):
    source = write_source(tmp_path / name, sound=sound)
    copy(source, tmp_path / 'out.mp4')
    before, after = map(samples_of, (source, tmp_path / 'out.mp4'))
    assert abs(len(after) - len(before)) <= 2048  # AAC's padding
    middle = slice(2000, 6000)
    loudest = np.abs(np.fft.rfft(after[middle])).argmax()
    assert loudest == np.abs(np.fft.rfft(before[middle])).argmax() > 10


def test_the_sound_stays_beside_frames_that_begin_late(tmp_path):
    source = write_source(tmp_path / 'in.mkv', times=TIMES + 0.5)
    frames = copy(source, tmp_path / 'out.mp4')
    assert frames[0].time_s == 0
    first = decode(tmp_path / 'out.mp4', 'video')[0]
    assert float(first.pts * first.time_base) == pytest.approx(0.5, abs=1e-3)


def test_frames_of_odd_size_get_a_further_row_and_column(tmp_path):
    source = write_source(tmp_path / 'in.mp4')
    with writing_video(tmp_path / 'out.mp4', str(source)) as write:
        write(picture(0, (63, 47)), 0.0)
    assert VideoReader(tmp_path / 'out.mp4').size_wh == (64, 48)


def test_without_av_the_frames_are_there_and_the_lack_of_sound_is_said(
    tmp_path, monkeypatch, capsys, as_new_process
):
    source = write_source(tmp_path / 'in.mp4')
    monkeypatch.setattr(video, 'has_av', lambda: False)
    copy(source, tmp_path / 'out.mp4')
    said = capsys.readouterr()
    assert 'neither sound' in said.out + said.err
    assert "pip install 'mmpose_lite[video]'" in said.out + said.err
    assert len(list(VideoReader(tmp_path / 'out.mp4'))) == len(TIMES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['in.mp4', 'out.mp4']


@pytest.mark.parametrize('with_av', [True, False])
def test_a_writer_that_is_stopped_leaves_what_was_there(tmp_path, monkeypatch, with_av):
    source = write_source(tmp_path / 'in.mp4')
    monkeypatch.setattr(video, 'has_av', lambda: with_av)
    (tmp_path / 'out.mp4').write_text('the one before')

    def be_stopped():
        with writing_video(tmp_path / 'out.mp4', str(source)) as write:
            write(picture(0), 0.0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        be_stopped()
    assert (tmp_path / 'out.mp4').read_text() == 'the one before'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['in.mp4', 'out.mp4']


@pytest.mark.parametrize('with_av', [True, False])
def test_no_frame_is_no_video(tmp_path, monkeypatch, with_av):
    source = write_source(tmp_path / 'in.mp4')
    monkeypatch.setattr(video, 'has_av', lambda: with_av)
    with (
        pytest.raises(InputError, match='without a frame'),
        writing_video(tmp_path / 'out.mp4', str(source)),
    ):
        pass
    assert not (tmp_path / 'out.mp4').exists()


def test_wrong_sources_and_names_are_refused(tmp_path):
    with pytest.raises(MissingFileError, match=r'video .*none\.mp4.* does not exist'):
        VideoReader(tmp_path / 'none.mp4')
    (tmp_path / 'text.mp4').write_text('no video')
    with pytest.raises(InputError, match=r'text\.mp4.* cannot be read as a video'):
        VideoReader(tmp_path / 'text.mp4')
    source = write_source(tmp_path / 'in.mp4')
    with (
        pytest.raises(InputError, match=r'written as \.mp4'),
        writing_video(tmp_path / 'out.avi', str(source)),
    ):
        pass


def test_videos_are_known_by_their_names():
    for name in (
        'a.MP4',
        Path('b.mov'),
        'rtsp://camera/1',
        'HTTP://camera/',
        'http://c/a.mp4?x=1',
        'a?.mp4',
    ):
        assert is_video(name)
    for name in ('c.jpg', 'folder', 'https://host/a.jpg', 'https://host/a.PNG?width=9'):
        assert not is_video(name)


def test_a_camera_that_is_not_there_is_one_error(capfd):
    with pytest.raises(InputError, match='camera 99 does not answer: it is not connected'):
        VideoReader(99)
    assert capfd.readouterr().err == ''  # of OpenCV, which tries several ways


def test_frames_of_a_camera_have_the_times_at_which_they_come(monkeypatch):
    class Camera:
        def __init__(self, number):
            assert number == 0
            self.left = 3

        def isOpened(self):
            return True

        def get(self, what):
            return {cv2.CAP_PROP_FPS: 0.0, cv2.CAP_PROP_FRAME_COUNT: -1.0}.get(what, 64.0)

        def read(self):
            self.left -= 1
            return self.left >= 0, picture(0)

        def release(self):
            self.left = None

    monkeypatch.setattr(cv2, 'VideoCapture', Camera)
    clock = iter([5.0, 5.5, 5.75, 7.0])
    monkeypatch.setattr(video.time, 'perf_counter', lambda: next(clock))
    reader = VideoReader(0)
    assert (reader.path, reader.count, reader.rate, reader.size_wh) == (None, None, 30, (64, 64))
    frames = list(reader)
    assert [frame.time_s for frame in frames] == [0.5, 0.75, 2]
    assert frames[2].name == '0 frame 2'
    assert reader._capture.left is None


def test_without_a_display_it_is_said(monkeypatch):
    monkeypatch.setattr(video.sys, 'platform', 'linux')
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match='--show needs a display'):
        Window('faces')


def test_a_display_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setattr(video.sys, 'platform', 'linux')
    for display in (':8199', 'localhost:8199.0', 'nonsense'):
        monkeypatch.setenv('DISPLAY', display)
        with pytest.raises(InputError, match=f'DISPLAY={display} does not answer'):
            Window('faces')


@pytest.mark.skipif(sys.platform != 'linux', reason='abstract sockets are Linux')
def test_a_display_without_a_file_is_found(monkeypatch):
    monkeypatch.setenv('DISPLAY', ':8198')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('\0/tmp/.X11-unix/X8198')
        server.listen()
        assert 'does not answer' not in video.about_display()


def test_a_window_shows_the_rate_and_closes_with_q(monkeypatch):
    shown = []
    monkeypatch.setattr(video, 'about_display', lambda: '')
    monkeypatch.setattr(cv2, 'imshow', lambda title, image: shown.append(np.array(image)))
    monkeypatch.setattr(cv2, 'getWindowProperty', lambda *_: 1.0)
    keys = iter([-1, ord('q')])
    monkeypatch.setattr(cv2, 'waitKey', lambda _: next(keys))
    window = Window('faces')
    frame = np.zeros((60, 200, 3), np.uint8)
    assert window.show(frame)
    assert not window.show(frame)
    assert shown[0].max() == 255
    assert frame.max() == 0


def test_qt_has_fonts_that_are_there(monkeypatch, tmp_path):
    monkeypatch.setattr(video, 'about_display', lambda: '')
    monkeypatch.setenv('QT_QPA_FONTDIR', str(tmp_path / 'of a wheel without fonts'))
    Window('faces')
    assert any(Path(os.environ['QT_QPA_FONTDIR']).glob('*.ttf'))
    monkeypatch.setenv('QT_QPA_FONTDIR', str(tmp_path))
    Window('faces')
    assert os.environ['QT_QPA_FONTDIR'] == str(tmp_path)
