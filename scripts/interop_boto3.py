"""What boto3 must be able to do with the emulator. Started by interop-boto3.sh: ENDPOINT THROTTLED_ENDPOINT FOLDER

The folder holds root.pem, enclave.key (an RSA key, PKCS #8 DER) and document.cbor, which attests it.
"""

import json
import pathlib
import subprocess
import sys
import time

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, THROTTLED_ENDPOINT = sys.argv[1:3]
FOLDER = pathlib.Path(sys.argv[3])
REGION = "eu-central-1"


def client(key_id="AKIAONE", secret="secret-one", region=REGION, token=None, endpoint=ENDPOINT):
    return boto3.client(
        "kms",
        endpoint_url=endpoint,
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
        unmodelled = ("SignatureException", "ClientException", "DeniedException", "ValidationException")
        if not code.endswith((*unmodelled, "ThrottlingException")):
            assert type(error).__name__ == code, type(error)
    else:
        raise AssertionError(f"expected {code}")
    print(f"  refused as expected: {code}")


def policy(pcr0):
    """What a key has that serves one image alone: administrators keep it, and nobody encrypts."""
    with_recipient = ["kms:Decrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyPair", "kms:DeriveSharedSecret"]
    condition = {"StringEqualsIgnoreCase": {"kms:RecipientAttestation:PCR0": pcr0}}
    account = {"AWS": "arn:aws:iam::000000000001:root"}
    statements = [
        {"Effect": "Allow", "Principal": account, "NotAction": with_recipient, "Resource": "*"},
        {"Effect": "Allow", "Principal": account, "Action": with_recipient, "Resource": "*", "Condition": condition},
        {"Effect": "Deny", "Principal": "*", "Action": ["kms:Encrypt", "kms:ReEncrypt*"], "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def pairs_and_agreement(kms, arn, context):
    for spec in ["RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"]:
        pair = kms.generate_data_key_pair(KeyId=arn, KeyPairSpec=spec, EncryptionContext=context)
        assert public_of(pair["PrivateKeyPlaintext"]) == pair["PublicKey"] and pair["KeyPairSpec"] == spec, pair
        opened = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=context)
        assert opened["Plaintext"] == pair["PrivateKeyPlaintext"] and pair["KeyId"] == arn, opened
    bare = kms.generate_data_key_pair_without_plaintext(KeyId=arn, KeyPairSpec="ECC_NIST_P256")
    assert "PrivateKeyPlaintext" not in bare and bare["PublicKey"], bare
    refused(
        "UnsupportedOperationException",
        lambda: kms.generate_data_key_pair(KeyId=arn, KeyPairSpec="ECC_SECG_P256K1"),
        text="ECC_SECG_P256K1",
    )
    print("  GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext")

    for spec in ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"]:
        key = kms.create_key(KeySpec=spec, KeyUsage="KEY_AGREEMENT")["KeyMetadata"]
        assert key["KeySpec"] == spec and key["KeyAgreementAlgorithms"] == ["ECDH"], key
        shown = kms.get_public_key(KeyId=key["Arn"])
        assert shown["KeyUsage"] == "KEY_AGREEMENT" and shown["KeySpec"] == spec, shown
        mine = elliptic_key(spec)
        derived = kms.derive_shared_secret(
            KeyId=key["Arn"], KeyAgreementAlgorithm="ECDH", PublicKey=public_of(mine)
        )
        assert derived["SharedSecret"] == shared_secret(mine, shown["PublicKey"]), derived
        assert (derived["KeyAgreementAlgorithm"], derived["KeyOrigin"]) == ("ECDH", "AWS_KMS"), derived
        refused("InvalidKeyUsageException", lambda: kms.encrypt(KeyId=key["Arn"], Plaintext=b"x"), text="KEY_AGREEMENT")
    refused(
        "InvalidKeyUsageException",
        lambda: kms.derive_shared_secret(KeyId=arn, KeyAgreementAlgorithm="ECDH", PublicKey=b"x"),
        text="not valid for DeriveSharedSecret",
    )
    refused("UnsupportedOperationException", lambda: kms.get_public_key(KeyId=arn))
    print("  GetPublicKey, DeriveSharedSecret")

    assert len(kms.generate_random(NumberOfBytes=77)["Plaintext"]) == 77
    refused("ValidationException", lambda: kms.generate_random())
    refused(
        "CustomKeyStoreNotFoundException", lambda: kms.generate_random(NumberOfBytes=1, CustomKeyStoreId="cks-1")
    )
    print("  GenerateRandom")


def re_encrypt(kms, arn, blob, context):
    other = kms.create_key()["KeyMetadata"]["Arn"]
    arguments = {
        "CiphertextBlob": blob,
        "SourceEncryptionContext": context,
        "DestinationKeyId": other,
        "DestinationEncryptionContext": {"b": "2"},
    }
    moved = kms.re_encrypt(SourceKeyId=arn, **arguments)
    assert (moved["SourceKeyId"], moved["KeyId"]) == (arn, other), moved
    assert moved["SourceEncryptionAlgorithm"] == moved["DestinationEncryptionAlgorithm"] == "SYMMETRIC_DEFAULT", moved
    opened = kms.decrypt(CiphertextBlob=moved["CiphertextBlob"], KeyId=other, EncryptionContext={"b": "2"})
    assert opened["Plaintext"] == b"secret", opened
    refused("IncorrectKeyException", lambda: kms.re_encrypt(SourceKeyId=other, **arguments))
    refused("DryRunOperationException", lambda: kms.re_encrypt(DryRun=True, **arguments), 412)
    attested = kms.create_key(Policy=policy("ab" * 48))["KeyMetadata"]["Arn"]
    arguments["DestinationKeyId"] = attested
    refused("AccessDeniedException", lambda: kms.re_encrypt(**arguments), text="kms:ReEncryptTo on resource")
    print("  ReEncrypt")


def policies(kms):
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    found = kms.get_key_policy(KeyId=arn)
    assert found["PolicyName"] == "default" and json.loads(found["Policy"])["Statement"], found
    document = policy("ab" * 48)
    kms.put_key_policy(KeyId=arn, Policy=document)
    assert kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"] == document
    assert kms.list_key_policies(KeyId=arn)["PolicyNames"] == ["default"]
    assert list(kms.get_paginator("list_key_policies").paginate(KeyId=arn))
    text = "with an explicit deny in a resource-based policy"
    refused("AccessDeniedException", lambda: kms.encrypt(KeyId=arn, Plaintext=b"x"), text=text)
    malformed = "MalformedPolicyDocumentException"
    refused(malformed, lambda: kms.put_key_policy(KeyId=arn, Policy="{"))
    stranger = document.replace("000000000001:root", "000000000001:role/nobody")
    refused(malformed, lambda: kms.put_key_policy(KeyId=arn, Policy=stranger), text="invalid principals")
    foreign = document.replace("000000000001:root", "000000000002:root")
    text = "will not allow you to update the key policy in the future"
    refused(malformed, lambda: kms.put_key_policy(KeyId=arn, Policy=foreign), text=text)
    refused(malformed, lambda: kms.create_key(Policy=foreign), text=text)
    refused("LimitExceededException", lambda: kms.put_key_policy(KeyId=arn, Policy=document + " " * 32768))
    refused("NotFoundException", lambda: kms.get_key_policy(KeyId=arn, PolicyName="other"))
    kms.put_key_policy(KeyId=arn, Policy=foreign, BypassPolicyLockoutSafetyCheck=True)
    refused("AccessDeniedException", lambda: kms.get_key_policy(KeyId=arn), text="because no resource-based policy")
    print("  GetKeyPolicy, PutKeyPolicy, ListKeyPolicies")


def recipients(kms):
    """Every operation with a recipient: the plaintext comes for the enclave's key alone."""
    document = (FOLDER / "document.cbor").read_bytes()
    recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}
    image = policy("A0" * 48)
    arn = kms.create_key(Policy=image)["KeyMetadata"]["Arn"]
    agreement = kms.create_key(Policy=image, KeySpec="ECC_NIST_P384", KeyUsage="KEY_AGREEMENT")["KeyMetadata"]["Arn"]
    mine = elliptic_key("ECC_NIST_P384")

    def answered(member, call, **arguments):
        refused("AccessDeniedException", lambda: call(**arguments), text="because no resource-based policy allows")
        return released(member, call, **arguments)

    def released(member, call, **arguments):
        answer = call(Recipient=recipient, **arguments)
        assert member not in answer, answer
        (FOLDER / "message.ber").write_bytes(answer["CiphertextForRecipient"])
        opened = openssl(
            "cms", "-decrypt", "-binary", "-inform", "DER", "-in", "message.ber", "-inkey", "enclave.key",
            "-keyform", "DER",
        )
        return answer, opened

    answer, data_key = answered("Plaintext", kms.generate_data_key, KeyId=arn, KeySpec="AES_256")
    assert len(data_key) == 32, data_key
    blob = answer["CiphertextBlob"]
    assert answered("Plaintext", kms.decrypt, CiphertextBlob=blob, KeyId=arn)[1] == data_key
    answer, private = answered("PrivateKeyPlaintext", kms.generate_data_key_pair, KeyId=arn, KeyPairSpec="RSA_2048")
    assert public_of(private) == answer["PublicKey"]
    arguments = {"KeyId": agreement, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public_of(mine)}
    _, secret = answered("SharedSecret", kms.derive_shared_secret, **arguments)
    assert secret == shared_secret(mine, kms.get_public_key(KeyId=agreement)["PublicKey"])
    assert len(released("Plaintext", kms.generate_random, NumberOfBytes=48)[1]) == 48
    print("  Decrypt, GenerateDataKey, GenerateDataKeyPair, GenerateRandom, DeriveSharedSecret with a recipient")


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=FOLDER).stdout


def public_of(private):
    """The public key that belongs to a private one, both in DER."""
    (FOLDER / "private.der").write_bytes(private)
    return openssl("pkey", "-inform", "DER", "-in", "private.der", "-pubout", "-outform", "DER")


def elliptic_key(spec):
    curve = "ec_paramgen_curve:" + spec.replace("ECC_NIST_P", "P-")
    return openssl("genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-outform", "DER")


def shared_secret(private, peer):
    (FOLDER / "private.der").write_bytes(private)
    (FOLDER / "peer.der").write_bytes(peer)
    return openssl(
        "pkeyutl", "-derive", "-inkey", "private.der", "-keyform", "DER", "-peerkey", "peer.der", "-peerform", "DER"
    )


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

    attested = kms.create_key(Policy=policy("ab" * 48))["KeyMetadata"]["Arn"]
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

    pairs_and_agreement(kms, arn, context)
    re_encrypt(kms, arn, blob, context)
    policies(kms)
    recipients(kms)
    throttled = client(endpoint=THROTTLED_ENDPOINT)
    refused(
        "ThrottlingException", lambda: throttled.generate_random(NumberOfBytes=1), text="You have exceeded the rate"
    )

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

    assert (FOLDER / "root.pem").read_text(encoding="ascii").startswith("-----BEGIN CERTIFICATE-----\n")


main()
