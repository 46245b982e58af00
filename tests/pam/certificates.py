"""Claims about users' certificates, which ssh-keygen makes here, and about what is revoked."""

import os
import pathlib
import tempfile

import world
from authentication import FAILED
from keys import Authority, Certified, Ecdsa, Ed25519, Rsa, Sk, authorize
from login import Login
from publickey import accepted
from suite import expect

KEY = Ed25519()
CA = Authority()
OTHER_CA = Authority()
TRUSTED = pathlib.Path("/etc/user-ca.pub")
REVOKED = pathlib.Path("/etc/revoked")
PRINCIPALS = pathlib.Path("/etc/principals")
TRUST = f"TrustedUserCAKeys {TRUSTED}"
REVOKE = f"RevokedKeys {REVOKED}"


def trust(*authorities):
    TRUSTED.write_text("# who signs\n\n" + "".join(authority.line() + "\n" for authority in authorities))
    TRUSTED.chmod(0o600)  # root reads it, whoever logs in
    authorize("alice")
    authorize("bob")


def lets_in(key, *config, **values):
    trust(CA)
    good, attempt, _ = accepted(TRUST, *config, key=key, **values)
    expect(good, True, str(attempt))
    return attempt[2]


def refuses(word, key, *config, **values):
    trust(CA)
    good, attempt, _ = accepted(TRUST, *config, key=key, **values)
    expect(good, False)
    assert word in attempt[2], attempt
    return attempt[2]


def certificate_of_type_logs_in(key):
    trust(OTHER_CA, CA)
    certified = Certified(key, CA, "-z", "77")
    with Login("alice", TRUST) as login:
        message = login.publickey(certified, sign=False)
        expect((message.name, message.v_blob), ("auth_pk_ok", certified.blob))
        expect(login.publickey(certified).name, "auth_success")
        login.monitor_read()
        detail = login.attempts[-1][2]
        assert 'certificate "id of a key" serial 77 of SHA256:' in detail, detail
        expect(login.output("id -un")[0], b"alice\n")


def authority_of_type_signs(options):
    authority = Authority(*options)
    trust(authority)
    expect(accepted(TRUST, key=Certified(KEY, authority))[0], True)


def plain_key_of_a_certificate_does_not_log_in():
    refuses("no such key", KEY)


def key_of_the_authority_does_not_log_in():
    key = Ed25519()
    TRUSTED.write_text(key.line() + "\n")
    TRUSTED.chmod(0o644)
    authorize("alice", key.line("cert-authority"))
    good, attempt, _ = accepted(TRUST, key=key)
    expect(good, False)
    assert "certificates only" in attempt[2], attempt


def signature_is_still_needed():
    trust(CA)
    certified = Certified(KEY, CA)
    expect(accepted(TRUST, key=certified, signature=Ed25519().sign(b""))[0], False)
    expect(accepted(TRUST, key=certified, signature=b"")[0], False)


def time_decides():
    for window, word in (("20200101Z:20210101Z", "expired"), ("20900101Z:20910101Z", "not valid yet")):
        refuses(word, Certified(KEY, CA, "-V", window.replace("Z", "")))
    lets_in(Certified(KEY, CA, "-V", "-1d:+1d"))
    lets_in(Certified(KEY, CA, "-V", "always:forever"))


def principals_decide():
    refuses("no principal of the certificate", Certified(KEY, CA, principals="bob"))
    refuses("no principal of the certificate", Certified(KEY, CA, principals=""))
    refuses("no principal of the certificate", Certified(KEY, CA, principals="alic,alice2,ALICE,*"))
    lets_in(Certified(KEY, CA, principals="bob,alice"))


def other_authorities_do_not_count():
    refuses("no such certificate authority", Certified(KEY, OTHER_CA))


def hosts_certificates_are_hosts():
    refuses("the certificate is a host's", Certified(KEY, CA, host=True))


def changed_certificate_is_refused():
    certified = Certified(KEY, CA)
    certified.blob = certified.blob.replace(b"\0\0\0\x05alice", b"\0\0\0\x05alicf")
    refuses("signature is wrong", certified)
    certified = Certified(KEY, CA)
    certified.blob += b"\0"
    refuses("not a usable certificate", certified)


def unknown_critical_options_are_refused():
    refuses("later@example.org", Certified(KEY, CA, "-O", "critical:later@example.org=x"))
    lets_in(Certified(KEY, CA, "-O", "extension:later@example.org=x"))


def source_address_decides():
    lets_in(Certified(KEY, CA, "-O", "source-address=192.0.2.0/24,2001:db8::/32"))
    refuses("source-address", Certified(KEY, CA, "-O", "source-address=198.51.100.0/24"))


def certificates_force_commands():
    trust(CA)
    with Login("alice", TRUST).enter(Certified(KEY, CA, "-O", "force-command=echo forced")) as login:
        expect(login.output("id")[0], b"forced\n")


def certificates_grant_terminals():
    trust(CA)
    with Login("alice", TRUST).enter(Certified(KEY, CA)) as login:
        expect(login.pty(1), 1)
    with Login("alice", TRUST).enter(Certified(KEY, CA, "-O", "clear")) as login:
        expect(login.pty(1), 0)


def unknown_users_have_no_certificates():
    trust(CA)
    certified = Certified(KEY, CA, principals="nobody-here,alice")
    for user, config in (("nobody-here", ()), ("alice", ("DenyUsers alice",))):
        with Login(user, TRUST, *config) as login:
            expect(login.publickey(certified, sign=False).name, FAILED)
            expect(login.publickey(certified).name, FAILED)
            login.monitor_read()
            expect(login.attempts[0][1], "invalid_user")


def cert_authority_line_signs():
    authorize("alice", Ed25519().line(), CA.line("cert-authority"))
    expect(accepted(key=Certified(KEY, CA))[0], True)
    for certified, word in ((Certified(KEY, CA, principals="bob"), "principal"), (Certified(KEY, CA, principals=""), "principal"),
                            (Certified(KEY, OTHER_CA), "no such")):
        good, attempt, _ = accepted(key=certified)
        expect(good, False)
        assert word in attempt[2], attempt
    authorize("alice", CA.line())
    good, attempt, _ = accepted(key=Certified(KEY, CA))
    expect(good, False)
    assert "cert-authority" in attempt[2], attempt


def principals_of_a_line_replace_the_name():
    authorize("alice", CA.line('cert-authority,principals="web,ops"'))
    expect(accepted(key=Certified(KEY, CA, principals="ops"))[0], True)
    for principals in ("alice", "web-ops", "we", ""):
        expect(accepted(key=Certified(KEY, CA, principals=principals))[0], False, principals)


def options_of_a_line_hold_too():
    authorize("alice", CA.line('cert-authority,no-pty,command="echo line"'))
    with Login("alice").enter(Certified(KEY, CA)) as login:
        expect(login.pty(1), 0)
        expect(login.output("id")[0], b"line\n")
    good, attempt, _ = accepted(key=Certified(KEY, CA, "-O", "force-command=echo certificate"))
    expect(good, False)
    assert "differ" in attempt[2], attempt
    authorize("alice", CA.line('cert-authority,from="198.51.100.1"'))
    expect(accepted(key=Certified(KEY, CA))[0], False)


def principals_file_replaces_the_name():
    PRINCIPALS.write_text('# who\nops # operators\nno-pty,command="echo file" web\nfrom="198.51.100.1" far\n')
    PRINCIPALS.chmod(0o644)
    config = f"AuthorizedPrincipalsFile {PRINCIPALS}"
    lets_in(Certified(KEY, CA, principals="ops"), config)
    refuses("no principal", Certified(KEY, CA, principals="alice"), config)
    refuses("no principal", Certified(KEY, CA, principals=""), config)
    refuses("from=", Certified(KEY, CA, principals="far"), config)
    trust(CA)
    with Login("alice", TRUST, config).enter(Certified(KEY, CA, principals="web")) as login:
        expect(login.pty(1), 0)
        expect(login.output("id")[0], b"file\n")


def principals_file_is_a_users_own():
    path = pathlib.Path("/home/alice/.ssh/principals")
    path.write_text("ops\n")
    os.chown(path, 2001, 2001)
    lets_in(Certified(KEY, CA, principals="ops"), "AuthorizedPrincipalsFile %h/.ssh/principals")
    path.chmod(0o666)
    refuses("owner or modes", Certified(KEY, CA, principals="ops"), "AuthorizedPrincipalsFile %h/.ssh/principals")
    path.unlink()
    refuses("no principal", Certified(KEY, CA), "AuthorizedPrincipalsFile %h/.ssh/principals")


def lists_have_to_be_roots_own(keyword, path, refused_without):
    authorize("alice", KEY.line())
    key = KEY if refused_without else Certified(KEY, CA)

    def events(change, undo):
        path.write_text(CA.line() + "\n" if path == TRUSTED else "")
        path.chmod(0o644)
        change()
        good, _, events = accepted(f"{keyword} {path}", key=key)
        undo()
        expect(good, False)
        assert any(keyword.encode() in event.v_text for event in events), events
    events(lambda: path.chmod(0o664), lambda: None)
    events(lambda: os.chown(path, 2001, 0), lambda: os.chown(path, 0, 0))
    events(path.unlink, lambda: None)
    events(lambda: (path.unlink(), os.mkfifo(path)), path.unlink)
    good, _, _ = accepted(f"{keyword} {path}", key=KEY)
    expect(good, not refused_without)


def signature_algorithms_of_authorities_are_listed():
    refuses("CASignatureAlgorithms: ", Certified(KEY, CA), "CASignatureAlgorithms rsa-sha2-512")
    refuses("CASignatureAlgorithms: ", Certified(KEY, CA), "CASignatureAlgorithms -ssh-ed25519")
    lets_in(Certified(KEY, CA), "CASignatureAlgorithms ssh-ed25519")


def sizes_are_about_every_key():
    refuses("RequiredRSASize: RSA key of 2048 bits, at least 3072", Certified(Rsa(), CA), "RequiredRSASize 3072")
    authority = Authority("-t", "rsa", "-b", "2048")
    trust(authority)
    good, attempt, _ = accepted(TRUST, "RequiredRSASize 3072", key=Certified(KEY, authority))
    expect(good, False)
    assert "RequiredRSASize" in attempt[2] and "authority" in attempt[2], attempt


def certificate_algorithms_are_listed():
    refuses("PubkeyAcceptedAlgorithms: ssh-ed25519-cert-v01@openssh.com", Certified(KEY, CA),
            "PubkeyAcceptedAlgorithms ssh-ed25519")
    lets_in(Certified(KEY, CA), "PubkeyAcceptedAlgorithms *-cert-v01@openssh.com".replace("*", "ssh-ed25519"))


def a_key_and_its_certificate_are_one():
    from authentication import chain, listed
    trust(CA)
    authorize("alice", KEY.line())
    with Login("alice", TRUST, chain("publickey,publickey")) as login:
        expect(listed(login.publickey(KEY)), ("publickey", 1))
        expect(listed(login.publickey(Certified(KEY, CA))), ("publickey", 0))
        expect(login.publickey(Certified(Ed25519(), CA)).name, "auth_success")


# -- RevokedKeys

def revoke(specification, *options):
    """A revocation list as ssh-keygen makes it."""
    with tempfile.NamedTemporaryFile("w") as lines:
        lines.write(specification)
        lines.flush()
        world.run("ssh-keygen", "-q", "-k", "-f", str(REVOKED), *options, lines.name)
    REVOKED.chmod(0o600)


def revoked_list(text):
    REVOKED.write_text(text)
    REVOKED.chmod(0o600)


def revoked_by(prepare, certificate, key):
    """certificate, key: whether each is refused."""
    trust(CA)
    authorize("alice", KEY.line())
    prepare()
    for tried, refused in ((Certified(KEY, CA, "-z", "5"), certificate), (KEY, key)):
        good, attempt, _ = accepted(TRUST, REVOKE, key=tried)
        expect(good, not refused, str(attempt))
        if refused:
            assert f"RevokedKeys: {REVOKED}: revoked" in attempt[2], attempt


def malformed_revocation_refuses_every_key(text):
    trust(CA)
    authorize("alice", KEY.line())
    REVOKED.write_bytes(text)
    REVOKED.chmod(0o600)
    for key in (KEY, Certified(KEY, CA)):
        good, attempt, _ = accepted(TRUST, REVOKE, key=key)
        expect(good, False)
        assert "no key is accepted" in attempt[2], attempt


def passwords_need_no_revocation_list():
    REVOKED.unlink(missing_ok=True)
    with Login("alice", REVOKE) as login:
        expect(login.publickey(KEY).name, FAILED)
        expect(login.password("right").name, "auth_success")


def tests():
    plain = [
        plain_key_of_a_certificate_does_not_log_in, key_of_the_authority_does_not_log_in, signature_is_still_needed,
        time_decides, principals_decide, other_authorities_do_not_count, hosts_certificates_are_hosts,
        changed_certificate_is_refused, unknown_critical_options_are_refused, source_address_decides,
        certificates_force_commands, certificates_grant_terminals, unknown_users_have_no_certificates,
        cert_authority_line_signs, principals_of_a_line_replace_the_name, options_of_a_line_hold_too,
        principals_file_replaces_the_name, principals_file_is_a_users_own, signature_algorithms_of_authorities_are_listed,
        sizes_are_about_every_key, certificate_algorithms_are_listed, a_key_and_its_certificate_are_one,
        passwords_need_no_revocation_list,
    ]
    rows = [(function.__name__, function, (), {}) for function in plain]
    for key in (Ed25519(), Ecdsa(256), Ecdsa(384), Ecdsa(521), Rsa("rsa-sha2-256"), Rsa("rsa-sha2-512"), Sk(), Sk("ecdsa")):
        rows.append((f"certificate_logs_in_{key.algorithm}", certificate_of_type_logs_in, (key,), {}))
    for options in (("-t", "ed25519"), ("-t", "ecdsa", "-b", "384"), ("-t", "rsa", "-b", "2048")):
        rows.append((f"authority_signs_{options[1]}", authority_of_type_signs, (options,), {}))
    for keyword, path, refused in (("TrustedUserCAKeys", TRUSTED, False), ("RevokedKeys", REVOKED, True)):
        rows.append((f"{keyword}_has_to_be_roots_own", lists_have_to_be_roots_own, (keyword, path, refused), {}))
    ca_public = str(CA.path.with_suffix(".pub"))
    for name, prepare, certificate, key in (
            ("serial", lambda: revoke("serial: 3-9\n", "-s", ca_public), True, False),
            ("other_serial", lambda: revoke("serial: 6-9\n", "-s", ca_public), False, False),
            ("key_id", lambda: revoke("id: id of a key\n", "-s", ca_public), True, False),
            ("key", lambda: revoke("key: " + KEY.line() + "\n"), True, True),
            ("authority", lambda: revoke("key: " + CA.line() + "\n"), True, False),
            ("list_of_key", lambda: revoked_list("# bad\n" + KEY.line() + "\n"), True, True),
            ("list_of_authority", lambda: revoked_list(CA.line() + "\n"), True, False),
            ("list_of_others", lambda: revoked_list(Ed25519().line() + "\n"), False, False),
            ("empty_list", lambda: revoked_list(""), False, False)):
        rows.append((f"revoked_by_{name}", revoked_by, (prepare, certificate, key), {}))
    for text in (b"junk\n", b"SSHKRL\n\0", b"SSHKRL\n\0" + bytes(64), os.urandom(100) + b"\n"):
        rows.append((f"malformed_revocation_{len(text)}", malformed_revocation_refuses_every_key, (text,), {}))
    return rows
