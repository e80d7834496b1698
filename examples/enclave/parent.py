#!/usr/bin/env python3
"""The parent's side of the enclave program: hands over the request, keeps the blob, asks for the proof.

    parent.py generate --blob vault.blob --region eu-central-1=8001 --region eu-west-1=8002 ...
    parent.py unseal   --blob vault.blob --region eu-central-1=8001 --region eu-west-1=8002 ...

Waits for the enclave on a vsock port, sends it one line of JSON, and prints its answer (without the blob). After
`generate` the new blob is stored; a file that is there already is never overwritten. Then connects to the enclave with
a challenge and prints the proof that it holds the key: the same challenge has the same proof as long as the key is
the same. Start it before the enclave. Nothing secret passes through it.

Exits with 0 when the enclave answered the challenge (whether the proof is right only another holder of the key can
tell), with 1 when it or its connection failed, with 2 when the arguments are wrong. Python 3.9 or later, nothing else.
"""

import argparse
import base64
import json
import os
import secrets
import socket
import stat
import sys
import time

MAX_BLOB = 256 * 1024  # bytes; no sealed blob is longer
MAX_ANSWER = 1024 * 1024  # bytes: a blob in base64, and a report
CHALLENGE_LEN = 32  # bytes
PROOF_LEN = 32  # bytes: HMAC-SHA-256
PEER_TIMEOUT = 10  # seconds, to take the line, and to give the proof


def log(text):
    print(text, file=sys.stderr, flush=True)


class Failure(Exception):
    """What ends the program with 1."""


class Vsock:
    """AF_VSOCK: a Nitro Enclave."""

    def __init__(self, cid):
        self.cid = cid

    def listen(self, port):
        listener = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        listener.bind((socket.VMADDR_CID_ANY, port))
        return listener

    def is_enclave(self, peer):
        return self.cid is None or peer[0] == self.cid

    def connect(self, peer, port):
        enclave = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
        enclave.settimeout(PEER_TIMEOUT)
        enclave.connect((peer[0], port))
        return enclave


class Unix:
    """The Unix sockets that vhost-device-vsock and Firecracker have in place of AF_VSOCK: a guest on this machine.

    What the guest connects to at port P is the socket PATH_P; who connects to PATH says which port of the guest it
    wants.
    """

    def __init__(self, path):
        self.path = path

    def listen(self, port):
        path = f"{self.path}_{port}"
        # What an earlier run left; anything else than a socket makes the binding fail.
        if os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        umask = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(umask)
        return listener

    def is_enclave(self, _peer):
        return True

    def connect(self, _peer, port):
        enclave = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        enclave.settimeout(PEER_TIMEOUT)
        enclave.connect(self.path)
        enclave.sendall(f"CONNECT {port}\n".encode("ascii"))
        answer = b""
        while not answer.endswith(b"\n"):
            byte = enclave.recv(1)
            if not byte or len(answer) > 64:
                raise OSError(f"nobody listens at port {port} of the guest")
            answer += byte
        if not answer.startswith(b"OK "):
            raise OSError(f"the guest's vsock answers {answer!r}")
        return enclave


def read_blob(path):
    with open(path, "rb") as file:
        return checked(file.read(MAX_BLOB + 1), path)


def checked(blob, what):
    if not 0 < len(blob) <= MAX_BLOB:
        raise Failure(f"{what}: a blob has 1 to {MAX_BLOB} bytes")
    return blob


def store_blob(path, blob):
    """A whole new file or none: written beside its place, linked into it. A link never overwrites."""
    temporary = f"{path}.{os.getpid()}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    finally:
        os.unlink(temporary)
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_answer(enclave, deadline):
    """The enclave's line. It has to unseal first: that is what the deadline is for."""
    answer = bytearray()
    while not answer.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure("the enclave did not answer in time")
        enclave.settimeout(left)
        received = enclave.recv(65536)
        if not received:
            raise Failure(f"the enclave closed after {len(answer)} bytes, without an answer")
        answer += received
        if len(answer) > MAX_ANSWER:
            raise Failure(f"the enclave's answer has more than {MAX_ANSWER} bytes")
    try:
        answer = json.loads(answer)
    except RecursionError:
        raise Failure("the enclave's answer is nested too deeply") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("outcome", answer.get("error")), dict):
        raise Failure("the enclave's answer is neither an outcome nor an error")
    return answer


def new_blob(outcome):
    """Takes the new blob out of the outcome."""
    blob = outcome.pop("blob")
    if not isinstance(blob, str):
        raise Failure("the answer's blob is not a string")
    return checked(base64.b64decode(blob, validate=True), "the answer")


def accept(listener, way, deadline):
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise Failure("no enclave connected in time")
        listener.settimeout(left)
        enclave, peer = listener.accept()
        if way.is_enclave(peer):
            return enclave, peer
        log(f"refused: cid {peer[0]} is not the enclave's")
        enclave.close()


def prove(way, peer, port, challenge):
    with way.connect(peer, port) as enclave:
        enclave.sendall(challenge)
        proof = b""
        while len(proof) < PROOF_LEN:
            received = enclave.recv(PROOF_LEN - len(proof))
            if not received:
                raise Failure(f"the enclave closed after {len(proof)} bytes of its proof")
            proof += received
    return proof


def run(options, way):
    request = {
        "job": options.job,
        "regions": dict(options.region),
        "credentials": options.credentials,
        "serve": options.serve,
    }
    if options.job == "unseal":
        request["blob"] = base64.b64encode(read_blob(options.blob)).decode("ascii")
    elif os.path.lexists(options.blob):
        # Before anything is asked: a key that cannot be kept should not be made.
        raise Failure(f"{options.blob} is there already, and is not overwritten")

    deadline = time.monotonic() + options.timeout
    listener = way.listen(options.port)
    listener.listen(1)
    log("waiting for the enclave")
    enclave, peer = accept(listener, way, deadline)
    listener.close()
    with enclave:
        enclave.settimeout(PEER_TIMEOUT)
        enclave.sendall(json.dumps(request, separators=(",", ":")).encode("ascii") + b"\n")
        answer = read_answer(enclave, deadline)
        outcome = answer.get("outcome")
        if outcome is not None and options.job == "generate":
            blob = new_blob(outcome)
            store_blob(options.blob, blob)
            log(f"stored {len(blob)} bytes in {options.blob}")
    print(json.dumps(answer, indent=2), flush=True)
    if outcome is None:
        raise Failure("the enclave does not hold the key")

    challenge = options.challenge or secrets.token_bytes(CHALLENGE_LEN)
    proof = prove(way, peer, options.serve, challenge)
    print(json.dumps({"challenge": challenge.hex(), "proof": proof.hex()}, indent=2), flush=True)


def region(text):
    name, equals, number = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected REGION=PORT, found {text!r}")
    return name, port(number)


def port(text):
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 0xFFFFFFFF:
        raise argparse.ArgumentTypeError(f"expected a port 1..4294967294, found {text!r}")
    return int(text)


def challenge(text):
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != CHALLENGE_LEN:
        raise argparse.ArgumentTypeError(f"expected {2 * CHALLENGE_LEN} hex digits")
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["generate", "unseal"])
    parser.add_argument("--blob", required=True, metavar="FILE")
    parser.add_argument("--region", required=True, action="append", type=region, metavar="REGION=PORT",
                        help="the vsock port of the region's vsock-proxy; one for each region of the quorum")
    parser.add_argument("--credentials", type=port, default=8100, metavar="PORT",
                        help="the vsock port of credential_feed.py; default: 8100")
    parser.add_argument("--port", type=port, default=9100, help="where to wait for the enclave; default: 9100")
    parser.add_argument("--serve", type=port, default=7000, metavar="PORT",
                        help="where the enclave is to serve its proof; default: 7000")
    parser.add_argument("--challenge", type=challenge, metavar="HEX", help="32 bytes; default: random ones")
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS",
                        help="for the enclave to start and to answer; default: 120")
    parser.add_argument("--cid", type=int, help="serve the enclave with this cid alone")
    parser.add_argument("--unix", metavar="PATH", help="Unix sockets of vhost-device-vsock in place of vsock")
    options = parser.parse_args()
    if options.cid is not None and options.unix is not None:
        parser.error("--cid goes without --unix")
    names = [name for name, _ in options.region]
    if len(set(names)) != len(names):
        parser.error("--region: one port for each region")
    try:
        run(options, Vsock(options.cid) if options.unix is None else Unix(options.unix))
    except (Failure, OSError, ValueError, KeyError) as error:
        log(f"failed: {error if not isinstance(error, KeyError) else 'the answer lacks ' + str(error)}")
        sys.exit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
