"""The chain of signatures, read by rules of its own, and the administrator's tool beside it."""

import base64
import hashlib
import json
import os
import pathlib
import subprocess
import time

BUILD = pathlib.Path(os.environ.get("SALLYPORT_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))


def files(state):
    return [*sorted(state.glob("signatures.log.*")), state / "signatures.log"]


def records(state):
    """All of them, with their hashes; that each holds the hash of the one before is checked."""
    found, before = [], "0" * 64
    for path in files(state):
        for line in path.read_bytes().splitlines(keepends=True):
            assert line.endswith(b"\n"), "a line has no end"
            record = json.loads(line)
            assert record["previous"] == before, f"record {record['n']} does not follow the one before"
            assert record["n"] == len(found) + 1, f"record {record['n']} stands at {len(found) + 1}"
            before = record["hash"] = hashlib.sha256(line[:-1]).hexdigest()
            found.append(record)
    return found


def head(state):
    first, line = (state / "signatures.head").read_text().splitlines()
    assert first == "sallyport-signatures 1"
    number, digest = line.split()
    return int(number), digest


def await_head(state, number, seconds=5):
    """It follows once in a second."""
    until = time.monotonic() + seconds
    while not (state / "signatures.head").exists() or head(state)[0] < number:
        assert time.monotonic() < until, "the head does not follow"
        time.sleep(0.05)


def fingerprint(blob):
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def verify(*arguments, tool=BUILD / "service/ctl/sallyport"):
    """What the tool finds, and its exit status."""
    done = subprocess.run([str(tool), "key", "log", "verify", "--json", *map(str, arguments)], capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)
    assert done.returncode in (0, 1), done.stderr.decode(errors="replace")
    return done.returncode, json.loads(done.stdout)


def must_verify(state, count):
    status, found = verify(state)
    assert status == 0 and found["whole"], found["findings"]
    assert found["records"] == count, f"{found['records']} records, and not {count}"
    return found


def must_find(state, *kinds):
    status, found = verify(state)
    assert status == 1 and not found["whole"]
    assert [row["kind"] for row in found["findings"]] == list(kinds), found["findings"]
