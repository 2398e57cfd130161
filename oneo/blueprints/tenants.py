"""tenants/: the caller's tenant and its settings."""

from __future__ import annotations

from typing import Any

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import LOGGED_IN, ApiBlueprint
from oneo.errors import FaultList
from oneo.http.conditional import if_match
from oneo.http.exchange import CHANGED, OWN, exchanges
from oneo.operations import tenants
from oneo.schemas.tenant import SettingsSchema, SettingsUpdate, TenantSchema

blp = ApiBlueprint("tenants", __name__, url_prefix="/api/v1/tenants", description="The caller's tenant.")


@blp.route("/current/", permission=LOGGED_IN)
@blp.response(200, TenantSchema)
def get_current_tenant(actor: Actor) -> Response:
    """Read which tenant one is in."""
    return answer(tenants.get_current_tenant(actor))


@blp.route("/settings/", permission=P.TENANT_READ)
@blp.response(200, SettingsSchema)
@exchanges(OWN)
def get_settings(actor: Actor) -> Response:
    """Read the tenant's settings."""
    body, version = tenants.get_settings(actor)
    return answer(body, version=version, own=True)


@blp.route("/settings/", methods=["PATCH"], permission=P.TENANT_UPDATE)
@takes_body(blp, SettingsUpdate())
@blp.response(200, SettingsSchema)
@exchanges(CHANGED)
def update_settings(actor: Actor, changes: dict[str, Any], *, faults: FaultList) -> Response:
    """Change the tenant's settings."""
    body, version = tenants.update_settings(actor, changes, versions=if_match(), faults=faults)
    return answer(body, version=version)
