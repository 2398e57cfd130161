"""The line between the server and its database, with somebody's hand on it."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Gate:
    """A TCP port that leads to the database; it can be shut, or swallow everything in silence."""

    def __init__(self, database_address: str) -> None:
        parts = urlsplit(database_address)
        self._target = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._listener: socket.socket | None = None
        self._open_sockets: list[socket.socket] = []
        self._silent = False
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.address = f"postgresql://{parts.username}@127.0.0.1:{self._port}{parts.path}"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()

    def open(self) -> None:
        self._silent = False
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Cuts what is connected and takes nobody new."""
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        while self._open_sockets:
            with suppress(OSError):
                self._open_sockets.pop().shutdown(socket.SHUT_RDWR)

    def silence(self) -> None:
        """Takes everything and passes nothing on, as a network that has lost its way."""
        self._silent = True

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                target = socket.socket(socket.AF_UNIX)
                target.connect(self._target)
                self._open_sockets += [client, target]
                for source, sink in ((client, target), (target, client)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                while self._silent:
                    time.sleep(0.05)
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
