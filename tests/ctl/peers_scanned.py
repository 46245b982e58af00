"""Servers that are scanned: OpenSSH's sshd, and some that mean no good."""

import pathlib
import socket
import subprocess
import threading
import time

import tool
import world
from suite import Skip, expect

SSHD = "/usr/sbin/sshd"
SCAN = ["policy", "scan", *tool.SMALL[:2], "--policy", "SITE"]


class Sshd:
    """OpenSSH's, with a host key and lists of its own."""

    def __init__(self, port):
        self.port = port
        directory = world.STATE / "sshd"
        directory.mkdir()
        world.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "key"))
        (directory / "conf").write_text(f"Port {port}\nListenAddress 127.0.0.1\nListenAddress ::1\nHostKey {directory}/key\n"
                                        "UsePAM no\nPidFile none\nKexAlgorithms curve25519-sha256,diffie-hellman-group14-sha1\n"
                                        "Ciphers aes256-ctr,3des-cbc\nMACs hmac-sha2-256,hmac-sha1\n")
        (world.STATE.parent / "sshd").mkdir(exist_ok=True)
        self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", str(directory / "conf")],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("sshd does not listen")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def verdicts(result, name):
    (row,) = [row for row in result["lists"] if row["list"] == name]
    return {entry["name"]: entry["verdict"] for entry in row["names"]}, row["missing"]


def a_real_sshd(sshd):
    for host in (f"127.0.0.1:{sshd.port}", f"[::1]:{sshd.port}", f"localhost:{sshd.port}"):
        result = tool.found(*SCAN, host, status=1)
        assert result["identification"].startswith("SSH-2.0-OpenSSH"), result["identification"]
        kex, missing = verdicts(result, "key exchange method")
        expect(kex["curve25519-sha256"], "in", "curve25519-sha256")
        expect(kex["diffie-hellman-group14-sha1"], "broken", "diffie-hellman-group14-sha1")
        assert "ecdh-sha2-nistp384" in missing and "ext-info-s" not in kex, f"{missing} {kex}"
        ciphers, missing = verdicts(result, "cipher (client to server)")
        expect(ciphers, {"aes256-ctr": "in", "3des-cbc": "broken"}, "ciphers")
        assert "aes128-ctr" in missing, missing
        expect(verdicts(result, "MAC (client to server)")[0]["hmac-sha2-256"], "in", "MAC")
        assert result["out"] >= 2, result["out"]
    assert "3des-cbc" in tool.call(*SCAN, f"127.0.0.1:{sshd.port}")[1]


def hostile(answer):
    """A server that does `answer` with one client; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            peer, _ = listener.accept()
            with peer:
                try:
                    answer(peer)
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"


def refused(answer, words, seconds=8):
    began = time.monotonic()
    status, _, error = tool.call(*SCAN, hostile(answer), "--timeout", "2", seconds=20)
    assert status == 255 and words in error, f"{status}: {error}"
    assert time.monotonic() - began < seconds, "too late"


def a_silent_server_is_left_in_time():
    refused(lambda peer: time.sleep(10), "timed out")


def a_slow_server_is_left_in_time():
    def drip(peer):
        for _ in range(100):
            peer.sendall(b"a")
            time.sleep(0.2)
    refused(drip, "timed out")


def endless(data):
    def answer(peer):
        while True:
            peer.sendall(data)
    return answer


def servers_that_never_end_are_left():
    refused(endless(b"x" * 4096), "line longer")
    refused(endless(b"hello\r\n"), "no SSH server")
    ignored = b"\x00\x00\x00\x0c\x06\x02\x00\x00\x00\x00" + b"\x00" * 6
    refused(lambda peer: (peer.sendall(b"SSH-2.0-x\r\n"), endless(ignored)(peer)), "in front of its KEXINIT")


def other_protocols_are_named():
    refused(lambda peer: peer.sendall(b"SSH-1.5-old\r\n"), "no SSH 2.0")
    refused(lambda peer: peer.sendall(b"HTTP/1.1 400 no\r\n\r\n"), "closed the connection")
    refused(lambda peer: peer.sendall(b"SSH-2.0-x\r\n\xff\xff\xff\xff\x04\x14"), "no length")


def nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    status, _, error = tool.call(*SCAN, f"127.0.0.1:{port}")
    assert status == 255 and "refused" in error, error


def targets_that_are_none():
    for target in ("[::1", "host:port", "host:", ":22", "[::1]x", "host:123456"):
        expect(tool.call(*SCAN, target)[0], 2, f"exit status for {target}")


def scan_a_real_sshd():
    if not pathlib.Path(SSHD).exists():
        raise Skip("there is no sshd on this machine")
    sshd = Sshd(2299)
    try:
        a_real_sshd(sshd)
    finally:
        sshd.stop()


def run(ctl):
    ctl.run("scan a real sshd", scan_a_real_sshd)
    for function in (a_silent_server_is_left_in_time, a_slow_server_is_left_in_time, servers_that_never_end_are_left,
                     other_protocols_are_named, nobody_listens, targets_that_are_none):
        ctl.run(f"scan: {function.__name__.replace('_', ' ')}", function)
