// pcrseal: a master key that only the right AWS Nitro Enclave image gets back, unattended. The C interface.
//
// Written by `cargo run -p pcrseal-header` from ffi/src; do not edit.
//
// THE RULES
//
// They hold for every function; what stands beside a function says the rest.
//
// Status      A function that can fail returns a pcrseal_status: PCRSEAL_OK, which is 0, or a PCRSEAL_E_… code. Check
//             it: PCRSEAL_MUST_USE lets the compiler warn. Codes keep their meaning for ever, and new ones come: one
//             that you do not know is a failure.
// Errors      Such a function takes `pcrseal_error **error` last. NULL says that you do not want it. Otherwise it is
//             set: to NULL after a success, after a failure to a new error that says what was expected and what was
//             found. Free it before you pass the same variable again.
// Order       The handle, inputs, a cancel, outputs, the error.
// Ownership   A handle that an output or a `_new` gave is yours: free it once, with the `_free` of its type. Freeing
//             NULL does nothing. Inputs are copied: they need live no longer than the call. A pointer that a function
//             returns belongs to the handle that it was asked of, lives as long as that, and is never freed; one of
//             `pcrseal_status_…` and `pcrseal_version` lives for ever.
// Texts       const char *: UTF-8, ending with a NUL, at most 4096 bytes before it.
// Bytes       (x, x_len). (NULL, 0) is fine and means none.
// Buffers     (x, x_capacity, x_len): at most x_capacity bytes are written to x, and their number to *x_len; no NUL is
//             added. If they do not fit, nothing is written, the call fails with PCRSEAL_E_BUFFER_TOO_SMALL, and
//             *x_len is the capacity to come back with. So (NULL, 0) asks for the size. A call that asks KMS or the
//             attester refuses a buffer that might be too small before it asks them.
// Failure     After a failure every output is NULL or 0 but that *x_len, and nothing is written to a buffer.
// Checks      NULL where it is not said to be fine, a pointer that is misaligned, a length beyond PTRDIFF_MAX, and an
//             output that overlaps an input or another output are failures with a code of their own. (After
//             PCRSEAL_E_OVERLAP only the error has been written.) What cannot be checked is yours: a handle that was
//             freed, a length beyond its memory, a text without a NUL.
// NULL        "May be NULL: x." names the arguments that may be; beyond them only the error, empty bytes and unsized
//             buffers. A function that cannot fail takes NULL for every pointer, and answers NULL or 0.
// Threads     A handle that a function takes as const may be used by any number of threads at once. The others lock:
//             no call races with another, but in which order they come is yours. Nobody may use a handle while it is
//             freed. Nothing is kept per thread: errors are values.
// Waiting     Calls of a session that ask KMS or the attester take at most as long as its configuration's deadline says,
//             and end early with PCRSEAL_E_CANCELLED when another thread triggers the pcrseal_cancel that they were given.
//             A pcrseal_attester has no deadline: its calls take as long as the module does.
// Processes   A session has threads, which fork() does not copy: make sessions after it, or let the child exec. No
//             function may be called from a signal handler. The library installs no signal handler, raises no SIGPIPE,
//             sets no environment variable, prints nothing, and never ends the process but as Panics says. It stays in
//             the process: dlclose() does not unload it.
// Panics      A defect inside the library becomes PCRSEAL_E_PANIC, with its place in the sources; nothing unwinds into
//             your program. Memory that runs out ends the process, with a line on standard error, as Rust does.
// Secrets     A pcrseal_secret lies in memory that is locked, kept out of core dumps, between guard pages, and wiped
//             when it is freed. What you copy out of it, or had written to a buffer of yours, is yours to wipe:
//             pcrseal_zeroize. No secret is ever in an error, a report, or a message to a log callback.
// Versions    Compare pcrseal_abi_version() with PCRSEAL_ABI_VERSION where the library is loaded by hand; the linker
//             does it by the library's soname. With the same number a program runs with every newer library.
//
// THE SMALLEST COMPLETE EXAMPLE
//
//     #include <pcrseal.h>
//     #include <stdio.h>
//
//     /* Gives the master key in a sealed blob, or NULL after it has said why not. Free it with pcrseal_secret_free. */
//     pcrseal_secret *master_key(const uint8_t *config_json, size_t config_len, const uint8_t *blob, size_t blob_len)
//     {
//         pcrseal_config *config = NULL;
//         pcrseal_session *session = NULL;
//         pcrseal_secret *secret = NULL;
//         pcrseal_error *error = NULL;
//
//         if (pcrseal_config_from_json(config_json, config_len, &config, &error) != PCRSEAL_OK
//             || pcrseal_session_new(config, &session, &error) != PCRSEAL_OK
//             || pcrseal_unseal(session, blob, blob_len, NULL, &secret, NULL, &error) != PCRSEAL_OK) {
//             fprintf(stderr, "pcrseal: %s\n", pcrseal_error_message(error));
//         }
//         pcrseal_error_free(error);
//         pcrseal_session_free(session);
//         pcrseal_config_free(config);
//         return secret;
//     }

#ifndef PCRSEAL_H
#define PCRSEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Lets the compiler warn where the status of a function is not looked at.
#if defined(__cplusplus) && __cplusplus >= 201703L
#define PCRSEAL_MUST_USE [[nodiscard]]
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define PCRSEAL_MUST_USE [[nodiscard]]
#elif defined(__GNUC__)
#define PCRSEAL_MUST_USE __attribute__((warn_unused_result))
#else
#define PCRSEAL_MUST_USE
#endif

// How a call ended, as a constant. The numbers never change their meaning and are never reused.
enum {
    // The call succeeded.
    PCRSEAL_OK = 0,
    // The random number generator failed.
    PCRSEAL_E_RANDOM = 1001,
    // The key material does not open this: wrong key, altered data or bad padding (deliberately not told apart).
    PCRSEAL_E_REJECTED = 1002,
    // An input is longer than its bound.
    PCRSEAL_E_TOO_LONG = 1003,
    // A PCR index is out of range 0..31.
    PCRSEAL_E_PCR_INDEX = 1101,
    // A PCR value is not 48 bytes (96 hex digits).
    PCRSEAL_E_PCR_LENGTH = 1102,
    // A PCR value holds something else than hex digits.
    PCRSEAL_E_PCR_HEX = 1103,
    // Not the measurements JSON that nitro-cli prints.
    PCRSEAL_E_MEASUREMENTS_JSON = 1104,
    // The measurements are not SHA-384.
    PCRSEAL_E_MEASUREMENTS_ALGORITHM = 1105,
    // The measurements JSON lacks a field.
    PCRSEAL_E_MEASUREMENTS_MISSING = 1106,
    // The measurements JSON has a measurement that nitro-cli does not print.
    PCRSEAL_E_MEASUREMENTS_UNKNOWN = 1107,
    // Not the ARN of an IAM role (arn:PARTITION:iam::ACCOUNT:role/NAME).
    PCRSEAL_E_ROLE_ARN = 1108,
    // Not an EC2 instance id (i- and 8 or 17 lower-case hex digits).
    PCRSEAL_E_INSTANCE_ID = 1109,
    // Not the DER of a certificate (PEM has to be decoded first).
    PCRSEAL_E_SIGNING_CERTIFICATE = 1110,
    // The CBOR ends in the middle of an item.
    PCRSEAL_E_CBOR_TRUNCATED = 1201,
    // A CBOR item has another type than its place demands.
    PCRSEAL_E_CBOR_TYPE = 1202,
    // A CBOR head is longer than it need be.
    PCRSEAL_E_CBOR_NOT_SHORTEST = 1203,
    // A CBOR item has an indefinite length where a definite one is demanded.
    PCRSEAL_E_CBOR_INDEFINITE = 1204,
    // Bytes follow the end of the CBOR.
    PCRSEAL_E_CBOR_TRAILING = 1205,
    // A CBOR text string is not UTF-8.
    PCRSEAL_E_CBOR_TEXT = 1206,
    // A CBOR integer is outside the range of its place.
    PCRSEAL_E_CBOR_RANGE = 1207,
    // A CBOR map has the same key twice.
    PCRSEAL_E_CBOR_DUPLICATE_KEY = 1208,
    // A CBOR item has another value or length than its place demands.
    PCRSEAL_E_CBOR_VALUE = 1209,
    // The message carries another CBOR tag than that of COSE_Sign1 (18).
    PCRSEAL_E_COSE_TAG = 1221,
    // COSE_Sign1 is an array of four.
    PCRSEAL_E_COSE_ARRAY = 1222,
    // The protected header is not exactly {1: -35} (ES384).
    PCRSEAL_E_COSE_PROTECTED = 1223,
    // The unprotected header is not empty.
    PCRSEAL_E_COSE_UNPROTECTED = 1224,
    // The COSE payload is outside 1..16384 bytes.
    PCRSEAL_E_COSE_PAYLOAD = 1225,
    // An ES384 signature is 96 bytes.
    PCRSEAL_E_COSE_SIGNATURE_LENGTH = 1226,
    // The COSE signature does not verify under the leaf certificate's key.
    PCRSEAL_E_COSE_SIGNATURE_REJECTED = 1227,
    // The attestation document has a field that the specification does not name.
    PCRSEAL_E_ATTESTATION_FIELD_UNKNOWN = 1301,
    // The attestation document lacks a required field.
    PCRSEAL_E_ATTESTATION_FIELD_MISSING = 1302,
    // The attestation document's module_id is empty.
    PCRSEAL_E_ATTESTATION_MODULE_ID = 1303,
    // The attestation document's digest is not SHA384.
    PCRSEAL_E_ATTESTATION_DIGEST = 1304,
    // The attestation document's timestamp is zero.
    PCRSEAL_E_ATTESTATION_TIMESTAMP = 1305,
    // An attestation document holds 1..32 PCRs.
    PCRSEAL_E_ATTESTATION_PCR_COUNT = 1306,
    // The attestation document has both pcrs and nitrotpm_pcrs.
    PCRSEAL_E_ATTESTATION_PCR_FIELDS = 1307,
    // The attestation document's cabundle holds 1..7 certificates.
    PCRSEAL_E_ATTESTATION_CABUNDLE = 1308,
    // A field of the attestation document is outside its length.
    PCRSEAL_E_ATTESTATION_FIELD_LENGTH = 1309,
    // The attestation policy names no PCR, no module id and no instance id: any enclave of any AWS customer would
    // satisfy it.
    PCRSEAL_E_ATTESTATION_POLICY_EMPTY = 1310,
    // The attestation policy demands a value that no attestation document can have.
    PCRSEAL_E_ATTESTATION_POLICY_FIELD = 1311,
    // The attestation does not satisfy the policy.
    PCRSEAL_E_ATTESTATION_REFUSED = 1320,
    // The document attests another kind of module than the policy demands.
    PCRSEAL_E_ATTESTATION_KIND_MISMATCH = 1321,
    // A PCR has none of the values that the policy accepts.
    PCRSEAL_E_ATTESTATION_PCR_MISMATCH = 1322,
    // The document lacks a PCR that the policy names.
    PCRSEAL_E_ATTESTATION_PCR_ABSENT = 1323,
    // The enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the policy does not allow.
    PCRSEAL_E_ATTESTATION_DEBUG_MODE = 1324,
    // The document lacks one of PCR0, PCR1 and PCR2, without which debug mode cannot be ruled out.
    PCRSEAL_E_ATTESTATION_DEBUG_UNKNOWN = 1325,
    // The document is of another module than the policy demands.
    PCRSEAL_E_ATTESTATION_MODULE_ID_MISMATCH = 1326,
    // The document is of another EC2 instance than the policy demands.
    PCRSEAL_E_ATTESTATION_INSTANCE_ID_MISMATCH = 1327,
    // The document's nonce is not the policy's.
    PCRSEAL_E_ATTESTATION_NONCE_MISMATCH = 1328,
    // The document's user_data is not the policy's.
    PCRSEAL_E_ATTESTATION_USER_DATA_MISMATCH = 1329,
    // The document's public_key is not the policy's.
    PCRSEAL_E_ATTESTATION_PUBLIC_KEY_MISMATCH = 1330,
    // The document is older than the policy allows.
    PCRSEAL_E_ATTESTATION_TOO_OLD = 1331,
    // The document's timestamp lies further ahead of the time than the policy's clock skew.
    PCRSEAL_E_ATTESTATION_FROM_FUTURE = 1332,
    // A certificate of the chain has a serial number that the policy revokes.
    PCRSEAL_E_ATTESTATION_REVOKED = 1333,
    // Not the DER of an X.509 certificate.
    PCRSEAL_E_CERTIFICATE_MALFORMED = 1351,
    // The certificate is not of version 3.
    PCRSEAL_E_CERTIFICATE_VERSION = 1352,
    // The certificate's key is not P-384 or its signature not ecdsa-with-SHA384.
    PCRSEAL_E_CERTIFICATE_ALGORITHM = 1353,
    // The certificate lacks BasicConstraints, or is a CA where an end entity belongs or the reverse.
    PCRSEAL_E_CERTIFICATE_BASIC_CONSTRAINTS = 1354,
    // More CA certificates follow than pathLenConstraint allows.
    PCRSEAL_E_CERTIFICATE_PATH_LENGTH = 1355,
    // The certificate lacks keyCertSign (CA) or digitalSignature (end entity).
    PCRSEAL_E_CERTIFICATE_KEY_USAGE = 1356,
    // The certificate has a critical extension that is not understood.
    PCRSEAL_E_CERTIFICATE_CRITICAL_EXTENSION = 1357,
    // The certificate is not yet valid at the verification time.
    PCRSEAL_E_CERTIFICATE_NOT_YET_VALID = 1358,
    // The certificate has expired at the verification time.
    PCRSEAL_E_CERTIFICATE_EXPIRED = 1359,
    // The chain does not start at a trusted root.
    PCRSEAL_E_CERTIFICATE_ROOT = 1360,
    // The certificate's issuer is not the subject of the one above it.
    PCRSEAL_E_CERTIFICATE_ORDER = 1361,
    // Two certificates of the chain have the same subject.
    PCRSEAL_E_CERTIFICATE_REPEATED = 1362,
    // A certificate's signature does not verify under its issuer's key.
    PCRSEAL_E_CERTIFICATE_SIGNATURE = 1363,
    // Path validation refuses the certificate chain.
    PCRSEAL_E_CERTIFICATE_CHAIN = 1364,
    // The CiphertextForRecipient is empty or longer than KMS makes it.
    PCRSEAL_E_CMS_SIZE = 1401,
    // An element of the CMS ends early: it is truncated, or a length is wrong.
    PCRSEAL_E_CMS_TRUNCATED = 1402,
    // Another element stands in the CMS where KMS has this field.
    PCRSEAL_E_CMS_ELEMENT = 1403,
    // A length in the CMS is not in a form that KMS uses.
    PCRSEAL_E_CMS_LENGTH = 1404,
    // Something follows the last field of this element of the CMS.
    PCRSEAL_E_CMS_LEFT_OVER = 1405,
    // Bytes follow the end of the CMS.
    PCRSEAL_E_CMS_TRAILING = 1406,
    // The CMS is not EnvelopedData.
    PCRSEAL_E_CMS_NOT_ENVELOPED_DATA = 1407,
    // A version in the CMS is not 2: its recipient is not named by a subjectKeyIdentifier.
    PCRSEAL_E_CMS_VERSION = 1408,
    // The CMS is not for exactly one recipient.
    PCRSEAL_E_CMS_RECIPIENT_COUNT = 1409,
    // The CMS's recipient is not a KeyTransRecipientInfo.
    PCRSEAL_E_CMS_RECIPIENT_TYPE = 1410,
    // The CMS names its recipient by issuer and serial number: not AWS KMS's form.
    PCRSEAL_E_CMS_ISSUER_AND_SERIAL_NUMBER = 1411,
    // The CMS's subjectKeyIdentifier is not a SHA-256 hash.
    PCRSEAL_E_CMS_KEY_IDENTIFIER = 1412,
    // The CMS's content key is not encrypted with RSAES-OAEP.
    PCRSEAL_E_CMS_KEY_ENCRYPTION_ALGORITHM = 1413,
    // The CMS uses RSAES-OAEP with SHA-1: the request must ask for RSAES_OAEP_SHA_256.
    PCRSEAL_E_CMS_OAEP_SHA1 = 1414,
    // The CMS uses RSAES-OAEP with other functions than SHA-256 and MGF1 with SHA-256.
    PCRSEAL_E_CMS_OAEP_PARAMETERS = 1415,
    // The CMS's encrypted key has the length of no RSA key of 2048..4096 bits.
    PCRSEAL_E_CMS_ENCRYPTED_KEY = 1416,
    // The CMS's content is not plain data.
    PCRSEAL_E_CMS_NOT_DATA = 1417,
    // The CMS's content is not encrypted with AES-256-CBC.
    PCRSEAL_E_CMS_CONTENT_ENCRYPTION_ALGORITHM = 1418,
    // The CMS's IV is not 16 bytes.
    PCRSEAL_E_CMS_IV = 1419,
    // The CMS's encrypted content is empty or not whole AES blocks.
    PCRSEAL_E_CMS_CONTENT_LENGTH = 1420,
    // The CMS is for another recipient key.
    PCRSEAL_E_CMS_FOREIGN_RECIPIENT = 1421,
    // The threshold is not 1..n, the number of shares.
    PCRSEAL_E_SHAMIR_THRESHOLD = 1501,
    // A secret to be split is 1..65536 bytes.
    PCRSEAL_E_SHAMIR_SECRET_LENGTH = 1502,
    // A share's coordinate x is 0, where the secret itself lies.
    PCRSEAL_E_SHARE_COORDINATE = 1503,
    // A share holds 1..65536 bytes beside its coordinate.
    PCRSEAL_E_SHARE_LENGTH = 1504,
    // There are no shares to combine.
    PCRSEAL_E_SHAMIR_NO_SHARES = 1505,
    // The shares differ in length: they are not of one split.
    PCRSEAL_E_SHAMIR_SHARE_LENGTHS = 1506,
    // Two shares have the same coordinate x.
    PCRSEAL_E_SHAMIR_SHARE_REPEATED = 1507,
    // The blob is empty or longer than a sealed blob can be.
    PCRSEAL_E_BLOB_SIZE = 1601,
    // Not a sealed blob: the encoding breaks the format.
    PCRSEAL_E_BLOB_MALFORMED = 1602,
    // The blob is not deterministically encoded (RFC 8949 section 4.2.1).
    PCRSEAL_E_BLOB_NOT_DETERMINISTIC = 1603,
    // Bytes follow the end of the blob.
    PCRSEAL_E_BLOB_TRAILING = 1604,
    // The blob's version is not one that this release reads.
    PCRSEAL_E_BLOB_VERSION = 1605,
    // A field of the blob is outside its bounds.
    PCRSEAL_E_BLOB_BOUNDS = 1606,
    // A blob has 1..8 bindings.
    PCRSEAL_E_BINDING_COUNT = 1607,
    // Two bindings of the blob accept the same PCR values.
    PCRSEAL_E_BINDING_DUPLICATE = 1608,
    // The matching binding does not unwrap the content key: it was altered.
    PCRSEAL_E_BINDING_REJECTED = 1609,
    // The bundle does not authenticate under this header and external_aad: altered, or another external_aad.
    PCRSEAL_E_CONTENT_REJECTED = 1610,
    // No binding of the blob accepts the measured PCR values.
    PCRSEAL_E_PCR_DRIFT = 1611,
    // A binding does not cover every required PCR.
    PCRSEAL_E_BINDING_TOO_WEAK = 1612,
    // There is no binding with these PCR values or at this position.
    PCRSEAL_E_BINDING_UNKNOWN = 1613,
    // A secret is 1..65536 bytes.
    PCRSEAL_E_SECRET_LENGTH = 1614,
    // Not the full ARN of a KMS key (arn:PARTITION:kms:REGION:ACCOUNT:key/ID).
    PCRSEAL_E_KEY_ARN = 1701,
    // A cluster id is 1..64 characters of A-Z a-z 0-9 . _ -.
    PCRSEAL_E_CLUSTER_ID = 1702,
    // A quorum has 1..16 keys and a threshold from 1 to their number.
    PCRSEAL_E_QUORUM_SIZE = 1703,
    // A quorum names the same key id twice.
    PCRSEAL_E_QUORUM_REPEATED_KEY = 1704,
    // A quorum names a multi-Region key without the opt-in: its replicas have policies of their own.
    PCRSEAL_E_QUORUM_MULTI_REGION = 1705,
    // A threshold of 1 without the opt-in: any single key would open the blob.
    PCRSEAL_E_QUORUM_SINGLE_SHARE = 1706,
    // A trust policy needs at least one quorum and at least one required PCR.
    PCRSEAL_E_POLICY_EMPTY = 1707,
    // The blob belongs to another cluster.
    PCRSEAL_E_CLUSTER_MISMATCH = 1708,
    // The blob's generation is below the trusted minimum (rollback).
    PCRSEAL_E_GENERATION_TOO_OLD = 1709,
    // The blob is not the pinned one.
    PCRSEAL_E_SEAL_ID_MISMATCH = 1710,
    // The blob's wrapping is not that of any trusted quorum.
    PCRSEAL_E_WRAPPING_MISMATCH = 1711,
    // The blob's threshold is not that of the trusted quorum.
    PCRSEAL_E_THRESHOLD_MISMATCH = 1712,
    // The blob names a KMS key that no trusted quorum names.
    PCRSEAL_E_KEY_NOT_TRUSTED = 1713,
    // The blob names the same KMS key twice.
    PCRSEAL_E_KEY_REPEATED = 1714,
    // The blob names the trusted keys in another order.
    PCRSEAL_E_KEY_ORDER = 1715,
    // The blob does not name all keys of a trusted quorum.
    PCRSEAL_E_KEY_COUNT = 1716,
    // The enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the trust policy does not allow.
    PCRSEAL_E_DEBUG_MODE = 1717,
    // A required PCR was not measured.
    PCRSEAL_E_PCR_MISSING = 1718,
    // One KMS key stands in quorums of both wrappings: an `attested` key must never have permitted Encrypt.
    PCRSEAL_E_QUORUM_WRAPPINGS = 1719,
    // The trust policy names no quorum for sealing.
    PCRSEAL_E_NO_SEAL_QUORUM = 1801,
    // The generation cannot be raised any further.
    PCRSEAL_E_GENERATION_EXHAUSTED = 1802,
    // There is no share with this position.
    PCRSEAL_E_UNKNOWN_SHARE = 1803,
    // This share's key was answered before.
    PCRSEAL_E_ALREADY_ANSWERED = 1804,
    // Not every key of the quorum has answered: a seal needs them all.
    PCRSEAL_E_SEAL_INCOMPLETE = 1805,
    // The new blob opened to something else than what was sealed.
    PCRSEAL_E_UNPROVEN = 1806,
    // KMS answered for another key than the one asked.
    PCRSEAL_E_ANSWER_KEY_ID = 1807,
    // KMS answered with a plaintext beside or instead of CiphertextForRecipient.
    PCRSEAL_E_ANSWER_PLAINTEXT = 1808,
    // KMS answered without CiphertextForRecipient.
    PCRSEAL_E_ANSWER_MISSING = 1809,
    // KMS answered with a CiphertextBlob outside 1..6144 bytes.
    PCRSEAL_E_ANSWER_LENGTH = 1810,
    // The share does not authenticate under its key, seal and position.
    PCRSEAL_E_SHARE_REJECTED = 1811,
    // Fewer keys released their share than are needed.
    PCRSEAL_E_QUORUM_NOT_REACHED = 1812,
    // The shares combine to another key than the one committed to.
    PCRSEAL_E_COMMITMENT_MISMATCH = 1813,
    // The sealed secret does not authenticate.
    PCRSEAL_E_SECRET_REJECTED = 1814,
    // An `attested` seal of a secret from an `encrypt` blob needs the opt-in: nobody vouches for its origin.
    PCRSEAL_E_RESEAL_UNVOUCHED = 1815,
    // The attester (the Nitro Secure Module) failed.
    PCRSEAL_E_ATTESTER = 2001,
    // The Nitro Secure Module refuses an argument.
    PCRSEAL_E_NSM_INVALID_ARGUMENT = 2002,
    // The Nitro Secure Module has no PCR with this index.
    PCRSEAL_E_NSM_INVALID_INDEX = 2003,
    // The PCR is locked: it can be neither extended nor locked again.
    PCRSEAL_E_NSM_READ_ONLY_INDEX = 2004,
    // An input is longer than the Nitro Secure Module takes.
    PCRSEAL_E_NSM_INPUT_TOO_LARGE = 2005,
    // The Nitro Secure Module says that its answer does not belong to the request.
    PCRSEAL_E_NSM_INVALID_RESPONSE = 2006,
    // The Nitro Secure Module cannot do this, or does not understand the request.
    PCRSEAL_E_NSM_INVALID_OPERATION = 2007,
    // The Nitro Secure Module's answer does not fit the buffer given for it.
    PCRSEAL_E_NSM_BUFFER_TOO_SMALL = 2008,
    // The Nitro Secure Module failed inside.
    PCRSEAL_E_NSM_INTERNAL_ERROR = 2009,
    // The Nitro Secure Module answers with an error code that its interface does not name.
    PCRSEAL_E_NSM_ERROR_UNKNOWN = 2010,
    // The answer of the Nitro Secure Module is not of the form that the request demands.
    PCRSEAL_E_NSM_ANSWER_MALFORMED = 2011,
    // The PCR is not locked: attestation documents do not show it, so no key policy can demand its value, and it can
    // still be changed.
    PCRSEAL_E_NSM_PCR_UNLOCKED = 2012,
    // There is no device of the Nitro Secure Module: not a Nitro Enclave, or its driver (nsm.ko) is not loaded.
    PCRSEAL_E_NSM_DEVICE_MISSING = 2021,
    // No permission to open the device of the Nitro Secure Module.
    PCRSEAL_E_NSM_DEVICE_PERMISSION = 2022,
    // The path of the Nitro Secure Module is not a character device.
    PCRSEAL_E_NSM_DEVICE_KIND = 2023,
    // The device of the Nitro Secure Module cannot be opened.
    PCRSEAL_E_NSM_DEVICE_OPEN = 2024,
    // The driver of the Nitro Secure Module failed to carry the request.
    PCRSEAL_E_NSM_IOCTL = 2025,
    // The socket of the Nitro Secure Module cannot be reached, or broke.
    PCRSEAL_E_NSM_SOCKET = 2026,
    // The kernel's entropy pool did not take what it was fed.
    PCRSEAL_E_KERNEL_ENTROPY = 2031,
    // The program nitro-tpm-attest cannot be run, or failed.
    PCRSEAL_E_NITRO_TPM_TOOL = 2041,
    // Nitro-tpm-attest printed something else than the document asked for.
    PCRSEAL_E_NITRO_TPM_DOCUMENT = 2042,
    // A SHA-384 PCR of the TPM cannot be read.
    PCRSEAL_E_NITRO_TPM_PCR = 2043,
    // An endpoint is http:// or https://, a host, and a port if need be.
    PCRSEAL_E_KMS_ENDPOINT = 3001,
    // An http:// endpoint is allowed on a loopback address only.
    PCRSEAL_E_KMS_ENDPOINT_NOT_LOOPBACK = 3002,
    // A root certificate cannot be read.
    PCRSEAL_E_KMS_ROOT_CERTIFICATE = 3004,
    // Credentials are missing, or not of the form that AWS issues.
    PCRSEAL_E_KMS_CREDENTIALS = 3005,
    // Not the name of an AWS region.
    PCRSEAL_E_KMS_REGION = 3006,
    // The clock stands outside the years 1970 to 9999.
    PCRSEAL_E_KMS_CLOCK = 3007,
    // The TLS implementation offers neither TLS 1.2 nor TLS 1.3.
    PCRSEAL_E_KMS_TLS_VERSIONS = 3008,
    // A KeyId is 1..2048 bytes.
    PCRSEAL_E_KMS_KEY_ID = 3011,
    // A CiphertextBlob is 1..6144 bytes.
    PCRSEAL_E_KMS_CIPHERTEXT_BLOB = 3012,
    // A Plaintext is 1..4096 bytes.
    PCRSEAL_E_KMS_PLAINTEXT = 3013,
    // An AttestationDocument is 1..262144 bytes.
    PCRSEAL_E_KMS_ATTESTATION_DOCUMENT = 3014,
    // A data key, or a string of random bytes, is 1..1024 bytes.
    PCRSEAL_E_KMS_NUMBER_OF_BYTES = 3015,
    // An EncryptionContext is too large, or holds an empty key.
    PCRSEAL_E_KMS_ENCRYPTION_CONTEXT = 3016,
    // The request cannot be written.
    PCRSEAL_E_KMS_REQUEST = 3017,
    // A request carries at most 10 grant tokens, each of 1..8192 bytes.
    PCRSEAL_E_KMS_GRANT_TOKENS = 3018,
    // A PublicKey is 1..8192 bytes.
    PCRSEAL_E_KMS_PUBLIC_KEY = 3019,
    // No connection to the endpoint.
    PCRSEAL_E_KMS_CONNECT = 3021,
    // The TLS handshake with the endpoint failed.
    PCRSEAL_E_KMS_TLS = 3022,
    // The connection was not established in time.
    PCRSEAL_E_KMS_CONNECT_TIMEOUT = 3023,
    // KMS did not answer within the time of the whole operation.
    PCRSEAL_E_KMS_TIMEOUT = 3024,
    // The connection broke, or the answer is not HTTP.
    PCRSEAL_E_KMS_HTTP = 3025,
    // The answer is longer than any answer of KMS.
    PCRSEAL_E_KMS_ANSWER_TOO_LONG = 3031,
    // The answer is not the JSON of this operation.
    PCRSEAL_E_KMS_ANSWER_MALFORMED = 3032,
    // A field of the answer is missing or outside its bounds.
    PCRSEAL_E_KMS_ANSWER_FIELD = 3033,
    // The answer to a request with Recipient holds a Plaintext: the endpoint does not honour Recipient.
    PCRSEAL_E_KMS_PLAINTEXT_BESIDE_RECIPIENT = 3034,
    // KMS refused: access denied.
    PCRSEAL_E_KMS_ACCESS_DENIED = 3041,
    // KMS refused the attestation document.
    PCRSEAL_E_KMS_ATTESTATION_REJECTED = 3042,
    // The KMS key is disabled.
    PCRSEAL_E_KMS_KEY_DISABLED = 3043,
    // The KMS key is pending deletion.
    PCRSEAL_E_KMS_KEY_PENDING_DELETION = 3044,
    // The state of the KMS key does not permit the request.
    PCRSEAL_E_KMS_KEY_INVALID_STATE = 3045,
    // There is no such KMS key.
    PCRSEAL_E_KMS_NOT_FOUND = 3046,
    // The ciphertext was made under another KMS key.
    PCRSEAL_E_KMS_INCORRECT_KEY = 3047,
    // KMS cannot open the ciphertext: altered, or another EncryptionContext.
    PCRSEAL_E_KMS_INVALID_CIPHERTEXT = 3048,
    // The dry run says: the request would have succeeded.
    PCRSEAL_E_KMS_DRY_RUN_OPERATION = 3049,
    // KMS throttled the request.
    PCRSEAL_E_KMS_THROTTLED = 3050,
    // KMS is unavailable for the moment.
    PCRSEAL_E_KMS_UNAVAILABLE = 3051,
    // AWS rejected the signature or the credentials.
    PCRSEAL_E_KMS_CREDENTIALS_REJECTED = 3052,
    // AWS rejected the time of the request: the clocks differ.
    PCRSEAL_E_KMS_CLOCK_SKEW = 3053,
    // KMS found the request invalid.
    PCRSEAL_E_KMS_VALIDATION = 3054,
    // KMS answered with an error of another kind.
    PCRSEAL_E_KMS_OTHER = 3055,
    // KMS refused the attestation document: older than five minutes.
    PCRSEAL_E_KMS_ATTESTATION_STALE = 3056,
    // KMS refused the attestation document: it cannot be read.
    PCRSEAL_E_KMS_ATTESTATION_MALFORMED = 3057,
    // KMS refused: a policy denies it explicitly.
    PCRSEAL_E_KMS_EXPLICIT_DENY = 3058,
    // KMS refused: no policy allows it.
    PCRSEAL_E_KMS_NO_ALLOW = 3059,
    // The AWS credentials have expired.
    PCRSEAL_E_KMS_CREDENTIALS_EXPIRED = 3060,
    // The TLS handshake was not done in time.
    PCRSEAL_E_KMS_TLS_TIMEOUT = 3061,
    // The head of an answer did not come in time.
    PCRSEAL_E_KMS_ANSWER_TIMEOUT = 3062,
    // The body of the answer did not come in time.
    PCRSEAL_E_KMS_BODY_TIMEOUT = 3063,
    // The transport gave no answer in time.
    PCRSEAL_E_KMS_ATTEMPT_TIMEOUT = 3064,
    // The retry policy has more or fewer attempts than it can.
    PCRSEAL_E_KMS_RETRY_POLICY = 3065,
    // A key policy is 1..131072 characters, each a tab, a line break or of Latin-1.
    PCRSEAL_E_KMS_POLICY = 3071,
    // A CustomKeyStoreId is 1..64 bytes.
    PCRSEAL_E_KMS_CUSTOM_KEY_STORE_ID = 3072,
    // A provider of credentials cannot be used as it is configured.
    PCRSEAL_E_CREDENTIALS_CONFIGURATION = 3101,
    // A container credentials endpoint is http:// on a loopback address, 169.254.170.2, 169.254.170.23 or fd00:ec2::23.
    PCRSEAL_E_CREDENTIALS_ENDPOINT = 3102,
    // An environment variable that the provider of credentials needs is not set, or not text.
    PCRSEAL_E_CREDENTIALS_UNSET = 3103,
    // A file that the provider of credentials needs cannot be read.
    PCRSEAL_E_CREDENTIALS_FILE = 3104,
    // No connection to the source of the credentials.
    PCRSEAL_E_CREDENTIALS_UNREACHABLE = 3105,
    // The source of the credentials did not answer in time.
    PCRSEAL_E_CREDENTIALS_TIMEOUT = 3106,
    // The connection to the source of the credentials broke, or the answer is not HTTP.
    PCRSEAL_E_CREDENTIALS_BROKEN = 3107,
    // The source of the credentials is unavailable for the moment.
    PCRSEAL_E_CREDENTIALS_UNAVAILABLE = 3108,
    // The source of the credentials refused to hand out any.
    PCRSEAL_E_CREDENTIALS_REFUSED = 3109,
    // The source of the credentials sent more than a credentials document can hold.
    PCRSEAL_E_CREDENTIALS_TOO_LONG = 3110,
    // Not the JSON of a credentials document.
    PCRSEAL_E_CREDENTIALS_MALFORMED = 3111,
    // A field of the credentials document is missing, or has another value than its place demands.
    PCRSEAL_E_CREDENTIALS_FIELD = 3112,
    // The source handed out credentials that have expired already.
    PCRSEAL_E_CREDENTIALS_EXPIRED = 3113,
    // AWS rejected the credentials, and their provider has no others.
    PCRSEAL_E_CREDENTIALS_REJECTED = 3114,
    // The provider of credentials failed.
    PCRSEAL_E_CREDENTIALS_PROVIDER = 3115,
    // The fetch of credentials ended without a result: its runtime was shut down, or the provider panicked.
    PCRSEAL_E_CREDENTIALS_INTERRUPTED = 3116,
    // The policy document is longer than PutKeyPolicy takes.
    PCRSEAL_E_POLICY_TOO_LONG = 4001,
    // The policy document is not JSON.
    PCRSEAL_E_POLICY_SYNTAX = 4002,
    // A name stands twice in one object of the policy document.
    PCRSEAL_E_POLICY_DUPLICATE_KEY = 4003,
    // A member of the policy document has another type than its place demands.
    PCRSEAL_E_POLICY_TYPE = 4004,
    // A member of the policy document is missing, or stands beside one that excludes it.
    PCRSEAL_E_POLICY_MEMBER = 4005,
    // The policy's Version is not one of the policy language.
    PCRSEAL_E_POLICY_VERSION = 4006,
    // A statement's Effect is neither Allow nor Deny.
    PCRSEAL_E_POLICY_EFFECT = 4007,
    // A statement's principal is not of a form that the policy language has.
    PCRSEAL_E_POLICY_PRINCIPAL = 4008,
    // A condition has an operator that the policy language does not have.
    PCRSEAL_E_POLICY_OPERATOR = 4009,
    // An AWS account id has twelve digits.
    PCRSEAL_E_ACCOUNT_ID = 4021,
    // Not the ARN of an account's root, a role, a role session, a user or a federated user.
    PCRSEAL_E_PRINCIPAL_ARN = 4022,
    // Not an action of AWS KMS (kms:NAME).
    PCRSEAL_E_ACTION_NAME = 4023,
    // A PCR value of all zeros identifies a debug-mode enclave, or a register that nothing was measured into.
    PCRSEAL_E_PCR_ZERO = 4201,
    // The PCRs of a release are not those that the policy can demand.
    PCRSEAL_E_RELEASE_PCRS = 4202,
    // The current and the previous release cannot stand in one policy.
    PCRSEAL_E_RELEASE_MISMATCH = 4203,
    // The profile permits Encrypt and grants no GenerateDataKey, so it fits only `encrypt` wrapping.
    PCRSEAL_E_PROFILE_WRAPPING = 4204,
    // A role cannot have this part in the policy.
    PCRSEAL_E_POLICY_ROLE = 4205,
    // The policy would accept no generation.
    PCRSEAL_E_POLICY_GENERATIONS = 4206,
    // The rendered policy is longer than KMS takes.
    PCRSEAL_E_RENDERED_TOO_LONG = 4207,
    // Not a name of the Terraform language.
    PCRSEAL_E_TERRAFORM_NAME = 4208,
    // A KMS key is not fit to hold a share.
    PCRSEAL_E_KEY_UNFIT = 6001,
    // A key of an `attested` quorum permits kms:Encrypt: whoever holds the credentials can forge a blob.
    PCRSEAL_E_KEY_PERMITS_ENCRYPT = 6002,
    // A key could not be checked before the seal.
    PCRSEAL_E_KEY_NOT_CHECKED = 6003,
    // The runtime was shut down, or a part of it failed, before the work was done.
    PCRSEAL_E_INTERRUPTED = 6004,
    // The deadline passed while the enclave made a key or waited for its attester.
    PCRSEAL_E_DEADLINE_EXCEEDED = 6005,
    // A key of an `attested` quorum permits kms:GenerateDataKey without attestation: whoever holds the credentials can
    // forge a blob.
    PCRSEAL_E_KEY_PERMITS_GENERATE_DATA_KEY = 6006,
    // The host did not store the new blob; no key was retired.
    PCRSEAL_E_BLOB_NOT_KEPT = 6007,
    // The key belongs to the sealing quorum: new blobs need it.
    PCRSEAL_E_KEY_IN_USE = 6008,
    // The key holds no share of this blob.
    PCRSEAL_E_KEY_HOLDS_NO_SHARE = 6009,
    // The configuration is longer than any configuration can be.
    PCRSEAL_E_CONFIG_TOO_LONG = 6021,
    // The configuration is not JSON.
    PCRSEAL_E_CONFIG_SYNTAX = 6022,
    // A member of the configuration is missing, stands twice, is not known, or stands beside one that excludes it.
    PCRSEAL_E_CONFIG_MEMBER = 6023,
    // A member of the configuration has another type than its place demands.
    PCRSEAL_E_CONFIG_TYPE = 6024,
    // A member of the configuration has another value than its place demands.
    PCRSEAL_E_CONFIG_VALUE = 6025,
    // The session's configuration leaves the transport to the host, or the call is for such a session alone.
    PCRSEAL_E_CONFIG_TRANSPORT = 6026,
    // A pointer that must not be NULL is NULL.
    PCRSEAL_E_NULL_POINTER = 8001,
    // A pointer is not aligned for what it points to.
    PCRSEAL_E_MISALIGNED_POINTER = 8002,
    // An input is longer than its place takes.
    PCRSEAL_E_INPUT_LENGTH = 8003,
    // The buffer is too small for what belongs there; nothing was written but the length that it needs.
    PCRSEAL_E_BUFFER_TOO_SMALL = 8004,
    // An output overlaps an input or another output.
    PCRSEAL_E_OVERLAP = 8005,
    // A defect of pcrseal: it failed inside, and the call came to nothing.
    PCRSEAL_E_PANIC = 8006,
    // A text is not UTF-8.
    PCRSEAL_E_TEXT_ENCODING = 8007,
    // The call was cancelled.
    PCRSEAL_E_CANCELLED = 8008,
    // The handle has been finished: nothing more can be done with it but to free it.
    PCRSEAL_E_FINISHED = 8009,
    // A call from within a callback of pcrseal.
    PCRSEAL_E_REENTRANT = 8010,
    // The memory for a secret cannot be locked (RLIMIT_MEMLOCK).
    PCRSEAL_E_MEMORY_NOT_LOCKED = 8011,
    // A number is none of the constants that its place takes.
    PCRSEAL_E_UNKNOWN_CONSTANT = 8012,
    // The session's threads cannot be started.
    PCRSEAL_E_THREADS = 8013
};


// A Nitro Enclave's document.
#define PCRSEAL_ATTESTATION_ENCLAVE 1

// A document of an EC2 instance with NitroTPM, whose PCRs are TPM registers with other meanings.
#define PCRSEAL_ATTESTATION_NITRO_TPM 2

// Bytes that hold every attestation document: the longest payload, and what is around it.
#define PCRSEAL_ATTESTATION_DOCUMENT_MAX 16512

// The attester's clock: in an enclave nobody keeps the system's right.
#define PCRSEAL_CLOCK_ATTESTED 1

// The system's clock. For hosts and tests.
#define PCRSEAL_CLOCK_SYSTEM 2

// Establishing a connection.
#define PCRSEAL_STAGE_CONNECT 1

// The TLS handshake.
#define PCRSEAL_STAGE_TLS 2

// Sending a request and receiving the head of its answer.
#define PCRSEAL_STAGE_ANSWER 3

// Reading the body of an answer.
#define PCRSEAL_STAGE_BODY 4

// A whole operation with all its attempts.
#define PCRSEAL_STAGE_OPERATION 5

// A key did not answer in time.
#define PCRSEAL_OUTCOME_TIMEOUT 1

// A key could not be reached, or the connection broke.
#define PCRSEAL_OUTCOME_UNREACHABLE 2

// What came back was no HTTP answer.
#define PCRSEAL_OUTCOME_BAD_RESPONSE 3

// A session does not do what it is for.
#define PCRSEAL_LOG_ERROR 1

// Somebody refused or failed; the call may succeed all the same.
#define PCRSEAL_LOG_WARN 2

// A call has ended, and how.
#define PCRSEAL_LOG_INFO 3

// Every step.
#define PCRSEAL_LOG_DEBUG 4

// Everything.
#define PCRSEAL_LOG_TRACE 5

// Bytes of a PCR's value: SHA-384.
#define PCRSEAL_PCR_LEN 48

// KMS makes the share keys and releases them to attested enclaves alone: the form to choose.
#define PCRSEAL_WRAPPING_ATTESTED 1

// The enclave makes the share keys and sends them to kms:Encrypt. Blobs are confidential and not authenticated: whoever may
// call kms:Encrypt with enough of the keys can make one.
#define PCRSEAL_WRAPPING_ENCRYPT 2

// AWS KMS refuses the key's share for the key's state: it is out of service.
#define PCRSEAL_RETIREMENT_RETIRED 1

// AWS KMS still released the share when the deadline came: confirm again later.
#define PCRSEAL_RETIREMENT_NOT_YET_EFFECTIVE 2

// The key could not be disabled, or what AWS KMS answers says nothing about its state; the report's row says why.
#define PCRSEAL_RETIREMENT_FAILED 3

// The version of this header's interface: the number in the library's soname. It grows when a program that was compiled
// with an older header would break, and only then; new functions and codes do not change it.
#define PCRSEAL_ABI_VERSION 1

// What a verified document says. Immutable, threads may share it; it holds no secret, and lives longer than the document
// that it was made of.
//
// Verified means that the module of an instance of AWS signed this, and not that it is wanted: anyone can rent an enclave
// and have any user data, nonce and public key attested. That is what a policy is for.
typedef struct pcrseal_attestation pcrseal_attestation;

// What a verified document must say to be accepted. A demand that is not made is not judged, with one exception: enclaves
// in debug mode are refused unless they are allowed.
//
// It is judged as a whole where it is used: `pcrseal_verify` refuses one that demands no PCR, no module id and no instance
// id (`PCRSEAL_E_ATTESTATION_POLICY_EMPTY`), since anyone can rent an enclave and choose everything else, and one that
// demands what no document can say (`PCRSEAL_E_ATTESTATION_POLICY_FIELD`). Of a demand made twice the last one counts;
// PCR values and revoked serial numbers add up.
//
// Threads may share one: a lock inside keeps changes and uses apart, and their order is the program's.
typedef struct pcrseal_attestation_policy pcrseal_attestation_policy;

// What vouches for the code that runs: a Nitro Secure Module, or the NitroTPM of an EC2 instance. Immutable; threads may
// share it.
typedef struct pcrseal_attester pcrseal_attester;

// Ends calls that wait: `pcrseal_cancel_trigger`, from any thread. One may be given to any number of calls, at the same
// time and one after the other; once triggered it stays so.
typedef struct pcrseal_cancel pcrseal_cancel;

// Everything that a session is made of. It holds what the session trusts: it belongs into the program's image, and never
// comes from the parent instance.
//
// What a setter sets replaces what was set before; what nothing sets is as `docs/CONFIGURATION.md` says, which describes
// every value. Setters look at their pointers, texts and constants alone: values, and whether they go together, are judged
// where a session or an attester is made. A setter that fails changes nothing.
//
// Threads may share one: a lock inside keeps changes and uses apart, and their order is the program's. Whoever was made
// from a configuration has a copy of it, so that it may be changed or freed afterwards. Freeing it wipes the credentials.
typedef struct pcrseal_config pcrseal_config;

// Why a call failed: a status, a sentence for people, and, where KMS keys were asked, what each of them answered.
//
// A function that takes `pcrseal_error **error` puts a new one there when it fails and NULL when it succeeds; NULL for
// `error` itself says that none is wanted. Whoever gets one frees it. It never holds a secret.
typedef struct pcrseal_error pcrseal_error;

// An unseal in progress whose requests the program sends: with sockets, a proxy or an HTTP client of its own.
//
// `pcrseal_host_unseal_begin` judges the blob, makes a key and has it attested. Every request that
// `pcrseal_host_unseal_next_request` gives goes to AWS KMS, in any order and at the same time if the program likes; what
// comes back is handed in, until `pcrseal_host_unseal_is_ready`. `pcrseal_host_unseal_finish` opens the secret. KMS takes
// the requests for five minutes. No key is asked twice: to try again is to begin anew.
//
// Threads may share one: a lock inside keeps calls apart, and their order is the program's. It lives on when its session
// is freed. From within a log callback, every call that can fail answers `PCRSEAL_E_REENTRANT`.
typedef struct pcrseal_host_unseal pcrseal_host_unseal;

// What to send to one KMS key: Decrypt, with the attestation document. Immutable: threads may share it. It outlives the
// unseal that it is of. Not secret.
typedef struct pcrseal_kms_request pcrseal_kms_request;

// PCR values by index, 0..31: what an image measures, or what a binding of a blob accepts. Public, no secret.
//
// Threads may share one: a lock inside keeps changes and reads apart, and their order is the program's.
typedef struct pcrseal_pcr_set pcrseal_pcr_set;

// A quorum: so many of these KMS keys, in this order.
//
// Threads may share one: a lock inside keeps changes and uses apart, and their order is the program's.
typedef struct pcrseal_quorum pcrseal_quorum;

// An ephemeral RSA-2048 key. Its public half goes into an attestation document; AWS KMS encrypts its answers to it.
// Immutable: threads may share it. Freeing it destroys the private half.
typedef struct pcrseal_recipient pcrseal_recipient;

// What every KMS key answered: one row per key, in the quorum's order, counted from 0. Immutable; holds no secret.
typedef struct pcrseal_report pcrseal_report;

// A secret. Its memory is locked (never swapped), left out of core dumps, empty in a forked process, read-only, and
// between two pages whose touch ends the process (SIGSEGV); freeing the handle wipes it. It counts against the process's
// `RLIMIT_MEMLOCK` with whole pages. May be read from several threads at once.
typedef struct pcrseal_secret pcrseal_secret;

// What seals and unseals: a trust policy, an attester, a client of AWS KMS with its open connections and its credentials,
// and two threads of its own (`pcrseal`), with more where an attester is asked or a key generated. Immutable: any number
// of threads may make calls with it at the same time. A process makes one as a rule, and keeps it.
//
// A process that forks has no session in the child: no call, not even that which frees it, is allowed there, unless the
// child executes another program.
typedef struct pcrseal_session pcrseal_session;

// The roots that are trusted, and the certificates that verified under them before: the next document under the same ones
// takes two signature verifications instead of five. Immutable; threads may share it, and do not wait for each other.
typedef struct pcrseal_verifier pcrseal_verifier;

// How a call ended: `PCRSEAL_OK` (0), or one of the `PCRSEAL_E_…` codes, which never change their meaning.
typedef uint32_t pcrseal_status;

// A function of the host's that is told what happens: the level is a `PCRSEAL_LOG_…` constant, the target the part that
// speaks (`"pcrseal"`, `"pcrseal_kms"`), the message one line: `"key answered step=release position=2 …"`. No message
// has a secret, a share or credentials in it; key ARNs, status names and what AWS answered are.
//
// It is called from the thread that calls pcrseal and from the session's own, from several at once. The texts live until
// it returns. It must return soon, must not throw, and must not call pcrseal, but for `pcrseal_cancel_trigger`: a call
// that waits would answer `PCRSEAL_E_REENTRANT`. Once `pcrseal_session_free` has returned, it is not called any more for
// that session.
typedef void (*pcrseal_log_callback)(void *user_data, uint32_t level, const char *target, const char *message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// What the document attests: `PCRSEAL_ATTESTATION_ENCLAVE` or `PCRSEAL_ATTESTATION_NITRO_TPM`; 0 for NULL.
uint32_t pcrseal_attestation_kind(const pcrseal_attestation *attestation);

// The module's identity, `i-…-enc…` or `i-…-tpm…`; never empty. Owned by the attestation; NULL for NULL.
const char *pcrseal_attestation_module_id(const pcrseal_attestation *attestation);

// The EC2 instance's id within the module's; NULL where that has not the usual form. Owned by the attestation.
const char *pcrseal_attestation_instance_id(const pcrseal_attestation *attestation);

// When the document was made, in milliseconds since 1970; 0 for NULL alone.
uint64_t pcrseal_attestation_timestamp_ms(const pcrseal_attestation *attestation);

// Which PCRs the document holds: bit i stands for PCR i. 0 for NULL alone.
uint32_t pcrseal_attestation_pcr_selection(const pcrseal_attestation *attestation);

// The value of the PCR at `pcr`, and its length, `PCRSEAL_PCR_LEN`, in `len`. Owned by the attestation; NULL and 0 where
// the document holds no such PCR.
const uint8_t *pcrseal_attestation_pcr(const pcrseal_attestation *attestation,
                                       uint32_t pcr,
                                       size_t *len);

// The attested public key, 0..1024 bytes, and its length in `len`. Owned by the attestation; NULL and 0 where the document
// has none.
const uint8_t *pcrseal_attestation_public_key(const pcrseal_attestation *attestation,
                                              size_t *len);

// The attested user data, 0..1024 bytes, and its length in `len`. Owned by the attestation; NULL and 0 where the document
// has none.
const uint8_t *pcrseal_attestation_user_data(const pcrseal_attestation *attestation,
                                             size_t *len);

// The attested nonce, 0..1024 bytes, and its length in `len`. Owned by the attestation; NULL and 0 where the document has
// none.
const uint8_t *pcrseal_attestation_nonce(const pcrseal_attestation *attestation,
                                         size_t *len);

// Frees an attestation. NULL is fine.
void pcrseal_attestation_free(pcrseal_attestation *attestation);

// A new policy, in `policy`, for documents of one kind, `PCRSEAL_ATTESTATION_ENCLAVE` or `PCRSEAL_ATTESTATION_NITRO_TPM`:
// those of the other never satisfy it. Whoever gets it frees it. Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another
// `kind`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_new(uint32_t kind,
                                              pcrseal_attestation_policy **policy,
                                              pcrseal_error **error);

// Demands a value of the PCR at `pcr`: a Reference Value. With several values for one PCR, each of them will do, as during
// a roll-out; every PCR is judged for itself, and a document without it is refused.
//
// Fails with `PCRSEAL_E_PCR_INDEX` unless `pcr` is 0..31, and with `PCRSEAL_E_PCR_LENGTH` unless `value_len` is
// `PCRSEAL_PCR_LEN`; the policy is unchanged then.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_require_pcr(pcrseal_attestation_policy *policy,
                                                      uint32_t pcr,
                                                      const uint8_t *value,
                                                      size_t value_len,
                                                      pcrseal_error **error);

// Demands the module, `i-…-enc…` or `i-…-tpm…`: one boot of one enclave, or one instance with NitroTPM.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_require_module_id(pcrseal_attestation_policy *policy,
                                                            const char *module_id,
                                                            pcrseal_error **error);

// Demands the EC2 instance, `i-…`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_require_instance_id(pcrseal_attestation_policy *policy,
                                                              const char *instance_id,
                                                              pcrseal_error **error);

// Demands the nonce, 0..1024 bytes: the challenge that the relying party sent. It is what makes a document fresh without
// trust in clocks.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_require_nonce(pcrseal_attestation_policy *policy,
                                                        const uint8_t *nonce,
                                                        size_t nonce_len,
                                                        pcrseal_error **error);

// Demands the user data, 0..1024 bytes.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_require_user_data(pcrseal_attestation_policy *policy,
                                                            const uint8_t *user_data,
                                                            size_t user_data_len,
                                                            pcrseal_error **error);

// Demands the public key, 0..1024 bytes.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_require_public_key(pcrseal_attestation_policy *policy,
                                                             const uint8_t *public_key,
                                                             size_t public_key_len,
                                                             pcrseal_error **error);

// Demands that the document be at most `max_age_ms` milliseconds old at the time of the verification, where its clock and
// the relying party's may differ by `clock_skew_ms` either way.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_require_fresh(pcrseal_attestation_policy *policy,
                                                        uint64_t max_age_ms,
                                                        uint64_t clock_skew_ms,
                                                        pcrseal_error **error);

// Allows debug-mode enclaves, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_allow_debug_mode(pcrseal_attestation_policy *policy, pcrseal_error **error);

// Refuses chains with a certificate, leaf or CA, of this serial number: big-endian, as a CRL lists it; leading zeros do
// not matter. CRLs are not fetched, as AWS specifies; who follows them adds their entries here.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attestation_policy_revoke_serial(pcrseal_attestation_policy *policy,
                                                        const uint8_t *serial,
                                                        size_t serial_len,
                                                        pcrseal_error **error);

// Frees a policy. NULL is fine.
void pcrseal_attestation_policy_free(pcrseal_attestation_policy *policy);

// Opens the attester that `config` names, in `attester`; NULL is that of an enclave, `/dev/nsm`. Nothing else of `config` is
// judged, and nothing of it is needed afterwards. Whoever gets the attester frees it.
//
// Fails with `PCRSEAL_E_NSM_DEVICE_MISSING`, `PCRSEAL_E_NSM_DEVICE_PERMISSION`, `PCRSEAL_E_NSM_DEVICE_KIND`,
// `PCRSEAL_E_NSM_DEVICE_OPEN` or `PCRSEAL_E_NSM_SOCKET`.
//
// May be NULL: config.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attester_open(const pcrseal_config *config,
                                     pcrseal_attester **attester,
                                     pcrseal_error **error);

// The PCR values measured now, as a new set in `pcrs`, which whoever gets it frees. Blocks while the attester is asked.
//
// Fails with one of the `PCRSEAL_E_NSM_…` and `PCRSEAL_E_NITRO_TPM_…` codes, or with `PCRSEAL_E_ATTESTER`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attester_measured_pcrs(const pcrseal_attester *attester,
                                              pcrseal_pcr_set **pcrs,
                                              pcrseal_error **error);

// Asks for an attestation document that carries `public_key`, `user_data` and `nonce`, each 0..1024 bytes and with
// `(NULL, 0)` absent, and writes it to `document`. Blocks while the attester is asked.
//
// `document_capacity` is at least `PCRSEAL_ATTESTATION_DOCUMENT_MAX`, whatever the document's length comes to: with less the
// call fails with `PCRSEAL_E_BUFFER_TOO_SMALL` before it asks. It fails with one of the `PCRSEAL_E_NSM_…` and
// `PCRSEAL_E_NITRO_TPM_…` codes, as `PCRSEAL_E_NSM_INPUT_TOO_LARGE`, or with `PCRSEAL_E_ATTESTER`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_attester_attest(const pcrseal_attester *attester,
                                       const uint8_t *public_key,
                                       size_t public_key_len,
                                       const uint8_t *user_data,
                                       size_t user_data_len,
                                       const uint8_t *nonce,
                                       size_t nonce_len,
                                       uint8_t *document,
                                       size_t document_capacity,
                                       size_t *document_len,
                                       pcrseal_error **error);

// Frees an attester. NULL is fine.
void pcrseal_attester_free(pcrseal_attester *attester);

// Says what a blob says of itself, as JSON in one line, without a NUL at its end. **It authenticates nothing**: anybody can
// make a blob that says anything. It is for people and for looking things up, and needs no session.
//
// The members are always there, in this order: `version`; `cluster`; `seal_id`, 32 hex digits; `generation`, which takes all
// 64 bits; `wrapping`, `"attested"` or `"encrypt"`; `bindings`, a list of `{"pcrs": {"0": "96 hex digits", …}}`; `contents`,
// `{"threshold", "keys", "secret_len"}` with the keys' ARNs in order; and `contents_error`, which is `null`. Where the outer
// layer does not open with `external_aad`, `contents` is `null`, and `contents_error` the name of the status, as
// `"content_rejected"`.
//
// Fails with `PCRSEAL_E_BLOB_SIZE`, `PCRSEAL_E_BLOB_MALFORMED` and the other `PCRSEAL_E_BLOB_…`, `PCRSEAL_E_BINDING_…`,
// `PCRSEAL_E_CBOR_…` and `PCRSEAL_E_CLUSTER_ID` codes for what is no blob, and with `PCRSEAL_E_BUFFER_TOO_SMALL`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_inspect(const uint8_t *blob,
                               size_t blob_len,
                               const uint8_t *external_aad,
                               size_t external_aad_len,
                               uint8_t *json,
                               size_t json_capacity,
                               size_t *json_len,
                               pcrseal_error **error);

// Writes the blob with one binding more, at the end, to `new_blob`: `pcrs` are the PCR values of another image that shall
// open it, as of `pcrseal_pcr_set_from_measurements_json`. So one blob serves two releases while they take turns. It needs
// the session's trust policy, and neither AWS KMS nor the attester. A binding enforces nothing: key policies do.
//
// The image has to measure every value of the set: what `pcrseal_attester_measured_pcrs` gives is of this boot, with
// registers that are another instance's elsewhere (PCR4), so take from it what the session requires and no more.
//
// Fails with `PCRSEAL_E_BLOB_MALFORMED` and the other codes of what is no blob; with `PCRSEAL_E_CLUSTER_MISMATCH` for one of
// another cluster; with `PCRSEAL_E_PCR_MISSING`, or `PCRSEAL_E_DEBUG_MODE`, for values that the session's policy refuses;
// with `PCRSEAL_E_BINDING_DUPLICATE` when the blob accepts them already, `PCRSEAL_E_BINDING_COUNT` when it has 8 bindings,
// `PCRSEAL_E_BINDING_REJECTED` when none of them opens it; with `PCRSEAL_E_RANDOM`; with `PCRSEAL_E_BUFFER_TOO_SMALL`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_add_binding(const pcrseal_session *session,
                                   const uint8_t *blob,
                                   size_t blob_len,
                                   const pcrseal_pcr_set *pcrs,
                                   uint8_t *new_blob,
                                   size_t new_blob_capacity,
                                   size_t *new_blob_len,
                                   pcrseal_error **error);

// Writes the blob without the binding that accepts exactly the values `pcrs` to `new_blob`: for an image that has had its
// time. Whoever kept the old blob can still open it with that image; key policies are what keeps an image out.
//
// Fails with `PCRSEAL_E_BLOB_MALFORMED` and the other codes of what is no blob, with `PCRSEAL_E_BINDING_UNKNOWN` when there
// is no such binding, with `PCRSEAL_E_BINDING_COUNT` when it is the last one, and with `PCRSEAL_E_BUFFER_TOO_SMALL`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_drop_binding(const uint8_t *blob,
                                    size_t blob_len,
                                    const pcrseal_pcr_set *pcrs,
                                    uint8_t *new_blob,
                                    size_t new_blob_capacity,
                                    size_t *new_blob_len,
                                    pcrseal_error **error);

// Splits a secret of 1..65536 bytes with Shamir's scheme into `shares_count` shares, any `threshold` of which recover it;
// fewer tell nothing but its length. They are `shares_count` times `secret_len` + 1 bytes, one after the other in
// `shares`, each laid out as OpenBao and Vault do: the bytes, then the coordinate x, which is 1, 2, and so on.
//
// Fails with `PCRSEAL_E_SHAMIR_THRESHOLD` unless `threshold` is 1..`shares_count` and that at most 255, with
// `PCRSEAL_E_SHAMIR_SECRET_LENGTH`, with `PCRSEAL_E_RANDOM`, and with `PCRSEAL_E_BUFFER_TOO_SMALL`. The shares are secret:
// the library keeps no copy, and the program wipes its own (`pcrseal_zeroize`).
PCRSEAL_MUST_USE
pcrseal_status pcrseal_shamir_split(const uint8_t *secret,
                                    size_t secret_len,
                                    uint32_t threshold,
                                    uint32_t shares_count,
                                    uint8_t *shares,
                                    size_t shares_capacity,
                                    size_t *shares_len,
                                    pcrseal_error **error);

// Recovers a secret from `shares_count` shares of one split, as `pcrseal_shamir_split` lays them out: as many as its
// threshold, or more. The secret is one byte shorter than a share.
//
// Nothing here detects a wrong share: altered ones, and fewer than the threshold, give other bytes and no error.
//
// Fails with `PCRSEAL_E_SHAMIR_NO_SHARES` for none, with `PCRSEAL_E_SHAMIR_SHARE_LENGTHS` when `shares_len` is no multiple
// of `shares_count`, with `PCRSEAL_E_SHARE_LENGTH` unless each share has 2..65537 bytes, with
// `PCRSEAL_E_SHARE_COORDINATE` when an x is 0, with `PCRSEAL_E_SHAMIR_SHARE_REPEATED` when two shares have the same x, and
// with `PCRSEAL_E_BUFFER_TOO_SMALL`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_shamir_combine(const uint8_t *shares,
                                      size_t shares_len,
                                      uint32_t shares_count,
                                      uint8_t *secret,
                                      size_t secret_capacity,
                                      size_t *secret_len,
                                      pcrseal_error **error);

// A fresh RSA-2048 key, in `recipient`; whoever gets it frees it. Takes tens of milliseconds. Fails with
// `PCRSEAL_E_RANDOM`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_recipient_new(pcrseal_recipient **recipient, pcrseal_error **error);

// The public key, DER of a `SubjectPublicKeyInfo`, and its length in `len`: what `pcrseal_attester_attest` takes as
// `public_key`. Owned by the recipient; NULL and 0 for NULL.
const uint8_t *pcrseal_recipient_public_key(const pcrseal_recipient *recipient, size_t *len);

// Opens a `CiphertextForRecipient` of AWS KMS, CMS EnvelopedData, with the private half of the key: the plaintext, 0..4096
// bytes as a rule, is in `plaintext`, which whoever gets it frees.
//
// The content is not authenticated: anyone who knows the public key can make a message that opens, and altered bytes can
// open to an altered plaintext. What comes out is as trustworthy as the TLS connection that it came through.
//
// Fails with one of the `PCRSEAL_E_CMS_…` codes when the structure is not KMS's, of which
// `PCRSEAL_E_CMS_FOREIGN_RECIPIENT` is for another key; with `PCRSEAL_E_REJECTED` for everything after that, which is
// deliberately not told apart; with `PCRSEAL_E_MEMORY_NOT_LOCKED`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_recipient_open(const pcrseal_recipient *recipient,
                                      const uint8_t *ciphertext_for_recipient,
                                      size_t ciphertext_for_recipient_len,
                                      pcrseal_secret **plaintext,
                                      pcrseal_error **error);

// Frees a recipient. NULL is fine.
void pcrseal_recipient_free(pcrseal_recipient *recipient);

// A new cancel handle, in `cancel`; whoever gets it frees it. A call that is cancelled ends at once with
// `PCRSEAL_E_CANCELLED`, and before anything is done when the handle was triggered before it. What it had asked of AWS KMS
// by then may have happened there.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_cancel_new(pcrseal_cancel **cancel,
                                  pcrseal_error **error);

// Ends every call that was given this handle and waits, and every later one. Returns at once; once more is fine. From any
// thread, but not from a signal handler. NULL is nothing to end.
void pcrseal_cancel_trigger(const pcrseal_cancel *cancel);

// Frees a cancel handle, which no call may be using any more. NULL is fine.
void pcrseal_cancel_free(pcrseal_cancel *cancel);

// A new configuration, in `config`, for the blobs of one cluster: 1..64 characters of `A-Z a-z 0-9 . _ -`. Whoever gets it
// frees it.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_new(const char *cluster,
                                  pcrseal_config **config,
                                  pcrseal_error **error);

// A new configuration, in `config`, of the JSON document of `docs/CONFIGURATION.md`. Whoever gets it frees it, and may
// change it as any other. The document is not kept: where it holds credentials, the program wipes it.
//
// Fails with `PCRSEAL_E_CONFIG_TOO_LONG` beyond 262144 bytes, with `PCRSEAL_E_CONFIG_SYNTAX`, and, with the place in the
// document, with `PCRSEAL_E_CONFIG_MEMBER`, `PCRSEAL_E_CONFIG_TYPE`, `PCRSEAL_E_CONFIG_VALUE` or `PCRSEAL_E_KMS_REGION`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_from_json(const uint8_t *json,
                                        size_t json_len,
                                        pcrseal_config **config,
                                        pcrseal_error **error);

// Sets the quorum to seal under, which opens blobs too. Without it, a session never seals. The quorum is copied.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_seal_quorum(pcrseal_config *config,
                                              const pcrseal_quorum *quorum,
                                              pcrseal_error **error);

// Adds a quorum whose blobs are opened: the old one during a rotation, or the only one of a program that never seals. The
// quorum is copied.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_add_unseal_quorum(pcrseal_config *config,
                                                const pcrseal_quorum *quorum,
                                                pcrseal_error **error);

// Sets the lowest generation that is accepted: blobs below it are refused as rollbacks. 1 where it is not set.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_minimum_generation(pcrseal_config *config,
                                                     uint64_t minimum_generation,
                                                     pcrseal_error **error);

// Sets the PCRs that every binding of a blob must cover: bit i of `selection` stands for PCR i. 0, 1 and 2 where it is not
// set.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_required_pcrs(pcrseal_config *config,
                                                uint32_t selection,
                                                pcrseal_error **error);

// Allows debug-mode enclaves, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_allow_debug_mode(pcrseal_config *config, pcrseal_error **error);

// Accepts the one blob with this seal id, 16 bytes. Fails with `PCRSEAL_E_CONFIG_VALUE` for another length.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_pin_seal_id(pcrseal_config *config,
                                          const uint8_t *seal_id,
                                          size_t seal_id_len,
                                          pcrseal_error **error);

// Sets what blobs are bound to besides, the same at sealing and at unsealing. Not secret. It is copied.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_external_aad(pcrseal_config *config,
                                               const uint8_t *external_aad,
                                               size_t external_aad_len,
                                               pcrseal_error **error);

// The program vouches for a secret that is resealed from an `encrypt` blob, which anyone with kms:Encrypt can have made,
// into an `attested` one.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_allow_vouched_reseal(pcrseal_config *config,
                                                   pcrseal_error **error);

// Frees a configuration, and wipes the credentials in it. NULL is fine.
void pcrseal_config_free(pcrseal_config *config);

// Attests through the character device of a Nitro Secure Module at `path`. `/dev/nsm` where no attester is set.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_nsm_device(pcrseal_config *config, const char *path, pcrseal_error **error);

// Attests through a Nitro Secure Module behind the Unix socket at `path`: the emulator's. For tests.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_nsm_socket(pcrseal_config *config, const char *path, pcrseal_error **error);

// Attests through the NitroTPM of an EC2 instance, with AWS's program `nitro-tpm-attest`: `tool` is its absolute path, and
// NULL where it has its usual one.
//
// May be NULL: tool.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_nitro_tpm(pcrseal_config *config,
                                            const char *tool,
                                            pcrseal_error **error);

// Sets the clock of signatures, of credentials' expiry and of certificate checks: `PCRSEAL_CLOCK_ATTESTED`, which it is
// where it is not set, or `PCRSEAL_CLOCK_SYSTEM`. Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_clock(pcrseal_config *config, uint32_t clock, pcrseal_error **error);

// Uses these credentials, which never change; `session_token` is `(NULL, 0)` where there is none. For hosts and tests: in
// an enclave, whoever holds the image reads them. They are copied; the program wipes its own (`pcrseal_zeroize`).
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_static_credentials(pcrseal_config *config,
                                                     const char *access_key_id,
                                                     const uint8_t *secret_access_key,
                                                     size_t secret_access_key_len,
                                                     const uint8_t *session_token,
                                                     size_t session_token_len,
                                                     pcrseal_error **error);

// Takes the credentials from the process's environment. For hosts and tests.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_environment_credentials(pcrseal_config *config, pcrseal_error **error);

// Takes the credentials that the parent instance, `cid` 3 for an enclave, hands over at a vsock port
// (`docs/CREDENTIAL-FEED.md`).
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_feed_credentials_vsock(pcrseal_config *config,
                                                         uint32_t cid,
                                                         uint32_t port,
                                                         pcrseal_error **error);

// Takes the credentials that somebody hands over through the Unix socket at `path` (`docs/CREDENTIAL-FEED.md`).
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_feed_credentials_unix(pcrseal_config *config,
                                                        const char *path,
                                                        pcrseal_error **error);

// Takes the credentials that somebody hands over in the file at `path` (`docs/CREDENTIAL-FEED.md`).
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_feed_credentials_file(pcrseal_config *config,
                                                        const char *path,
                                                        pcrseal_error **error);

// Takes the credentials of the EC2 instance metadata service: those of `role`, or with NULL of the role that the service
// names. In an enclave, `vsock_cid` and `vsock_port` say where the parent instance forwards to the service; with 0 and 0 it
// is asked directly.
//
// May be NULL: role.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_imds_credentials(pcrseal_config *config,
                                                   const char *role,
                                                   uint32_t vsock_cid,
                                                   uint32_t vsock_port,
                                                   pcrseal_error **error);

// Takes the credentials of the endpoint that ECS and EKS Pod Identity give a container: at `url`, or with NULL where the
// environment says, with the authorization token in the file at `token`, or with NULL as the environment says.
//
// May be NULL: url, token.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_container_credentials(pcrseal_config *config,
                                                        const char *url,
                                                        const char *token,
                                                        pcrseal_error **error);

// The program moves the bytes to AWS KMS by itself, with `pcrseal_host_unseal_begin`. Such a session takes neither endpoints
// nor credentials.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_host_transport(pcrseal_config *config,
                                                 pcrseal_error **error);

// Sets the URL of KMS in `region`, or with NULL the one for every region that has none of its own: `https://HOST[:PORT]`,
// or `http://` on loopback.
//
// May be NULL: region.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_endpoint(pcrseal_config *config,
                                           const char *region,
                                           const char *url,
                                           pcrseal_error **error);

// Sets the vsock port behind which the parent instance, `cid` 3 for an enclave, forwards to KMS in `region`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_vsock(pcrseal_config *config,
                                        const char *region,
                                        uint32_t cid,
                                        uint32_t port,
                                        pcrseal_error **error);

// Uses AWS's endpoints with validated cryptography (FIPS 140), where no URL is set.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_use_fips_endpoints(pcrseal_config *config, pcrseal_error **error);

// Uses AWS's endpoints that have IPv6 addresses besides, where no URL is set.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_use_dual_stack_endpoints(pcrseal_config *config, pcrseal_error **error);

// Adds root certificates, PEM, that are trusted for TLS to KMS in place of Amazon's: for KMS behind something else, as in
// tests. They are copied.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_add_root_certificates(pcrseal_config *config,
                                                    const uint8_t *pem,
                                                    size_t pem_len,
                                                    pcrseal_error **error);

// Sets how long a whole seal or unseal may take, in milliseconds: 1 to an hour.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_deadline(pcrseal_config *config, uint64_t milliseconds, pcrseal_error **error);

// Sets how long a stage of a request to KMS may take, in milliseconds: 1 to an hour. `stage` is one of
// `PCRSEAL_STAGE_CONNECT`, `PCRSEAL_STAGE_TLS`, `PCRSEAL_STAGE_ANSWER`, `PCRSEAL_STAGE_BODY` and `PCRSEAL_STAGE_OPERATION`.
// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_timeout(pcrseal_config *config,
                                          uint32_t stage,
                                          uint64_t milliseconds,
                                          pcrseal_error **error);

// Sets how often an operation of KMS is attempted, the first time included: 1..10.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_attempts(pcrseal_config *config, uint32_t attempts, pcrseal_error **error);

// Asks as few keys as are needed, and one more each time that this delay passes, in milliseconds: 1 to an hour. Where it is
// not set, all keys are asked at once.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_hedge_delay(pcrseal_config *config,
                                              uint64_t milliseconds,
                                              pcrseal_error **error);

// The stable name of a status in `snake_case`, for logs and metrics labels: `"pcr_drift"`; `"ok"` for `PCRSEAL_OK`,
// `"unknown"` for a number that this library does not know. The text is static: it is never freed.
const char *pcrseal_status_name(pcrseal_status status);

// One sentence about a status, for people, without the details that an error handle has. The text is static: it is
// never freed.
const char *pcrseal_status_message(pcrseal_status status);

// The status that the failed call returned; `PCRSEAL_OK` for NULL.
pcrseal_status pcrseal_error_status(const pcrseal_error *error);

// What was expected and what was found, in English, without a line break at its end. Owned by the error; NULL for NULL.
const char *pcrseal_error_message(const pcrseal_error *error);

// What every KMS key answered before the call failed; without rows where none was asked. Owned by the error: it is not
// freed by itself. NULL for NULL.
const pcrseal_report *pcrseal_error_report(const pcrseal_error *error);

// Frees an error. NULL is fine.
void pcrseal_error_free(pcrseal_error *error);

// Begins an unseal of a blob, in `unseal`, which whoever gets it frees. The session is one whose configuration leaves the
// transport to the program (`pcrseal_config_set_host_transport`). The blob is checked against the session's trust policy
// and the PCRs measured now, an RSA key is generated, the attester asked, and memory for the secret locked: it takes tens
// of milliseconds, and at most the configuration's deadline.
//
// Fails with `PCRSEAL_E_CONFIG_TRANSPORT` for another session; as `pcrseal_unseal` for a blob that the session does not
// trust; with `PCRSEAL_E_MEMORY_NOT_LOCKED`; with the attester's codes; with `PCRSEAL_E_DEADLINE_EXCEEDED` when it does not
// answer; with `PCRSEAL_E_REENTRANT` from within a callback.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_host_unseal_begin(const pcrseal_session *session,
                                         const uint8_t *blob,
                                         size_t blob_len,
                                         pcrseal_host_unseal **unseal,
                                         pcrseal_error **error);

// How many shares are needed: as many keys have to be asked at least. 0 for NULL, from within a callback, and once it is
// finished.
size_t pcrseal_host_unseal_needed(const pcrseal_host_unseal *unseal);

// Whether enough shares are in: what comes later is not needed. False for NULL, from within a callback, and once it is
// finished.
bool pcrseal_host_unseal_is_ready(const pcrseal_host_unseal *unseal);

// The next request, in `request`, which whoever gets it frees; one per key, in the quorum's order. NULL, and no failure,
// once all have been handed out.
//
// Fails with `PCRSEAL_E_FINISHED`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_host_unseal_next_request(pcrseal_host_unseal *unseal,
                                                pcrseal_kms_request **request,
                                                pcrseal_error **error);

// Hands in what KMS answered to the request of `position`, whatever its HTTP status. `request_id` is the header field
// `x-amzn-RequestId`, for the report. `milliseconds` is the time that the answer took, and -1 where nobody measured it.
//
// The name is the program's promise: the answer came over TLS that ends in this process, for the host name that
// `pcrseal_kms_request_host` says, under pinned roots. Nothing in it is authenticated otherwise: **whoever can make it
// chooses what is unsealed**.
//
// A failure ends nothing, and is in the report besides: other keys may still give enough shares. It is
// `PCRSEAL_E_UNKNOWN_SHARE` or `PCRSEAL_E_ALREADY_ANSWERED`, for which nothing was recorded; one of the `PCRSEAL_E_KMS_…`
// codes for what KMS refused, and for an answer that cannot be used; `PCRSEAL_E_CMS_…`, `PCRSEAL_E_REJECTED` and others for
// a share that is refused; `PCRSEAL_E_FINISHED`.
//
// May be NULL: `request_id`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_host_unseal_answer_from_authenticated_kms(pcrseal_host_unseal *unseal,
                                                                 uint32_t position,
                                                                 uint32_t http_status,
                                                                 const char *request_id,
                                                                 const uint8_t *body,
                                                                 size_t body_len,
                                                                 int64_t milliseconds,
                                                                 pcrseal_error **error);

// Hands in that the request of `position` got no answer, and how: `PCRSEAL_OUTCOME_TIMEOUT`,
// `PCRSEAL_OUTCOME_UNREACHABLE` or `PCRSEAL_OUTCOME_BAD_RESPONSE`. `milliseconds` is the time until that was clear, and -1
// where nobody measured it. It is for the report: a key that nothing is handed in about counts as too slow.
//
// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another outcome, with `PCRSEAL_E_UNKNOWN_SHARE`, with
// `PCRSEAL_E_ALREADY_ANSWERED`, and with `PCRSEAL_E_FINISHED`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_host_unseal_failed(pcrseal_host_unseal *unseal,
                                          uint32_t position,
                                          uint32_t outcome,
                                          int64_t milliseconds,
                                          pcrseal_error **error);

// Opens the secret, in `secret`, with what every key answered, in `report`; whoever gets them frees them. Whatever comes of
// it, key and shares are wiped, and nothing but `pcrseal_host_unseal_free` can be done with the handle afterwards.
//
// May be NULL: report.
//
// Fails with `PCRSEAL_E_QUORUM_NOT_REACHED`, `PCRSEAL_E_COMMITMENT_MISMATCH` or `PCRSEAL_E_SECRET_REJECTED`, with the report
// in the error, and with `PCRSEAL_E_FINISHED` the second time.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_host_unseal_finish(pcrseal_host_unseal *unseal,
                                          pcrseal_secret **secret,
                                          pcrseal_report **report,
                                          pcrseal_error **error);

// Frees an unseal, finished or not, and wipes its key and its shares. NULL is fine.
void pcrseal_host_unseal_free(pcrseal_host_unseal *unseal);

// Which of the blob's shares it is about, 1 to their number: what the answer is handed in under. 0 for NULL.
uint32_t pcrseal_kms_request_position(const pcrseal_kms_request *request);

// The operation, `"Decrypt"`. The text is static; NULL for NULL.
const char *pcrseal_kms_request_operation(const pcrseal_kms_request *request);

// The value of the header field `x-amz-target`, `"TrentService.Decrypt"`. The text is static; NULL for NULL.
const char *pcrseal_kms_request_target(const pcrseal_kms_request *request);

// The region of the key, which the signature names. Owned by the request; NULL for NULL.
const char *pcrseal_kms_request_region(const pcrseal_kms_request *request);

// The host name of KMS in the region: whom TLS has to prove. Owned by the request; NULL for NULL.
const char *pcrseal_kms_request_host(const pcrseal_kms_request *request);

// The key's ARN. Owned by the request; NULL for NULL.
const char *pcrseal_kms_request_key_arn(const pcrseal_kms_request *request);

// The body, JSON, and its length in `len`. Owned by the request; NULL and 0 for NULL.
const uint8_t *pcrseal_kms_request_body(const pcrseal_kms_request *request, size_t *len);

// Writes the whole request to `http`, signed, as it goes into a connection of its own: HTTP/1.1 with `connection: close`,
// so that the answer ends where the connection does. It holds the session token: the program wipes it (`pcrseal_zeroize`).
//
// `session_token` is `(NULL, 0)` where there is none. `host` is the value of the header field `host`, with the port unless
// it is the scheme's own; NULL is what `pcrseal_kms_request_host` says. `unix_seconds` is the time now, in seconds since
// 1970: AWS tolerates five minutes of difference.
//
// May be NULL: host.
//
// Fails with `PCRSEAL_E_KMS_CREDENTIALS` for credentials that cannot be any, with `PCRSEAL_E_KMS_ENDPOINT` for a `host`
// that is none, with `PCRSEAL_E_KMS_CLOCK` for a time beyond the year 9999, and with `PCRSEAL_E_BUFFER_TOO_SMALL`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_kms_request_http1(const pcrseal_kms_request *request,
                                         const char *access_key_id,
                                         const uint8_t *secret_access_key,
                                         size_t secret_access_key_len,
                                         const uint8_t *session_token,
                                         size_t session_token_len,
                                         const char *host,
                                         uint64_t unix_seconds,
                                         uint8_t *http,
                                         size_t http_capacity,
                                         size_t *http_len,
                                         pcrseal_error **error);

// Frees a request. NULL is fine.
void pcrseal_kms_request_free(pcrseal_kms_request *request);

// Has every session that is made of this configuration from now on tell a function what happens. Without it nothing is
// told, and NULL for `callback` goes back to that.
//
// `user_data` is what the function gets as its first argument: never read, never freed. It must be good, in every thread,
// for as long as a session of this configuration lives. `most_verbose` is the last level that is told,
// `PCRSEAL_LOG_ERROR` to `PCRSEAL_LOG_TRACE`.
//
// May be NULL: callback, `user_data`.
//
// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another level beside a function.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_config_set_log(pcrseal_config *config,
                                      pcrseal_log_callback callback,
                                      void *user_data,
                                      uint32_t most_verbose,
                                      pcrseal_error **error);

// A new set without values, in `pcrs`; whoever gets it frees it.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_pcr_set_new(pcrseal_pcr_set **pcrs, pcrseal_error **error);

// A new set, in `pcrs`, of what `nitro-cli build-enclave` and `nitro-cli describe-eif` print as JSON: PCR0, PCR1, PCR2
// and, for a signed image, PCR8. Whoever gets it frees it.
//
// Fails with `PCRSEAL_E_TOO_LONG` beyond 65536 bytes, and with `PCRSEAL_E_MEASUREMENTS_JSON`,
// `PCRSEAL_E_MEASUREMENTS_ALGORITHM`, `PCRSEAL_E_MEASUREMENTS_MISSING`, `PCRSEAL_E_MEASUREMENTS_UNKNOWN`,
// `PCRSEAL_E_PCR_LENGTH` or `PCRSEAL_E_PCR_HEX` for what nitro-cli does not print.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_pcr_set_from_measurements_json(const uint8_t *json,
                                                      size_t json_len,
                                                      pcrseal_pcr_set **pcrs,
                                                      pcrseal_error **error);

// Sets the value of the PCR at `index`; one that was there is replaced.
//
// Fails with `PCRSEAL_E_PCR_INDEX` unless `index` is 0..31, and with `PCRSEAL_E_PCR_LENGTH` unless `value_len` is
// `PCRSEAL_PCR_LEN`; the set is unchanged then.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_pcr_set_insert(pcrseal_pcr_set *pcrs,
                                      uint32_t index,
                                      const uint8_t *value,
                                      size_t value_len,
                                      pcrseal_error **error);

// Writes the value of the PCR at `index`, `PCRSEAL_PCR_LEN` bytes, to `value`.
//
// Fails with `PCRSEAL_E_PCR_INDEX` unless `index` is 0..31, with `PCRSEAL_E_PCR_MISSING` when the set has no such value,
// and with `PCRSEAL_E_BUFFER_TOO_SMALL` when `value_capacity` is less.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_pcr_set_value(const pcrseal_pcr_set *pcrs,
                                     uint32_t index,
                                     uint8_t *value,
                                     size_t value_capacity,
                                     size_t *value_len,
                                     pcrseal_error **error);

// Which PCRs the set has values of: bit i stands for PCR i. 0 for NULL.
uint32_t pcrseal_pcr_set_selection(const pcrseal_pcr_set *pcrs);

// Frees a set. NULL is fine.
void pcrseal_pcr_set_free(pcrseal_pcr_set *pcrs);

// A new quorum, in `quorum`, of no key yet: any `threshold` of its keys open a blob. `wrapping` is
// `PCRSEAL_WRAPPING_ATTESTED` or `PCRSEAL_WRAPPING_ENCRYPT`. Whoever gets it frees it.
//
// Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another `wrapping`, and with `PCRSEAL_E_QUORUM_SIZE` for a threshold above
// 255, which no quorum has: the highest is the number of keys, 16 at most.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_quorum_new(uint32_t threshold,
                                  uint32_t wrapping,
                                  pcrseal_quorum **quorum,
                                  pcrseal_error **error);

// Adds a KMS key, by its full ARN, at the end: the order counts. A quorum has 1..16 keys.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_quorum_add_key(pcrseal_quorum *quorum, const char *key_arn, pcrseal_error **error);

// Allows multi-Region keys in the quorum, though each replica has a key policy of its own.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_quorum_allow_multi_region(pcrseal_quorum *quorum, pcrseal_error **error);

// Allows a threshold of 1: any single key then opens the blob.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_quorum_allow_single_share(pcrseal_quorum *quorum, pcrseal_error **error);

// Frees a quorum. NULL is fine.
void pcrseal_quorum_free(pcrseal_quorum *quorum);

// How many rows there are: as many as keys were to be asked. 0 for NULL.
size_t pcrseal_report_len(const pcrseal_report *report);

// The key's ARN. Owned by the report; NULL where there is no such row.
const char *pcrseal_report_key_arn(const pcrseal_report *report, size_t row);

// How its request ended: `"granted"`, `"attestation_rejected"`, `"access_denied"`, `"key_disabled"`,
// `"key_pending_deletion"`, `"throttled"`, `"timeout"`, `"unreachable"`, `"bad_response"` or `"not_needed"`. Stable,
// for metrics labels. Owned by the report; NULL where there is no such row.
const char *pcrseal_report_outcome(const pcrseal_report *report, size_t row);

// pcrseal's own code behind a refusal; `PCRSEAL_OK` where there is none.
pcrseal_status pcrseal_report_status(const pcrseal_report *report, size_t row);

// AWS's name of a refusal: `"AccessDeniedException"`, …; NULL where KMS itself did not refuse. Owned by the report.
const char *pcrseal_report_aws_code(const pcrseal_report *report, size_t row);

// AWS's words about a refusal; NULL where KMS itself did not refuse. Owned by the report.
const char *pcrseal_report_aws_message(const pcrseal_report *report, size_t row);

// The request id of a refusal, which AWS's support asks for; NULL where KMS itself did not refuse. Owned by the report.
const char *pcrseal_report_request_id(const pcrseal_report *report, size_t row);

// Milliseconds from the request to its answer; -1 where nobody measured them.
int64_t pcrseal_report_milliseconds(const pcrseal_report *report, size_t row);

// What to check next, for people; NULL where the answer does not tell. Owned by the report.
const char *pcrseal_report_hint(const pcrseal_report *report, size_t row);

// Frees a report that a call gave. Not for one that an error owns. NULL is fine.
void pcrseal_report_free(pcrseal_report *report);

// Disables a KMS key of an old blob (`kms:DisableKey`), and asks AWS KMS for its share until that is refused or the deadline
// passes: once as many keys refuse as leave fewer than the threshold, the old blob opens no more. For after
// `pcrseal_reseal`, when the new blob is stored. The session must trust the old blob still, and seal under a quorum without
// the key.
//
// `state` gets a `PCRSEAL_RETIREMENT_…` constant: that the key could not be retired is no failure of the call. `report` gets
// one row, AWS KMS's last word, which the caller frees; the outcome `"granted"` is a share that was released still, and that
// nobody opened. A call that was cancelled may have disabled the key.
//
// May be NULL: cancel, report.
//
// Fails with `PCRSEAL_E_KEY_ARN`; `PCRSEAL_E_NO_SEAL_QUORUM`; `PCRSEAL_E_KEY_IN_USE` when new blobs need the key;
// `PCRSEAL_E_KEY_HOLDS_NO_SHARE`; as `pcrseal_unseal` for a blob that is refused; `PCRSEAL_E_CONFIG_TRANSPORT`,
// `PCRSEAL_E_DEADLINE_EXCEEDED`, `PCRSEAL_E_CANCELLED`, `PCRSEAL_E_REENTRANT`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_retire_key(const pcrseal_session *session,
                                  const uint8_t *old_blob,
                                  size_t old_blob_len,
                                  const char *key_arn,
                                  const pcrseal_cancel *cancel,
                                  uint32_t *state,
                                  pcrseal_report **report,
                                  pcrseal_error **error);

// The second half of `pcrseal_retire_key`, for a key that somebody else has disabled, where the session's role may not:
// asks AWS KMS for the key's share until that is refused or the deadline passes. Disables nothing. Everything else is as
// there.
//
// May be NULL: cancel, report.
//
// Fails as `pcrseal_retire_key`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_confirm_retired_key(const pcrseal_session *session,
                                           const uint8_t *old_blob,
                                           size_t old_blob_len,
                                           const char *key_arn,
                                           const pcrseal_cancel *cancel,
                                           uint32_t *state,
                                           pcrseal_report **report,
                                           pcrseal_error **error);

// Makes a new secret of `secret_len` random bytes (1..65536) and seals it: under the session's seal quorum, bound to this
// enclave's measured PCRs (the required ones), at the lowest generation that the session accepts. Every key of the quorum
// must answer, and the new blob is opened once before it is handed out.
//
// The blob is public; keep it anywhere. It is for a cluster's first start alone: that a blob cannot be found is no reason
// to make another, since whoever keeps it could withhold it.
//
// `blob` needs a capacity of `pcrseal_max_blob_len`, which is checked before anything is asked of AWS KMS; `blob_len` gets
// the blob's length. `secret` gets the secret, which the caller frees; its memory is locked before the first request.
// `report` gets what the keys answered when the blob was opened, which the caller frees. `cancel` ends the call: no blob is
// given then, and the data keys that KMS made are of no use to anybody.
//
// May be NULL: cancel, secret, report.
//
// Fails with `PCRSEAL_E_NO_SEAL_QUORUM`, `PCRSEAL_E_SECRET_LENGTH`, `PCRSEAL_E_BUFFER_TOO_SMALL`,
// `PCRSEAL_E_MEMORY_NOT_LOCKED` and `PCRSEAL_E_CONFIG_TRANSPORT` before anything is done; `PCRSEAL_E_DEBUG_MODE`,
// `PCRSEAL_E_PCR_MISSING` and the attester's codes before any request; `PCRSEAL_E_KEY_UNFIT`,
// `PCRSEAL_E_KEY_PERMITS_ENCRYPT`, `PCRSEAL_E_KEY_PERMITS_GENERATE_DATA_KEY` and `PCRSEAL_E_KEY_NOT_CHECKED` for keys
// that must hold no share; `PCRSEAL_E_SEAL_INCOMPLETE` with a report; `PCRSEAL_E_QUORUM_NOT_REACHED` and the others of
// `pcrseal_unseal` when the new blob does not open; `PCRSEAL_E_DEADLINE_EXCEEDED`, `PCRSEAL_E_CANCELLED`,
// `PCRSEAL_E_REENTRANT` from within a callback.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_generate(const pcrseal_session *session,
                                size_t secret_len,
                                const pcrseal_cancel *cancel,
                                uint8_t *blob,
                                size_t blob_capacity,
                                size_t *blob_len,
                                pcrseal_secret **secret,
                                pcrseal_report **report,
                                pcrseal_error **error);

// Seals a secret of the caller's (1..65536 bytes), who vouches that it is a good one and not an adversary's: whoever can
// choose the secret that an enclave serves needs nothing else. Otherwise as `pcrseal_generate`.
//
// The secret stays the caller's, to be wiped (`pcrseal_zeroize`). `blob` needs a capacity of `pcrseal_max_blob_len`.
//
// May be NULL: cancel, report.
//
// Fails as `pcrseal_generate`, but for `PCRSEAL_E_MEMORY_NOT_LOCKED`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_import_vouched(const pcrseal_session *session,
                                      const uint8_t *secret,
                                      size_t secret_len,
                                      const pcrseal_cancel *cancel,
                                      uint8_t *blob,
                                      size_t blob_capacity,
                                      size_t *blob_len,
                                      pcrseal_report **report,
                                      pcrseal_error **error);

// Unseals a blob and seals its secret again, one generation on, under the session's seal quorum: after a change of keys, to
// move to another image's PCRs, or to revoke older blobs. The old blob goes on to open until its keys are retired
// (`pcrseal_retire_key`) or the minimum generation is raised. It is two steps, each of which may take the session's
// deadline.
//
// `new_blob` needs a capacity of `pcrseal_max_blob_len` for the length of the secret, `new_blob_len` gets the new blob's
// length. `secret`, `report` and `cancel` are as for `pcrseal_generate`; the report is of the new blob's keys.
//
// May be NULL: cancel, secret, report.
//
// Fails as `pcrseal_unseal` for the old blob and as `pcrseal_generate` for the new one; with
// `PCRSEAL_E_GENERATION_EXHAUSTED`; with `PCRSEAL_E_RESEAL_UNVOUCHED` for a secret of an `encrypt` blob that would get into an
// `attested` one, unless the configuration allows it (`pcrseal_config_allow_vouched_reseal`).
PCRSEAL_MUST_USE
pcrseal_status pcrseal_reseal(const pcrseal_session *session,
                              const uint8_t *old_blob,
                              size_t old_blob_len,
                              const pcrseal_cancel *cancel,
                              uint8_t *new_blob,
                              size_t new_blob_capacity,
                              size_t *new_blob_len,
                              pcrseal_secret **secret,
                              pcrseal_report **report,
                              pcrseal_error **error);

// The secret's bytes, and their number in `len`. Owned by the handle: the pointer is good until it is freed. Writing
// there, or reading behind the end, ends the process. NULL and 0 for NULL; NULL alone where `len` is NULL.
const uint8_t *pcrseal_secret_data(const pcrseal_secret *secret, size_t *len);

// How many bytes the secret has: 1 to 65536, and none where AWS KMS's plaintext for a recipient is empty. 0 for NULL.
size_t pcrseal_secret_len(const pcrseal_secret *secret);

// Wipes the secret and frees the handle. NULL is fine.
void pcrseal_secret_free(pcrseal_secret *secret);

// Makes a session of a configuration, in `session`; whoever gets it frees it. The configuration is copied: it may be
// changed and freed afterwards. The attester is opened, and asked for the time where the clock is the attested one; nothing
// is sent to AWS, and no credentials are fetched. May wait for the attester until the configuration's deadline.
//
// Fails with the codes of a configuration that makes no session: `PCRSEAL_E_CONFIG_MEMBER`, `PCRSEAL_E_CONFIG_VALUE`,
// those of the trust policy (`PCRSEAL_E_CLUSTER_ID`, `PCRSEAL_E_KEY_ARN`, `PCRSEAL_E_PCR_INDEX`, …) and of the KMS client;
// with the attester's; with `PCRSEAL_E_DEADLINE_EXCEEDED` when the attester does not answer, `PCRSEAL_E_THREADS`, and
// `PCRSEAL_E_REENTRANT` from within a callback.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_session_new(const pcrseal_config *config,
                                   pcrseal_session **session,
                                   pcrseal_error **error);

// The length of a buffer that holds whatever blob a seal of this session makes of a secret of `secret_len` bytes, in
// `blob_len`: what `pcrseal_generate`, `pcrseal_import_vouched` and `pcrseal_reseal` demand. Blobs are shorter as a rule.
// No I/O.
//
// Fails with `PCRSEAL_E_SECRET_LENGTH` unless `secret_len` is 1..65536, and with `PCRSEAL_E_NO_SEAL_QUORUM` where the
// session never seals.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_max_blob_len(const pcrseal_session *session,
                                    size_t secret_len,
                                    size_t *blob_len,
                                    pcrseal_error **error);

// How long the secret of a blob is, in `secret_len`, by what the blob says: it authenticates nothing. What
// `pcrseal_unseal_into` demands. No I/O.
//
// Fails with `PCRSEAL_E_BLOB_MALFORMED`, `PCRSEAL_E_BLOB_BOUNDS` and the other codes of what is no blob;
// `PCRSEAL_E_BINDING_REJECTED`; `PCRSEAL_E_CONTENT_REJECTED` when the blob was altered, or made with another `external_aad`
// than the session's.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_unsealed_len(const pcrseal_session *session,
                                    const uint8_t *blob,
                                    size_t blob_len,
                                    size_t *secret_len,
                                    pcrseal_error **error);

// Ends a session: closes its connections, wipes its credentials, ends its threads, and frees it. No call may be using it
// any more. Waits for its threads for at most a second; one that an attester hangs on is left behind, and ends with the
// attester's answer or the process. Waits for a log callback that runs for as long as it does: it must not need what the
// thread that calls this holds. The log callback is not called once this has returned, unless it was called from within
// one. NULL is fine.
void pcrseal_session_free(pcrseal_session *session);

// Unseals a blob: checks it against the session's trust policy and the measured PCRs, asks the keys, and is done as soon as
// enough of them have answered. Nothing is sent for a blob that is refused.
//
// `secret` gets the secret, which the caller frees; its memory is locked before the first request. `report` gets what the
// keys answered, which the caller frees. `cancel` ends the call.
//
// May be NULL: cancel, report.
//
// Fails, before any request, with `PCRSEAL_E_BLOB_MALFORMED` and the other codes of what is no blob,
// `PCRSEAL_E_CLUSTER_MISMATCH`, `PCRSEAL_E_GENERATION_TOO_OLD`, `PCRSEAL_E_SEAL_ID_MISMATCH`,
// `PCRSEAL_E_KEY_NOT_TRUSTED`, `PCRSEAL_E_PCR_DRIFT`, `PCRSEAL_E_DEBUG_MODE` and the others of a blob that the session does
// not trust, `PCRSEAL_E_MEMORY_NOT_LOCKED`, `PCRSEAL_E_CONFIG_TRANSPORT`, the attester's codes and `PCRSEAL_E_REENTRANT`;
// after them with `PCRSEAL_E_QUORUM_NOT_REACHED`, `PCRSEAL_E_COMMITMENT_MISMATCH` and `PCRSEAL_E_SECRET_REJECTED`, each with
// a report in the error; at any time with `PCRSEAL_E_DEADLINE_EXCEEDED` and `PCRSEAL_E_CANCELLED`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_unseal(const pcrseal_session *session,
                              const uint8_t *blob,
                              size_t blob_len,
                              const pcrseal_cancel *cancel,
                              pcrseal_secret **secret,
                              pcrseal_report **report,
                              pcrseal_error **error);

// Unseals a blob, as `pcrseal_unseal` does, into memory of the caller's, who wipes it (`pcrseal_zeroize`). `secret` needs a
// capacity of `pcrseal_unsealed_len`, which is checked before anything is asked of AWS KMS; `secret_len` gets the number of
// bytes. Nothing is written into `secret` by a call that fails.
//
// May be NULL: cancel, report.
//
// Fails as `pcrseal_unseal`, but with `PCRSEAL_E_BUFFER_TOO_SMALL` in place of `PCRSEAL_E_MEMORY_NOT_LOCKED`.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_unseal_into(const pcrseal_session *session,
                                   const uint8_t *blob,
                                   size_t blob_len,
                                   const pcrseal_cancel *cancel,
                                   uint8_t *secret,
                                   size_t secret_capacity,
                                   size_t *secret_len,
                                   pcrseal_report **report,
                                   pcrseal_error **error);

// A new verifier, in `verifier`, that trusts the root certificates in `roots_der`: DER, one after the other. With
// `(NULL, 0)` it trusts AWS's root of all genuine documents, AWS Nitro Enclaves Root-G1; others are for tests and for
// roots to come. Whoever gets it frees it.
//
// Fails with `PCRSEAL_E_CERTIFICATE_MALFORMED` for something else than whole certificates. Roots are compared byte by byte,
// and nothing else about them is judged before a document claims to come from them.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_verifier_new(const uint8_t *roots_der,
                                    size_t roots_der_len,
                                    pcrseal_verifier **verifier,
                                    pcrseal_error **error);

// Frees a verifier. NULL is fine.
void pcrseal_verifier_free(pcrseal_verifier *verifier);

// Verifies an attestation document and judges it: its certificates and its signature at the time `at_ms`, in milliseconds
// since 1970, under the verifier's roots, and what it says under `policy`. What it says is in `attestation`, which whoever
// gets it frees.
//
// A document must not choose the time at which it is verified: `at_ms` is the relying party's own clock.
//
// Fails with `PCRSEAL_E_ATTESTATION_REFUSED` when the document is genuine and not wanted; the error's message then lists
// every demand that it does not meet. Before that with the `PCRSEAL_E_CBOR_…`, `PCRSEAL_E_COSE_…`,
// `PCRSEAL_E_ATTESTATION_…` and `PCRSEAL_E_CERTIFICATE_…` codes, of which each names the check that the document failed,
// and with `PCRSEAL_E_ATTESTATION_POLICY_EMPTY` or `PCRSEAL_E_ATTESTATION_POLICY_FIELD` for a policy that cannot be meant.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_verify(const pcrseal_verifier *verifier,
                              const uint8_t *document,
                              size_t document_len,
                              uint64_t at_ms,
                              const pcrseal_attestation_policy *policy,
                              pcrseal_attestation **attestation,
                              pcrseal_error **error);

// Verifies an attestation document as `pcrseal_verify` does, and does not judge it: what is in `attestation` is what some
// module of AWS signed, of whichever enclave of whichever customer, in debug mode or not. For programs that judge by
// themselves.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_verify_without_appraisal(const pcrseal_verifier *verifier,
                                                const uint8_t *document,
                                                size_t document_len,
                                                uint64_t at_ms,
                                                pcrseal_attestation **attestation,
                                                pcrseal_error **error);

// The interface's version of the library that is loaded. A program compares it with `PCRSEAL_ABI_VERSION`.
uint32_t pcrseal_abi_version(void);

// The library's version, `"MAJOR.MINOR.PATCH"`. The text is static: it is never freed.
const char *pcrseal_version(void);

// Whether the library that is loaded can do something: a program that was compiled with a newer header, or for a library
// built with other parts, asks before it relies on it. False for NULL and for names that this library does not know.
//
// `"host-transport"`: unseals whose bytes the program itself moves (`pcrseal_host_unseal_…`). `"log"`: the log callback.
// `"nitro-tpm"`: the NitroTPM of an EC2 instance as attester. `"nsm-socket"`: a Nitro Secure Module behind a Unix
// socket, which is the emulator's. `"vsock"`: connections to the parent instance.
bool pcrseal_has_feature(const char *name);

// Overwrites `data_len` bytes at `data` with zeros, in a way that no compiler leaves out: for a program's own copies of
// secrets. NULL, and a length beyond `PTRDIFF_MAX`, are nothing to overwrite.
void pcrseal_zeroize(uint8_t *data, size_t data_len);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PCRSEAL_H */
