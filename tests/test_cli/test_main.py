"""``mmpose-lite COMMAND``: the table, from which help, dispatch and completion follow."""

import re
import runpy
import sys

import pytest

from helpers.processes import ROOT
from mmpose_lite import __version__
from mmpose_lite.cli import command_line, main
from mmpose_lite.cli.main import COMMANDS, SHELLS, make_parser
from mmpose_lite.cli.main import main as run_command
from mmpose_lite.engine import config_rewrites

AWING = 'td-hm_hrnetv2-w18_awing-8xb64-60e_wflw-256x256'
CONFIG = 'configs/quickstart/td-hm_hrnetv2-w18_synthetic-aflw-128x128.py'


@pytest.mark.parametrize('name', COMMANDS)
def test_each_command_has_help(name, capsys):
    with pytest.raises(SystemExit, match='0'):
        run_command([name, '--help'])
    printed = capsys.readouterr().out
    assert printed.startswith(f'usage: mmpose-lite {name} ')
    assert '-h, --help' in printed


@pytest.mark.parametrize('arguments', [[], ['-h'], ['--help'], ['help']], ids=str)
def test_the_help_lists_the_commands_a_line_each(arguments, capsys):
    assert run_command(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, command in COMMANDS.items():
        assert [line for line in lines if line.split()[:1] == [name]] == [
            f'  {name:<18}  {command.summary}'
        ]
    assert all(len(line) <= 100 for line in lines)


def test_the_version(capsys):
    assert run_command(['--version']) == 0
    assert capsys.readouterr().out == f'mmpose-lite {__version__}\n'


@pytest.mark.parametrize('name', ['train', 'test', 'check-data', 'browse', 'print-config'])
def test_a_config_that_is_not_there_is_one_line(name):
    with pytest.raises(SystemExit, match=r"^error: config 'none\.py' is .*none\.py$") as ended:
        run_command([name, 'none.py', *(['none.pth'] if name == 'test' else [])])
    assert '\n' not in str(ended.value)


@pytest.mark.parametrize(
    ('typed', 'hint'),
    [
        ('trian', '; the nearest is train'),
        ('check', '; the nearest is check-data'),
        ('browse-data', '; the nearest is browse'),
        ('make_synth', '; the nearest is make-synthetic'),
        ('dance', ''),
    ],
)
def test_a_mistyped_command_is_one_line_that_names_the_nearest(typed, hint, capsys):
    assert run_command([typed]) == 2
    printed = capsys.readouterr().err
    last = '; mmpose-lite --help lists them\n'
    assert re.fullmatch(f"error: '{typed}' is not a command{hint}( or [a-z-]+)*{last}", printed)


def test_a_mistyped_option_is_one_line_that_names_the_nearest(capsys):
    with pytest.raises(SystemExit, match='2'):
        run_command(['train', 'a.py', '--inputsize', '64', '--qqq=1'])
    assert capsys.readouterr().err == (
        'error: unrecognized arguments: --inputsize 64 --qqq=1; the nearest to --inputsize is '
        '--input-size; mmpose-lite train --help lists the arguments\n'
    )
    with pytest.raises(SystemExit, match='2'):
        run_command(['convert', 'labelme', '--labels', 'a', '--reprot', 'b'])
    assert '; the nearest to --reprot is --report; mmpose-lite' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('name', 'option', 'least'),
    [
        ('analyze-logs', '--batch-size', 'at least 1'),
        ('calibrate', '--photographs', 'at least 1'),
        ('check-data', '--workers', 'at least 1'),
        ('browse', '--columns', 'at least 1'),
        ('browse', '--seed', 'not below 0'),
    ],
)
def test_a_number_that_is_too_small_is_one_line(name, option, least, capsys):
    with pytest.raises(SystemExit, match='2'):
        run_command([name, 'a.py', option, '-1'])
    last = f'mmpose-lite {name} --help lists the arguments\n'
    assert capsys.readouterr().err == f'error: {option} -1: {least}; {last}'


@pytest.mark.parametrize(
    ('former', 'name'),
    [
        *((name.replace('-', '_'), name) for name in COMMANDS if '-' in name),
        ('browse_dataset', 'browse'),
        ('make_synthetic_aflw', 'make-synthetic'),
    ],
)
def test_words_may_be_joined_by_underscores(former, name, capsys):
    with pytest.raises(SystemExit, match='0'):
        run_command([former, '--help'])
    assert capsys.readouterr().out.startswith(f'usage: mmpose-lite {name} ')


def test_without_a_command_the_module_reports_on_the_environment(capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', ['mmpose_lite'])
    with pytest.raises(SystemExit, match='0'):
        runpy.run_module('mmpose_lite', run_name='__main__')
    printed = capsys.readouterr().out
    assert 'Nothing is wrong.' in printed
    assert run_command(['doctor']) == 0
    assert capsys.readouterr().out.splitlines()[-1] == 'Nothing is wrong.'


def test_threads_are_those_of_the_program_that_calls(monkeypatch):
    limited = []
    monkeypatch.setattr(main, 'limit_threads', lambda: limited.append(True))
    with pytest.raises(SystemExit):
        run_command(['train', '--help'])
    assert not limited
    for words, count in ((['train', '--help'], 1), (['dist-train', '--help'], 1)):
        monkeypatch.setattr(sys, 'argv', ['mmpose-lite', *words])
        with pytest.raises(SystemExit):
            run_command()
        assert len(limited) == count


@pytest.mark.parametrize('tool', sorted(path.name for path in (ROOT / 'tools').glob('*.py')))
def test_each_tool_starts(processes, tool, tmp_path):
    assert 'usage: ' in processes.run_tool(tool, '--help', cwd=tmp_path)


QUIET = """
import resource, sys
from mmpose_lite.cli.main import main
try:
    main()
except SystemExit:
    pass
heavy = {'torch', 'mmengine', 'cv2', 'numpy', 'rich', 'jinja2', 'plotly', 'matplotlib', 'PIL'}
used = resource.getrusage(resource.RUSAGE_SELF)
print('loaded:', *sorted(heavy & set(sys.modules)))
print('seconds:', used.ru_utime + used.ru_stime)
"""
WRONG = {
    'quickstart': ['--work-dir', 'README.md'],
    'make-synthetic': ['README.md'],
    'train': ['none.py'],
    'test': [CONFIG, 'none.pth'],
    'adapt': ['none.pth', 'none.json'],
    'report': ['none.json'],
    'check-data': ['none.py'],
    'browse': ['none.py'],
    'calibrate': ['none.py'],
    'analyze-logs': ['none'],
    'export': [CONFIG, 'none.pth'],
    'bench': ['none.onnx'],
    'demo': ['none.onnx'],
    'info': ['none.pth'],
    'publish': ['none.pth'],
    'predict': ['none.pth', 'none.jpg'],
    'convert': ['aflw', '--images', 'none'],
    'convert-checkpoint': ['none.pth', 'out.pth'],
    'dist-train': ['none.py', '2'],
    'dist-test': [CONFIG, 'none.pth', '2'],
    'print-config': ['none.py'],
    'doctor': ['none'],
}
OTHERS = [
    ['--help'],
    ['trian'],
    ['train', CONFIG, '--resume', 'none.pth', '--cfg-options', 'a.b=[(1,2),x]'],
    ['print-config', 'none.py', '--cfg-options', 'a=1'],
]


def test_every_command_has_a_wrong_path_to_try():
    assert WRONG.keys() == COMMANDS.keys()


@pytest.mark.parametrize(
    'arguments',
    [
        *([name, '--help'] for name in COMMANDS),
        *([name, *words] for name, words in WRONG.items()),
        *OTHERS,
    ],
    ids=' '.join,
)
def test_a_command_line_is_read_before_anything_large_is_loaded(processes, arguments):
    printed = processes.run_python(f'import sys; sys.argv[1:] = {arguments}\n{QUIET}')
    loaded, seconds = printed.splitlines()[-2:]
    assert loaded == 'loaded:'
    assert float(seconds.removeprefix('seconds: ')) < 0.3


def test_choices_are_those_of_the_runs():
    assert command_line.AUGMENT_MODES == config_rewrites.AUGMENT_MODES


@pytest.mark.parametrize('shell', SHELLS)
def test_a_completion_script_names_every_command(shell, capsys):
    pytest.importorskip('shtab')
    assert run_command(['--print-completion', shell]) == 0
    printed = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in printed] == []


def test_completion_asks_for_a_shell_and_for_shtab(capsys, monkeypatch):
    assert run_command(['--print-completion']) == 2
    assert run_command(['--print-completion', 'fish']) == 2
    assert capsys.readouterr().err.count('must be one of bash, zsh, tcsh') == 2
    monkeypatch.setitem(sys.modules, 'shtab', None)
    assert run_command(['--print-completion', 'bash']) == 1
    assert capsys.readouterr().err.endswith('needs shtab: pip install "shtab>=1.13"\n')


def completed(name, option):
    """The way in which bash completes an argument of a command."""
    parser = next(
        action.choices[name] for action in make_parser()._actions if action.dest == '==SUPPRESS=='
    )
    action = next(each for each in parser._actions if option in (*each.option_strings, each.dest))
    return getattr(action, 'complete', {}).get('bash')


@pytest.mark.parametrize(
    ('name', 'option', 'kind'),
    [
        ('train', '--cache', 'dirs'),
        ('train', '--work-dir', 'dirs'),
        ('train', '--launcher', None),
        ('train', '--amp', None),
        ('train', '--cfg-options', None),
        ('train', '--resume', 'files'),
        ('test', '--out', 'files'),
        ('test', '--report', 'dirs'),
        ('test', '--report-faces', None),
        ('make-synthetic', 'out', 'dirs'),
        ('report', 'dumps', 'files'),
    ],
)
def test_files_and_folders_are_completed_where_they_are_meant(name, option, kind):
    assert completed(name, option) == (kind and f'_shtab_compgen_{kind}')
    assert completed('train', 'config') == '_mmpose_lite_configs'


TRY = """
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_shtab_mmpose_lite mmpose-lite "${@: -1}"
echo "${COMPREPLY[@]}"
"""


def test_bash_completes(processes, tmp_path, capsys):
    pytest.importorskip('shtab')
    run_command(['--print-completion', 'bash'])
    (tmp_path / 'complete.sh').write_text(capsys.readouterr().out)
    (tmp_path / 'try.sh').write_text(TRY)
    for words, expected in (
        (['tr'], 'train'),
        (['an'], 'analyze-logs'),
        (['convert', 'co'], 'cofw coco coco-annotator'),
        (['train', '--auto'], '--auto-scale-lr'),
        (['train', 'x.py', '--launcher', 's'], 'slurm'),
        (['test', 'comp'], 'complete.sh'),
        (['train', 'td-hm_hrnetv2-w18_awing'], AWING),
    ):
        line = ('try.sh', 'complete.sh', 'mmpose-lite', *words)
        done = processes.run('bash', *line, cwd=tmp_path)
        assert done.printed.strip() == expected
