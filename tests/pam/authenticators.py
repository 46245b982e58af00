"""Claims about keys in FIDO authenticators, which are made of software here."""

import pathlib

from keys import Authority, Certified, Sk, Webauthn, authorize
from login import Login
from publickey import accepted
from suite import expect

TOUCHED, VERIFIED = 1, 4
CA = Authority()
TRUSTED = pathlib.Path("/etc/sk-ca.pub")


def key_of_type_logs_in(kind):
    key = Sk(kind)
    authorize("alice", key.line())
    with Login("alice") as login:
        expect(login.publickey(key, sign=False).name, "auth_pk_ok")
        expect(login.publickey(key).name, "auth_success")
        expect(login.output("id -un")[0], b"alice\n")


def outcomes(key, options, rows, *config):
    """rows: flags of a signature, and the word of the refusal or None."""
    authorize("alice", key.line(options))
    for flags, word in rows:
        good, attempt, _ = accepted(*config, key=key.touched(flags))
        expect(good, word is None, f"{flags} {attempt}")
        assert word is None or word in attempt[2], attempt


def touch_is_required_unless_waived(kind):
    outcomes(Sk(kind), "", [(0, "touch-required"), (VERIFIED, "touch-required"), (TOUCHED, None)])
    outcomes(Sk(kind), "no-touch-required", [(0, None), (TOUCHED, None)])


def keys_ask_to_be_verified():
    outcomes(Sk(), "verify-required", [(TOUCHED, "verify-required"), (VERIFIED, "touch-required"), (TOUCHED | VERIFIED, None)])


def the_server_asks_for_more():
    outcomes(Sk(), "no-touch-required", [(0, "touch-required"), (TOUCHED, None)], "PubkeyAuthOptions touch-required")
    outcomes(Sk(), "", [(TOUCHED, "verify-required"), (TOUCHED | VERIFIED, None)], "PubkeyAuthOptions verify-required")
    outcomes(Sk(), "no-touch-required", [(VERIFIED, "touch-required"), (TOUCHED, "verify-required"), (TOUCHED | VERIFIED, None)],
             "PubkeyAuthOptions touch-required verify-required")


def flags_cannot_be_added():
    key = Sk(flags=0)
    authorize("alice", key.line())
    with Login("alice") as login:
        def sign(data):
            signature = bytearray(Sk.sign(key, data))
            signature[-5] |= TOUCHED
            return bytes(signature)
        changed = key.touched(0)
        changed.sign = sign
        expect(login.publickey(changed).name, "auth_failure")
        login.monitor_read()
        assert "wrong signature" in login.attempts[-1][2], login.attempts


def applications_are_part_of_a_key():
    key = Sk()
    authorize("alice", key.line())
    other = key.touched(TOUCHED)
    other.application = "ssh:other"
    expect(accepted(key=other)[0], False)


def browsers_log_in_if_listed():
    key = Webauthn()
    authorize("alice", key.line())
    expect(accepted("PubkeyAcceptedAlgorithms sk-ecdsa-sha2-nistp256@openssh.com", key=key)[0], False)
    config = "PubkeyAcceptedAlgorithms webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
    expect(accepted(config, key=key)[0], True)
    expect(accepted(config, key=key.touched(0))[0], False)
    other = key.touched(TOUCHED)
    other.origin = 'https://example.org","challenge":"x'
    expect(accepted(config, key=other)[0], False)
    TRUSTED.write_text(CA.line() + "\n")
    TRUSTED.chmod(0o644)
    authorize("alice")
    expect(accepted(f"TrustedUserCAKeys {TRUSTED}", "PubkeyAcceptedAlgorithms webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com",
                    key=Certified(key, CA))[0], True)


def certificates_waive_touches_with_their_authority():
    TRUSTED.write_text(CA.line() + "\n")
    TRUSTED.chmod(0o644)
    authorize("alice")
    config = f"TrustedUserCAKeys {TRUSTED}"
    untouched = Sk(flags=0)
    expect(accepted(config, key=Certified(untouched, CA))[0], False)
    waived = Certified(untouched, CA, "-O", "no-touch-required")
    expect(accepted(config, key=waived)[0], True)
    authorize("alice", CA.line("cert-authority"))
    expect(accepted(key=waived)[0], False)
    authorize("alice", CA.line("cert-authority,no-touch-required"))
    expect(accepted(key=waived)[0], True)
    expect(accepted(key=Certified(Sk(), CA, "-O", "verify-required"))[0], False)
    expect(accepted(key=Certified(Sk(flags=TOUCHED | VERIFIED), CA, "-O", "verify-required"))[0], True)


def tests():
    plain = [keys_ask_to_be_verified, the_server_asks_for_more, flags_cannot_be_added, applications_are_part_of_a_key,
             browsers_log_in_if_listed, certificates_waive_touches_with_their_authority]
    rows = [(function.__name__, function, (), {}) for function in plain]
    for kind in ("ed25519", "ecdsa"):
        rows.append((f"key_logs_in_{kind}", key_of_type_logs_in, (kind,), {}))
        rows.append((f"touch_is_required_unless_waived_{kind}", touch_is_required_unless_waived, (kind,), {}))
    return rows
