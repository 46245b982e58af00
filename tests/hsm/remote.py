"""A token behind a socket: p11-kit's server with SoftHSM2 in it, and p11-kit-client.so as the module. What a vendor's
network module does, its process or its device at the other end may go away at any time."""

import os
import pathlib
import shutil
import signal
import subprocess
import time

from suite import Skip


def client_module():
    found = sorted(pathlib.Path("/usr/lib").glob("*/pkcs11/p11-kit-client.so"))
    if not found or not shutil.which("p11-kit") or not pathlib.Path("/usr/libexec/p11-kit/p11-kit-server").exists():
        raise Skip("p11-kit's server or its client module is not installed (p11-kit, p11-kit-modules)")
    return found[0]


class Remote:
    """The server and what to configure. token: the SoftToken behind it."""

    def __init__(self, token, provider, uid):
        self.token, self.provider, self.uid = token, provider, uid
        self.module, self.process = client_module(), None
        self.socket = token.directory / "p11-kit.sock"
        self.start()

    def start(self):
        self.socket.unlink(missing_ok=True)
        identity = {} if self.uid is None else {"user": self.uid, "group": self.uid, "extra_groups": []}
        # A session of its own: it forks for each connection, and all of it has to go at once.
        self.process = subprocess.Popen(
            ["p11-kit", "server", "-f", "--provider", self.provider, "--name", str(self.socket), "pkcs11:token=soft"],
            env={**os.environ, **self.token.environment}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True, **identity)
        until = time.monotonic() + 10
        while not self.socket.exists():
            assert self.process.poll() is None and time.monotonic() < until, "p11-kit server does not start"
            time.sleep(0.01)

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.kill()

    def configuration(self, *names, more=()):
        return self.token.configuration(
            *names, more=[f"TokenEnvironment P11_KIT_SERVER_ADDRESS=unix:path={self.socket}", *more]).replace(
                f"TokenModule {self.provider}", f"TokenModule {self.module}")
