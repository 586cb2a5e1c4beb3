"""Wide tables as people hold and spoil them."""

import itertools

import numpy as np
from odd_files import NAMES, Odd, known, sheet, text

from lstmfcn.data.layout import Layout

DATA = known()
NUMBERS_LAST = "looks like labels|counts|look like values"


def dialects():
    """Sound tables in each dialect: they must be read."""
    guises = itertools.product("\t;,| ", ".,", ("t{}", "{}", None), ("first", "last"))
    for n, (delimiter, decimal, titles, label) in enumerate(guises):
        if delimiter == decimal:
            continue
        names = ("words", "integers", "letters", "signed", "sodium", "booleans")[n % 6]
        numeric = names in ("integers", "signed")
        data = known(names=names, seed=n)
        rows = sheet(data, label=label, titles=titles, number=lambda v, d=decimal: repr(v).replace(".", d))
        newline = ("\n", "\r\n", "\r")[n % 3]
        encoding = ("utf-8", "utf-8-sig", "utf-16")[n % 3]
        unclear = label == "last" and titles is None and numeric
        yield Odd(
            name=f"a sound table: {delimiter!r}, {decimal!r}, {titles}, {label}, {names}, {encoding}",
            file=f"a{('.csv', '.tsv', '.txt')[n % 3]}",
            content=text(rows, delimiter=delimiter, newline=newline, encoding=encoding),
            right=data,
            cause=NUMBERS_LAST if unclear else "",
        )
    for names, label in itertools.product(NAMES, ("first", "last")):
        data = known(names=names, seed=5)
        for index, titles in (
            (None, "t{}"),
            ("", "{}"),
            ("Unnamed: 0", "value {}"),
            (None, "2024-01-{:02d}"),
        ):
            yield Odd(
                name=f"a sound table: labels {names} {label}, index {index!r}, titles {titles}",
                file="a.csv",
                content=text(sheet(data, label=label, titles=titles, index=index), quote=names == "words"),
                right=data,
            )
    for encoding in ("latin-1", "cp1252", "utf-16-le", "utf-16-be", "utf-32", "mac-roman", "shift-jis"):
        data = known(names="letters" if encoding != "shift-jis" else "words")
        if encoding == "shift-jis":
            data = data.but(
                labels=tuple({"walk": "歩く", "run": "走る", "sit": "座る"}[y] for y in data.labels)
            )
        content = text(sheet(data), encoding=encoding)
        cause = "encoding|UTF-8|UTF-16|UTF-32"
        yield Odd(name=f"encoded as {encoding}", file="a.csv", content=content, right=data, cause=cause)
        named = Layout(encoding=encoding)
        yield Odd(name=f"said to be {encoding}", file="a.csv", content=content, right=data, layout=named)
    wide = known(length=2000)
    yield Odd(name="long lines", file="a.csv", content=text(sheet(wide)), right=wide)


def structures():
    """Odd rows and columns."""

    def odd(name, rows, cause="", *, right=None, layout=None, **how):
        content = rows if isinstance(rows, bytes) else text(rows, **how)
        return Odd(
            name=name, file="a.csv", content=content, right=right, cause=cause, layout=layout or Layout()
        )

    for titles, label, index in itertools.product(("t{}", None), ("first", "last"), (None, "")):
        data = known(seed=11)
        base = sheet(data, titles=titles, label=label, index=index)
        what = f"titles {titles}, label {label}, index {index!r}"
        for at in (3, len(base) - 1):
            cut = [row[:-1] if i == at else row for i, row in enumerate(base)]
            grown = [[*row, "1.5"] if i == at else row for i, row in enumerate(base)]
            yield odd(f"row {at} one cell short, {what}", cut, f"row {at + 1}: .* columns, where")
            yield odd(f"row {at} one cell long, {what}", grown, f"row {at + 1}: .* columns, where")
        shorter = [row[:-1] for row in base[:1]] + base[1:]
        if titles:
            yield odd(f"a title too few, {what}", shorter, "columns under")
            yield odd(f"a title too many, {what}", [[*base[0], "more"], *base[1:]], "columns under")
            yield odd(f"the header again, {what}", [*base[:6], base[0], *base[6:]], "(?s)row 7.*header")
            units = [["" if cell in ("label", "") else "mV" for cell in base[0]]]
            yield odd(f"a row of units, {what}", [base[0], *units, *base[1:]], "row 2.*(header|unit|titles)")
        if index is None or titles:
            yield odd(f"delimiters at the ends, {what}", base, right=data, end=",")
        empty = [[""] * len(base[0])]
        yield odd(f"an empty row of delimiters, {what}", [*base[:5], *empty, *base[5:]], "row 6.*empty")
        yield odd(
            f"empty rows of delimiters at the end, {what}",
            [*base, *empty, *empty],
            f"row {len(base) + 1}.*empty",
            right=data,
        )
        blank = text(base).replace(b"\n", b"\n\n").replace(b"\n\n", b"\n   \n", 1)
        counted = "counts the rows" if titles is None and index == "" else ""
        yield odd(f"blank lines, {what}", blank, counted, right=data)
        yield odd(f"a comment before, {what}", b"# made by a logger\n" + text(base), "row 1.*comment")
        yield odd(
            f"a comment within, {what}", text(base[:4]) + b"# lamp on\n" + text(base[4:]), "row 5.*comment"
        )
        yield odd(
            f"a title line before, {what}",
            b"Report of plant 3\n\n" + text(base),
            "row 1.*(title|one column|1 column)",
        )
        yield odd(
            f"several lines before, {what}",
            b"Device;X1\nRate;100 Hz\n\n" + text(base),
            "row [134].*columns|title",
        )
        yield odd(f"a footer, {what}", text(base) + b"Total: 12 series\n", f"row {len(base) + 1}: 1 column")
        yield odd(f"a footer of SQL, {what}", text(base) + b"(12 rows)\n", f"row {len(base) + 1}: 1 column")
        sums = (
            [["Sum", *["1.5"] * (len(base[0]) - 1)]]
            if label == "first"
            else [[*["1.5"] * (len(base[0]) - 1), "Sum"]]
        )
        yield odd(f"a row of sums, {what}", base + sums, "single training series|alone|Sum|sum")
        yield odd(f"sep=, before, {what}", b"sep=,\n" + text(base), counted, right=data)
        yield odd(
            f"an open quote, {what}", text(base).replace(b"\n", b'\n"', 3).replace(b'\n"', b"\n", 2), "quote"
        )
        yield odd(
            f"cut short within a number, {what}",
            text(base)[:-22],
            f"row {len(base)}: .* columns, where|label is missing",
        )
        yield odd(f"a null byte, {what}", text(base).replace(b"0.", b"\x00.", 1), "control|null")
        yield odd(
            f"a form feed between rows, {what}",
            text(base).replace(b"\n", b"\n\x0c", 2),
            right=data,
            cause=counted,
        )
    head = sheet(DATA)[0]
    yield odd("a header only", [head], "no series")
    yield odd("a header of numbers only", [["label", *map(str, range(7))]], "no series|no rows")
    yield odd("one row", sheet(DATA)[:2], "single series|nothing can be learned")
    yield odd("one row without titles", sheet(DATA, titles=None)[:1], "single series|nothing can be learned")
    yield odd("one column", [["a"], ["1"], ["2"], ["3"]], "one column")
    yield odd("one column of numbers", [["1.5"], ["2.5"], ["3.5"]], "one column")
    yield odd(
        "one column of values", [[row[0], row[1]] for row in sheet(DATA)], right=DATA.but(X=DATA.X[..., :1])
    )
    yield odd(
        "columns out of order",
        [[row[i] for i in (0, 1, 3, 2, 4, 5, 6, 7)] for row in sheet(DATA)],
        "order of time",
    )
    yield odd(
        "columns by the alphabet",
        [[row[i] for i in (0, 1, 2, 11, 12, 3, 4, 5, 6, 7, 8, 9, 10)] for row in sheet(known(length=12))],
        "order of time",
    )
    yield odd("the label amid the values", [[*row[1:4], row[0], *row[4:]] for row in sheet(DATA)], right=DATA)
    yield odd(
        "the label amid the values, untitled",
        [[*row[1:4], row[0], *row[4:]] for row in sheet(DATA, titles=None)],
        "hold text|number's place|'walk'|'sit'|'run'",
    )
    yield odd("a title twice", [[*row[:3], *row[2:]] for row in sheet(DATA)], "order of time|twice")
    yield odd("the label twice", [[row[0], *row] for row in sheet(DATA)], "may both hold")
    twice = known(names="integers")
    yield odd(
        "the numeric label twice, other titles",
        [["kind" if not i else row[0], *row] for i, row in enumerate(sheet(twice, title="state"))],
        "not called as",
    )
    yield odd(
        "two columns of text",
        [[row[0] if not i else f"p{i % 4}", *row] for i, row in enumerate(sheet(DATA, title="who"))],
        "hold text|who",
    )
    yield odd(
        "an id of text behind the label",
        [[row[0], "id" if not i else f"p{i}", *row[1:]] for i, row in enumerate(sheet(DATA))],
        "hold text|not called as",
    )
    yield odd(
        "an id of numbers behind the label",
        [[row[0], "id" if not i else f"{i * 17}", *row[1:]] for i, row in enumerate(sheet(DATA))],
        "not called as",
    )
    yield odd(
        "a time stamp column",
        [["when" if not i else f"2024-01-{i:02d}", *row] for i, row in enumerate(sheet(DATA))],
        "hold text|not called as|time",
    )
    several = known(channels=2)
    rows = sheet(several)
    rows[0] = ["label", *[f"{c}_{i}" for c in "xy" for i in range(7)]]
    yield odd("two channels side by side", rows, "not called as|channels")
    rows[0] = ["label", *[f"{c}{i}" for c in ("acc", "gyr") for i in range(7)]]
    yield odd("two channels in turn", rows, "not called as|channels")
    rows[0] = ["label", *[str(i) for _ in "xy" for i in range(7)]]
    yield odd("two channels under the same numbers", rows, "order of time|twice|channels")
    turned = np.array(sheet(DATA), dtype=object).T.tolist()
    yield odd("turned: a column a series", turned, ".")
    turned = [
        [f"series {i}" for i in range(12)],
        *np.array(sheet(DATA, titles=None, label=None), dtype=object).T.tolist(),
    ]
    yield odd("turned, titled series i", turned, "another fraction|no column|alone in|titled")
    yield odd(
        "titles of numbers that are no times",
        [["y", "9", "4", "7", "1", "3", "8", "2"], *sheet(DATA, titles=None)],
        "order of time",
    )
    yield odd("equal rows", [*sheet(DATA), *sheet(DATA)[1:]], "both splits")
    yield odd(
        "a count of rows behind",
        [[*row, "n" if not i else str(i)] for i, row in enumerate(sheet(DATA))],
        "not called as",
    )
    yield odd(
        "an index from 1 without a title",
        [["" if not i else str(i), *row] for i, row in enumerate(sheet(DATA))],
        right=DATA,
    )
    yield odd(
        "an index without a title and delimiter",
        [row if not i else [str(i), *row] for i, row in enumerate(sheet(DATA))],
        "columns under .* titles.*index",
    )
    yield odd(
        "an index that was shuffled",
        [["" if not i else str((i * 5) % 13), *row] for i, row in enumerate(sheet(DATA))],
        "not called as|counts|index",
        right=DATA,
    )
    yield odd(
        "single quotes around all", [[f"'{cell}'" for cell in row] for row in sheet(DATA)], "quot|\"'t0'\""
    )
    yield odd(
        "delimiters mixed", text(sheet(DATA)[:6]) + text(sheet(DATA)[6:], delimiter=";"), "row 1: 1 column"
    )
    yield odd(
        "decimal marks mixed",
        text(sheet(DATA)[:6], delimiter=";") + text(sheet(DATA)[6:], delimiter=";").replace(b".", b","),
        "decimal comma|point",
    )
    yield odd("blanks behind commas", text(sheet(DATA)).replace(b",", b", "), right=DATA)
    yield odd("several blanks between", text(sheet(DATA), delimiter=" ").replace(b" ", b"   "), right=DATA)
    yield odd("blanks that end lines", text(sheet(DATA)).replace(b"\n", b"  \n"), right=DATA)
    yield odd("delimited by ::", text(sheet(DATA)).replace(b",", b"::"), "one column|delimit")
    yield odd("delimited by ^", text(sheet(DATA)).replace(b",", b"^"), "one column|delimit")
    yield odd(
        "said to be delimited by ^",
        text(sheet(DATA)).replace(b",", b"^"),
        right=DATA,
        layout=Layout(delimiter="^"),
    )
    yield odd("quotes by a backslash", text(sheet(DATA)).replace(b"walk", b'"to \\"walk\\""'), "quote")
    for n in (0, 1, 2):
        ragged = sheet(DATA, titles=None)
        yield odd(
            f"rows of unequal lengths {n}",
            [row[: 8 - (i + n) % 3] for i, row in enumerate(ragged)],
            "differ in length",
        )


def every():
    """Yield every case of this module."""
    for make in (dialects, structures):
        yield from make()
