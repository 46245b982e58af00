"""Every event that a program says has its row in service/monitor/events.def, from that program and with that level; every
row is said by somebody; names and numbers are there once."""

import pathlib
import re

ROLES = {"worker/zygote.c": "zygote", "session/acceptor.c": "acceptor"}  # the others say it as their folder is called
ROW = re.compile(r'^EVENT\((\w+), "([^"]*)", "([^"]*)", "([^"]*)",\s*"([^"]*)",\s*"((?:[^"\\]|\\.)*)",', re.MULTILINE)
# By the convention of all functions that say events, the name follows the level.
SAID = re.compile(r'LOG_LEVEL_([A-Z]+)\s*,\s*(?:\.event\s*=\s*)?"([^"]*)"')
SAYS = {"monitor_say", "monitor_log", "monitor_log_escaped", "log_say", "log_event"}
RELAYS = {"monitor_relay"}  # of what another program has said, whose own call was looked at
# A function that is given level and name, and hands them on: its callers are held to the convention, and not its own call.
HANDS_ON = re.compile(r"\b(\w+)\([^(){};]*\benum log_level level,\s*const char \*(?:event|name)\b")
LEVELS = {"error", "warning", "notice", "info", "debug"}
PROGRAMS = {"monitor", "signer", "zygote", "worker", "acceptor", "session"}


def rows(top):
    """name -> (programs, levels, id, fields, what)"""
    text = (pathlib.Path(top) / "service/monitor/events.def").read_text()
    found = ROW.findall(text)
    assert len(found) == len(re.findall(r"^EVENT\(", text, re.MULTILINE)), "a row of events.def is not understood"
    assert found, "events.def has no rows"
    return found


def statement_before(text, position):
    return text[max(text.rfind(mark, 0, position) for mark in ";{}"):position]


def said(top):
    """(name, program, level, place) of each event that stands in the code."""
    service = pathlib.Path(top) / "service"
    for path in sorted(service.rglob("*.c")):
        place = str(path.relative_to(service))
        program = ROLES.get(place, place.partition("/")[0])
        text = path.read_text()
        for match in SAID.finditer(text):
            levels = {match.group(1)} | set(re.findall(r"LOG_LEVEL_([A-Z]+)", statement_before(text, match.start())))
            for level in levels:
                yield match.group(2), program, level.lower(), place


def rows_are_well_formed(top):
    names, numbers, wrong = set(), set(), []
    for name, programs, levels, number, fields, what in rows(top):
        if name in names or number in numbers:
            wrong.append(f"{name}: twice")
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) or not re.fullmatch(r"[0-9a-f]{32}", number):
            wrong.append(f"{name}: not a name, or {number} is no id")
        if not set(programs.split()) or set(programs.split()) - PROGRAMS or not set(levels.split()) or set(levels.split()) - LEVELS:
            wrong.append(f"{name}: programs or levels")
        if fields != "*" and any(not re.fullmatch(r"[a-z][a-z0-9_]{0,31}", field) for field in fields.split()):
            wrong.append(f"{name}: fields")
        if not what or what.endswith("."):
            wrong.append(f"{name}: what has happened is said in a few words, without a full stop")
        names.add(name)
        numbers.add(number)
    assert not wrong, "; ".join(wrong)


def what_is_said_has_its_row(top):
    table = {row[0]: row for row in rows(top)}
    wrong = set()
    for name, program, level, place in said(top):
        if name not in table:
            wrong.add(f"{place}: {name} has no row in events.def")
        elif program not in table[name][1].split():
            wrong.add(f"{place}: {name} is not {program}'s in events.def")
        elif level not in table[name][2].split():
            wrong.add(f"{place}: {name} with level {level}")
    assert not wrong, "; ".join(sorted(wrong))


def rows_are_said(top):
    heard = set()
    for name, program, level, _ in said(top):
        heard |= {(name, "program", program), (name, "level", level)}
    wrong = set()
    for name, programs, levels, *_ in rows(top):
        if name == "claim":  # made by events.c, of what anybody says
            continue
        wrong |= {f"{name} is not said by {p}" for p in programs.split() if (name, "program", p) not in heard}
        wrong |= {f"{name} is not said with level {l}" for l in levels.split() if (name, "level", l) not in heard}
    assert not wrong, "; ".join(sorted(wrong))


def no_event_escapes_the_check(top):
    """Every call has level and name side by side, as they are looked for above."""
    texts = {path.relative_to(top): path.read_text() for path in sorted((pathlib.Path(top) / "service").rglob("*.[ch]"))}
    functions = (SAYS | {name for text in texts.values() for name in HANDS_ON.findall(text)}) - RELAYS
    call = re.compile(r"\b(" + "|".join(sorted(functions)) + r")\(")
    wrong = []
    for path, text in texts.items():
        for match in call.finditer(text):
            rest = text[match.start():]
            if path.suffix == ".h" or HANDS_ON.match(rest) or re.match(r"[^;\"]*?\blevel, (event|name)\b", rest):
                continue
            if not re.match(r'[^;"]*?LOG_LEVEL_[A-Z]+\s*,\s*"', rest):
                wrong.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}")
    assert not wrong, "an event without a literal name behind a literal level: " + ", ".join(wrong)
