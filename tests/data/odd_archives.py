"""Odd files of `.ts` and `.arff`."""

import numpy as np
from odd_files import Odd, hole, known, sheet, text

from lstmfcn.data.layout import Layout

DATA = known()
TWO = known(channels=2, seed=1)


def ts(data, *, head=("@problemName a", "@univariate {one}", "@classLabel true {classes}", "@data")):
    """Return series as `.ts`."""
    names = " ".join(sorted({*data.labels}))
    lines = [line.format(classes=names, one=str(data.X.shape[1] == 1).lower()) for line in head]
    for x, y in zip(data.X, data.labels, strict=True):
        lines.append(":".join([*(",".join(map(repr, channel)) for channel in x.tolist()), y]))
    return "\n".join(lines) + "\n"


def of_ts():
    """Yield odd files of the `.ts` format."""

    def odd(name, content, cause="", *, right=None, layout=None, file="a.ts"):
        content = content if isinstance(content, bytes) else content.encode()
        return Odd(
            name=f".ts: {name}",
            file=file,
            content=content,
            right=right,
            cause=cause,
            layout=layout or Layout(),
        )

    for data in (DATA, TWO):
        sound = ts(data)
        what = f"{data.X.shape[1]} channel(s)"
        names = " ".join(sorted({*data.labels}))
        yield odd(f"sound, {what}", sound, right=data)
        yield odd(f"@DATA, {what}", sound.replace("@data", "@DATA"), right=data)
        yield odd(f"@classlabel, {what}", sound.replace("@classLabel", "@CLASSLABEL"), right=data)
        yield odd(f"True, {what}", sound.replace("Label true", "Label True"), right=data)
        yield odd(f"Windows' line ends, {what}", sound.replace("\n", "\r\n"), right=data)
        yield odd(f"a mark of UTF-8, {what}", sound.encode("utf-8-sig"), right=data)
        yield odd(f"UTF-16, {what}", sound.encode("utf-16"), right=data)
        yield odd(f"comments, {what}", "# made\n" + sound.replace("@data\n", "@data\n# here\n"), right=data)
        yield odd(f"blanks, {what}", sound.replace(",", " , ").replace(":", " : "), right=data)
        yield odd(f"no @data, {what}", sound.replace("@data\n", ""), "before the line @data|no line @data")
        yield odd(
            f"no @classLabel, {what}",
            sound.replace(f"@classLabel true {names}\n", ""),
            "@classLabel|number's place",
        )
        yield odd(f"@classLabel false, {what}", sound.replace(f"true {names}", "false"), "@classLabel|header")
        yield odd(
            f"@classLabel without names, {what}", sound.replace(f" {names}", ""), "@classLabel", right=data
        )
        yield odd(
            f"a class that the header lacks, {what}",
            sound.replace(f" {names}", " walk run"),
            "'sit' is none of the header's",
        )
        yield odd(
            f"labels numbered, no @classLabel, {what}",
            ts(data.but(labels=tuple("12"[i % 2] for i in range(12))), head=("@data",)),
            "@classLabel|values|channel",
        )
        yield odd(f"a label lacking, {what}", sound.replace(":walk\n", "\n", 1), "row|label")
        yield odd(f"a label empty, {what}", sound.replace(":walk\n", ":\n", 1), "the label is missing")
        yield odd(
            f"a value lacking, {what}",
            sound.replace("@univariate", "@equalLength true\n@univariate").replace(",", "", 1),
            "row|equalLength",
        )
        yield odd(
            f"a row cut, @equalLength true, {what}",
            _cut(sound.replace("@data", "@equalLength true\n@data")),
            "row.*(equalLength|length)",
        )
        yield odd(
            f"a row cut, @seriesLength 7, {what}",
            _cut(sound.replace("@data", "@seriesLength 7\n@data")),
            "row.*(seriesLength|length)",
        )
        yield odd(
            f"@seriesLength 9, {what}",
            sound.replace("@data", "@seriesLength 9\n@data"),
            "seriesLength",
            right=None,
        )
        yield odd(
            f"@univariate wrong, {what}",
            sound.replace("@univariate true", "@univariate x").replace(
                "@univariate false", "@univariate true"
            ),
            "univariate" if data is TWO else "",
            right=DATA if data is DATA else None,
        )
        yield odd(f"@dimensions wrong, {what}", sound.replace("@data", "@dimensions 3\n@data"), "dimensions")
        yield odd(f"@timestamps, {what}", sound.replace("@data", "@timestamps true\n@data"), "time stamps")
        yield odd(
            f"time stamps, {what}", sound.replace("@data\n", "@data\n(0,1.5),(1,2.5):walk\n"), "time stamps"
        )
        yield odd(
            f"@targetLabel, {what}", sound.replace("@classLabel", "@targetLabel"), "@targetLabel is not read"
        )
        yield odd(f"a word, {what}", sound.replace(",", ",x", 1), "row 5.*number's place")
        yield odd(
            f"a missing value, {what}",
            sound.replace(f"{data.X[0, 0, 0]},", "?,", 1),
            right=data.but(X=hole(data.X)),
        )
        yield odd(f"a channel more, {what}", sound.replace(":walk\n", ":1,2,3,4,5,6,7:walk\n", 1), "channel")
        yield odd(
            f"a colon lacking, {what}", sound.replace(":walk\n", "walk\n", 1), "number's place|label|row"
        )
        yield odd(f"no series, {what}", sound[: sound.index("@data") + 6], "no series")
        yield odd(f"cut within the header, {what}", sound[:20], "no line @data")
        yield odd(f"named .csv, {what}", sound, r"\.ts format. Rename", file="a.csv")
        yield odd(f"named .arff, {what}", sound, r"\.ts", file="a.arff")
        yield odd(f"a label named, {what}", sound, "--label", layout=Layout(label="last"), right=data)
        for layout in (
            Layout(drop=("1",)),
            Layout(id="1"),
            Layout(values=("1",), id="2"),
            Layout(group="1"),
            Layout(label="none"),
            Layout(transpose=True),
            Layout(decimal=","),
            Layout(delimiter=";"),
            Layout(header=True),
        ):
            (option,) = [
                k
                for k, v in layout.__dict__.items()
                if v not in (None, (), False) and not (k == "id" and layout.values)
            ][:1]
            yield odd(
                f"an option that means nothing there: {option}, {what}", sound, "--|labels", layout=layout
            )
    shorter = known(seed=2)
    X = shorter.X.copy()
    X[4, 0, 5:] = np.nan
    lines = ts(shorter, head=("@equalLength false", "@classLabel true {classes}", "@data")).splitlines()
    lines[7] = ",".join(lines[7].split(":")[0].split(",")[:5]) + ":" + lines[7].split(":")[1]
    yield odd("unequal lengths", "\n".join(lines), "row 8: 5 values, where 11 of 12", right=shorter.but(X=X))
    yield odd(
        "numbers as classes 1 and 1.0",
        ts(known(names="integers")).replace("true 1 2 3", "true 1.0 2.0 3.0"),
        right=known(names="integers"),
        cause="header",
    )


def _cut(text):
    """Take the last value of each channel of the last series away."""
    *lines, last = text.rstrip("\n").split("\n")
    *channels, label = last.split(":")
    return "\n".join([*lines, ":".join([*(c.rsplit(",", 1)[0] for c in channels), label])]) + "\n"


def arff(data, kind=None):
    """Return series of one channel as `.arff`."""
    kind = (
        kind
        or "{"
        + ",".join(f"'{name}'" if not name.isalnum() else name for name in sorted({*data.labels}))
        + "}"
    )
    head = [
        "@relation a",
        *[f"@attribute t{i} numeric" for i in range(data.X.shape[2])],
        f"@attribute target {kind}",
        "@data",
    ]
    body = [
        ",".join([*map(repr, x[0].tolist()), f"'{y}'" if not y.isalnum() else y])
        for x, y in zip(data.X, data.labels, strict=True)
    ]
    return "\n".join([*head, *body]) + "\n"


def of_arff():
    """Yield odd files of the `.arff` format."""

    def odd(name, content, cause="", *, right=None, layout=None, file="a.arff"):
        content = content if isinstance(content, bytes) else content.encode()
        return Odd(
            name=f".arff: {name}",
            file=file,
            content=content,
            right=right,
            cause=cause,
            layout=layout or Layout(),
        )

    sound = arff(DATA)
    phrases = known(names="phrases")
    yield odd("sound", sound, right=DATA)
    yield odd("quoted classes with commas", arff(phrases), right=phrases)
    yield odd("double quotes", arff(phrases).replace("'", '"'), right=phrases)
    apostrophes = DATA.but(
        labels=tuple({"walk": "don't", "run": "run", "sit": "sit"}[y] for y in DATA.labels)
    )
    yield odd(
        "quotes by a backslash",
        arff(apostrophes).replace("'don't'", "'don\\'t'"),
        "quote|backslash",
        right=apostrophes,
    )
    yield odd(
        "quotes of the other kind",
        arff(apostrophes).replace("'don't'", '"don\'t"'),
        "quote",
        right=apostrophes,
    )
    yield odd(
        "@DATA, @ATTRIBUTE, NUMERIC",
        sound.replace("@data", "@DATA").replace("@attribute", "@ATTRIBUTE").replace("numeric", "NUMERIC"),
        right=DATA,
    )
    yield odd(
        "real and integer",
        sound.replace("t0 numeric", "t0 REAL").replace("t1 numeric", "t1 integer"),
        right=DATA,
    )
    yield odd("comments", "% made\n" + sound.replace("@data\n", "@data\n% here\n"), right=DATA)
    yield odd("quoted attributes", sound.replace("@attribute t0", "@attribute 't 0'"), right=DATA)
    yield odd(
        "tabs in the header",
        sound.replace("@attribute ", "@attribute\t").replace(" numeric", "\tnumeric"),
        right=DATA,
    )
    yield odd(
        "tabs between values",
        sound[: sound.index("@data") + 6] + sound[sound.index("@data") + 6 :].replace(",", "\t"),
        "fields|tab",
        right=DATA,
    )
    yield odd("Windows' line ends", sound.replace("\n", "\r\n"), right=DATA)
    yield odd(
        "the label first",
        "@relation a\n@attribute target {walk,run,sit}\n"
        + "".join(f"@attribute t{i} numeric\n" for i in range(7))
        + "@data\n"
        + text(sheet(DATA, titles=None)).decode(),
        right=DATA,
    )
    yield odd("blanks around classes", sound.replace("{run,sit,walk}", "{ run , sit , walk }"), right=DATA)
    yield odd(
        "a class that the header lacks",
        sound.replace("{run,sit,walk}", "{run,sit}"),
        "'walk' is none of the header's",
    )
    yield odd("labels of text", arff(DATA, kind="string"), right=DATA)
    numbered = known(names="integers")
    yield odd("labels said to be numbers", arff(numbered, kind="numeric"), "no labels|@attribute")
    yield odd(
        "labels said to be numbers, --label last",
        arff(numbered, kind="numeric"),
        "--label|@attribute",
        layout=Layout(label="last"),
        right=numbered,
    )
    yield odd("a date", sound.replace("t0 numeric", 't0 date "yyyy"'), "date.*not read")
    yield odd(
        "two attributes of classes", sound.replace("t0 numeric", "t0 {a,b}"), "2 attributes are no numbers"
    )
    yield odd("sparse", sound.replace("@data\n", "@data\n{1 2.5, 7 walk}\n"), "sparse")
    yield odd("a weight behind", sound.replace("walk\n", "walk, {5}\n", 1), "weight|fields")
    yield odd("a value lacking", _less(sound), "6 fields|7 fields, where")
    yield odd("a value more", sound.replace(",walk\n", ",1.5,walk\n", 1), "9 fields, where the header has 8")
    yield odd(
        "an attribute lacking",
        sound.replace("@attribute t3 numeric\n", ""),
        "8 fields, where the header has 7",
    )
    yield odd("no @data", sound.replace("@data\n", ""), "@data")
    yield odd("no @relation", sound.replace("@relation a\n", ""), right=DATA)
    yield odd("no @attribute", "@relation a\n@data\n1,2,a\n", "no @attribute")
    yield odd("a label unknown", sound.replace(",walk\n", ",?\n", 1), "the label is missing")
    yield odd(
        "a value unknown", sound.replace(f"{DATA.X[0, 0, 0]},", "?,", 1), right=DATA.but(X=hole(DATA.X))
    )
    yield odd("a word", sound.replace(",walk\n", "x,walk\n", 1), "number's place")
    yield odd("named .csv", sound, r"\.arff format. Rename", file="a.csv")
    yield odd("named .ts", sound, r"\.arff format. Rename", file="a.ts")
    yield odd("an open quote", sound.replace(",walk", ",'walk", 1), "quote|header's")
    yield odd("no series", sound[: sound.index("@data") + 6], "no series")
    yield odd("columns that are dropped", sound, "--drop", layout=Layout(drop=("1",)))
    yield odd(
        "Latin-1",
        arff(known(names="letters")).encode("latin-1"),
        "Windows-1252",
        right=known(names="letters"),
    )
    yield odd(
        "{0} as a class",
        arff(DATA.but(labels=tuple("0" if y == "sit" else y for y in DATA.labels))),
        right=DATA.but(labels=tuple("0" if y == "sit" else y for y in DATA.labels)),
    )


def _less(text):
    *lines, last = text.rstrip("\n").split("\n")
    return "\n".join([*lines, last.split(",", 1)[1]]) + "\n"


def every():
    """Yield every case of this module."""
    yield from of_ts()
    yield from of_arff()
