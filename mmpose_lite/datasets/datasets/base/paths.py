"""The folders and files that a data set is told to read."""

from __future__ import annotations

import os.path as osp

from mmpose_lite.utils import MissingFileError


def check_paths(name: str, data_root: str | None, ann_file: str, img_folder: str) -> None:
    """Check that there is what a data set needs.

    Args:
        name: The data set, for the message.
        data_root: Folder of everything.
        ann_file: The annotation file.
        img_folder: Folder of the images.

    Raises:
        MissingFileError: If one is missing; the message names the key.
    """
    if data_root and not osp.isdir(data_root):
        raise MissingFileError(
            f"{name}: data_root='{data_root}' is no folder (ann_file='{ann_file}')"
        )
    if not osp.isfile(ann_file):
        raise MissingFileError(f"{name}: ann_file='{ann_file}' does not exist")
    if img_folder and not osp.isdir(img_folder):
        raise MissingFileError(f"{name}: data_prefix.img='{img_folder}' is no folder")
