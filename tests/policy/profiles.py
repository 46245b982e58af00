"""Profiles that somebody else wrote down: a client restricted to exactly one connects, one step outside is refused with
words that say which list it was; and a distribution's generated file is a policy."""

import pathlib
import shutil

import client
import raw
import site_claims as site
import suite
import world

# One name per list that the profile does not have, and that every ssh has.
OUTSIDE = {
    "CNSA1": {"kex": ["curve25519-sha256", "diffie-hellman-group14-sha256"], "host_key": ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"],
              "cipher": ["aes256-ctr", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"]},
    "FIPS-ALGORITHMS": {"kex": ["curve25519-sha256"], "host_key": ["ssh-ed25519"], "cipher": ["chacha20-poly1305@openssh.com"],
                        "mac": ["umac-128-etm@openssh.com"]},
    "BSI": {"kex": ["curve25519-sha256", "diffie-hellman-group14-sha256"], "host_key": ["ssh-ed25519"],
            "cipher": ["chacha20-poly1305@openssh.com"], "mac": ["umac-64@openssh.com", "hmac-sha1"]},
}
# What users' keys each of them takes, and which rule or list refuses the others.
KEYS = {
    "CNSA1": (["ecdsa384", "rsa3072"], {"ed25519": "PubkeyAcceptedAlgorithms", "rsa2048": "AllowedRSASizes"}),
    "FIPS-ALGORITHMS": (["ecdsa256", "ecdsa384", "rsa2048"], {"ed25519": "PubkeyAcceptedAlgorithms"}),
    "BSI": (["ecdsa256", "rsa3072"], {"rsa2048": "RequiredRSASize"}),
}

GENERATED = """\
Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr
MACs hmac-sha2-256-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha1,umac-128@openssh.com,hmac-sha2-512
GSSAPIKexAlgorithms gss-curve25519-sha256-,gss-nistp256-sha256-,gss-group14-sha256-,gss-group16-sha512-
KexAlgorithms mlkem768x25519-sha256,mlkem768nistp256-sha256,mlkem1024nistp384-sha384,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512
HostKeyAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp256-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com,ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,rsa-sha2-256,rsa-sha2-512
PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ssh-ed25519,rsa-sha2-256,rsa-sha2-512
HostbasedAcceptedAlgorithms ecdsa-sha2-nistp256,ssh-ed25519
CASignatureAlgorithms ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-256,rsa-sha2-512
RequiredRSASize 3072
"""


def every_member_connects(server, keys, profile):
    """Each name that both sides have, one by one, with a key that the profile takes."""
    key = keys[KEYS[profile][0][0]]
    lists = raw.offered(server.port)
    tried = 0
    for kind, names in ((kind, lists[kind]) for kind in client.KINDS):
        common = [name for name in names if name in client.has(kind)]
        if kind == "mac" and all(map(client.is_aead, lists["cipher"])):
            continue
        assert common, f"{kind}: the ssh here has none of {names}"
        for name in common:
            only = {kind: [name]}
            if kind == "mac":
                only["cipher"] = [one for one in lists["cipher"] if not client.is_aead(one)]
            others = {other: [one for one in lists[other] if one in client.has(other)] for other in ("kex", "host_key", "cipher")}
            client.logs_in(server, key=key, **{**others, **only})
            tried += 1
    return f"{tried} algorithms of {profile}"


def one_step_outside_is_refused(server, keys, profile):
    key = keys[KEYS[profile][0][0]]
    said = 0
    for kind, names in OUTSIDE[profile].items():
        for name in (one for one in names if one in client.has(kind)):
            server.mark()
            only = {kind: [name]}
            if kind == "mac":
                only["cipher"] = ["aes128-ctr", "aes256-ctr"]
            client.is_refused(server, client.WORDS[kind], key=key, **only)
            event = server.wait_event("exchange_refused")
            why = event.get("why", "") + event.get("message", "")
            assert name in why and profile in why, f"the log does not name {name} and {profile}: {event}"
            said += 1
    return f"{said} names refused, each with its rule in the log"


def a_refused_client_is_told_the_list(server, _keys, profile):
    reason, text = raw.disconnect_of(server.port, kex=["diffie-hellman-group1-sha1", raw.STRICT])
    assert reason == 3 and "key exchange" in text, (reason, text)
    names = raw.offered(server.port)["kex"]
    if text.endswith(" and others"):  # a DISCONNECT has room for half a kilobyte
        assert len(",".join(names)) > 400, text
        names = names[:8]
    for name in names:
        assert name in text, f"{name} is not in {text!r}"
    assert ".policy" not in text, f"{profile}: an unknown client need not know the site's files: {text!r}"


def user_keys(server, keys, profile):
    good, bad = KEYS[profile]
    for name in good:
        client.logs_in(server, key=keys[name])
    for name, rule in bad.items():
        server.mark()
        client.is_refused(server, "Permission denied", key=keys[name])
        refusals = [event for event in server.events() if rule in str(event)]
        assert refusals, f"no event names {rule}: {server.events()}"
    return f"{', '.join(good)} accepted, {', '.join(bad)} refused by rule"


def keyboard_interactive_is_not_offered(server, keys, _profile):
    done = client.ssh(server, key=keys["wrong"], extra=["-o", "PreferredAuthentications=keyboard-interactive,password"])
    text = done.stderr.decode(errors="replace")
    assert "Permission denied (" in text and "keyboard-interactive" not in text, text


def generated_file_is_a_policy(server, keys):
    path = pathlib.Path("/etc/crypto-policies/back-ends/opensshserver.config")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(GENERATED)
    try:
        server.reload([site.directories(), "Policy SYSTEM"])
        lists = raw.offered(server.port)
        wanted = {line.split()[0].lower(): line.split()[1].split(",") for line in GENERATED.splitlines()}
        client.logs_in(server, key=keys["ed25519"], kex=["ecdh-sha2-nistp256"])
        assert lists["cipher"] == wanted["ciphers"], lists["cipher"]
        assert lists["mac"] == wanted["macs"], lists["mac"]
        client.is_refused(server, client.WORDS["kex"], key=keys["ed25519"], kex=["diffie-hellman-group15-sha512", "diffie-hellman-group17-sha512"]
                          if "diffie-hellman-group15-sha512" in client.has("kex") else ["diffie-hellman-group14-sha1"])
        server.mark()
        client.is_refused(server, "Permission denied", key=keys["rsa2048"])
        refused = [event for event in server.events() if "RequiredRSASize" in str(event)]
        assert refused and str(path) in str(refused), refused or [event.get("event") for event in server.events()]
    finally:
        shutil.rmtree("/etc/crypto-policies")
    return "lists and RequiredRSASize of opensshserver.config are enforced"


def fips_needs_a_provider(server):
    """Where libcrypto serves from anything else, the policy is refused at load, and says what is missing."""
    event, _ = site.is_refused_at_load(server, [site.directories(), "Policy FIPS"], "RequireFIPSProvider", "provider")
    return event.get("why", "")


def fips_provider_present():
    return any(pathlib.Path("/usr/lib").glob("*/ossl-modules/fips.so"))


def fips_with_a_provider(make_server, keys):
    """libcrypto is put into FIPS mode as its documentation says, in this suite's own /etc."""
    if not fips_provider_present():
        raise suite.Skip("this distribution has no FIPS provider for libcrypto (Debian 13: openssl-provider-fips)")
    (module,) = pathlib.Path("/usr/lib").glob("*/ossl-modules/fips.so")
    world.run("openssl", "fipsinstall", "-module", str(module), "-out", "/etc/ssl/fipsmodule.cnf")
    pathlib.Path("/etc/ssl/fipsmodule.cnf").chmod(0o644)
    configuration = pathlib.Path("/etc/ssl/openssl.cnf")
    before = configuration.read_text()
    configuration.write_text("openssl_conf = all\n[all]\nproviders = providers\nalg_section = algorithms\n"
                             "[providers]\nfips = fips_sect\nbase = base_sect\n[base_sect]\nactivate = 1\n"
                             "[algorithms]\ndefault_properties = fips=yes\n.include /etc/ssl/fipsmodule.cnf\n")
    try:
        server = make_server(["Policy FIPS"])
    finally:
        configuration.write_text(before)  # for the clients
    try:
        client.logs_in(server, key=keys["ecdsa256"], kex=["ecdh-sha2-nistp256"])
        client.is_refused(server, client.WORDS["kex"], key=keys["ecdsa256"], kex=["curve25519-sha256"])
    finally:
        server.stop()
    return "served from the FIPS provider"
