"""The REST face."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from oneo import __version__
from oneo.config import Settings


def register_blueprints(app: Flask, settings: Settings) -> None:
    from oneo.blueprints import admin, auth, tenants, user_types, users

    app.config.update(API_TITLE="Oneo CRM API", API_VERSION="1.0.0", OPENAPI_VERSION="3.1.0")
    api = Api(app)
    for module in (auth, tenants, users, user_types, admin):
        api.register_blueprint(module.blp)
