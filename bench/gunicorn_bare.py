"""The bare application's server settings: the same worker class and driver patch as Oneo's own."""

from __future__ import annotations

from typing import Any

worker_class = "gevent"
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True


def post_fork(_server: Any, _worker: Any) -> None:
    from psycogreen.gevent import patch_psycopg

    patch_psycopg()
