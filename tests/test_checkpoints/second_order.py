"""Checkpoints of plain data that others have been made to run: text, names and paths."""

import copy
from typing import Any


def second_order_files(canary: str, good: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """One checkpoint a family.

    Args:
        canary: The file that is made if one of them runs.
        good: A checkpoint that fits; it stays as it is.

    Returns:
        Contents by family; ``all`` has everything at once.
    """
    code = f'open({canary!r}, "w").close()\nmodel = dict(type="x")\n'
    target = {'_target_': 'os.system', '_args_': [f'touch {canary}']}
    built = {'type': 'os.system', 'command': f'touch {canary}'}
    imports = {'imports': ['antigravity'], 'allow_failed_imports': False}
    base = f"_base_ = ['{canary}']\n{{{{ __import__('os') }}}}\n"
    parts: dict[str, tuple[str, dict[str, Any]]] = {
        'meta_config': ('meta', {'config': code}),
        'meta_cfg': ('meta', {'cfg': code}),
        'meta_config_with_base': ('meta', {'config': base}),
        'hub_cfg': ('message_hub.runtime_info', {'cfg': code}),
        'hub_config': ('message_hub.runtime_info', {'config': code}),
        'instantiator': ('', {'hyper_parameters': {'_instantiator': 'os.system'}}),
        'class_path': ('', {'hyper_parameters': {'_class_path': 'os.system', 'args': [code]}}),
        'target': ('', {'target': target, 'cfg': target}),
        'target_in_the_optimizer': ('', {'optimizer_cfg': target}),
        'registry_type': ('meta', {'model': built, 'hooks': [built]}),
        'scope': ('meta', {'default_scope': 'os', '_scope_': 'os', 'model': built}),
        'custom_imports': ('meta', {'custom_imports': imports}),
        'init_cfg': ('meta', {'init_cfg': {'type': 'Pretrained', 'checkpoint': canary}}),
        'pretrained': ('', {'pretrained': 'http://127.0.0.1:9/x.pth', 'load_from': canary}),
        'metainfo_from_file': ('meta.dataset_meta', {'from_file': canary}),
        'metainfo_of_an_image': ('meta.dataset_meta', {'img_path': canary, 'img': None}),
        'trust_remote_code': ('meta', {'trust_remote_code': True, 'auto_map': {'A': 'x.py'}}),
        'templates': ('meta', {'experiment_name': '{0.__class__} %(levelname)s ${jndi:ldap://x}'}),
        'hook_messages': ('meta', {'hook_msgs': {'last_ckpt': canary, 'code': code}}),
        'best_elsewhere': ('message_hub.runtime_info', {'best_ckpt': canary, 'best_score': 1e9}),
        'kept_elsewhere': ('message_hub.runtime_info', {'kept_checkpoints': [canary, '../x.pth']}),
        'kept_ids': ('message_hub.runtime_info', {'keep_ckpt_ids': ['../x', canary]}),
        'last_elsewhere': ('message_hub.runtime_info', {'last_ckpt': canary}),
        'names_with_paths': ('', {'../../x': 1, canary: 2, '/etc/passwd': 3}),
        'history_names': ('message_hub.log_scalars', {'../x': {'log_history': code}}),
    }
    files = {family: put(good, *part) for family, part in parts.items()}
    # Without the last, which is no log history and therefore refused.
    everything = good
    for place, values in list(parts.values())[:-1]:
        everything = put(everything, place, values)
    return {**files, 'all': everything}


def put(content: dict[str, Any], place: str, values: dict[str, Any]) -> dict[str, Any]:
    """A copy of a checkpoint with values in a part of it."""
    content = copy.deepcopy(content)
    part = content
    for key in filter(None, place.split('.')):
        part = part.setdefault(key, {})
    part.update(values)
    return content
