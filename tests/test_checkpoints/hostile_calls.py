"""Calls by which a pickle would run something: functions that others' lists have missed.

Each would make a file, the canary, if it were called. Families are those of the reliability notes.
"""

from typing import Any

# family -> functions, each with the kind of its arguments
_SHELL = """
os:                os system | os popen | posix system | nt system | os execl | os spawnlp
subprocess:        subprocess Popen | subprocess run | subprocess call | subprocess check_output
pty:               pty spawn
commands:          commands getoutput | popen2 popen3
webbrowser:        webbrowser open | webbrowser BackgroundBrowser
imaplib:           imaplib IMAP4_stream
uuid:              uuid _get_command_stdout | _osx_support _read_output
aix:               _aix_support _read_cmd_output | _pyrepl.pager pipe_pager
pydoc:             pydoc pipepager | pydoc tempfilepager
ensurepip:         ensurepip _run_pip | pip main | pip._internal main
venv:              venv create | venv main
asyncio:           asyncio.unix_events _UnixSubprocessTransport | asyncio create_subprocess_shell
ctypes:            ctypes CDLL | ctypes.util _findLib_gcc
collect_env:       torch.utils.collect_env run | torch.utils.collect_env run_and_read_all
codecache:         torch._inductor.codecache compile_file
distutils_spawn:   distutils.spawn spawn | test.support.script_helper run_python_until_end
"""
_CODE = """
eval:              builtins eval | __builtin__ eval
exec:              builtins exec | builtins compile
breakpoint:        builtins breakpoint | builtins __import__ | builtins __build_class__
runpy:             runpy _run_code | runpy run_path | runpy run_module
importlib:         importlib import_module | importlib.util module_from_spec | imp load_source
pkgutil:           pkgutil resolve_name | pkgutil get_data
code:              code InteractiveInterpreter | codeop compile_command
timeit:            timeit timeit | timeit Timer
profile:           cProfile run | cProfile runctx | profile run | trace Trace
debuggers:         bdb Bdb | pdb run | pdb Pdb
doctest:           doctest debug_script | doctest run_docstring_examples
idlelib:           idlelib.pyshell ModifiedInterpreter | idlelib.run Executive
lib2to3:           lib2to3.pgen2.pgen ParserGenerator | lib2to3.pgen2.grammar Grammar
attributes:        operator attrgetter | operator itemgetter | operator methodcaller
partial:           functools partial | functools reduce | builtins map | builtins getattr
functions:         types CodeType | types FunctionType | types MethodType | new function
cloudpickle:       cloudpickle.cloudpickle _make_function | dill._dill _create_function
nested_pickle:     pickle loads | _pickle loads | pickle Unpickler | marshal loads
readers:           torch load | numpy load | pandas read_pickle | joblib load | shelve open
dynamo:            torch._dynamo.guards GuardBuilder.get
symbolic_shapes:   torch.fx.experimental.symbolic_shapes ShapeEnv.evaluate_guards_expression
exec_wrapper:      torch.jit.unsupported_tensor_ops execWrapper
bottleneck:        torch.utils.bottleneck.__main__ run_cprofile
config_module:     torch.utils._config_module ConfigModule.load_config
datapipes:         torch.utils.data.datapipes.utils.decoder basichandlers
hub:               torch.hub load | torch.hub load_state_dict_from_url
f2py:              numpy.f2py.crackfortran myeval | numpy.f2py.crackfortran getlincoef
numpy_testing:     numpy.testing._private.utils runstring | numpy.testing rundocs
mmengine:          mmengine.config Config.fromstring | mmengine.fileio load
yaml:              yaml unsafe_load | yaml load
copyreg:           copyreg _reconstructor | copyreg __newobj__ | copyreg add_extension
types_of_torch:    torch.jit._script RecursiveScriptModule | torch.package PackageImporter
"""
_FILES = """
open:              builtins open | _io FileIO | io open_code | codecs open
logging:           logging FileHandler | logging.config fileConfig
shutil:            shutil copyfile | shutil rmtree | shutil move | os remove | os makedirs
file_util:         distutils.file_util write_file | distutils.file_util copy_file
urllib:            urllib.request urlopen | urllib.request urlretrieve
requests:          requests get | requests.api request
http:              http.client HTTPConnection | http.server test
socket:            socket create_connection | socket socket
ssl:               ssl get_server_certificate | aiohttp request
"""


def hostile_calls(canary: str) -> dict[str, list[tuple[str, tuple[Any, ...]]]]:
    """The functions of each family, each with arguments that would make the canary.

    Args:
        canary: The file to make.
    """
    shell = (f'touch {canary}',)
    code = (f'open({canary!r}, "w").close()',)
    kinds = ((_SHELL, shell), (_CODE, code), (_FILES, (canary, 'w')))
    calls: dict[str, list[tuple[str, tuple[Any, ...]]]] = {}
    for table, arguments in kinds:
        for line in table.strip().splitlines():
            family, _, functions = line.partition(':')
            calls[family] = [(each.strip(), arguments) for each in functions.split('|')]
    return calls
