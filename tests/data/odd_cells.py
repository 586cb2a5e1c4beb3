"""Wide tables of odd cells: numbers written otherwise, what is no number, and odd labels."""

import itertools

import numpy as np
from odd_files import Known, Odd, known, sheet, text

from lstmfcn.data.layout import Layout

DATA = known()


def _with(data, cell, *, at=(3, 2), titles="t{}"):
    rows = sheet(data, titles=titles)
    rows[at[0] + (titles is not None)][at[1] + 1] = cell
    return rows


CELLS = {
    # what stands there: what is said, or the value
    "12 mV": "unit",
    "12mV": "unit",
    "12.5 %": "percent",
    "12.5%": "percent",
    "€12.5": "unit",
    "$12.50": "unit",
    "37.2°C": "unit",
    "abc": "'abc' stands in a number's place",
    "1.2.3": "'1.2.3' stands in a number's place",
    "1..5": "'1..5'",
    "--5": "'--5'",
    "1-5": "'1-5'",
    "1/2": "'1/2'.*fraction",
    "1e": "'1e'",
    "0x1A": "'0x1A'",
    "1_000": "underscore",
    "1+2j": "complex",
    "(1.5)": "bracket|parenthes",
    "1.5D+03": "exponent",
    "1.5*10^3": "exponent|power",
    "−1.5": "minus",
    "–1.5": "minus",
    "'1.5": "quot|apostrophe",
    "TRUE": "truth value",
    "false": "truth value",
    "#DIV/0!": "spreadsheet",
    "#VALUE!": "spreadsheet",
    "#REF!": "spreadsheet",
    "=A1+B1": "formula",
    "1.#QNAN": "missing",
    "-1.#IND": "missing",
    "N.A.": "missing",
    "missing": "missing",
    "-": "missing",
    "--": "missing",
    ".": "missing",
    "*": "missing",
    "1.5 ±0.1": "'1.5 ±0.1'",
    "<0.5": "'<0.5'.*limit",
    ">100": "'>100'.*limit",
    "~5": "'~5'",
    "2024-01-05": "time",
    "05/01/2024": "time",
    "12:30": "time",
    "12:30:05.5": "time",
    "5-Jan": "date|time",
    "Jan 5": "date|time",
    "1\u200b.5": r"'1\\u200b.5'.*cannot be seen",
    "\ufeff1.5": r"cannot be seen",
    "[1.5]": "bracket|list",
    "[1.5, 2.5]": "bracket|list",
    "1.5;2.5": "'1.5;2.5'",
    "1 5": "'1 5'",
    "12 345.6": "thousands",
    "12'345.6": "thousands",
    "12,345.6": "thousands",
    "12.345,6": "decimal comma|thousands",
    "1,5": "decimal comma",
    "1\u00a0234.5": "thousands",
    "1\u202f234.5": "thousands",
    "9007199254740993": r"2\*\*53|2\^53",
    "Infinity": "infinite",
    "-inf": "infinite",
    "1e400": "infinite",
    "1e+03": 1e3,
    "1.5E-03": 1.5e-3,
    "+1.5": 1.5,
    ".5": 0.5,
    "5.": 5.0,
    "-0.0": -0.0,
    "00012": 12.0,
    "\u00a01.5\u00a0": 1.5,
    "  1.5  ": 1.5,
    "\uff11.\uff15": 1.5,
    "0.1234567890123456789": 0.1234567890123456789,
    "5e-324": 5e-324,
    "9007199254740992": 9007199254740992.0,
    "": np.nan,
    "NA": np.nan,
    "n/a": np.nan,
    "NaN": np.nan,
    "-nan": np.nan,
    "None": np.nan,
    "NULL": np.nan,
    "?": np.nan,
    "<NA>": np.nan,
    "#N/A": np.nan,
}


def cells():
    """One odd cell among numbers, at the third value of the fourth series."""
    for (cell, fate), titles in itertools.product(CELLS.items(), ("t{}", None)):
        said = isinstance(fate, str)
        X = DATA.X.copy()
        if not said:
            X[3, 0, 2] = fate
        row = 4 if titles is None else 5
        place = rf"row {row}, column 4: |row {row}: "
        yield Odd(
            name=f"a cell {cell!r}, titles {titles}",
            file="a.csv",
            content=text(_with(DATA, cell, titles=titles)),
            right=None if said else DATA.but(X=X),
            cause=f"(?s)({place}).*({fate})" if said else "",
        )


def all_cells():
    """Each number in a way of its own."""
    large = known(seed=3)
    large = large.but(X=(large.X * 1e6).round(2))
    whole = known(seed=4, whole=True)
    for name, data, delimiter, number, cause in (
        ("percent", DATA, ",", lambda v: f"{v}%", "percent"),
        ("a unit", DATA, ",", lambda v: f"{v} mV", "unit"),
        ("a unit behind decimal commas", DATA, ";", lambda v: f"{v} mV".replace(".", ","), "unit"),
        ("percent behind decimal commas", DATA, ";", lambda v: f"{v}%".replace(".", ","), "percent"),
        ("thousands by commas", large, ";", lambda v: f"{v:,.2f}", "thousands"),
        ("thousands by commas, quoted", large, ",", lambda v: f"{v:,.2f}", "thousands"),
        ("thousands by points", large, ";", lambda v: f"{v:,.2f}".translate({44: ".", 46: ","}), "thousands"),
        ("thousands by blanks", large, ";", lambda v: f"{v:,.2f}".translate({44: " ", 46: ","}), "thousands"),
        (
            "thousands by hard blanks",
            large,
            ";",
            lambda v: f"{v:,.2f}".translate({44: "\u00a0", 46: ","}),
            "thousands",
        ),
        ("thousands by apostrophes", large, ";", lambda v: f"{v:,.2f}".replace(",", "'"), "thousands"),
        ("whole thousands by commas", whole.but(X=whole.X + 5000), ";", lambda v: f"{v:,.0f}", "thousands"),
        (
            "whole thousands by points",
            whole.but(X=whole.X + 5000),
            ";",
            lambda v: f"{v:,.0f}".replace(",", "."),
            "thousands",
        ),
        ("exponents", DATA, ",", lambda v: f"{v:.17e}", ""),
        ("exponents with decimal commas", DATA, ";", lambda v: f"{v:.17e}".replace(".", ","), ""),
        ("whole numbers", whole, ",", lambda v: f"{v:.0f}", ""),
        ("decimal commas, quoted", DATA, ",", lambda v: repr(v).replace(".", ","), ""),
        ("dates", DATA, ",", lambda v: f"2024-01-{int(abs(v) * 9) + 1:02d}", "time|date"),
        ("truth values", DATA, ",", lambda v: str(v > 0), "truth value|hold text"),
        ("words", DATA, ",", lambda v: "high" if v > 0 else "low", "hold text|number's place"),
        ("typographic minus", DATA, ",", lambda v: repr(v).replace("-", "\u2212"), "minus"),
        ("single quotes", DATA, ",", lambda v: f"'{v}'", "quot"),
        ("blanks around", DATA, ",", lambda v: f" {v} ", ""),
        ("equals signs of Excel", DATA, ",", lambda v: f'="{v}"', "formula"),
    ):
        exact = not cause
        yield Odd(
            name=f"all numbers: {name}",
            file="a.csv",
            content=text(sheet(data, number=number), delimiter=delimiter),
            right=data if exact or "thousands" in cause else None,
            cause=cause,
        )


def labels():
    """Odd labels."""
    for name, odd, cause in (
        ("NA among others", "NA", "the label is missing.*--classes"),
        ("nan among others", "nan", "the label is missing"),
        ("empty", "", "the label is missing"),
        ("?", "?", "the label is missing"),
        ("blanks", "  ", "the label is missing"),
        ("<NA>", "<NA>", "the label is missing"),
        ("a tab within", "to\twalk", "control character"),
        ("a line break within", "to\nwalk", "control character|line break"),
        ("a hard blank within", "to\u00a0walk", "hard blank|cannot be seen"),
        ("a zero-width blank", "walk\u200b", "cannot be seen"),
        ("endless", "w" * 2000, "2,000 characters"),
        ("other case", "WALK", "case"),
        ("other form of Unicode", "Ho\u0308he", "look alike|alike"),
        ("lost letters", "Gr\ufffd\ufffde", "lost|replacement"),
    ):
        data = known(names="letters" if "Unicode" in name else "words", seed=6)
        where = [i for i, y in enumerate(data.labels) if y == ("Höhe" if "Unicode" in name else "walk")]
        spoiled = data.but(labels=tuple(odd if i in where[:2] else y for i, y in enumerate(data.labels)))
        for titles in ("t{}", None):
            yield Odd(
                name=f"a label: {name}, titles {titles}",
                file="a.csv",
                content=text(sheet(spoiled, titles=titles)),
                right=None,
                cause=cause,
            )
    for odd in (" walk", "walk  ", "\u00a0walk"):
        rows = sheet(DATA)
        rows = [[odd if cell == "walk" and i % 2 else cell for cell in row] for i, row in enumerate(rows)]
        yield Odd(name=f"blanks around a label {odd!r}", file="a.csv", content=text(rows), right=DATA)
    for names in (
        ["NA", "K"],
        ["nan", "inf"],
        ["None", "Some"],
        ["?", "!"],
        ["N/A", "OK"],
        ["1.10", "1.1"],
        ["1e1", "10"],
    ):
        data = DATA.but(labels=tuple(names[i % 2] for i in range(12)))
        layout = Layout(classes=tuple(names))
        cause = "look like values" if names[0][0] == "1" else ""
        yield Odd(
            name=f"named classes {names}",
            file="a.csv",
            content=text(sheet(data)),
            right=data,
            layout=layout,
            cause=cause,
        )
    numbered = DATA.but(labels=tuple(str(i) for i in range(12)))
    yield Odd(
        name="labels that count",
        file="a.csv",
        content=text(sheet(numbered)),
        right=None,
        cause="count|alone in",
    )
    yield Odd(
        name="labels that count, untitled",
        file="a.csv",
        content=text(sheet(numbered, titles=None)),
        right=None,
        cause="count|alone in",
    )
    named = DATA.but(labels=tuple(f"p{i}" for i in range(12)))
    yield Odd(
        name="labels that name",
        file="a.csv",
        content=text(sheet(named)),
        right=None,
        cause="another text in each row|alone in",
    )
    fractions = DATA.but(labels=tuple(repr(i * 1.37 + 0.01) for i in range(12)))
    yield Odd(
        name="labels to regress",
        file="a.csv",
        content=text(sheet(fractions)),
        right=None,
        cause="look like values|another fraction",
    )
    for whole, titles in itertools.product((False, True), ("t{}", "{}", None)):
        data = known(whole=whole, seed=8).but(labels=None)
        number = (lambda v: f"{v:.0f}") if whole else repr
        yield Odd(
            name=f"no labels at all, {whole=}, titles {titles}",
            file="a.csv",
            content=text(sheet(data, titles=titles, number=number)),
            right=None,
            cause="alone in|look like values|another fraction|no column",
        )
    few = Known(X=np.random.default_rng(0).integers(0, 4, (12, 1, 7)).astype(float), labels=None)
    content = text(sheet(few, number=lambda v: f"{v:.0f}"))
    yield Odd(
        name="no labels at all, few levels, titles t",
        file="a.csv",
        content=content,
        right=None,
        cause="titled|called",
    )


def every():
    """Yield every case of this module."""
    for make in (cells, all_cells, labels):
        yield from make()
