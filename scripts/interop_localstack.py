"""Starts LocalStack's KMS on loopback and has a program checked against it. Started by interop-localstack.sh: PROGRAM

PROGRAM is run as PROGRAM ENDPOINT REGION KEY_ARN OTHER_KEY_ARN PENDING_KEY_ARN.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version

import boto3
from botocore.config import Config

REGION = "eu-central-1"
START_TIMEOUT = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(port, folder):
    """The server as a process group of its own, and the file it logs to."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "TMPDIR": folder,
        "FILESYSTEM_ROOT": folder,
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        # The default server listens on every address, whatever it is told.
        "GATEWAY_SERVER": "hypercorn",
        "SERVICES": "kms",
        "STRICT_SERVICE_LOADING": "1",
        "EAGER_SERVICE_LOADING": "1",
        # Nothing of it goes beyond this machine.
        "DNS_ADDRESS": "0",
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DISABLE_EVENTS": "1",
    }
    log = os.path.join(folder, "log")
    with open(log, "wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "localstack.runtime.main"],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return server, log


def wait(server, log):
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        with open(log, encoding="utf-8", errors="replace") as lines:
            if any(line.strip() == "Ready." for line in lines):
                return
        time.sleep(0.2)
    with open(log, encoding="utf-8", errors="replace") as lines:
        sys.exit(f"LocalStack did not start:\n{lines.read()}")


def keys(endpoint):
    """A key, another one, and one that is pending deletion."""
    kms = boto3.client(
        "kms",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="unchecked",
        aws_secret_access_key="unchecked",
        config=Config(retries={"max_attempts": 0}, connect_timeout=30, read_timeout=30),
    )
    arns = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3)]
    kms.schedule_key_deletion(KeyId=arns[2], PendingWindowInDays=7)
    return arns


def main():
    (program,) = sys.argv[1:]
    print(f"LocalStack {version('localstack-core')}", flush=True)
    # The shell that waits for this program ends it so; the server must end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server, log = start(port, folder)
        try:
            wait(server, log)
            endpoint = f"http://127.0.0.1:{port}"
            subprocess.run([program, endpoint, REGION, *keys(endpoint)], check=True, timeout=120)
        except subprocess.CalledProcessError:
            sys.exit(1)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


main()
