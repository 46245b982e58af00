"""What programs that work over ssh, and the finer points of sessions, need from a server; with OpenSSH's client."""

import os
import pathlib
import subprocess
import tempfile
import time

import world
from clients import registry, run_program
from functions import digest, logs_in
from suite import expect


def ssh(setting, *arguments, **options):
    return setting.client.ssh(setting.target, setting.by_key(), list(arguments), **options)


def ssh_words(setting):
    """The command line before the host, for programs that run ssh themselves."""
    return ["ssh", *setting.client.options(setting.target, setting.by_key())]


def half_close_reaches_the_program(setting):
    result = ssh(setting, "cat; echo after-eof", stdin=b"through\n")
    expect(result.out, b"through\nafter-eof\n", "output")


def program_may_close_its_output_first(setting):
    result = ssh(setting, "exec >&-; sleep 0.3; exit 9")
    expect(result.status, 9, "exit status")


def input_of_a_program_that_does_not_read_is_dropped(setting):
    result = ssh(setting, "echo gone; exit 4", stdin=b"x" * 4_000_000)
    expect((result.status, result.out), (4, b"gone\n"), "status and output")


def ten_mb_go_both_ways_at_once(setting):
    data = os.urandom(10_000_000)
    result = ssh(setting, "cat", stdin=data)
    assert result.out == data, f"{len(result.out)} octets came back, or others"


def every_mac_carries_data_both_ways(setting):
    """The matrix exchanges small packets; long ones go another way through UMAC."""
    data, macs = os.urandom(4_000_001), registry()["mac"]
    for mac in macs:
        result = ssh(setting, "cat", stdin=data, extra=["-c", "aes128-ctr", "-m", mac])
        assert result.out == data, f"{mac}: {len(result.out)} octets came back, or others: {result.err!r}"
    return f"{len(macs)} MACs"


def exit_signal_is_told(setting):
    result = ssh(setting, "kill -TERM $$")
    expect(result.status, 255, "ssh's status for a program that a signal ended")
    verbose = ssh(setting, "kill -KILL $$", extra=["-v"])
    assert b"exit-signal" in verbose.err, "no exit-signal request"


def slow_reader_gets_everything(setting):
    """The program fills every buffer on the way, and the client does not read for a while."""
    with subprocess.Popen([*ssh_words(setting), setting.target.host, "seq 1 2000000"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE) as client:
        time.sleep(1.5)
        lines, last = 0, b""
        for last in client.stdout:
            lines += 1
            if lines % 400_000 == 0:
                time.sleep(0.2)
        expect((lines, last, client.wait()), (2_000_000, b"2000000\n", 0), "lines, last line and status")


def accepted_environment_arrives_and_no_other(setting):
    result = ssh(setting, "echo \"[$LC_TEST][$SECRET]\"", extra=["-o", "SetEnv=LC_TEST=yes SECRET=no"])
    expect(result.out, b"[yes][]\n", "environment")


def window_change_reaches_the_program(setting):
    script = ("stty cols 80 rows 24; (sleep 1.5; stty cols 132 rows 43 </dev/tty) & exec "
              + " ".join(f"'{word}'" for word in [*ssh_words(setting), "-tt", setting.target.host])
              + " 'stty size; sleep 3; stty size'")
    result = run_program(["script", "-qec", script, "/dev/null"])
    out = result.out.decode(errors="replace")
    assert "24 80" in out and "43 132" in out, f"output is {out!r}"


def several_channels_share_a_connection(setting):
    directory = pathlib.Path(tempfile.mkdtemp(dir=world.STATE))
    path = directory / "control"
    master = subprocess.Popen([*ssh_words(setting), "-M", "-S", str(path), "-N", setting.target.host],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 15
        while not path.exists():
            assert master.poll() is None and time.monotonic() < until, "the first connection was not made"
            time.sleep(0.05)
        setting.server.mark()
        running = [subprocess.Popen(["ssh", "-F", "none", "-S", str(path), setting.target.host,
                                     f"head -c {100_000 * n} /dev/zero | wc -c; exit {n}"], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE) for n in range(1, 9)]
        for n, client in enumerate(running, 1):
            out, _ = client.communicate(timeout=60)
            expect((int(out), client.returncode), (100_000 * n, n), f"channel {n}")
        assert not setting.server.events("accepted"), "a new connection was made"
    finally:
        master.kill()
        master.wait(10)


def password_can_be_tried_again_on_a_connection(setting):
    helper = world.STATE / "askpass-second"
    mark = world.STATE / "asked"
    mark.unlink(missing_ok=True)
    helper.write_text(f'#!/bin/sh\n[ -e {mark} ] && echo "{world.USERS["bob"][2]}" || {{ : > {mark}; echo wrong; }}\n')
    helper.chmod(0o755)
    options = setting.client.options(setting.target, setting.by("password"))
    options[options.index("NumberOfPasswordPrompts=1")] = "NumberOfPasswordPrompts=2"
    result = run_program(["ssh", *options, setting.target.host, "id -un"],
                         environment={"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force"})
    expect(result.out.strip(), b"bob", "user")


def sftp_lists_renames_and_removes(setting):
    setting.client.sftp(setting.target, setting.by_key(),
                        "mkdir /home/alice/d\nput /etc/hostname /home/alice/d/a\nrename /home/alice/d/a /home/alice/d/b\n"
                        "ls -l /home/alice/d\nrm /home/alice/d/b\nrmdir /home/alice/d\n")
    assert not pathlib.Path("/home/alice/d").exists(), "the directory is still there"


def copy_by(setting, command, remote, back):
    result = run_program(command, seconds=120)
    expect(result.status, 0, f"status of {command[0]} ({result.err[-300:]!r})")
    expect(digest(remote), digest(setting.small), "hash of the copy")
    pathlib.Path(remote).unlink()
    if back:
        pathlib.Path(back).unlink()


def scp_copies(setting, *mode):
    remote = "/home/alice/scp.data"
    options = setting.client.options(setting.target, setting.by_key())
    copy_by(setting, ["scp", "-q", *mode, *options, setting.small, f"{setting.target.host}:{remote}"], remote, None)


def rsync_copies(setting):
    remote = "/home/alice/rsync.data"
    copy_by(setting, ["rsync", "-e", " ".join(ssh_words(setting)), setting.small, f"{setting.target.host}:{remote}"],
            remote, None)


def git_pushes_and_clones(setting):
    directory = world.STATE / "git"
    shell = " ".join(f"'{word}'" for word in ssh_words(setting))
    expect(ssh(setting, "git init -q --bare repository.git").status, 0, "git init")
    script = (f"set -e; rm -rf {directory}; git init -q -b main {directory}; cd {directory}; "
              "git config user.email a@b; git config user.name a; seq 1 100000 > numbers; git add .; "
              f"git commit -q -m one; git push -q {setting.target.host}:repository.git main; "
              f"git clone -q -b main {setting.target.host}:repository.git copy; cmp numbers copy/numbers; rm -rf {directory}")
    result = run_program(["bash", "-c", script], environment={"GIT_SSH_COMMAND": shell})
    expect(result.status, 0, f"git ({result.err[-300:]!r})")


def many_logins_at_once(setting):
    running = [subprocess.Popen([*ssh_words(setting), setting.target.host, f"exit {n}"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for n in range(1, 21)]
    for n, client in enumerate(running, 1):
        _, err = client.communicate(timeout=60)
        expect(client.returncode, n, f"login {n} ({err[-200:]!r})")


def next_login_works_after_a_client_that_talks_nonsense(setting):
    for line in (b"GET / HTTP/1.0\r\n\r\n", b"SSH-1.5-old\r\n", b"SSH-2.0-x\r\n" + b"\xff" * 64, b"\0" * 300):
        subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/{setting.target.host}/{setting.target.port}; cat >&3; "
                        "timeout 2 cat <&3 >/dev/null"], input=line, check=False, timeout=10, stderr=subprocess.DEVNULL)
    logs_in(setting, setting.by_key())


TESTS = (
    ("half-close reaches the program", half_close_reaches_the_program),
    ("a program may close its output first", program_may_close_its_output_first),
    ("input that nobody reads is dropped", input_of_a_program_that_does_not_read_is_dropped),
    ("10 MB go both ways at once", ten_mb_go_both_ways_at_once),
    ("every MAC carries data both ways", every_mac_carries_data_both_ways),
    ("exit-signal is told", exit_signal_is_told),
    ("a slow reader gets everything", slow_reader_gets_everything),
    ("AcceptEnv's variables arrive, others do not", accepted_environment_arrives_and_no_other),
    ("window-change reaches the program", window_change_reaches_the_program),
    ("eight channels share a connection", several_channels_share_a_connection),
    ("a password can be tried again", password_can_be_tried_again_on_a_connection),
    ("sftp lists, renames and removes", sftp_lists_renames_and_removes),
    ("scp over sftp", scp_copies),
    ("scp over the old protocol", lambda setting: scp_copies(setting, "-O")),
    ("rsync", rsync_copies),
    ("git push and clone", git_pushes_and_clones),
    ("twenty logins at once", many_logins_at_once),
    ("a login works after nonsense", next_login_works_after_a_client_that_talks_nonsense),
)
