"""Reading dumps of this version and of older ones, and refusing other files."""

import json
import pickle

import numpy as np
import pytest
from hand_made import GT, row

from mmpose_lite.errors import InputError
from mmpose_lite.reporting import read_dump, read_run

POINTS = {
    'dataset': 'mine',
    'names': ['LeftEye', 'RightEye', 'MouthLeft', 'MouthRight'],
    'flip_indices': [1, 0, 3, 2],
    'links': [[0, 1], [2, 3]],
}
OLD = {'config': 'a.py', 'checkpoint': 'runs/best.pth', 'metrics': {'NME': 0.01}}
OLD['faces'] = [row(1, 1), row(2, 2)]


def write(folder, content, name='dump.json'):
    path = folder / name
    path.write_text(json.dumps(content))
    return path


def test_all_of_a_dump(tmp_path):
    further = {'kind': 'shift', 'value': 0.1, 'indices': [1], 'pred': [GT.tolist()]}
    content = {
        **OLD,
        'points': POINTS,
        'normaliser': {'title': 'longer side of box', 'item': 'bbox_size', 'pair': None},
        'provenance': {'device': 'CPU', 'flip_test': True},
        'further': {'seed': 5, 'passes': [further]},
    }
    run = read_dump(write(tmp_path, content))
    assert run.name == 'runs/best'
    assert len(run.table) == 2
    assert run.points.names == ('LeftEye', 'RightEye', 'MouthLeft', 'MouthRight')
    assert run.points.flip_indices == (1, 0, 3, 2)
    assert run.points.links == ((0, 1), (2, 3))
    assert (run.normaliser.title, run.normaliser.pair) == ('longer side of box', None)
    known = {'config': 'a.py', 'checkpoint': 'runs/best.pth', 'device': 'CPU', 'flip_test': True}
    assert run.provenance == known
    assert run.seed == 5
    (one,) = run.passes
    assert (one.kind, one.value, one.indices) == ('shift', 0.1, [1])
    assert one.pred.shape == (1, 4, 2)


def test_an_old_dump_has_its_faces(tmp_path):
    run = read_dump(write(tmp_path, OLD), 'mine')
    assert run.name == 'mine'
    assert run.points.names == ('point 0', 'point 1', 'point 2', 'point 3')
    assert run.normaliser is None
    assert run.passes == ()
    assert run.provenance == {'config': 'a.py', 'checkpoint': 'runs/best.pth'}


def test_a_run_without_a_checkpoint_is_named_by_its_file(tmp_path):
    assert read_dump(write(tmp_path, {'faces': OLD['faces']}, 'night.json')).name == 'night'


PASS = {'kind': 'shift', 'value': 0.1, 'indices': [1], 'pred': [GT.tolist()]}
WRONG = [
    ([], 'no dump of mmpose-lite test'),
    ({'metrics': {}}, "no 'faces'"),
    ({'faces': []}, 'faces must be a list of rows'),
    ({'faces': {}}, 'faces is {}, not a list'),
    ({'config': 3}, 'config is 3, not a string'),
    ({'data_roots': ['']}, 'data_roots has an empty name'),
    ({'provenance': 'here'}, "provenance is 'here', not a JSON object"),
    ({'provenance': {'data': [{}]}}, r'provenance\.data\[0\]\.file is missing'),
    ({'points': {'names': ['a', 'b']}}, r'points\.names has 2 names, a row has 4 points'),
    (
        {'points': {**POINTS, 'flip_indices': [0, 1, 2]}},
        r'points\.flip_indices has 3 indices for 4 names',
    ),
    (
        {'points': {**POINTS, 'links': [[0, 9]]}},
        r'points\.links has the index 9, which is not from 0 to 3',
    ),
    ({'points': {**POINTS, 'links': [[0, 1, 2]]}}, r'links\[0\] is \[0, 1, 2\], not a pair'),
    ({'points': {**POINTS, 'dataset': ['mine']}}, r"points\.dataset is \['mine'\], not a string"),
    ({'normaliser': {'title': 'x', 'pair': [0, 4]}}, r'normaliser\.pair has the index 4'),
    (
        {'normaliser': {'title': 'x', 'pair': [0.5, 1]}},
        r'normaliser\.pair\[0\] is 0\.5, not a whole',
    ),
    ({'further': {'passes': {}}}, r'further\.passes is {}, not a list'),
    ({'further': {'seed': 'x'}}, r"further\.seed is 'x', not a whole number"),
    ({'further': {'passes': [3]}}, r'further\.passes\[0\] is 3, not a JSON object'),
    (
        {'further': {'passes': [PASS | {'kind': 'turn'}]}},
        r"further\.passes\[0\]\.kind is 'turn', none of flip_test, shift",
    ),
    ({'further': {'passes': [PASS | {'value': 'much'}]}}, "value is 'much', not a number"),
    ({'further': {'passes': [PASS | {'value': 20}]}}, 'value of shift is 20, not a share'),
    ({'further': {'passes': [PASS | {'kind': 'flip_test'}]}}, 'of flip_test is 0.1, not 0 or 1'),
    (
        {'further': {'passes': [PASS | {'indices': [1, 1]}]}},
        r'passes\[0\]\.indices has a face twice',
    ),
    ({'further': {'passes': [PASS, PASS]}}, r'further\.passes has shift twice'),
    (
        {'further': {'passes': [PASS, PASS | {'value': 0.2, 'indices': [0]}]}},
        'passes perturbs the boxes of other faces',
    ),
    ({'further': {'passes': [PASS | {'indices': [2]}]}}, r'passes\[0\]\.indices has the index 2'),
    ({'further': {'passes': [PASS | {'indices': [0.5]}]}}, r'indices\[0\] is 0\.5, not a whole'),
    ({'further': {'passes': [PASS | {'indices': [0, 1]}]}}, r'pred must be .* \(2, 4, 2\)'),
    ({'further': {'passes': [PASS | {'pred': 'x'}]}}, "pred holds no numbers: 'x'"),
    ({'further': {'passes': [PASS | {'pred': [[[0, np.nan]] * 4]}]}}, 'pred must be finite'),
]


@pytest.mark.parametrize(('part', 'message'), WRONG)
def test_what_is_no_dump_is_named(part, message):
    content = part if not isinstance(part, dict) or 'metrics' in part else {**OLD, **part}
    with pytest.raises(InputError, match=f'x.json.*{message}'):
        read_run(content, 'x.json')


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"'gone\.json' does not exist"):
        read_dump('gone.json')
    with pytest.raises(InputError, match='is a folder, not a dump'):
        read_dump(tmp_path)
    (tmp_path / 'text.json').write_text('faces')
    with pytest.raises(InputError, match=r'text\.json.* is not JSON'):
        read_dump(tmp_path / 'text.json')
    (tmp_path / 'faces.pkl').write_bytes(pickle.dumps([1]))
    with pytest.raises(InputError, match=r'faces\.pkl.* --dump x\.json'):
        read_dump(tmp_path / 'faces.pkl')
