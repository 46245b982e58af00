"""AsyncSSH, in this process."""

import asyncio
import contextlib
import inspect
import warnings

from clients import Client, Result

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import asyncssh
        import asyncssh.connection
        import asyncssh.encryption
        import asyncssh.kex
        import asyncssh.mac
    except ImportError:
        asyncssh = None


class AsyncSSH(Client):
    name = "asyncssh"
    packages = ("python3-asyncssh",)
    compresses = True

    def offered(self):
        assert asyncssh, "python3-asyncssh is not installed"
        names = {"kex": asyncssh.kex.get_kex_algs(), "cipher": asyncssh.encryption.get_encryption_algs(),
                 "mac": asyncssh.mac.get_mac_algs(), "host_key": asyncssh.public_key.get_public_key_algs()}
        return {kind: [name.decode() for name in values] for kind, values in names.items()}

    def sends_data_in_exchanges(self):
        # Debian 12's: a security fix that was carried back lost the line that holds packets back.
        return "MSG_KEX_LAST" not in inspect.getsource(asyncssh.connection.SSHConnection.send_packet)

    @contextlib.asynccontextmanager
    async def connect(self, target, credential, choice=None, rekey=0):
        options = {"known_hosts": str(target.known_hosts), "username": credential.user, "config": None,
                   "agent_path": None, "client_keys": None, "connect_timeout": 60,
                   "preferred_auth": credential.method}
        if credential.method == "publickey":
            options["client_keys"] = [str(credential.secret)]
        else:
            options["password"] = credential.secret
        if choice:
            options.update(kex_algs=[choice.kex], server_host_key_algs=[choice.host_key],
                           encryption_algs=[choice.cipher], mac_algs=[choice.mac])
        if rekey:
            options["rekey_bytes"] = rekey
        if self.compress:
            options["compression_algs"] = ["zlib@openssh.com"]
        async with asyncssh.connect(target.host, target.port, **options) as connection:
            yield connection

    async def run(self, target, credential, command, choice=None):
        try:
            async with self.connect(target, credential, choice) as connection:
                done = await connection.run(command, encoding=None)
                return Result(done.exit_status, done.stdout, done.stderr)
        except (asyncssh.Error, OSError) as why:
            return Result(why=f"{type(why).__name__}: {why}")

    def log_in(self, target, credential, command, choice=None):
        return asyncio.run(self.run(target, credential, command, choice))

    def shell(self, target, credential, typed):
        async def session():
            async with self.connect(target, credential) as connection:
                done = await connection.run(input=typed, term_type="xterm", term_size=(101, 31))
                return Result(done.exit_status, done.stdout.encode())
        return asyncio.run(session())

    def put(self, target, credential, local, remote, rekey=0):
        async def session():
            async with self.connect(target, credential, rekey=rekey) as connection:
                async with connection.start_sftp_client() as sftp:
                    await sftp.put(str(local), remote)
        asyncio.run(session())

    def get(self, target, credential, remote, local, rekey=0):
        async def session():
            async with self.connect(target, credential, rekey=rekey) as connection:
                async with connection.start_sftp_client() as sftp:
                    await sftp.get(remote, str(local))
        asyncio.run(session())
