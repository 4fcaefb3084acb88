"""A real mongod and a real one-node Slurm, on loopback, ended by their process ids."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from packages import CACHE, run


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Mongo:
    """One mongod."""

    def __init__(self, folder):
        self.folder, self.port = Path(folder), free_port()
        self.process = None

    def start(self):
        (self.folder / "db").mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [
                CACHE / "mongod",
                "--dbpath",
                self.folder / "db",
                "--bind_ip",
                "127.0.0.1",
                "--port",
                str(self.port),
                "--logpath",
                self.folder / "mongod.log",
                "--wiredTigerCacheSizeGB",
                "0.5",
                "--unixSocketPrefix",
                self.folder,
                "--setParameter",
                "diagnosticDataCollectionEnabled=false",
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError("mongod does not come up")

    def end(self, number=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            self.process = None


class Slurm:
    """A one-node cluster."""

    def __init__(self, folder, cpus=6, kill_wait=10):
        self.folder, self.cpus, self.kill_wait = Path(folder), cpus, kill_wait
        self.conf = self.folder / "slurm.conf"
        self.socket = self.folder / "munge.socket"

    def start(self):
        for name in ("ctld", "d", "log", "munge"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "munge").chmod(0o700)
        host = socket.gethostname().partition(".")[0]
        self.conf.write_text(self._conf(host))
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        os.environ["SLURM_CONF"] = str(self.conf)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        run(
            "munged",
            f"--key-file={key}",
            f"--socket={self.socket}",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={self.folder}/munge/seed",
            "--num-threads=2",
            "--force",
        )
        # daemons keep the pipes of a captured start open: give them none
        self._daemon("slurmctld", "-i")
        self.start_node()

    def _daemon(self, *words):
        log = (self.folder / "log" / "start.err").open("a")
        subprocess.run(words, check=True, stdout=log, stderr=log, timeout=60)

    def start_node(self):
        self._daemon("slurmd", "-N", "n1")
        until = time.monotonic() + 60
        while time.monotonic() < until:
            state = run("sinfo", "-h", "-o", "%T").stdout.strip()
            if state.startswith(("idle", "mixed", "allocated")) and "*" not in state:
                return
            if state.startswith(("down", "drain")):
                subprocess.run(
                    ["scontrol", "update", "NodeName=n1", "State=RESUME"],
                    check=False,
                    capture_output=True,
                )
            time.sleep(0.2)
        raise RuntimeError(f"the node is {state}")

    def pid(self, daemon):
        return int((self.folder / f"{daemon}.pid").read_text())

    def end(self):
        for number in self.jobs():
            subprocess.run(
                ["scancel", "-s", "KILL", number], check=False, capture_output=True
            )
        # by process id, and only what was started with our configuration
        for daemon in ("slurmd", "slurmctld", "munged"):
            with suppress(OSError, ValueError):
                os.kill(self.pid(daemon), signal.SIGTERM)
        mark = f"SLURM_CONF={self.conf}".encode()
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                name = (path / "comm").read_text().strip()
                if name in ("slurmd", "slurmstepd") and mark in (
                    path / "environ"
                ).read_bytes().split(b"\0"):
                    os.kill(int(path.name), signal.SIGKILL)

    def jobs(self):
        done = subprocess.run(
            ["squeue", "-h", "-o", "%A"], check=False, capture_output=True, text=True
        )
        return done.stdout.split()

    def _conf(self, host):
        here = self.folder
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
        return f"""\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={free_port()}
SlurmdPort={free_port()}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={self.socket}
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={here}/ctld
SlurmdSpoolDir={here}/d
SlurmctldPidFile={here}/slurmctld.pid
SlurmdPidFile={here}/slurmd.pid
SlurmctldLogFile={here}/log/slurmctld.log
SlurmdLogFile={here}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SchedulerParameters=sched_interval=2,bf_interval=2,sched_min_interval=0,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
MinJobAge=300
KillWait={self.kill_wait}
SlurmctldTimeout=30
SlurmdTimeout=30
PropagateResourceLimits=NONE
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs={self.cpus} Boards=1 \
SocketsPerBoard=1 CoresPerSocket={self.cpus} ThreadsPerCore=1 \
RealMemory={int(0.9 * memory)} State=UNKNOWN
PartitionName=batch Nodes=n1 Default=YES MaxTime=INFINITE DefaultTime=00:10:00 State=UP
"""
