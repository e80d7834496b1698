"""Compares pcrseal's requests to AWS KMS with botocore's. Started by interop-botocore.sh: ORACLE (our example)"""

import base64
import datetime
import gzip
import json
import os
import random
import subprocess
import sys
from unittest import mock

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.endpoint_provider import EndpointProvider
from botocore.model import ServiceModel
from botocore.serialize import create_serializer

REQUESTS = 200
DATA = os.path.join(os.path.dirname(botocore.__file__), "data")
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

# What we send of each operation: a request that is good, to be bent one member at a time.
GOOD = {
    "Encrypt": {"KeyId": ARN, "Plaintext": b"x"},
    "Decrypt": {"KeyId": ARN, "CiphertextBlob": b"x"},
    "ReEncrypt": {"CiphertextBlob": b"x", "SourceKeyId": ARN, "DestinationKeyId": ARN},
    "GenerateDataKey": {"KeyId": ARN, "KeySpec": "AES_256"},
    "GenerateDataKeyPair": {"KeyId": ARN, "KeyPairSpec": "RSA_2048"},
    "GenerateRandom": {"NumberOfBytes": 32},
    "DeriveSharedSecret": {"KeyId": ARN, "KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x"},
    "DescribeKey": {"KeyId": ARN},
    "DisableKey": {"KeyId": ARN},
    "EnableKey": {"KeyId": ARN},
    "GetKeyPolicy": {"KeyId": ARN},
    "PutKeyPolicy": {"KeyId": ARN, "Policy": "{}"},
}
# Members that we leave out on purpose: we encrypt under symmetric keys alone, a key has one policy, and a dry run
# of ours always has its ciphertext.
LEFT_OUT = {
    "EncryptionAlgorithm",
    "SourceEncryptionAlgorithm",
    "DestinationEncryptionAlgorithm",
    "PolicyName",
    "DryRunModifiers",
}
# Enumerations whose every value we must know.
ENUMERATIONS = {
    "DataKeySpec": {"AES_256", "AES_128"},
    "KeyAgreementAlgorithmSpec": {"ECDH"},
    "KeyEncryptionMechanism": {"RSAES_OAEP_SHA_256"},
}

model = ServiceModel(json.load(gzip.open(f"{DATA}/kms/2014-11-01/service-2.json.gz")), "kms")
serializer = create_serializer("json")


class Ours:
    """The example, asked a question at a time."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, what, **question):
        self.process.stdin.write(json.dumps({"Ask": what, **question}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the example died of {question}"
        return json.loads(line)

    def request(self, operation, members, region="eu-central-1", host="host", seconds=0, credentials=None):
        credentials = credentials or Credentials("AKIDEXAMPLE", "secret")
        token = {} if credentials.token is None else {"SessionToken": credentials.token}
        return self.ask(
            "Request",
            Operation=operation,
            Fields={name: as_json(value) for name, value in members.items()},
            Region=region,
            Host=host,
            UnixSeconds=seconds,
            AccessKeyId=credentials.access_key,
            SecretAccessKey=credentials.secret_key,
            **token,
        )


def as_json(value):
    if isinstance(value, dict) and "AttestationDocument" in value:
        value = value["AttestationDocument"]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def recipient(document):
    return {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}


def partitions():
    return json.load(open(f"{DATA}/partitions.json"))


def regions():
    """Every region that AWS has, and one of each kind that it has not."""
    for partition in partitions()["partitions"]:
        for region in partition["regions"]:
            if not region.endswith("-global"):
                yield region
                yield region[:-1] + "9"


def compare_hosts(ours):
    rules = json.load(gzip.open(f"{DATA}/kms/2014-11-01/endpoint-rule-set-1.json.gz"))
    provider = EndpointProvider(rules, partitions())
    compared = 0
    for region in sorted(set(regions())):
        for fips in (False, True):
            for dual_stack in (False, True):
                endpoint = provider.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual_stack)
                found = ours.ask("Host", Region=region, Fips=fips, DualStack=dual_stack)
                assert "https://" + found.get("Host", "") == endpoint.url, (region, found, endpoint.url)
                compared += 1
    for partition in partitions()["partitions"]:
        for region in partition["regions"]:
            if region.endswith("-global"):
                assert ours.ask("Host", Region=region) == {"Refused": "kms_region"}, region
    assert compared >= 300, compared
    print(f"  host names: {compared} equal")


def some_text(rng, length):
    """Text of every kind that JSON must escape, or must not."""
    alphabet = "aZ09 \"\\/\n\r\t\b\f\x01\x1f\x7fäß€\u2028\ufeff\U0001f511'<>&"
    return "".join(rng.choice(alphabet) for _ in range(length))


def some_members(rng, operation):
    """A good request of an operation, with a random choice of everything that it may carry."""
    known = model.operation_model(operation).input_shape.members
    members = {}
    for name in known:
        if name in LEFT_OUT:
            continue
        if name.endswith("EncryptionContext") and rng.random() < 0.7:
            keys = {some_text(rng, rng.randint(1, 12)) for _ in range(rng.randint(1, 6))}
            members[name] = {key: some_text(rng, rng.randint(0, 40)) for key in keys}
        elif name == "GrantTokens" and rng.random() < 0.5:
            members[name] = [some_text(rng, rng.randint(1, 60)) for _ in range(rng.randint(1, 10))]
        elif name == "Recipient" and rng.random() < 0.5:
            members[name] = recipient(rng.randbytes(rng.randint(1, 5000)))
        elif name in ("DryRun", "BypassPolicyLockoutSafetyCheck") and rng.random() < 0.5:
            members[name] = True
        elif name in ("CiphertextBlob", "Plaintext", "PublicKey"):
            members[name] = rng.randbytes(rng.randint(1, 4096))
        elif name.endswith("KeyId"):
            members[name] = rng.choice([ARN, "alias/" + some_text(rng, 9), "k" * 2048])
        elif name == "Policy":
            members[name] = "".join(rng.choice('{}":,[] \t\r\nabcÿé') for _ in range(rng.randint(1, 3000)))
        elif name == "CustomKeyStoreId" and rng.random() < 0.5:
            members[name] = some_text(rng, 10)
        elif name == "KeyAgreementAlgorithm":
            members[name] = "ECDH"
        elif name == "KeyPairSpec":
            members[name] = rng.choice(model.shape_for("DataKeyPairSpec").enum)
    if "NumberOfBytes" in known:
        members["NumberOfBytes"] = rng.randint(1, 1024)
    if "KeySpec" in known and rng.random() < 0.7:
        del members["NumberOfBytes"]
        members["KeySpec"] = rng.choice(["AES_256", "AES_128"])
    return members


def compare_requests(ours):
    rng = random.Random(20141101)
    all_regions = sorted(set(regions()))
    signed = 0
    while signed < REQUESTS:
        operation = list(GOOD)[signed % len(GOOD)]
        members = some_members(rng, operation)
        region = rng.choice(all_regions)
        host = rng.choice([f"kms.{region}.amazonaws.com", f"kms-fips.{region}.api.aws", "127.0.0.1:8080", "[::1]:4566"])
        seconds = rng.choice([0, 951_782_400, 4_107_542_399, 253_402_300_799, rng.randint(1, 4_000_000_000)])
        token = base64.b64encode(rng.randbytes(rng.randint(1, 3000))).decode() if rng.random() < 0.6 else None
        secret = "".join(rng.choice("abcXYZ0123+/=!~") for _ in range(rng.randint(1, 64)))
        credentials = Credentials(f"AKIA{rng.randint(0, 10**12)}", secret, token)
        found = ours.request(operation, members, region, host, seconds, credentials)
        assert "Headers" in found, (operation, members, found)
        body = base64.b64decode(found["Body"])

        wanted = serializer.serialize_to_request(members, model.operation_model(operation))
        assert json.loads(body) == json.loads(wanted["body"]), (operation, body, wanted["body"])
        # botocore's client writes the same requests; the order of members and the escapes are its own.
        request = AWSRequest("POST", f"http://{host}/", headers=wanted["headers"], data=body)
        now = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        with mock.patch("botocore.auth.get_current_datetime", return_value=now):
            botocore.auth.SigV4Auth(credentials, "kms", region).add_auth(request)
        expected = {name.lower(): value for name, value in request.headers.items()}
        expected["host"] = host
        assert found["Headers"] == expected, (operation, found["Headers"], expected)
        signed += 1
    print(f"  requests: {signed} equal, in every header and every member")


def of_size(shape, size):
    """A value of a shape whose length, or value, is `size`."""
    return {
        "blob": lambda: b"\x00" * size,
        "string": lambda: "x" * size,
        "integer": lambda: size,
        "list": lambda: ["x"] * size,
    }[shape.type_name]()


def compare_bounds(ours):
    """Where AWS's model has a bound, ours refuses what is outside and takes what is inside."""
    tried = 0

    def try_at(operation, shape, place, name):
        nonlocal tried
        low, high = shape.metadata.get("min"), shape.metadata.get("max")
        assert low is not None and high is not None, f"{operation}.{name}: a bound is gone"
        for size in {low - 1, low, high, high + 1} - {-1}:
            members = dict(GOOD[operation])
            place(members, of_size(shape, size))
            found = ours.request(operation, members)
            fits = low <= size <= high
            assert ("Headers" in found) == fits, f"{operation}.{name}: AWS has {low}..{high}, at {size}: {found}"
            tried += 1

    def put(name, wrap=lambda value: value):
        def place(members, value):
            members[name] = wrap(value)
            if name == "NumberOfBytes":
                members.pop("KeySpec", None)

        return place

    for operation in GOOD:
        for name, shape in model.operation_model(operation).input_shape.members.items():
            if name in LEFT_OUT or shape.type_name == "boolean":
                continue
            if name == "Recipient":
                assert set(shape.members) == {"KeyEncryptionAlgorithm", "AttestationDocument"}, shape.members
                document = shape.members["AttestationDocument"]
                try_at(operation, document, put(name, recipient), "Recipient.AttestationDocument")
            elif name == "GrantTokens":
                try_at(operation, shape, put(name), name)
                try_at(operation, shape.member, put(name, lambda token: [token]), "GrantTokens[]")
            elif shape.type_name == "map":
                # AWS publishes no bound; a large context of ours is refused on our own account.
                assert not {"min", "max"} & set(shape.metadata), f"{operation}.{name}: AWS has a bound now"
            elif shape.name == "DataKeyPairSpec":
                assert ours.ask("KeyPairSpecs")["Names"] == shape.enum, shape.enum
            elif "enum" in shape.metadata:
                assert set(shape.enum) == ENUMERATIONS[shape.name], (name, shape.enum)
            else:
                try_at(operation, shape, put(name), name)
        required = set(model.operation_model(operation).input_shape.required_members)
        assert required <= set(GOOD[operation]), f"{operation}: AWS demands {required}"
    mechanism = set(model.shape_for("KeyEncryptionMechanism").enum)
    assert mechanism == ENUMERATIONS["KeyEncryptionMechanism"], mechanism
    pattern = model.shape_for("PolicyType").metadata["pattern"]
    assert pattern == "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", pattern
    assert tried >= 100, tried
    print(f"  bounds: {tried} values accepted or refused as AWS's model has it")


def main():
    print(f"botocore {botocore.__version__}")
    ours = Ours(sys.argv[1])
    compare_hosts(ours)
    compare_requests(ours)
    compare_bounds(ours)


main()
