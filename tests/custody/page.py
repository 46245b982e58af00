"""What an operator's page tells to type, and what it says is printed then: sections of an mdoc page with their literal
displays (.Bd -literal ... .Ed). A line in a display that begins with

    "# "    is typed by root on the box
    "$ "    is typed by a user, elsewhere

and goes on in the next line if it ends with a backslash, or up to the word that closes its here-document. Lines behind it,
up to the next command or the end of the display, are what it prints, in which "..." stands for anything within a line, and a
line of "..." for any lines. A display that begins with no command, such as a part of the log, is shown by whatever was done before it.
The comment

    .\\" status N

in front of a command, in the display, says that its exit status is N instead of 0.
"""

import dataclasses
import re

ESCAPES = {"\\&": "", "\\e": "\\", "\\-": "-", "\\(aq": "'", "\\(dq": '"', "\\(ti": "~", "\\(ha": "^", "\\(ga": "`"}


@dataclasses.dataclass
class Command:
    who: str  # "#" or "$"; "" for a display without a command
    text: str
    line: int
    status: int = 0
    shown: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Section:
    title: str
    commands: list


def plain(text):
    """A line of a display as the reader sees it."""
    def one(match):
        if match.group() not in ESCAPES:
            raise ValueError(f"the escape {match.group()} is not one that this reader knows")
        return ESCAPES[match.group()]
    return re.sub(r"\\\(..|\\.", one, text)


def continues(command):
    """Whether more of it is to come: behind a backslash, or in a here-document."""
    here = re.search(r"<<'?(\w+)'?", command.text)
    lines = command.text.split("\n")
    return lines[-1].endswith("\\") or (here is not None and here.group(1) not in lines[1:])


def read(path):
    sections, display, status = [], None, 0
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if line.startswith((".Sh ", ".Ss ")):
            sections.append(Section(line[4:].strip('"'), []))
        elif line.startswith(".Bd -literal"):
            display = []
        elif line == ".Ed":
            if display:
                assert not continues(display[-1]), f"{path.name}:{display[-1].line}: the command has no end"
                sections[-1].commands += display
            display = None
        elif display is not None and line.startswith('.\\" status '):
            status = int(line.split()[2])
        elif display is not None:
            assert not line.startswith("."), f"{path.name}:{number}: a macro in a display"
            take_line(display, plain(line), number, status)
            status = status if display and display[-1].line != number else 0
    return sections


def take_line(display, text, number, status):
    if display and display[-1].who and not display[-1].shown and continues(display[-1]):
        display[-1].text += "\n" + text
    elif text.startswith(("# ", "$ ")):
        display.append(Command(text[0], text[2:], number, status))
    else:
        if not display:
            display.append(Command("", "", number))
        display[-1].shown.append(text)


def fits(shown, printed):
    """Whether printed lines are what the page shows."""
    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += "[^\n]*?".join(re.escape(part) for part in line.split("...")) + r"[ \t]*\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in printed)) is not None
