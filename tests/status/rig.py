"""One server, its clients, and the tool."""

import contextlib
import glob
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import paramiko
import server
import world

PORT = 2222
PLACE = world.STATE / "status"


def control():
    (path,) = glob.glob("/run/sallyport-launch.*/control.sock")
    return path


def program():
    return world.build_directory() / "service/ctl/sallyport"


def call(*arguments, where=None, seconds=30, wrap=()):
    """Exit status, standard output, standard error."""
    done = subprocess.run([*wrap, str(program() if not wrap else PLACE / "sallyport"), *map(str, arguments), "--socket",
                           where or control()], capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def ask(*arguments, status=0, **options):
    """What a command finds."""
    code, out, error = call(*arguments, "--json", **options)
    assert status is None or code == status, f"exit status {code}: {error or out:.300}"
    return json.loads(out)


def lines(*arguments):
    code, out, error = call(*arguments, "--json")
    assert code == 0, error
    return [json.loads(line) for line in out.splitlines()]


def wait_for(what, seconds=10):
    """The first true answer of a function."""
    until = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < until, f"{what.__name__} does not come true"
        time.sleep(0.05)


def as_user(name):
    uid = world.USERS[name][0]
    return ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]


class Rig:
    def __init__(self):
        PLACE.mkdir(mode=0o755)
        shutil.copy(program(), PLACE / "sallyport")  # where other users reach it
        self.keys = world.make_client_keys(PLACE / "keys")
        world.authorize("alice", world.public_key(self.keys["ed25519"]))
        token = server.Token(keys={"ed25519": "EC:edwards25519", "p256": "EC:prime256v1"})
        self.server = server.Server(token, port=PORT).start()

    def ssh(self, *options, user="alice", address="127.0.0.1"):
        return ["ssh", "-F", "none", "-b", address, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "GlobalKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "IdentityAgent=none", "-o", "UpdateHostKeys=no",
                "-i", str(self.keys["ed25519"]), "-p", str(PORT), *options, f"{user}@127.0.0.1"]

    def run(self, *command, options=(), **more):
        return subprocess.run([*self.ssh(*options, **more), *command], capture_output=True, stdin=subprocess.DEVNULL, timeout=30,
                              check=False)

    @contextlib.contextmanager
    def session(self, *options, command="cat", **more):
        """A client that is logged in, and the row that `sessions` has for it."""
        before = {row["id"] for row in ask("sessions")["sessions"]}
        process = subprocess.Popen([*self.ssh(*options, **more), command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)

        def appears():
            return [row for row in ask("sessions")["sessions"] if row["id"] not in before]
        try:
            (row,) = wait_for(appears)
            yield process, row
        finally:
            process.kill()
            process.communicate(timeout=10)

    def password(self, user, password, address="127.0.0.1"):
        """Whether it lets in."""
        sock = socket.create_connection(("127.0.0.1", PORT), 10, source_address=(address, 0))
        transport = paramiko.Transport(sock)
        try:
            transport.start_client(timeout=10)
            transport.auth_password(user, password)
            return transport.is_authenticated()
        except paramiko.AuthenticationException:
            return False
        finally:
            transport.close()

    def monitor(self):
        (pid,) = self.server.pids("sallyportd")
        return pid


@contextlib.contextmanager
def started(*arguments, **options):
    process = subprocess.Popen([str(program()), *map(str, arguments), "--socket", control()], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate(timeout=10)


def arguments_of(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def nobody_is_connected():
    return not ask("sessions", "--all")["connections"]
