"""create_app: settings, then extensions, then faces, then what answers errors."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from pathlib import Path

from flask import Flask
from flask_limiter import Limiter
from sqlalchemy import NullPool

from oneo import database, exact_json, logs
from oneo.access import tenancy, tokens
from oneo.access.identity import ActorCache
from oneo.access.key_use import KeyUses
from oneo.access.schema import SchemaCache
from oneo.blueprints import register_blueprints
from oneo.config import Settings
from oneo.delivery.hub import Hub
from oneo.events.unit import listeners
from oneo.extensions import db, jwt, migrate
from oneo.graphql.view import register_graphql
from oneo.http import counters, manners, problems
from oneo.http.addresses import Application
from oneo.http.hosts import Hosts
from oneo.http.limits import STORE_OPTIONS, Limits
from oneo.http.proxies import Proxies
from oneo.jobs.indexer import Indexer
from oneo.operations.readiness import ReadinessProbe
from oneo.realtime.socket import register_realtime
from oneo.store.convoy import Convoy
from oneo.store.fence import check_fence
from oneo.store.lists import Counts
from oneo.store.pool import Pool
from oneo.store.statistics import StatisticsKeeper

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def create_app(settings: Settings | None = None, *, as_owner: bool = False) -> Flask:
    """The WSGI application. `as_owner` is for migrations and the CLI: it connects with the owner's login, and
    has no routes, so that nothing can be served past the fence.

    Raises ConfigurationError when the settings are wrong or the tenancy fence does not hold.
    """
    settings = (settings or Settings.from_environ()).checked()
    logs.configure(settings)
    app = Application()
    _configure(app, settings, as_owner=as_owner)
    if as_owner:
        return app
    manners.install(app)
    register_blueprints(app)
    register_graphql(app)
    hub = app.extensions["oneo.hub"] = Hub(app)
    register_realtime(app, settings, hub)
    uses = app.extensions["oneo.key_uses"] = KeyUses(app)
    statistics = StatisticsKeeper(app)
    problems.install(app)
    with app.app_context():
        listeners().extend((hub.wake, statistics.note))
        app.extensions.setdefault("oneo.stop", []).extend((hub.stop, uses.stop, statistics.stop))
        check_fence()
    return app


def _configure(app: Flask, settings: Settings, *, as_owner: bool) -> None:
    found = database.addresses(settings)
    secret = database.jwt_secret(settings)
    pool = Pool(
        found.owner if as_owner else found.server,
        size=settings.database_pool,
        role=None if as_owner else found.role,
        statement_timeout_ms=0 if as_owner else settings.statement_timeout_ms,
        keep_statements=settings.prepared_statements,
        per_user=settings.user_connections,
        per_tenant=settings.tenant_connections,
    )
    app.config.update(
        SQLALCHEMY_DATABASE_URI="postgresql+psycopg2://",
        SQLALCHEMY_ENGINE_OPTIONS={
            "creator": pool.borrow,
            "poolclass": NullPool,
            "use_native_hstore": False,
            "json_serializer": exact_json.dumps,
        },
        RATELIMIT_ENABLED=settings.rate_limits,
        RATELIMIT_STORAGE_URI=settings.redis_url or f"{counters.SCHEME}://",
        RATELIMIT_STORAGE_OPTIONS=STORE_OPTIONS if settings.redis_url else {},
        RATELIMIT_STRATEGY="fixed-window",
        **tokens.configuration(secret, settings.access_token_seconds, settings.refresh_token_seconds),
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS), compare_type=True)
    jwt.init_app(app)
    with app.app_context():
        tenancy.guard(db.session)
    limiter = Limiter(key_func=lambda: "")
    # Known before it is bound, it adds no hooks of its own to each request: `http/limits.py` asks it where it counts.
    app.extensions["limiter"] = {limiter}
    limiter.init_app(app)
    indexer = Indexer(app)
    app.extensions.setdefault("oneo.stop", []).append(indexer.stop)
    app.extensions |= {
        "oneo.settings": settings,
        "oneo.pool": pool,
        "oneo.addresses": found,
        "oneo.claims": tokens.ClaimsCache(),
        "oneo.actors": ActorCache(),
        "oneo.schemas": SchemaCache(indexer.hint),
        "oneo.places": OrderedDict(),
        "oneo.counts": Counts(),
        "oneo.convoy": Convoy(),
        "oneo.hosts": Hosts(settings),
        "oneo.proxies": Proxies(settings),
        "oneo.limits": Limits(limiter, settings),
        "oneo.readiness": ReadinessProbe(app.app_context),
        "oneo.cursor_secret": hashlib.sha256(b"cursor:" + secret.encode()).digest(),
    }
