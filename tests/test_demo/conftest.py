"""Fixtures of the tests of the page that finds points."""

import sys
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for the helpers here

from made_model import write_model
from pages import opened, ready

from helpers import browser as browsers
from mmpose_lite.demo import BrowserRuntime, find_runtime, make_server, write_site
from mmpose_lite.demo.browser_runtime import FILES
from mmpose_lite.errors import InputError
from mmpose_lite.synthetic import render_scene

RENDERED = (2, 5, 7, 8, 11)  # numbers of rendered faces


@pytest.fixture(scope='session')
def model_file(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model') / 'made.onnx')


@pytest.fixture
def no_runtime():
    """Files that are none of onnxruntime-web, for tests that run nothing."""
    return BrowserRuntime('0', {name: name.encode() for name in FILES})


@pytest.fixture(scope='module')
def runtime():
    try:
        return find_runtime()
    except InputError as error:
        pytest.skip(str(error))  # npm's registry is out of reach


@pytest.fixture(scope='module')
def serve(tmp_path_factory):
    """A function that serves a folder, with the headers of several threads or without."""
    servers = []

    def start(folder, isolated=True):
        server = make_server(folder, 0, isolated)
        thread = Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f'http://127.0.0.1:{server.server_port}/'

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope='module')
def photographs(tmp_path_factory):
    """Rendered faces, a file each."""
    folder = tmp_path_factory.mktemp('photographs')
    paths = []
    for number in RENDERED:
        picture, _ = render_scene(0, 'test', number, 1)
        paths.append(folder / f'face{number}.png')
        Image.fromarray(picture).save(paths[-1])
    return paths


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    """A film of one frame, a rendered face, which the browser takes for its webcam."""
    picture, _ = render_scene(0, 'test', 7, 1)
    frame = np.zeros((480, 640, 3), np.uint8)
    picture = cv2.resize(picture, None, fx=480 / len(picture), fy=480 / len(picture))
    frame[:, 100 : 100 + picture.shape[1]] = picture[:480]
    planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420)
    path = tmp_path_factory.mktemp('video') / 'face.y4m'
    path.write_bytes(b'YUV4MPEG2 W640 H480 F30:1 Ip C420jpeg\nFRAME\n' + planes.tobytes())
    return path


@pytest.fixture(scope='module')
def chromium(processes, video):
    flags = ('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream')
    with browsers.started(*flags, f'--use-file-for-fake-video-capture={video}') as browser:
        yield browser


@pytest.fixture(scope='module')
def folder(model_file, runtime, tmp_path_factory):
    path = tmp_path_factory.mktemp('page')
    write_site(path, model_file, runtime)
    return path


@pytest.fixture(scope='module')
def address(folder, serve):
    return serve(folder)


@pytest.fixture(scope='module')
def loaded(chromium, address):
    """The page, from which all tests but those of other pages take their photographs away."""
    with opened(chromium, address) as page:
        yield ready(page)


@pytest.fixture
def page(loaded):
    yield loaded
    if loaded.locator('#clear').is_visible():
        loaded.locator('#clear').click()
    loaded.wait_for_selector('.work[data-empty]')
    assert loaded.locator('#strip li').count() == 0
