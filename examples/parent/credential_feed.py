#!/usr/bin/env python3
"""Hands the EC2 instance role's credentials to an enclave: the parent's half of docs/CREDENTIAL-FEED.md.

    credential_feed.py --vsock 8100 [--cid 16]    serve enclaves on a vsock port
    credential_feed.py --unix /run/pcrseal.sock   serve a process on this host
    credential_feed.py --file /run/pcrseal.json   keep a file up to date

Whoever connects is sent one JSON document, as IMDS writes it, and the connection is closed. The credentials are
fetched through IMDSv2 when they are older than --max-age seconds; if that fails, the old ones are handed out
while they last. Python 3.9 or later, nothing else. Nothing secret is logged.
"""

import argparse
import datetime
import http.client
import json
import os
import socket
import stat
import sys
import time
import urllib.parse

TOKEN_PATH = "/latest/api/token"
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"
MAX_ANSWER = 16384  # bytes; the enclave reads no more
IMDS_TIMEOUT = 1  # seconds, each request
RETRY_PAUSE = 5  # seconds from a failed fetch to the next, while the old credentials last
PEER_TIMEOUT = 5  # seconds, to take the document


def log(text):
    print(text, file=sys.stderr, flush=True)


class Imds:
    """The instance metadata service, version 2 alone."""

    def __init__(self, endpoint, role=None):
        url = urllib.parse.urlsplit(endpoint)
        if url.scheme != "http" or not url.hostname:
            raise ValueError("an IMDS endpoint is http://HOST[:PORT]")
        self.host, self.port, self.role = url.hostname, url.port or 80, role

    def request(self, method, path, headers):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=IMDS_TIMEOUT)
        try:
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            body = answer.read(MAX_ANSWER + 1)
        finally:
            connection.close()
        if answer.status != 200:
            raise OSError(f"IMDS answers {answer.status} to {method} {path}")
        if len(body) > MAX_ANSWER:
            raise OSError(f"IMDS answers {method} {path} with more than {MAX_ANSWER} bytes")
        return body.decode("ascii")

    def credentials(self):
        """The document, and when the credentials in it expire (seconds since 1970)."""
        token = self.request("PUT", TOKEN_PATH, {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        headers = {"X-aws-ec2-metadata-token": token.strip()}
        role = self.role or self.request("GET", ROLE_PATH, headers).splitlines()[0].strip()
        document = self.request("GET", ROLE_PATH + urllib.parse.quote(role, safe="+=,.@"), headers)
        fields = json.loads(document)
        if fields.get("Code") != "Success":
            raise OSError(f"IMDS has no credentials for role {role}: {fields.get('Code')}")
        expiration = fields["Expiration"].replace("Z", "+00:00")
        return document.encode("ascii"), datetime.datetime.fromisoformat(expiration).timestamp()


class Feed:
    """The newest document, fetched again when it is asked for and no longer young."""

    def __init__(self, imds, max_age):
        self.imds, self.max_age = imds, max_age
        self.held, self.expires_at, self.next_fetch = None, 0.0, 0.0

    def document(self):
        """The document, or None if there is none that lasts."""
        if time.time() >= self.expires_at or time.monotonic() >= self.next_fetch:
            try:
                self.held, self.expires_at = self.imds.credentials()
                self.next_fetch = time.monotonic() + self.max_age
            except (OSError, http.client.HTTPException, ValueError, KeyError, IndexError, AttributeError) as error:
                # Only the operating system's texts are told: others could quote what was read.
                log(f"not fetched: {error if isinstance(error, OSError) else type(error).__name__}")
                self.next_fetch = time.monotonic() + RETRY_PAUSE
        return self.held if time.time() < self.expires_at else None


def serve(listener, feed, cid):
    listener.listen(16)
    log("serving")
    while True:
        connection, peer = listener.accept()
        with connection:
            try:
                if cid is not None and peer[0] != cid:
                    log(f"refused: cid {peer[0]} is not {cid}")
                    continue
                connection.settimeout(PEER_TIMEOUT)
                document = feed.document()
                if document is not None:
                    connection.sendall(document)
            except OSError as error:
                log(f"not delivered: {error}")


def keep_file(path, feed):
    while True:
        document = feed.document()
        if document is not None:
            temporary = f"{path}.new"
            # A new file, for its owner alone, renamed into place: nobody ever reads half a document.
            if os.path.lexists(temporary):
                os.unlink(temporary)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(document)
            os.replace(temporary, path)
        time.sleep(max(feed.max_age, 1))


def unix_listener(path):
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


def vsock_listener(port):
    listener = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)
    listener.bind((socket.VMADDR_CID_ANY, port))
    return listener


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--vsock", type=int, metavar="PORT")
    where.add_argument("--unix", metavar="PATH")
    where.add_argument("--file", metavar="PATH")
    parser.add_argument("--cid", type=int, help="serve the enclave with this cid alone (with --vsock)")
    parser.add_argument("--max-age", type=float, default=60, metavar="SECONDS", help="default: 60")
    parser.add_argument("--role", help="default: the instance's role")
    parser.add_argument("--imds-endpoint", default="http://169.254.169.254", metavar="URL")
    options = parser.parse_args()
    if options.cid is not None and options.vsock is None:
        parser.error("--cid goes with --vsock")

    feed = Feed(Imds(options.imds_endpoint, options.role), options.max_age)
    if options.file is not None:
        keep_file(options.file, feed)
    elif options.unix is not None:
        serve(unix_listener(options.unix), feed, None)
    else:
        serve(vsock_listener(options.vsock), feed, options.cid)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
