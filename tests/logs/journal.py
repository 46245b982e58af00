"""A socket in the place of journald's: what the server sends is kept as it comes (systemd.io/JOURNAL_NATIVE_PROTOCOL)."""

import os
import pathlib
import socket
import struct
import subprocess
import threading

import schema

SOCKET = pathlib.Path("/run/systemd/journal/socket")
LEVELS = {"3": "error", "4": "warning", "5": "notice", "6": "info", "7": "debug"}
# Of the entry itself; the others carry the prefix.
OWN = {"MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "SYSLOG_PID", "CODE_FILE", "CODE_LINE", "CODE_FUNC"}


class Journal:
    def __init__(self):
        SOCKET.parent.mkdir(parents=True, exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind(str(SOCKET))
        os.chmod(SOCKET, 0o666)
        self.entries = []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while True:
            entry = parse(self.socket.recv(1 << 18))
            if entry is None:
                return
            self.entries.append(entry)

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"\n", str(SOCKET))
        self.thread.join(10)
        self.socket.close()
        SOCKET.unlink()

    def lines(self):
        """As fail2ban's journal backend puts entries together."""
        for entry in self.entries:
            pid = f"[{int(entry['SYSLOG_PID'], 0)}]" if "SYSLOG_PID" in entry else "[4711]"
            yield f"2026-11-21T17:00:00.000000Z box {entry['SYSLOG_IDENTIFIER']}{pid}: {entry['MESSAGE']}\n"


def parse(octets):
    entry = {}
    while octets:
        line, _, octets = octets.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not line:
            return None
        if not equals:
            (size,) = struct.unpack("<Q", octets[:8])
            value, octets = octets[8:8 + size], octets[9 + size:]
        name = name.decode("ascii")
        assert name not in entry, f"{name} twice"
        entry[name] = value.decode("ascii")
    return entry


def check_entry(entry):
    assert {"MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY", "SALLYPORT_EVENT", "SALLYPORT_PROGRAM"} <= set(entry)
    strange = {name for name in entry if name not in OWN and not name.startswith("SALLYPORT_")}
    assert not strange, strange
    event = entry["SALLYPORT_EVENT"]
    assert entry["MESSAGE_ID"] == schema.ROWS[event][3], f"{event} is {entry['MESSAGE_ID']}"
    fields = {name[10:].lower() for name in entry if name.startswith("SALLYPORT_")} - {"event", "program"} - schema.OF_CONNECTIONS
    schema.check_row(event, entry["SALLYPORT_PROGRAM"], LEVELS[entry["PRIORITY"]], fields)
    if "SALLYPORT_CONNECTION" in entry:
        assert int(entry["SYSLOG_PID"]) == int(entry["SALLYPORT_CONNECTION"], 16) & 0x7fffffff, entry


def catalog_of(path, directory):
    """The catalog as journalctl reads it: id -> entry."""
    place = directory / "usr/lib/systemd/catalog"
    place.mkdir(parents=True)
    (directory / "var/lib/systemd/catalog").mkdir(parents=True)
    (place / path.name).write_bytes(path.read_bytes())
    subprocess.run(["journalctl", f"--root={directory}", "--update-catalog"], check=True, capture_output=True)
    dump = subprocess.run(["journalctl", f"--root={directory}", "--dump-catalog"], check=True, capture_output=True, text=True).stdout
    found = {}
    for part in dump.split("\n-- ")[0:]:
        head, _, text = part.removeprefix("-- ").partition("\n")
        found[head.split()[0]] = text
    return found
