"""Dropbear's dbclient: ciphers and MACs can be chosen, key exchange and host key cannot. It has no SFTP of its own."""

import pathlib

import world
from clients import Client, run_program, start_program


class Dropbear(Client):
    name = "dbclient"
    packages = ("dropbear-bin",)
    chooses = False
    rekeys = False

    def greet(self, port):
        return start_program(["dbclient", "-y", "-y", "-p", port, "nobody@127.0.0.1", "true"])

    def key(self, path):
        """The same key in Dropbear's own form."""
        converted = pathlib.Path(f"{path}.dropbear")
        if not converted.exists():
            world.run("dropbearconvert", "openssh", "dropbear", str(path), str(converted))
        return converted

    def dbclient(self, target, credential, arguments, stdin=None, choice=None, seconds=120):
        # -y: a key that is not known yet is learnt, and compared ever after, in $HOME/.ssh/known_hosts.
        command = ["dbclient", "-y", "-p", target.port, "-l", credential.user]
        environment = {}
        if credential.method == "publickey":
            command += ["-i", self.key(credential.secret)]
        else:
            environment["DROPBEAR_PASSWORD"] = credential.secret
        if choice:
            command += ["-c", choice.cipher, "-m", choice.mac]
        return run_program([*command, *arguments], stdin, environment, seconds)

    def log_in(self, target, credential, command, choice=None):
        result = self.dbclient(target, credential, [target.host, command], choice=choice)
        # Its own failures are told by this line alone: the status is 1, or 0 when the server has disconnected it.
        if b"dbclient: Connection to " in result.err:
            result.status, result.why = None, result.err.decode(errors="replace")
        return result

    def shell(self, target, credential, typed):
        inner = f"dbclient -t -y -p {target.port} -l {credential.user} -i {self.key(credential.secret)} {target.host}"
        return run_program(["script", "-qec", f"stty cols 101 rows 31 -echo; exec {inner}", "/dev/null"],
                           typed.encode())

    def put(self, target, credential, local, remote, rekey=0):
        with open(local, "rb") as source:
            result = self.dbclient(target, credential, [target.host, f"cat > {remote}"], source, seconds=300)
        assert result.status == 0, f"dbclient ended with {result.status}: {result.err!r}"

    def get(self, target, credential, remote, local, rekey=0):
        result = self.dbclient(target, credential, [target.host, f"cat {remote}"], seconds=300)
        assert result.status == 0, f"dbclient ended with {result.status}: {result.err!r}"
        pathlib.Path(local).write_bytes(result.out)
