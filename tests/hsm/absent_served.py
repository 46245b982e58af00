"""Tokens that are not there when a whole server starts, with a real ssh: who is served before, and that nobody has to lend a hand
when they come."""

import os
import shutil
import subprocess
import threading
import time

import server
import world

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PATIENCE = 10  # seconds


def ssh_words(place, port, *options):
    return ["ssh", "-F", "none", "-o", "UserKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=no", "-o",
            "GlobalKnownHostsFile=/dev/null", "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
            "-o", "UpdateHostKeys=no", "-o", "LogLevel=ERROR", "-i", str(place.key), "-p", str(port), *options,
            "alice@127.0.0.1"]


def ssh(place, port, *options):
    return subprocess.run([*ssh_words(place, port, *options), "echo served"], capture_output=True, timeout=30, check=False)


def until(told, what):
    end = time.monotonic() + PATIENCE
    while not told():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def a_server_without_its_token_begins_when_it_comes(place):
    token = server.Token(directory=world.STATE / "late", keys={"ed25519": "EC:edwards25519"})
    running = server.Server(token, name="late-server", port=2231)
    away = token.directory / "away"
    (token.directory / "tokens").rename(away)
    started = threading.Thread(target=running.start)
    started.start()
    try:
        until(lambda: running.process and any(event.get("event") == "keys_awaited" and event.get("program") == "monitor"
                                              for event in running.events()), "it does not say what it waits for")
        pids = running.pids("sallyportd"), running.pids("sallyport-signer")
        time.sleep(3)
        assert started.is_alive() and not (running.directory / "ready").exists(), "it says that it is ready"
        assert pids == (running.pids("sallyportd"), running.pids("sallyport-signer")) and pids[0], "it is started again and again"
        away.rename(token.directory / "tokens")
        came = time.monotonic()
        started.join(PATIENCE)
        assert not started.is_alive(), "it does not begin"
        took = time.monotonic() - came
        done = ssh(place, 2231)
        assert done.stdout == b"served\n", done.stderr
        return f"ready {took * 1000:.0f} ms after its token"
    finally:
        if away.exists():
            away.rename(token.directory / "tokens")
        started.join(PATIENCE)
        running.stop()


class Two(server.Token):
    """A second token, "late", in the same directory, with one RSA key, whose files can be away."""

    def __init__(self, directory):
        super().__init__(directory, keys={"ed25519": "EC:edwards25519"})
        store = directory / "tokens"
        before = set(store.iterdir())
        pin = (directory / "pin").read_text().strip()
        environment = {**os.environ, "SOFTHSM2_CONF": str(directory / "softhsm2.conf")}
        world.run("softhsm2-util", "--init-token", "--free", "--label", "late", "--so-pin", "87654321", "--pin", pin,
                  env=environment)
        world.run("pkcs11-tool", "--module", MODULE, "--token-label", "late", "--login", "--pin", pin, "--keypairgen",
                  "--key-type", "rsa:2048", "--usage-sign", "--label", "rsa", "--id", "01", env=environment)
        [self.here] = set(store.iterdir()) - before
        self.away = directory / "late-away"
        uid, gid = [int(number) for number in server.signer_owner().split(":")]
        for path in (self.here, *self.here.rglob("*")):
            os.chown(path, uid, gid)

    def configuration(self):
        return [*super().configuration(), "HostKey pkcs11:token=late;object=rsa;type=private"]


def rsa(place, port):
    return ssh(place, port, "-o", "HostKeyAlgorithms=rsa-sha2-512")


def a_token_that_comes_later_is_offered(place):
    token = Two(world.STATE / "two")
    token.here.rename(token.away)
    running = server.Server(token, name="two-server", port=2232)
    running.start()
    try:
        assert any("object=rsa" in event.get("text", event.get("message", "")) for event in running.events("host_key_absent")), \
            running.log_tail()
        done = ssh(place, 2232)
        assert done.stdout == b"served\n", done.stderr
        done = rsa(place, 2232)
        assert done.returncode == 255, done
        running.wait_event(lambda event: event.get("event") == "exchange_refused" and "host key" in event["why"])
        with subprocess.Popen([*ssh_words(place, 2232, "-o", "RekeyLimit=1M"), "cat"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as open_one:
            open_one.stdin.write(b"x\n")
            open_one.stdin.flush()
            assert open_one.stdout.readline() == b"x\n"
            token.away.rename(token.here)
            came = time.monotonic()
            until(lambda: rsa(place, 2232).returncode == 0, "its key is not offered")
            took = time.monotonic() - came
            # Who was there before keeps the offer that it began with, and rekeys by it.
            data = bytes(4 << 20)
            back, _ = open_one.communicate(data, timeout=60)
            assert back == data and open_one.returncode == 0, f"{len(back)} octets came back"
        assert ssh(place, 2232).stdout == b"served\n"
        shutil.move(token.here, token.away)
        return f"offered {took * 1000:.0f} ms after it had come"
    finally:
        running.stop()
