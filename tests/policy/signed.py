"""Signed policies on a real server: what PolicyTrust accepts, and that nothing else ever comes into force. Which policy that
is, a real client finds out by a key exchange that only one of them has."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
import time
import types

import client
import server
import world

DIRECTORY = world.STATE / "signed.d"
KEYS = world.STATE / "signed-keys"
SIGNERS = world.STATE / "signers"
NAMESPACE = "sallyport-policy"
SITES_DEFAULT = {"KexAlgorithms": "curve25519-sha256", "HostKeyAlgorithms": "ssh-ed25519", "Ciphers": "aes256-gcm@openssh.com",
                 "MACs": "hmac-sha2-256", "CompressionAlgorithms": "none", "PubkeyAcceptedAlgorithms": "ssh-ed25519",
                 "CASignatureAlgorithms": "ssh-ed25519"}
# Which of these a policy has is how a client tells it from the others.
OLD, NEW, OTHER = "curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384"


def make_keys():
    KEYS.mkdir(mode=0o700, exist_ok=True)
    for name in ("site", "stranger", "expired", "elsewhere"):
        world.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(KEYS / name))
    lines = [f"site@example {world.public_key(KEYS / 'site')}",
             f'expired@example valid-before="20200101Z" {world.public_key(KEYS / "expired")}',
             f'elsewhere@example namespaces="file,git" {world.public_key(KEYS / "elsewhere")}']
    SIGNERS.write_text("\n".join(lines) + "\n")
    SIGNERS.chmod(0o644)


def text_of(name, serial, kex, more=""):
    return f"Name {name}\nDescription signed\nSerial {serial}\nInherit DEFAULT\nKexAlgorithms {kex}\n{more}"


def place(name, text, key="site", namespace=NAMESPACE):
    """key None: unsigned."""
    DIRECTORY.mkdir(exist_ok=True)
    path = DIRECTORY / f"{name}.policy"
    path.write_text(text)
    signature = DIRECTORY / f"{name}.policy.sig"
    signature.unlink(missing_ok=True)
    if key:
        world.run("ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(KEYS / key), str(path))
    return path


def options(*more, trust=True):
    lines = [f"PolicyTrust {SIGNERS}"] if trust else []
    return [*lines, f"PolicyDirectory {DIRECTORY}", *(more or ("Policy SITE",))]


class Site:
    def __init__(self):
        make_keys()
        place("SITE", text_of("SITE", 5, OLD))
        self.token = server.Token(world.STATE / "token-signed", keys={"ed25519": server.KEYS["ed25519"]})
        self.key = KEYS / "user"
        world.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        world.authorize("bob", world.public_key(self.key))
        self.server = server.Server(self.token, name="signed", port=2310, options=options())

    def is_served(self, kex):
        """This key exchange is in force, and none of the others."""
        client.logs_in(self.server, user="bob", key=self.key, kex=[kex])
        for other in {OLD, NEW, OTHER} - {kex}:
            client.is_refused(self.server, client.WORDS["kex"], user="bob", key=self.key, kex=[other], extra=["-v"])

    def hang_up(self):
        for pid in self.server.pids("sallyport-launch"):
            os.kill(pid, signal.SIGHUP)
        return self.server.wait_event(lambda e: e.get("event") in ("config_loaded", "config_refused"), 20)

    def refuses(self, *words, kex=OLD, with_options=None):
        """A reload is refused in these words, and what was in force still is."""
        good = self.server.path.read_text()
        self.server.mark()
        if with_options is not None:
            self.server.configure(with_options)
        event = self.hang_up()
        self.server.path.write_text(good)
        assert event["event"] == "config_refused", f"loaded: {event}"
        for word in words:
            assert word in str(event), f"without {word!r}: {event}"
        self.is_served(kex)

    def accepts(self, kex, with_options=None):
        self.server.reload(options() if with_options is None else with_options)
        self.is_served(kex)

    def remembered(self):
        return (self.server.directory / "state/policy-serials").read_text()


class Session:
    """A client that stays connected, and sends so much at a time that its keys are due to be exchanged anew."""

    def __init__(self, site, kex):
        command = ["ssh", "-F", "none", "-v", "-o", f"UserKnownHostsFile={world.STATE}/known", "-o", "StrictHostKeyChecking=no",
                   "-o", "BatchMode=yes", "-o", "RekeyLimit=16K", "-o", f"KexAlgorithms={kex}", "-i", str(site.key),
                   "-p", str(site.server.port), "bob@127.0.0.1", "cat"]
        self.words = open(world.STATE / "session-words", "w+b")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.words)
        self.echoes()

    def echoes(self, octets=100, seconds=20):
        threading.Thread(target=lambda: (self.process.stdin.write(b"x" * octets), self.process.stdin.flush())).start()
        while octets:
            assert select.select([self.process.stdout], [], [], seconds)[0], "no echo"
            got = len(os.read(self.process.stdout.fileno(), octets))
            assert got, f"it ended: {self.said()[-600:]}"
            octets -= got

    def said(self):
        self.words.seek(0)
        return self.words.read().decode(errors="replace")

    def exchanges(self):
        return self.said().count("SSH2_MSG_NEWKEYS received")

    def end(self):
        self.process.kill()
        self.process.wait()
        self.words.close()


@contextlib.contextmanager
def early_connection(port):
    """A connection that the server has taken now; yields where a client that comes later is let into it."""
    early = socket.create_connection(("127.0.0.1", port))
    early.settimeout(20)
    hello = early.recv(1)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump():
        peer, _ = listener.accept()
        peer.sendall(hello)
        other = {peer: early, early: peer}
        while True:
            for side in select.select(list(other), [], [])[0]:
                data = side.recv(65536)
                if not data:
                    peer.close()
                    return
                other[side].sendall(data)

    threading.Thread(target=pump, daemon=True).start()
    try:
        yield types.SimpleNamespace(port=listener.getsockname()[1])
    finally:
        listener.close()
        early.close()


# ---- at start ----------------------------------------------------------------------------------------------------


def a_signed_policy_is_in_force_from_the_start(site):
    site.server.start()
    site.is_served(OLD)
    assert "\nSITE 5 " in site.remembered(), site.remembered()


def the_same_policy_may_be_loaded_again(site):
    site.accepts(OLD)


# ---- reloads that are refused ------------------------------------------------------------------------------------


def an_unsigned_policy_is_refused(site):
    place("SITE", text_of("SITE", 6, NEW), key=None)
    site.refuses("SITE.policy is not signed", "ssh-keygen -Y sign -n sallyport-policy")


def an_altered_policy_is_refused(site):
    path = place("SITE", text_of("SITE", 6, NEW))
    path.write_text(text_of("SITE", 6, f"{NEW},{OTHER}"))
    site.refuses("SITE.policy.sig", "altered")


def a_truncated_signature_is_refused(site):
    path = place("SITE", text_of("SITE", 6, NEW))
    signature = path.with_name("SITE.policy.sig")
    signature.write_text(signature.read_text()[:-40])
    site.refuses("SITE.policy.sig", "cut off")


def a_policy_signed_for_another_purpose_is_refused(site):
    place("SITE", text_of("SITE", 6, NEW), namespace="file")
    site.refuses("SITE.policy.sig", "for the namespace", "file", "sallyport-policy")


def a_strangers_policy_is_refused(site):
    place("SITE", text_of("SITE", 6, NEW), key="stranger")
    site.refuses("SITE.policy.sig", "SHA256:", f"{SIGNERS} does not name")


def a_signer_whose_time_is_over_is_refused(site):
    place("SITE", text_of("SITE", 6, NEW), key="expired")
    site.refuses("its signer has expired", f"{SIGNERS} line 2")


def a_signer_for_other_purposes_is_refused(site):
    place("SITE", text_of("SITE", 6, NEW), key="elsewhere")
    site.refuses("may not sign for the namespace", f"{SIGNERS} line 3")


def an_expired_policy_is_refused(site):
    place("SITE", text_of("SITE", 6, NEW, "Expires 2024-02-29\n"))
    site.refuses("SITE.policy", "2024-02-29")


def an_older_policy_is_refused(site):
    place("SITE", text_of("SITE", 4, NEW))
    site.refuses("policy SITE", "Serial 4 is older than 5")


def another_policy_of_the_same_serial_is_refused(site):
    place("SITE", text_of("SITE", 5, NEW))
    site.refuses("policy SITE", "another text with Serial 5")


def a_policy_under_anothers_name_is_refused(site):
    """Signed it is, but as something else."""
    place("LAX", text_of("LAX", 9, NEW))
    (DIRECTORY / "LAX.policy").rename(DIRECTORY / "SITE.policy")
    (DIRECTORY / "LAX.policy.sig").rename(DIRECTORY / "SITE.policy.sig")
    site.refuses("SITE.policy line 1", "LAX")


def an_unsigned_policy_behind_a_signed_one_is_refused(site):
    place("BASE", text_of("BASE", 1, NEW), key=None)
    place("SITE", f"Name SITE\nSerial 6\nInherit BASE\nKexAlgorithms {NEW}\n")
    site.refuses("BASE.policy is not signed")


def leaving_the_policy_away_is_refused(site):
    place("SITE", text_of("SITE", 5, OLD))
    site.refuses("there is no Policy", with_options=options("LogLevel INFO"))
    site.refuses("Policy DEFAULT: nobody has signed it", with_options=options("Policy DEFAULT"))


def another_signed_policy_is_refused(site):
    """Which of the signed ones it is, root has said when the signer was started."""
    place("SITE", text_of("SITE", 5, OLD))
    place("LAX", text_of("LAX", 1, f"{OLD},{NEW}"))
    site.refuses("Policy LAX", "started for SITE", with_options=options("Policy LAX"))


def leaving_the_trust_away_is_no_way_around_it(site):
    """The signer has it from its command line; what the monitor brings decides nothing."""
    place("SITE", text_of("SITE", 6, NEW), key=None)
    site.refuses("SITE.policy is not signed", with_options=options("Policy SITE", trust=False))
    told = [e for e in site.server.events() if "PolicyTrust" in str(e) and "still need signatures" in str(e)]
    assert told, "no word about a PolicyTrust that went away"


def the_configurations_own_lists_cannot_loosen_it(site):
    place("SITE", text_of("SITE", 6, OLD))
    site.refuses("KexAlgorithms", NEW, with_options=options("Policy SITE", f"KexAlgorithms +{NEW}"))


def a_refused_configuration_does_not_count(site):
    """SITE with serial 6 is signed, and the configuration is refused for its host key: 5 may still be loaded."""
    place("SITE", text_of("SITE", 6, NEW))
    site.refuses("nobody-has-it", with_options=["HostKey pkcs11:token=sallyport;object=nobody-has-it;type=private", *options()])
    place("SITE", text_of("SITE", 5, OLD))
    site.accepts(OLD)


def what_has_served_nobody_does_not_count(site):
    """Ready is not in force: 5 may still be loaded after a 6 under which no client came."""
    place("SITE", text_of("SITE", 6, NEW))
    site.server.reload(options())
    assert "\nSITE 5 " in site.remembered(), site.remembered()
    place("SITE", text_of("SITE", 5, OLD))
    site.accepts(OLD)


# ---- what goes into force ----------------------------------------------------------------------------------------


def a_newer_policy_goes_into_force(site):
    """Who is connected goes on under the older one, exchanges of keys included; nobody begins under it any more."""
    session = Session(site, OLD)
    try:
        with early_connection(site.server.port) as late:
            place("SITE", text_of("SITE", 6, NEW))
            site.accepts(NEW)
            site.server.mark()
            client.is_refused(late, "service not available", user="bob", key=site.key, kex=[OLD])
            site.server.wait_event(lambda e: e.get("event") == "exchange_refused" and "Serial 5 is older than 6" in str(e))
        before = session.exchanges()
        session.echoes(100000)
        assert session.exchanges() > before, "its keys were not exchanged anew"
    finally:
        session.end()
    place("SITE", text_of("SITE", 5, OLD))
    site.refuses("Serial 5 is older than 6", kex=NEW)


def signer_of(site):
    """The signer, not the spawner, which it has started."""
    pids = site.server.pids("sallyport-signer")
    table = server.processes()
    return [pid for pid in pids if table[pid][0] not in pids]


def end_signer(site, kex):
    """Another one is started by itself; returns when it serves."""
    (old,) = signer_of(site)
    os.kill(old, signal.SIGKILL)
    until = time.monotonic() + 20
    while True:
        now = signer_of(site)
        if len(now) == 1 and now[0] != old and client.ssh(site.server, user="bob", key=site.key, kex=[kex]).returncode == 0:
            break
        assert time.monotonic() < until, "no new signer that serves"
        time.sleep(0.2)


def what_was_accepted_outlives_the_signer(site):
    place("SITE", text_of("SITE", 6, NEW))
    end_signer(site, NEW)
    place("SITE", text_of("SITE", 5, OLD))
    site.refuses("Serial 5 is older than 6", kex=NEW)


def not_started(site, *words):
    try:
        site.server.start()
    except RuntimeError:
        pass
    else:
        raise AssertionError("it started")
    log = site.server.log.read_text(errors="replace")[site.server.seen:]
    for word in words:
        assert word in log, f"without {word!r}: {log[-1500:]}"


def what_was_accepted_outlives_the_server(site):
    site.server.stop()
    site.server.configure(options())
    site.server.mark()
    not_started(site, "Serial 5 is older than 6")


def a_damaged_memory_lets_nothing_in(site):
    memory = site.server.directory / "state/policy-serials"
    good = memory.read_text()
    place("SITE", text_of("SITE", 7, OTHER))
    memory.write_text(good.replace("SITE 6", "SITE 2"))
    site.server.mark()
    not_started(site, "policy-serials: the file is damaged")
    memory.write_text(good)
    site.server.start()
    site.is_served(OTHER)


def signers_that_others_could_change_are_no_anchors(site):
    site.server.stop()
    SIGNERS.chmod(0o666)
    site.server.mark()
    not_started(site, f"{SIGNERS}", "must belong to root")
    SIGNERS.chmod(0o644)
    site.server.start()
    site.is_served(OTHER)


def a_memory_that_cannot_be_written_lets_nothing_new_in(site):
    """As on a full disk; what is in force goes on."""
    state = site.server.directory / "state"
    in_the_way = state / "policy-serials.new"
    in_the_way.mkdir()
    place("SITE", text_of("SITE", 8, OLD))
    site.accepts(OLD)
    assert "\nSITE 7 " in site.remembered(), site.remembered()
    place("SITE", text_of("SITE", 9, NEW))
    site.refuses("policy-serials: Is a directory", "no configuration is accepted until it can be")
    in_the_way.rmdir()
    until = time.monotonic() + 20
    while "\nSITE 8 " not in site.remembered():
        assert time.monotonic() < until, site.remembered()
        time.sleep(0.1)
    time.sleep(0.5)  # the signer is told behind that
    site.accepts(NEW)


def a_new_signer_serves_whatever_older_policy_is_in_use(site):
    """The older one is not taken back, so a session that began under it gets no new keys; nobody else notices."""
    session = Session(site, NEW)
    try:
        place("SITE", text_of("SITE", 10, OTHER))
        site.accepts(OTHER)
        site.server.mark()
        end_signer(site, OTHER)
        site.server.wait_event(lambda e: e.get("event") == "signer_refused" and "Serial 9 is older than 10" in str(e))
        site.is_served(OTHER)
        before = session.exchanges()
        with contextlib.suppress(AssertionError):
            session.echoes(100000, seconds=5)
        assert session.exchanges() == before, "its keys were exchanged anew"
    finally:
        session.end()


def a_sites_own_default_cannot_be_taken_away(site):
    """The program has one of that name too, which nobody has signed and which is wider."""
    place("SITE", text_of("SITE", 11, NEW))
    own = place("DEFAULT", "Name DEFAULT\nSerial 1\n" + "".join(f"{list} {names}\n" for list, names in SITES_DEFAULT.items()))
    site.accepts(NEW)
    assert "\nDEFAULT 1 " in site.remembered(), site.remembered()
    own.unlink()
    own.with_name("DEFAULT.policy.sig").unlink()
    site.refuses("policy DEFAULT", "the site's own with Serial 1", kex=NEW)
    own.write_text((world.TOP / "policy/profiles/DEFAULT.policy").read_text())
    site.refuses("policy DEFAULT", "the site's own with Serial 1", kex=NEW)


CLAIMS = (
    the_same_policy_may_be_loaded_again, an_unsigned_policy_is_refused, an_altered_policy_is_refused,
    a_truncated_signature_is_refused, a_policy_signed_for_another_purpose_is_refused, a_strangers_policy_is_refused,
    a_signer_whose_time_is_over_is_refused, a_signer_for_other_purposes_is_refused, an_expired_policy_is_refused,
    an_older_policy_is_refused, another_policy_of_the_same_serial_is_refused, a_policy_under_anothers_name_is_refused,
    an_unsigned_policy_behind_a_signed_one_is_refused, leaving_the_policy_away_is_refused, another_signed_policy_is_refused,
    leaving_the_trust_away_is_no_way_around_it, the_configurations_own_lists_cannot_loosen_it,
    a_refused_configuration_does_not_count, what_has_served_nobody_does_not_count, a_newer_policy_goes_into_force, what_was_accepted_outlives_the_signer,
    what_was_accepted_outlives_the_server, a_damaged_memory_lets_nothing_in,
    signers_that_others_could_change_are_no_anchors, a_memory_that_cannot_be_written_lets_nothing_new_in,
    a_new_signer_serves_whatever_older_policy_is_in_use, a_sites_own_default_cannot_be_taken_away,
)


def run(claims):
    """claims: a suite.Suite; one server for all of them, each of which stands on the one before."""
    if not any(claims.wants(function.__name__) for function in (a_signed_policy_is_in_force_from_the_start, *CLAIMS)):
        return
    site = Site()
    show = lambda: site.server.log_tail(6)
    try:
        if claims.run(a_signed_policy_is_in_force_from_the_start.__name__, a_signed_policy_is_in_force_from_the_start, site,
                      seconds=90, on_failure=show, always=True):
            for function in CLAIMS:
                claims.run(function.__name__, function, site, seconds=120, on_failure=show)
    finally:
        site.server.stop()
