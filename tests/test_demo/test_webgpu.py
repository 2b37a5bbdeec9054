"""The page on Chromium's WebGPU in software, and on GPUs that fail or are wrong."""

import json

import pytest
from made_model import BOX_MAP
from pages import altered, check_against_python, choose, opened

from helpers import browser as browsers
from helpers.in_process import run_main
from mmpose_lite.cli import demo as command

# They run in the page's thread before its script, which loads onnxruntime-web.
NO_DEVICE = """
const adapter = {
  info: {}, features: new Set(), limits: {},
  requestDevice: async () => { throw new Error('no device'); },
};
Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => adapter } });
"""
ZEROS = """
const own = GPUBuffer.prototype.getMappedRange;
GPUBuffer.prototype.getMappedRange = function (...range) {
  const bytes = own.apply(this, range);
  new Uint8Array(bytes).fill(0);
  return bytes;
};
"""
LOST = """
const own = GPUAdapter.prototype.requestDevice;
const devices = [];
GPUAdapter.prototype.requestDevice = async function (...wanted) {
  devices.push(await own.apply(this, wanted));
  return devices.at(-1);
};
self.addEventListener('message', ({ data: { task } }) => {
  if (task === 'find') for (const device of devices) device.destroy();
});
"""


@pytest.fixture(scope='module')
def chromium(processes):
    with browsers.started('--enable-unsafe-webgpu') as browser:
        yield browser


@pytest.fixture(scope='module')
def adapter(chromium, address):
    """Browsers without an adapter in software cannot tell how the page does on one."""
    page = chromium.new_page()
    page.goto(f'{address}model.json')
    found = page.evaluate('Promise.resolve(navigator.gpu?.requestAdapter()).then(Boolean)')
    page.close()
    browsers.require(found, 'WebGPU in software', 'this Chromium has no SwiftShader')


def ready(page, engine):
    """Wait for the networks, and check what computes them; what the page tells of it."""
    page.set_default_timeout(900_000)  # shaders that a processor compiles and computes
    page.wait_for_selector('html[data-ready], #problems p')
    assert page.locator('#problems').text_content() == ''
    return computed_by(page, engine)


def computed_by(page, engine):
    said = page.locator('#engine').text_content()
    assert page.locator('html').get_attribute('data-engine') == engine, said
    return said


def preceded(folder, target, script):
    """A copy of the page, in whose thread a script runs first."""
    return altered(folder, target, 'worker.js', lambda text: script + text)


def test_faces19_finds_python_s_points(
    adapter, chromium, runtime, serve, photographs, whole, tmp_path
):
    """Without ``--whole``, one photograph beside the page's own: a processor takes minutes."""
    photographs = photographs if whole else photographs[:1]
    run_main(command.main, 'faces19', '--out', 'page', cwd=tmp_path)
    facts = json.loads((tmp_path / 'page' / 'model.json').read_text(encoding='utf-8'))
    with opened(chromium, serve(tmp_path / 'page'), 'webgpu') as page:
        assert ready(page, 'webgpu').endswith(' on WebGPU')
        choose(page, *photographs)
        check_against_python(page, photographs, tmp_path / 'page/model.onnx', facts['box_map'])
        computed_by(page, 'webgpu')


def test_an_adapter_in_software_is_left_alone(adapter, chromium, address):
    with opened(chromium, address, engine=None) as page:
        assert ready(page, 'wasm').endswith('; WebGPU without a GPU is slower')


def test_an_adapter_without_a_device(chromium, folder, serve, tmp_path):
    with opened(chromium, serve(preceded(folder, tmp_path, NO_DEVICE)), engine=None) as page:
        assert '; WebGPU failed' in ready(page, 'wasm')


def test_a_gpu_whose_points_are_wrong(adapter, chromium, folder, serve, tmp_path):
    with opened(chromium, serve(preceded(folder, tmp_path, ZEROS)), 'webgpu') as page:
        assert '; WebGPU differs from Python by ' in ready(page, 'wasm')


def test_a_gpu_whose_detector_is_wrong(adapter, chromium, folder, serve, tmp_path):
    def move(text):
        facts = json.loads(text)
        facts['check']['detected'][2] += 2
        return json.dumps(facts)

    with opened(chromium, serve(altered(folder, tmp_path, 'model.json', move)), 'webgpu') as page:
        assert ready(page, 'wasm').endswith('; WebGPU differs from Python by 2.00 px')


def test_a_gpu_that_is_lost(adapter, chromium, folder, serve, photographs, model_file, tmp_path):
    with opened(chromium, serve(preceded(folder, tmp_path, LOST)), 'webgpu') as page:
        ready(page, 'webgpu')
        choose(page, *photographs[:2])
        check_against_python(page, photographs[:2], model_file, BOX_MAP)
        assert '; WebGPU failed: ' in computed_by(page, 'wasm')
        assert page.locator('#problems').text_content() == ''
