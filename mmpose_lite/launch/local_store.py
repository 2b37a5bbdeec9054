"""How torchrun's agent and its processes meet on one machine: by a port that only it can reach.

torchrun's own store listens to the whole network, even for one machine.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from torch.distributed import PrefixStore, TCPStore
from torch.distributed.elastic.rendezvous import (
    RendezvousHandler,
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStoreInfo,
    rendezvous_handler_registry,
)

BACKEND = 'mmpose_lite_local'
_HOST = '127.0.0.1'
_TIMEOUT = timedelta(seconds=60)


class LocalRendezvous(RendezvousHandler):
    """Brings one agent together with itself.

    Args:
        port: The port of the store; 0 takes a free one.
        run_id: Name of the run.

    Raises:
        OSError: If the port is in use.
    """

    def __init__(self, port: int, run_id: str) -> None:
        self._run_id = run_id
        with socket.create_server((_HOST, port)) as server:
            self._port = server.getsockname()[1]
            # The store closes what it is given.
            listener = os.dup(server.fileno())
        self._store = TCPStore(
            _HOST,
            self._port,
            is_master=True,
            timeout=_TIMEOUT,
            wait_for_workers=False,
            multi_tenant=True,
            master_listen_fd=listener,
            use_libuv=False,  # torch 2.6's would not take a socket that listens already
        )

    @property
    def use_agent_store(self) -> bool:
        """The processes use the agent's store."""
        return True

    def get_backend(self) -> str:
        """The name by which this is registered."""
        return BACKEND

    def next_rendezvous(self) -> RendezvousInfo:
        """The store, and where the processes find it."""
        store = PrefixStore(self._run_id, self._store)
        return RendezvousInfo(store, 0, 1, RendezvousStoreInfo(_HOST, self._port))

    def is_closed(self) -> bool:
        """Never; it ends with the agent."""
        return False

    def set_closed(self) -> None:
        """Do nothing."""

    def num_nodes_waiting(self) -> int:
        """There are no others."""
        return 0

    def get_run_id(self) -> str:
        """Name of the run."""
        return self._run_id

    def shutdown(self) -> bool:
        """Do nothing."""
        return True


def _create(parameters: RendezvousParameters) -> LocalRendezvous:
    return LocalRendezvous(int(parameters.endpoint.rpartition(':')[2]), parameters.run_id)


def register() -> None:
    """Make :data:`BACKEND` known to torchrun's agent."""
    rendezvous_handler_registry.register(BACKEND, _create)
