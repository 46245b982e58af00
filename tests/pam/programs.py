"""Claims about what runs after a login: shells, commands, terminals, environment, signals, the end."""

import os
import pathlib
import re
import shutil
import signal
import sys
import time

import services
from ipc import Closed
from keys import Ed25519, authorize
from login import EXEC, SHELL, SUBSYSTEM, Login, modes
from suite import Skip, expect

KEY = Ed25519()


def logged_in(*config, user="alice", service="plain"):
    authorize(user, KEY.line())
    return Login(user, *config, service=service).enter(KEY)


def command_runs_as_the_user():
    with logged_in() as login:
        data, message = login.output("id -u; id -g; id -G; pwd; echo $0; umask; ulimit -c >/dev/null; echo err >&2")
        expect(data.split(b"\n")[:-1], [b"2001", b"2001", b"2001 3001", b"/home/alice", b"bash", b"0022", b"err"])
        expect((message.v_status, message.v_signal), (0, b""))


def streams_are_apart():
    with logged_in() as login:
        program = login.run(1, EXEC, "cat; echo bad >&2")
        program.write(b"good")
        program.close_input()
        expect(program.read(fds=[program.outputs[0]]), b"good")
        expect(program.read(fds=[program.outputs[1]]), b"bad\n")


def exit_status_is_told(status):
    with logged_in() as login:
        expect(login.output(f"exit {status}")[1].v_status, status)


def death_by_signal_is_told(name):
    with logged_in() as login:
        message = login.output(f"kill -{name} $$")[1]
        expect((message.v_signal, message.v_status), (name.encode(), 0))


def signal_reaches_the_program(name):
    with logged_in() as login:
        program = login.run(1, EXEC, "echo ready; exec sleep 60")
        program.read(b"ready\n")
        login.worker.send("channel_signal", channel=1, name=name)
        expect(program.exited().v_signal, name.encode())


def signals_that_are_not_allowed_do_nothing():
    with logged_in() as login:
        program = login.run(1, EXEC, "echo ready; read line; echo got $line")
        program.read(b"ready\n")
        for name in ("STOP", "CONT", "9", "KILL ", "kill", ""):
            login.worker.send("channel_signal", channel=1, name=name)
        login.worker.send("channel_signal", channel=2, name="KILL")
        program.write(b"it\n")
        expect(program.read(b"\n"), b"got it\n")


def forced_command_is_not_signalled():
    with logged_in("ForceCommand read line; echo got") as login:
        program = login.run(1, EXEC, "x")
        login.worker.send("channel_signal", channel=1, name="KILL")
        time.sleep(0.2)
        program.write(b"\n")
        expect(program.read(b"\n"), b"got\n")


def what_has_become_root_is_not_signalled():
    """A command behind sudo is in the program's group, and is root's."""
    shell = pathlib.Path("/run/sallyport-test/setuid-shell")
    shutil.copy(os.path.realpath(sys.executable), shell)
    os.chmod(shell, 0o4755)
    become = "import os, time; os.setresuid(0, 0, 0); print(os.getpid(), flush=True); time.sleep(60)"
    with logged_in() as login:
        program = login.run(1, EXEC, f"{shell} -I -c '{become}'; true")
        pid = int(program.read(b"\n"))
        login.worker.send("channel_signal", channel=1, name="KILL")
        time.sleep(0.3)
        expect(pathlib.Path(f"/proc/{pid}/status").read_text().split("State:")[1].split()[0], "S", "state")
        os.kill(pid, signal.SIGKILL)


def login_shell_is_told_so():
    with logged_in() as login:
        program = login.run(1, SHELL)
        program.write(b"echo $0; shopt -q login_shell && echo yes\nexit 7\n")
        program.close_input()
        expect(program.read_all().split(), [b"-bash", b"yes"])
        expect(program.exited().v_status, 7)


def environment_is_ours():
    with logged_in() as login:
        data, _ = login.output("env")
        environment = dict(line.split("=", 1) for line in data.decode().splitlines())
        for name in ("PWD", "SHLVL", "_", "OLDPWD"):
            environment.pop(name, None)
        expect(environment, {"USER": "alice", "LOGNAME": "alice", "HOME": "/home/alice", "SHELL": "/bin/bash",
                             "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/games", "MAIL": "/var/mail/alice",
                             "SSH_CLIENT": "192.0.2.7 50123 22", "SSH_CONNECTION": "192.0.2.7 50123 192.0.2.1 22"})


def accepted_variables_arrive():
    with logged_in("AcceptEnv LANG LC_*", "AcceptEnv LD_* SSH_* HOME") as login:
        expect(login.env(1, "LANG", "en_GB.UTF-8"), 1)
        expect(login.env(1, "LC_TIME", "C"), 1)
        for name in ("EDITOR", "LD_PRELOAD", "SSH_CONNECTION", "HOME", "LC_A=B", "", "LC TIME"):
            expect(login.env(1, name, "evil"), 0, name)
        expect(login.output("echo $LANG $LC_TIME $HOME")[0], b"en_GB.UTF-8 C /home/alice\n")
        expect(login.output("echo .$LANG", channel=2)[0], b".\n")


def variables_are_bounded():
    with logged_in("AcceptEnv *") as login:
        results = [login.env(1, f"V{i}", "x") for i in range(100)]
        expect(sum(results), 64)
        results = [login.env(2, f"V{i}", "x" * 10000) for i in range(10)]
        expect(sum(results), 3)


def set_env_goes_over_the_client():
    with logged_in("AcceptEnv COLOUR", "SetEnv COLOUR=red SHAPE=round") as login:
        login.env(1, "COLOUR", "blue")
        expect(login.output("echo $COLOUR $SHAPE")[0], b"red round\n")


def variables_of_modules_arrive():
    with logged_in(service="variables") as login:
        expect(login.output("echo $KRB5CCNAME")[0], b"here\n")
    with logged_in(service="loader") as login:
        expect(login.output("echo .$LD_PRELOAD")[0], b".\n")


def pty_is_the_users():
    with logged_in() as login:
        expect(login.pty(1, term="vt220", columns=132, rows=43), 1)
        program = login.run(1, EXEC, "tty; stat -c '%U %G %a' $(tty); stty size; echo $TERM $SSH_TTY; ps -o tpgid=,pgid= -p $$")
        lines = program.read_all().decode().replace("\r", "").splitlines()
        expect(lines[1:3], ["alice tty 620", "43 132"])
        expect(lines[3], f"vt220 {lines[0]}")
        expect(len(set(lines[4].split())), 1, "foreground group")


def pty_modes_are_applied():
    with logged_in() as login:
        encoded = modes(o1=5, o3=8, o4=255, o8=255, o36=0, o38=0, o42=1, o50=1, o53=0, o54=0, o72=0, o77=1, o128=9600, o129=19200)
        expect(login.pty(1, modes=encoded), 1)
        program = login.run(1, EXEC, "stty -a")
        words = program.read_all().decode().replace(";", " ").split()
        for word in ("-icrnl", "-ixon", "iutf8", "isig", "-echo", "-echoe", "-onlcr", "19200"):
            assert word in words, f"{word} not in {words}"
        text = " ".join(words)
        for part in ("intr = ^E", "erase = ^H", "kill = <undef>", "start = <undef>"):
            assert part in text, text


def malformed_modes_refuse_the_terminal():
    with logged_in() as login:
        expect(login.pty(1, modes=b"\x35\0\0"), 0)
        expect(login.pty(1, modes=b"\xa0junk"), 1)


def terminal_is_interactive():
    with logged_in() as login:
        login.pty(1)
        program = login.run(1, SHELL)
        program.write(b"stty -echo; PS1=; echo start\n")
        program.read(b"start\r\n")
        program.write(b"sh -c 'echo meow; exec cat'\n")  # in the foreground before it says so
        program.read(b"meow\r\n")
        program.write(b"\x03")
        program.read(b"\n")
        program.write(b"echo after $?\n")
        assert b"after 130\r\n" in program.read(b"after 130\r\n"), "interrupt"
        program.write(b"exit 3\n")
        expect(program.exited().v_status, 3)


def no_terminal_with_permit_tty_no():
    with logged_in("PermitTTY no") as login:
        expect(login.pty(1), 0)


def second_terminal_of_a_channel_is_refused():
    with logged_in() as login:
        expect((login.pty(1), login.pty(1)), (1, 0))


def second_program_of_a_channel_is_refused():
    with logged_in() as login:
        login.run(1, EXEC, "sleep 5")
        expect(login.run(1, EXEC, "id"), None)


def subsystem_runs_its_command():
    with logged_in("Subsystem hello echo hello from", "Subsystem internal internal-sftp") as login:
        expect(login.output("hello", kind=SUBSYSTEM)[0], b"hello from\n")
        expect(login.run(2, SUBSYSTEM, "goodbye"), None)
        expect(login.run(3, SUBSYSTEM, "internal"), None)


def sftp_server_answers():
    server = "/usr/lib/openssh/sftp-server"
    if not os.access(server, os.X_OK):
        raise Skip("no sftp-server")
    with logged_in(f"Subsystem sftp {server}") as login:
        program = login.run(1, SUBSYSTEM, "sftp")
        program.write(b"\0\0\0\5\1\0\0\0\3")
        expect(program.read(b"\2\0\0\0\3")[4:9], b"\2\0\0\0\3")


def sessions_are_bounded():
    with logged_in("MaxSessions 2") as login:
        programs = [login.run(channel, EXEC, "sleep 5") for channel in (1, 2, 3)]
        expect([bool(program) for program in programs], [True, True, False])
        login.worker.send("channel_gone", channel=1)
        expect(programs[0].exited().v_signal, b"HUP")
        assert login.run(3, EXEC, "true"), "no place was freed"


def gone_channel_is_hung_up():
    with logged_in() as login:
        program = login.run(1, EXEC, "echo ready; exec sleep 60")
        program.read(b"ready\n")
        login.worker.send("channel_gone", channel=1)
        message = program.exited()
        expect(message.v_signal, b"HUP")
        expect(login.output("echo reused", channel=1)[0], b"reused\n")


def gone_terminal_is_hung_up():
    with logged_in() as login:
        login.pty(1)
        program = login.run(1, EXEC, "echo ready; exec sleep 60")
        program.read(b"ready")
        login.worker.send("channel_gone", channel=1)
        program.close()
        expect(login.answer().v_signal, b"HUP")


def break_is_answered():
    with logged_in() as login:
        login.pty(1)
        program = login.run(1, EXEC, "sleep 1")
        expect(login.ask("channel_break", channel=1, length_ms=500).name, "channel_done")
        expect(login.ask("channel_break", channel=9, length_ms=500).v_ok, 0)
        program.close()


def nothing_of_ours_is_inherited():
    with logged_in() as login:
        data, _ = login.output("ls /proc/self/fd | wc -l; grep -E '^(SigBlk|SigIgn|SigCgt|NoNewPrivs|CapEff|CapInh|CapAmb)' /proc/self/status")
        lines = data.decode().splitlines()
        expect(lines[0], "4", "descriptors of ls")
        facts = dict(line.split(":\t") for line in lines[1:])
        expect((facts["SigBlk"], facts["NoNewPrivs"], facts["CapEff"], facts["CapAmb"]),
               ("0" * 16, "0", "0" * 16, "0" * 16))
        own = re.search(r"CapInh:\t(\w+)", open("/proc/self/status").read()).group(1)
        expect(facts["CapInh"], own, "inheritable capabilities: as the machine has them (0 but in some containers)")
        expect(int(facts["SigIgn"], 16) & (1 << 12), 0, "SIGPIPE ignored")


def message_of_the_day_is_shown_to_shells():
    with logged_in(service="motd") as login:
        login.pty(1)
        program = login.run(1, SHELL)
        assert b"Message of the day\r\n" in program.read(b"of the day\r\n")
        program.close()
    with logged_in(service="motd") as login:
        expect(login.output("echo only")[0], b"only\n")


def missing_home_is_no_obstacle():
    with homeless() as login:
        data, _ = login.output("pwd")
        assert b"/\n" in data and b"Could not chdir" in data, data


def homeless():
    path = pathlib.Path("/etc/homeless-keys")
    path.write_text(KEY.line() + "\n")
    path.chmod(0o644)
    return Login("grace", f"AuthorizedKeysFile {path}").enter(KEY)


def large_output_is_whole():
    with logged_in() as login:
        data, _ = login.output("head -c 10000000 /dev/zero")
        expect(len(data), 10000000)


def many_programs_in_a_row():
    with logged_in() as login:
        for number in range(60):
            expect(login.output(f"echo {number}", channel=number % 3)[0], b"%d\n" % number)
        expect(len(os.listdir(f"/proc/{login.process.pid}/fd")) < 20, True, "few descriptors")


def departure_of_the_worker_ends_the_session():
    services.log_clear()
    with logged_in() as login:
        login.pty(2)
        login.run(1, EXEC, "sleep 61")
        login.run(2, EXEC, "sleep 61").close()
        login.worker.close()
        started = time.monotonic()
        expect(login.closed(8), 0)
        assert time.monotonic() - started < 2, "programs lingered"
    expect(services.stages()[-2:], ["close_session", "delete_cred"])
    assert not [path for path in pathlib.Path("/proc").glob("[0-9]*/cmdline") if b"sleep\x0061" in cmdline(path)]


def cmdline(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def stubborn_programs_do_not_hold_the_session():
    with logged_in() as login:
        program = login.run(1, EXEC, "trap '' HUP; echo ready; sleep 6; echo x")
        program.read(b"ready\n")
        login.worker.close()
        expect(login.closed(5), 0)
        program.close()


def departure_of_the_monitor_is_survived():
    with logged_in() as login:
        program = login.run(1, EXEC, "read line; echo got $line; exit 4")
        login.monitor.close()
        time.sleep(0.2)
        program.write(b"it\n")
        expect(program.read(b"\n"), b"got it\n")
        expect(program.exited().v_status, 4)
        expect(login.output("echo on", channel=2)[0], b"on\n")


def illegal_after_login(name, **values):
    with logged_in() as login:
        login.worker.send(name, **values)
        try:
            message = login.worker.receive(5)
            raise AssertionError(f"answered with {message}")
        except Closed:
            login.closed()


def match_is_for_the_user():
    lines = ("Match User alice", "  ForceCommand echo matched", "Match Group bob", "  ForceCommand echo group",
             "Match Address 198.51.100.0/24", "  PermitTTY no")
    for user, expected in (("alice", b"matched\n"), ("bob", b"group\n"), ("carol", b"free\n")):
        with logged_in(*lines, user=user) as login:
            expect(login.output("echo free")[0], expected, user)


def tests():
    plain = [
        command_runs_as_the_user, streams_are_apart, signals_that_are_not_allowed_do_nothing,
        forced_command_is_not_signalled, what_has_become_root_is_not_signalled, login_shell_is_told_so, environment_is_ours, accepted_variables_arrive,
        variables_are_bounded, set_env_goes_over_the_client, variables_of_modules_arrive, pty_is_the_users,
        pty_modes_are_applied, malformed_modes_refuse_the_terminal, terminal_is_interactive,
        no_terminal_with_permit_tty_no, second_terminal_of_a_channel_is_refused,
        second_program_of_a_channel_is_refused, subsystem_runs_its_command, sftp_server_answers, sessions_are_bounded,
        gone_channel_is_hung_up, gone_terminal_is_hung_up, break_is_answered, nothing_of_ours_is_inherited,
        message_of_the_day_is_shown_to_shells, missing_home_is_no_obstacle, large_output_is_whole,
        many_programs_in_a_row, departure_of_the_worker_ends_the_session, stubborn_programs_do_not_hold_the_session,
        departure_of_the_monitor_is_survived, match_is_for_the_user,
    ]
    rows = [(function.__name__, function, (), {}) for function in plain]
    for status in (0, 1, 42, 255):
        rows.append((f"exit_status_{status}_is_told", exit_status_is_told, (status,), {}))
    for name in ("TERM", "KILL", "SEGV", "ABRT"):
        rows.append((f"death_by_{name}_is_told", death_by_signal_is_told, (name,), {}))
    for name in ("TERM", "HUP", "INT", "KILL", "USR1"):
        rows.append((f"{name}_reaches_the_program", signal_reaches_the_program, (name,), {}))
    for name, values in (("auth_password", {"password": "right"}), ("auth_answers", {"count": 0}),
                         ("auth_none", {}), ("login_succeeded", {"user": "root"}), ("helper_check", {})):
        rows.append((f"worker_may_not_send_{name}_after_login", illegal_after_login, (name,), values))
    return rows
