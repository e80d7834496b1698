"""Starts moto with its signature check and has a program checked against it. Started by interop-moto.sh: PROGRAM

PROGRAM is run as PROGRAM ENDPOINT REGION KEY_ARN with credentials in the environment: once while the check is
off, where it must fail, then with a user's access key, then with a role's temporary credentials.
"""

import json
import logging
import os
import subprocess
import sys
import urllib.request
from importlib.metadata import version

import boto3
from moto.server import ThreadedMotoServer

REGION = "eu-central-1"
ALLOW_KMS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
)


def identities(endpoint):
    """A user's access key and a role's session, both allowed to use KMS."""

    def client(service):
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id="unchecked",
            aws_secret_access_key="unchecked",
        )

    iam = client("iam")
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="kms", PolicyDocument=ALLOW_KMS)
    user = iam.create_access_key(UserName="operator")["AccessKey"]
    role = iam.create_role(RoleName="enclave", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    iam.put_role_policy(RoleName="enclave", PolicyName="kms", PolicyDocument=ALLOW_KMS)
    session = client("sts").assume_role(RoleArn=role, RoleSessionName="enclave")["Credentials"]
    # moto describes a key as it was asked for: AWS's defaults are null where they were not spelt out.
    key = client("kms").create_key(KeyUsage="ENCRYPT_DECRYPT", MultiRegion=False)["KeyMetadata"]["Arn"]
    return user, session, key


def check_signatures(endpoint):
    """Switches the check on for every request after this one."""
    request = urllib.request.Request(
        endpoint + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}
    )
    urllib.request.urlopen(request, timeout=10).close()


def run(program, endpoint, key, credentials):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment["AWS_ACCESS_KEY_ID"] = credentials["AccessKeyId"]
    environment["AWS_SECRET_ACCESS_KEY"] = credentials["SecretAccessKey"]
    if "SessionToken" in credentials:
        environment["AWS_SESSION_TOKEN"] = credentials["SessionToken"]
    return subprocess.run(
        [program, endpoint, REGION, key], env=environment, capture_output=True, text=True, timeout=60
    )


def main():
    (program,) = sys.argv[1:]
    print(f"moto {version('moto')}", flush=True)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        user, session, key = identities(endpoint)

        unchecked = run(program, endpoint, key, user)
        if unchecked.returncode == 0 or "the server does not check signatures" not in unchecked.stderr:
            sys.exit(f"the program did not notice that the check was off:\n{unchecked.stdout}{unchecked.stderr}")
        print("  without moto's check the program fails, as it must")

        check_signatures(endpoint)
        for who, credentials in (("a user's access key", user), ("a role's session", session)):
            print(who)
            checked = run(program, endpoint, key, credentials)
            print(checked.stdout, end="")
            if checked.returncode != 0:
                sys.exit(checked.stderr)
    finally:
        server.stop()


main()
