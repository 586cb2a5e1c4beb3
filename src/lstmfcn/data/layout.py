"""How a file of series is laid out, as far as somebody has said so, and who is told what was found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from lstmfcn.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a person says of a file; whatever is None is found out, or refused where that cannot be.

    A column is named by its title, or by its number from 1.

    Attributes
    ----------
    label
        The column of labels, "first", "last", or "none" for a file without them. Of an `.npz` its array.
    id, time, channel, values
        The columns of a file with a row a time step: which series, when, which channel, and the values (one
        column a channel, unless `channel` names one). `id` alone names the series of a wide file.
    group
        The column of what must stay in one split: a patient, a machine.
    drop
        Columns to leave out.
    classes
        The classes there are: one of them may be called NA.
    delimiter, decimal, encoding
        Of a text file: what parts the columns, the decimal point, and the encoding as Python calls it.
    header
        Whether the first row holds titles.
    transpose
        Arrays have the axes (series, length, channels), as Keras and tsai have them.
    """

    label: str | None = None
    id: str | None = None
    time: str | None = None
    channel: str | None = None
    values: tuple[str, ...] = ()
    group: str | None = None
    drop: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | None = None
    transpose: bool = False

    @property
    def is_long(self) -> bool:
        """Whether a row of the file is a time step, not a series."""
        return bool(self.time or self.channel or self.values)


def refuse(doubt: str) -> None:
    """Stop at a doubt: what nobody looks at must not be guessed."""
    raise DataError(doubt)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is to be read.

    Attributes
    ----------
    layout
        What is known of the file.
    length
        How many values a series should have, where a model says so: a wide file may then lack labels.
    any_length
        Whether series may differ in length: a row of a wide table of text may end early then.
    classes
        Those of the model.
    whole
        Whether to look at all of a table before its layout is settled, not at its first rows alone.
    tell
        Called with what was understood.
    doubt
        Called with what is odd: a sentence that names the place, the cause and the remedy.
    """

    layout: Layout = field(default_factory=Layout)
    length: int | None = None
    any_length: bool = False
    classes: tuple[str, ...] = ()
    whole: bool = False
    tell: Callable[[str], None] = lambda _: None
    doubt: Callable[[str], None] = refuse

    @property
    def known_classes(self) -> tuple[str, ...]:
        """The classes that the person or the model names."""
        return self.layout.classes or self.classes
