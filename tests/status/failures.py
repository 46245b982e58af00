"""`sallyport failures`: each with its right reason, and no source pushes out another's."""

import socket

from rig import PORT, ask, call, nobody_is_connected, wait_for
from suite import expect


def new_failures(before, count=1):
    """Those since then, once there are so many."""
    def there():
        found = ask("failures")
        return found["failures"][-(found["total"] - before):] if found["total"] >= before + count else None
    return wait_for(there)


def total():
    return ask("failures")["total"]


def one(rows, **wanted):
    found = [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]
    assert found, f"no {wanted} in {rows}"
    return found[0]


def a_wrong_password_and_an_unknown_user(rig):
    before = total()
    assert not rig.password("alice", "wrong")
    assert not rig.password("nobody-here", "wrong")
    rows = new_failures(before, 2)
    one(rows, stage="authentication", user="alice", method="password", address="127.0.0.1")
    one(rows, stage="authentication", user="nobody-here", method="password", reason="no such user")
    code, out, _ = call("failures", "5")
    assert code == 0 and "nobody-here" in out and "no such user" in out, out


def nothing_in_common(rig):
    before = total()
    done = rig.run("true", options=["-o", "Ciphers=aes128-cbc"])
    assert done.returncode == 255
    row = one(new_failures(before), stage="negotiation", address="127.0.0.1")
    assert "cipher" in row["reason"] and "aes128-cbc" in row["reason"], row


def too_many_startups(rig):
    rig.server.reload(["PerSourceMaxStartups 2"])
    before, peers = total(), []
    try:
        for _ in range(3):
            peers.append(socket.create_connection(("127.0.0.1", PORT)))
            peers[-1].recv(64)
        row = one(new_failures(before), stage="admission")
        expect((row["reason"], row["address"]), ("per_source_max_startups", "127.0.0.1"), "failure")
    finally:
        for peer in peers:
            peer.close()
        rig.server.reload([])


def no_login_in_time(rig):
    rig.server.reload(["LoginGraceTime 1"])
    before = total()
    with socket.create_connection(("127.0.0.1", PORT)) as peer:
        peer.recv(64)
        one(new_failures(before), stage="timeout")
    rig.server.reload([])


def a_broken_protocol(rig):
    before = total()
    with socket.create_connection(("127.0.0.1", PORT)) as peer:
        peer.sendall(b"SSH-2.0-x\r\n" + b"\xff" * 64)
        while peer.recv(4096):
            pass
    one(new_failures(before), stage="protocol", address="127.0.0.1")


def users_do_not_move_the_cursor(rig):
    before = total()
    assert not rig.password("a\033[2Jb", "wrong")
    one(new_failures(before), user="a\033[2Jb")
    out = call("failures", "3")[1]
    assert "\033" not in out and "a\\x1b[2Jb" in out, repr(out)


def a_source_that_floods_pushes_out_nobody_else(rig):
    before = total()
    assert not rig.password("carol", "wrong", address="127.0.0.77")
    new_failures(before)
    wait_for(nobody_is_connected)
    rig.server.reload(["MaxConnections 1"])
    try:
        with rig.session():
            for _ in range(700):
                with socket.create_connection(("127.0.0.1", PORT), source_address=("127.0.0.66", 0)) as peer:
                    peer.recv(64)

            def flooded():
                return total() >= before + 701
            wait_for(flooded)
    finally:
        rig.server.reload([])
    found = ask("failures")
    one(found["failures"], address="127.0.0.77", user="carol")
    one(found["failures"], address="127.0.0.66", reason="max_connections")
    expect(len(found["failures"]), 512, "failures that are kept")
    assert found["crowded_out"] >= 700 - 512, found["crowded_out"]
    expect(found["by_stage"]["admission"] >= 700, True, "counted by stage")
    # Those that are there no longer are counted all the same.
    assert found["last_hour"] >= 701 and ask("status")["failures_last_hour"] >= 701


def a_number_is_a_number(_):
    for text in ("x", "-1", "0", "99999999"):
        code, _, error = call("failures", "--", text)
        assert code in (2, 255) and "expected" in error, (text, error)
    expect(len(ask("failures", "3")["failures"]), 3, "failures")


TESTS = (a_wrong_password_and_an_unknown_user, nothing_in_common, too_many_startups, no_login_in_time, a_broken_protocol,
         users_do_not_move_the_cursor, a_source_that_floods_pushes_out_nobody_else, a_number_is_a_number)
