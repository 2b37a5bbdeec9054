"""Exported files made by hand: small graphs with the form of real ones."""

import json
from pathlib import Path

from onnx import TensorProto, helper, save

SIDE = 16
METADATA = {
    'form': 1,
    'mmpose_lite': '0.1.0',
    'input': 'crops',
    'input_size': [SIDE, SIDE],
    'color': 'bgr',
    'padding': 1.25,
    'use_udp': False,
    'flip': False,
    'weights': 'fp32',
    'codec': 'RegressionLabel',
    'dataset': 'two',
    'points': ['left', 'right'],
    'mirror_pairs': [[0, 1]],
    'skeleton': [],
    'config': 'a.py',
    'config_sha256': '0' * 64,
    'checkpoint': 'a.pth',
    'checkpoint_sha256': None,
}


def make_onnx(path: Path, **changes) -> Path:
    """Write a file whose points are means of pixels: blue and green of its first columns.

    Its metadata are :data:`METADATA` with changes; ``metadata=None`` leaves them out.
    """
    metadata = METADATA | changes
    width, height = metadata['input_size']
    count = len(metadata['points'])
    nodes = [
        helper.make_node('Cast', ['crops'], ['wide'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['wide', 'axes'], ['means'], keepdims=0),  # (B, W, 3)
        helper.make_node('Slice', ['means', 'from', 'to', 'of'], ['points']),
        helper.make_node('ReduceMean', ['points', 'last'], ['scores'], keepdims=0),
    ]
    crops = helper.make_tensor_value_info('crops', TensorProto.UINT8, ['batch', height, width, 3])
    numbers = {'axes': [1], 'from': [0, 0], 'to': [count, 2], 'of': [1, 2], 'last': [2]}
    return _save(path, nodes, [crops], numbers, metadata)


def make_onnx_of_photographs(path: Path, **changes) -> Path:
    """Write a file whose two points are the corners of the box, with the mean as their score."""
    nodes = [
        helper.make_node('Reshape', ['boxes', 'form'], ['points']),
        helper.make_node('ReduceMean', ['points', 'last'], ['scores'], keepdims=0),
    ]
    image = helper.make_tensor_value_info('image', TensorProto.UINT8, ['height', 'width', 3])
    boxes = helper.make_tensor_value_info('boxes', TensorProto.FLOAT, ['batch', 4])
    metadata = METADATA | {'input': 'image'} | changes
    return _save(path, nodes, [image, boxes], {'form': [-1, 2, 2], 'last': [2]}, metadata)


def _save(path, nodes, inputs, numbers, metadata):
    count = len(metadata['points'])
    outputs = [
        helper.make_tensor_value_info('points', TensorProto.FLOAT, ['batch', count, 2]),
        helper.make_tensor_value_info('scores', TensorProto.FLOAT, ['batch', count]),
    ]
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [len(each)], each)
        for name, each in numbers.items()
    ]
    graph = helper.make_graph(nodes, 'made', inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10)
    if metadata.get('metadata', True) is not None:
        helper.set_model_props(model, {'mmpose_lite': json.dumps(metadata)})
    save(model, path)
    return path
