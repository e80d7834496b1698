"""What boto3 must be able to do with the emulator. Started by interop-boto3.sh: ENDPOINT ROOT.pem"""

import sys
import time

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, ROOT = sys.argv[1:]
REGION = "eu-central-1"


def client(key_id="AKIAONE", secret="secret-one", region=REGION, token=None):
    return boto3.client(
        "kms",
        endpoint_url=ENDPOINT,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}, connect_timeout=30, read_timeout=30),
    )


def refused(code, call, status=400, text=""):
    """The call fails with this code, HTTP status and text, and names a request id."""
    try:
        call()
    except ClientError as error:
        found = error.response
        meta = found["ResponseMetadata"]
        assert found["Error"]["Code"] == code, found
        assert meta["HTTPStatusCode"] == status, found
        assert text in found["Error"]["Message"], found
        assert len(meta["RequestId"]) == 36, found
        # botocore has a class for every error of KMS's model.
        if not code.endswith(("SignatureException", "ClientException", "DeniedException", "ValidationException")):
            assert type(error).__name__ == code, type(error)
    else:
        raise AssertionError(f"expected {code}")
    print(f"  refused as expected: {code}")


def main():
    print(f"boto3 {boto3.__version__}, botocore {botocore.__version__}")
    kms = client()
    key = kms.create_key(Description="interop")["KeyMetadata"]
    arn = key["Arn"]
    assert arn == f"arn:aws:kms:{REGION}:000000000001:key/{key['KeyId']}", arn
    assert abs(key["CreationDate"].timestamp() - time.time()) < 60, key["CreationDate"]
    described = kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
    assert described == key and key["Enabled"] and key["KeyState"] == "Enabled", described
    print("  CreateKey, DescribeKey")

    context = {"purpose": "interop", "käse": "ü = %20 \n"}
    sealed = kms.encrypt(KeyId=arn, Plaintext=b"secret", EncryptionContext=context)
    assert sealed["KeyId"] == arn and sealed["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT", sealed
    blob = sealed["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, KeyId=arn, EncryptionContext=context)
    assert opened["Plaintext"] == b"secret" and opened["KeyId"] == arn, opened
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=dict(reversed(context.items())))
    assert opened["Plaintext"] == b"secret", opened
    print("  Encrypt, Decrypt with a context")

    for arguments, length in [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)]:
        data_key = kms.generate_data_key(KeyId=arn, EncryptionContext=context, **arguments)
        assert len(data_key["Plaintext"]) == length, data_key
        opened = kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"], EncryptionContext=context)
        assert opened["Plaintext"] == data_key["Plaintext"], opened
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=arn)
    print("  GenerateDataKey, GenerateDataKeyWithoutPlaintext")

    refused("InvalidCiphertextException", lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"}))
    refused("InvalidCiphertextException", lambda: kms.decrypt(CiphertextBlob=b"garbage"))
    other = kms.create_key()["KeyMetadata"]["Arn"]
    refused("IncorrectKeyException", lambda: kms.decrypt(CiphertextBlob=blob, KeyId=other, EncryptionContext=context))
    refused("NotFoundException", lambda: kms.describe_key(KeyId="0" * 36), text="does not exist")
    refused("ValidationException", lambda: kms.generate_data_key(KeyId=arn), text="either number of bytes or key spec")
    refused(
        "DryRunOperationException", lambda: kms.encrypt(KeyId=arn, Plaintext=b"x", DryRun=True), 412, "DryRun option"
    )
    refused(
        "ValidationException",
        lambda: kms.decrypt(
            CiphertextBlob=blob,
            EncryptionContext=context,
            Recipient={"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": b"not a document"},
        ),
        text="cannot parse the attestation document",
    )

    attested = kms.create_key(Tags=[{"TagKey": "pcrseal:pcr0", "TagValue": "ab" * 48}])["KeyMetadata"]["Arn"]
    refused(
        "AccessDeniedException",
        lambda: kms.generate_data_key(KeyId=attested, KeySpec="AES_256"),
        text=f"is not authorized to perform: kms:GenerateDataKey on resource: {attested} because no resource-based",
    )
    refused(
        "AccessDeniedException",
        lambda: kms.encrypt(KeyId=attested, Plaintext=b"x"),
        text="with an explicit deny in a resource-based policy",
    )
    stranger = client("AKIATWO", "secret-two")
    refused("AccessDeniedException", lambda: stranger.describe_key(KeyId=arn), text="assumed-role/two/")
    refused("NotFoundException", lambda: client(region="us-east-1").describe_key(KeyId=arn), text="Invalid arn")

    kms.disable_key(KeyId=arn)
    disabled = lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    refused("DisabledException", disabled, text=f"{arn} is disabled.")
    kms.enable_key(KeyId=arn)
    assert disabled()["Plaintext"] == b"secret"
    scheduled = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert 6.9 < (scheduled["DeletionDate"].timestamp() - time.time()) / 86400 < 7.1, scheduled
    refused("KMSInvalidStateException", disabled, text="is pending deletion.")
    kms.cancel_key_deletion(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"
    print("  DisableKey, EnableKey, ScheduleKeyDeletion, CancelKeyDeletion")

    wrong = client(secret="guess")
    refused("InvalidSignatureException", lambda: wrong.create_key(), text="does not match the signature you provided")
    refused("UnrecognizedClientException", lambda: client("AKIANOBODY").create_key())
    refused("UnrecognizedClientException", lambda: client(token="token").create_key())

    with open(ROOT, encoding="ascii") as file:
        assert file.readline() == "-----BEGIN CERTIFICATE-----\n"


main()
