"""What a server costs: the CPU time and the memory of all its processes, ended ones included. Each server is started in
a cgroup of its own (version 1's cpuacct or version 2); where there is none to be had, the process tree is added up."""

import os
import pathlib
import subprocess

CGROUPS = pathlib.Path("/sys/fs/cgroup")
TICK = os.sysconf("SC_CLK_TCK")


def make_cgroup(name):
    """(directory, reader of CPU seconds), or None."""
    for parent, usage in ((CGROUPS / "cpuacct", usage_v1), (CGROUPS / "unified", usage_v2), (CGROUPS, usage_v2)):
        if not (parent / "cgroup.procs").exists() or (usage is usage_v2 and not (parent / "cpu.stat").exists()):
            continue
        path = parent / f"{name}-{os.getppid()}-{os.urandom(3).hex()}"
        try:
            path.mkdir()
        except OSError:
            continue
        if can_enter(path):
            return path, usage
        path.rmdir()
    return None


def can_enter(path):
    """Tried with a process of its own."""
    return subprocess.run(["sh", "-c", f"echo 0 > {path}/cgroup.procs"], stderr=subprocess.DEVNULL,
                          check=False).returncode == 0


def usage_v1(path):
    return int((path / "cpuacct.usage").read_text()) / 1e9


def usage_v2(path):
    for line in (path / "cpu.stat").read_text().splitlines():
        if line.startswith("usage_usec"):
            return int(line.split()[1]) / 1e6
    raise OSError("no usage_usec")


def process_table():
    """pid -> (parent, name, CPU seconds with those of reaped children)."""
    table = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                head, _, tail = (entry / "stat").read_text().rpartition(")")
            except OSError:
                continue
            words = tail.split()
            table[int(entry.name)] = (int(words[1]), head.partition("(")[2], sum(map(int, words[11:15])) / TICK)
    return table


def pss_kib(pid):
    try:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


class Account:
    """Of one server: give `wrap` to its start(), then read."""

    def __init__(self, name):
        self.cgroup = make_cgroup(f"sallyport-bench-{name}")
        self.root = None

    @property
    def kind(self):
        if not self.cgroup:
            return "process tree"
        return "cgroup v1 cpuacct" if self.cgroup[1] is usage_v1 else "cgroup v2"

    @property
    def wrap(self):
        if not self.cgroup:
            return ()
        return ("sh", "-c", f'echo 0 > {self.cgroup[0]}/cgroup.procs && exec "$@"', "enter")

    def started(self, process):
        self.root = process.pid

    def tree(self, table):
        ours, grown = {self.root}, True
        while grown:
            more = {pid for pid, (parent, _, _) in table.items() if parent in ours} - ours
            ours |= more
            grown = bool(more)
        return ours & set(table)

    def cpu_seconds(self):
        if self.cgroup:
            return self.cgroup[1](self.cgroup[0])
        table = process_table()
        return sum(table[pid][2] for pid in self.tree(table))

    def memory_kib(self, but=()):
        """PSS of the server's processes, without the programs that its users run."""
        table = process_table()
        pids = self.tree(table)
        if self.cgroup:
            pids |= {int(pid) for pid in (self.cgroup[0] / "cgroup.procs").read_text().split()} & set(table)
        return sum(pss_kib(pid) for pid in pids if table[pid][1] not in but)

    def close(self):
        if self.cgroup:
            try:
                self.cgroup[0].rmdir()
            except OSError:
                pass  # a process of a user's is still ending
