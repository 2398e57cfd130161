"""Oneo: a headless, multi-tenant CRM server."""

__version__ = "0.1.0"
