"""Writing of graphs as ONNX, OpenVINO and torch.export files, with smaller weights if asked for."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from torch import Tensor

from mmpose_lite.errors import InputError
from mmpose_lite.utils.lazy import load_optional

from .graph import CropGraph, PhotographGraph
from .runtime import METADATA

WEIGHTS = ('fp32', 'fp16', 'int8')
OPSET = 20

Writer = Callable[[Path, Mapping[str, Any]], None]
"""A function that writes a file with its metadata."""

# Names of the graph's inputs, and of the axes that may have any size.
_CROPS = {'crops': {0: 'batch'}}
_IMAGE = {'image': {0: 'height', 1: 'width'}, 'boxes': {0: 'faces'}}
_OUTPUTS = ('points', 'scores', 'errors')
_SMALLEST = 1024  # numbers of a weight that is worth storing in half precision
_LARGEST_HALF = 65504.0


def make_writer(
    graph: CropGraph,
    form: str,
    weights: str = 'fp32',
    calibration: Sequence[Mapping[str, ndarray]] | None = None,
) -> Writer:
    """Convert a graph to a format; the function that is returned writes it.

    Args:
        graph: The graph.
        form: A key of :data:`SUFFIXES`.
        weights: How weights are stored: ``'fp32'``; ``'fp16'``, computed as fp32; or ``'int8'``,
            the convolutions computed so.
        calibration: For int8: inputs of the graph by name, such as ``crops``.

    Raises:
        InputError: If a package is missing, or the format cannot have these weights.
    """
    if form == 'pt2':
        if weights != 'fp32':
            raise InputError(f'--weights {weights}: pt2 files have fp32 alone; onnx and openvino')
        return _pt2_writer(_trace(graph))
    for package in ('onnx', 'onnxscript', *(['onnxruntime'] if weights == 'int8' else [])):
        load_optional(package)
    if form == 'openvino':
        load_optional('openvino')
    outputs = _OUTPUTS if graph.curve is not None else _OUTPUTS[:2]
    proto = _to_onnx(_trace(graph), _axes_of(graph), outputs)
    if weights == 'int8':
        proto = _quantised(proto, calibration)
    if form == 'openvino':
        return _openvino_writer(proto, weights == 'fp16')
    if weights == 'fp16':
        store_as_half(proto)
    return _onnx_writer(proto)


def _axes_of(graph: CropGraph) -> dict[str, dict[int, str]]:
    return _IMAGE if isinstance(graph, PhotographGraph) else _CROPS


def _trace(graph: CropGraph) -> Any:
    """Trace a graph with torch.export, for any number of faces."""
    width, height = graph.size_wh
    if isinstance(graph, PhotographGraph):
        box = [4.0, 6.0, width + 4.0, height + 6.0]
        examples: tuple[Tensor, ...] = (
            torch.zeros((height + 24, width + 40, 3), dtype=torch.uint8),
            torch.tensor([box, box]),
        )
    else:
        examples = (torch.zeros((2, height, width, 3), dtype=torch.uint8),)
    axes = _axes_of(graph)
    # Sides of one pixel are a case of their own to torch.
    least = {'height': 2, 'width': 2}
    shapes = {
        name: {axis: torch.export.Dim(size, min=least.get(size, 0)) for axis, size in own.items()}
        for name, own in axes.items()
    }
    with torch.no_grad(), _quiet():
        return torch.export.export(graph, examples, dynamic_shapes=shapes, strict=False)


def _pt2_writer(program: Any) -> Writer:
    def write(path: Path, metadata: Mapping[str, Any]) -> None:
        with _quiet():
            torch.export.save(program, path, extra_files={METADATA: json.dumps(metadata)})

    return write


def _to_onnx(program: Any, axes: Mapping[str, Mapping[int, str]], outputs: Sequence[str]) -> Any:
    with _quiet():
        converted = torch.onnx.export(
            program,
            dynamo=True,
            input_names=list(axes),
            output_names=list(outputs),
            opset_version=OPSET,
            verbose=False,
        )
    assert converted is not None
    proto = converted.model_proto
    _name_axes(proto, axes)
    return proto


def _name_axes(proto: Any, axes: Mapping[str, Mapping[int, str]]) -> None:
    """Call the axes of any size by their names, in place of torch's symbols."""
    names = {}
    for value in proto.graph.input:
        for axis, name in axes[value.name].items():
            names[value.type.tensor_type.shape.dim[axis].dim_param] = name
    graph = proto.graph
    for value in (*graph.input, *graph.output, *graph.value_info):
        for dim in value.type.tensor_type.shape.dim:
            if dim.dim_param in names:
                dim.dim_param = names[dim.dim_param]


def _onnx_writer(proto: Any) -> Writer:
    onnx = load_optional('onnx')

    def write(path: Path, metadata: Mapping[str, Any]) -> None:
        onnx.helper.set_model_props(proto, {METADATA: json.dumps(metadata)})
        path.write_bytes(proto.SerializeToString())

    return write


def _openvino_writer(proto: Any, as_half: bool) -> Writer:
    openvino = load_optional('openvino')
    with TemporaryDirectory(prefix='mmpose_lite-') as folder:
        path = Path(folder, 'model.onnx')
        path.write_bytes(proto.SerializeToString())
        core = openvino.Core()
        # The file that constants would be mapped from is gone afterwards.
        core.set_property({'ENABLE_MMAP': False})
        model = core.read_model(path)

    def write(path: Path, metadata: Mapping[str, Any]) -> None:
        model.set_rt_info(json.dumps(metadata), [METADATA])
        openvino.save_model(model, str(path), compress_to_fp16=as_half)

    return write


def store_as_half(proto: Any) -> None:
    """Store the weights of an ONNX model in half precision, in place; they are computed as before.

    Raises:
        InputError: If a weight is beyond the range of half precision.
    """
    onnx = load_optional('onnx')
    casts, kept = [], []
    for tensor in proto.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALLEST:
            kept.append(tensor)
            continue
        if np.abs(values).max() > _LARGEST_HALF:
            raise InputError(f'--weights fp16: {tensor.name} has values beyond 65504')
        name = f'{tensor.name}_half'
        kept.append(onnx.numpy_helper.from_array(values.astype(np.float16), name))
        to = onnx.TensorProto.FLOAT
        casts.append(
            onnx.helper.make_node('Cast', [name], [tensor.name], name=f'{name}_cast', to=to)
        )
    nodes = [*casts, *proto.graph.node]
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(kept)
    proto.graph.node.extend(nodes)


_CONVOLUTIONS = ('Conv', 'ConvTranspose')
_WITHIN = ('Add', 'Relu', 'Clip', 'MaxPool', 'Concat', 'Resize')


def _quantised(proto: Any, calibration: Sequence[Mapping[str, ndarray]] | None) -> Any:
    """Make a model whose convolutions are computed in int8, with scales from some inputs."""
    onnx = load_optional('onnx')
    quantization: Any = import_module('onnxruntime.quantization')
    if not calibration:
        raise InputError('--weights int8 needs faces to calibrate with: --calibrate CONFIG')
    batches = iter(calibration)

    class Inputs(quantization.CalibrationDataReader):
        def get_next(self) -> Mapping[str, ndarray] | None:
            return next(batches, None)

    with TemporaryDirectory(prefix='mmpose_lite-') as folder, _quiet():
        source, target = Path(folder, 'fp32.onnx'), Path(folder, 'int8.onnx')
        source.write_bytes(proto.SerializeToString())
        quantization.quantize_static(
            str(source),
            str(target),
            Inputs(),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            # 7 bits: products of 8 overflow the sums of CPUs without VNNI, and points go astray.
            reduce_range=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=[*_CONVOLUTIONS, 'Add', 'Relu'],
            nodes_to_quantize=_quantisable(proto),
            extra_options={'ActivationSymmetric': False, 'WeightSymmetric': True},
        )
        return onnx.load(str(target))


def _quantisable(proto: Any) -> list[str]:
    """Name the convolutions but the last, and what is between them.

    The layer that makes the outputs stays in full precision, and with it all of the decoding, a
    convolution of which is DARK's blur.
    """
    nodes = list(proto.graph.node)
    shapes = {each.name: tuple(each.dims) for each in proto.graph.initializer}
    convolutions = [
        node
        for node in nodes
        if node.op_type in _CONVOLUTIONS and shapes.get(node.input[1], (0,))[:2] != (1, 1)
    ]
    after = _reached(nodes, {each for node in convolutions for each in node.output})
    layers = [*convolutions, *(node for node in nodes if node.op_type in ('MatMul', 'Gemm'))]
    wanted = {each for node in layers for each in node.input}
    before = set()
    for node in reversed(nodes):
        if wanted & set(node.output):
            before.add(node.name)
            wanted.update(node.input)
    chosen = {node.name for node in convolutions}
    chosen |= {node.name for node in nodes if node.op_type in _WITHIN and node.name in after}
    return sorted(chosen & before)


def _reached(nodes: list[Any], values: set[str]) -> set[str]:
    """Name the nodes that some values lead to; nodes are in the order of their computation."""
    found = set()
    for node in nodes:
        if values & set(node.input):
            found.add(node.name)
            values.update(node.output)
    return found


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the converters say about themselves off the screen."""
    loggers = [logging.getLogger(name) for name in ('torch.onnx', 'torch.export', 'onnxscript')]
    loggers += [logging.getLogger(name) for name in ('onnx_ir', 'root', '')]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
