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
    """Write a file whose points are means of pixels: blue and green at its first rows.

    Its metadata are :data:`METADATA` with changes; ``metadata=None`` leaves them out.
    """
    nodes = [
        helper.make_node('Cast', ['crops'], ['wide'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['wide', 'axes'], ['means'], keepdims=0),  # (B, W, 3)
        helper.make_node('Slice', ['means', 'from', 'to', 'of'], ['points']),
        helper.make_node('ReduceMean', ['points', 'last'], ['scores'], keepdims=0),
    ]
    crops = helper.make_tensor_value_info('crops', TensorProto.UINT8, ['batch', SIDE, SIDE, 3])
    points = helper.make_tensor_value_info('points', TensorProto.FLOAT, ['batch', 2, 2])
    scores = helper.make_tensor_value_info('scores', TensorProto.FLOAT, ['batch', 2])
    numbers = {'axes': [1], 'from': [0, 0], 'to': [2, 2], 'of': [1, 2], 'last': [2]}
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [len(each)], each)
        for name, each in numbers.items()
    ]
    graph = helper.make_graph(nodes, 'made', [crops], [points, scores], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=10)
    if changes.get('metadata', True) is not None:
        helper.set_model_props(model, {'mmpose_lite': json.dumps(METADATA | changes)})
    save(model, path)
    return path
