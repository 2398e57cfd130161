"""Extension objects, not yet bound to an application."""

from __future__ import annotations

from flask_jwt_extended import JWTManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from oneo.models.base import Base

db = SQLAlchemy(metadata=Base.metadata, session_options={"autoflush": False, "expire_on_commit": False})
migrate = Migrate()
jwt = JWTManager()
