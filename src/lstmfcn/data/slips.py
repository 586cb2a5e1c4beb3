"""What stands where a number should: the cause, and the remedy."""

from __future__ import annotations

import re
import unicodedata

MOST = 100
"""Characters of a field that are looked at."""

_NUMBER = r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"

LOCAL = re.compile(
    r"[+-]?\d{1,3}(?:[.,' \u00a0\u202f\u2009’]?\d{3})*,\d*"
    r"|[+-]?\d{1,3}(?:[,' \u00a0\u202f\u2009’.]\d{3})+(?:[.,]\d+)?"
)
"""A number with a decimal comma or marks of thousands."""

_SLIPS = (
    (re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d*|[+-]?\d{1,3}(?:[ ' \u00a0\u202f\u2009’]\d{3})+,\d*"),
     "It has marks of thousands, which are not read: take them out; its decimal comma needs --decimal ','."),
    (LOCAL, "If it is a decimal comma, say --decimal ','; marks of thousands are not read: take them out."),
    (re.compile(r"[-\u2012\u2013\u2014\u2212]+(?<!-)\s?[\d.,]+.*"),
     "Its minus is a sign of typography. Write a plain hyphen, -."),
    (re.compile(r"true|false", re.IGNORECASE), "It is a truth value. Write 1 and 0."),
    (re.compile(r"(?:[-*._]+|n\.?\s?a\.?|missing|n/d|nil|void|-?1\.#\w+|#num!?)", re.IGNORECASE),
     "If the value is missing, leave the cell empty."),
    (re.compile(r"#[A-Z0-9/]+[!?]?"),
     "It is an error of a spreadsheet. Mend its formula, or leave the cell empty."),
    (re.compile(rf"{_NUMBER}\s*%"), "It is a share in percent. Take the sign out of each cell."),
    (re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d{1,2}:\d{2}.*"
                rf"|\d{{1,2}}[- .]+(?:{_MONTHS}).*|(?:{_MONTHS})\w*[- .]+\d.*", re.IGNORECASE),
     "It looks like a time or a date: a file with a row a time step needs --id, --time and --value."),
    (re.compile(rf"{_NUMBER}/\d+"), "It is a fraction. Write it as a decimal number."),
    (re.compile(rf"{_NUMBER}[+-]\d*[.\d]*[ij]"),
     "It is a complex number. Make two channels of it, or one real number."),
    (re.compile(rf"{_NUMBER}(?:[dD][+-]?\d+|\s*[*x×]\s*10\^?[-+\d]*)"),
     "Write its exponent with an e, as in 1.5e3."),
    (re.compile(r"[<>≤≥~≈].*"), "It is a limit, not a value. Write a number, or leave the cell empty."),
    (re.compile(r"\[.*|\{.*|.*[,;].*\)"), "It looks like a list. Give each value a column of its own."),
    (re.compile(rf"\(\s*{_NUMBER}\s*\)"),
     "It stands in brackets. Take them away; a negative number has a minus."),
    (re.compile(r"[+-]?\d+_.*"), "Numbers have no underscore. Take it out."),
    (re.compile(r"[€$£¥]\s?[-\d.,]+|[\d.,eE+-]+\s*[^\d\s.,+;-]+(?:[²³/^\w]*)"),
     "It looks like a number with a unit. Take the unit out."),
)  # fmt: skip

NUMERIC = re.compile(
    r"[€$£¥<>(=\"'~\u2212\u2013]{0,3}\s?[+-]?\d[\d.,'’:/+-]*(?:[ \u00a0\u202f\u2009]\d{3}(?!\d)[\d.,]*)*"
    r"(?:[eE][+-]?\d+)?\s?[^\d\s;|\t,]{0,5}"
    r"|true|false",
    re.IGNORECASE,
)
"""What is meant for a value: a number with marks of thousands, a sign or a unit, a date, a truth value."""


def why_no_number(row: int, field: str) -> str:
    """Return a sentence, with a blank before it: what a field may be instead of a number, and the remedy."""
    text = field.strip()[:MOST].strip("\"'")
    if text.startswith("="):
        return " It is a formula. Save the values of the spreadsheet."
    if hidden := hidden_in(text) or next((f"U+{ord(c):04X}" for c in text if c < " "), ""):
        return f" It holds a character that cannot be seen ({hidden}). Take it out."
    if text != field.strip()[:MOST]:
        return " It is quoted within quotes. Take the inner ones away."
    for looks, sentence in _SLIPS:
        if looks.fullmatch(text):
            return f" {sentence}"
    if row <= 2 and not any(map(str.isdigit, text)):
        return " If the row holds titles or units, delete it."
    return " If the row is a header, delete it." if row == 1 else ""


def hidden_in(text: str) -> str:
    """Return the code of a character in a text that takes no room, such as U+200B; empty if there is none."""
    return next((f"U+{ord(c):04X}" for c in text if unicodedata.category(c) == "Cf"), "")


def shown(text: str) -> str:
    """Return a text in quotes, with the codes of its letters where they may be written in several ways."""
    return repr(text) if unicodedata.normalize("NFKC", text) == text else ascii(text)


def alike(texts: list[str], *, numbers: bool) -> tuple[str, str] | None:
    """Return two different texts that look the same, but for case, blanks or the form of their letters.

    Parameters
    ----------
    texts
        Different ones.
    numbers
        Whether 7, 007 and 7.0 look the same, too.
    """
    seen: dict[str, str] = {}
    for text in texts:
        key = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
        if numbers and re.fullmatch(r"\d+(?:\.0*)?", key):
            key = key.partition(".")[0].lstrip("0") or "0"
        if key in seen:
            return seen[key], text
        seen[key] = text
    return None
