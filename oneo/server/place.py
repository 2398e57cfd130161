"""What only one server can have at a time: the data folder and the port."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from oneo.errors import ConfigurationError

BACKLOG = 2048
# Workers of a server that was killed hold the port until they notice, a second later at most.
_PORT_PATIENCE_SECONDS = 3.0
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - only shown differently


class Refused(Exception):
    """The server cannot start here and now, though nothing is wrong with its settings."""


class FolderLock:
    """Held as long as the process lives, however it ends; says where the server is that holds it."""

    def __init__(self, data_dir: Path) -> None:
        """Raises Refused while another server holds it, ConfigurationError where nothing can be written."""
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            self._file = os.open(data_dir / "server.lock", os.O_RDWR | os.O_CREAT, 0o600)
            os.fchmod(self._file, 0o600)  # earlier versions made it readable for every user of the machine
        except OSError as error:
            raise ConfigurationError(f"ONEO_DATA_DIR: {data_dir} cannot be used: {error.strerror}.") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 500).decode(errors="replace").strip() or "it is just starting"
            os.close(self._file)
            raise Refused(
                f"a server already runs on the data folder {data_dir} ({holder}). "
                "Stop it, or name another folder in ONEO_DATA_DIR."
            ) from None
        self.note("")

    def note(self, url: str) -> None:
        """Tells those who come later where the server is."""
        os.ftruncate(self._file, 0)
        if url:
            os.pwrite(self._file, f"{url}, process {os.getpid()}".encode(), 0)

    def leave(self) -> None:
        """In a forked process: the lock is the parent's, and must end with it."""
        os.close(self._file)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises Refused, ConfigurationError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
    except OSError:
        raise ConfigurationError(f"ONEO_HOST: {host!r} is no address.") from None
    patient_until = time.monotonic() + _PORT_PATIENCE_SECONDS
    while True:
        try:
            return _listen(family, kind, address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > patient_until:
                raise _explained(error, host, port) from None
            time.sleep(0.1)


def url_of(listener: socket.socket) -> str:
    """The address that a client on this machine can use."""
    host, port = listener.getsockname()[:2]
    host = _ANY_ADDRESS.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listen(family: int, kind: int, address: object) -> socket.socket:
    listener = socket.socket(family, kind)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)  # type: ignore[arg-type] # as getaddrinfo gave it
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _explained(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return Refused(f"port {port} of {host} is in use. Choose another one with --port or PORT (0: any free one).")
    if error.errno == errno.EACCES:
        return ConfigurationError(f"PORT: this user may not listen on port {port}.")
    return ConfigurationError(f"ONEO_HOST: cannot listen on {host}: {error.strerror}.")
