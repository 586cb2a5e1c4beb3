"""What a client gets: labels beside probabilities, the model's description, a page, a line for the shell."""

import csv
import io
import json
import re
import subprocess

import numpy as np
import pytest

from lstmfcn.serving.app import PAGE
from lstmfcn.serving.server import greeting, listen
from lstmfcn.version import __version__
from served import CLASSES, answer, exchange, model, parsed, probabilities, request, served

X = np.random.default_rng(1).normal(size=(600, 20)).round(4)
CSV = {"Content-Type": "text/csv"}


@pytest.fixture(scope="module")
def port():
    with served(model()) as port:
        yield port


def get(port, path, **options):
    status, headers, body = answer(port, method="GET", path=path, **options)
    assert status == 200
    return headers["content-type"], body.decode()


@pytest.mark.parametrize("table", [False, True])
def test_every_series_gets_its_label_and_probabilities_in_order(port, table):
    """As NumPy computes them; 600 series are three batches."""
    if table:
        text = "\n".join(",".join(map(str, row)) for row in X)
        status, _, body = answer(port, text, headers=CSV)
    else:
        status, _, body = answer(port, {"inputs": X.tolist()})
    found = json.loads(body)["predictions"]
    expected = probabilities(X[:, None])
    assert status == 200
    assert [one["label"] for one in found] == [CLASSES[k] for k in expected.argmax(axis=1)]
    assert {tuple(one["probabilities"]) for one in found} == {CLASSES}
    np.testing.assert_allclose([[*one["probabilities"].values()] for one in found], expected, rtol=1e-6)


@pytest.mark.parametrize(
    "body", [{"inputs": []}, {"dataframe_records": []}, {"dataframe_split": {"data": []}}]
)
def test_no_series_get_no_predictions(port, body):
    assert json.loads(answer(port, body)[2]) == {"predictions": []}


def test_a_file_with_labels_is_answered_as_it_stands(port):
    rows = csv.reader(io.StringIO("\n".join("a," + ",".join(map(str, row)) for row in X)))
    text = "\n".join("\t".join(row) for row in rows)
    assert answer(port, text, headers=CSV)[2] == answer(port, {"inputs": X.tolist()})[2]


def test_several_channels_are_answered():
    series = X.reshape(200, 3, 20)
    with served(model((3, 20))) as port:
        found = json.loads(answer(port, {"instances": series.tolist()})[2])["predictions"]
        np.testing.assert_allclose(
            [[*one["probabilities"].values()] for one in found], probabilities(series), rtol=1e-6
        )
        assert answer(port, get(port, "/example")[1])[0] == 200


def test_series_unlike_the_training_series_are_marked(port):
    """Where the model has seen some: by its own p-values; else there is no mark."""
    champion = model(series=X[:100, None])
    asked = np.concatenate([X[100:500], X[:5] + 50])
    with served(champion) as marking:
        found = json.loads(answer(marking, {"inputs": asked.tolist()})[2])["predictions"]
    marks = [one["unlike"] for one in found]
    assert marks == (champion.p_values(asked) <= 0.05).tolist()
    assert all(marks[-5:])
    assert not all(marks)
    (plain,) = json.loads(answer(port, {"inputs": X[:1].tolist()})[2])["predictions"]
    assert "unlike" not in plain


def test_the_model_says_what_it_is(port):
    kind, text = get(port, "/model")
    assert kind == "application/json"
    assert json.loads(text) == {
        "dataset": "Bumps",
        "alias": "champion",
        "classes": list(CLASSES),
        "n_channels": 1,
        "length": 20,
        "lengths": "refuse",
        "missing": "refuse",
        "takes": "1 channel(s) of 20 values; none may be missing",
    }


def on_the_line(one, length):
    """Return a series as `numpy.interp` fills in and resamples it."""
    one = np.asarray(one, float)
    steps = np.arange(len(one))
    known = ~np.isnan(one)
    return np.interp(np.linspace(0, len(one) - 1, length), steps[known], one[known])


LENIENT = {
    "resample": ({"lengths": "resample"}, [X[0, :7], X[1], np.tile(X[2], 3)], "resampled to 20"),
    "truncate": ({"lengths": "truncate"}, [X[0], np.tile(X[1], 2), X[2]], "truncated to the first 20"),
    "pad": ({"lengths": "pad"}, [X[0, :7], X[1], X[2, :3]], "1 to 20 values"),
    "interpolate": (
        {"missing": "interpolate"},
        [np.where(X[0] == X[0, 1], np.nan, X[0]), X[1]],
        "interpolated",
    ),
    "both": (
        {"lengths": "resample", "missing": "interpolate"},
        [np.where(X[0] == X[0, 1], np.nan, X[0])[:9], X[1]],
        "resampled to 20; missing ones (null, an empty field) are interpolated",
    ),
}


@pytest.mark.parametrize("policy", LENIENT)
def test_series_are_answered_as_if_prepared_by_hand_where_a_policy_takes_them(policy):
    """From JSON and CSV, with and without labels; what is taken is said wherever the model is described."""
    policies, series, said = LENIENT[policy]
    keep = policy in ("truncate", "pad")
    by_hand = [one[:20] if keep else on_the_line(one, 20) for one in series]
    expected = np.concatenate([probabilities(one[None, None]) for one in by_hand])
    values = [[None if np.isnan(v) else v for v in one] for one in series]
    rows = [["" if v is None else str(v) for v in one] for one in values]
    with served(model(**policies)) as port:
        asked = [
            answer(port, {"inputs": values}),
            answer(port, {"instances": [[one] for one in values]}),
            answer(port, "\n".join(map(",".join, rows)), headers=CSV),
            answer(port, "\n".join(",".join(["a", *row]) for row in rows), headers=CSV),
        ]
        for status, _, body in asked:
            assert status == 200, body
            found = [[*one["probabilities"].values()] for one in json.loads(body)["predictions"]]
            np.testing.assert_allclose(found, expected, rtol=1e-5)
        told = json.loads(get(port, "/model")[1])
        assert said in told["takes"]
        assert {name: told[name] for name in policies} == policies
        assert said in get(port, "/openapi.json")[1]
        assert answer(port, get(port, "/example")[1])[0] == 200


@pytest.mark.parametrize(
    ("policies", "values", "message"),
    [
        ({}, [1.0] * 19, r"19 values; .* set prepare\.lengths in params.yaml to resample"),
        ({}, [None, *[1.0] * 19], r"value 0 is null, .* set prepare\.missing in params.yaml to interpolate"),
        ({"lengths": "pad"}, [1.0] * 21, r"longer than the 20 values to which .* Set prepare\.length to 21"),
        ({"lengths": "truncate"}, [1.0] * 9, r"shorter than the 20 values to which series are truncated"),
        ({"lengths": "pad"}, [1.0, None, 1.0], r"missing .*prepare\.missing"),
        ({"missing": "mask"}, [1.0] * 19, r"19 values; .* set prepare\.lengths"),
        ({"missing": "mask"}, [None] * 20, "no value at all"),
        ({"lengths": "resample", "missing": "interpolate"}, [None] * 9, "no value at all"),
    ],
)
def test_what_is_not_taken_is_refused_with_the_policy_that_would(policies, values, message):
    with served(model(**policies)) as port:
        status, _, body = answer(port, {"inputs": [[float(i) for i in range(20)], values]})
    assert status == 400
    assert re.match(rf"Series 1 \(counted from 0\).*{message}", json.loads(body)["message"])


def test_one_long_series_among_many_short_ones_is_answered_in_bounded_memory():
    """In one array they would take 80 GB."""
    series = [[1.0, 2.0, 4.0]] * 10_000 + [[0.5] * 1_000_000]
    with served(model(lengths="resample")) as port:
        status, _, body = parsed(exchange(port, request({"inputs": series}), timeout=60))
    assert status == 200
    assert len(json.loads(body)["predictions"]) == 10_001


def test_those_who_watch_are_answered_as_by_mlflow(port):
    assert get(port, "/ping")[1] == get(port, "/health")[1] == "ok\n"
    assert get(port, "/version")[1] == f"{__version__}\n"
    status, headers, body = answer(port, method="HEAD", path="/ping")
    assert (status, headers["content-length"], body) == (200, "3", b"")


def test_the_description_names_every_address_and_its_own_parts(port):
    described = json.loads(get(port, "/openapi.json")[1])
    assert described["paths"].keys() == {"/ping", "/health", "/version", "/model", "/example", "/invocations"}
    post = described["paths"]["/invocations"]["post"]
    assert post["requestBody"]["content"].keys() == {"application/json", "text/csv"}
    example = post["requestBody"]["content"]["application/json"]["example"]
    assert answer(port, example)[0] == 200
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described)))
    assert (
        {"Predictions", "Prediction", "Refusal", "Model"}
        <= named
        <= described["components"]["schemas"].keys()
    )


def test_the_page_needs_nothing_of_another_site(port):
    kind, page = get(port, "/")
    assert kind == "text/html; charset=utf-8"
    asked = [path for path in re.findall(r'(?:src|href)="([^"]*)"', page) if path != "data:,"]
    assert {"/page.js", "/page.css"} <= {*asked}
    for path in asked:
        assert re.fullmatch("/[a-z]+[.a-z]*", path)
        get(port, path)
    scripts = (PAGE / "page.js").read_text() + (PAGE / "page.css").read_text()
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", scripts)
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|style=", scripts + page)
    used = set(re.findall(r'\$\("(\w+)"\)', scripts))
    assert used == set(re.findall(r'id="(\w+)"', page))


@pytest.mark.parametrize(("shape", "pasted"), [((1, 20), True), ((3, 20), True), ((1, 2000), False)])
def test_the_line_for_the_shell_works_as_it_stands(shape, pasted):
    """Run by a shell, it gives what the model says of its own example."""
    champion = model(shape)
    with served(champion) as port:
        with listen("127.0.0.1", 0) as listener:
            text = greeting(champion, "champion", listener, "127.0.0.1")
            text = text.replace(str(listener.getsockname()[1]), str(port))
        (line,) = (line for line in text.splitlines() if line.startswith("    curl"))
        done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert ("/example" not in line) == pasted
    assert len(line) < 3500
    (found,) = json.loads(done.stdout)["predictions"]
    expected = probabilities(champion.example[None].round(3))
    np.testing.assert_allclose([*found["probabilities"].values()], expected[0], atol=1e-3)


def test_a_failure_of_the_model_is_told_to_the_log_alone(caplog):
    def fails(series):
        raise RuntimeError("a path: /tmp/secret")

    with served(model(graph=fails)) as port:
        status, _, body = answer(port, {"inputs": X.tolist()})
    assert status == 500
    assert b"secret" not in body
    assert sum("secret" in record.getMessage() for record in caplog.records) == 1


def test_a_series_that_the_model_cannot_answer_is_named():
    """The second batch has the fault; no answer is given to the first."""

    def lost(series):
        found = probabilities(series)
        found[series[:, 0, 0] == 7] = np.nan
        return found

    series = X.copy()
    series[333, 0] = 7
    with served(model(graph=lost)) as port:
        status, _, body = answer(port, {"inputs": series.tolist()})
    assert status == 400
    assert json.loads(body)["message"].startswith("Series 333 (counted from 0): values too large")


def test_a_large_answer_comes_whole(port):
    many = np.tile(X, (50, 1))[:, :20].round(1)
    received = exchange(port, request({"inputs": many.tolist()}))
    assert len(json.loads(parsed(received)[2])["predictions"]) == 30_000
