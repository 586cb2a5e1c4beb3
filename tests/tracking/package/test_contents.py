"""The files of a package: those that `export` writes and no others, and the manifest of a pulled folder."""

import json
import os
import shutil

import pytest
from making import make

from lstmfcn.files import hash_file, hash_of
from lstmfcn.tracking.package.check import check
from lstmfcn.tracking.package.contents import (
    DATA,
    GRAPH,
    MANIFEST,
    OF_THE_DOWNLOAD,
    UntrustedModelError,
    checksum,
    write_manifest,
)
from lstmfcn.tracking.package.load import load_package


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("made") / "model")


@pytest.fixture
def package(made, tmp_path):
    """Return a package that a test may change, beside a file that none of its business is."""
    (tmp_path / "secret").write_text("a secret")
    return shutil.copytree(made, tmp_path / "model")


def sentence(package, **options):
    with pytest.raises(UntrustedModelError) as caught:
        check(package, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def put(name, content="", kind="file"):
    """Return a change of a folder: a new file, link, folder or pipe in it, in the place of what is there."""

    def change(package):
        path = package / name
        if path.is_file():
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
        match kind:
            case "file":
                path.write_text(content)
            case "link":
                path.symlink_to(content)
            case "folder":
                path.mkdir()
            case "pipe":
                os.mkfifo(path)
            case "sparse":
                path.touch()
                os.truncate(path, int(content))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("evil.py", "raise SystemExit('it ran')"), "evil.py is no file of a package"),
        (put("code/evil.py"), "is no"),
        (put(".hidden"), ".hidden is no file of a package"),
        (put("tf2model/registered_model_meta"), "tf2model/registered_model_meta is no file"),
        (put("tf2model/variables/lstmfcn-manifest.json", "{}"), "is no file of a package"),
        (put("inner/registered_model_meta"), "is no"),
        (put("registered_model_meta", "flavors: {}\n"), "is not as lstmfcn writes it"),
        (put("registered_model_meta", kind="folder"), "is no folder"),
        (put("registered_model_meta", "../secret", "link"), "is a link"),
        (put("registered_model_meta", kind="pipe"), "is no plain file"),
        (put("tf2model/assets/words.txt"), "tf2model/assets/words.txt is no file"),
        (put("tf2model/saved_model.pbtxt"), "tf2model/saved_model.pbtxt is no file"),
        (put("tf2model/saved_model.cpb"), "tf2model/saved_model.cpb is no file"),
        (put("tf2model/variables/variables.data-00001-of-00002"), "is no file of a package"),
        (put("tf2model/debug", kind="folder"), "tf2model/debug is no folder"),
        (put("input_example.json", "../secret", "link"), "input_example.json is a link"),
        (put("MLmodel", "../secret", "link"), "MLmodel is a link"),
        (put("elsewhere", "..", "link"), "elsewhere is a link"),
        (put("dangling", "nowhere", "link"), "dangling is a link"),
        (put("input_example.json", kind="pipe"), "input_example.json is no plain file"),
        (put(GRAPH, str(2**27), "sparse"), "is the most"),
        (put("MLmodel", str(2**24), "sparse"), "is the most"),
        (put("odd\nname"), "'odd\\nname'"),
        (
            put("requirements.txt", "--index-url https://example.org\nmlflow==3.17.2\n"),
            "requirements.txt is not",
        ),
        (put("requirements.txt", "mlflow==1 ; evil\ntensorflow==2\nnumpy==2"), "requirements.txt is not"),
        (put("requirements.txt", "mlflow @ file:evil\ntensorflow==2\nnumpy==2"), "requirements.txt is not"),
        (put("conda.yaml", "channels:\n- https://example.org\n"), "conda.yaml is not as"),
        (put("python_env.yaml", "python: 3.11.7\ndependencies:\n- evil\n"), "python_env.yaml is not as"),
    ],
)
def test_what_is_no_file_of_a_package_is_refused(package, change, said):
    """Alone, and where the checksum of before is known."""
    registered = checksum(package)
    change(package)
    assert said in sentence(package)
    sentence(package, registered=registered)


def test_every_file_is_needed(made, package):
    for path in sorted(p for p in made.rglob("*") if p.is_file()):
        name = path.relative_to(made)
        (package / name).unlink()
        assert f"{name} is missing" in sentence(package)
        shutil.copy(path, package / name)
    check(package)


def test_a_folder_of_links_is_refused_but_a_link_to_a_folder_is_ones_own(package, tmp_path):
    (tmp_path / "link").symlink_to(package)
    check(tmp_path / "link")
    shutil.move(package / "tf2model", tmp_path / "tf2model")
    (package / "tf2model").symlink_to(tmp_path / "tf2model")
    assert "tf2model is a link" in sentence(package)


def test_the_checksum_is_that_of_names_and_contents(package):
    """As it is in the tags of versions that are registered already; what the download adds does not count."""
    files = sorted(p for p in package.rglob("*") if p.is_file())
    expected = hash_of([[p.relative_to(package).as_posix(), hash_file(p)] for p in files])
    assert checksum(package) == expected
    (package / OF_THE_DOWNLOAD).write_text("model_name: lstmfcn.Bumps\nmodel_version: '1'\n")
    assert checksum(package) == expected
    check(package, registered=expected)
    (package / "tf2model" / OF_THE_DOWNLOAD).write_text("hidden")
    assert checksum(package) != expected


def test_the_manifest_tells_changed_files_without_the_store(package):
    write_manifest(package)
    check(package, registered=checksum(package))
    manifest = json.loads((package / MANIFEST).read_text())
    assert manifest["sha256"] == checksum(package)
    assert manifest["files"][DATA] == hash_file(package / DATA)
    content = bytearray((package / DATA).read_bytes())
    content[100] ^= 1
    (package / DATA).write_bytes(content)
    assert f"{DATA} is not what was pulled" in sentence(package)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"files": 1, "sha256": ""}',
        "[" * 30_000,
        '{"files": ' * 3000,
        "\0",
        "{" + " " * 70_000 + "}",
    ],
)
def test_a_damaged_manifest_is_refused(package, content):
    (package / MANIFEST).write_text(content)
    assert MANIFEST in sentence(package)


def test_a_manifest_says_neither_less_nor_more_nor_otherwise(package):
    write_manifest(package)
    kept = json.loads((package / MANIFEST).read_text())
    fewer = {name: value for name, value in kept["files"].items() if name != "conda.yaml"}
    for change in (
        {"files": fewer},
        {"files": kept["files"] | {"more": "00"}},
        {"sha256": "00"},
        {"more": 1},
    ):
        (package / MANIFEST).write_text(json.dumps(kept | change))
        sentence(package)
    (package / MANIFEST).write_text(json.dumps(kept))
    check(package)


def test_weights_that_tensorflow_cannot_read_are_one_sentence(package):
    """Without a manifest, as folders that were pulled before there was one."""
    content = (package / DATA).read_bytes()
    (package / DATA).write_bytes(content[:50] + bytes(len(content) - 50))
    with pytest.raises(UntrustedModelError, match=r"could not be loaded \(.*\)\. `lstmfcn pull` it again"):
        load_package(package)
