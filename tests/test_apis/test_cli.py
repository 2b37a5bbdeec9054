"""``python -m mmpose_lite COMMAND``."""

import pytest

from helpers.processes import ROOT
from mmpose_lite.cli.commands import main


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
