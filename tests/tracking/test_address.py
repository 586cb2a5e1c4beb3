"""Addresses: whatever is secret in one is shown nowhere, and whatever a folder is called it is found."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from lstmfcn.tracking.address import shown, sqlite_address, sqlite_file, without_secrets
from lstmfcn.tracking.causes import cause_of

SECRETS = st.text("QXZÜ@/#?:%&=+;,' \\", min_size=1).map(lambda s: f"Q{s}Z") | st.text("QXZ", min_size=2)
"""All else in an address is lower case: an upper case letter that is shown is a piece of a secret."""

FORMS = (str, lambda s: quote(s, safe=""), quote_plus, lambda s: quote(quote(s, safe=""), safe=""))

TOKEN = "http://{}@host:5000"

SHAPES = (
    "http://ann:{}@127.0.0.1:5000",
    "https://ann:{}@host.example/mlflow/path",
    TOKEN,
    "http://:{}@host",
    "http://ann@corp:{}@host",
    "postgresql://ann:{}@host:5432/runs",
    "mysql+pymysql://ann:{}@host/runs?charset=utf8mb4",
    "postgresql+psycopg2://host/runs?user=ann&password={}",
    "postgresql://ann@host/runs?sslmode=require&sslpassword={}",
    "https://host/?token={}&mode=fast",
    "https://host/#{}",
    "mssql+pyodbc:///?odbc_connect=driver%3dx%3buid%3dann%3bpwd%3d{}",
    "sqlite+pysqlcipher:///data/runs.db?key={}",
    "ann:{}@host/runs",
    "http:/ann:{}@host",
    "http//ann:{}@host",
    "postgresql:ann:{}@host",
)


@st.composite
def addresses(draw):
    """Return an address and the secret in it."""
    secret = draw(SECRETS)
    written = draw(st.sampled_from(FORMS))(secret)
    shape = draw(st.sampled_from(SHAPES))
    assume(shape != TOKEN or ":" not in written)  # else it is a user and a password
    return shape.format(written), secret


def is_clean(said):
    return said == said.lower()


def what_libraries_say(address, secret):
    """Yield an address and its parts as errors quote them: whole, decoded, cut where it was misread."""
    yield address
    yield unquote(address)
    for form in FORMS:
        yield form(secret)
        yield form(secret).lower().swapcase()
    yield repr(secret)
    yield from (piece for piece in address.split("@")[1:])
    yield from (piece for piece in address.split("/")[2:])
    try:
        yield make_url(address).render_as_string(hide_password=False)
        yield str(make_url(address).host)
    except Exception as error:  # noqa: BLE001 - whatever it is, it may quote the address
        yield str(error)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(addresses())
@example(("postgresql://host/runs?user=ann&password=QX@Z", "QX@Z"))
@example(("http://ann:QX/Z@host", "QX/Z"))
def test_no_piece_of_a_secret_is_shown_in_an_address(found):
    address, _ = found
    assert is_clean(shown(address)), shown(address)


@pytest.mark.parametrize("variable", ["MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "https_proxy"])
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(addresses())
def test_no_piece_of_a_secret_is_in_what_is_passed_on_of_a_library(variable, found):
    address, secret = found
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable, address)
        for said in what_libraries_say(address, secret):
            passed_on = without_secrets(f"cannot reach '{said}'.")
            assert not set(passed_on) & set("QXZÜ"), passed_on
            if variable == "MLFLOW_TRACKING_URI":
                cause = cause_of(RuntimeError(f"cannot reach '{said}'."), address)
                assert not set(cause) & set("QXZÜ"), cause


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"])
def test_a_password_that_stands_in_a_variable_of_its_own_is_not_passed_on(monkeypatch, name):
    monkeypatch.setenv(name, "QX Z")
    assert "QX" not in without_secrets("header 'Bearer QX+Z' refused")
    assert without_secrets("no route to host") == "no route to host"


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("http://ann:s3cret@127.0.0.1:9", "http://ann:***@127.0.0.1:9"),
        ("http://ann:s3cret", "http://ann:***"),
        ("http://127.0.0.1:5000/mlflow", "http://127.0.0.1:5000/mlflow"),
        ("postgresql://ann@host/runs?sslmode=require", "postgresql://ann@host/runs?sslmode=require"),
        ("mysql+pymysql://ann:p@host:3306/runs", "mysql+pymysql://ann:***@host:3306/runs"),
        ("https://host/?password=p&charset=utf8", "https://host/?password=***&charset=utf8"),
        ("sqlite:////data/ann@home/mlflow.db", "sqlite:////data/ann@home/mlflow.db"),
        ("http://[::1]:5000", "http://[::1]:5000"),
        ("databricks", "databricks"),
    ],
)
def test_what_is_not_secret_is_shown(address, seen):
    assert shown(address) == seen


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
BYTES = st.binary(min_size=1, max_size=20).map(
    lambda raw: os.fsdecode(raw.replace(b"/", b"").replace(b"\0", b""))
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given((NAMES | BYTES).filter(lambda name: name not in ("", ".", "..")))
@example("a b%20c?d#e&f'g ü")
@example("x?mode=memory")
@example("per%25cent")
def test_a_database_lies_in_its_folder_whatever_that_is_called(tmp_path_factory, name):
    outside = tmp_path_factory.mktemp("outside")
    folder = outside / name
    folder.mkdir()
    address = sqlite_address(folder / "mlflow.db")
    assert sqlite_file(address) == folder / "mlflow.db"
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE made (a INTEGER)"))
    engine.dispose()
    assert [*outside.iterdir()] == [folder]
    assert [*folder.iterdir()] == [folder / "mlflow.db"]
    with closing(sqlite3.connect(os.fsencode(folder / "mlflow.db"))) as database:
        assert database.execute("SELECT name FROM sqlite_master").fetchall() == [("made",)]


def test_what_is_no_file_has_none():
    for address in ("sqlite://", "sqlite:///:memory:", "http://host", "sqlite+", "postgresql://host/x"):
        assert sqlite_file(address) is None
    assert sqlite_file("sqlite:///runs.db") == Path("runs.db")
