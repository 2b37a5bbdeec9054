"""``python -m mmpose_lite COMMAND``."""

import pytest

from helpers.processes import ROOT
from mmpose_lite.cli import command_line
from mmpose_lite.cli.commands import main
from mmpose_lite.engine import config_rewrites

CONFIG = 'configs/quickstart/td-hm_hrnetv2-w18_synthetic-aflw-128x128.py'


@pytest.mark.parametrize('command', ['train', 'test', 'check_data'])
def test_commands_are_the_tools(command, capsys):
    with pytest.raises(SystemExit, match='0'):
        main([command, '--help'])
    assert '--cfg-options' in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r'none\.py'):
        main([command, 'none.py', *(['none.pth'] if command == 'test' else [])])


@pytest.mark.parametrize(
    ('typed', 'hint'),
    [
        ('trian', 'the nearest are train'),
        ('check-data', 'the nearest are check_data'),
        ('dance', 'none is near'),
    ],
)
def test_a_mistyped_command_is_one_line_that_names_the_nearest(typed, hint, capsys):
    assert main([typed]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"error: '{typed}' is no command; {hint} of train, ")
    assert printed.count('\n') == 1


def test_commands_are_listed(capsys):
    assert main(['--help']) == 0
    printed = capsys.readouterr().err
    assert 'train' in printed
    assert 'test' in printed


@pytest.mark.parametrize('tool', sorted(path.name for path in (ROOT / 'tools').glob('*.py')))
def test_each_tool_starts(processes, tool, tmp_path):
    assert 'usage: ' in processes.run_tool(tool, '--help', cwd=tmp_path)


QUIET = """
import sys
from mmpose_lite.__main__ import main
sys.argv[0] = 'mmpose_lite'
try:
    main(sys.argv[1:])
except SystemExit:
    pass
heavy = {'torch', 'mmengine', 'cv2', 'numpy', 'rich', 'jinja2', 'plotly', 'matplotlib'}
print('loaded:', *sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize(
    'arguments',
    [
        ['--help'],
        ['train', '--help'],
        ['train', 'none.py'],
        ['train', CONFIG, '--resume', 'none.pth'],
        ['test', '--help'],
        ['test', CONFIG, 'none.pth'],
        ['check_data', 'none.py'],
        ['report', 'none.json'],
        ['analyze_logs', 'none'],
    ],
    ids=' '.join,
)
def test_a_command_line_is_read_before_anything_large_is_loaded(processes, arguments):
    printed = processes.run_python(f'import sys; sys.argv[1:] = {arguments}\n{QUIET}')
    assert printed.splitlines()[-1] == 'loaded:'


def test_choices_are_those_of_the_runs():
    assert command_line.AUGMENT_MODES == config_rewrites.AUGMENT_MODES
