"""What bin/run becomes: starts the site's processes, keeps them running, stops them in order.

Each process has a log under var/log and is started again when it ends. Nothing here knows what
the site does; production uses systemd instead (deploy/).
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from bin.supervisor import reach
from bin.supervisor.place import (
    BASE_DIR,
    LOG_DIR,
    MARK,
    VAR_DIR,
    choose_port,
    end_leftovers,
    fail,
    last_state,
    say,
    take_lock,
    write_state,
)
from bin.supervisor.service import Service
from config import embedded

PROGRAMS = Path(sys.executable).parent
SERVERS_ARE_OURS = VAR_DIR / "servers_by_run"
QUIET = ["--without-gossip", "--without-mingle"]  # workers that need to know nothing of each other
NODE = "workbench"  # the example world's node that really runs jobs


class Stop(Exception):
    """Somebody asked us to end."""


class Supervisor:
    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://localhost:{port}"
        self.environment = {
            "SITE_ORIGIN": self.url,
            "EXAMPLE_WORLD": "True",
            # The log's name must outlive a change of port: checkpoints of one log carry one name.
            "LEDGER_ORIGIN": "localhost/equinode-example",
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
            MARK: str(VAR_DIR),
        }
        self.services: list[Service] = []
        self.without_jobs = ""  # why no job can run on this machine

    def python(self, *arguments: str) -> str:
        """Run a program of ours to its end; its output is the answer, and the reason when it fails."""
        path = LOG_DIR / "setup.log"
        with path.open("ab") as errors:
            done = subprocess.run(
                [sys.executable, *arguments], cwd=BASE_DIR, env=self.environment,
                stdout=subprocess.PIPE, stderr=errors, text=True, check=False, start_new_session=True,
            )  # fmt: skip
        if done.returncode:
            fail(f"{' '.join(arguments)} failed. Log: {path}", path)
        return done.stdout

    # --- servers ---
    def sockets(self) -> list[Path]:
        run = embedded.run_dir()
        needed = {"DATABASE_URL": run / ".s.PGSQL.5432", "REDIS_URL": run / "valkey.sock"}
        return [path for name, path in needed.items() if not os.environ.get(name)]

    @staticmethod
    def answers(path: Path) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                return False
        return True

    def start_servers(self) -> None:
        if not any(self.answers(path) for path in self.sockets()):
            SERVERS_ARE_OURS.touch()  # before the start: a kill in between must not orphan them
        with (LOG_DIR / "servers.log").open("ab") as log:
            done = subprocess.run(
                [sys.executable, "bin/servers", "start"], cwd=BASE_DIR, stdout=log, stderr=log, check=False,
                start_new_session=True,
            )  # fmt: skip
        if done.returncode:
            fail("The database or the broker did not start.", LOG_DIR / "servers.log")

    def stop_servers(self) -> None:
        if SERVERS_ARE_OURS.exists():
            subprocess.run([sys.executable, "bin/servers", "stop"], cwd=BASE_DIR, check=False)
            SERVERS_ARE_OURS.unlink()

    # --- up ---
    def prepare(self) -> None:
        LOG_DIR.mkdir(parents=True, exist_ok=True)
        if faults := reach.faults():
            fail("\n".join(faults))
        named = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
        if named:
            say(f"Using {' and '.join(named)} ...")
        if self.sockets():
            say("Starting the database and the broker ..." if not named else "Starting the other one ...")
        self.start_servers()
        say("Bringing the database up to date ...")
        self.python("-m", "bin.supervisor.upgrade")

    def define_services(self) -> None:
        celery = [str(PROGRAMS / "celery"), "-A", "config"]
        worker = [*celery, "worker", "--loglevel=WARNING", "--concurrency=1", *QUIET]
        commands = {
            "web": [
                str(PROGRAMS / "uvicorn"), "config.asgi:application", "--host=127.0.0.1",
                f"--port={self.port}", "--lifespan=off", "--timeout-graceful-shutdown=2", "--no-access-log",
            ],
            # The tick has a worker of its own: a long task must not delay a start.
            "worker-tick": [*worker, "--queues=tick", "--hostname=tick@%h"],
            "worker": [*worker, "--queues=default", "--hostname=default@%h"],
            "beat": [*celery, "beat", "--loglevel=WARNING", f"--schedule={VAR_DIR / 'beat'}", "--pidfile="],
        }  # fmt: skip
        self.services = [Service(name, command, self.environment) for name, command in commands.items()]

    def wait_for_web(self) -> None:
        web = next(service for service in self.services if service.name == "web")
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.url, timeout=30).close()  # noqa: S310 our own http address
                return
            except urllib.error.HTTPError as error:
                error.close()
                return
            except OSError:
                if web.process is not None and web.process.poll() is not None:
                    break
            time.sleep(0.1)
        fail("The web server did not start.", web.log)

    def add_agent(self) -> None:
        """The node's own agent, on this machine. Enrolled once, and again when the address changed."""
        folder = VAR_DIR / "agent"
        enrolled = folder / "enrolled_with"
        program = str(PROGRAMS / "equinode-agent")
        tried = subprocess.run(
            [program, "check", "--state", str(folder)],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if tried.returncode:
            # The agent would end at once, again and again.
            self.without_jobs = (tried.stderr.strip().splitlines() or ["The sandbox does not start."])[-1]
            return
        if not enrolled.exists() or enrolled.read_text() != self.url:
            token = self.python("manage.py", "enrolment_token", NODE).strip()
            folder.mkdir(parents=True, exist_ok=True)
            log = LOG_DIR / "agent.log"
            with log.open("ab") as out:
                done = subprocess.run(
                    [program, "enrol", "--state", str(folder), "--site", self.url, "--again"],
                    env=self.environment | {"EQUINODE_TOKEN": token}, stdout=out, stderr=out, check=False,
                )  # fmt: skip
            if done.returncode:
                fail("The agent could not be enrolled.", log)
            enrolled.write_text(self.url)
        agent = Service("agent", [program, "run", "--state", str(folder)], self.environment)
        agent.start()
        self.services.append(agent)

    def greet(self, told: str) -> None:
        say("")
        say(f"Equinode runs at {self.url}")
        if self.without_jobs:
            say(f"{self.without_jobs} Everything else works: prices, bookings, the ledger.")
        say("Sign in as one of the example people:")
        for line in told.splitlines():
            if line.count("\t") == 2:
                email, password, who = line.split("\t")
                say(f"  {email:<22} {password:<18} {who}")
        say("The admin asks the steward for a second factor too: sign in, then Account, Security.")
        say(f"Logs, with the mail the site would send: {LOG_DIR}. Ctrl-C stops everything.")

    # --- run ---
    def run(self) -> None:
        self.prepare()
        self.define_services()
        say("Starting web, workers, beat; loading the example world ...")
        for service in self.services:
            service.start()
        told = self.python("manage.py", "seed_demo")  # while the others import what they need
        self.wait_for_web()
        say("Starting the agent of the example world's workbench ...")
        self.add_agent()
        self.greet(told)
        looked = time.monotonic()
        while True:
            time.sleep(0.2)
            for service in self.services:
                service.keep_running()
            if time.monotonic() - looked > 2:
                looked = time.monotonic()
                if not all(self.answers(path) for path in self.sockets()):
                    say("The database or the broker is gone; starting it again ...")
                    self.start_servers()

    def stop(self) -> None:
        """Who gives work first, who does it next, the pages last; then what they all stand on."""
        stages = [["beat", "agent"], ["worker-tick", "worker"], ["web"]]
        for stage in stages:
            ending = [service for service in self.services if service.name in stage]
            for service in ending:
                service.ask_to_stop()
            deadline = time.monotonic() + 6
            for service in ending:
                service.wait_or_kill(deadline)
        self.stop_servers()


def be_interruptible() -> None:
    """Shells start background jobs with SIGINT ignored; being asked to stop must work there too."""

    def stop(number: int, frame: object) -> None:
        # A second request must not break off the orderly stop half way.
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        raise Stop

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/run", description="Run Equinode with its example world.")
    parser.add_argument("--port", type=int, help="the port to serve on (default: 8000, or the next free one)")
    options = parser.parse_args()
    lock, state = take_lock(), last_state()
    if lock is None:
        where = f"at {state['url']}" if state.get("url") else "and is starting"
        say(f"Equinode is running already {where}, as process {state.get('pid', 'unknown')}.")
        say("Stop it with Ctrl-C where it was started.")
        return
    be_interruptible()
    supervisor = None
    try:
        end_leftovers()
        last = state.get("port")
        supervisor = Supervisor(choose_port(options.port, int(last) if last else None))
        write_state(lock, pid=os.getpid(), port=supervisor.port, url=supervisor.url)
        supervisor.run()
    except Stop:
        say("Stopping ...")
    finally:
        if supervisor is not None:
            supervisor.stop()
            write_state(lock, port=supervisor.port)
    say("Stopped.")


if __name__ == "__main__":
    main()
