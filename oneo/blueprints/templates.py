"""Templates, beside the pipelines and under the one they are made of."""

from __future__ import annotations

from typing import Any

from flask import Response

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import answer, answer_list, created
from oneo.blueprints.arguments import takes_body
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import takes_list_query
from oneo.errors import FaultList
from oneo.http.exchange import MADE, exchanges
from oneo.operations import templates
from oneo.operations.lists import ListQuery
from oneo.schemas.base import page_of
from oneo.schemas.template import TemplateCreate, TemplateSchema
from oneo.store.templates import TEMPLATES

blp = ApiBlueprint("templates", __name__, url_prefix="/api/v1/pipelines", description="What pipelines are made from.")


@blp.route("/templates/", permission=P.PIPELINES_CREATE)
@takes_list_query(blp, TEMPLATES)
@blp.response(200, page_of(TemplateSchema))
def list_templates(actor: Actor, query: ListQuery) -> Response:
    """List templates: those that are shipped, and the tenant's own."""
    return answer_list(actor, lambda: templates.list_templates(actor, query))


@blp.route("/templates/<string:template>/", permission=P.PIPELINES_CREATE)
@blp.response(200, TemplateSchema)
def get_template(actor: Actor, template: str) -> Response:
    """Read a template, by id or slug."""
    return answer(templates.get_template(actor, template))


@blp.route("/templates/<string:template>/", methods=["DELETE"], permission=P.PIPELINES_CREATE)
@blp.response(204)
def delete_template(actor: Actor, template: str) -> Response:
    """Remove a template of the tenant's own; another's needs `pipelines:delete` too."""
    templates.delete_template(actor, template)
    return Response(status=204)


@blp.route("/<name:pipeline>/templates/", permission=P.PIPELINES_CREATE)
@takes_list_query(blp, TEMPLATES)
@blp.response(200, page_of(TemplateSchema))
def list_pipeline_templates(actor: Actor, query: ListQuery, pipeline: str) -> Response:
    """List the templates that were made of a pipeline, and the one that it was made from."""
    return answer_list(actor, lambda: templates.list_pipeline_templates(actor, pipeline, query))


@blp.route("/<name:pipeline>/templates/", methods=["POST"], permission=P.PIPELINES_CREATE)
@takes_body(blp, TemplateCreate())
@blp.response(201, TemplateSchema)
@exchanges(MADE)
def create_template(actor: Actor, body: dict[str, Any], pipeline: str, *, faults: FaultList) -> Response:
    """Keep what a pipeline is, and its fields, as a template."""
    template_id, shown = templates.create_template(actor, pipeline, body, faults=faults)
    return created(shown, location=f"/api/v1/pipelines/templates/{template_id}/")
