"""What a client is told that does not get an answer, and what the log says of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Response

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """A request is not answered.

    Parameters
    ----------
    status
        Of HTTP.
    message
        For the client, and for the log: without paths of this machine.
    headers
        Of the answer, beside those that every answer has.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


def answer_to(error: RefusedError, scope: Mapping[str, Any]) -> Response:
    """Log a refusal in one line, and return it as JSON, with the names of fields that MLflow uses."""
    log.warning("%d %s %.80r: %s", error.status, scope["method"], scope["path"], error.message)
    content = {"error_code": HTTPStatus(error.status).name, "message": error.message}
    return Response(json.dumps(content) + "\n", error.status, error.headers, "application/json")
