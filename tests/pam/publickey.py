"""Claims about the publickey method: keys, files, options, restrictions."""

import os
import pathlib
import time

from authentication import FAILED, chain, listed
from ipc import string
from keys import Ecdsa, Ed25519, Rsa, authorize
from login import EXEC, HOST_KEY, SHELL, Login
from suite import expect

KEY = Ed25519()
OTHER = Ed25519()
HOME = pathlib.Path("/home/alice")
FILE = HOME / ".ssh/authorized_keys"


def accepted(*config, key=KEY, user="alice", **values):
    with Login(user, *config) as login:
        message = login.publickey(key, **values)
        login.monitor_read()
        return message.name == "auth_success", login.attempts[-1] if login.attempts else None, login.events


def key_of_type_logs_in(key):
    authorize("alice", OTHER.line(), key.line())
    with Login("alice") as login:
        message = login.publickey(key, sign=False)
        expect((message.name, message.v_blob, message.v_algorithm), ("auth_pk_ok", key.blob, key.algorithm.encode()))
        expect(login.publickey(key).name, "auth_success")
        login.monitor_read()
        expect(login.succeeded.v_methods, b"publickey")
        assert "SHA256:" in login.attempts[-1][2], login.attempts


def signature_over_something_else_fails():
    authorize("alice", KEY.line())
    for changed in ({"signature": KEY.sign(b"something else")}, {"signature": OTHER.sign(b"")}, {"signature": b""},
                    {"signature": string("ssh-ed25519") + string(b"\0" * 64)}):
        expect(accepted(**changed)[0], False, str(changed))
    with Login("alice") as login:
        login.user = "bob"
        expect(login.publickey(KEY).name, FAILED)


def key_that_is_not_listed_fails_quickly():
    authorize("alice", OTHER.line())
    with Login("alice") as login:
        expect(login.publickey(KEY, sign=False).name, FAILED)
        started = time.monotonic()
        expect(login.publickey(KEY).name, FAILED)
        assert time.monotonic() - started < 0.2
        login.monitor_read()
        expect(login.attempts[0][1], "failed")
        assert "no such key" in login.attempts[0][2]


def query_permits_nothing():
    authorize("alice", KEY.line())
    with Login("alice") as login:
        expect(login.publickey(KEY, sign=False).name, "auth_pk_ok")
        login.monitor_read()
        expect((login.succeeded, login.attempts), (None, []))
        expect(login.publickey(OTHER).name, FAILED)


def hostbound_logs_in_with_our_host_key_alone():
    authorize("alice", KEY.line())
    expect(accepted(hostbound=True, host_key=HOST_KEY)[0], True)
    expect(accepted(hostbound=True, host_key=string("ssh-ed25519") + string(b"x" * 32))[0], False)
    with Login("alice") as login:  # a plain signature in a hostbound request
        plain = KEY.sign(b"")
        expect(login.publickey(KEY, hostbound=True, host_key=HOST_KEY, signature=plain).name, FAILED)


def unknown_users_have_no_keys():
    authorize("alice", KEY.line())
    for user, config in (("nobody-here", ()), ("alice", ("DenyUsers alice",)), ("../alice", ())):
        with Login(user, *config) as login:
            expect(login.publickey(KEY, sign=False).name, FAILED)
            expect(login.publickey(KEY).name, FAILED)
            login.monitor_read()
            expect(login.attempts[0][1], "invalid_user")


def queries_are_bounded():
    authorize("alice", KEY.line())
    with Login("alice") as login:
        for _ in range(64):
            expect(login.publickey(OTHER, sign=False).name, FAILED)
        for _ in range(6):
            message = login.publickey(KEY, sign=False)
        expect(message.name, "auth_over")


def algorithm_outside_the_list_fails():
    key = Rsa("rsa-sha2-256")
    authorize("alice", key.line(), KEY.line())
    expect(accepted("PubkeyAcceptedAlgorithms ssh-ed25519", key=key)[0], False)
    expect(accepted("PubkeyAcceptedAlgorithms -rsa-sha2-256", key=key)[0], False)
    expect(accepted("PubkeyAcceptedAlgorithms ssh-ed25519")[0], True)
    expect(accepted(key=key, algorithm="ssh-rsa")[0], False)


def short_rsa_key_is_refused():
    key = Rsa()
    authorize("alice", key.line())
    expect(accepted("RequiredRSASize 3072", key=key)[0], False)
    expect(accepted(key=key)[0], True)


def malformed_blobs_fail():
    authorize("alice", KEY.line())
    with Login("alice") as login:
        for blob in (b"", b"\0", KEY.blob[:-1], KEY.blob + b"\0", b"\xff" * 64, os.urandom(8000)):
            expect(login.publickey(KEY, sign=False, blob=blob).name, FAILED)
        expect(login.publickey(KEY).name, "auth_success")


def strict_modes(change, undo):
    authorize("alice", KEY.line())
    expect(accepted()[0], True)
    change()
    try:
        good, attempt, _ = accepted()
        expect(good, False)
        assert "owner or modes" in attempt[2] or "regular" in attempt[2], attempt
        expect(accepted("StrictModes no")[0], "regular" not in attempt[2])
    finally:
        undo()
    expect(accepted()[0], True)


def file_modes():
    strict_modes(lambda: FILE.chmod(0o620), lambda: FILE.chmod(0o600))


def directory_modes():
    strict_modes(lambda: FILE.parent.chmod(0o770), lambda: FILE.parent.chmod(0o700))


def home_modes():
    strict_modes(lambda: HOME.chmod(0o775), lambda: HOME.chmod(0o755))


def file_owner():
    def change():
        os.chown(FILE, 2002, 2002)
        FILE.chmod(0o644)

    def undo():
        os.chown(FILE, 2001, 2001)
        FILE.chmod(0o600)
    strict_modes(change, undo)


def link_is_judged_by_its_target():
    authorize("alice", KEY.line())
    outside = pathlib.Path("/home/keys")
    outside.mkdir(mode=0o777, exist_ok=True)
    outside.chmod(0o777)
    target = outside / "alice"
    os.rename(FILE, target)
    FILE.symlink_to(target)
    expect(accepted()[0], False)
    outside.chmod(0o755)
    expect(accepted()[0], True)
    FILE.unlink()


def fifo_and_directory_do_not_block():
    for make in (lambda path: os.mkfifo(path), lambda path: path.mkdir()):
        FILE.unlink(missing_ok=True)
        make(FILE)
        os.chown(FILE, 2001, 2001)
        started = time.monotonic()
        expect(accepted()[0], False)
        assert time.monotonic() - started < 2
        FILE.rmdir() if FILE.is_dir() else FILE.unlink()


def other_places(pattern, path):
    FILE.unlink(missing_ok=True)
    path = pathlib.Path(path)
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.write_text(KEY.line() + "\n")
    path.chmod(0o644)
    expect(accepted(f"AuthorizedKeysFile {pattern}")[0], True)
    expect(accepted("AuthorizedKeysFile none")[0], False)
    path.unlink()


def file_of_another_user_is_not_read():
    path = pathlib.Path("/etc/secret-keys")
    path.write_text(KEY.line() + "\n")
    path.chmod(0o600)
    good, attempt, _ = accepted(f"AuthorizedKeysFile {path}")
    expect(good, False)
    assert "Permission denied" in attempt[2], attempt


def long_line_hides_no_key():
    authorize("alice", "#" + "x" * 20000 + " " + KEY.line())
    good, attempt, _ = accepted()
    expect(good, False)
    assert "longer than" in attempt[2], attempt
    authorize("alice", "x" * 16384 + KEY.line(), KEY.line())
    expect(accepted()[0], True)


def huge_file_is_not_read_to_its_end():
    authorize("alice", "#" + "x" * 5000000, KEY.line())
    expect(accepted()[0], False)


def option_refuses(option, word):
    authorize("alice", KEY.line(option))
    good, attempt, _ = accepted()
    expect(good, False)
    assert f"{FILE} line 1: " in attempt[2] and word in attempt[2], attempt


def option_lets_in(option):
    authorize("alice", KEY.line(option))
    expect(accepted()[0], True)


def logged_in(*config, options=""):
    authorize("alice", KEY.line(options))
    return Login("alice", *config).enter(KEY)


def key_command_is_forced():
    with logged_in(options='command="echo \\"$SSH_ORIGINAL_COMMAND\\""') as login:
        expect(login.output("rm -rf /")[0], b"rm -rf /\n")


def force_command_goes_first():
    with logged_in("ForceCommand echo admin $SSH_ORIGINAL_COMMAND", options='command="echo key"') as login:
        expect(login.output("id")[0], b"admin id\n")
        expect(login.output("", kind=SHELL)[0], b"admin\n")


def key_without_pty_gets_none(option):
    with logged_in(options=option) as login:
        expect(login.pty(1), 0)
        expect(login.output("echo still", channel=1)[0], b"still\n")


def restrict_can_be_loosened():
    with logged_in(options="restrict,pty") as login:
        expect(login.pty(1), 1)


def key_environment_needs_the_option():
    options = 'environment="COLOUR=blue",environment="LD_PRELOAD=/tmp/x.so"'
    with logged_in(options=options) as login:
        expect(login.output("echo $COLOUR")[0], b"\n")
    with logged_in("PermitUserEnvironment yes", options=options) as login:
        expect(login.output("echo $COLOUR$LD_PRELOAD")[0], b"blue\n")


def two_keys_are_two():
    authorize("alice", KEY.line(), OTHER.line())
    with Login("alice", chain("publickey,publickey")) as login:
        expect(listed(login.publickey(KEY)), ("publickey", 1))
        expect(listed(login.publickey(KEY)), ("publickey", 0))
        expect(login.publickey(OTHER).name, "auth_success")


def restrictions_of_the_first_key_stay():
    authorize("alice", KEY.line('restrict,command="echo first"'), OTHER.line("pty"))
    with Login("alice", chain("publickey,publickey")) as login:
        login.publickey(KEY)
        login.enter(OTHER)
        expect(login.pty(1), 0)
        expect(login.output("id")[0], b"first\n")


def restrictions_survive_a_password():
    authorize("alice", KEY.line('restrict,command="echo first"'))
    with Login("alice", chain("publickey,password")) as login:
        expect(listed(login.publickey(KEY)), ("password", 1))
        expect(login.password("right").name, "auth_success")
        expect(login.output("id")[0], b"first\n")


def contradicting_commands_fail():
    authorize("alice", KEY.line('command="echo one"'), OTHER.line('command="echo two"'))
    with Login("alice", chain("publickey,publickey")) as login:
        login.publickey(KEY)
        expect(login.publickey(OTHER).name, FAILED)


def account_is_asked_for_keys_too():
    authorize("alice", KEY.line())
    with Login("alice", service="deny") as login:
        expect(login.publickey(KEY).name, "auth_over")


def expired_password_leads_a_key_to_a_dialogue():
    import services
    services.log_clear()
    authorize("alice", KEY.line())
    with Login("alice", service="expired") as login:
        expect(listed(login.publickey(KEY)), ("keyboard-interactive", 1))
        expect(listed(login.password("right")), ("keyboard-interactive", 0))
        message = login.dialogue()
        expect(message.v_instruction, b"Changing the password\n")
        login.respond()
        login.respond("right")
        login.respond("long enough")
        expect(login.respond("long enough").name, "auth_success")
        expect("authenticate" in services.stages(), False)


def root_key(setting, options, works):
    path = pathlib.Path("/etc/root-keys")
    path.write_text(KEY.line(options) + "\n")
    path.chmod(0o644)
    good, _, _ = accepted(f"PermitRootLogin {setting}", f"AuthorizedKeysFile {path}", user="root")
    expect(good, works)


def helper_has_become_the_user():
    authorize("alice", KEY.line())
    with Login("alice") as login:
        expect(login.publickey(KEY, sign=False).name, "auth_pk_ok")
        expect(helper_facts(login), ("2001", "2001 3001", "0000000000000000", "1", "2"))
    with Login("nobody-here") as login:
        login.publickey(KEY, sign=False)
        expect(helper_facts(login), ("65534", "", "0000000000000000", "1", "2"))


def helper_facts(login):
    children = pathlib.Path(f"/proc/{login.process.pid}/task/{login.process.pid}/children").read_text().split()
    expect(len(children), 1, "helpers")
    lines = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{children[0]}/status").read_text().splitlines())
    expect(len(set(lines["Uid"].split())), 1, "uids")
    numbers = [lines[name].strip() for name in ("Groups", "CapEff", "NoNewPrivs", "Seccomp")]
    return lines["Uid"].split()[0], *numbers


def tests():
    plain = [
        signature_over_something_else_fails, key_that_is_not_listed_fails_quickly, query_permits_nothing,
        hostbound_logs_in_with_our_host_key_alone, unknown_users_have_no_keys, queries_are_bounded,
        algorithm_outside_the_list_fails, short_rsa_key_is_refused, malformed_blobs_fail, file_modes, directory_modes,
        home_modes, file_owner, link_is_judged_by_its_target, fifo_and_directory_do_not_block,
        file_of_another_user_is_not_read, long_line_hides_no_key, huge_file_is_not_read_to_its_end,
        key_command_is_forced, force_command_goes_first, restrict_can_be_loosened, key_environment_needs_the_option,
        two_keys_are_two, restrictions_of_the_first_key_stay, restrictions_survive_a_password,
        contradicting_commands_fail, account_is_asked_for_keys_too, expired_password_leads_a_key_to_a_dialogue,
        helper_has_become_the_user,
    ]
    rows = [(function.__name__, function, (), {}) for function in plain]
    for key in (Ed25519(), Ecdsa(256), Ecdsa(384), Ecdsa(521), Rsa("rsa-sha2-256"), Rsa("rsa-sha2-512", 4096)):
        rows.append((f"key_logs_in_{key.algorithm}", key_of_type_logs_in, (key,), {}))
    for option, word in (('permitopen="a:1"', "permitopen"), ("cert-authority", "cert-authority"),
                         ('principals=""', "principals"), ("no-such", "no-such"), ("pty=\"x\"", "pty"),
                         ('from="10.0.0.0/8"', "from"), ('from="!192.0.2.7,*"', "from"),
                         ('expiry-time="20200101"', "expired"), ('expiry-time="tomorrow"', "expiry-time"),
                         ('command="a",command="b"', "command"), ("command", "command"), ("pty,", "pty")):
        rows.append((f"refused_with_{option}", option_refuses, (option, word), {}))
    for option in ('from="192.0.2.0/24"', 'from="10.0.0.1,192.0.2.*"', 'expiry-time="20990101"', 'expiry-time="209901010000Z"',
                   "restrict", "no-agent-forwarding,no-port-forwarding,no-X11-forwarding,no-user-rc", 'command="a, b \\"c\\" d"'):
        rows.append((f"lets_in_with_{option}", option_lets_in, (option,), {}))
    for option in ("no-pty", "restrict", "pty,no-pty"):
        rows.append((f"no_terminal_with_{option}", key_without_pty_gets_none, (option,), {}))
    for pattern, path in (("/etc/keys/%u", "/etc/keys/alice"), ("%h/own keys", "/home/alice/own"), ("/etc/keys/%U", "/etc/keys/2001"),
                          ("more/keys", "/home/alice/more/keys")):
        rows.append((f"reads_AuthorizedKeysFile_{pattern}", other_places, (pattern, path), {}))
    for setting, options, works in (("prohibit-password", "", True), ("no", "", False), ("forced-commands-only", "", False),
                                    ("forced-commands-only", 'command="true"', True)):
        rows.append((f"root_key_with_{setting}_{options}", root_key, (setting, options, works), {}))
    return rows
