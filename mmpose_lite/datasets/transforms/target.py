"""Training targets."""

from __future__ import annotations

from collections.abc import Sequence

from mmcv.transforms import BaseTransform
from mmengine.config import ConfigDict

from mmpose_lite.codecs import BaseKeypointCodec
from mmpose_lite.registry import KEYPOINT_CODECS, TRANSFORMS

_TABLES = ('field_mapping_table', 'instance_mapping_table', 'label_mapping_table')


@TRANSFORMS.register_module()
class GenerateTarget(BaseTransform):
    """Encodes the points by one codec or several, and writes what these make.

    Args:
        encoder: Config of a codec, or several.
        target_type: MMPose's old argument; it has no effect.
        multilevel: The codecs make the same targets in several resolutions, which are written as
            lists. Else each codec makes targets of its own names.
        use_dataset_keypoint_weights: Multiply the weights by the metainfo's ``joint_weights``.

    Raises:
        ValueError: If ``multilevel`` is set for one codec.
    """

    def __init__(
        self,
        encoder: dict | Sequence[dict],
        target_type: str | None = None,
        multilevel: bool = False,
        use_dataset_keypoint_weights: bool = False,
    ) -> None:
        configs = list(encoder) if isinstance(encoder, (list, tuple)) else [encoder]
        if multilevel and not isinstance(encoder, (list, tuple)):
            raise ValueError('multilevel=True needs a list of encoders')
        self.encoder_cfg = encoder
        self.target_type = target_type
        self.multilevel = multilevel
        self.use_dataset_keypoint_weights = use_dataset_keypoint_weights
        self._encoders: list[BaseKeypointCodec] = [
            KEYPOINT_CODECS.build(ConfigDict(config)) for config in configs
        ]
        self.encoder = self._encoders if isinstance(encoder, (list, tuple)) else self._encoders[0]

    def transform(self, results: dict) -> dict:
        """Encode ``transformed_keypoints``, or else ``keypoints``.

        Raises:
            ValueError: If there are no points, or the codecs' names do not fit ``multilevel``.
        """
        keypoints = results.get('transformed_keypoints', results.get('keypoints'))
        if keypoints is None:
            raise ValueError("GenerateTarget needs 'transformed_keypoints' or 'keypoints'")
        encoded = []
        for codec in self._encoders:
            extra = {key: results[key] for key in codec.auxiliary_encode_keys}
            targets = codec.encode(
                keypoints=keypoints, keypoints_visible=results['keypoints_visible'], **extra
            )
            if self.use_dataset_keypoint_weights:
                targets['keypoint_weights'] = (
                    targets['keypoint_weights'] * results['dataset_keypoint_weights']
                )
            encoded.append(targets)
        results.update(_join_levels(encoded) if self.multilevel else _join_names(encoded))
        for table in _TABLES:
            merged = {k: v for codec in self._encoders for k, v in getattr(codec, table).items()}
            if merged:
                results[table] = merged
        return results

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(encoder={self.encoder_cfg!s}, '
            f'use_dataset_keypoint_weights={self.use_dataset_keypoint_weights})'
        )


def _join_levels(encoded: list[dict]) -> dict:
    if any(targets.keys() != encoded[0].keys() for targets in encoded):
        raise ValueError('with multilevel=True all encoders must have the same keys')
    return {key: [targets[key] for targets in encoded] for key in encoded[0]}


def _join_names(encoded: list[dict]) -> dict:
    if len(encoded) == 1:
        return encoded[0]
    # Every codec weighs its own targets; all else must have one maker.
    joined: dict = {'keypoint_weights': []}
    for targets in encoded:
        joined['keypoint_weights'].append(targets.pop('keypoint_weights'))
        for key, value in targets.items():
            if key in joined:
                raise ValueError(f'Overlapping item "{key}" from two encoders: set multilevel=True')
            joined[key] = value
    return joined
