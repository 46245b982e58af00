"""Calls the tool."""

import json
import os
import pathlib
import subprocess

import world

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
SHIPPED = ["--directory", str(TOP / "policy/profiles"), "--clients-directory", str(TOP / "policy/clients")]
SMALL = ["--directory", "policies", "--all"]


def path():
    return world.build_directory() / "service/ctl/sallyport"


def call(*arguments, given=None, seconds=30):
    """Exit status, standard output, standard error; in this directory, so that paths are the same everywhere."""
    done = subprocess.run([str(path()), *map(str, arguments)], cwd=HERE, input=given, capture_output=True, timeout=seconds,
                          env={**os.environ, "LC_ALL": "C.UTF-8"}, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def found(*arguments, status=0, **options):
    """What a command finds, from --json; its exit status has to be `status`."""
    code, out, error = call(*arguments, "--json", **options)
    assert code == status, f"exit status {code}: {error or out:.300}"
    return json.loads(out)
