"""The code that a result depends on: computed from the imports, never listed by hand.

What counts is the import closure of a module within its package, with each file that one of these modules
names in its own folder (a template, the catalogue), and the versions of the numerical libraries among the
imports. Comments and docstrings do not count: changing a word of them reruns nothing.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lstmfcn.files import hash_bytes, hash_file, hash_of, write_text
from lstmfcn.plugins import GROUPS, points

NUMERICAL = {
    "aeon": "aeon",
    "jax": "jax",
    "keras": "keras",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "tensorflow": "tensorflow",
}
"""The libraries whose version may change a number, and the names under which they are installed."""


def code_hash(*modules: str) -> str:
    """Return one hash of `code_of`."""
    return hash_of(code_of(*modules))


def code_of(*modules: str) -> dict[str, str]:
    """Return what the results of some modules depend on.

    Parameters
    ----------
    modules
        Modules of this package, or of any other that is installed, by their full names.

    Returns
    -------
    dict of str to str
        A hash for each module of the closure and for each file that one of them names, by its path in the
        package, and the version of each numerical library that one of them imports.
    """
    return _code_of(frozenset(modules))


def source_hash(module: str) -> str:
    """Return the hash of one module alone, whatever it imports."""
    return _hash_of_source(_source(_root(module.partition(".")[0]), module))


@functools.cache
def vouchers() -> dict[str, str]:
    """Return what all results depend on that a machine may have otherwise than another.

    Returns
    -------
    dict of str to str
        A hash of this package's files, the versions of Python and of the numerical libraries, and those of
        the packages that bring classifiers, metrics or formats.
    """
    root = _root(__name__.partition(".")[0])
    files = sorted(path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    own = {path.relative_to(root).as_posix(): hash_file(path) for path in files}
    found = {"lstmfcn": hash_of(own), "Python": sys.version.partition(" ")[0]}
    for name in NUMERICAL.values():
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    for group in GROUPS:
        for point in points(group):
            if point.dist is not None:
                found[point.dist.name] = point.dist.version
    return found


KEPT = 2000
"""How many hashes of sources are kept: some versions of each."""

_kept: dict[str, str] = {}
"""The hashes of sources that were parsed before, by a hash of their bytes."""


@contextmanager
def kept_hashes(file: Path) -> Iterator[None]:
    """Keep the hashes of sources in a file while the block runs, so that none is parsed twice.

    Parameters
    ----------
    file
        Where they are. One that is damaged, or by another Python or another version of this module, is made
        anew.
    """
    by = hash_of([sys.version, hash_file(Path(__file__))])
    try:
        found = json.loads(file.read_bytes())
        _kept.update(found["hashes"] if found["by"] == by else {})
    except (OSError, ValueError, KeyError, TypeError):
        _kept.clear()
    before = len(_kept)
    try:
        yield
    finally:
        if len(_kept) > before:
            latest = dict(list(_kept.items())[-KEPT:])
            write_text(file, json.dumps({"by": by, "hashes": latest}))


@functools.cache
def _code_of(roots: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for package in sorted({name.partition(".")[0] for name in roots}):
        if _is_single_file(package):
            found[package] = source_hash(package)
            continue
        graph = _graph(package)
        names = _closure(graph, {name for name in roots if name.partition(".")[0] == package})
        root = _root(package)
        for name in names:
            path = _source(root, name)
            found[path.relative_to(root.parent).as_posix()] = _hash_of_source(path)
            for file in _named_files(path):
                found[file.relative_to(root.parent).as_posix()] = hash_file(file)
            for library in graph.find_modules_directly_imported_by(name) & NUMERICAL.keys():
                found[library] = _version(NUMERICAL[library])
    return dict(sorted(found.items()))


@functools.cache
def _version(distribution: str) -> str:
    return version(distribution)


@functools.cache
def _graph(package: str) -> Any:
    import grimp

    return grimp.build_graph(
        package, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def _closure(graph: Any, roots: Iterable[str]) -> set[str]:
    """Return the modules that some modules import, directly or not, and themselves."""
    package = next(iter(roots)).partition(".")[0]
    closure: set[str] = set()
    waiting = set(roots)
    while waiting:
        name = waiting.pop()
        closure.add(name)
        imported = set(graph.find_modules_directly_imported_by(name))
        if "." in name:
            imported.add(name.rpartition(".")[0])  # Python imports the package first
        if "pkgutil" in imported:  # a package that finds its modules by itself is taken whole
            imported |= graph.find_descendants(name)
        waiting |= {other for other in imported if other.partition(".")[0] == package} - closure
    return closure


def _root(package: str) -> Path:
    """Return the folder of an installed package; of a module that is no package, its file's."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"{package} has no source file.", name=package)
    return Path(spec.origin).parent


def _is_single_file(name: str) -> bool:
    """Whether a top-level module is no package: what else it imports is not followed then."""
    spec = find_spec(name)
    return spec is not None and spec.submodule_search_locations is None


def _source(root: Path, name: str) -> Path:
    """Return the file of a module, without importing it or its package."""
    if "." not in name and _is_single_file(name):
        return root / f"{name}.py"
    path = root.joinpath(*name.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@functools.cache
def _hash_of_source(path: Path) -> str:
    """Return a hash of a Python file that comments, docstrings and the layout do not change."""
    text = path.read_bytes()
    name = hash_bytes(text)
    if name not in _kept:
        _kept[name] = _hash_of_tree(ast.parse(text))
    return _kept[name]


def _hash_of_tree(tree: ast.Module) -> str:
    waiting: list[Any] = [tree]
    while waiting:  # no expression holds a statement, and most of a tree is expressions
        node = waiting.pop()
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
        for name in BLOCKS:
            waiting += getattr(node, name, ())
    return hash_of(ast.dump(tree))


def _is_text(statement: ast.stmt) -> bool:
    """Whether a statement is a docstring, be it a module's, a function's or an attribute's."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where a statement holds others."""


@functools.cache
def _files_in(folder: Path) -> tuple[Path, ...]:
    """Return the files in a folder and below that are no code."""
    files = (folder.joinpath(where, name) for where, _, names in os.walk(folder) for name in sorted(names))
    return tuple(file for file in files if file.suffix not in {".py", ".pyc", ".typed"})


@functools.cache
def _named_files(path: Path) -> frozenset[Path]:
    """Return the files that a file names, in its own folder and below, and those that these name."""
    known = _files_in(path.parent)
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        text = waiting.pop().read_text(encoding="utf-8")
        for file in known:
            named = re.search(rf"(?<![\w.]){re.escape(file.name)}(?![\w.])", text)
            if file not in found and named:
                found.add(file)
                waiting.append(file)
    return frozenset(found)
