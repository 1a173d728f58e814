"""Pages of the documentation as what their reader does: code blocks, and the marks of those that no test runs.

A block of `sh` or `python` is run, in the order of the page and in one shell. A block with a name, as in `json event.json`, is a
file that the commands behind it can read. What cannot be run has a comment with the reason on the line before it:
`<!-- not run: the reason -->`.
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
_BLOCK = re.compile(r"(?:^[ ]*<!-- not run: (?P<why>.+) -->\n)?^(?P<indent>[ ]*)```(?P<info>.*)\n(?P<text>(?:.*\n)*?)(?P=indent)```$", re.M)


@dataclass(frozen=True)
class Block:
    """A code block: its kind, the name of the file that it is or None, its text, and why it is not run or None."""

    kind: str
    name: str | None
    text: str
    why_not: str | None
    line: int


def blocks(text):
    """All code blocks of a page."""
    found = []
    for match in _BLOCK.finditer(text):
        kind, _, name = match["info"].strip().partition(" ")
        line = text.count("\n", 0, match.start("info")) + 1
        found.append(Block(kind, name or None, textwrap.dedent(match["text"]), match["why"], line))
    return found


def commands(text):
    """The blocks of a page that are for a shell."""
    return [block for block in blocks(text) if block.kind in ("sh", "python", "bash") and block.name is None]


def script(text, folder):
    """What a reader types who follows the page, with its files written to `folder`."""
    lines = ["set -euo pipefail"]
    for block in blocks(text):
        if block.name:
            (folder / block.name).write_text(block.text)
        elif block.why_not is None and block.kind in ("sh", "bash"):
            lines += [f": line {block.line}", block.text]
        elif block.why_not is None and block.kind == "python":
            lines += [f": line {block.line}", f"python3 - <<'END_OF_BLOCK'\n{block.text}END_OF_BLOCK"]
    return "\n".join(lines)
