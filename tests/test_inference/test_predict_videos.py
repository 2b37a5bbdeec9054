"""``mmpose-lite predict`` on videos, by the command line."""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import cv2
import numpy as np
import pytest

from helpers.in_process import run_main
from helpers.videos import render_heads
from mmpose_lite import inference
from mmpose_lite.cli.predict import main
from mmpose_lite.inference.boxes import ious
from mmpose_lite.inference.video import VideoReader
from mmpose_lite.utils import progress

FRAMES = 6


@pytest.fixture
def video(tmp_path, face_set):
    """A photograph of the set that stays for six frames."""
    av = pytest.importorskip('av')
    image = cv2.imread(str(face_set / 'images' / 'face1.png'))
    image = image[: len(image) // 2 * 2, : image.shape[1] // 2 * 2]
    with av.open(str(tmp_path / 'face.mp4'), 'w') as output:
        stream = output.add_stream('libx264', rate=25)
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = 'yuv420p'
        for _ in range(FRAMES):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format='bgr24')))
        output.mux(stream.encode(None))
    return tmp_path / 'face.mp4'


@pytest.fixture
def looks(monkeypatch, boxes_of):
    """The number of times that the detector looks at a frame."""
    seen = []

    def detect(image):
        seen.append(image)
        return np.column_stack([boxes_of['face1.png'], [0.9]])

    monkeypatch.setattr(inference, 'make_detector', lambda name: detect)
    monkeypatch.setattr('mmpose_lite.inference.landmarker.make_detector', lambda name: detect)
    return seen


def test_faces_of_a_video_are_followed_smoothed_and_written(trained, video, looks, tmp_path):
    options = ('--smooth', '--every', '4', '--device', 'cpu')
    printed = run_main(main, trained.checkpoint, video, *options, cwd=tmp_path)
    assert f'6 faces in {FRAMES} frames' in printed
    lines = (tmp_path / 'predictions' / 'predictions.jsonl').read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row['frame'] for row in rows] == list(range(FRAMES))
    assert [row['time_s'] for row in rows] == pytest.approx(np.arange(FRAMES) / 25)
    assert [[face['id'] for face in row['faces']] for row in rows] == [[1]] * FRAMES
    assert len(looks) == 2
    assert len(list(VideoReader(tmp_path / 'predictions' / 'face.mp4'))) == FRAMES


def test_the_two_bars_of_smoothing_have_names_of_their_own(
    trained, video, looks, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(progress, '_FIRST_S', 0)
    monkeypatch.setattr(progress, '_INTERVAL_S', 0)
    run_main(main, trained.checkpoint, video, '--smooth', '--device', 'cpu', cwd=tmp_path)
    lines = re.findall(r'^(\w[\w ]+): (\d of \d) ', capfd.readouterr().err, re.M)
    steps = [f'{i + 1} of {FRAMES}' for i in range(FRAMES)]
    assert lines == [('frames tracked', each) for each in steps] + [
        ('frames written', each) for each in steps
    ]


class Stream(BaseHTTPRequestHandler):
    """A camera in a network: JPEG pictures one after the other, as one answer."""

    pictures = ()

    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
        self.end_headers()
        for each in self.pictures:
            head = f'--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(each)}\r\n\r\n'
            self.wfile.write(head.encode() + each + b'\r\n')

    def log_message(self, *_):
        pass


@pytest.fixture
def stream(monkeypatch):
    """The address of a stream of six rendered heads, and the box of the first."""
    middles = np.linspace([70, 48], [90, 52], FRAMES)[:, None]
    rendered = render_heads(middles, (56,), size_wh=(160, 96))
    pictures = [cv2.imencode('.jpg', each)[1].tobytes() for each in rendered.frames]
    monkeypatch.setattr(Stream, 'pictures', pictures)
    server = ThreadingHTTPServer(('127.0.0.1', 0), Stream)
    with server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/', rendered.boxes[0]
        server.shutdown()


def test_a_stream_is_predicted_until_it_ends(trained, stream, monkeypatch, tmp_path):
    address, box = stream
    found = np.column_stack([box, [0.9]])
    monkeypatch.setattr(inference, 'make_detector', lambda name: lambda image: found)
    monkeypatch.setattr(
        'mmpose_lite.inference.landmarker.make_detector', lambda name: lambda image: found
    )
    options = ('--save', 'video', 'jsonl', '--device', 'cpu')
    printed = run_main(main, trained.checkpoint, address, *options, cwd=tmp_path)
    assert f'{FRAMES} faces in {FRAMES} frames' in printed
    lines = (tmp_path / 'predictions' / 'predictions.jsonl').read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row['frame'] for row in rows] == list(range(FRAMES))
    times = [row['time_s'] for row in rows]
    assert times == sorted(times)
    assert len(list(VideoReader(tmp_path / 'predictions' / 'stream.mp4'))) == FRAMES


def test_a_folder_of_photographs_and_videos_is_done_but_for_bad_files(
    trained, video, looks, face_set, tmp_path, capsys
):
    (tmp_path / 'face1.png').write_bytes((face_set / 'images' / 'face1.png').read_bytes())
    (tmp_path / 'bad.mp4').write_text('no video')
    (tmp_path / 'face2.heic').touch()
    for _ in range(2):  # the second time with the results of the first
        with pytest.raises(SystemExit, match='1'):
            run_main(main, trained.checkpoint, '.', '--device', 'cpu', cwd=tmp_path)
        err = capsys.readouterr().err
        assert "error: video 'bad.mp4' cannot be read as a video" in err
        assert '1 of 3 photographs and videos could not be used' in err
        assert "'.' has 1 file that is not read, by their endings: .heic (1)" in err
    lines = (tmp_path / 'predictions' / 'predictions.jsonl').read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row['image'] for row in rows[:2]] == ['bad.mp4', 'face1.png']
    assert 'cannot be read' in rows[0]['error']
    assert len(rows) == FRAMES + 2
    with pytest.raises(SystemExit, match=r"error: video 'bad\.mp4' cannot be read"):
        run_main(main, trained.checkpoint, 'bad.mp4', cwd=tmp_path)


@pytest.mark.slow
def test_the_packaged_weights_and_the_detector_follow_a_stream(stream, tmp_path):
    pytest.importorskip('onnxruntime')
    address, box = stream
    run_main(
        main, 'faces19', address, '--track', '--save', 'jsonl', '--device', 'cpu', cwd=tmp_path
    )
    lines = (tmp_path / 'predictions' / 'predictions.jsonl').read_text().splitlines()
    faces = [json.loads(line)['faces'] for line in lines]
    assert [[face['id'] for face in each] for each in faces] == [[1]] * FRAMES
    assert ious(np.array([faces[0][0]['box']]), box).item() > 0.5


def test_without_tracking_faces_have_no_ids(trained, video, looks, tmp_path):
    run_main(main, trained.checkpoint, video, '--save', 'jsonl', '--device', 'cpu', cwd=tmp_path)
    text = (tmp_path / 'predictions' / 'predictions.jsonl').read_text()
    assert len(looks) == FRAMES
    assert '"id"' not in text


@pytest.mark.parametrize(
    ('source', 'option', 'message'),
    [
        ('face1.png', '--track', '--track applies to videos, and no source is a video'),
        ('face.mp4', '--show', '--show needs a display'),
        ('none.mp4', '--track', 'none.mp4.* does not exist'),
    ],
)
def test_what_cannot_be_done_is_said_before_the_model_is_loaded(
    trained, video, face_set, tmp_path, monkeypatch, source, option, message
):
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    monkeypatch.setattr(inference, 'Landmarker', None)  # it is not asked for
    path = face_set / 'images' / source if source.endswith('png') else tmp_path / source
    with pytest.raises(SystemExit, match=message):
        run_main(main, trained.checkpoint, path, option, cwd=tmp_path)
