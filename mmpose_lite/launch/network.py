"""How the processes of a run find each other."""

from __future__ import annotations

import os
import socket
import struct

_SIOCGIFADDR = 0x8915
_LOOPBACK = '127.0.0.1'


def choose_interface(master_addr: str | None) -> None:
    """Have gloo use the network that leads to the first machine.

    By itself it takes the address that the machine's own name stands for, which on many machines
    no other one can reach. What the environment says already stands.

    Args:
        master_addr: The first machine's address or name; None if there is but one machine.
    """
    if 'GLOO_SOCKET_IFNAME' in os.environ:
        return
    name = interface_to(master_addr or _LOOPBACK)
    if name is not None:
        os.environ['GLOO_SOCKET_IFNAME'] = name


def interface_to(host: str) -> str | None:
    """The name of the network interface by which a host is reached; None if that is unknown."""
    try:
        import fcntl
    except ImportError:  # not a Unix
        return None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))  # chooses a way, sends nothing
        except OSError:
            return None
        own = probe.getsockname()[0]
        for _, name in socket.if_nameindex():
            request = struct.pack('256s', name.encode()[:15])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:  # has no address
                continue
            if socket.inet_ntoa(answer[20:24]) == own:
                return name
    return None
