"""Tolerances within which a file is kept."""

import dataclasses

import numpy as np
import pytest
import torch

from helpers.small_zoo import make_model, random_crops
from mmpose_lite.apis import load_config
from mmpose_lite.codecs import MSRAHeatmap, RegressionLabel, SimCCLabel
from mmpose_lite.errors import InputError
from mmpose_lite.export import CropGraph, ExportOptions, Prediction, exporting
from mmpose_lite.export.exporting import describe_errors, export_model
from mmpose_lite.export.faces import Face, rendered_faces
from mmpose_lite.export.verification import (
    Comparison,
    Error,
    _is_tie_of,
    cell_of,
    compare,
    nme_fault,
)
from mmpose_lite.inference.models import load_model

EQUAL = Comparison(16, same=1.0, median=0.0, p99=0.0, largest=0.0, scores=0.0, cell=4.0)


def faults(weights='fp32', is_image=False, **changes):
    return dataclasses.replace(EQUAL, **changes).faults(weights, is_image)


@pytest.mark.parametrize(
    ('changes', 'count'),
    [
        ({}, 0),
        ({'same': 0.9989}, 1),
        ({'same': 0.9991, 'largest': 1.0, 'ties': 1}, 0),
        ({'largest': 1.1}, 1),
        ({'scores': 2e-5}, 1),
        ({'same': 0.5, 'largest': 9.0, 'scores': 1.0}, 3),
        ({'cell': 0.0, 'largest': 0.02}, 1),
    ],
)
def test_a_file_in_full_precision_gives_the_same_points(changes, count):
    assert len(faults(**changes)) == count


def test_other_files_have_other_tolerances():
    assert not faults('fp16', p99=2.0, same=0.5, largest=60.0)
    assert len(faults('fp16', p99=2.1, scores=0.02)) == 2
    assert not faults('fp32', True, median=0.04, p99=0.4, largest=30.0)
    assert len(faults('fp32', True, median=0.06, p99=0.6)) == 2
    assert not faults('int8', same=0.0, largest=60.0)  # its error alone


def test_cells_of_codecs():
    assert cell_of(MSRAHeatmap((256, 256), (64, 64), 2)) == 4
    assert cell_of(SimCCLabel((256, 256), simcc_split_ratio=2.0)) == 0.5
    assert cell_of(RegressionLabel((256, 256))) == 0


class Shifted:
    """A file that moves some points of the model to the right."""

    takes_photographs = False

    def __init__(self, graph, points, shift):
        self.graph, self.points, self.shift = graph, points, shift

    def predict(self, crops):
        with torch.no_grad():
            points, *others = self.graph(torch.from_numpy(crops))
        points[:, : self.points, 0] += self.shift
        return Prediction(points.numpy(), *(each.numpy() for each in others))


def test_points_that_moved_are_found(tmp_path):
    model = make_model('regression', tmp_path)
    graph = CropGraph(model).eval()
    crops = random_crops(model, 4).numpy()
    faces = [Face(crop, None, np.zeros(4)) for crop in crops]
    assert compare(graph, Shifted(graph, 0, 0.0), faces).largest == 0
    found = compare(graph, Shifted(graph, 49, 3.0), faces)
    assert found.same == pytest.approx(0.5)
    assert found.largest == pytest.approx(3, abs=1e-3)
    assert found.faults('fp32', False)


PEAK = {(3, 5): 1.0, (3, 4): 0.5, (3, 6): 0.5, (2, 5): 0.5, (4, 5): 0.4, (9, 9): 1.0 - 4e-6}


@pytest.mark.parametrize(
    ('other', 'is_tie'),
    [
        ((9, 9), True),  # a cell that is as high
        ((8, 9), False),
        ((5.25, 3 - 0.25), True),  # neighbours to the left and to the right are equally high
        ((5 - 0.25, 3.25), False),  # those above and below are not
    ],
)
def test_points_between_cells_that_are_equally_high_are_ties(other, is_tie):
    heat = np.zeros((16, 16))
    for cell, value in PEAK.items():
        heat[cell] = value
    own = np.array([5 - 0.25, 3 - 0.25])
    assert _is_tie_of(heat, own / 16, np.array(other) / 16) == is_tie
    assert not _is_tie_of(heat[3], np.array([5 / 16]), np.array([4 / 16]))


def test_ties_are_counted_and_not_held_to_the_tolerance(tmp_path):
    model = make_model('mobilenetv2', tmp_path)
    torch.nn.init.zeros_(model.head.final_layer.weight)  # level maps: all cells are equally high
    graph = CropGraph(model).eval()
    faces = [Face(crop, None, np.zeros(4)) for crop in random_crops(model, 2).numpy()]
    found = compare(graph, Shifted(graph, 3, 20.0), faces)
    assert (found.ties, found.largest) == (6, 0)


def test_rendered_faces_are_cropped_by_the_pipeline(tmp_path):
    model = make_model('mobilenetv2', tmp_path)
    (face,) = rendered_faces(model, 1)
    assert face.crop.shape == (64, 64, 3)
    assert face.crop.std() > 10
    assert face.photograph.dtype == np.uint8


def errors(*nmes):
    names = ('model, flip test off', 'this file', 'model, flip test on')
    return [Error(name, nme, 5, 'box') for name, nme in zip(names, nmes, strict=False)]


def test_an_error_that_is_not_the_models_is_refused():
    assert nme_fault(errors(0.03, 0.03019), 'this file', 'model, flip test off') is None
    found = nme_fault(errors(0.03, 0.0303), 'this file', 'model, flip test off')
    assert found.startswith('NME +0.030 percentage points')
    assert nme_fault(errors(0.03, 0.0303), 'this file', 'model, flip test off', 0.05) is None


def test_the_cost_of_leaving_the_flip_test_out_is_said():
    *_, last = describe_errors(errors(0.0301, 0.0305, 0.03))
    assert 'changes the NME by +0.010 percentage points; --flip' in last
    assert len(list(describe_errors(errors(0.03, 0.03)))) == 2


def test_settings_that_do_not_go_together():
    with pytest.raises(InputError, match='int8 needs --calibrate CONFIG'):
        ExportOptions(weights='int8').check()
    with pytest.raises(InputError, match='--tolerance applies to the NME, which --data'):
        ExportOptions(tolerance=0.1).check()


def test_data_of_other_points_or_crops_is_refused_before_anything_is_traced(
    trained, tiny_config, tmp_path, monkeypatch
):
    def refused(**settings):
        monkeypatch.setattr(exporting, '_calibration_inputs', lambda *_: pytest.fail('too late'))
        monkeypatch.setattr(exporting, 'make_writer', lambda *_: pytest.fail('too late'))
        with pytest.raises(InputError) as error:
            export_model(model, 'a.pth', tmp_path, 'a', ExportOptions(**settings), print)
        return str(error.value)

    model = load_model(str(trained.checkpoint), device='cpu')
    own, padded = load_config(tiny_config), load_config(tiny_config)
    padded.test_dataloader.dataset.pipeline[1].padding = 1.5
    wflw = 'face_2d_keypoint/topdown_heatmap/wflw/td-hm_hrnetv2-w18_8xb64-60e_wflw-256x256.py'
    other = load_config(wflw, {'input_size': 64})
    assert "tiny.py': test_dataloader.dataset.pipeline has padding=1.5" in refused(data=padded)
    assert '98, not 19' in refused(data=other)
    assert '98, not 19' in refused(weights='int8', calibration=other)
    assert 'padding=1.5' in refused(weights='int8', calibration=padded, data=own)
    # Points do not matter where faces only set the ranges.
    with pytest.raises(pytest.fail.Exception, match='too late'):
        refused(weights='int8', calibration=other, data=own)


def test_names_say_what_is_inside():
    assert ExportOptions().file_name('a') == 'a.onnx'
    options = ExportOptions('openvino', takes_photographs=True, flip=True, weights='fp16')
    assert options.file_name('a') == 'a-image-flip-fp16.xml'
