"""What every client has to be able to do, beside the matrix of algorithms: one function per claim. Each takes a Setting
and raises if the claim does not hold."""

import dataclasses
import hashlib
import os
import pathlib
import random

import kexinit
import world
from clients import Credential
from suite import Skip, expect

MEGABYTE = 1024 * 1024
REKEY = MEGABYTE
# What each server of this suite is configured with, beside algorithms.
SHARED = ("AcceptEnv LC_*", "MaxSessions 20", "Match User bob\n    KbdInteractiveAuthentication no",
          "Match User carol\n    PasswordAuthentication no")


@dataclasses.dataclass
class Setting:
    client: object
    server: object
    target: object
    keys: dict
    big: pathlib.Path  # 100 MB of random octets
    small: pathlib.Path  # 20 MB, for transfers that rekey all the time
    text: pathlib.Path = None  # 100 MB of words, for compression
    words: pathlib.Path = None  # 20 MB of them

    def by_key(self, user="alice", key="ed25519"):
        return Credential(user, "publickey", self.keys[key])

    def by(self, method, user=None, right=True):
        """For clients that cannot choose between the two methods: bob may use but the one and carol but the other."""
        user = user or {"password": "bob", "keyboard-interactive": "carol"}[method]
        password = world.USERS.get(user, (0, "", "anything"))[2]
        return Credential(user, method, password if right else password + "x")


def digest(path):
    with open(path, "rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def logs_in(setting, credential):
    result = setting.client.log_in(setting.target, credential, "id -un")
    assert result.status is not None, f"no login: {result.why}"
    expect(result.out.decode().strip(), credential.user, "user")


def is_refused(setting, credential):
    result = setting.client.log_in(setting.target, credential, "id -un")
    assert result.status is None, f"logged in, output {result.out!r}"
    assert not result.out, f"a refused login ran a command: {result.out!r}"


def exec_tells_status_and_keeps_streams_apart(setting):
    result = setting.client.log_in(setting.target, setting.by_key(), "echo to-out; echo to-err >&2; exit 42")
    expect(result.status, 42, "exit status")
    expect(result.out, b"to-out\n", "standard output")
    assert b"to-err" in result.err and b"to-out" not in result.err, f"standard error is {result.err!r}"


def shell_runs_on_a_pty(setting):
    result = setting.client.shell(setting.target, setting.by_key(), "tty; stty size; echo mark-$((40+2)); exit 5\n")
    out = result.out.decode(errors="replace")
    assert "mark-42" in out, f"output is {out[-300:]!r}"
    assert "/dev/pts/" in out, f"no terminal: {out[-300:]!r}"
    assert "31 101" in out, f"terminal's size: {out[-300:]!r}"
    expect(result.status, 5, "the shell's exit status")


def transfer(setting, source, rekey=0):
    """There and back, compared by hash on both sides."""
    remote = f"/home/alice/{setting.client.name}.data"
    back = world.STATE / f"{setting.client.name}.back"
    try:
        setting.client.put(setting.target, setting.by_key(), source, remote, rekey)
        expect(digest(remote), digest(source), "hash of the file that was put")
        setting.client.get(setting.target, setting.by_key(), remote, back, rekey)
        expect(digest(back), digest(source), "hash of the file that was got")
    finally:
        for path in (remote, back):
            pathlib.Path(path).unlink(missing_ok=True)


def put_and_get_100_mb(setting):
    transfer(setting, setting.big)


def rekeys_of_connections(setting, count):
    """How often each of the connections accepted since mark() has exchanged keys again, from the server's events."""
    def ended():
        begun = {event["connection"] for event in setting.server.events("accepted")}
        return [int(event["rekeys"]) for event in setting.server.events("ended") if event["connection"] in begun]
    setting.server.wait_event(lambda _: len(ended()) >= count, 15)
    return ended()


def check_quiet_in_exchanges(setting):
    if setting.client.sends_data_in_exchanges():
        raise Skip("this version sends channel data between its KEXINIT and its NEWKEYS (RFC 4253 section 7.1 forbids it)")


def transfer_with_rekeys(setting, rekey):
    check_quiet_in_exchanges(setting)
    setting.server.mark()
    transfer(setting, setting.small, rekey)
    rekeys = rekeys_of_connections(setting, 2)
    # What is under way when an exchange begins goes on top of the megabyte.
    size = setting.small.stat().st_size // MEGABYTE
    assert all(count >= size // 4 for count in rekeys), f"only {rekeys} rekeys for {size} MB each way"
    return f"{rekeys[0]} and {rekeys[1]} rekeys"


def client_rekeys_every_mb(setting):
    if not setting.client.rekeys:
        raise Skip("this client cannot be told to")
    return transfer_with_rekeys(setting, REKEY)


def server_rekeys_every_mb(setting):
    """The server's limit is set by the caller."""
    return transfer_with_rekeys(setting, 0)


def compressing(setting):
    """The same setting with a client that compresses; its marks are made."""
    if not setting.client.compresses:
        raise Skip("this client cannot be told to")
    offered = kexinit.of_server(setting.target.host, setting.target.port)["compression"]
    assert "zlib@openssh.com" in offered, f"the server offers {offered}"
    setting.server.mark()
    return dataclasses.replace(setting, client=setting.client.compressing())


def was_compressed(setting, connections, octets_most):
    """What the server has agreed on, and that fewer octets than the text has went over its connections."""
    agreed = {(event["compression_in"], event["compression_out"]) for event in setting.server.events("negotiated")}
    expect(agreed, {("zlib@openssh.com", "zlib@openssh.com")}, "compression")
    begun = {event["connection"] for event in setting.server.events("accepted")}
    def ended():
        return [event for event in setting.server.events("ended") if event["connection"] in begun]
    setting.server.wait_event(lambda _: len(ended()) >= connections, 15)
    octets = [int(event["octets_in"]) + int(event["octets_out"]) for event in ended()]
    assert max(octets) <= octets_most, f"{octets} octets went over the wire for {octets_most}"
    return octets


def transfer_compressed(setting, source, rekey=0, least_rekeys=0):
    if least_rekeys:
        check_quiet_in_exchanges(setting)
    setting = compressing(setting)
    size = source.stat().st_size
    transfer(setting, source, rekey)
    octets = was_compressed(setting, 2, size * 3 // 4)
    rekeys = rekeys_of_connections(setting, 2)
    assert min(rekeys) >= least_rekeys, f"only {rekeys} rekeys"
    return f"{size // MEGABYTE} MB as {octets[0] / MEGABYTE:.1f} and {octets[1] / MEGABYTE:.1f}, {rekeys} rekeys"


def compressed_text_goes_both_ways(setting):
    return transfer_compressed(setting, setting.text)


def compressed_text_client_rekeys(setting):
    if not setting.client.rekeys:
        raise Skip("this client cannot be told to")
    return transfer_compressed(setting, setting.words, REKEY, 5)


def compressed_text_server_rekeys(setting):
    return transfer_compressed(setting, setting.words, 0, 5)


def compressed_exec_and_shell(setting):
    setting = compressing(setting)
    exec_tells_status_and_keeps_streams_apart(setting)
    shell_runs_on_a_pty(setting)
    reads_large_output_whole(setting)


def reads_large_output_whole(setting):
    result = setting.client.log_in(setting.target, setting.by_key(), "seq 1 400000")
    expect(result.status, 0, "exit status")
    expect(hashlib.sha256(result.out).hexdigest(),
           hashlib.sha256("".join(f"{i}\n" for i in range(1, 400001)).encode()).hexdigest(), "hash of the output")


def each_login(setting):
    """(name, function, arguments) of the ways to log in, right and wrong."""
    for key in ("ed25519", "ecdsa256", "ecdsa384", "ecdsa521", "rsa"):
        yield f"publickey with {key}", logs_in, (setting, setting.by_key(key=key))
    yield "a wrong key is refused", is_refused, (setting, setting.by_key(key="wrong"))
    yield "another user's key is refused", is_refused, (setting, setting.by_key(user="bob"))
    yield "an unknown user's key is refused", is_refused, (setting, setting.by_key(user="nobody-here"))
    for method in ("password", "keyboard-interactive"):
        yield method, logs_in, (setting, setting.by(method))
        yield f"a wrong {method} is refused", is_refused, (setting, setting.by(method, right=False))
        yield f"an unknown user's {method} is refused", is_refused, (setting, setting.by(method, user="nobody-here"))


def each_use(setting):
    yield "exec", exec_tells_status_and_keeps_streams_apart, (setting,)
    yield "shell on a pty", shell_runs_on_a_pty, (setting,)
    yield "2.6 MB of output at once", reads_large_output_whole, (setting,)
    yield "compressed exec and shell", compressed_exec_and_shell, (setting,)


def make_file(path, size):
    with open(path, "wb") as out:
        for _ in range(size // MEGABYTE):
            out.write(os.urandom(MEGABYTE))
    return path


def make_text(path, size):
    """Words in lines, in another order in each megabyte."""
    order = random.Random(1)
    words = ["".join(order.choices("abcdefghijklmnopqrstuvwxyz", k=order.randint(2, 11))) for _ in range(5000)]
    lines = [" ".join(order.choices(words, k=10)) for _ in range(MEGABYTE // 75)]
    with open(path, "w", encoding="ascii") as out:
        while out.tell() < size:
            order.shuffle(lines)
            out.write("\n".join(lines) + "\n")
    return path
