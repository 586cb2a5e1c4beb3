"""What a result notes of the clone that it was made in."""

import subprocess

from lstmfcn.pipeline.commit import commit_of


def git(root, *command):
    call = ["git", "-C", str(root), "-c", "user.name=x", "-c", "user.email=x", *command]
    return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()


def test_a_commit_is_dirty_where_something_decisive_differs(tmp_path):
    """What the stages themselves write, dvc.lock say, does not make it so."""
    assert commit_of(tmp_path) is None
    git(tmp_path, "init", "-q")
    (tmp_path / "src").mkdir()
    for name in ("params.yaml", "dvc.lock", "src/code.py"):
        (tmp_path / name).write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "dvc.lock").write_text("b")
    assert commit_of(tmp_path) == commit
    (tmp_path / "params.yaml").write_text("b")
    assert commit_of(tmp_path) == f"{commit}-dirty"
    git(tmp_path, "checkout", "-q", "params.yaml")
    (tmp_path / "src/new.py").write_text("b")
    assert commit_of(tmp_path) == f"{commit}-dirty"
