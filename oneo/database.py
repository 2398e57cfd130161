"""Which database addresses a process uses: the server's fenced login, the owner's, and the secret beside the data."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from oneo.config import Settings, driver_url
from oneo.store import embedded
from oneo.store.pool import SERVER_ROLE


@dataclass(frozen=True, slots=True)
class Addresses:
    """`role` is taken on by the server's connections where server and owner share one login."""

    server: str
    owner: str
    role: str | None


def addresses(settings: Settings) -> Addresses:
    """Starts the embedded server where no other is named."""
    if settings.embedded:
        address = embedded.start(settings.data_dir)
        return Addresses(embedded.server_address(address), address, None)
    owner = settings.migration_url or settings.database_url
    shared = driver_url(owner) == driver_url(settings.database_url)
    return Addresses(driver_url(settings.database_url), driver_url(owner), SERVER_ROLE if shared else None)


def jwt_secret(settings: Settings) -> str:
    """The configured secret, or the one kept with the embedded database, made at first use."""
    if settings.jwt_secret:
        return settings.jwt_secret
    path = settings.data_dir / "jwt_secret"
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _create_once(path, secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()


def _create_once(path: Path, content: str) -> None:
    """Whole or not at all, also when several processes start at once."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(content, encoding="ascii")
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
