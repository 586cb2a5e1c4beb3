"""YAML 1.2 as DVC reads it; what would be read otherwise than it was meant is refused."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lstmfcn.errors import ParamsError

TRUTHS = {"y": "true", "yes": "true", "on": "true", "n": "false", "no": "false", "off": "false"}
"""What YAML 1.1 takes for a truth value and YAML 1.2 for text."""

WIDTH = 110
"""Of a line that is written here."""

MOST_VALUES = 100_000
"""With aliases written out: some hundred bytes can stand for billions."""

MOST_BYTES = 200_000
"""A file of that size takes seconds to read, and one that was taken for it by mistake may be of any size."""

MOST_PROBLEMS = 20
"""So many are told at once."""

LONGEST_PROBLEM = 500
"""In characters: a key may be as long as the file."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
"""Text that needs no quotes, unless it is one of the words above or of those below."""

_WORDS = {"true", "false", "null"}


def read(path: Path) -> Any:
    """Return what a file holds; None where it is empty.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ParamsError
        If the file is too large, not UTF-8, not YAML, names a key twice, or holds a word without quotes that
        some readers of YAML take for a truth value.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        text = _text_of(path)
        root = YAML(typ="safe", pure=True).compose(text)
        problems = [] if root is None else list(_problems(root, "", {}))
        if problems:
            raise ParamsError(listed(f"{path} is not understood:", problems))
        return YAML(typ="safe").load(text)
    except (YAMLError, ValueError) as error:
        raise ParamsError(f"{path} is not valid YAML: {error}") from None
    except RecursionError:
        raise ParamsError(f"{path} is not understood: its values are nested too deeply.") from None


def parsed(text: str) -> Any:
    """Return what a text holds that has been read before, or is made of one that has."""
    from ruamel.yaml import YAML

    return YAML(typ="safe").load(text)


def listed(title: str, problems: Sequence[str]) -> str:
    """Return a title with the problems below it, the first of them where there are many."""
    told = [p if len(p) <= LONGEST_PROBLEM else f"{p[:LONGEST_PROBLEM]}..." for p in problems[:MOST_PROBLEMS]]
    more = [f"and {len(problems) - MOST_PROBLEMS:,} more."] if len(problems) > MOST_PROBLEMS else []
    return "\n  - ".join([title, *told, *more])


def with_item(text: str, key: str, item: str) -> str:
    """Return the text of a file with one more item in the list of a top-level key; all else stays as it is.

    Raises
    ------
    ParamsError
        If there is no such list; the item is to be added by hand then.
    """
    from ruamel.yaml import YAML

    root = YAML(typ="safe", pure=True).compose(text)
    nodes = [value for name, value in root.value if name.value == key] if root is not None else []
    by_hand = ParamsError(f"The list of {key} could not be extended. Add {item} to it by hand.")
    if len(nodes) != 1 or nodes[0].id != "sequence" or not nodes[0].value:
        raise by_hand
    items = nodes[0].value
    end, start = items[-1].end_mark, items[-1].start_mark
    at = end.index
    if nodes[0].flow_style:
        new = f", {inline(item)}"
    else:
        at += len(text[at:].partition("\n")[0])  # behind a comment
        dash = text.rindex("-", 0, start.index)
        indent = text[text.rindex("\n", 0, dash) + 1 : dash]
        new = f"\n{indent}- {inline(item)}"
    changed = text[:at] + new + text[at:]
    values, before = (YAML(typ="safe").load(version) for version in (changed, text))
    if values != before | {key: [*before[key], item]}:
        raise by_hand
    return changed


def with_entry(text: str, keys: Sequence[str], value: Mapping[str, Any]) -> str:
    """Return the text of a file with a mapping at a path of keys; all else stays as it is.

    Parameters
    ----------
    text
        Of the file.
    keys
        From the top: those of mappings that are lacking are made, what stands at the last is replaced.
    value
        What is to stand there, on one line.

    Raises
    ------
    ParamsError
        If the text is laid out so that it cannot be done; the entry is to be added by hand then.
    """
    from ruamel.yaml.error import YAMLError

    *above, last = keys
    changed = _with_entry(text, above, last, value)
    try:
        made, wanted = parsed(changed or ""), parsed(text)
        place = wanted
        for key in above:
            place[key] = place.get(key) or {}
            place = place[key]
        place[last] = dict(value)
    except (YAMLError, TypeError, AttributeError):
        made, wanted = None, text
    if changed is None or made != wanted:
        raise ParamsError(
            f"{'.'.join(above)} could not be extended. Add {inline({last: value})[1:-1]} there by hand."
        )
    return changed


def with_block(text: str, block: Sequence[str], *, after: str | None) -> str:
    """Return the text of a file with one more top-level entry; all else stays as it is.

    Parameters
    ----------
    text
        Of the file.
    block
        The lines of the entry, as `entry` makes them.
    after
        The top-level key behind which it is to stand; None: before all others.

    Raises
    ------
    ParamsError
        If the text is laid out so that it cannot be done; the entry is to be added by hand then.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    new = "\n".join(["", *block] if len(block) > 1 else block)
    root = YAML(typ="safe", pure=True).compose(text)
    changed = None
    if root is not None and root.id == "mapping" and not root.flow_style:
        ends = [_end_of_entry(key, own) for key, own in root.value if key.value == after]
        if after is None:
            changed = f"{new}\n{text}"
        elif ends:
            at = ends[0] + len(text[ends[0] :].partition("\n")[0])  # behind a comment
            changed = f"{text[:at]}\n{new}{text[at:]}"
    try:
        made = parsed(changed or "")
    except YAMLError:
        made = None
    if changed is None or made != parsed(text) | parsed(new):
        raise ParamsError(f"The file could not be extended. Add this by hand:\n{new.strip()}")
    return changed


def _with_entry(text: str, above: Sequence[str], last: str, value: Mapping[str, Any]) -> str | None:
    """Return the text with the entry; None where the layout is none that is known."""
    from ruamel.yaml import YAML

    node = YAML(typ="safe", pure=True).compose(text)
    for depth, key in enumerate((*above, last)):
        if node is None or node.id != "mapping":
            return None
        found = next(((name, own) for name, own in node.value if name.value == key), None)
        left = {last: dict(value)} if depth < len(above) else value
        for lacking in reversed(above[depth + 1 :]):
            left = {lacking: left}
        if depth == len(above) and found:
            return _replaced(text, *found, inline(value))
        if found is None:
            return _inserted(text, node, key, left)
        if not found[1].value:  # {} or nothing
            return _replaced(text, *found, inline(left))
        node = found[1]
    return None


def _replaced(text: str, key: Any, node: Any, new: str) -> str | None:
    if node.id == "mapping" and not node.flow_style:
        return None
    start, end = node.start_mark.index, node.end_mark.index
    if node.id == "scalar" and not node.value:  # it stands nowhere: behind the colon
        start = end = text.index(":", key.end_mark.index) + 1
        new = f" {new}"
    return f"{text[:start]}{new}{text[end:]}"


def _inserted(text: str, node: Any, key: str, value: Any) -> str | None:
    """Return the text with one more entry at the end of a mapping."""
    if node.flow_style:
        at = node.end_mark.index - 1
        comma = ", " if node.value else ""
        return f"{text[:at].rstrip()}{comma}{inline({key: value})[1:-1]}{text[at:]}"
    name, final = node.value[-1]
    indent = " " * name.start_mark.column
    at = max(name.end_mark.index, _end_of(final))
    at += len(text[at:].partition("\n")[0])  # behind a comment
    return f"{text[:at]}\n{indent}{inline({key: value})[1:-1]}{text[at:]}"


def _end_of_entry(key: Any, node: Any) -> int:
    """Return where an entry ends; one with nothing behind its colon ends with its key, not at the next."""
    nothing = node.id == "scalar" and node.start_mark.index == node.end_mark.index
    return int(key.end_mark.index) if nothing else max(key.end_mark.index, _end_of(node))


def _end_of(node: Any) -> int:
    """Return where a node ends; a block ends where its last scalar does, before blank lines and comments."""
    if node.id == "scalar" or node.flow_style or not node.value:
        return int(node.end_mark.index)
    inner = node.value[-1]
    return max(map(_end_of, inner)) if isinstance(inner, tuple) else _end_of(inner)


def _text_of(path: Path) -> str:
    if path.exists() and not path.is_file():
        raise ParamsError(f"{path} is no file. Move it away, and put the parameters there.")
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ParamsError(f"{path} is larger than {MOST_BYTES:,} bytes: it is no file of parameters.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParamsError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start:,}). Save it as such."
        ) from None


def inline(value: Any) -> str:
    """Return a value as YAML on one line, which every reader of YAML reads the same."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(inline, value))}]"
    if isinstance(value, Mapping) and value:
        return "{" + ", ".join(f"{inline(key)}: {inline(own)}" for key, own in value.items()) + "}"
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in TRUTHS.keys() | _WORDS
        return value if plain else "".join(map(_escaped, json.dumps(value, ensure_ascii=False)))
    return json.dumps(value)


def comment(text: str, indent: str = "") -> list[str]:
    """Return a text as lines of comment; its paragraphs, which blank lines part, begin a line each."""
    width = WIDTH - len(indent) - 2
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    lines = [line for p in paragraphs for line in textwrap.wrap(p, width, break_on_hyphens=False)]
    return [f"{indent}# {line}" for line in lines]


def entry(
    key: str, value: Any, about: str = "", inner: Mapping[str, str] | None = None, *, indent: str = ""
) -> list[str]:
    """Return a key and its value as lines.

    Parameters
    ----------
    key, value
        The value may be a mapping, of others too.
    about
        A comment, which stands behind the key where there is room, and above it otherwise.
    inner
        Comments of the mapping's own entries.
    indent
        Before each line.
    """
    below: list[str] = []
    line = f"{indent}{key}:"
    if isinstance(value, Mapping) and value:
        for name, own in value.items():
            below += entry(name, own, (inner or {}).get(name, ""), indent=f"{indent}  ")
    elif isinstance(value, list | tuple) and len(f"{line} {inline(value)}") > WIDTH:
        below = [f"{indent}  - {inline(item)}" for item in value]
    else:
        line += f" {inline(value)}"
    above = comment(about, indent)
    if len(above) == 1 and len(f"{line} {above[0].strip()}") <= WIDTH:
        return [f"{line} {above[0].strip()}", *below]
    return [*above, line, *below]


def spaced(blocks: Sequence[Sequence[str]]) -> str:
    """Return blocks of lines as one text, with a blank line around each that has more than one line."""
    text, before = "", 1
    for block in blocks:
        blank = "\n" if text and max(before, len(block)) > 1 else ""
        text += blank + "".join(f"{line}\n" for line in block)
        before = len(block)
    return text


def _escaped(character: str) -> str:
    """Return a character as it may stand between double quotes; JSON knows no escape for all of Unicode."""
    return character if character.isprintable() else f"\\U{ord(character):08x}"


def _problems(node: Any, path: str, sizes: dict[int, int]) -> Iterator[str]:
    """Yield what is wrong with a node and those in it; `sizes` gets the number of values of each."""
    if id(node) in sizes:  # an alias; its own number is still 0 within itself
        if not sizes[id(node)]:
            yield f"{path}, {_line(node)}: holds itself."
        return
    sizes[id(node)] = 0
    if node.id == "scalar":
        children = []
        if node.style is None and (truth := TRUTHS.get(node.value.lower())):
            yield (
                f"{path}, {_line(node)}: write '{node.value}' in quotes: some readers of YAML take it for "
                f"{truth}. If that is meant, write {truth}."
            )
    elif node.id == "sequence":
        children = [(f"{path}.{i}", child) for i, child in enumerate(node.value)]
    else:
        children = [(f"{path}.{_name(key)}", child) for key, child in node.value]
        first: dict[tuple[str, str], Any] = {}
        for key, _ in node.value:
            yield from _problems(key, f"{path}.{_name(key)}".lstrip("."), sizes)
            earlier = first.setdefault((key.tag, _name(key)), key)
            if earlier is not key:
                lines = [k.start_mark.line + 1 for k in (earlier, key)]
                name = f"{path}.{_name(key)}".lstrip(".")
                yield f"{name} stands twice, in lines {lines[0]} and {lines[1]}. Keep one of them."
    for where, child in children:
        yield from _problems(child, where.lstrip("."), sizes)
    sizes[id(node)] = 1 + sum(sizes[id(child)] for _, child in children)
    if sizes[id(node)] > MOST_VALUES >= max((sizes[id(child)] for _, child in children), default=0):
        yield f"{path or 'the file'}, {_line(node)}: stands for more than {MOST_VALUES:,} values."


def _name(key: Any) -> str:
    """Return a key as it is written; keys that are no scalars have no name."""
    return (
        key.value if key.id == "scalar" else f"({key.id} in {_line(key)}, column {key.start_mark.column + 1})"
    )


def _line(node: Any) -> str:
    return f"line {node.start_mark.line + 1}"
