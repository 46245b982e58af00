"""A small world of its own for a suite: namespaces in which users exist, PAM works and ports are free, and of which
nothing is left when the suite ends. The machine's users, PAM and SSH configuration are not touched.

enter() starts the suite again as the second process of new mount, network, process and IPC namespaces, with

    /etc        a copy, to which the users below are added
    /home /run /var/log   empty
    STATE       a directory of root's in it, for servers and clients
    PROGRAMS    the build's service/ directory, reachable for the server's users wherever the build is
"""

import os
import pathlib
import shutil
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path("/run/sallyport-test")
PROGRAMS = STATE / "programs/service"  # sallyport-launch knows a build directory by that name
MARK = "SALLYPORT_TEST_WORLD"

# name -> (uid, shell, password)
USERS = {
    "alice": (2001, "/bin/bash", "correct horse"),
    "bob": (2002, "/bin/sh", "battery staple"),
    "carol": (2003, "/bin/bash", "paper clip"),
}


def build_directory():
    return pathlib.Path(os.environ.get("SALLYPORT_BUILD", TOP / "build")).resolve()


def run(*command, **options):
    """A command that has to work; its output."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout.decode(errors='replace')[-1000:]}")
    return done.stdout.decode(errors="replace")


def enter():
    """Returns inside the new world."""
    if os.environ.get(MARK) != "inside":
        if os.geteuid() != 0:
            sys.exit("this suite has to run as root: it makes namespaces and starts programs as other users")
        os.environ[MARK] = "inside"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child",
                              "--mount-proc", sys.executable, *sys.argv])
    del os.environ[MARK]
    mount_all()
    add_users()
    os.environ["HOME"] = str(STATE / "root")
    for name in ("SSH_AUTH_SOCK", "SSH_AGENT_PID", "DISPLAY"):
        os.environ.pop(name, None)


def mount_all():
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    run("mount", "-t", "tmpfs", "-o", "mode=0755", "run", "/run")
    etc = pathlib.Path("/run/etc")
    run("cp", "-a", "/etc", str(etc))
    for place in ("/home", "/var/log"):
        run("mount", "-t", "tmpfs", "-o", "mode=0755", "empty", place)
    run("mount", "--bind", str(etc), "/etc")
    PROGRAMS.mkdir(parents=True)
    (STATE / "root").mkdir(mode=0o700)
    run("mount", "--bind", str(build_directory() / "service"), str(PROGRAMS))
    # A machine that is going down, or a missing host name, is nobody's business here.
    pathlib.Path("/etc/nologin").unlink(missing_ok=True)
    pathlib.Path("/etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")


def add_users():
    for name, (uid, shell, password) in USERS.items():
        add_user(name, uid, shell, password)


def add_user(name, uid, shell, password):
    hashed = run("openssl", "passwd", "-6", password).strip()
    append("/etc/group", f"{name}:x:{uid}:\n")
    append("/etc/passwd", f"{name}:x:{uid}:{uid}::/home/{name}:{shell}\n")
    append("/etc/shadow", f"{name}:{hashed}:19000:0:99999:7:::\n")
    home = pathlib.Path("/home") / name
    home.mkdir(mode=0o755)
    (home / ".ssh").mkdir(mode=0o700)
    for path in (home, home / ".ssh"):
        os.chown(path, uid, uid)


def append(path, text):
    with open(path, "a", encoding="utf-8") as out:
        out.write(text)


def authorize(name, *public_keys):
    """Replaces a user's authorized_keys by these lines."""
    uid = USERS[name][0]
    path = pathlib.Path("/home") / name / ".ssh/authorized_keys"
    path.write_text("".join(key.strip() + "\n" for key in public_keys))
    os.chown(path, uid, uid)
    path.chmod(0o600)


def make_client_keys(directory):
    """One private key per type that OpenSSH knows and we accept, as name -> path."""
    directory.mkdir(parents=True, exist_ok=True)
    keys = {}
    for name, options in {"ed25519": ["-t", "ed25519"], "ecdsa256": ["-t", "ecdsa", "-b", "256"],
                          "ecdsa384": ["-t", "ecdsa", "-b", "384"], "ecdsa521": ["-t", "ecdsa", "-b", "521"],
                          "rsa": ["-t", "rsa", "-b", "2048"], "wrong": ["-t", "ed25519"]}.items():
        keys[name] = directory / f"key_{name}"
        run("ssh-keygen", "-q", *options, "-N", "", "-C", name, "-f", str(keys[name]))
    return keys


def public_key(private):
    return pathlib.Path(f"{private}.pub").read_text().strip()


def have(program):
    return shutil.which(program) is not None
