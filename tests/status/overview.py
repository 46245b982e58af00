"""`sallyport status`."""

import os
import signal
import socket

import world
from rig import PORT, ask, call, control
from suite import expect


def no_server_is_a_clear_answer():
    code, out, error = call("status", where="/run/nowhere.sock")
    expect((code, error), (3, ""), "status and errors")
    assert out.startswith("not serving: the server is not running (/run/nowhere.sock: "), out
    expect(ask("status", where="/run/nowhere.sock", status=3)["state"], "down", "state")


def a_socket_that_nobody_answers_is_a_clear_answer():
    """As a service manager holds it for a server that does not start."""
    path = "/run/held.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as held:
        held.bind(path)
        held.listen(4)
        code, out, _ = call("status", "--timeout", "1", where=path)
    expect(code, 3, "status")
    assert out.startswith("not serving: no server answers") and "service manager" in out, out
    code, out, _ = call("status", where=path)  # left over: nobody listens on it any more
    assert code == 3 and "the server is not running" in out, out
    os.unlink(path)


def what_is_shown_is_what_runs(rig):
    found = ask("status")
    expect((found["verdict"], found["state"], found["reachable"]), ("serving", "serving", True), "verdict")
    expect([row["address"] for row in found["listeners"]], [f"127.0.0.1:{PORT}"], "listeners")
    expect(found["pid"], rig.monitor(), "process")
    configured = [event for event in rig.server.events() if event.get("event") == "config_loaded"]
    assert configured, "no event of the configuration"
    expect((found["configuration"]["policy"], found["configuration"]["policy_mode"]), ("DEFAULT", "enforce"), "policy")
    expect(len(found["configuration"]["digest"]), 64, "digest")
    expect([(row["service"], row["connected"], row["connects"]) for row in found["services"]],
           [("signer", True, 1), ("worker", True, 1), ("session", True, 1)], "services")
    expect([row["can_sign"] for row in found["keys"]], [True, True], "keys that can sign")
    expect({row["state"] for row in found["tokens"]}, {"ready"}, "tokens")
    expect(found["limits"]["startups_full"], 400, "MaxStartups")
    code, out, _ = call("status")
    expect((code, out.splitlines()[0]), (0, "serving"), "status and first line")
    for part in (f"Listening: 127.0.0.1:{PORT}", "Policy: DEFAULT, enforced", "signer connected", "can sign", "0 logged in"):
        assert part in out, f"{part} is not in {out}"
    assert "\033" not in out, "colours without a terminal"


def colours_are_for_terminals(_):
    shown = {}
    for name, environment in (("with", ["TERM=xterm"]), ("without", ["TERM=xterm", "NO_COLOR=1"])):
        shown[name] = world.run("env", *environment, "script", "-qec",
                                f"{world.build_directory()}/service/ctl/sallyport status --socket {control()}", "/dev/null")
    assert shown["with"].startswith("\033[1;32mserving\033[0m"), shown["with"][:40]
    assert shown["without"].startswith("serving"), shown["without"][:40]


def a_refused_configuration_is_said_until_one_is_loaded(rig):
    path, before = rig.server.path, rig.server.path.read_text()
    path.write_text(before + "NoSuchKeyword yes\n")
    rig.server.mark()
    for pid in rig.server.pids("sallyport-launch"):
        os.kill(pid, signal.SIGHUP)
    event = rig.server.wait_event("config_refused")
    found = ask("status", status=1)
    assert found["verdict"].startswith("serving, but the last configuration was refused"), found["verdict"]
    expect(found["configuration"]["refused"]["why"], event["why"], "reason")
    assert "NoSuchKeyword" in found["verdict"], found["verdict"]
    code, out, _ = call("status")
    assert code == 1 and "Refused:" in out, out
    generation = found["configuration"]["generation"]
    path.write_text(before)
    rig.server.reload([])
    found = ask("status")
    assert found["configuration"]["generation"] > generation
    expect(found["verdict"], "serving", "verdict")


def a_service_that_died_is_counted(rig):
    (signer,) = [pid for pid in rig.server.pids("sallyport-signer")][:1]
    before = ask("status")["services"][0]["connects"]
    rig.server.mark()
    os.kill(signer, signal.SIGKILL)
    rig.server.wait_event("service_lost")

    def is_back():
        code, _, _ = call("status")
        return code == 0
    from rig import wait_for
    wait_for(is_back, 20)
    service = ask("status")["services"][0]
    assert service["connects"] > before and service["why"], service


def limits_that_are_reached_are_said(rig):
    rig.server.reload(["MaxStartups 2:100:2"])
    peers = [socket.create_connection(("127.0.0.1", PORT)) for _ in range(2)]
    try:
        for peer in peers:
            peer.recv(64)
        assert "MaxStartups" in ask("status", status=1)["verdict"]
    finally:
        for peer in peers:
            peer.close()
        rig.server.reload([])


WITHOUT_SERVER = (no_server_is_a_clear_answer, a_socket_that_nobody_answers_is_a_clear_answer)
TESTS = (what_is_shown_is_what_runs, colours_are_for_terminals, a_refused_configuration_is_said_until_one_is_loaded,
         a_service_that_died_is_counted, limits_that_are_reached_are_said)
