"""`sallyport events`: what was written, what is written now, and what a slow reader misses."""

import json
import os
import select
import signal
import socket
import time

from rig import PORT, ask, call, lines, nobody_is_connected, started, wait_for
from suite import expect


def what_the_log_has_is_remembered(rig):
    rig.server.mark()
    assert rig.run("true").returncode == 0
    ended = rig.server.wait_event("ended")
    found = [record for record in lines("events", "--connection", ended["connection"])]
    expect([record["event"] for record in found], [event["event"] for event in rig.server.events()
                                                   if event.get("connection") == ended["connection"]], "events")
    expect(found[-1], ended, "the last record")
    (login,) = lines("events", "--connection", ended["connection"], "--event", "login")
    expect((login["user"], login["methods"]), ("alice", "publickey"), "login")
    expect(len(lines("events", "3")), 3, "records")
    code, out, _ = call("events", "--connection", ended["connection"], "--event", "login")
    assert code == 0 and out.rstrip().endswith(login["message"]) and ended["connection"] in out, out


def arguments_that_are_wrong_are_refused(_):
    for arguments in (["--event", "no such"], ["--event", "UPPER"], ["x"], ["--connection", "x" * 16]):
        code, _, error = call("events", *arguments)
        assert code in (2, 255) and "expected" in error, (arguments, error)


def read_line(process, seconds=10):
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    assert ready, "nothing comes"
    return json.loads(process.stdout.readline())


def what_happens_is_followed(rig):
    with started("events", "0", "--follow", "--json", "--event", "login", bufsize=0) as process:
        time.sleep(0.3)
        with rig.session() as (_, row):
            expect((read_line(process)["connection"]), row["id"], "the login")
        process.send_signal(signal.SIGINT)
        expect(process.wait(10), -signal.SIGINT, "status after ctrl-C")
    wait_for(nobody_follows)


def nobody_follows():
    with started("events", "0", "--follow", "--json") as process:
        time.sleep(0.2)
        return process.poll() is None


def connect_many(count):
    for _ in range(count):
        with socket.create_connection(("127.0.0.1", PORT)):
            pass


def a_slow_reader_is_told_what_it_missed(rig):
    """It is stopped while others make records, and the server goes on."""
    with started("events", "0", "--follow", "--json", bufsize=0) as process:
        time.sleep(0.3)
        os.kill(process.pid, signal.SIGSTOP)
        for _ in range(20):
            connect_many(100)
        wait_for(nobody_is_connected, 30)
        assert rig.run("true").returncode == 0, "the server waits for a reader"
        os.kill(process.pid, signal.SIGCONT)
        until, lost, seen = time.monotonic() + 15, None, 0
        while lost is None and time.monotonic() < until:
            record = read_line(process, 15)
            seen += 1
            if record["event"] == "records_lost":
                lost = int(record["count"])
        assert lost, f"{seen} records and nothing lost"
        with rig.session("-c", "aes128-ctr") as (_, row):
            while True:
                record = read_line(process)
                if record["event"] == "login":
                    break
            expect(record["connection"], row["id"], "a record after those that were lost")
    return f"{seen} records, {lost} lost"


def so_many_may_follow(_):
    with started("events", "--follow") as a, started("events", "--follow") as b, started("events", "--follow") as c, \
            started("events", "--follow") as d:
        time.sleep(0.5)
        expect([process.poll() for process in (a, b, c, d)], [None] * 4, "followers")
        code, _, error = call("events", "--follow")
        assert code == 255 and "follow already" in error, error
        ask("status")  # who only asks still can
    def place_again():
        with started("events", "0", "--follow") as process:
            time.sleep(0.3)
            return process.poll() is None
    wait_for(place_again)


def a_follower_is_not_timed_out(rig):
    with started("events", "0", "--follow", "--json", "--event", "login", bufsize=0) as process:
        time.sleep(21)  # longer than a client that asks may be silent
        expect(process.poll(), None, "the follower")
        with rig.session() as (_, row):
            expect(read_line(process)["connection"], row["id"], "the login")


TESTS = (what_the_log_has_is_remembered, arguments_that_are_wrong_are_refused, what_happens_is_followed,
         a_slow_reader_is_told_what_it_missed, so_many_may_follow, a_follower_is_not_timed_out)
