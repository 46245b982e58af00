"""Attacks of a worker on everybody else: not to get in, but to keep others out. Each asserts that a client who comes
meanwhile is served. Same conventions as attacks.py."""

import contextlib
import os
import signal
import time

from attacks import attack
from ipc import Closed, encode, string
from ssh import Exchange

REAP = 4.0  # seconds after which the monitor forgets a worker whose zygote says nothing of its end
PATIENCE = 10.0  # seconds that a client may have to wait while somebody else misbehaves


@contextlib.contextmanager
def endlessly(*jobs):
    """Sends each (link, octets) over and over, from a process of its own, until the block ends."""
    children = []
    for link, data in jobs:
        pid = os.fork()
        if pid == 0:
            link.sock.settimeout(None)
            with contextlib.suppress(Closed, OSError):
                while True:
                    link.send_bytes(data)
            os._exit(0)
        children.append(pid)
    try:
        yield
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def others_are_served(c, clients=5):
    until = time.monotonic() + PATIENCE
    for _ in range(clients):
        other = c.stack.connect()
        other.exchange()
        other.close()
    assert time.monotonic() < until, "others had to wait for too long"


@attack
def log_lines_without_end(c):
    line = encode("event", level=6, name="spam", text=b"x")
    loud = [c] + [c.stack.connect() for _ in range(15)]
    with endlessly(*((connection.link, line) for connection in loud)):
        time.sleep(0.5)
        others_are_served(c)


@attack
def messages_out_of_phase_without_end(c):
    """After `end` what a worker sends is dropped; that must not be free of charge for others either."""
    c.link.send("ask_signature", transcript=b"")
    with endlessly((c.link, encode("ask_login", user="alice"))):
        others_are_served(c)


@attack
def log_lines_without_end_after_login(c):
    c.login()
    with endlessly((c.link, encode("event", level=6, name="spam", text=b"x"))):
        time.sleep(0.5)
        others_are_served(c)


def large_exchange(c, language=28000):
    """As honest as any, from a client that fills its KEXINIT with languages: 35000 octets are legal."""
    exchange = Exchange(c.stack.offer, c.stack.ident)
    head, tail = exchange.i_c[:-13], exchange.i_c[-5:]
    exchange.i_c = head + string(b"x" * language) + string(b"") + tail
    return exchange


@attack
def large_transcripts_of_many_at_once(c):
    """More octets than one link may queue. The signer must neither be given up nor anybody refused."""
    before = c.stack.logs().count("service_lost")
    connections = [c] + [c.stack.connect() for _ in range(90)]
    asked = [(connection, large_exchange(connection)) for connection in connections]
    for connection, exchange in asked:
        connection.link.send("ask_signature", transcript=exchange.transcript())
    for connection, exchange in asked:
        answer = connection.expect("signature")
        assert answer.values["h"] == exchange.h(), "another connection's answer"
    assert c.stack.logs().count("service_lost") == before, "the monitor has lost a service"
    for connection in connections[1:]:
        connection.close()


@attack
def a_login_that_only_the_log_has_seen(c):
    """Nobody who reads the log by event, user or peer may take a worker's words for the monitor's."""
    fields = b"".join(string(x) for x in ("user", "root", "peer", "192.0.2.7", "event", "login", "program", "monitor"))
    for name in ("login", "auth", "accepted"):
        c.link.send("event", level=6, name=name, text=b"Accepted password for root", fields=fields)
    c.exchange()
    rows = [row for row in c.stack.records() if row.get("connection") == f"{c.number:016x}"]
    said = [row for row in rows if "Accepted password for root" in row["message"]]
    assert len(said) == 3, "the words were lost"
    for row in said:
        assert row["event"] == "claim" and row["program"] == "worker", row
        assert row["message"].startswith("worker: ") and row["peer"] == "127.0.0.1" and "user" not in row, row


@attack
def clients_that_go_while_their_transcripts_wait(c):
    time.sleep(REAP)  # those of the attack before still count for MaxStartups
    connections = [c.stack.connect() for _ in range(90)]
    for connection in connections:
        connection.link.send("ask_signature", transcript=large_exchange(connection).transcript())
    for connection in connections[::2]:
        connection.close()
    for connection in connections[1::2]:
        connection.expect("signature")
        connection.close()
    c.exchange()
