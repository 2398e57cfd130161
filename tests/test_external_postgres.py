"""PostgreSQL by DATABASE_URL: an installed server, an owner's login and a server's login that owns nothing."""

from __future__ import annotations

from collections.abc import Iterator

import flask_migrate
import pytest

from oneo.actor import system_actor
from oneo.app import create_app
from oneo.errors import ConfigurationError
from oneo.ids import new_id
from oneo.operations.tenants import create_tenant
from tests import databases
from tests.api import Api
from tests.factories.tenant import PASSWORD
from tests.installed import Server, postgres, settings

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with postgres(tmp_path_factory) as addresses:
        yield addresses


def test_the_server_works_with_a_login_that_owns_nothing(external: Server) -> None:
    chosen = settings(external, external.server)
    owner = create_app(chosen, as_owner=True)
    with owner.app_context():
        create_tenant(
            system_actor(new_id()), slug="acme", name="Acme", admin_email="admin@acme.example", admin_password=PASSWORD
        )
        flask_migrate.check()
    app = create_app(chosen)
    login = Api(app).post("/auth/login/", {"tenant": "acme", "email": "admin@acme.example", "password": PASSWORD})
    assert login.status_code == 200, login.text
    api = Api(app, login.json["access_token"])
    assert api.post("/users/", {"email": "ada@acme.example"}).status_code == 201
    assert api.get("/users/").json["count"] == 2


def test_one_login_for_both_is_served_through_the_fenced_role(external: Server) -> None:
    app = create_app(databases.settings(external.owner))
    assert Api(app).get("/users/").status_code == 401


@pytest.mark.parametrize("who", ["superuser", "owner"])
def test_a_login_that_passes_the_fence_is_refused(external: Server, who: str) -> None:
    address = getattr(external, who)
    other = external.owner if who == "superuser" else external.superuser
    with pytest.raises(ConfigurationError, match="tenancy fence"):
        create_app(databases.settings(address, migration_url=other))
