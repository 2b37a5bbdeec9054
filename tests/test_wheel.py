"""The wheel: built, installed elsewhere, and used away from the checkout."""

import json
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ('configs', 'mmpose_lite', 'MANIFEST.in', 'LICENSE', 'README.md', 'CHANGELOG.md')
SOURCES += ('pyproject.toml', 'requirements.txt', 'setup.py')

USE = """
from pathlib import Path
from mmengine.config import Config
import mmpose_lite
from mmpose_lite.structures import config_root, parse_pose_metainfo
print(Path(mmpose_lite.__file__).parent)
print(config_root())
print(parse_pose_metainfo(dict(from_file='configs/_base_/datasets/aflw.py'))['num_keypoints'])
print(len([Config.fromfile(path) for path in config_root().rglob('td-hm_*.py')]))
"""


pytestmark = pytest.mark.quick('the wheel holds what is needed to use it')


@pytest.fixture(scope='module')
def site(processes, tmp_path_factory):
    """Build a wheel from a copy of the checkout and unpack it into a folder of its own."""
    pytest.importorskip('setuptools')
    folder = tmp_path_factory.mktemp('wheel')
    source = folder / 'source'
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, source / name, ignore=shutil.ignore_patterns('__pycache__')
            )
        else:
            shutil.copy(ROOT / name, source / name)
    stale = source / 'build' / 'lib' / 'mmpose_lite' / 'configs' / 'gone.py'
    stale.parent.mkdir(parents=True)
    stale.touch()

    def pip(*arguments):
        command = (sys.executable, '-m', 'pip', *arguments, '--no-deps', '--no-index', '--quiet')
        done = processes.run(*command, cwd=folder)
        assert done.status == 0, done.printed

    pip('wheel', '--no-build-isolation', '--wheel-dir', folder, source)
    (wheel,) = folder.glob('mmpose_lite-*.whl')
    pip('install', '--target', folder / 'site', wheel)
    return folder / 'site'


def test_wheel_holds_every_module_and_config(site):
    for name in ('configs', 'mmpose_lite'):
        there = site / 'mmpose_lite' / name if name == 'configs' else site / name
        for path in (ROOT / name).rglob('*'):
            if path.is_file() and '__pycache__' not in path.parts:
                assert (there / path.relative_to(ROOT / name)).is_file(), path


def test_wheel_takes_nothing_from_an_earlier_build(site):
    assert not (site / 'mmpose_lite' / 'configs' / 'gone.py').exists()


def test_wheel_holds_nothing_beside_the_package(site):
    assert {path.name.partition('-')[0] for path in site.iterdir()} == {'bin', 'mmpose_lite'}
    assert {path.name for path in (site / 'bin').iterdir()} == {'mmpose-lite'}


def test_installed_package_finds_its_configs(processes, site, tmp_path):
    done = processes.run(sys.executable, '-c', USE, cwd=tmp_path, PYTHONPATH=str(site))
    assert done.status == 0, done.printed
    package, configs, points, count = done.printed.split()
    assert Path(package) == site / 'mmpose_lite'
    assert Path(configs) == site / 'mmpose_lite' / 'configs'
    assert int(points) == 19
    assert int(count) == len(list((ROOT / 'configs').rglob('td-hm_*.py')))


@pytest.fixture
def command(processes, site, tmp_path):
    """Run the installed command in an empty folder; return what it printed."""

    def run(*words):
        program = site / 'bin' / 'mmpose-lite'
        done = processes.run(program, *words, cwd=tmp_path, PYTHONPATH=str(site))
        assert done.status == 0, done.printed
        return done.printed

    return run


def test_the_command_is_installed(command):
    assert 'quickstart' in command()
    assert 'Nothing is wrong.' in command('doctor')


def test_the_command_finds_shipped_configs(command, tmp_path):
    name = 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256'
    base = f'mmpose_lite::face_2d_keypoint/topdown_heatmap/aflw/{name}.py'
    (tmp_path / 'own.py').write_text(f"_base_ = '{base}'\ntrain_cfg = dict(max_epochs=2)\n")
    printed = command('print-config', 'own.py', '--origin')
    assert "model.backbone.type = 'HRNet'" in printed
    assert '# own.py:2' in printed
    assert '# configs/_base_/models/hrnetv2_w18.py:' in printed
    assert 'auto_scale_lr = dict(base_batch_size=512)' in command('print-config', name).splitlines()


@pytest.mark.slow
def test_the_quick_start_needs_no_checkout(command, tmp_path):
    printed = command('quickstart', '--train', '16', '--test', '8', '--epochs', '1')
    assert printed.strip().splitlines()[-1].startswith('NME full ')
    assert '$ mmpose-lite train configs/quickstart/' in printed
    metrics = json.loads((tmp_path / 'work_dirs/quickstart/metrics.json').read_text())
    assert set(metrics) == {'NME', 'NME_frontal', 'NME_mean_shape'}
    assert (tmp_path / 'data/synthetic_aflw/images').is_dir()
    assert (tmp_path / 'work_dirs/quickstart/faces.png').is_file()
