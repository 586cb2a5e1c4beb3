"""A served model whose answers NumPy gives, and clients that send what they are told to, byte by byte."""

import json
import logging
import socket
import threading
import time
from contextlib import contextmanager

import numpy as np

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import Reference
from lstmfcn.serving.limits import Limits
from lstmfcn.serving.server import Server, listen
from lstmfcn.tracking.champion import Champion
from lstmfcn.tracking.package.load import Package

CLASSES = ("a", "b", 'c "c"')


def probabilities(series):
    """Return what the model says: softmax of the first three values of the first channel."""
    first = np.asarray(series, np.float64)[:, 0, :3]
    shifted = np.exp(first - first.max(axis=1, keepdims=True))
    return (shifted / shifted.sum(axis=1, keepdims=True)).astype(np.float32)


def model(shape=(1, 20), graph=probabilities, series=None, **policies):
    """Return a champion that needs no TensorFlow. It has seen the raw series, if any."""
    preprocessing = Preprocessing("per_series", *shape, **policies)
    example = np.arange(np.prod(shape), dtype=float).reshape(shape) / 7
    reference = None if series is None else Reference.fit(series, preprocessing)
    package = Package({}, "Bumps", CLASSES, preprocessing, graph, reference=reference)
    return Champion("Bumps", CLASSES, preprocessing, example, package)


ENDING = []
"""The threads of servers that are told to end: a fifth of a second, in which the next test may begin."""


@contextmanager
def served(champion, **limits):
    """Serve a model in a thread; give the port."""
    while ENDING:
        thread = ENDING.pop()
        thread.join(10)
        assert not thread.is_alive()
    listener = listen("127.0.0.1", 0)
    server = Server(champion, alias="champion", hosts=["named.example"], limits=Limits(**limits))

    def run():
        with listener:
            server.run([listener])
        server.turns.end()

    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        ENDING.append(thread)


def request(body=b"", *, method="POST", path="/invocations", host="127.0.0.1", headers=(), length=True):
    """Return a request as it goes over the wire; a body of text or bytes is sent as it is, others as JSON."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    given = {"Host": host, "Content-Type": "application/json", "Connection": "close", **dict(headers)}
    if length:
        given["Content-Length"] = len(body)
    lines = [f"{method} {path} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items() if v is not None), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def exchange(port, *pieces, pause=0.0, timeout=10, then=None):
    """Send pieces of bytes, one after the other; return all that comes back until the server closes.

    `then` is called with the socket when all is sent.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
        received = b""
        try:
            for piece in pieces:
                client.sendall(piece)
                time.sleep(pause)
            if then:
                then(client)
            while data := client.recv(65536):
                received += data
        except OSError:  # the server has closed, or `then` has
            pass
        return received


def answer(port, *arguments, **options):
    """Send a request; return the status, the headers and the body of its answer."""
    return parsed(exchange(port, request(*arguments, **options)))


def parsed(received):
    """Return the status, the headers and the body of an answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[1]), headers, body
