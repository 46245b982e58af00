"""OpenSSH's ssh and sftp."""

import concurrent.futures

import world
from clients import Client, run_program


class OpenSSH(Client):
    name = "openssh"
    packages = ("openssh-client",)
    compresses = True

    def offered(self):
        def ask(query):
            return world.run("ssh", "-Q", query).split()
        return {"kex": ask("kex"), "host_key": ask("HostKeyAlgorithms"), "cipher": ask("cipher"), "mac": ask("mac")}

    def options(self, target, credential, choice=None, rekey=0):
        options = ["-F", "none", "-o", f"UserKnownHostsFile={target.known_hosts}", "-o", "StrictHostKeyChecking=yes",
                   "-o", "GlobalKnownHostsFile=/dev/null", "-o", f"User={credential.user}",
                   "-o", f"Port={target.port}", "-o", f"PreferredAuthentications={credential.method}",
                   "-o", "IdentityAgent=none", "-o", "IdentitiesOnly=yes", "-o", "NumberOfPasswordPrompts=1",
                   "-o", "ConnectTimeout=30"]
        if credential.method == "publickey":
            options += ["-i", str(credential.secret), "-o", "BatchMode=yes"]
        if choice:
            options += ["-o", f"KexAlgorithms={choice.kex}", "-o", f"HostKeyAlgorithms={choice.host_key}",
                        "-o", f"Ciphers={choice.cipher}", "-o", f"MACs={choice.mac}"]
        if rekey:
            options += ["-o", f"RekeyLimit={rekey}"]
        if self.compress:
            options += ["-o", "Compression=yes"]
        return options

    def environment(self, credential):
        """Passwords are asked for through a program, because there is no terminal."""
        if credential.method == "publickey":
            return {}
        helper = world.STATE / "askpass"
        helper.write_text('#!/bin/sh\nprintf "%s\\n" "$SALLYPORT_ANSWER"\n')
        helper.chmod(0o755)
        return {"SSH_ASKPASS": str(helper), "SSH_ASKPASS_REQUIRE": "force", "SALLYPORT_ANSWER": credential.secret}

    def ssh(self, target, credential, arguments, stdin=None, choice=None, rekey=0, extra=(), seconds=120):
        return run_program(["ssh", *self.options(target, credential, choice, rekey), *extra, target.host, *arguments],
                           stdin, self.environment(credential), seconds)

    def log_in(self, target, credential, command, choice=None):
        result = self.ssh(target, credential, [command], choice=choice)
        if result.status == 255:
            result.status, result.why = None, result.err.decode(errors="replace")
        return result

    def log_in_each(self, target, credential, choices):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for choice, result in pool.map(
                    lambda c: (c, self.log_in(target, credential, "exit 7", c)), choices):
                yield choice, None if result.status == 7 else result.why or f"status {result.status}"

    def shell(self, target, credential, typed):
        # The window's size comes from a terminal, so script(1) gives it one.
        inner = ["ssh", *self.options(target, credential), "-tt", target.host]
        command = "stty cols 101 rows 31 -echo; exec " + " ".join(f"'{word}'" for word in inner)
        return run_program(["script", "-qec", command, "/dev/null"], typed.encode(), self.environment(credential))

    def sftp(self, target, credential, batch, rekey=0):
        result = run_program(["sftp", "-q", *self.options(target, credential, rekey=rekey), "-b", "-", target.host],
                             batch.encode(), self.environment(credential), 300)
        assert result.status == 0, f"sftp ended with {result.status}: {result.err.decode(errors='replace')}"

    def put(self, target, credential, local, remote, rekey=0):
        self.sftp(target, credential, f"put {local} {remote}\n", rekey)

    def get(self, target, credential, remote, local, rekey=0):
        self.sftp(target, credential, f"get {remote} {local}\n", rekey)
