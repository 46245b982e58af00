"""The real monitor, signer, token and session programs, with this test in the place of the worker's zygote: it binds
the socket that the monitor looks for, so no program needs to know that it is being tested."""

import json
import os
import signal
import socket
import subprocess
import time

from ipc import Closed, Link
from ssh import Exchange, Offer, signature_is_good

TIMEOUT = 10.0


class Connection:
    """One connection as its worker sees it: the link to the monitor and, once asked for, that to the login process."""

    def __init__(self, stack, link, client_end, own_end, number):
        self.stack, self.link, self.client, self.own, self.number = stack, link, client_end, own_end, number
        self.session, self.session_id = None, None

    def exchange(self, **options):
        exchange = Exchange(self.stack.offer, self.stack.ident, **options)
        self.link.send("ask_signature", transcript=exchange.transcript())
        answer = self.expect("signature")
        blob = self.stack.offer.keys[exchange.host_key_algorithm]
        assert answer.values["h"] == exchange.h(), "the signer hashed something else than we did"
        assert signature_is_good(blob, answer.values["signature"], answer.values["h"]), "bad signature"
        self.session_id = self.session_id or answer.values["h"]
        return answer

    def ask_login(self, user="alice"):
        self.link.send("ask_login", user=user)
        self.session = Link(socket.socket(fileno=self.expect("login_link").fds[0]))
        return self.session

    def password(self, password="correct horse"):
        self.session.send("auth_password", password=password)
        return self.answer()

    def answer(self):
        while True:
            message = self.session.receive(TIMEOUT)
            if message.name != "auth_banner":
                return message

    def login(self, user="alice", password="correct horse"):
        self.exchange()
        self.ask_login(user)
        answer = self.password(password)
        assert answer.name == "auth_success", f"login answered with {answer}"
        return self.session

    def expect(self, name):
        message = self.link.receive(TIMEOUT)
        assert message.name == name, f"expected {name}, got {message}"
        return message

    def must_end(self, timeout=TIMEOUT, patient=False):
        """The monitor has to end this connection: it says `end`, and kills who does not go, or closes the link at once.
        Never a signature."""
        limit = time.monotonic() + timeout
        while time.monotonic() < limit:
            try:
                message = self.link.receive(timeout)
            except Closed:
                return
            if message.name == "end" and not patient:
                return
            assert message.name in ("end", "login_link"), f"the monitor answered with {message}"
            for fd in message.fds:
                os.close(fd)
        raise AssertionError("the connection was not ended")

    def session_must_end(self, allowed=(), timeout=TIMEOUT):
        """The login process has to go: its link closes, with no answer but those allowed before."""
        while True:
            try:
                message = self.session.receive(timeout)
            except Closed:
                return
            assert message.name in allowed, f"the login process answered with {message}"

    def close(self):
        for link in (self.link, self.session):
            if link:
                link.close()
        self.client.close()
        self.own.close()


class Stack:
    def __init__(self, build, directory, config, ids, address):
        self.build, self.directory, self.config, self.ids, self.address = build, directory, config, ids, address
        self.processes, self.connections, self.offer, self.generation = [], [], None, None
        self.version = "0.0.0"

    def program(self, name):
        return os.path.join(self.build, name)

    def listener(self, name):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = os.path.join(self.directory, name + ".sock")
        sock.bind(path)
        uid, gid = (int(x) for x in self.ids["monitor"].split(":"))
        os.chown(path, uid, gid)
        os.chmod(path, 0o600)
        sock.listen(64)
        return sock

    def start(self, listener, *argv):
        script = 'exec 3<&"$0"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'
        fds = (listener.fileno(),) if listener else ()
        command = ["bash", "-c", script, str(listener.fileno()), *argv] if listener else list(argv)
        log = open(os.path.join(self.directory, os.path.basename(argv[0]) + ".log"), "ab")
        process = subprocess.Popen(command, pass_fds=fds, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def state_directory(self):
        path = os.path.join(self.directory, "state")
        os.mkdir(path, 0o700)
        os.chown(path, *(int(x) for x in self.ids["signer"].split(":")))
        return path

    def run(self):
        monitor_uid = self.ids["monitor"].split(":")[0]
        signer, session = self.listener("signer"), self.listener("session")
        self.worker_listener = self.listener("worker")
        self.start(signer, self.program("signer/sallyport-signer"), "--user", self.ids["signer"], "--monitor-uid",
                   monitor_uid, "--token-program", self.program("token/sallyport-token"), "--state-dir", self.state_directory())
        self.start(session, self.program("session/sallyport-session"), "--monitor-uid", monitor_uid)
        self.monitor = self.start(None, self.program("monitor/sallyportd"), "-D", "-f", self.config, "--runtime-dir",
                                  self.directory, "--user", self.ids["monitor"])
        self.worker_listener.settimeout(30)
        self.zygote = Link(self.worker_listener.accept()[0])
        message = self.zygote.receive(30)
        assert message.name == "prepare", message
        self.offer, self.generation = Offer(message.values["offer"]), message.values["generation"]
        for fd in message.fds:
            os.close(fd)
        self.zygote.send("prepared", generation=self.generation)
        output = subprocess.run([self.program("monitor/sallyportd"), "-V"], capture_output=True, text=True, check=True)
        self.version = (output.stdout + output.stderr).split()[-1]
        self.ident = b"SSH-2.0-sallyport_" + self.version.encode()
        self.wait_for_port()

    def wait_for_port(self):
        for _ in range(100):
            try:
                self.connect().close()
                return
            except ConnectionRefusedError:
                time.sleep(0.1)
        raise AssertionError("the monitor does not listen")

    def connect(self):
        client = socket.create_connection(self.address, timeout=TIMEOUT)
        message = self.zygote.receive(TIMEOUT)
        while message.name != "serve":
            message = self.zygote.receive(TIMEOUT)
        own, link = (socket.socket(fileno=fd) for fd in message.fds)
        connection = Connection(self, Link(link), client, own, message.values["connection"])
        self.connections.append(connection)
        return connection

    def logs(self):
        text = ""
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".log"):
                text += f"--- {name}\n" + open(os.path.join(self.directory, name), errors="replace").read()
        return text

    def records(self):
        """What the monitor has written so far."""
        rows = []
        for line in open(os.path.join(self.directory, "sallyportd.log"), errors="replace"):
            if line.startswith("{"):
                rows.append(json.loads(line))
        return rows

    def stop(self):
        for connection in self.connections:
            connection.close()
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
