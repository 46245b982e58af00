"""The measurements, each of one server at a time. A figure is (value, unit); smaller is better unless the unit is a rate."""

import dataclasses
import os
import subprocess
import time

import world

HOST = "127.0.0.1"
GIB = 1024 ** 3
LOAD = world.build_directory() / "tests/bench/bench_load"


@dataclasses.dataclass
class Subject:
    name: str
    server: object
    account: object
    key: str
    held: int = 40  # connections at once for the memory figures


def load(*arguments, seconds=300):
    done = subprocess.run([str(LOAD), *map(str, arguments)], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, f"load: {done.stderr.strip()}"
    return [float(word) for word in done.stdout.split()]


def rated(subject, *arguments):
    """Per second, and CPU milliseconds of the server for each."""
    before = subject.account.cpu_seconds()
    count, seconds = load(*arguments)
    time.sleep(0.3)  # what the server still does for connections that have ended
    return count / seconds, (subject.account.cpu_seconds() - before) / count * 1000


def handshakes(subject, scale):
    load("handshakes", HOST, subject.server.port, 10, 1)
    alone, cpu = rated(subject, "handshakes", HOST, subject.server.port, 200 * scale, 1)
    busy, busy_cpu = rated(subject, "handshakes", HOST, subject.server.port, 400 * scale, 4)
    return {"handshakes/s, 1 client": (alone, "/s"), "handshakes/s, 4 clients": (busy, "/s"),
            "CPU per handshake, 1 client": (cpu, "ms"), "CPU per handshake, 4 clients": (busy_cpu, "ms")}


def logins(subject, scale):
    rate, cpu = rated(subject, "logins", HOST, subject.server.port, 60 * scale, 2, "alice", subject.key, "exit 0")
    return {"logins with exec/s, 2 clients": (rate, "/s"), "CPU per login with exec": (cpu, "ms")}


def ssh_words(subject, cipher):
    return ["ssh", "-F", "none", "-p", str(subject.server.port), "-i", subject.key, "-c", cipher,
            "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-m", "hmac-sha2-256-etm@openssh.com,hmac-sha2-256", f"alice@{HOST}"]


def bulk_one(subject, cipher, size, upload):
    """(MB/s, CPU seconds per GiB), or None where the server has no such cipher. The user's program is in the account."""
    before = subject.account.cpu_seconds()
    start = time.monotonic()
    command = "cat >/dev/null" if upload else f"head -c {size} /dev/zero"
    with subprocess.Popen([*ssh_words(subject, cipher), command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as client:
        moved = send(client.stdin, size) if upload else drain(client.stdout)
        client.stdin.close()
        error = client.stderr.read()
    if client.returncode != 0 and b"no matching" in error:
        return None
    assert client.returncode == 0 and moved == size, f"{cipher}: {client.returncode} {moved} {error!r}"
    took = time.monotonic() - start
    time.sleep(0.2)
    return size / took / 1e6, (subject.account.cpu_seconds() - before) / size * GIB


def send(pipe, size):
    piece, sent = b"\0" * 262144, 0
    try:
        while sent < size:
            sent += pipe.write(piece[: size - sent])
    except BrokenPipeError:
        pass
    return sent


def drain(pipe):
    total = 0
    while piece := os.read(pipe.fileno(), 1 << 20):
        total += len(piece)
    return total


def bulk(cipher):
    def measure(subject, scale):
        figures = {}
        for upload in (True, False):
            done = bulk_one(subject, cipher, 256 * 1024 * 1024 * scale, upload)
            way = "to the server" if upload else "from the server"
            short = cipher.partition("@")[0]
            if done:
                figures[f"{short} {way}"] = (done[0], "MB/s")
                figures[f"{short} {way}, CPU per GiB"] = (done[1], "s")
        return figures
    return measure


def echo(subject, scale):
    median, late = load("echo", HOST, subject.server.port, 300 * scale, 1, "alice", subject.key)
    return {"keystroke echo, median": (median, "us"), "keystroke echo, 95th percentile": (late, "us")}


def held_memory(subject, count, *login):
    """PSS of one more connection, from `count` of them."""
    before = subject.account.memory_kib(but=("sleep",))
    with subprocess.Popen([str(LOAD), "hold", HOST, str(subject.server.port), str(count), "0", *login],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
        ready = client.stdout.readline()
        time.sleep(0.5)
        after = subject.account.memory_kib(but=("sleep",))
        client.stdin.close()
        assert ready == "ready\n", f"load: {client.stderr.read()}"
    time.sleep(1)
    return (after - before) / count


def memory(subject, _scale):
    return {"memory per unauthenticated connection": (held_memory(subject, subject.held), "KiB"),
            "memory per idle session": (held_memory(subject, subject.held, "alice", subject.key, "exec sleep 600"), "KiB"),
            "memory with nobody connected": (subject.account.memory_kib(), "KiB")}


MEASURES = (
    ("memory", memory),
    ("handshakes", handshakes),
    ("logins", logins),
    ("echo", echo),
    ("bulk aes128-gcm", bulk("aes128-gcm@openssh.com")),
    ("bulk aes256-gcm", bulk("aes256-gcm@openssh.com")),
    ("bulk chacha20-poly1305", bulk("chacha20-poly1305@openssh.com")),
    ("bulk aes128-ctr", bulk("aes128-ctr")),
)

# figure -> at most this part of OpenSSH's
AIMS = {
    "CPU per handshake, 1 client": 1 / 6,
    "aes128-gcm to the server, CPU per GiB": 0.6,
    "aes128-gcm from the server, CPU per GiB": 0.6,
    "memory per unauthenticated connection": 1 / 3,
}
