"""Packages of the distribution that are unpacked and not installed, because to install them is to start a daemon that changes
the machine: its packet filter, or its audit rules."""

import os
import pathlib
import shutil
import subprocess
import tempfile

# name -> (a program that is there if it is installed, packages: the first of these names that the distribution has)
PROGRAMS = {"fail2ban": ("fail2ban-regex", (("fail2ban",),)),
            "auditd": ("ausearch", (("auditd",), ("libauparse0t64", "libauparse0")))}


def variable(name):
    return f"SALLYPORT_TEST_{name.upper()}"


def is_known(package):
    return subprocess.run(["apt-cache", "show", package], capture_output=True, check=False).returncode == 0


def prepare(name):
    """Before the suite enters its world, which has no network."""
    program, packages = PROGRAMS[name]
    if variable(name) in os.environ or shutil.which(program):
        return
    place = tempfile.mkdtemp(prefix=f"sallyport-{name}-")
    wanted = [next((package for package in names if is_known(package)), names[0]) for names in packages]
    done = subprocess.run(["apt-get", "download", "-q", *wanted], cwd=place, text=True, capture_output=True, timeout=240, check=False)
    for package in pathlib.Path(place).glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", str(package), place], check=True, timeout=120)
    os.environ[variable(name)] = place
    if done.returncode != 0:
        shutil.rmtree(place)
        os.environ[variable(name)] = "missing: " + " ".join((done.stdout + done.stderr).split())[-200:]


def root(name):
    """Where it is; None if it cannot be had."""
    place = os.environ.get(variable(name), "/")
    return None if place.startswith("missing") else pathlib.Path(place)


def why_not(name):
    return f"the package {name} cannot be had: {os.environ[variable(name)]}"


def clean_up():
    for name in PROGRAMS:
        if root(name) not in (None, pathlib.Path("/")):
            shutil.rmtree(root(name))
