"""One login process, driven from both sides: the test is the monitor on its one link and the worker on the other."""

import fcntl
import os
import pathlib
import select
import socket
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
for place in ("lib", "rogue", "fake"):
    sys.path.insert(0, str(HERE.parent / place))

from ipc import Closed, Link, string  # noqa: E402
from surroundings import memory_file, snapshot  # noqa: E402
from world import PROGRAMS  # noqa: E402

SESSION_ID = bytes(range(32))
HOST_KEY = string("ssh-ed25519") + string(b"h" * 32)
SESSION = PROGRAMS / "session/sallyport-session"
PAM_DIRECTORY = pathlib.Path("/etc/pam-test")
SITE = "/etc/sallyport/policy/SITE.policy"
NEGOTIATED = b"".join(map(string, ("SSH-2.0-test", "curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes256-gcm@openssh.com",
                                    "hmac-sha2-256", "<implicit>", "none", "none")))
REMOTE, LOCAL = ("192.0.2.7", 50123), ("192.0.2.1", 22)
SHELL, EXEC, SUBSYSTEM = 1, 2, 3
RESULTS = ["failed", "partial", "accepted", "invalid_user", "denied", "not_allowed", "too_many"]


def policy_entry(path, text):
    """As config_source_pack() writes a policy behind the lines."""
    return b"\x04" + struct.pack(">I", 0) + string(path) + string(text) + string("")


def pair():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    return Link(ours), theirs


class Login:
    """config: lines. user: as the worker asked for it. open_login: fields to be different. policy: lines of policy SITE,
    behind "Inherit DEFAULT", which the configuration may name."""

    def __init__(self, user, *config, service="plain", open_login=None, policy=()):
        self.judged, self.attempts, self.events, self.reports, self.succeeded, self.banners = [], [], [], [], None, []
        self.monitor, monitor_end = pair()
        self.worker, worker_end = pair()
        matches = [line for line in config if line.startswith("Match") or line.startswith(" ")]
        lines = [line for line in config if line not in matches]  # the first value of a keyword wins
        lines += [f"PAMConfigDirectory {PAM_DIRECTORY}", f"PAMServiceName {service}", *matches]
        shot = memory_file(snapshot(lines) + policy_entry(SITE, "\n".join(["Inherit DEFAULT", *policy, ""])))
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (monitor_end.fileno(), worker_end.fileno(), shot)]

        def place():
            for target, fd in zip((3, 4, 5), high):
                os.dup2(fd, target)

        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        self.process = subprocess.Popen([str(SESSION), "--login"], preexec_fn=place, pass_fds=(3, 4, 5),
                                        stdin=subprocess.DEVNULL, env=environment)
        for fd in high + [shot]:
            os.close(fd)
        monitor_end.close()
        worker_end.close()
        facts = {"connection": 7, "user": user, "session_id": SESSION_ID, "host_key": HOST_KEY,
                 "remote_address": REMOTE[0], "remote_port": REMOTE[1], "local_address": LOCAL[0],
                 "local_port": LOCAL[1], "negotiated": NEGOTIATED, **(open_login or {})}
        self.user = user
        self.monitor.send("open_login", **facts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.monitor.close()
        self.worker.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    # -- before login

    def monitor_read(self, timeout=0.0):
        """Takes in what the monitor has been told so far."""
        try:
            while select.select([self.monitor.sock], [], [], timeout)[0]:
                message = self.monitor.receive(1)
                if message.name == "login_attempt" and not message.v_method:
                    self.judged.append((RESULTS[message.v_result], message.v_detail.decode()))
                elif message.name == "login_attempt":
                    self.attempts.append((message.v_method.decode(), RESULTS[message.v_result], message.v_detail.decode()))
                elif message.name == "login_policy_report":
                    assert not self.succeeded, "a report after the success"
                    self.reports.append(tuple(text.decode() for text in (message.v_policy, message.v_what, message.v_detail)))
                elif message.name == "login_succeeded":
                    self.succeeded = message
                else:
                    self.events.append(message)
        except Closed:
            pass

    def answer(self, timeout=10):
        """The worker's next message that is no banner."""
        while True:
            message = self.worker.receive(timeout)
            if message.name != "auth_banner":
                return message
            self.banners.append(message.v_text.decode())

    def ask(self, name, /, timeout=10, **values):
        self.worker.send(name, **values)
        return self.answer(timeout)

    def password(self, password, **values):
        return self.ask("auth_password", password=password, **values)

    def dialogue(self):
        return self.ask("auth_keyboard_interactive")

    def respond(self, *answers):
        return self.ask("auth_answers", count=len(answers), answers=b"".join(string(answer) for answer in answers))

    def publickey(self, key, sign=True, **values):
        """values: fields to be different."""
        fields = {"algorithm": key.algorithm, "blob": key.blob, "hostbound": False, "host_key": b"", **values}
        if sign:
            method = "publickey-hostbound-v00@openssh.com" if fields["hostbound"] else "publickey"
            data = (string(SESSION_ID) + b"\x32" + string(self.user) + string("ssh-connection") + string(method) +
                    b"\x01" + string(fields["algorithm"]) + string(fields["blob"]))
            if fields["hostbound"]:
                data += string(fields["host_key"])
            fields.setdefault("signature", key.sign(data))
        return self.ask("auth_publickey", signed_request=sign, **fields)

    def closed(self, timeout=10):
        """Waits for the end of the login process."""
        self.process.wait(timeout)
        return self.process.returncode

    # -- after login

    def enter(self, key):
        message = self.publickey(key)
        assert message.name == "auth_success", message
        self.monitor_read()
        return self

    def env(self, channel, name, value):
        return self.ask("channel_env", channel=channel, name=name, value=value).v_ok

    def pty(self, channel, term="xterm", columns=80, rows=24, modes=b"\0"):
        return self.ask("channel_pty", channel=channel, term=term, columns=columns, rows=rows, modes=modes).v_ok

    def run(self, channel, kind, command="", timeout=10):
        message = self.ask("channel_run", channel=channel, kind=kind, command=command, timeout=timeout)
        return Program(self, channel, message) if message.name.startswith("channel_started") else None

    def output(self, command, channel=1, kind=EXEC, stdin=b""):
        """A command's standard output and exit message."""
        program = self.run(channel, kind, command)
        assert program, "the program was refused"
        program.write(stdin)
        program.close_input()
        data = program.read_all()
        exit_message = program.exited()
        self.worker.send("channel_gone", channel=channel)
        program.close()
        return data, exit_message


class Program:
    def __init__(self, login, channel, started):
        self.login, self.channel, self.serial = login, channel, started.v_serial
        self.tty = started.name == "channel_started_tty"
        self.fds = list(started.fds)
        for fd in self.fds:
            assert not os.get_blocking(fd), "a descriptor for the worker would block"
        self.input = self.fds[0]
        self.outputs = [self.fds[0]] if self.tty else self.fds[1:]

    def write(self, data):
        if data:
            os.write(self.input, data)

    def close_input(self):
        if not self.tty:
            os.close(self.input)
            self.fds.remove(self.input)

    def read(self, until=None, timeout=10.0, fds=None):
        """What it writes, until its end or until these bytes have come."""
        data, waiting, end = b"", list(fds or self.outputs), time.monotonic() + timeout
        while waiting and not (until and until in data):
            ready = select.select(waiting, [], [], max(0, end - time.monotonic()))[0]
            assert ready, f"nothing more within {timeout} s after {data!r}"
            for fd in ready:
                try:
                    chunk = os.read(fd, 65536)
                except BlockingIOError:
                    continue
                except OSError:  # a terminal whose last user has closed it
                    chunk = b""
                data += chunk
                if not chunk:
                    waiting.remove(fd)
        return data

    def read_all(self, timeout=10.0):
        return self.read(None, timeout)

    def exited(self, timeout=10):
        message = self.login.answer(timeout)
        assert message.name == "channel_exited" and message.v_serial == self.serial, message
        return message

    def close(self):
        for fd in self.fds:
            os.close(fd)
        self.fds = []


def modes(**values):
    """Encoded terminal modes; keys are o<opcode>."""
    return b"".join(bytes([int(name[1:])]) + struct.pack(">I", value) for name, value in values.items()) + b"\0"
