"""Finding the two sides, and describing their commands."""

import sys
from pathlib import Path

import pytest

from benchmarks.bench import Bench
from benchmarks.jobs import Job
from benchmarks.sides import AFLW, MMPOSE, OURS, ROOT, Side, SideError, find_home, find_mmpose


def write_home(home):
    """Write what is looked for beside MMPose or in it."""
    for name in ('tools/train.py', f'configs/{AFLW}'):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text('')


@pytest.mark.usefixtures('processes')
def test_mmpose_is_found_in_a_folder(tmp_path):
    package = tmp_path / 'mmpose'
    package.mkdir()
    (package / '__init__.py').write_text("__version__ = '1.9'\n")
    (package / 'utils.py').write_text('def register_all_modules(): pass\n')
    write_home(tmp_path)
    side = find_mmpose(str(tmp_path), sys.executable)
    assert side.versions[MMPOSE] == '1.9'
    assert side.script('train') == (tmp_path / 'tools' / 'train.py').resolve()


def test_points_of_a_checkout_are_found_in_the_working_folder(tmp_path):
    """MMPose's data sets name ``configs/_base_/datasets/aflw.py``, from there."""
    points = tmp_path / 'checkout' / 'configs' / '_base_' / 'datasets' / 'aflw.py'
    points.parent.mkdir(parents=True)
    points.write_text('dataset_info = {}')
    (tmp_path / 'work').mkdir()
    Side(MMPOSE, (), (), tmp_path / 'checkout', {}).prepare(tmp_path / 'work')
    assert (tmp_path / 'work' / 'configs' / '_base_' / 'datasets' / 'aflw.py').samefile(points)
    (tmp_path / 'ours').mkdir()
    Side(OURS, (), (), tmp_path / 'checkout', {}).prepare(tmp_path / 'ours')
    assert not list((tmp_path / 'ours').iterdir())


@pytest.mark.parametrize('home', ['.', 'mmpose/.mim'], ids=['checkout', 'installed'])
def test_tools_and_configs_are_beside_the_package_or_in_it(tmp_path, home):
    write_home(tmp_path / home)
    assert find_home(tmp_path / 'mmpose').samefile(tmp_path / home)


def test_an_mmpose_without_tools_is_an_error(tmp_path):
    with pytest.raises(SideError, match='neither tools nor configs'):
        find_home(tmp_path / 'mmpose')


@pytest.mark.usefixtures('processes')
def test_an_mmpose_that_does_not_import_is_an_error(tmp_path):
    (tmp_path / 'mmpose.py').write_text("raise ImportError('no such thing')\n")
    with pytest.raises(SideError, match='no such thing'):
        find_mmpose(str(tmp_path), sys.executable)


@pytest.fixture
def bench(tmp_path):
    """A bench of two sides that lie somewhere."""
    ours = Side(OURS, (sys.executable,), (str(ROOT),), ROOT, {})
    theirs = Side(MMPOSE, ('/some/python', '-m', 'standins'), (), Path('/some/mmpose/.mim'), {})
    return Bench(tmp_path, {OURS: ours, MMPOSE: theirs}, {'0.2 MP': tmp_path / 'faces'}, {})


@pytest.mark.parametrize(
    ('job', 'expected'),
    [
        (
            Job(OURS, 'train', '0.2 MP', ('a=1', 'b=$WORK/c'), ('--amp',)),
            'python ./tools/train.py $WORK/mmpose_lite_0.2_MP.py --amp --cfg-options a=1 b=$WORK/c',
        ),
        (
            Job(MMPOSE, 'test', '0.2 MP'),
            'python -m standins $MMPOSE/tools/test.py $WORK/mmpose_0.2_MP.py $WORK/checkpoint.pth',
        ),
        (
            Job(OURS, 'train', '0.2 MP', ranks=4),
            'bash ./tools/dist_train.sh $WORK/mmpose_lite_0.2_MP.py 4',
        ),
        (
            Job(MMPOSE, 'loader', '0.2 MP', arguments=('--seconds', '3')),
            'python -m standins ./benchmarks/measure/loader.py $WORK/mmpose_0.2_MP.py loader.json '
            '--package mmpose --seconds 3',
        ),
    ],
    ids=['train', 'test', 'ranks', 'loader'],
)
def test_commands_are_told_without_folders(bench, job, expected):
    assert bench.shorten(bench.command(job)) == expected


def test_both_sides_have_the_same_environment(bench):
    ours, theirs = (side.environment(3, gpu=False) for side in bench.sides.values())
    assert (ours['OMP_NUM_THREADS'], ours['CUDA_VISIBLE_DEVICES']) == ('3', '')
    assert {key for key in ours | theirs if ours.get(key) != theirs.get(key)} == {'PYTHONPATH'}
