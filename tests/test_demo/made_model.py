"""An exported file without a network: its points are centroids of the crop's colours.

They follow each pixel, so that a crop that is cut, mirrored or coloured otherwise moves them.
"""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mmpose_lite.structures import parse_pose_metainfo

META = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
NAMES = [META['keypoint_id2name'][i] for i in range(19)]
SIZE_WH = (64, 48)
BOX_MAP = {'dx': 0.02, 'dy': 0.16, 'scale': 0.95, 'aspect': 1.1}


def facts(**changes):
    """The metadata of such a file, as far as the page reads them."""
    known = {
        'input': 'crops',
        'input_size': SIZE_WH,
        'padding': 1.25,
        'use_udp': False,
        'flip': False,
        'weights': 'fp32',
        'codec': 'MSRAHeatmap',
        'dataset': 'aflw',
        'points': NAMES,
        'mirror_pairs': [[0, 5]],
        'skeleton': [[0, 1], [1, 2]],
        'checkpoint': 'made.pth',
        'checkpoint_sha256': 'a' * 64,
        'calibration': {'detectors': {'retinaface': {'box_map': BOX_MAP}}, 'confidence': None},
    }
    return {**known, **changes}


def write_model(path, **changes):
    """Write the file; ``changes`` are those of its metadata.

    With ``expected_errors`` it has a third output: 9 % less the score.
    """
    width, height = SIZE_WH
    count = len(NAMES)
    constants = {
        'channels': np.arange(count) % 3,
        'powers': np.linspace(1, 6, count, dtype=np.float32),
        'across': np.arange(width, dtype=np.float32).reshape(1, 1, width, 1),
        'down': np.arange(height, dtype=np.float32).reshape(1, height, 1, 1),
        'level': np.float32(256),
        'little': np.float32(1e-3),
        'area': np.array([1, 2]),
        'last': np.array([-1]),
    }
    node = helper.make_node
    nodes = [
        node('Cast', ['crops'], ['levels'], to=TensorProto.FLOAT),
        node('Div', ['levels', 'level'], ['shares']),
        node('Add', ['shares', 'little'], ['bright']),
        node('Gather', ['bright', 'channels'], ['each'], axis=3),
        node('Pow', ['each', 'powers'], ['maps']),
        node('ReduceSum', ['maps', 'area'], ['sums'], keepdims=0),
        node('ReduceMean', ['each', 'area'], ['scores'], keepdims=0),
    ]
    for axis in ('across', 'down'):
        nodes += [
            node('Mul', ['maps', axis], [f'{axis}_maps']),
            node('ReduceSum', [f'{axis}_maps', 'area'], [f'{axis}_sums'], keepdims=0),
            node('Div', [f'{axis}_sums', 'sums'], [f'{axis}_mean']),
            node('Unsqueeze', [f'{axis}_mean', 'last'], [f'{axis}_place']),
        ]
    nodes.append(node('Concat', ['across_place', 'down_place'], ['points'], axis=-1))
    outputs = {'points': ['batch', count, 2], 'scores': ['batch', count]}
    if changes.get('expected_errors'):
        nodes.append(node('Sub', ['nine', 'scores'], ['errors']))
        constants['nine'] = np.float32(9)
        outputs['errors'] = ['batch', count]
    graph = helper.make_graph(
        nodes,
        'made',
        [helper.make_tensor_value_info('crops', TensorProto.UINT8, ['batch', height, width, 3])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in outputs.items()
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=9)
    helper.set_model_props(model, {'mmpose_lite': json.dumps(facts(**changes))})
    onnx.save(model, str(path))
    return path
