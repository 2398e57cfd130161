"""pipelines/{id}/export/: the records of a pipeline as a file."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from typing import Any

from flask import Response, request

from oneo.access.permissions import P
from oneo.actor import Actor
from oneo.blueprints.answers import JSON
from oneo.blueprints.arguments import refuse
from oneo.blueprints.base import ApiBlueprint
from oneo.blueprints.listing import read_query
from oneo.blueprints.openapi.parameters import list_parameters
from oneo.errors import ClientGone, InvalidParameter, Unavailable
from oneo.operations import export
from oneo.operations.export import MEDIA_TYPES
from oneo.operations.lists import ListQuery
from oneo.schemas.export import ExportParameters
from oneo.schemas.record import RecordSchema
from oneo.store.records import RECORDS

blp = ApiBlueprint("export", __name__, url_prefix="/api/v1/pipelines", description="Records as files.")
_log = logging.getLogger("oneo.http")
_PARAMETERS = ExportParameters()
_OF_PAGES = frozenset({"page", "page_size", "cursor", "count"})
_TYPES = [media_type.partition(";")[0] for media_type in MEDIA_TYPES.values()]
_CSV, _NDJSON = "title,stage,version\r\nBig deal,open,3\r\n", '{"title":"Big deal","data":{"stage":"open"}}\n'
_NAMED = {
    "Content-Disposition": {
        "description": "The name of the file.",
        "schema": {"type": "string", "examples": ['attachment; filename="deals-2026-01-31.csv"']},
    }
}
_ABOUT = "The file. It is cut off, and the connection with it, where it cannot be made to its end."


def _parameters() -> list[dict[str, Any]]:
    own = {
        "format": ("What file it is to be. Unless said, the header Accept may name its media type.",
                   list(MEDIA_TYPES), "json"),
        "headers": ("What stands above the columns of csv and xlsx: slugs of fields, or their names.",
                    ["slug", "name"], "slug"),
    }  # fmt: skip
    return [
        *(
            {"name": name, "in": "query", "required": False, "description": about,
             "schema": {"type": "string", "enum": allowed, "default": default}}
            for name, (about, allowed, default) in own.items()
        ),
        *(parameter for parameter in list_parameters(RECORDS) if parameter["name"] not in _OF_PAGES),
    ]  # fmt: skip


def _contents() -> dict[str, Any]:
    """In the order of the formats."""
    json = {"schema": {"type": "array", "items": RecordSchema(partial=True)}}
    lines = [{"schema": {"type": "string"}, "example": example} for example in (_CSV, _NDJSON)]
    workbook = {"schema": {"type": "string", "format": "binary"}}
    return dict(zip(_TYPES, (lines[0], json, lines[1], workbook), strict=True))


@blp.route("/<name:pipeline>/export/", permission=P.RECORDS_READ, produces=_TYPES)
@blp.doc(
    parameters=_parameters(),
    responses={"200": {"description": _ABOUT, "content": _contents(), "headers": _NAMED}},
)
def export_records(actor: Actor, pipeline: str) -> Response:
    """Export the records of a pipeline as a file, with the conditions of lists."""
    asked, conditions = read_query(_PARAMETERS)
    form, headers = asked.pop("format"), asked.pop("headers")
    if form is None:
        form = _form_accepted()
    if headers is not None and form in {"json", "ndjson"}:
        refuse({"headers": [f"There are no headers in {form}."]}, InvalidParameter)
    query = ListQuery(fields=asked.pop("fields_"), conditions=conditions, **asked)
    file = export.export_records(actor, pipeline, query, form=form, labels=headers == "name")
    response = Response(_Sent(file), content_type=file.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{file.file_name}"'
    if file.size is not None:
        response.content_length = file.size
    return response


def _form_accepted() -> str:
    """The format whose media type the caller likes best: json unless another is named."""
    forms = {media_type.partition(";")[0]: form for form, media_type in MEDIA_TYPES.items()}
    return forms[request.accept_mimetypes.best_match([JSON, *forms], JSON)]


class _Sent:
    """The file on its way. When it cannot be made to its end, the connection is cut, which no reader takes for one."""

    def __init__(self, file: export.Export) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._file.pieces
        except (Unavailable, ClientGone) as error:
            if isinstance(error, Unavailable):
                _log.warning("an export was cut off, because the database went away or waited too long")
            raise ConnectionResetError(errno.ECONNRESET, "cut off") from None

    def close(self) -> None:
        self._file.close()
