"""`sallyport config`: what comes of OpenSSH's configurations, and what the server says of it."""

import os
import subprocess

import tool
import world
from suite import Skip, expect

PLACE = world.STATE / "configurations"
ROOT = ["--root", "import/root"]
FILES = {"debian": "import/debian.conf", "hardened": "import/hardened.conf", "match": "import/match.conf",
         "nasty": "import/root/etc/ssh/sshd_config"}


def server():
    return world.build_directory() / "service/monitor/sallyportd"


def imported(name, *options, status=None):
    PLACE.mkdir(exist_ok=True)
    path = PLACE / f"{name}.conf"
    path.unlink(missing_ok=True)
    code, out, error = tool.call("config", "import", *ROOT, FILES[name], "--output", path, *options)
    assert code in (0, 1) if status is None else code == status, f"status {code}: {error}"
    return path, out


def the_server_accepts_what_comes_of_it(name):
    """sallyportd -t itself, with its files."""
    path, _ = imported(name)
    done = subprocess.run([str(server()), "-t", "-f", str(path)], capture_output=True, timeout=20, check=False)
    expect((done.returncode, done.stderr.decode()), (0, ""), "sallyportd -t")
    found = tool.found("config", "check", path, "--server", server())
    expect((found["good"], found["why"]), (True, ""), "config check")


def effective(path, *who):
    done = subprocess.run([str(server()), "-T", "-f", str(path), *who], capture_output=True, timeout=20, check=True)
    return [line.split(" ", 1) for line in done.stdout.decode().splitlines()]


def what_is_taken_over_has_its_effect():
    path, _ = imported("match")
    for who, wanted in (((), {"passwordauthentication": "no", "maxsessions": "2"}),
                        (("-C", "user=backup,addr=192.0.2.7"), {"passwordauthentication": "yes", "maxsessions": "2"}),
                        (("-C", "user=backup,addr=198.51.100.1"), {"passwordauthentication": "no"}),
                        (("-C", "user=root,lport=2222,addr=192.0.2.7"), {"permitrootlogin": "no"})):
        found = dict(effective(path, *who))
        expect({key: found[key] for key in wanted}, wanted, f"for {who}")
    # In a file that is included the criteria of its Include count too.
    found = dict(effective(imported("nasty")[0], "-C", "user=nobody,addr=192.0.2.1"))
    expect(found["maxauthtries"], "6", "for who is in no such group")


def sshd_says_the_same():
    """What sshd -T and sallyportd -T have in common, they agree on."""
    sshd = "/usr/sbin/sshd"
    if not os.access(sshd, os.X_OK):
        raise Skip("there is no sshd here")
    PLACE.mkdir(exist_ok=True)
    source, key = PLACE / "sshd_config", PLACE / "host_key"
    if not key.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=20)
    source.write_text(f"HostKey {key}\nPort 2022\nUsePAM yes\nLoginGraceTime 1m30s\nMaxAuthTries 3\nMaxSessions 4\nMaxStartups 3:40:9\n"
                      "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\nPermitTTY no\n"
                      "ClientAliveInterval 2m\nClientAliveCountMax 5\nTCPKeepAlive no\nStrictModes no\nAllowUsers alice b*@192.0.2.1\n"
                      "DenyGroups wheel\nAcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server -l INFO\n"
                      "AuthenticationMethods publickey,password publickey\nBanner /etc/issue.net\n"
                      "Match User alice\n    MaxAuthTries 2\n    PermitTTY yes\n    Banner none\n")
    ours = PLACE / "same.conf"
    ours.unlink(missing_ok=True)
    expect(tool.call("config", "import", *ROOT, source, "--output", ours)[0], 0, "status")
    os.makedirs("/run/sshd", exist_ok=True)
    for who in ((), ("-C", "user=alice,host=h,addr=192.0.2.9")):
        done = subprocess.run([sshd, "-T", "-f", str(source), *who], capture_output=True, timeout=20, check=False)
        assert done.returncode == 0, done.stderr.decode()
        theirs = {}
        for line in done.stdout.decode().splitlines():
            word, _, value = line.partition(" ")
            theirs.setdefault(word, []).append(value)
        mine = {}
        for word, value in effective(ours, *who):
            mine.setdefault(word, []).append(value)
        for word in ("port", "logingracetime", "maxauthtries", "maxsessions", "maxstartups", "passwordauthentication",
                     "kbdinteractiveauthentication", "permitrootlogin", "permittty", "clientaliveinterval",
                     "clientalivecountmax", "tcpkeepalive", "strictmodes", "subsystem", "banner"):
            expect(mine[word], theirs[word], f"{word} for {who}")
        for word in ("allowusers", "denygroups", "acceptenv", "authenticationmethods"):
            expect(sorted(" ".join(mine[word]).split()), sorted(" ".join(theirs[word]).split()), f"{word} for {who}")


def nothing_is_written_over():
    path, out = imported("debian", status=0)
    assert "sallyport key import /etc/ssh/ssh_host_ed25519_key --label ssh_host_ed25519_key -f" in out, out
    before = path.read_bytes()
    code, _, error = tool.call("config", "import", *ROOT, FILES["match"], "--output", path)
    assert code == 255 and "--force" in error, error
    expect(path.read_bytes(), before, "the file")
    expect(tool.call("config", "import", *ROOT, FILES["match"], "--output", path, "--force")[0], 1, "status")
    assert path.read_bytes() != before, "it was not replaced"


def what_was_done_to_pam_is_said():
    root = PLACE / "root"
    (root / "etc/pam.d").mkdir(parents=True, exist_ok=True)
    rules = root / "etc/pam.d/sshd"
    debian = "# PAM configuration\n@include common-auth\n\naccount    required     pam_nologin.so\n# account  required  pam_access.so\n"
    for text, line in ((debian, 0), (debian + "account  required  pam_access.so\n", 6), ("auth required pam_otp.so # too\n" + debian, 1)):
        rules.write_text(text)
        found = tool.found("config", "import", "--root", root, FILES["debian"], status=1 if line else 0)
        notes = [note["line"] for note in found["notes"] if note["kind"] == "attention"]
        expect((found["pam_changed"], "PAMServiceName sshd" in found["config"], notes),
               (line != 0, line != 0, [line] if line else []), text)


def what_sshd_refuses_is_refused_or_is_said():
    """Each file, whether its result is enough by itself, and what has to hold of it."""
    PLACE.mkdir(exist_ok=True)
    source, ours = PLACE / "strict_config", PLACE / "strict.conf"
    for text, said, wanted in (
            ("UsePAM yes\nDSAAuthentication no\n", False, {"pubkeyauthentication": "no"}),
            ("UsePAM yes\nPAMAuthenticationViaKbdInt yes\nKbdInteractiveAuthentication no\n", False,
             {"kbdinteractiveauthentication": "no"}),
            ("UsePAM yes\nAuthorizedKeysFile none\n", False, {"authorizedkeysfile": "none"}),
            ("UsePAM no\nUsePAM yes\n", True, {}), ("PasswordAuthentication no\n", True, {}),
            ("UsePAM yes\nListenAddress 127.0.0.1\n", True, {"listenaddress": "127.0.0.1"}),
            ("UsePAM yes\nForceCommand internal-sftp\n", True, {"forcecommand": "/usr/lib/openssh/sftp-server"}),
            ("UsePAM yes\nMatch User a\nSubsystem sftp internal-sftp -R\n", True, {}),
            ("UsePAM yes\nMatch Exec true\nAuthorizedPrincipalsFile /etc/who\n", True, {}),
            ("UsePAM yes\nPubkeyAcceptedAlgorithms ssh-nothing\n", True, {}),
            ("UsePAM yes\nPubkeyAcceptedAlgorithms -ssh-nothing\n", False, {})):
        source.write_text(text)
        ours.unlink(missing_ok=True)
        expect(tool.call("config", "import", *ROOT, source, "--output", ours)[0], 1 if said else 0, f"status of {text}")
        found = dict(effective(ours))
        expect({key: found[key] for key in wanted}, wanted, text)


def the_default_keys_are_those_that_are_there():
    root = PLACE / "keys-root"
    (root / "etc/ssh").mkdir(parents=True, exist_ok=True)
    (root / "etc/ssh/ssh_host_ecdsa_key").write_text("")
    found = tool.found("config", "import", "--root", root, FILES["debian"])
    expect([command for command in found["commands"] if "key import" in command],
           ["sallyport key import /etc/ssh/ssh_host_ecdsa_key --label ssh_host_ecdsa_key"], "commands")


PREPARED = """
set -eu
mount --make-rprivate /
cp -a /etc "$PLACE/etc"
for place in /var/lib /root /usr/local/sbin; do mount -t tmpfs -o mode=0755 empty "$place"; done
mount --bind "$PLACE/etc" /etc
for name in sallyport sallyport-signer sallyport-worker; do
    getent passwd $name >/dev/null || useradd --system --no-create-home --shell /usr/sbin/nologin $name
done
rm -rf /etc/sallyport
mkdir /etc/sallyport
ln -s "$SERVER" /usr/local/sbin/sallyportd
sallyport config import "$PLACE/sshd_config" --output /etc/sallyport/sallyport.conf
"""


def the_commands_at_the_end_bring_the_keys_in():
    """Typed as they are, on a machine that has had OpenSSH: afterwards the token has the very keys of the files."""
    keys, programs = PLACE / "keys of old", PLACE / "bin"
    keys.mkdir(parents=True)
    programs.mkdir()
    (programs / "sallyport").symlink_to(tool.path())
    for kind in ("ed25519", "ecdsa", "rsa"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "", "-f", str(keys / f"ssh_host_{kind}_key")], check=True,
                       timeout=60)
    source = PLACE / "sshd_config"
    source.write_text("UsePAM yes\nPAMServiceName sshd\n" + "".join(f'HostKey "{keys}/ssh_host_{kind}_key"\n' for kind in ("ed25519", "ecdsa", "rsa")))
    commands = tool.found("config", "import", source)["commands"]
    script = PREPARED + "\n".join(commands) + "\necho; echo public keys; sallyport key public\n"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, timeout=60, check=False,
                          env={**os.environ, "PATH": f"{programs}:/usr/sbin:/usr/bin:/sbin:/bin", "PLACE": str(PLACE), "SERVER": str(server())})
    said = done.stdout.decode() + done.stderr.decode()
    expect(done.returncode, 0, said[-1500:])
    public = {line.split()[1] for line in done.stdout.decode().split("public keys\n")[1].splitlines()}
    expect(public, {(keys / f"ssh_host_{kind}_key.pub").read_text().split()[1] for kind in ("ed25519", "ecdsa", "rsa")}, "keys")


def a_bad_configuration_is_a_finding():
    PLACE.mkdir(exist_ok=True)
    bad = PLACE / "bad.conf"
    bad.write_text("Port 22\nPermitTTTY no\n")
    code, out, _ = tool.call("config", "check", bad, "--server", server())
    assert code == 1 and "line 2" in out and "PermitTTY" in out and "NOT accept" in out, (code, out)
    expect(tool.found("config", "check", bad, "--server", server(), status=1)["good"], False, "verdict")
    code, _, error = tool.call("config", "check", bad, "--server", "/nonexistent")
    assert code == 255 and "/nonexistent" in error, error


def run(ctl):
    for name in FILES:
        ctl.run(f"configurations: the server accepts what comes of it: {name}", the_server_accepts_what_comes_of_it, name)
    for function in (what_is_taken_over_has_its_effect, sshd_says_the_same, nothing_is_written_over, what_was_done_to_pam_is_said,
                     what_sshd_refuses_is_refused_or_is_said,
                     the_default_keys_are_those_that_are_there, the_commands_at_the_end_bring_the_keys_in,
                     a_bad_configuration_is_a_finding):
        ctl.run(f"configurations: {function.__name__.replace('_', ' ')}", function)
