"""OpenCV's YuNet with a network of its form, since its own weights are in no package.

Inputs, outputs and their shapes are those of ``face_detection_yunet_2023mar.onnx``: 640x640 as the
file says, any other size as OpenCV runs it.
"""

import numpy as np
import pytest

from mmpose_lite.errors import InputError
from mmpose_lite.inference import make_detector

STRIDES, SIDE, CELL = (8, 16, 32), 640, 32
CHANNELS = {'cls': 1, 'obj': 1, 'bbox': 4, 'kps': 10}
# A white cell is a face: shifted by a quarter of a cell right and up, 3 cells wide, 2 high.
BIASES = {'bbox': [0.25, -0.25, np.log(3), np.log(2)], 'kps': [0.0] * 10}
FACE = np.array([0.25 - 1.5, -0.25 - 1, 0.25 + 1.5, -0.25 + 1]) * CELL


def write_network(path, names=CHANNELS):
    onnx = pytest.importorskip('onnx')
    helper, from_array = onnx.helper, onnx.numpy_helper.from_array
    nodes, values = [], {}

    def add(kind, inputs, output, **settings):
        nodes.append(helper.make_node(kind, inputs, [output], **settings))

    values['mean'] = np.full((1, 3, 1, 1), 1 / 765, np.float32)
    add('Conv', ['input', 'mean'], 'grey', kernel_shape=[1, 1])
    for stride in STRIDES:
        add('AveragePool', ['grey'], f'm{stride}', kernel_shape=[stride] * 2, strides=[stride] * 2)
        for name, channels in CHANNELS.items():
            key, weight = f'{name}{stride}', 1.0 if channels == 1 and stride == CELL else 0.0
            values[f'w{key}'] = np.full((channels, 1, 1, 1), weight, np.float32)
            values[f'b{key}'] = np.array(BIASES.get(name, [0.0]), np.float32)
            values[f's{key}'] = np.array([1, -1, channels])
            conv = [f'm{stride}', f'w{key}', f'b{key}']
            add('Conv', conv, f'c{key}', kernel_shape=[1, 1])
            add('Transpose', [f'c{key}'], f't{key}', perm=[0, 2, 3, 1])
            add('Reshape', [f't{key}', f's{key}'], f'{name}_{stride}')
    float32 = onnx.TensorProto.FLOAT
    outputs = [
        helper.make_tensor_value_info(
            f'{name}_{stride}', float32, [1, (SIDE // stride) ** 2, CHANNELS[name]]
        )
        for name in names
        for stride in STRIDES
    ]
    graph = helper.make_graph(
        nodes,
        'yunet',
        [helper.make_tensor_value_info('input', float32, [1, 3, SIDE, SIDE])],
        outputs,
        [from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 11)])
    model.ir_version = 7
    onnx.save(model, str(path))
    return f'yunet:{path}'


@pytest.fixture(scope='module')
def yunet(tmp_path_factory):
    return make_detector(write_network(tmp_path_factory.mktemp('zoo') / 'my yunet.onnx'))


@pytest.mark.parametrize('size_hw', [(640, 640), (320, 320), (333, 480), (100, 70), (1200, 1600)])
def test_boxes_are_those_of_the_photograph_at_any_size(yunet, size_hw):
    image = np.zeros((*size_hw, 3), np.uint8)
    assert yunet(image).shape == (0, 5)
    scale = max(1, max(size_hw) / SIDE)
    low = round(CELL * scale)
    image[low : 2 * low, :low] = 255
    ((*box, score),) = yunet(image)
    middle = np.tile([0.0, CELL], 2)  # the corner of the white cell
    np.testing.assert_allclose(box, (middle + FACE) * scale, atol=1e-3)
    assert score == pytest.approx(1, abs=1e-3)


def test_a_network_of_an_earlier_form_is_named(tmp_path, capfd):
    name = write_network(tmp_path / 'old.onnx', ('cls', 'bbox', 'kps'))
    with pytest.raises(
        InputError, match=r'old\.onnx.* reads face_detection_yunet_2023mar\.onnx.*outputs'
    ):
        make_detector(name)
    capfd.readouterr()
    write_network(tmp_path / 'old.onnx')
    make_detector(name)
    assert capfd.readouterr().err == ''
