"""A running server and its control socket: what the tool asks of it, who may ask, and what asking can not do."""

import contextlib
import glob
import json
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import time

import server
import tool
import world
from suite import expect

sys.path.insert(0, str(tool.TOP / "tests/rogue"))

import ipc  # noqa: E402

PORT = 2298
DIRECTORY = world.STATE / "policies"


def lines(*more, policy="SITE"):
    return [f"Policy {policy}", f"PolicyDirectory {DIRECTORY}", *more]


def control():
    (path,) = glob.glob("/run/sallyport-launch.*/control.sock")
    return path


def ask(command, *arguments, status=0):
    return tool.found("policy", command, "--socket", control(), *arguments, status=status)


def ssh(*options):
    return ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
            "-o", "LogLevel=ERROR", "-i", str(world.STATE / "keys/key_ed25519"), "-p", str(PORT), *options, "alice@127.0.0.1"]


# ---- running ------------------------------------------------------------------------------------------------------

def running(status):
    return ask("running", "--directory", DIRECTORY, status=status)


def what_runs_is_what_the_files_say(instance):
    result = running(0)
    (current,) = [row for row in result["running"]["generations"] if row["state"] == "current"]
    expect((current["policy"], result["running"]["policy_mode"]), ("SITE", "enforce"), "policy and mode")
    expect(current["digest"], result["files"]["digest"], "digest")
    expect(current["lists"]["Ciphers"], result["files"]["lists"]["Ciphers"], "Ciphers")
    instance.wait_event(lambda event: event.get("policy_digest", event.get("digest")) == current["digest"], 2)


def a_change_on_disk_is_a_difference_until_it_is_loaded(instance):
    path = DIRECTORY / "SITE.policy"
    before = path.read_text()
    path.write_text(before + "Ciphers -aes128-*\nRequiredRSASize 4096\n")
    difference = running(1)["difference"]
    expect([(row["keyword"], row["removed"], row["added"]) for row in difference["lists"]],
           [("Ciphers", ["aes128-ctr"], [])], "lists")
    assert "aes128-ctr" in tool.call("policy", "running", "--socket", control(), "--directory", DIRECTORY)[1]
    instance.reload(lines())
    running(0)
    path.write_text(before)
    running(1)
    instance.reload(lines())
    running(0)


def a_kind_of_host_key_that_only_the_files_have_is_a_difference(instance):
    path = DIRECTORY / "SITE.policy"
    before = path.read_text()
    path.write_text(before + "HostKeyAlgorithms +ecdsa-sha2-nistp256\n")
    difference = running(1)["difference"]
    expect([(row["keyword"], row["added"]) for row in difference["lists"]],
           [("HostKeyAlgorithms", ["ecdsa-sha2-nistp256"])], "lists")
    instance.reload(lines())
    running(0)
    path.write_text(before)
    instance.reload(lines())


def files_that_are_wrong_are_a_difference(_):
    path = DIRECTORY / "SITE.policy"
    before = path.read_text()
    path.write_text(before + "Cipers x\n")
    assert "unknown keyword" in running(1)["files"]["error"]
    path.unlink()
    assert "there is no SITE.policy" in running(1)["files"]["error"]
    path.write_text(before)
    running(0)


def the_configurations_own_lists_are_looked_at(instance):
    instance.reload(lines("MACs -hmac-sha1*", "Ciphers -aes128-*"))
    running(1)
    ask("running", "--config", instance.path)
    instance.reload(lines())


# ---- connections --------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def connection(instance, *options):
    """A client that is logged in, and the event of what was agreed on."""
    instance.mark()
    process = subprocess.Popen([*ssh(*options), "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        instance.wait_event("login")
        yield instance.wait_event("negotiated")
    finally:
        process.communicate(timeout=10)


def a_live_connection_is_explained(instance):
    with connection(instance, "-c", "aes256-ctr") as event:
        name = f"#{event['connection']}"
        result = tool.found("policy", "explain", "--directory", DIRECTORY, "SITE", "--client", name, "--socket", control())
        chosen = [row["chosen"] for row in result["lists"]]
        expect(chosen[0], event["kex"], "kex")
        expect(chosen[1], event["host_key"], "host key")
        expect(chosen[2], "aes256-ctr", "cipher")
        expect(chosen[4], event["mac_in"], "MAC")
        expect((result["connection"]["user"], result["connection"]["phase"]), ("alice", "login"), "user and phase")
        expect(result["connection"]["policy"], "SITE", "policy")
        assert result["identification"].startswith("SSH-2.0-OpenSSH"), result["identification"]
        refused = tool.found("policy", "explain", "--directory", DIRECTORY, "--all", "SITE:GCM", "--client", name,
                             "--socket", control(), status=1)
        expect(refused["why"], "no common cipher (client to server)", "reason")


def a_connection_that_is_none(_):
    status, _, error = tool.call("policy", "explain", "--directory", DIRECTORY, "SITE", "--client", "#00000000000000ff", "--socket", control())
    assert status == 255 and "no such connection" in error, error


def what_would_be_refused_is_reported(instance):
    assert "enforce" in tool.call("policy", "report", "--socket", control())[1]
    instance.reload(lines("PolicyMode report SITE:GCM"))
    with connection(instance, "-c", "aes256-ctr"):
        result = ask("report", status=1)
    (row,) = result["addresses"]
    expect((row["address"], row["count"], result["policy_report"]), ("127.0.0.1", 1, "SITE:GCM"), "report")
    assert "Ciphers" in row["by_kind"], row
    assert "127.0.0.1" in tool.call("policy", "report", "--socket", control())[1]
    instance.reload(lines())


def our_own_server_is_scanned(_):
    result = tool.found("policy", "scan", f"127.0.0.1:{PORT}", "--directory", DIRECTORY, "--policy", "SITE")
    expect((result["out"], result["strict_kex"]), (0, True), "what is out, and strict key exchange")
    result = tool.found("policy", "scan", f"127.0.0.1:{PORT}", "--directory", DIRECTORY, "--policy", "SITE:GCM", status=1)
    assert result["out"] >= 2, result["out"]


# ---- the socket ---------------------------------------------------------------------------------------------------

def dial():
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.connect(control())
    return peer


def question(name="running", argument=""):
    return ipc.encode("control_ask", question=name, argument=argument)


def answer(peer, seconds=10):
    """(parts, the end), or None if the server closed."""
    parts = b""
    peer.settimeout(seconds)
    while True:
        data = peer.recv(1 << 17)
        if not data:
            return None
        name = ipc.BY_NUMBER[int.from_bytes(data[:2], "big")].name
        fields = ipc.fields_decode(name, data[2:])
        if name == "control_end":
            return parts, fields
        parts += fields["json"]


def as_user(name, command):
    uid = world.USERS[name][0]
    return subprocess.run(["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups", *command],
                          capture_output=True, text=True, check=False)


def root_alone_may_ask_unless_a_group_may(instance):
    mode = os.stat(control())
    expect((mode.st_mode & 0o777, mode.st_uid, mode.st_gid), (0o600, 0, 0), "mode and owner")
    copy = world.STATE / "sallyport"
    shutil.copy(tool.path(), copy)
    command = [str(copy), "policy", "report", "--socket", control()]
    expect(as_user("alice", command).returncode, 255, "status before")
    instance.reload(lines("ControlGroup alice"))
    mode = os.stat(control())
    expect((mode.st_mode & 0o777, mode.st_gid), (0o660, world.USERS["alice"][0]), "mode and group")
    done = as_user("alice", command)
    assert done.returncode in (0, 1), done.stderr
    expect(as_user("bob", command).returncode, 255, "another's status")
    os.chmod(control(), 0o666)  # opened to all by mistake: the server still asks who it is
    done = as_user("bob", command)
    assert done.returncode == 255 and "closed" in done.stderr, done.stderr
    instance.reload(lines())
    assert as_user("alice", command).returncode == 255


def every_question_is_answered_or_refused(_):
    with dial() as peer:
        for name, argument, wanted in (("running", "", True), ("connections", "", True), ("report", "", True),
                                       ("connection", "", False), ("connection", "x" * 1024, False),
                                       ("connections", "12", False), ("report", "999.1.1.1", False), ("shutdown", "", False)):
            peer.send(question(name, argument))
            parts, end = answer(peer)
            expect(bool(end["ok"]), wanted, f"{name} {argument[:8]}")
            if wanted:
                json.loads(parts)


def what_is_no_question_ends_the_client(instance):
    for data in (b"", b"x", b"\xff" * 100, ipc.encode("control_end", ok=1), question(argument="x" * 1025), question()[:-1],
                 ipc.encode("abandon", connection=1)):
        with dial() as peer:
            if data:
                peer.send(data)
            else:
                peer.shutdown(socket.SHUT_WR)
            expect(answer(peer), None, f"answer to {data[:8]!r}")
    assert subprocess.run([*ssh(), "true"], check=False, timeout=20).returncode == 0, "nobody can log in any more"


def more_clients_than_there_is_room_for_wait(_):
    peers = [dial() for _ in range(8)]
    try:
        for peer in peers:
            peer.send(question())
            assert answer(peer)[1]["ok"]
        late = dial()
        late.send(question())
        assert not select.select([late], [], [], 0.5)[0], "a ninth client is served"
        peers.pop().close()
        assert answer(late)[1]["ok"], "its turn does not come"
        late.close()
    finally:
        for peer in peers:
            peer.close()


def a_client_that_does_not_read_is_dropped(instance):
    with dial() as peer, dial() as idle:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        peer.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 100000:
                peer.send(question())
                sent += 1
        began = time.monotonic()
        assert subprocess.run([*ssh(), "true"], check=False, timeout=20).returncode == 0, "nobody can log in"
        assert time.monotonic() - began < 8, "logins are slow"
        expect(ask("running", "--directory", DIRECTORY)["same"], True, "another's answer")
        (monitor,) = instance.pids("sallyportd")
        before = cpu_of(monitor)
        time.sleep(2)
        assert cpu_of(monitor) - before < 1.0, "the monitor is busy with a client that does not read"
        poll = select.poll()
        poll.register(peer, select.POLLHUP)
        poll.register(idle, select.POLLHUP)
        closed, until = set(), time.monotonic() + 30
        while len(closed) < 2 and time.monotonic() < until:
            for fd, events in poll.poll(1000):
                if events & select.POLLHUP:
                    closed.add(fd)
                    poll.unregister(fd)
        expect(len(closed), 2, "clients that were dropped")
    return f"{sent} questions"


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def no_server_is_said(_):
    status, _, error = tool.call("policy", "running", "--socket", "/run/nothing.sock")
    assert status == 255 and "is the server running?" in error, error


def run(ctl):
    DIRECTORY.mkdir()
    for path in (tool.HERE / "policies").iterdir():
        shutil.copy(path, DIRECTORY)
    (DIRECTORY / "GCM.policy").write_text("SubPolicy yes\nDescription \"AES-GCM alone\"\nCiphers -*-ctr\n")
    keys = world.make_client_keys(world.STATE / "keys")
    world.authorize("alice", world.public_key(keys["ed25519"]))
    instance = server.Server(server.Token(keys={"ed25519": "EC:edwards25519"}), name="ctl-server", port=PORT, options=lines())
    try:
        instance.start()
    except RuntimeError as why:
        ctl.fail("a server for the rest", why, lambda: instance.log_tail(20))
        return
    try:
        for function in (what_runs_is_what_the_files_say, a_change_on_disk_is_a_difference_until_it_is_loaded,
                         a_kind_of_host_key_that_only_the_files_have_is_a_difference,
                         files_that_are_wrong_are_a_difference, the_configurations_own_lists_are_looked_at,
                         a_live_connection_is_explained, a_connection_that_is_none, what_would_be_refused_is_reported,
                         our_own_server_is_scanned, root_alone_may_ask_unless_a_group_may,
                         every_question_is_answered_or_refused, what_is_no_question_ends_the_client,
                         more_clients_than_there_is_room_for_wait, a_client_that_does_not_read_is_dropped,
                         no_server_is_said):
            ctl.run(f"live: {function.__name__.replace('_', ' ')}", function, instance, on_failure=lambda: instance.log_tail(6))
    finally:
        instance.stop()
