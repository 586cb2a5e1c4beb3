"""Docstrings that the code makes when it is imported, for those who read it without importing it."""

from __future__ import annotations

import inspect
from typing import Any

import griffe

from lstmfcn import aeon
from lstmfcn.classifiers import estimators


class MadeDocstrings(griffe.Extension):
    """Give the estimators the docstrings, and the classes, that `lstmfcn.classifiers.estimators` makes."""

    def on_module(self, *, mod: griffe.Module, **_: Any) -> None:
        """Document each estimator as it is at run time."""
        if mod.path != estimators.__name__:
            return
        for name in aeon.__all__:
            made = getattr(estimators, name)
            if name not in mod.members:
                mod.set_member(name, griffe.Class(name, parent=mod))
                for inherited in mod.members[made.__base__.__name__].members.values():
                    mod.members[name].set_member(inherited.name, inherited)
            found = mod.members[name]
            found.docstring = griffe.Docstring(inspect.getdoc(made) or "", parent=found, parser="numpy")
            for parameter in inspect.signature(made).parameters.values():
                if "__init__" in found.members:  # the values, not the names of what holds them
                    found.members["__init__"].parameters[parameter.name].default = repr(parameter.default)
