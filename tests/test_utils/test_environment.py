"""The report on the environment: ``python -m mmpose_lite`` and what it is made of."""

import re
import sys
from pathlib import Path

import pytest

import mmpose_lite
from mmpose_lite.cli import doctor
from mmpose_lite.utils import check_env, collect_env, paths

ROOT = Path(__file__).resolve().parents[2]
module = sys.modules[collect_env.__module__]  # `utils.collect_env` names the function


@pytest.fixture
def installed(monkeypatch):
    """Let a test say which versions are installed (None: not installed)."""

    def pretend(**versions):
        table = {name.replace('_', '-'): version for name, version in versions.items()}
        real = module._installed
        monkeypatch.setattr(module, '_installed', lambda name: table.get(name, real(name)))
        return table

    return pretend


def test_report_names_the_versions_and_finds_nothing_wrong(processes):
    done = processes.run(sys.executable, '-m', 'mmpose_lite', cwd=ROOT)
    assert done.status == 0, done.printed
    lines = dict(line.split(None, 1) for line in done.printed.splitlines() if '  ' in line)
    assert lines['mmpose_lite'] == mmpose_lite.__version__
    assert lines['Configs'] == str(ROOT / 'configs')
    assert 'Nothing is wrong.' in done.printed


@pytest.mark.quick('a bare interpreter is told what to install')
def test_report_on_a_bare_interpreter_lists_what_to_install(processes):
    # Without site-packages only the standard library is there.
    done = processes.run(sys.executable, '-S', '-m', 'mmpose_lite', cwd=ROOT)
    assert done.status == 1, done.printed
    for need in module.NEEDS:
        assert f'pip install "{need.distribution}>={need.minimum}"' in done.printed


def test_environment_here_is_in_order():
    assert check_env() == []
    assert collect_env()['torch'].startswith(__import__('torch').__version__)


def test_configs_that_are_not_there_are_a_problem(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(paths, '_PACKAGE', tmp_path / 'mmpose_lite')
    assert doctor.main([]) == 1
    env, problem = capsys.readouterr().out.split('\n\n')
    assert re.search(r'^Configs +not found$', env, re.MULTILINE)
    assert problem == (
        f'PROBLEM  no configs beside {tmp_path}/mmpose_lite: the installation is incomplete\n'
        '    fix  pip install --force-reinstall --no-deps mmpose_lite\n'
    )


def test_too_old_a_version_is_a_problem(monkeypatch):
    need = module.Need('rich', 'rich', '99.1')
    monkeypatch.setattr(module, 'NEEDS', (need,))
    (problem,) = check_env()
    assert 'older than 99.1' in problem.what
    assert problem.fix == 'pip install -U "rich>=99.1"'


def test_a_package_that_does_not_import_is_a_problem(monkeypatch, tmp_path):
    (tmp_path / 'broken_package.py').write_text('raise OSError("no such library")')
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, 'NEEDS', (module.Need('broken', 'broken_package', '1'),))
    (problem,) = check_env()
    assert 'no such library' in problem.what
    assert 'broken_package' in collect_env()
    assert 'no such library' in collect_env()['broken_package']


@pytest.mark.parametrize(
    ('requirement', 'torch', 'wrong'),
    [
        ('torch==2.5.1', '2.5.1+cpu', ''),
        ('torch (==2.4.0)', '2.5.1', 'torch 2.4.0, but torch is 2.5.1'),
        ('torch (>=2.14.0)', '2.15.0', ''),
        ('torch>=2.14.0', '2.9.1', 'torch 2.14.0 or newer, but torch is 2.9.1'),
        ('torch', '2.9.1', ''),
    ],
)
def test_torchvision_for_another_torch_is_a_problem(
    installed, monkeypatch, requirement, torch, wrong
):
    installed(torch=torch, torchvision='0.20.0')
    required = ['numpy', requirement]
    monkeypatch.setattr(module.importlib.metadata, 'requires', lambda _: required)
    problem = module._check_pair()
    assert (problem.what if problem else '').endswith(wrong)
    assert bool(problem) is bool(wrong)


@pytest.mark.parametrize(
    ('full', 'lite', 'wrong'),
    [
        (None, '2.2.0', False),
        ('2.1.0', None, False),
        ('2.1.0', '2.2.0', True),
        ('2.2.0',) * 2 + (False,),
    ],
)
def test_mmcv_and_mmcv_lite_of_two_versions_are_a_problem(installed, full, lite, wrong):
    installed(mmcv=full, mmcv_lite=lite)
    assert bool(module._check_mmcv()) is wrong


@pytest.mark.parametrize(
    ('xt', 'py', 'wrong'), [('1.14', None, False), (None, '2.0.8', False), (None, None, True)]
)
def test_one_coco_library_is_enough(installed, xt, py, wrong):
    installed(xtcocotools=xt, pycocotools=py)
    assert bool(module._check_coco()) is wrong
    assert (module._coco_state() == 'not installed') is wrong


def test_least_versions_are_those_of_the_requirements():
    lines = (ROOT / 'requirements.txt').read_text(encoding='utf-8').splitlines()
    required = dict(re.findall(r'^([\w-]+)>=([\d.]+)$', '\n'.join(lines), re.MULTILINE))
    assert {need.distribution: need.minimum for need in module.NEEDS} == required
