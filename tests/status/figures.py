"""`sallyport metrics`: strictly parsed, and what was done is what is counted."""

import contextlib
import os
import signal
import socket
import subprocess
import time

import openmetrics
from openmetrics import total, value
from rig import PLACE, call, control, program, wait_for
from suite import expect


HYBRID = "sntrup761x25519-sha512@openssh.com"


def read():
    code, out, error = call("metrics")
    expect((code, error), (0, ""), "status and errors")
    return openmetrics.parse(out)


def a_strict_reader_takes_it(_):
    families = read()
    for name in ("sallyport_handshakes", "sallyport_handshake_kex", "sallyport_auth", "sallyport_refused", "sallyport_sessions",
                 "sallyport_signature_seconds", "sallyport_token_ready", "sallyport_token_signature_seconds",
                 "sallyport_configuration_loaded_timestamp_seconds", "sallyport_received_bytes"):
        assert name in families, f"{name} is missing"
    return "also by prometheus_client" if openmetrics.reference else "prometheus_client is not installed"


def the_strict_reader_is_strict(_):
    """What has to be refused is: a test that could not fail would say nothing."""
    good = call("metrics")[1]
    for wrong in (good[:-1], good.replace("# EOF\n", ""), good + "x 1\n", good.replace("# TYPE sallyport_rekeys", "# TYPE x", 1),
                  good.replace("sallyport_rekeys_total", "sallyport_rekeys", 1), good.replace('kex="', 'kex=', 1),
                  good.replace('le="0.001"', 'le="0.0010"', 1), good.replace('le="+Inf"', 'le="99.0"', 1)):
        try:
            openmetrics.parse(wrong)
        except ValueError:
            continue
        raise AssertionError("malformed text is taken")


def grew(before, after, name, by, **labels):
    expect(total(after, name, **labels) - total(before, name, **labels), by, f"growth of {name} {labels}")


def what_was_done_is_counted(rig):
    before = read()
    for _ in range(3):
        expect(rig.run("true", options=["-o", "KexAlgorithms=curve25519-sha256", "-c", "aes192-ctr", "-m", "hmac-sha2-512-etm@openssh.com",
                                        "-o", "HostKeyAlgorithms=ecdsa-sha2-nistp256"]).returncode, 0, "a login")
    # Not every machine's libraries have it: then it is one more that finds nothing in common.
    hybrid = rig.run("true", options=["-o", f"KexAlgorithms={HYBRID}", "-c", "aes256-gcm@openssh.com"]).returncode == 0
    expect(rig.run("true", options=["-o", "KexAlgorithms=curve25519-sha256@libssh.org", "-c", "aes256-gcm@openssh.com"]).returncode, 0,
           "a login")
    assert not rig.password("alice", "wrong") and not rig.password("nobody-here", "wrong")
    assert rig.run("true", options=["-o", "Ciphers=aes128-cbc"]).returncode == 255

    def all_have_gone():
        return value(read(), "sallyport_sessions") == 0
    wait_for(all_have_gone)
    after = read()
    grew(before, after, "sallyport_logins", 4 + hybrid)
    grew(before, after, "sallyport_handshake_host_key", 3, algorithm="ecdsa-sha2-nistp256")
    grew(before, after, "sallyport_handshake_cipher", 1 + hybrid, cipher="aes256-gcm@openssh.com", direction="out")
    grew(before, after, "sallyport_handshake_kex", int(hybrid), kex=HYBRID)
    grew(before, after, "sallyport_handshakes", int(hybrid), post_quantum="true")
    grew(before, after, "sallyport_handshakes", 6, post_quantum="false")
    grew(before, after, "sallyport_handshake_cipher", 3, cipher="aes192-ctr", direction="in")
    grew(before, after, "sallyport_handshake_mac", 1 + hybrid, mac="implicit", direction="out")
    grew(before, after, "sallyport_handshake_mac", 3, mac="hmac-sha2-512-etm@openssh.com", direction="in")
    grew(before, after, "sallyport_auth", 4 + hybrid, method="publickey", result="accepted")
    grew(before, after, "sallyport_auth", 1, method="password", result="failed")
    grew(before, after, "sallyport_auth", 1, method="password", result="invalid_user")
    grew(before, after, "sallyport_failures", 2 - hybrid, stage="negotiation")
    grew(before, after, "sallyport_failures", 2, stage="authentication")
    grew(before, after, "sallyport_accepted", 8)
    return "" if hybrid else f"this server does not have {HYBRID}"


def signatures_and_rekeys_are_measured(rig):
    before = read()
    assert rig.run("head", "-c", "40000000", "/dev/zero", options=["-o", "RekeyLimit=8M"]).returncode == 0
    after = read()
    rekeys = total(after, "sallyport_rekeys") - total(before, "sallyport_rekeys")
    assert rekeys >= 3, rekeys
    for exchange, count in (("first", 1), ("rekey", rekeys)):
        expect(value(after, "sallyport_signature_seconds", "_count", exchange=exchange)
               - value(before, "sallyport_signature_seconds", "_count", exchange=exchange), count, f"signatures, {exchange}")

    def told_of_tokens():
        found = read()
        new, old = (sum(number for (suffix, _), number in families["sallyport_token_signatures"].samples.items())
                    for families in (found, before))
        return new - old >= 1 + rekeys
    wait_for(told_of_tokens)


def octets_are_counted_while_they_flow(rig):
    size = 3 << 20
    before = total(read(), "sallyport_received_bytes")
    with rig.session() as (process, _):
        process.stdin.write(b"x" * size)
        process.stdin.flush()
        left = size
        while left:
            left -= len(process.stdout.read1(left))

        def counted():
            return total(read(), "sallyport_received_bytes") - before >= size
        wait_for(counted)
        expect(value(read(), "sallyport_sessions"), 1, "sessions")

    def is_over():
        return value(read(), "sallyport_sessions") == 0
    wait_for(is_over)
    grown = total(read(), "sallyport_received_bytes") - before
    assert size <= grown < size * 1.2, f"{grown}: counted twice?"


def names_of_clients_make_no_series(rig):
    before = {key for family in read().values() for key in family.samples}
    for name in ("x{}", "evil\"\n", "y" * 200):
        assert not rig.password(name, "wrong")
    after = {key for family in read().values() for key in family.samples}
    expect(sorted(map(str, after - before)), [], "new series")


def a_file_is_replaced_as_a_whole(_):
    path = PLACE / "sallyport.prom"
    path.write_text("before\n")
    reader = path.open()
    code, out, error = call("metrics", "--output", path)
    expect((code, out, error), (0, "", ""), "status and outputs")
    openmetrics.parse(path.read_text())
    expect(reader.read(), "before\n", "what a reader that had it open sees")
    expect((path.stat().st_mode & 0o777, sorted(p.name for p in PLACE.glob("*.prom*"))), (0o644, ["sallyport.prom"]), "mode and files")
    code, _, error = call("metrics", "--output", "/dev/null")
    assert code == 255 and "regular file" in error, error


# ---- over HTTP ----------------------------------------------------------------------------------------------------

SOCKET = PLACE / "metrics.sock"


@contextlib.contextmanager
def exporter(*arguments):
    process = subprocess.Popen([str(program()), "metrics", *arguments, "--socket", control()], stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    try:
        def listens():
            assert process.poll() is None, process.stderr.read()
            with contextlib.suppress(OSError):  # one that is left over from the last is there, and nobody listens
                dial().close()
                return True
            return False
        wait_for(listens)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)


def dial():
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(SOCKET))  # waits while too many do; with a time limit it would fail
    peer.settimeout(15)
    return peer


def http(request, half_close=False):
    """Status line, headers, body."""
    with dial() as peer:
        peer.sendall(request)
        if half_close:
            peer.shutdown(socket.SHUT_WR)
        data = b""
        while piece := peer.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    return first, dict(line.lower().split(": ", 1) for line in headers), body.decode()


def the_exporter_answers(_):
    with exporter("--serve", f"unix:{SOCKET}"):
        expect(SOCKET.stat().st_mode & 0o777, 0o660, "mode")
        first, headers, body = http(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n")
        expect(first, "HTTP/1.1 200 OK", "first line")
        expect((headers["content-type"], int(headers["content-length"]), headers["connection"]),
               ("application/openmetrics-text; version=1.0.0; charset=utf-8", len(body), "close"), "headers")
        assert "sallyport_logins" in openmetrics.parse(body)
        done = subprocess.run(["curl", "-sS", "--unix-socket", str(SOCKET), "http://x/metrics"], capture_output=True, text=True,
                              timeout=20, check=False) if os.path.exists("/usr/bin/curl") else None
        assert done is None or "sallyport_logins" in openmetrics.parse(done.stdout), done.stderr
        for request, status in ((b"GET / HTTP/1.1\r\n\r\n", "404"), (b"POST /metrics HTTP/1.1\r\n\r\n", "405"), (b"x\r\n\r\n", "400"),
                                (b"GET /metrics\r\n\r\n", "400"), (b"GET /metrics HTTP/3\r\n\r\n", "400"),
                                (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200"), (b"A" * 8192, "400")):
            expect(http(request)[0].split()[1], status, f"answer to {request[:30]}")
        first, headers, body = http(b"HEAD /metrics HTTP/1.1\r\n\r\n")
        assert first.endswith("200 OK") and int(headers["content-length"]) > 1000 and body == "", (first, headers)


def the_exporter_bears_bad_clients(_):
    with exporter("--serve", f"unix:{SOCKET}") as process:
        stuck = [dial() for _ in range(8)]
        for peer in stuck:
            peer.sendall(b"GET /metrics HTT")
        began = time.monotonic()
        first, _, _ = http(b"GET /metrics HTTP/1.1\r\n\r\n")  # has to wait until one of them is dropped
        took = time.monotonic() - began
        assert first.endswith("200 OK") and took < 14, (first, took)
        deaf = dial()
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        deaf.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        for _ in range(50):
            dial().close()
        assert http(b"GET /metrics HTTP/1.1\r\n\r\n")[0].endswith("200 OK")
        expect(process.poll(), None, "the exporter")
        for peer in [*stuck, deaf]:
            peer.close()


def a_server_that_is_away_is_unavailable(rig):
    """And comes back without the exporter's doing."""
    with exporter("--serve", f"unix:{SOCKET}", "--timeout", "1"):
        os.kill(rig.monitor(), signal.SIGSTOP)
        try:
            first, _, _ = http(b"GET /metrics HTTP/1.1\r\n\r\n")
            expect(first, "HTTP/1.1 503 Service Unavailable", "while it is away")
        finally:
            os.kill(rig.monitor(), signal.SIGCONT)

        def is_back():
            return http(b"GET /metrics HTTP/1.1\r\n\r\n")[0].endswith("200 OK")
        wait_for(is_back)


def a_socket_of_somebody_else_is_left_alone(_):
    with exporter("--serve", f"unix:{SOCKET}"):
        code, _, error = call("metrics", "--serve", f"unix:{SOCKET}")
        assert code == 255 and "in use" in error, error
    plain = PLACE / "plain"
    plain.write_text("kept")
    code, _, error = call("metrics", "--serve", f"unix:{plain}")
    assert code == 255 and plain.read_text() == "kept", error
    for where in ("tcp:1", "unix:relative", ""):
        code, _, error = call("metrics", "--serve", where)
        assert code == 2 and "expected unix:" in error, (where, error)


def the_service_manager_hands_it_a_socket(_):
    SOCKET.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(SOCKET))
        listener.listen(8)
        start = ["/bin/bash", "-c", 'exec 3<&"$1"; shift; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"', "sh", str(listener.fileno())]
        process = subprocess.Popen([*start, str(program()), "metrics", "--serve", "systemd", "--socket", control()],
                                   pass_fds=[listener.fileno()])
        try:
            assert http(b"GET /metrics HTTP/1.1\r\n\r\n")[0].endswith("200 OK")
        finally:
            process.terminate()
            process.wait(10)
    SOCKET.unlink()
    code, _, error = call("metrics", "--serve", "systemd")
    assert code == 255 and "expected one listening unix stream socket" in error, error


TESTS = (a_strict_reader_takes_it, the_strict_reader_is_strict, what_was_done_is_counted, signatures_and_rekeys_are_measured,
         octets_are_counted_while_they_flow, names_of_clients_make_no_series, a_file_is_replaced_as_a_whole, the_exporter_answers,
         the_exporter_bears_bad_clients, a_server_that_is_away_is_unavailable, a_socket_of_somebody_else_is_left_alone,
         the_service_manager_hands_it_a_socket)
