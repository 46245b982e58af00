"""Claims about the site's policy in a login: a refusal names its line, and a policy that is only reported refuses nothing."""

import os
import subprocess

import services
from authentication import FAILED, chain, listed
from certificates import TRUST, trust
from ipc import Closed
from keys import Authority, Certified, Ecdsa, Ed25519, Rsa, authorize
from login import PROGRAMS, SITE, Login, pair
from suite import expect

KEY = Ed25519()
CA = Authority()
REPORT = "PolicyMode report SITE"
LINE = f"{SITE} line 2"  # the first of a test's lines


def passes(attempt, *policy, service="plain", config=()):
    """attempt(login) gives the worker's answer. The reports."""
    with Login("alice", REPORT, TRUST, *config, service=service, policy=policy) as login:
        expect(attempt(login).name, "auth_success")
        login.monitor_read()
        expect(bool(login.succeeded), True)
        return login.reports


def with_password(login):
    return login.password("right")


def with_dialogue(login):
    login.dialogue()
    return login.respond("right")


def with_key(key):
    def attempt(login):
        expect(login.publickey(key, sign=False).name, "auth_pk_ok")
        return login.publickey(key)
    return attempt


def one(reports, what, *words):
    expect([report[:2] for report in reports], [("SITE", what)])
    for word in words:
        assert word in reports[0][2], f"{word!r} is not in {reports[0][2]!r}"


def fingerprint(key):
    """As ssh-keygen has it."""
    done = subprocess.run(["ssh-keygen", "-l", "-f", "-"], input=key.line().encode(), stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().split()[1]


# ---- PolicyMode report -------------------------------------------------------------------------------------------


def method_is_reported(attempt, name):
    one(passes(attempt, "AllowedAuthenticationMethods publickey"), "AllowedAuthenticationMethods",
        f"{name} is not allowed ({LINE})")
    expect(passes(attempt, "AllowedAuthenticationMethods password,keyboard-interactive"), [])


def a_method_goes_before_its_key():
    authorize("alice", KEY.line())
    one(passes(with_key(KEY), "AllowedAuthenticationMethods password", "PubkeyAcceptedAlgorithms -ssh-ed25519"),
        "AllowedAuthenticationMethods", "publickey is not allowed")


def algorithm_is_reported():
    authorize("alice", KEY.line())
    one(passes(with_key(KEY), "PubkeyAcceptedAlgorithms -ssh-ed25519"), "PubkeyAcceptedAlgorithms", fingerprint(KEY),
        'ssh-ed25519 is out: removed by "PubkeyAcceptedAlgorithms -ssh-ed25519"', LINE)


def size_is_reported(line, what, key, words):
    authorize("alice", key.line())
    one(passes(with_key(key), line), what, f"{fingerprint(key)}: {words} ({LINE})")


def authority_is_reported():
    trust(CA)
    one(passes(with_key(Certified(KEY, CA)), "CASignatureAlgorithms -ssh-ed25519"), "CASignatureAlgorithms", fingerprint(KEY),
        "signed with ssh-ed25519: ssh-ed25519 is out", LINE)
    large = Authority("-t", "rsa", "-b", "2048")
    trust(large)
    one(passes(with_key(Certified(KEY, large)), "RequiredRSASize 3072"), "RequiredRSASize",
        f"RSA key of 2048 bits, at least 3072 (the authority's key) ({LINE})")


def what_it_accepts_is_not_reported():
    key = Ecdsa(384)
    strict = ["AllowedAuthenticationMethods publickey", "PubkeyAcceptedAlgorithms ecdsa-sha2-nistp384", "RequiredECSize 384",
              "RequiredRSASize 3072", "CASignatureAlgorithms ecdsa-sha2-nistp384"]
    authorize("alice", key.line())
    expect(passes(with_key(key), *strict), [])


def each_step_of_a_chain_is_reported():
    authorize("alice", KEY.line())
    with Login("alice", REPORT, chain("publickey,password"), policy=["PubkeyAcceptedAlgorithms -ssh-ed25519",
                                                                     "AllowedAuthenticationMethods publickey"]) as login:
        expect(listed(login.publickey(KEY)), ("password", 1))
        expect(login.password("right").name, "auth_success")
        login.monitor_read()
        expect([what for _, what, _ in login.reports], ["PubkeyAcceptedAlgorithms", "AllowedAuthenticationMethods"])


def what_fails_is_not_reported():
    """Nor what has only been asked about."""
    authorize("alice", KEY.line())
    policy = ["AllowedAuthenticationMethods keyboard-interactive", "PubkeyAcceptedAlgorithms -ssh-ed25519", "RequiredRSASize 3072"]
    small = Rsa()
    for user in ("alice", "nobody-here"):
        with Login(user, REPORT, policy=policy) as login:
            login.publickey(KEY, sign=False)
            expect(login.publickey(KEY, signature=Ed25519().sign(b"")).name, FAILED)
            expect(login.publickey(small).name, FAILED)
            expect(login.password("wrong").name, FAILED)
            login.monitor_read()
            expect((login.reports, len(login.attempts)), ([], 3))


def exceptions_count_in_a_reported_policy():
    authorize("alice", KEY.line())
    lines = ["PubkeyAcceptedAlgorithms -ssh-ed25519", "PubkeyAcceptedAlgorithms +ssh-ed25519 Address 192.0.2.0/24"]
    expect(passes(with_key(KEY), *lines), [])
    lines[1] = lines[1].replace("192.0.2", "198.51.100")
    one(passes(with_key(KEY), *lines), "PubkeyAcceptedAlgorithms", "not for 192.0.2.7", f"{SITE} line 3")


# ---- Policy ------------------------------------------------------------------------------------------------------


def refused(key, *policy):
    with Login("alice", "Policy SITE", TRUST, policy=policy) as login:
        expect(login.publickey(key).name, FAILED)
        login.monitor_read()
        return login.attempts[-1][2]


def refusal_names_its_line(line, key, words):
    authorize("alice", key.line())
    detail = refused(key, line)
    assert f"{words} ({LINE})" in detail, detail


def refused_algorithm_says_why():
    authorize("alice", KEY.line())
    detail = refused(KEY, "PubkeyAcceptedAlgorithms -ssh-ed25519")
    assert "PubkeyAcceptedAlgorithms: ssh-ed25519 is out: removed by" in detail and LINE in detail, detail
    trust(CA)
    detail = refused(Certified(KEY, CA), "CASignatureAlgorithms -ssh-ed25519")
    assert "CASignatureAlgorithms: the certificate is signed with ssh-ed25519: ssh-ed25519 is out: removed by" in detail, detail
    assert LINE in detail and '; certificate "id of a key"' in detail, detail


def strange_algorithm_is_refused_in_words():
    with Login("alice", policy=()) as login:
        for name in ("", "\x01\xff%s", "s" * 128, "ssh-ed25519,ssh-rsa"):
            expect(login.publickey(KEY, algorithm=name).name, FAILED)
        login.monitor_read()
        expect([detail.startswith("PubkeyAcceptedAlgorithms: ") for _, _, detail in login.attempts], [True] * 4)


def refused_method_names_its_line():
    with Login("alice", "Policy SITE", policy=["AllowedAuthenticationMethods publickey"]) as login:
        expect(listed(login.password("right")), ("publickey", 0))
        login.monitor_read()
        expect(login.attempts[-1][2], f"AllowedAuthenticationMethods: password is not allowed ({LINE})")


def no_dialogue_changes_a_password_where_dialogues_are_forbidden():
    services.log_clear()
    authorize("alice", KEY.line())
    with Login("alice", "Policy SITE", service="expired", policy=["AllowedAuthenticationMethods publickey,password"]) as login:
        expect(login.publickey(KEY).name, "auth_over")
        login.monitor_read()
        assert "AllowedAuthenticationMethods" in login.attempts[-1][2], login.attempts


# ---- the as-user helper ------------------------------------------------------------------------------------------

RULES = {"kind": 1, "rsa_bits_min": 2048, "ca_algorithms": "ssh-ed25519"}


def helper_ends_at(*messages):
    """The last of these (name, fields) breaks the protocol, and the ones before do not."""
    ours, theirs = pair()
    process = subprocess.Popen([str(PROGRAMS / "session/sallyport-asuser"), "65534:65534:"],
                               preexec_fn=lambda: os.dup2(theirs.fileno(), 3), pass_fds=(3,),
                               stdin=subprocess.DEVNULL, env={})
    theirs.close()
    try:
        for name, fields in [("helper_open", {"user": "nobody-here", "uid": 65534, "home": "/nonexistent"}), *messages]:
            ours.send(name, **fields)
            if name == "helper_check":
                try:
                    expect(ours.receive(5).v_accepted == 1, False)
                    continue
                except Closed:
                    expect((name, fields), messages[-1])
        expect(process.wait(5), 1)
    finally:
        ours.close()
        process.kill()
        process.wait()


def helper_judges_nothing_without_rules():
    check = ("helper_check", {"algorithm": "ssh-ed25519", "blob": KEY.blob})
    helper_ends_at(check)
    helper_ends_at(("helper_rules", {**RULES, "kind": 2}), check)


def helper_takes_rules_once_and_first():
    rules, check = ("helper_rules", RULES), ("helper_check", {"algorithm": "ssh-ed25519", "blob": KEY.blob})
    helper_ends_at(rules, rules)
    helper_ends_at(rules, check, ("helper_rules", {**RULES, "kind": 2}))
    for kind in (0, 3, 255):
        helper_ends_at(("helper_rules", {**RULES, "kind": kind}))
    helper_ends_at(("helper_rules", {**RULES, "rsa_bits": b"\0\0\0"}))
    helper_ends_at(("helper_rules", {**RULES, "rsa_bits": b"\0\0\x0c\0" * 9}))
    helper_ends_at(rules, ("helper_open", {"user": "alice"}))


def tests():
    rows = [(function.__name__, function, (), {}) for function in (
        a_method_goes_before_its_key, algorithm_is_reported, authority_is_reported, what_it_accepts_is_not_reported,
        each_step_of_a_chain_is_reported, what_fails_is_not_reported, exceptions_count_in_a_reported_policy,
        refused_algorithm_says_why, strange_algorithm_is_refused_in_words, refused_method_names_its_line,
        no_dialogue_changes_a_password_where_dialogues_are_forbidden, helper_judges_nothing_without_rules,
        helper_takes_rules_once_and_first)]
    small, odd, curve = Rsa(), Rsa(bits=3072), Ecdsa(256)
    sizes = (("RequiredRSASize 3072", small, "RSA key of 2048 bits, at least 3072"),
             ("AllowedRSASizes 2048,4096", odd, "RSA key of 3072 bits, only 2048,4096"),
             ("RequiredECSize 384", curve, "key of 256 bits, at least 384"))
    for line, key, words in sizes:
        what = line.split()[0]
        rows.append((f"size_is_reported {what}", size_is_reported, (line, what, key, words), {}))
        rows.append((f"refusal_names_its_line {what}", refusal_names_its_line, (line, key, f"{what}: {words}"), {}))
    for attempt, name in ((with_password, "password"), (with_dialogue, "keyboard-interactive")):
        rows.append((f"method_is_reported {name}", method_is_reported, (attempt, name), {}))
    return rows
