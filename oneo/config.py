"""One frozen Settings, read once from the environment; every setting says what it is for."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oneo.errors import ConfigurationError

MIN_SECRET_BYTES = 32
_SWITCH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_WELL_KNOWN_SECRETS = ("secret", "changeme", "change-me", "password", "default", "oneo", "jwt", "example")


def setting(
    env: str, default: Any, about: str, *, secret: bool = False, least: int = 0, most: int = 2_147_483_647
) -> Any:
    """`least` and `most` hold for numbers."""
    bounds = {"least": least, "most": most}
    return dataclasses.field(default=default, metadata={"env": env, "about": about, "secret": secret, **bounds})


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server can be told. Read with `Settings.from_environ()`; tests build their own."""

    database_url: str = setting(
        "DATABASE_URL", "", "The server's PostgreSQL login. Empty: the embedded PostgreSQL runs.", secret=True
    )
    migration_url: str = setting(
        "ONEO_MIGRATION_URL", "", "The owner's login, for migrations and the CLI. Empty: DATABASE_URL.", secret=True
    )
    redis_url: str = setting("REDIS_URL", "", "Redis for rate limits shared by processes. Empty: memory.", secret=True)
    data_dir: Path = setting("ONEO_DATA_DIR", Path("var"), "Embedded database and generated secrets.")
    host: str = setting("ONEO_HOST", "127.0.0.1", "Address the server listens on.")
    port: int = setting("PORT", 8000, "Port the server listens on; 0 takes any free one.", most=65_535)
    workers: int = setting("ONEO_WORKERS", 1, "Server processes.", least=1, most=256)
    jwt_secret: str = setting(
        "ONEO_JWT_SECRET",
        "",
        "Signs tokens; 32 bytes or more. Empty: generated with the embedded database.",
        secret=True,
    )
    access_token_seconds: int = setting("ONEO_ACCESS_TOKEN_SECONDS", 900, "Life of an access token.", least=1)
    refresh_token_seconds: int = setting(
        "ONEO_REFRESH_TOKEN_SECONDS", 2_592_000, "Life of a session without use.", least=1
    )
    password_min_length: int = setting("ONEO_PASSWORD_MIN_LENGTH", 15, "Shortest password accepted.", least=8, most=64)
    base_domain: str = setting(
        "ONEO_BASE_DOMAIN", "", "Serve only this domain, its tenant subdomains and registered domains. Empty: any Host."
    )
    trusted_proxies: tuple[str, ...] = setting(
        "ONEO_TRUSTED_PROXIES", (), "Networks whose X-Forwarded-* headers count, comma separated."
    )
    cors_origins: tuple[str, ...] = setting("ONEO_CORS_ORIGINS", (), "Origins a browser may call from, or `*`.")
    max_body_bytes: int = setting("ONEO_MAX_BODY_BYTES", 16_777_216, "Largest request body, also once decompressed.")
    max_page_bytes: int = setting(
        "ONEO_MAX_PAGE_BYTES",
        8_388_608,
        "Most bytes in one page of a list; one larger row is a page of its own.",
        least=1,
    )
    max_json_depth: int = setting("ONEO_MAX_JSON_DEPTH", 64, "Deepest nesting of a JSON body.", least=1, most=500)
    max_json_values: int = setting("ONEO_MAX_JSON_VALUES", 1_000_000, "Most values and keys in a JSON body.", least=1)
    body_seconds: int = setting(
        "ONEO_BODY_SECONDS", 30, "Longest a body may take to arrive, beyond one second for each 16 kB.", least=1
    )
    max_parameters: int = setting("ONEO_MAX_PARAMETERS", 200, "Most query parameters in one request.")
    rate_limits: bool = setting("ONEO_RATE_LIMITS", True, "Whether requests are limited at all.")
    rate_limit_user: str = setting("ONEO_RATE_LIMIT_USER", "6000 per minute", "Limit for one user.")
    rate_limit_tenant: str = setting("ONEO_RATE_LIMIT_TENANT", "60000 per minute", "Limit for one tenant.")
    rate_limit_peer: str = setting("ONEO_RATE_LIMIT_PEER", "600 per minute", "Limit for one address without a login.")
    rate_limit_login: str = setting(
        "ONEO_RATE_LIMIT_LOGIN",
        "10 per 5 minutes",
        "Wrong passwords of one address for one account; five times that for one address, and for one account.",
    )
    database_pool: int = setting("ONEO_DATABASE_POOL", 20, "Most database connections of one process.", least=1)
    user_connections: int = setting(
        "ONEO_USER_CONNECTIONS", 0, "Most of them that one user's requests hold at once. 0: a quarter."
    )
    tenant_connections: int = setting(
        "ONEO_TENANT_CONNECTIONS", 0, "Most of them that one tenant's requests hold at once. 0: a half."
    )
    prepared_statements: bool = setting(
        "ONEO_PREPARED_STATEMENTS", True, "Keep statements planned. Set false behind a pooler in transaction mode."
    )
    statement_timeout_ms: int = setting("ONEO_STATEMENT_TIMEOUT_MS", 15_000, "Longest a statement may run.")
    request_cpu_ms: int = setting(
        "ONEO_REQUEST_CPU_MS", 10_000, "Most computing time of one request, in milliseconds; 0 means no limit."
    )
    max_bulk_cells: int = setting(
        "ONEO_MAX_BULK_CELLS", 500_000, "Most values of all entries of one bulk call.", least=1
    )
    max_pipelines: int = setting(
        "ONEO_MAX_PIPELINES", 500, "Most pipelines of one tenant; of relationship types four times as many.", least=1
    )
    max_fields: int = setting(
        "ONEO_MAX_FIELDS", 5_000, "Most fields of all pipelines and relationship types of one tenant.", least=1
    )
    docs_public: bool = setting("ONEO_DOCS_PUBLIC", True, "Whether the generic API document is open without a token.")
    event_retention_days: int = setting("ONEO_EVENT_RETENTION", 30, "How many days back a reader may resume from.")
    log_level: str = setting("ONEO_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_format: str = setting("ONEO_LOG_FORMAT", "json", "json or text.")
    demo: bool = setting("ONEO_DEMO", False, "Create the demo tenants also with an external database.")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Raises ConfigurationError naming the variable when a value is not understood."""
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            raw = _raw_value(environ, field.metadata["env"])
            if raw is not None:
                values[field.name] = _parse(field.metadata["env"], raw, field.default)
        return cls(**{**values, **overrides}).checked()

    def checked(self) -> Settings:
        if self.jwt_secret:
            _check_secret(self.jwt_secret)
        elif self.database_url:
            raise ConfigurationError("ONEO_JWT_SECRET must be set when DATABASE_URL is set.")
        for network in self.trusted_proxies:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ConfigurationError(f"ONEO_TRUSTED_PROXIES: {network!r} is not a network.") from None
        if self.redis_url and not self.redis_url.startswith("redis"):
            raise ConfigurationError("REDIS_URL must begin with redis:// or rediss://.")
        if self.log_level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ConfigurationError("ONEO_LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR.")
        if self.log_format not in {"json", "text"}:
            raise ConfigurationError("ONEO_LOG_FORMAT must be json or text.")
        self._check_ranges()
        return self

    def _check_ranges(self) -> None:
        for field in dataclasses.fields(self):
            value, least, most = getattr(self, field.name), field.metadata["least"], field.metadata["most"]
            if isinstance(value, int) and not least <= value <= most:
                raise ConfigurationError(f"{field.metadata['env']} must be from {least} to {most}.")

    @property
    def embedded(self) -> bool:
        return not self.database_url

    def replace(self, **changes: Any) -> Settings:
        return dataclasses.replace(self, **changes)


def environment_name(name: str) -> str:
    """Of a setting."""
    return str(Settings.__dataclass_fields__[name].metadata["env"])


def sqlalchemy_url(url: str) -> str:
    """`postgres://` and `postgresql://` become the driver's own scheme."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg2://" + url[len(scheme) :]
    return url


def driver_url(url: str) -> str:
    """The same address as libpq reads it."""
    return url.replace("postgresql+psycopg2://", "postgresql://", 1)


def _raw_value(environ: Mapping[str, str], name: str) -> str | None:
    if name in environ:
        return environ[name].strip()
    path = environ.get(f"{name}_FILE")
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{name}_FILE: {error.strerror}.") from None


def _parse(name: str, raw: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return default if not raw else _SWITCH[raw.lower()]
        if isinstance(default, int):
            return default if not raw else _natural(raw)
    except KeyError:
        raise ConfigurationError(f"{name}: {raw!r} is not a switch: use one of {', '.join(_SWITCH)}.") from None
    except ValueError:
        raise ConfigurationError(f"{name}: {raw!r} is not a whole number from 0 on.") from None
    if isinstance(default, tuple):
        return tuple(part.strip() for part in raw.split(",") if part.strip())
    if isinstance(default, Path):
        return Path(raw) if raw else default
    return raw


def _natural(raw: str) -> int:
    number = int(raw)
    if number < 0:
        raise ValueError(raw)
    return number


def _check_secret(secret: str) -> None:
    plain = secret.lower()
    if (
        len(secret.encode()) < MIN_SECRET_BYTES
        or len(set(secret)) < 10
        or any(plain.replace(word, "") in {"", "-", "_"} or plain.startswith(word) for word in _WELL_KNOWN_SECRETS)
    ):
        raise ConfigurationError(
            f"ONEO_JWT_SECRET is too weak: use {MIN_SECRET_BYTES} random bytes or more, "
            "for example the output of `openssl rand -base64 48`."
        )
