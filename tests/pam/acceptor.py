"""Claims about the root accept loop, played by a monitor that connects to its listening socket."""

import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

from ipc import Closed, Link
from login import HOST_KEY, PAM_DIRECTORY, SESSION, SESSION_ID, pair
from suite import expect
from surroundings import memory_file, snapshot

MONITOR_UID = 2050
PATH = pathlib.Path("/run/sallyport-test/session.sock")


class Acceptor:
    def __init__(self, descriptors=None):
        self.descriptors = descriptors  # the soft limit to start with

    def __enter__(self):
        PATH.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.bind(str(PATH))
        PATH.chmod(0o666)
        self.socket.listen(8)

        def place():
            os.dup2(self.socket.fileno(), 3)
            if self.descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            os.environ["LISTEN_PID"] = str(os.getpid())

        # LISTEN_PID has to be the number of the process that the shell becomes.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'LISTEN_FDS=1 LISTEN_PID=$$ exec {SESSION} --monitor-uid {MONITOR_UID}'],
            preexec_fn=place, pass_fds=(3,), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return self

    def connect(self, uid=0):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.seteuid(uid)
        try:
            sock.connect(str(PATH))
        finally:
            os.seteuid(0)
        return Link(sock)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(5)
        self.process.stderr.close()
        self.socket.close()


def start(link, connection, user="alice"):
    monitor, monitor_end = pair()
    worker, worker_end = pair()
    shot = memory_file(snapshot([f"PAMConfigDirectory {PAM_DIRECTORY}", "PAMServiceName plain"]))
    link.send("start_login", fds=[monitor_end.fileno(), worker_end.fileno(), shot], connection=connection)
    os.close(shot)
    monitor_end.close()
    worker_end.close()
    monitor.send("open_login", connection=connection, user=user, session_id=SESSION_ID, host_key=HOST_KEY,
                 remote_address="192.0.2.7", local_address="192.0.2.1", remote_port=1, local_port=22, negotiated=b"")
    return monitor, worker


def login_process_is_started_and_its_end_told():
    with Acceptor() as acceptor:
        link = acceptor.connect(MONITOR_UID)
        _, worker = start(link, 5)
        worker.send("auth_none")
        expect(worker.receive().name, "auth_failure")
        worker.close()
        message = link.receive()
        expect((message.name, message.v_connection, message.v_status), ("login_exited", 5, 0))


def logins_are_not_bounded_by_a_soft_limit():
    with Acceptor(descriptors=24) as acceptor:
        link = acceptor.connect(MONITOR_UID)
        logins = [start(link, number) for number in range(40)]
        for _, worker in logins:
            worker.send("auth_none")
            expect(worker.receive().name, "auth_failure")
        children = pathlib.Path(f"/proc/{acceptor.process.pid}/task/{acceptor.process.pid}/children").read_text().split()
        expect(len(children), 40, "login processes")
        for line in pathlib.Path(f"/proc/{children[0]}/limits").read_text().splitlines():
            if line.startswith("Max open files"):
                expect(line.split()[3], "24", "a login process's soft limit")
        for monitor, worker in logins:
            monitor.close()
            worker.close()


def strangers_are_turned_away():
    with Acceptor() as acceptor:
        link = acceptor.connect(2001)
        try:
            link.send("stop_login", connection=1)
            link.receive(5)
            raise AssertionError("a stranger was served")
        except Closed:
            pass


def stop_kills():
    with Acceptor() as acceptor:
        link = acceptor.connect()
        _, worker = start(link, 9)
        worker.send("auth_none")
        worker.receive()
        link.send("stop_login", connection=8)
        link.send("stop_login", connection=9)
        message = link.receive()
        expect((message.v_connection, os.WTERMSIG(message.v_status)), (9, signal.SIGKILL))


def new_monitor_replaces_the_old():
    with Acceptor() as acceptor:
        old = acceptor.connect()
        monitor, worker = start(old, 11)
        worker.send("auth_none")
        worker.receive()
        new = acceptor.connect()
        try:
            old.receive(5)
            raise AssertionError("the old monitor is still served")
        except Closed:
            pass
        worker.close()
        expect(new.receive().v_connection, 11)
        monitor.close()


def illegal_messages_end_the_link_and_not_the_loop():
    with Acceptor() as acceptor:
        for data in (b"", b"\0", b"\xff" * 100, b"\0\x50" + b"\0" * 8, b"\0\x53" + b"\0" * 40):
            link = acceptor.connect()
            link.send_bytes(data or b"\0\0")
            try:
                link.receive(5)
            except Closed:
                pass
        link = acceptor.connect()
        _, worker = start(link, 12)
        worker.send("auth_none")
        expect(worker.receive().name, "auth_failure")


def login_process_has_nothing_of_the_loop():
    with Acceptor() as acceptor:
        link = acceptor.connect()
        monitor, worker = start(link, 13)
        worker.send("auth_none")
        worker.receive()
        children = pathlib.Path(f"/proc/{acceptor.process.pid}/task/{acceptor.process.pid}/children").read_text().split()
        expect(len(children), 1)
        sockets = [os.readlink(f"/proc/{children[0]}/fd/{fd}") for fd in os.listdir(f"/proc/{children[0]}/fd")]
        expect(sum(name.startswith("socket:") for name in sockets), 2, f"sockets in {sockets}")
        environment = pathlib.Path(f"/proc/{children[0]}/environ").read_bytes()
        expect([item.split(b"=")[0] for item in environment.split(b"\0") if item], [b"PATH"])
        time.sleep(0.05)
        monitor.close()


def tests():
    return [(function.__name__, function, (), {}) for function in (
        login_process_is_started_and_its_end_told, logins_are_not_bounded_by_a_soft_limit,
        strangers_are_turned_away, stop_kills, new_monitor_replaces_the_old, illegal_messages_end_the_link_and_not_the_loop,
        login_process_has_nothing_of_the_loop)]
