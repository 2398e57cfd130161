"""Settings: read from the environment, strictly; refused with the variable's name."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from oneo.config import Settings, driver_url, environment_name, sqlalchemy_url
from oneo.errors import ConfigurationError
from tests.databases import JWT_SECRET

FIELDS = dataclasses.fields(Settings)
NUMBERS = [field for field in FIELDS if type(field.default) is int]
SWITCHES = [field for field in FIELDS if type(field.default) is bool]


def _env(field: dataclasses.Field[Any]) -> str:
    return str(field.metadata["env"])


def test_without_an_environment_everything_has_its_default() -> None:
    assert Settings.from_environ({}) == Settings()
    assert Settings.from_environ({}).embedded


def test_every_setting_has_a_name_of_its_own_and_a_purpose() -> None:
    assert len({_env(field) for field in FIELDS}) == len(FIELDS)
    assert all(field.metadata["about"].endswith((".", "`.")) for field in FIELDS)
    assert environment_name("port") == "PORT"


@pytest.mark.parametrize("field", NUMBERS, ids=_env)
def test_numbers_are_read_and_bounded(field: dataclasses.Field[int]) -> None:
    least, most = field.metadata["least"], field.metadata["most"]
    for value in (least, most):
        assert getattr(Settings.from_environ({_env(field): str(value)}), field.name) == value
    assert Settings.from_environ({_env(field): ""}) == Settings()
    for wrong in ("many", "1.5", "-1", "1e3", "0x10", str(most + 1)):
        with pytest.raises(ConfigurationError, match=_env(field)):
            Settings.from_environ({_env(field): wrong})
    if least > 0:
        with pytest.raises(ConfigurationError, match=f"{_env(field)} must be from {least} to {most}"):
            Settings.from_environ({_env(field): str(least - 1)})


@pytest.mark.parametrize("field", SWITCHES, ids=_env)
def test_switches_are_read(field: dataclasses.Field[bool]) -> None:
    on, off = ("true", "1", "YES", "on", "On"), ("false", "0", "No", "off", "OFF")
    for raw, value in [*((raw, True) for raw in on), *((raw, False) for raw in off)]:
        assert getattr(Settings.from_environ({_env(field): raw}), field.name) is value
    with pytest.raises(ConfigurationError, match=_env(field)):
        Settings.from_environ({_env(field): "perhaps"})


def test_lists_and_folders_are_read() -> None:
    found = Settings.from_environ(
        {"ONEO_TRUSTED_PROXIES": "10.0.0.0/8, ::1,", "ONEO_CORS_ORIGINS": "*", "ONEO_DATA_DIR": " /srv/oneo "}
    )
    assert found.trusted_proxies == ("10.0.0.0/8", "::1")
    assert found.cors_origins == ("*",)
    assert found.data_dir == Path("/srv/oneo")
    assert Settings.from_environ({"ONEO_DATA_DIR": ""}).data_dir == Path("var")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"ONEO_TRUSTED_PROXIES": "10.0.0.0/8,proxy"}, "ONEO_TRUSTED_PROXIES: 'proxy'"),
        ({"ONEO_LOG_LEVEL": "LOUD"}, "ONEO_LOG_LEVEL"),
        ({"ONEO_LOG_FORMAT": "xml"}, "ONEO_LOG_FORMAT"),
        ({"REDIS_URL": "memory://"}, "REDIS_URL"),
        ({"DATABASE_URL": "postgresql://h/d"}, "ONEO_JWT_SECRET must be set"),
    ],
)
def test_what_cannot_be_meant_is_refused(environ: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Settings.from_environ(environ)


def test_arguments_come_before_the_environment() -> None:
    assert Settings.from_environ({"PORT": "1", "ONEO_WORKERS": "2"}, port=3).port == 3
    with pytest.raises(ConfigurationError, match="PORT"):
        Settings.from_environ({}, port=65_536)


@pytest.mark.parametrize(
    "secret",
    [
        "short-but-4Random",
        "a" * 64,
        "abababababababababababababababababababab",
        "secret" * 8,
        "changeme-changeme-changeme-changeme-changeme",
        "password-0123456789-0123456789-0123456789",
    ],
)
def test_weak_secrets_are_refused(secret: str) -> None:
    with pytest.raises(ConfigurationError, match="ONEO_JWT_SECRET is too weak") as refusal:
        Settings.from_environ({"ONEO_JWT_SECRET": secret})
    assert secret not in str(refusal.value)


def test_a_random_secret_is_taken() -> None:
    assert Settings.from_environ({"ONEO_JWT_SECRET": JWT_SECRET}).jwt_secret == JWT_SECRET


def test_values_can_stand_in_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(JWT_SECRET + "\n")
    assert Settings.from_environ({"ONEO_JWT_SECRET_FILE": str(file)}).jwt_secret == JWT_SECRET
    both = {"ONEO_JWT_SECRET": JWT_SECRET[::-1], "ONEO_JWT_SECRET_FILE": str(file)}
    assert Settings.from_environ(both).jwt_secret == JWT_SECRET[::-1]
    file.write_text("8123")
    assert Settings.from_environ({"PORT_FILE": str(file)}).port == 8123
    with pytest.raises(ConfigurationError, match="ONEO_JWT_SECRET_FILE: No such file"):
        Settings.from_environ({"ONEO_JWT_SECRET_FILE": str(tmp_path / "nothing")})


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_addresses_are_taken_in_every_spelling(scheme: str) -> None:
    url = f"{scheme}://crm@db/crm"
    assert sqlalchemy_url(url) == "postgresql+psycopg2://crm@db/crm"
    assert driver_url(url).startswith(("postgres://", "postgresql://"))
