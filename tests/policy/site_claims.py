"""A site's own policies: exceptions that end by themselves, looking before leaping, blocks that may only tighten."""

import datetime
import os
import pathlib
import signal
import subprocess
import threading
import time

import client
import raw
import world

DIRECTORY = world.STATE / "policy.d"
SHIPPED = world.TOP / "policy/profiles"
OLD = "diffie-hellman-group14-sha256"


def directories():
    return f"PolicyDirectory {DIRECTORY} {SHIPPED}"


def write(name, text):
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    path = DIRECTORY / f"{name}.policy"
    path.write_text(text)
    path.chmod(0o644)
    return path


def in_seconds(seconds):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def is_refused_at_load(server, options, *words):
    """The old configuration stays in force, and the reason names what has to be changed."""
    before = raw.offered(server.port)
    good = server.path.read_text()
    server.mark()
    server.configure(options)
    for pid in server.pids("sallyport-launch"):
        os.kill(pid, signal.SIGHUP)
    event = server.wait_event(lambda e: e.get("event") in ("config_loaded", "config_refused"))
    assert event["event"] == "config_refused", f"loaded: {event}"
    for word in words:
        assert word in str(event), f"without {word!r}: {event}"
    checked = subprocess.run([str(world.PROGRAMS / "monitor/sallyportd"), "-t", "-f", str(server.path)], stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=20)
    server.path.write_text(good)
    assert raw.offered(server.port) == before, "a refused configuration has changed what is offered"
    return event, checked


# ---- exceptions --------------------------------------------------------------------------------------------------


def exception_for_an_address(server, keys):
    write("SITE", f"Description exceptions\nInherit DEFAULT\nKexAlgorithms +{OLD} Address 127.0.0.3\n")
    server.reload([directories(), "Policy SITE"])
    server.mark()
    client.logs_in(server, key=keys["ed25519"], kex=[OLD], source="127.0.0.3")
    event = server.wait_event("policy_exception")
    assert OLD in str(event) and "SITE.policy line 3" in str(event), event
    client.is_refused(server, client.WORDS["kex"], key=keys["ed25519"], kex=[OLD], source="127.0.0.4")
    server.mark()
    client.logs_in(server, key=keys["ed25519"], source="127.0.0.3")
    assert not server.events("policy_exception"), "an exception that was not used was logged"


def exception_expires_by_itself(server, keys):
    """Nobody reloads anything: the clock alone ends it, for new connections and for rekeys of open ones."""
    until = in_seconds(9)
    write("SITE", f"Description exceptions\nInherit DEFAULT\nKexAlgorithms +{OLD} NotAfter {until}\n")
    server.reload([directories(), "Policy SITE"])
    server.mark()
    client.logs_in(server, key=keys["ed25519"], kex=[OLD])
    event = server.wait_event("policy_exception")
    assert "SITE.policy line 3" in str(event), event
    # A connection that stays, and asks for new keys every 4 seconds with the same method alone.
    options = ["ssh", "-F", "none", "-o", f"UserKnownHostsFile={world.STATE}/known", "-o", "StrictHostKeyChecking=no",
               "-o", "GlobalKnownHostsFile=/dev/null", "-o", f"KexAlgorithms={OLD}", "-o", "RekeyLimit=default 4", "-o", "BatchMode=yes",
               "-i", str(keys["ed25519"]), "-p", str(server.port), "alice@127.0.0.1", "while echo tick; do sleep 0.5; done"]
    with subprocess.Popen(options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as open_one:
        assert open_one.stdout.readline() == b"tick\n"
        deadline = datetime.datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        time.sleep(max(0.0, deadline + 1.5 - time.time()))
        client.is_refused(server, client.WORDS["kex"], key=keys["ed25519"], kex=[OLD])
        client.logs_in(server, key=keys["ed25519"])
        # The rekey: within the two minutes that an exchange may take it may still be served; not for longer.
        open_one.kill()
    server.mark()


def expired_policy_is_refused(server):
    path = write("OVER", "Description over\nInherit DEFAULT\nExpires 2024-02-29\n")
    is_refused_at_load(server, [directories(), "Policy OVER"], "OVER.policy", "2024-02-29", "xpire")
    path.unlink()


def mistakes_name_file_and_line(server):
    path = write("WRONG", "Description wrong\nInherit DEFAULT\n\nKexAlgorithms -curve2551\n")
    _, checked = is_refused_at_load(server, [directories(), "Policy WRONG"], "WRONG.policy line 4", "curve2551")
    assert checked.returncode == 255 and b"WRONG.policy line 4" in checked.stdout, checked
    path.write_text("Description wrong\nInherit DEFAULT\nMACs +hmac-md5\n")
    is_refused_at_load(server, [directories(), "Policy WRONG"], "WRONG.policy line 3", "hmac-md5")
    is_refused_at_load(server, [directories(), "Policy NOWHERE"], "NOWHERE", str(SHIPPED))
    path.unlink()


def empty_list_names_both_sides(server):
    path = write("EMPTY", "Description empty\nInherit DEFAULT\nHostKeyAlgorithms ecdsa-sha2-nistp521-cert-v01@openssh.com\n")
    is_refused_at_load(server, [directories(), "Policy EMPTY"], "HostKeyAlgorithms", "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ssh-ed25519")
    path.unlink()


# ---- blocks ------------------------------------------------------------------------------------------------------


def match_address_may_tighten(server, keys):
    server.reload([directories(), "Policy DEFAULT", "Match Address 127.0.0.5", "Match LocalPort 1\n"])
    server.reload([directories(), "Policy DEFAULT", "Match Address 127.0.0.5\n    Policy DEFAULT:NO-RSA"])
    client.logs_in(server, key=keys["ed25519"], host_key=["rsa-sha2-512"], source="127.0.0.6")
    client.is_refused(server, client.WORDS["host_key"], key=keys["ed25519"], host_key=["rsa-sha2-512"], source="127.0.0.5")
    client.logs_in(server, key=keys["ed25519"], host_key=["ssh-ed25519"], source="127.0.0.5")


def match_may_not_loosen(server):
    is_refused_at_load(server, [directories(), "Policy MODERN", "Match Address 127.0.0.5\n    Policy DEFAULT"],
                       "sallyport.conf line", "Policy")
    is_refused_at_load(server, [directories(), "Policy DEFAULT", f"KexAlgorithms +{OLD}"], "KexAlgorithms", OLD)
    is_refused_at_load(server, [directories(), "Policy DEFAULT", "Match User alice\n    Policy MODERN"],
                       "sallyport.conf line", "before anybody is named")


def policy_that_permits_it_may_be_loosened(server, keys):
    write("OPEN", "Description may be loosened\nInherit DEFAULT\nAllowLoosening yes\n")
    server.reload([directories(), "Policy OPEN", f"KexAlgorithms +{OLD}"])
    client.logs_in(server, key=keys["ed25519"], kex=[OLD])


# ---- rules -------------------------------------------------------------------------------------------------------


def strict_kex_is_required(server):
    write("STRICT", "Description strict\nInherit DEFAULT\nRequireStrictKex yes\n")
    server.reload([directories(), "Policy STRICT"])
    server.mark()
    reason, text = raw.disconnect_of(server.port, kex=["curve25519-sha256"], go_on=True)
    assert reason in (2, 3) and "strict" in text.lower(), (reason, text)
    event = server.wait_event("exchange_refused")
    assert "RequireStrictKex" in str(event) and "STRICT.policy line 3" in str(event), event
    assert raw.disconnect_of(server.port, kex=["curve25519-sha256", raw.STRICT], go_on=True) is None


# ---- report ------------------------------------------------------------------------------------------------------


def report_mode_serves_and_counts(server, keys):
    server.reload([directories(), "Policy DEFAULT", "PolicyMode report CNSA1"])
    server.mark()
    for source, count in (("127.0.0.7", 3), ("127.0.0.8", 1)):
        for _ in range(count):
            client.logs_in(server, key=keys["ed25519"], kex=["curve25519-sha256"], source=source)
    events = server.events("policy_report")
    text = str(events)
    assert "127.0.0.7" in text and "127.0.0.8" in text and "CNSA1" in text, events
    assert "KexAlgorithms" in text or "key exchange" in text, events
    assert "PubkeyAcceptedAlgorithms" in text, f"the user's key is not reported: {events}"
    server.mark()
    client.logs_in(server, key=keys["ecdsa384"], kex=["diffie-hellman-group16-sha512"],
                   host_key=["ecdsa-sha2-nistp384"], cipher=["aes256-gcm@openssh.com"], source="127.0.0.9")
    assert not server.events("policy_report"), f"reported what CNSA1 would accept: {server.events('policy_report')}"


def report_of_a_policy_that_does_not_resolve_is_refused(server):
    is_refused_at_load(server, [directories(), "PolicyMode report NOWHERE"], "NOWHERE")


# ---- strangers -------------------------------------------------------------------------------------------------------


def refused_clients_keep_nobody_waiting(server):
    """What a stranger can have the signer explain is bounded, so two who are refused in a loop stop no handshake."""
    long_list = ["ab"] * 11000
    stop, counts = threading.Event(), [0, 0]

    def attack(which):
        while not stop.is_set():
            try:
                raw.disconnect_of(server.port, kex=["curve25519-sha256", raw.STRICT], host_key=long_list)
            except OSError:
                continue
            counts[which] += 1

    server.reload([directories(), "Policy DEFAULT"])
    threads = [threading.Thread(target=attack, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(1)
        for _ in range(5):
            found = subprocess.run(["ssh-keyscan", "-T", "5", "-p", str(server.port), "-t", "ed25519", "127.0.0.1"],
                                   stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30)
            assert b"ssh-ed25519" in found.stdout, f"no handshake within 5 s beside {sum(counts)} refusals"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert min(counts) > 0, counts
    return f"5 handshakes beside {sum(counts)} refusals"


# ---- the digest --------------------------------------------------------------------------------------------------


def digest_is_logged_and_depends_on_the_policy_alone(server):
    def digest(*options):
        server.reload([directories(), *options])
        return server.wait_event("policy_loaded")["digest"]
    first = digest("Policy DEFAULT")
    assert len(first) == 64 and first == digest("Policy DEFAULT", "LogLevel VERBOSE")
    write("SAME", "Description the same by another name\nInherit DEFAULT\n")
    assert digest("Policy SAME") == first
    assert digest("Policy DEFAULT:NO-RSA") != first
