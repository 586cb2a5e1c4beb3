"""The addresses of the server, and what each answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any, get_args

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from lstmfcn.data.lengths import Lengths
from lstmfcn.data.missing import Missing
from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.errors import DataError
from lstmfcn.serving import answer, body
from lstmfcn.serving.body import Series
from lstmfcn.serving.limits import Limits
from lstmfcn.serving.refusal import RefusedError, answer_to
from lstmfcn.serving.turns import Turns
from lstmfcn.tracking.champion import Champion
from lstmfcn.version import __version__

PAGE = Path(__file__).parent / "page"

JSON, CSV = "application/json", "text/csv"


def _one_of(choice: Any) -> str:
    return ", ".join(get_args(choice))


class Model(BaseModel):
    """What is served."""

    dataset: str = Field(description="What it was trained on.")
    alias: str | None = Field(
        description="Under which it was asked for; null for a folder, or a version by its number."
    )
    classes: list[str] = Field(description="The labels.")
    n_channels: int
    length: int = Field(description="How many values each channel of a series has, once it is prepared.")
    lengths: str = Field(description=f"What becomes of series of another length: {_one_of(Lengths)}.")
    missing: str = Field(description=f"What becomes of missing values: {_one_of(Missing)}.")
    takes: str = Field(description="Which series it takes, in words.")


class Prediction(BaseModel):
    """Of one series."""

    label: str = Field(description="The most probable class.")
    probabilities: dict[str, float] = Field(description="Of each class.")
    unlike: bool | None = Field(
        None,
        description="Whether it looks unlike the training series; missing where the model does not tell.",
    )


class Predictions(BaseModel):
    """Of all series of a request, in its order."""

    predictions: list[Prediction]


class Refusal(BaseModel):
    """Why there is no answer."""

    error_code: str
    message: str


class Gone(Exception):  # noqa: N818  # nobody's fault
    """The client has left."""


def make_app(champion: Champion, *, alias: str | None, limits: Limits, turns: Turns) -> FastAPI:
    """Return the application.

    Parameters
    ----------
    champion
        The model.
    alias
        Under which it is registered, if it is.
    limits, turns
        What a client may take, and who computes when.
    """
    app = FastAPI(
        title=f"lstmfcn: {champion.dataset}",
        version=__version__,
        docs_url=None,  # its page fetches scripts from another site
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            RefusedError: _refused,
            404: _no_address,
            405: _no_method,
        },
    )
    does = champion.preprocessing
    model = Model(
        dataset=champion.dataset,
        alias=alias,
        classes=list(champion.classes),
        n_channels=does.n_channels,
        length=does.length,
        lengths=does.lengths,
        missing=does.missing,
        takes=taken(does),
    )
    example = request_of(champion)
    for path, name, kind in (
        ("/", "page.html", "text/html"),
        ("/page.js", "page.js", "text/javascript"),
        ("/page.css", "page.css", "text/css"),
    ):
        content = (PAGE / name).read_text(encoding="utf-8")
        app.add_api_route(path, _constant(content, kind), include_in_schema=False)
    for path, text in (("/ping", "ok\n"), ("/health", "ok\n"), ("/version", f"{__version__}\n")):
        constant = _constant(text, "text/plain")
        app.add_api_route(path, constant, name=path[1:], response_class=PlainTextResponse)

    app.add_api_route(
        "/model", _constant(model.model_dump_json() + "\n", JSON), name="model", response_model=Model
    )
    app.add_api_route("/example", _constant(example + "\n", JSON), name="example")

    @app.post(
        "/invocations",
        description="Labels and probabilities of series.",
        response_model=Predictions,
        responses={status: {"model": Refusal} for status in (400, 403, 408, 413, 415, 421, 503)},
        openapi_extra=_described(champion, example),
    )
    async def predict(request: Request) -> Response:
        kind, header = _kind(request)
        reader: Callable[..., Series] = body.read_json
        if kind == CSV:
            reader = partial(body.read_csv, header=header, classes=champion.classes)
        try:
            with turns.body() as more:
                content = await _read(request, limits, more)
                with turns.request():
                    series = turns.take(reader, content, champion.preprocessing)
                    del content
                    answered = await _predict(request, champion, series, turns)
            return Response(answered, media_type=JSON)
        except DataError as error:
            raise RefusedError(400, str(error)) from None
        except Gone:
            return Response(status_code=400)  # nobody sees it

    return app


def request_of(champion: Champion) -> str:
    """Return a request in JSON: a series that the model brings along, with four digits of each value."""
    n_channels, length = champion.shape
    series = champion.example
    if series is None:
        series = np.sin(np.linspace(0, 20, n_channels * length)).reshape(champion.shape)
    channels = ["[" + ", ".join(f"{value:.4g}" for value in channel) + "]" for channel in series.tolist()]
    one = channels[0] if n_channels == 1 else "[" + ", ".join(channels) + "]"
    return f'{{"inputs": [{one}]}}'


async def _predict(request: Request, champion: Champion, reading: Awaitable[Series], turns: Turns) -> bytes:
    series = await reading
    parts: list[bytes] = []
    for batch, places in series.batches():
        if await request.is_disconnected():
            raise Gone
        parts.append(await turns.take(_part, champion, batch, places))
    return answer.whole(parts)


def _part(champion: Champion, batch: Any, places: Sequence[str]) -> bytes:
    probabilities = champion.predict_proba(batch, places=places)
    return answer.predictions(champion.classes, probabilities, champion.unlike(batch, places=places))


def _kind(request: Request) -> tuple[str, bool | None]:
    """Return what a body is said to be, and of CSV whether it has a header (None: it does not say)."""
    said = request.headers.getlist("content-type")
    message = Message()
    message["content-type"] = said[0] if len(said) == 1 else "none/none"
    kind = message.get_content_type()
    if kind not in (JSON, CSV) or (message.get_content_charset() or "utf-8") not in ("utf-8", "utf8"):
        raise RefusedError(415, f"The body has to be {JSON} or {CSV}, in UTF-8. Say so in one Content-Type.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise RefusedError(415, "Compressed bodies are not read. Send it as it is.")
    header = message.get_param("header")
    return kind, {"present": True, "absent": False}.get(str(header))


async def _read(request: Request, limits: Limits, more: Any) -> bytes:
    """Return the body."""
    large = RefusedError(
        413,
        f"The body has more than {limits.body:,} bytes. Send the series in several requests; "
        "`lstmfcn serve --max-body` takes more.",
    )
    if int(request.headers.get("content-length", "0")) > limits.body:
        raise large
    content = bytearray()
    try:
        async with asyncio.timeout(limits.whole):
            while True:
                async with asyncio.timeout(limits.pause):
                    message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                piece = message.get("body", b"")
                if len(content) + len(piece) > limits.body:
                    raise large
                more(len(piece))
                content += piece
                if not message.get("more_body", False):
                    return bytes(content)
    except TimeoutError:
        raise RefusedError(408, "The body came too slowly.", {"Connection": "close"}) from None


def _constant(content: str, kind: str) -> Callable[[], Awaitable[Response]]:
    async def constant() -> Response:
        return Response(content, media_type=kind)

    return constant


async def _refused(request: Request, error: Any) -> Response:
    return answer_to(error, request.scope)


async def _no_address(request: Request, _: Exception) -> Response:
    known = "/, /invocations, /model, /example, /ping, /health, /version and /openapi.json"
    return answer_to(RefusedError(404, f"There is no such address; there are {known}."), request.scope)


async def _no_method(request: Request, error: Any) -> Response:
    allow = error.headers["Allow"]
    return answer_to(RefusedError(405, f"This address takes {allow}.", {"Allow": allow}), request.scope)


def taken(does: Preprocessing) -> str:
    """Say which series a model takes, and what it does to those of other lengths or with missing values."""
    said = {
        "refuse": f"{does.length} values",
        "resample": f"any number of values, which are resampled to {does.length}",
        "truncate": f"{does.length} values or more, which are truncated to the first {does.length}",
        "pad": f"1 to {does.length} values, and what is missing after their end counts for nothing",
    }[does.lengths]
    missing = {
        "refuse": "none may be missing",
        "interpolate": "missing ones (null, an empty field) are interpolated",
        "mask": "missing ones (null, an empty field) are masked",
    }[does.missing]
    return f"{does.n_channels} channel(s) of {said}; {missing}"


def _described(champion: Champion, example: str) -> dict[str, Any]:
    """Return what OpenAPI says of the body of a request."""
    keys = ", ".join(body.FORMATS)
    does = champion.preprocessing
    schema = {"type": "object", "description": f"With one of the keys {keys}. Series of {taken(does)}."}
    content: dict[str, Any] = {JSON: {"schema": schema, "example": json.loads(example)}}
    if champion.shape[0] == 1:
        content[CSV] = {
            "schema": {
                "type": "string",
                "description": f"A line a series of {taken(does)}; labels are ignored.",
            }
        }
    return {"requestBody": {"required": True, "content": content}}
