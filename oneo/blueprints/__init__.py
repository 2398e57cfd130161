"""The REST face."""

from __future__ import annotations

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api


def register_blueprints(app: Flask) -> None:
    from oneo.blueprints import (
        admin,
        auth,
        bulk,
        comments,
        documents,
        export,
        history,
        pipeline_extras,
        pipelines,
        probes,
        records,
        relationship_types,
        relationships,
        search,
        templates,
        tenants,
        traversal,
        user_types,
        users,
    )
    from oneo.blueprints.openapi.document import OPENAPI_VERSION, TITLE, VERSION, component_name

    app.config.update(API_TITLE=TITLE, API_VERSION=VERSION, OPENAPI_VERSION=OPENAPI_VERSION)
    api = Api(app, spec_kwargs={"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=component_name)})
    tenant = (auth, tenants, users, user_types)
    data = (pipelines, templates, pipeline_extras, records, search, history, comments, bulk, export)
    links = (relationship_types, relationships, traversal)
    for module in (*tenant, *data, *links, admin):
        api.register_blueprint(module.blp)
    documents.install(app)
    app.register_blueprint(probes.blp)
