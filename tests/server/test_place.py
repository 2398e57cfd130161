"""The data folder and the port, each for one server only."""

from __future__ import annotations

import multiprocessing
import os
import socket
from pathlib import Path

import pytest

from oneo.errors import ConfigurationError
from oneo.server import place
from oneo.server.place import FolderLock, Refused, listen, url_of


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_PORT_PATIENCE_SECONDS", 0.2)


def test_the_second_on_a_folder_is_told_where_the_first_is(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(Refused, match="it is just starting"):
        FolderLock(tmp_path)
    first.note("http://127.0.0.1:8000")
    with pytest.raises(Refused, match=rf"\(http://127\.0\.0\.1:8000, process {os.getpid()}\)"):
        FolderLock(tmp_path)
    first.leave()
    FolderLock(tmp_path).leave()


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=FolderLock, args=(tmp_path,))
    process.start()
    process.join()
    FolderLock(tmp_path).leave()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="ONEO_DATA_DIR"):
        FolderLock(tmp_path / "file")


def test_port_0_is_any_free_one() -> None:
    with listen("127.0.0.1", 0) as one, listen("127.0.0.1", 0) as other:
        assert url_of(one) != url_of(other)
        port = one.getsockname()[1]
        assert url_of(one) == f"http://127.0.0.1:{port}"
        with pytest.raises(Refused, match=f"port {port} of 127.0.0.1 is in use"):
            listen("127.0.0.1", port)


def test_a_port_that_becomes_free_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of a server that was killed give it back a moment later."""
    monkeypatch.setattr(place, "_PORT_PATIENCE_SECONDS", 5)
    holder = listen("127.0.0.1", 0)
    port = holder.getsockname()[1]
    monkeypatch.setattr("time.sleep", lambda _seconds: holder.close())
    with listen("127.0.0.1", port) as listener:
        assert listener.getsockname()[1] == port


def test_an_address_of_nobody_is_told() -> None:
    with pytest.raises(ConfigurationError, match="ONEO_HOST"):
        listen("192.0.2.1", 0)
    with pytest.raises(ConfigurationError, match="ONEO_HOST"):
        listen("no such host", 0)


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::1", "[::1]"), ("::", "[::1]")])  # noqa: S104
def test_the_address_shown_can_be_used(host: str, shown: str) -> None:
    if ":" in host and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with listen(host, 0) as listener:
        assert url_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"
