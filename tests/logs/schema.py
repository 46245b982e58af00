"""What events.def and sallyport-events(7) promise about records, for both forms that have fields."""

import json
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests/arch"))

import events  # noqa: E402

ROWS = {row[0]: row for row in events.rows(TOP)}
ALWAYS = {"time", "level", "event", "program", "message"}
OF_CONNECTIONS = {"connection", "peer", "peer_port", "balancer", "user"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def strict(line):
    """One JSON object in ASCII, and nothing that only this parser would take."""
    def no_twins(pairs):
        assert len({key for key, _ in pairs}) == len(pairs), f"a member stands twice: {pairs}"
        return dict(pairs)

    def refuse(text):
        raise AssertionError(f"not JSON: {text}")

    assert len(line) < 4096 and line.isascii(), f"a line of {len(line)} octets"
    record = json.loads(line, object_pairs_hook=no_twins, parse_constant=refuse)
    assert isinstance(record, dict)
    return record


def check_record(record):
    """A line in the JSON form."""
    assert ALWAYS <= set(record), f"a member is missing: {record}"
    assert all(isinstance(value, str) for value in record.values()), f"a member is no string: {record}"
    assert all(0x20 <= ord(c) <= 0x7e for value in record.values() for c in value), f"a value is not escaped: {record}"
    assert TIME.fullmatch(record["time"]), record["time"]
    if "connection" in record:
        assert re.fullmatch(r"[0-9a-f]{16}", record["connection"]), record
        # What the signer has recorded may be said when the connection has gone.
        assert {"peer", "peer_port"} <= set(record) or record["program"] == "signer", f"nobody's connection: {record}"
    check_row(record["event"], record["program"], record["level"], set(record) - ALWAYS - OF_CONNECTIONS)


def check_row(event, program, level, fields):
    assert event in ROWS, f"{event} has no row in events.def"
    _, programs, levels, _, known, _ = ROWS[event]
    assert program in programs.split(), f"{event} by {program}"
    assert level in levels.split(), f"{event} with {level}"
    assert known == "*" or fields <= set(known.split()), f"{event} has {sorted(fields - set(known.split()))}, which events.def has not"
