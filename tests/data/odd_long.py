"""Long tables, with a row a time step, as people hold and spoil them."""

import numpy as np
from odd_files import Odd, known, text

from lstmfcn.data.layout import Layout

HEAD = ["id", "t", "v", "label", "who"]
LONG = Layout(id="id", time="t", values=("v",), label="label", group="who")
DATA = known().but(ids=tuple(f"s{i}" for i in range(12)), groups=tuple(f"p{i // 2}" for i in range(12)))


def rows_of(data, *, time=str, name="s{}"):
    """Return a table's rows: the name of the series, time, value, label and group."""
    return [
        [name.format(i), time(t), repr(float(v)), data.labels[i], f"p{i // 2}"]
        for i, x in enumerate(data.X)
        for t, v in enumerate(x[0])
    ]


def every():
    """Yield every case of this module."""
    rng = np.random.default_rng(0)
    rows = rows_of(DATA)

    def odd(name, rows, cause="", *, right=None, layout=LONG, head=HEAD, **how):
        content = rows if isinstance(rows, bytes) else text([head, *rows], **how)
        return Odd(
            name=f"long: {name}", file="a.csv", content=content, right=right, cause=cause, layout=layout
        )

    def at(i, column, cell):
        return [[*row[:column], cell, *row[column + 1 :]] if j == i else row for j, row in enumerate(rows)]

    order = rng.permutation(len(rows))
    first = list(dict.fromkeys(order // 7))
    yield odd("sound", rows, right=DATA)
    yield odd("rows in any order", [rows[i] for i in order], right=DATA.take(first))
    yield odd("sorted by time", sorted(rows, key=lambda row: int(row[1])), right=DATA)
    yield odd(
        "semicolons and decimal commas",
        [[c.replace(".", ",") for c in row] for row in rows],
        right=DATA,
        delimiter=";",
    )
    halves = rows_of(DATA, time=lambda t: f"{t / 2}")
    yield odd(
        "times with decimal commas",
        [[c.replace(".", ",") for c in row] for row in halves],
        right=DATA,
        delimiter=";",
    )
    yield odd("no options at all", rows, "--id|hold text|not called as|alone in", layout=Layout())
    yield odd(
        "label alone named",
        rows,
        "--id|hold text|not called as|alone in|number's place",
        layout=Layout(label="label"),
    )
    yield odd(
        "no time named",
        rows,
        "--time|not used|'t'",
        right=DATA,
        layout=Layout(id="id", values=("v",), label="label"),
    )
    yield odd(
        "no time named, in any order",
        [rows[i] for i in order],
        "--time",
        layout=Layout(id="id", values=("v",), label="label"),
    )
    yield odd(
        "no group named",
        rows,
        right=DATA.but(groups=None),
        layout=Layout(id="id", time="t", values=("v",), label="label"),
        cause="who",
    )
    for name, time in (
        ("dates", lambda t: f"2024-05-{29 + t:02d}" if t < 3 else f"2024-06-{t - 2:02d}"),
        (
            "dates and times",
            lambda t: f"2024-05-31 23:59:{57 + t:02d}" if t < 3 else f"2024-06-01 00:00:{t - 3:02d}",
        ),
        ("times of ISO with zones", lambda t: f"2024-05-31T12:00:{t:02d}+02:00"),
        ("times in UTC", lambda t: f"2024-05-31T12:00:{t:02d}.125Z"),
        ("exponents", lambda t: f"{t + 1:e}"),
        ("negative times", lambda t: str(t - 3)),
        ("nanoseconds since 1970", lambda t: str(1717113600000000001 + t)),
        (
            "times of the night of the change",
            lambda t: f"2024-10-27T0{2 + t // 4}:{15 * (t % 4):02d}:00+01:00",
        ),
    ):
        made = rows_of(DATA, time=time)
        yield odd(f"times: {name}", made, right=DATA)
        yield odd(f"times: {name}, any order", [made[i] for i in order], right=DATA.take(first))
    for name, time, cause in (
        ("day first", lambda t: f"{25 + t}/05/2024 12:00", "row 2.*date|row 2.*time"),
        ("month first", lambda t: f"05/{25 + t}/2024", "row 2.*date|row 2.*time"),
        ("day first, ambiguous", lambda t: f"0{t + 1}/05/2024", "row 2.*date|row 2.*time"),
        ("clock", lambda t: f"12:00:{t:02d}", "row 2.*date|row 2.*time"),
        ("clock of twelve hours", lambda t: f"2024-05-31 0{t + 5}:00 PM", "row 2.*date|row 2.*time"),
        ("words", lambda t: f"step {t}", "row 2.*date|row 2.*time"),
        ("some with a zone", lambda t: f"2024-05-31T12:00:{t:02d}{'+02:00' if t % 2 else ''}", "zone"),
        ("some with other zones", lambda t: f"2024-05-31T{12 + t % 2}:00:{t:02d}+0{1 + t % 2}:00", ""),
        (
            "some numbers, some dates",
            lambda t: f"2024-05-31T12:00:{t:02d}" if t % 2 else str(t),
            "row 2|row 3",
        ),
        ("some empty", lambda t: "" if t == 4 else str(t), "row 6.*time is missing"),
        ("nan", lambda t: "nan" if t == 4 else str(t), "row 6.*time"),
        ("infinite", lambda t: "inf" if t == 4 else str(t), "row 6.*time"),
        (
            "the same in summer and winter",
            lambda t: f"2024-10-27 02:{20 * (t % 3):02d}:00",
            "second value at its time",
        ),
        ("numbers with units", lambda t: f"{t} s", "row 2.*time"),
    ):
        made = rows_of(DATA, time=time)
        yield odd(f"times: {name}", made, cause, right=None if cause else DATA)
    yield odd(
        "a step missing in each",
        [row for row in rows if row[1] != "3"],
        right=DATA.but(X=np.delete(DATA.X, 3, axis=2)),
    )
    short = DATA.X.copy()
    short[2, 0, 5:] = np.nan
    yield odd(
        "a series that is shorter",
        [r for r in rows if not (r[0] == "s2" and int(r[1]) > 4)],
        "5 values, where 11 of 12",
        right=DATA.but(X=short),
    )
    hole = DATA.X.copy()
    hole[2, 0, 3] = np.nan
    yield odd("a value missing", at(17, 2, ""), right=DATA.but(X=hole))
    yield odd("a row twice", [*rows, rows[20]], "row 86.*'s2' has a second value at its time")
    yield odd("a time twice", at(17, 1, "4"), "second value at its time")
    yield odd("time as 1 and 1.0", [*rows, [*rows[1][:1], "1.0", *rows[1][2:]]], "second value at its time")
    yield odd("two labels", at(17, 3, "other"), r"row (19|20).*second label")
    yield odd("a label that differs in case", at(17, 3, rows[17][3].upper()), "second label")
    yield odd("two groups", at(17, 4, "p9"), "second group")
    yield odd(
        "a label once a series", [[*r[:3], r[3] if r[1] == "0" else "", r[4]] for r in rows], right=DATA
    )
    yield odd(
        "no label in a series",
        [[*r[:3], "" if r[0] == "s2" else r[3], r[4]] for r in rows],
        "'s2' has no label",
    )
    yield odd("no name", at(17, 0, ""), "row 19, column 1: the name of the series is missing")
    for missing in ("nan", "NaN", "NA", "<NA>", "null", "?"):
        yield odd(f"a name {missing}", at(17, 0, missing), "row 19.*name of the series is missing")
    yield odd("no group", at(17, 4, "nan"), "row 19, column 5: the group is missing")
    yield odd("a word", at(17, 2, "abc"), "row 19, column 3: 'abc'")
    yield odd("a row cut short", [*rows[:17], rows[17][:4], *rows[18:]], "row 19: 4 columns")
    yield odd("a row too long", [*rows[:17], [*rows[17], "1"], *rows[18:]], "row 19: 6 columns")
    yield odd(
        "a blank within a name",
        rows_of(DATA, name="s {}"),
        right=DATA.but(ids=tuple(f"s {i}" for i in range(12))),
    )
    numbered = rows_of(DATA, name="{}")
    yield odd("names of numbers", numbered, right=DATA.but(ids=tuple(map(str, range(12)))))
    zeros = [[f"{int(r[0]):03d}" if i % 2 else r[0], *r[1:]] for i, r in enumerate(numbered)]
    yield odd("names 7 and 007 of one series", zeros, "alike|second value|differ|step")
    yield odd("a delimiter at the ends", text([HEAD, *rows], end=","), right=DATA)
    yield odd("a comment before", b"# logger\n" + text([HEAD, *rows]), "row 1.*comment")
    yield odd("the header again", [*rows[:40], HEAD, *rows[40:]], "row 42.*header|row 42.*number's place")
    yield odd(
        "no header",
        text(rows),
        right=DATA,
        layout=Layout(id="1", time="2", values=("3",), label="4", group="5"),
    )
    yield odd(
        "no such column",
        rows,
        "no column 'when' for --time",
        layout=Layout(id="id", time="when", values=("v",)),
    )
    yield odd("the id named twice", rows, "2 columns 'id'", head=["id", "t", "v", "id", "who"])
    yield odd(
        "the value is the time too",
        rows,
        "--value and --time|both",
        layout=Layout(id="id", time="t", values=("t",), label="label"),
    )
    yield odd(
        "the label is the id too",
        rows,
        "--id and --label|both|alone in",
        layout=Layout(id="id", time="t", values=("v",), label="id"),
    )
    two = known(channels=2, seed=9)
    tall = [
        [f"s{i}", str(t), str(c), repr(float(x[c, t])), two.labels[i]]
        for i, x in enumerate(two.X)
        for t in range(7)
        for c in range(2)
    ]
    head, layout = (
        ["id", "t", "c", "v", "label"],
        Layout(id="id", time="t", channel="c", values=("v",), label="label"),
    )
    yield odd("channels of numbers", tall, right=two, layout=layout, head=head)
    yield odd(
        "channels in any order",
        [tall[i] for i in rng.permutation(len(tall))][::1],
        ".",
        right=None,
        layout=Layout(id="id", time="t", values=("v",), label="label"),
        head=head,
    )
    yield odd(
        "channels not named",
        tall,
        "second value at its time.*--channel",
        layout=Layout(id="id", time="t", values=("v",), label="label"),
        head=head,
    )
    yield odd(
        "a channel that is missing once",
        tall[:1] + tall[2:],
        right=two.but(X=_without(two.X, (0, 1, 0))),
        layout=layout,
        head=head,
    )
    yield odd(
        "a channel without a name",
        [*tall[:9], [*tall[9][:2], "", *tall[9][3:]], *tall[10:]],
        "row 11, column 3: the channel is missing",
        layout=layout,
        head=head,
    )
    yield odd(
        "a channel misspelt",
        [*tall[:9], [*tall[9][:2], "1.0", *tall[9][3:]], *tall[10:]],
        "channel",
        layout=layout,
        head=head,
    )
    side = [
        [f"s{i}", str(t), *map(repr, x[:, t].tolist()), two.labels[i]]
        for i, x in enumerate(two.X)
        for t in range(7)
    ]
    head = ["id", "t", "1", "2", "label"]
    yield odd(
        "columns of channels titled 1 and 2",
        side,
        right=two,
        layout=Layout(id="id", time="t", values=("1", "2"), label="label"),
        head=head,
    )
    head = ["id", "t", "2", "1", "label"]
    yield odd(
        "columns of channels titled 2 and 1",
        side,
        right=two,
        layout=Layout(id="id", time="t", values=("2", "1"), label="label"),
        head=head,
    )


def _without(X, place):
    X = X.copy()
    X[place] = np.nan
    return X
