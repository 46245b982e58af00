"""`sallyport sessions`, `session` and `kill`."""

import os
import signal
import subprocess
import time

import openmetrics
import world
from rig import arguments_of, as_user, ask, call, control, wait_for
from suite import expect


def a_login_is_seen(rig):
    with rig.session("-c", "aes256-ctr", "-m", "hmac-sha2-256-etm@openssh.com") as (_, row):
        expect((row["user"], row["address"], row["methods"], row["phase"]), ("alice", "127.0.0.1", "publickey", "login"), "row")
        expect((row["cipher_in"], row["mac_in"]), ("aes256-ctr", "hmac-sha2-256-etm@openssh.com"), "algorithms")
        found = ask("session", row["id"])
        print_of_key = world.run("ssh-keygen", "-l", "-f", f"{rig.keys['ed25519']}.pub").split()[1]
        assert print_of_key in found["detail"], found["detail"]
        expect(found["uid"], world.USERS["alice"][0], "uid")
        assert "--login" in arguments_of(found["login_pid"]), arguments_of(found["login_pid"])
        assert found["client_version"].startswith("SSH-2.0-OpenSSH"), found["client_version"]
        expect(found["channels"], 1, "channels")
        code, out, _ = call("sessions")
        assert code == 0 and out.splitlines()[0].split() == ["ID", "USER", "FROM", "SINCE", "IDLE", "METHOD", "ALGORITHMS"], out
        assert "alice" in out and "aes256-ctr, hmac-sha2-256-etm@openssh.com" in out and "1 sessions listed" in out, out
        expect(found["id"], ask("session", row["id"][-5:])["id"], "by the end of its id")
        expect(found["id"], ask("session", row["id"][:5])["id"], "by the beginning of its id")
        out = call("session", row["id"])[1]
        assert "Credential: " in out and print_of_key in out, out

    def is_gone():
        return not ask("sessions")["sessions"]
    wait_for(is_gone)


def ids_that_are_none_are_refused(_):
    for text, why in (("zz", "expected"), ("12", "expected"), ("x" * 40, "expected"), ("0" * 16, "no such connection"),
                      ("fffffff", "no such connection")):
        code, _, error = call("session", text)
        assert code == 255 and why in error, (text, error)


def echo(process, size):
    """So many octets there and back."""
    process.stdin.write(b"x" * size)
    process.stdin.flush()
    left = size
    while left:
        left -= len(process.stdout.read1(left))


def octets_and_idle_time_are_told(rig):
    size = 1 << 20
    with rig.session() as (process, row):
        echo(process, size)
        time.sleep(2.2)
        found = ask("session", row["id"])
        assert size < found["octets_in"] < size * 1.2 and size < found["octets_out"] < size * 1.2, found
        assert 1 <= found["idle"] <= 10, found["idle"]


def who_is_not_logged_in_is_shown_when_asked_for(rig):
    import socket
    with socket.create_connection(("127.0.0.1", 2222)) as peer:
        peer.recv(64)
        found = ask("sessions")
        expect((found["sessions"], found["others"]), ([], 1), "sessions")
        (row,) = ask("sessions", "--all")["connections"]
        expect(row["phase"], "start", "phase")
        assert "PHASE" in call("sessions", "--all")[1]


def a_killed_session_ends_with_its_reason(rig):
    with rig.session() as (process, row):
        rig.server.mark()
        found = ask("kill", row["id"][-6:], "maintenance", "at", "noon")
        expect((found["connection"]["id"], found["reason"]), (row["id"], "maintenance at noon"), "answer")
        event = rig.server.wait_event("killed")
        expect((event["connection"], event["by_uid"], event["reason"], event["user"]),
               (row["id"], "0", "maintenance at noon", "alice"), "event")
        said = process.stderr.read().decode()
        assert "maintenance at noon" in said, said
        expect(process.wait(10), 255, "the client's status")
        expect(rig.server.wait_event("ended")["reason"], "killed", "how it ended")
    code, _, error = call("kill", row["id"])
    assert code == 255 and "no such connection" in error, error


def a_reason_that_a_terminal_would_obey_is_refused(rig):
    with rig.session() as (process, row):
        for reason in ("\033[2J", "a\nb", "x" * 201):
            code, _, error = call("kill", row["id"], reason)
            assert code == 255 and "expected a reason" in error, error
        expect(process.poll(), None, "the session")


def a_member_of_the_group_asks_and_does_not_kill(rig):
    rig.server.reload(["ControlGroup bob"])
    try:
        with rig.session() as (process, row):
            for command in (["status"], ["sessions"], ["session", row["id"]], ["failures"], ["metrics"], ["events", "5"]):
                code, _, error = call(*command, wrap=as_user("bob"))
                expect((code, error), (0, ""), " ".join(command))
            code, _, error = call("kill", row["id"], wrap=as_user("bob"))
            assert code == 255 and "root alone" in error, error
            for command in (["status"], ["sessions"], ["events"], ["kill", row["id"]]):
                code, out, _ = call(*command, wrap=as_user("carol"))
                expect((code, out), (255, ""), " ".join(command))
            expect(process.poll(), None, "the session")
            subprocess.run(["chmod", "0666", control()], check=True)  # opened by mistake: the server asks who it is all the same
            code, _, error = call("kill", row["id"], wrap=as_user("carol"))
            assert code == 255 and "closed" in error, error
            expect(process.poll(), None, "the session")
    finally:
        rig.server.reload([])


def a_new_monitor_tells_the_same(rig):
    """Of a session that was there before it; and counts its octets from then on."""
    size = 1 << 20
    with rig.session() as (process, row):
        echo(process, size)
        time.sleep(1.1)  # a worker is asked once in a second
        before = ask("session", row["id"])
        assert before["octets_in"] > size, before
        os.kill(rig.monitor(), signal.SIGKILL)

        def is_back():
            return call("session", row["id"], "--timeout", "2")[0] == 0
        wait_for(is_back, 20)
        time.sleep(1.1)
        after = ask("session", row["id"])
        for key in ("user", "uid", "login", "since", "methods", "detail", "login_pid", "session", "address", "port", "kex", "cipher_in",
                    "policy", "client_version"):
            expect(after.get(key), before.get(key), key)
        assert after["octets_in"] >= before["octets_in"], after
        counted = openmetrics.total(openmetrics.parse(call("metrics")[1]), "sallyport_received_bytes")
        assert counted < size, f"{counted} octets, of before as well"
        assert ask("status", status=None)["verdict"].startswith("serving")
        ask("kill", row["id"], "good", "night")
        assert "good night" in process.stderr.read().decode()


TESTS = (a_login_is_seen, a_new_monitor_tells_the_same, ids_that_are_none_are_refused, octets_and_idle_time_are_told,
         who_is_not_logged_in_is_shown_when_asked_for, a_killed_session_ends_with_its_reason,
         a_reason_that_a_terminal_would_obey_is_refused, a_member_of_the_group_asks_and_does_not_kill)
