//! The error type of this crate, and the one registry of stable error codes for the whole workspace.
//!
//! An [`Error`] is a [`Code`] plus [`Detail`]: what was expected and what was found. Codes never change their
//! meaning and are never reused, so they may be stored, alerted on and compared across languages. Details
//! hold public data only: no error of pcrseal ever holds a secret, and everything that happens after key
//! material is involved answers with one mute code (no detail at all), so that errors are no oracle.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;

use crate::pcr::PcrMismatch;

macro_rules! registry {
    ($( $number:literal $variant:ident $name:literal $text:literal; )*) => {
        /// A stable error code. The number and the name never change; the text may be bettered.
        ///
        /// Ranges: 1000 core, 2000 attesters (the Nitro Secure Module), 3000 KMS client, 4000 policies,
        /// 6000 facade, 7000 command line, 8000 C ABI, 9000 OpenBao.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u32)]
        #[allow(clippy::doc_markdown)]
        pub enum Code {
            $( #[doc = $text] $variant = $number, )*
        }

        impl Code {
            /// Every code, in ascending order.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )* ];

            /// The number: what crosses the C ABI.
            pub const fn number(self) -> u32 {
                match self { $( Self::$variant => $number, )* }
            }

            /// The name: `snake_case`, meant for logs and metrics labels.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )* }
            }

            /// One sentence for people.
            pub const fn text(self) -> &'static str {
                match self { $( Self::$variant => $text, )* }
            }
        }
    };
}

registry! {
    // Common.
    1001 Random "random" "the random number generator failed";
    1002 Rejected "rejected" "the key material does not open this: wrong key, altered data or bad padding (deliberately not told apart)";
    1003 TooLong "too_long" "an input is longer than its bound";

    // PCRs.
    1101 PcrIndex "pcr_index" "a PCR index is out of range 0..31";
    1102 PcrLength "pcr_length" "a PCR value is not 48 bytes (96 hex digits)";
    1103 PcrHex "pcr_hex" "a PCR value holds something else than hex digits";
    1104 MeasurementsJson "measurements_json" "not the measurements JSON that nitro-cli prints";
    1105 MeasurementsAlgorithm "measurements_algorithm" "the measurements are not SHA-384";
    1106 MeasurementsMissing "measurements_missing" "the measurements JSON lacks a field";
    1107 MeasurementsUnknown "measurements_unknown" "the measurements JSON has a measurement that nitro-cli does not print";
    1108 RoleArn "role_arn" "not the ARN of an IAM role (arn:PARTITION:iam::ACCOUNT:role/NAME)";
    1109 InstanceId "instance_id" "not an EC2 instance id (i- and 8 or 17 lower-case hex digits)";
    1110 SigningCertificate "signing_certificate" "not the DER of a certificate (PEM has to be decoded first)";

    // CBOR and COSE.
    1201 CborTruncated "cbor_truncated" "the CBOR ends in the middle of an item";
    1202 CborType "cbor_type" "a CBOR item has another type than its place demands";
    1203 CborNotShortest "cbor_not_shortest" "a CBOR head is longer than it need be";
    1204 CborIndefinite "cbor_indefinite" "a CBOR item has an indefinite length where a definite one is demanded";
    1205 CborTrailing "cbor_trailing" "bytes follow the end of the CBOR";
    1206 CborText "cbor_text" "a CBOR text string is not UTF-8";
    1207 CborRange "cbor_range" "a CBOR integer is outside the range of its place";
    1208 CborDuplicateKey "cbor_duplicate_key" "a CBOR map has the same key twice";
    1209 CborValue "cbor_value" "a CBOR item has another value or length than its place demands";
    1221 CoseTag "cose_tag" "the message carries another CBOR tag than that of COSE_Sign1 (18)";
    1222 CoseArray "cose_array" "COSE_Sign1 is an array of four";
    1223 CoseProtected "cose_protected" "the protected header is not exactly {1: -35} (ES384)";
    1224 CoseUnprotected "cose_unprotected" "the unprotected header is not empty";
    1225 CosePayload "cose_payload" "the COSE payload is outside 1..16384 bytes";
    1226 CoseSignatureLength "cose_signature_length" "an ES384 signature is 96 bytes";
    1227 CoseSignatureRejected "cose_signature_rejected" "the COSE signature does not verify under the leaf certificate's key";

    // Attestation documents and their certificates.
    1301 AttestationFieldUnknown "attestation_field_unknown" "the attestation document has a field that the specification does not name";
    1302 AttestationFieldMissing "attestation_field_missing" "the attestation document lacks a required field";
    1303 AttestationModuleId "attestation_module_id" "the attestation document's module_id is empty";
    1304 AttestationDigest "attestation_digest" "the attestation document's digest is not SHA384";
    1305 AttestationTimestamp "attestation_timestamp" "the attestation document's timestamp is zero";
    1306 AttestationPcrCount "attestation_pcr_count" "an attestation document holds 1..32 PCRs";
    1307 AttestationPcrFields "attestation_pcr_fields" "the attestation document has both pcrs and nitrotpm_pcrs";
    1308 AttestationCabundle "attestation_cabundle" "the attestation document's cabundle holds 1..7 certificates";
    1309 AttestationFieldLength "attestation_field_length" "a field of the attestation document is outside its length";
    1310 AttestationPolicyEmpty "attestation_policy_empty" "the attestation policy names no PCR, no module id and no instance id: any enclave of any AWS customer would satisfy it";
    1311 AttestationPolicyField "attestation_policy_field" "the attestation policy demands a value that no attestation document can have";
    1320 AttestationRefused "attestation_refused" "the attestation does not satisfy the policy";
    1321 AttestationKindMismatch "attestation_kind_mismatch" "the document attests another kind of module than the policy demands";
    1322 AttestationPcrMismatch "attestation_pcr_mismatch" "a PCR has none of the values that the policy accepts";
    1323 AttestationPcrAbsent "attestation_pcr_absent" "the document lacks a PCR that the policy names";
    1324 AttestationDebugMode "attestation_debug_mode" "the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the policy does not allow";
    1325 AttestationDebugUnknown "attestation_debug_unknown" "the document lacks one of PCR0, PCR1 and PCR2, without which debug mode cannot be ruled out";
    1326 AttestationModuleIdMismatch "attestation_module_id_mismatch" "the document is of another module than the policy demands";
    1327 AttestationInstanceIdMismatch "attestation_instance_id_mismatch" "the document is of another EC2 instance than the policy demands";
    1328 AttestationNonceMismatch "attestation_nonce_mismatch" "the document's nonce is not the policy's";
    1329 AttestationUserDataMismatch "attestation_user_data_mismatch" "the document's user_data is not the policy's";
    1330 AttestationPublicKeyMismatch "attestation_public_key_mismatch" "the document's public_key is not the policy's";
    1331 AttestationTooOld "attestation_too_old" "the document is older than the policy allows";
    1332 AttestationFromFuture "attestation_from_future" "the document's timestamp lies further ahead of the time than the policy's clock skew";
    1333 AttestationRevoked "attestation_revoked" "a certificate of the chain has a serial number that the policy revokes";
    1351 CertificateMalformed "certificate_malformed" "not the DER of an X.509 certificate";
    1352 CertificateVersion "certificate_version" "the certificate is not of version 3";
    1353 CertificateAlgorithm "certificate_algorithm" "the certificate's key is not P-384 or its signature not ecdsa-with-SHA384";
    1354 CertificateBasicConstraints "certificate_basic_constraints" "the certificate lacks BasicConstraints, or is a CA where an end entity belongs or the reverse";
    1355 CertificatePathLength "certificate_path_length" "more CA certificates follow than pathLenConstraint allows";
    1356 CertificateKeyUsage "certificate_key_usage" "the certificate lacks keyCertSign (CA) or digitalSignature (end entity)";
    1357 CertificateCriticalExtension "certificate_critical_extension" "the certificate has a critical extension that is not understood";
    1358 CertificateNotYetValid "certificate_not_yet_valid" "the certificate is not yet valid at the verification time";
    1359 CertificateExpired "certificate_expired" "the certificate has expired at the verification time";
    1360 CertificateRoot "certificate_root" "the chain does not start at a trusted root";
    1361 CertificateOrder "certificate_order" "the certificate's issuer is not the subject of the one above it";
    1362 CertificateRepeated "certificate_repeated" "two certificates of the chain have the same subject";
    1363 CertificateSignature "certificate_signature" "a certificate's signature does not verify under its issuer's key";
    1364 CertificateChain "certificate_chain" "path validation refuses the certificate chain";

    // CMS and recipient.
    1401 CmsSize "cms_size" "the CiphertextForRecipient is empty or longer than KMS makes it";
    1402 CmsTruncated "cms_truncated" "an element of the CMS ends early: it is truncated, or a length is wrong";
    1403 CmsElement "cms_element" "another element stands in the CMS where KMS has this field";
    1404 CmsLength "cms_length" "a length in the CMS is not in a form that KMS uses";
    1405 CmsLeftOver "cms_left_over" "something follows the last field of this element of the CMS";
    1406 CmsTrailing "cms_trailing" "bytes follow the end of the CMS";
    1407 CmsNotEnvelopedData "cms_not_enveloped_data" "the CMS is not EnvelopedData";
    1408 CmsVersion "cms_version" "a version in the CMS is not 2: its recipient is not named by a subjectKeyIdentifier";
    1409 CmsRecipientCount "cms_recipient_count" "the CMS is not for exactly one recipient";
    1410 CmsRecipientType "cms_recipient_type" "the CMS's recipient is not a KeyTransRecipientInfo";
    1411 CmsIssuerAndSerialNumber "cms_issuer_and_serial_number" "the CMS names its recipient by issuer and serial number: not AWS KMS's form";
    1412 CmsKeyIdentifier "cms_key_identifier" "the CMS's subjectKeyIdentifier is not a SHA-256 hash";
    1413 CmsKeyEncryptionAlgorithm "cms_key_encryption_algorithm" "the CMS's content key is not encrypted with RSAES-OAEP";
    1414 CmsOaepSha1 "cms_oaep_sha1" "the CMS uses RSAES-OAEP with SHA-1: the request must ask for RSAES_OAEP_SHA_256";
    1415 CmsOaepParameters "cms_oaep_parameters" "the CMS uses RSAES-OAEP with other functions than SHA-256 and MGF1 with SHA-256";
    1416 CmsEncryptedKey "cms_encrypted_key" "the CMS's encrypted key has the length of no RSA key of 2048..4096 bits";
    1417 CmsNotData "cms_not_data" "the CMS's content is not plain data";
    1418 CmsContentEncryptionAlgorithm "cms_content_encryption_algorithm" "the CMS's content is not encrypted with AES-256-CBC";
    1419 CmsIv "cms_iv" "the CMS's IV is not 16 bytes";
    1420 CmsContentLength "cms_content_length" "the CMS's encrypted content is empty or not whole AES blocks";
    1421 CmsForeignRecipient "cms_foreign_recipient" "the CMS is for another recipient key";

    // Shamir.
    1501 ShamirThreshold "shamir_threshold" "the threshold is not 1..n, the number of shares";
    1502 ShamirSecretLength "shamir_secret_length" "a secret to be split is 1..65536 bytes";
    1503 ShareCoordinate "share_coordinate" "a share's coordinate x is 0, where the secret itself lies";
    1504 ShareLength "share_length" "a share holds 1..65536 bytes beside its coordinate";
    1505 ShamirNoShares "shamir_no_shares" "there are no shares to combine";
    1506 ShamirShareLengths "shamir_share_lengths" "the shares differ in length: they are not of one split";
    1507 ShamirShareRepeated "shamir_share_repeated" "two shares have the same coordinate x";

    // The sealed blob.
    1601 BlobSize "blob_size" "the blob is empty or longer than a sealed blob can be";
    1602 BlobMalformed "blob_malformed" "not a sealed blob: the encoding breaks the format";
    1603 BlobNotDeterministic "blob_not_deterministic" "the blob is not deterministically encoded (RFC 8949 section 4.2.1)";
    1604 BlobTrailing "blob_trailing" "bytes follow the end of the blob";
    1605 BlobVersion "blob_version" "the blob's version is not one that this release reads";
    1606 BlobBounds "blob_bounds" "a field of the blob is outside its bounds";
    1607 BindingCount "binding_count" "a blob has 1..8 bindings";
    1608 BindingDuplicate "binding_duplicate" "two bindings of the blob accept the same PCR values";
    1609 BindingRejected "binding_rejected" "the matching binding does not unwrap the content key: it was altered";
    1610 ContentRejected "content_rejected" "the bundle does not authenticate under this header and external_aad: altered, or another external_aad";
    1611 PcrDrift "pcr_drift" "no binding of the blob accepts the measured PCR values";
    1612 BindingTooWeak "binding_too_weak" "a binding does not cover every required PCR";
    1613 BindingUnknown "binding_unknown" "there is no binding with these PCR values or at this position";
    1614 SecretLength "secret_length" "a secret is 1..65536 bytes";

    // Names and the trust policy.
    1701 KeyArn "key_arn" "not the full ARN of a KMS key (arn:PARTITION:kms:REGION:ACCOUNT:key/ID)";
    1702 ClusterId "cluster_id" "a cluster id is 1..64 characters of A-Z a-z 0-9 . _ -";
    1703 QuorumSize "quorum_size" "a quorum has 1..16 keys and a threshold from 1 to their number";
    1704 QuorumRepeatedKey "quorum_repeated_key" "a quorum names the same key id twice";
    1705 QuorumMultiRegion "quorum_multi_region" "a quorum names a multi-Region key without the opt-in: its replicas have policies of their own";
    1706 QuorumSingleShare "quorum_single_share" "a threshold of 1 without the opt-in: any single key would open the blob";
    1707 PolicyEmpty "policy_empty" "a trust policy needs at least one quorum and at least one required PCR";
    1708 ClusterMismatch "cluster_mismatch" "the blob belongs to another cluster";
    1709 GenerationTooOld "generation_too_old" "the blob's generation is below the trusted minimum (rollback)";
    1710 SealIdMismatch "seal_id_mismatch" "the blob is not the pinned one";
    1711 WrappingMismatch "wrapping_mismatch" "the blob's wrapping is not that of any trusted quorum";
    1712 ThresholdMismatch "threshold_mismatch" "the blob's threshold is not that of the trusted quorum";
    1713 KeyNotTrusted "key_not_trusted" "the blob names a KMS key that no trusted quorum names";
    1714 KeyRepeated "key_repeated" "the blob names the same KMS key twice";
    1715 KeyOrder "key_order" "the blob names the trusted keys in another order";
    1716 KeyCount "key_count" "the blob does not name all keys of a trusted quorum";
    1717 DebugMode "debug_mode" "the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the trust policy does not allow";
    1718 PcrMissing "pcr_missing" "a required PCR was not measured";
    1719 QuorumWrappings "quorum_wrappings" "one KMS key stands in quorums of both wrappings: an `attested` key must never have permitted Encrypt";

    // Sessions.
    1801 NoSealQuorum "no_seal_quorum" "the trust policy names no quorum for sealing";
    1802 GenerationExhausted "generation_exhausted" "the generation cannot be raised any further";
    1803 UnknownShare "unknown_share" "there is no share with this position";
    1804 AlreadyAnswered "already_answered" "this share's key was answered before";
    1805 SealIncomplete "seal_incomplete" "not every key of the quorum has answered: a seal needs them all";
    1806 Unproven "unproven" "the new blob opened to something else than what was sealed";
    1807 AnswerKeyId "answer_key_id" "KMS answered for another key than the one asked";
    1808 AnswerPlaintext "answer_plaintext" "KMS answered with a plaintext beside or instead of CiphertextForRecipient";
    1809 AnswerMissing "answer_missing" "KMS answered without CiphertextForRecipient";
    1810 AnswerLength "answer_length" "KMS answered with a CiphertextBlob outside 1..6144 bytes";
    1811 ShareRejected "share_rejected" "the share does not authenticate under its key, seal and position";
    1812 QuorumNotReached "quorum_not_reached" "fewer keys released their share than are needed";
    1813 CommitmentMismatch "commitment_mismatch" "the shares combine to another key than the one committed to";
    1814 SecretRejected "secret_rejected" "the sealed secret does not authenticate";
    1815 ResealUnvouched "reseal_unvouched" "an `attested` seal of a secret from an `encrypt` blob needs the opt-in: nobody vouches for its origin";

    // Attesters.
    2001 Attester "attester" "the attester (the Nitro Secure Module) failed";
    2002 NsmInvalidArgument "nsm_invalid_argument" "the Nitro Secure Module refuses an argument";
    2003 NsmInvalidIndex "nsm_invalid_index" "the Nitro Secure Module has no PCR with this index";
    2004 NsmReadOnlyIndex "nsm_read_only_index" "the PCR is locked: it can be neither extended nor locked again";
    2005 NsmInputTooLarge "nsm_input_too_large" "an input is longer than the Nitro Secure Module takes";
    2006 NsmInvalidResponse "nsm_invalid_response" "the Nitro Secure Module says that its answer does not belong to the request";
    2007 NsmInvalidOperation "nsm_invalid_operation" "the Nitro Secure Module cannot do this, or does not understand the request";
    2008 NsmBufferTooSmall "nsm_buffer_too_small" "the Nitro Secure Module's answer does not fit the buffer given for it";
    2009 NsmInternalError "nsm_internal_error" "the Nitro Secure Module failed inside";
    2010 NsmErrorUnknown "nsm_error_unknown" "the Nitro Secure Module answers with an error code that its interface does not name";
    2011 NsmAnswerMalformed "nsm_answer_malformed" "the answer of the Nitro Secure Module is not of the form that the request demands";
    2012 NsmPcrUnlocked "nsm_pcr_unlocked" "the PCR is not locked: attestation documents do not show it, so no key policy can demand its value, and it can still be changed";
    2021 NsmDeviceMissing "nsm_device_missing" "there is no device of the Nitro Secure Module: not a Nitro Enclave, or its driver (nsm.ko) is not loaded";
    2022 NsmDevicePermission "nsm_device_permission" "no permission to open the device of the Nitro Secure Module";
    2023 NsmDeviceKind "nsm_device_kind" "the path of the Nitro Secure Module is not a character device";
    2024 NsmDeviceOpen "nsm_device_open" "the device of the Nitro Secure Module cannot be opened";
    2025 NsmIoctl "nsm_ioctl" "the driver of the Nitro Secure Module failed to carry the request";
    2026 NsmSocket "nsm_socket" "the socket of the Nitro Secure Module cannot be reached, or broke";
    2031 KernelEntropy "kernel_entropy" "the kernel's entropy pool did not take what it was fed";
    2041 NitroTpmTool "nitro_tpm_tool" "the program nitro-tpm-attest cannot be run, or failed";
    2042 NitroTpmDocument "nitro_tpm_document" "nitro-tpm-attest printed something else than the document asked for";
    2043 NitroTpmPcr "nitro_tpm_pcr" "a SHA-384 PCR of the TPM cannot be read";

    // KMS client: configuration.
    3001 KmsEndpoint "kms_endpoint" "an endpoint is http:// or https://, a host, and a port if need be";
    3002 KmsEndpointNotLoopback "kms_endpoint_not_loopback" "an http:// endpoint is allowed on a loopback address only";
    // 3003 was kms_no_roots: without roots given, Amazon's are trusted.
    3004 KmsRootCertificate "kms_root_certificate" "a root certificate cannot be read";
    3005 KmsCredentials "kms_credentials" "credentials are missing, or not of the form that AWS issues";
    3006 KmsRegion "kms_region" "not the name of an AWS region";
    3007 KmsClock "kms_clock" "the clock stands outside the years 1970 to 9999";
    3008 KmsTlsVersions "kms_tls_versions" "the TLS implementation offers neither TLS 1.2 nor TLS 1.3";

    // KMS client: requests.
    3011 KmsKeyId "kms_key_id" "a KeyId is 1..2048 bytes";
    3012 KmsCiphertextBlob "kms_ciphertext_blob" "a CiphertextBlob is 1..6144 bytes";
    3013 KmsPlaintext "kms_plaintext" "a Plaintext is 1..4096 bytes";
    3014 KmsAttestationDocument "kms_attestation_document" "an AttestationDocument is 1..262144 bytes";
    3015 KmsNumberOfBytes "kms_number_of_bytes" "a data key, or a string of random bytes, is 1..1024 bytes";
    3016 KmsEncryptionContext "kms_encryption_context" "an EncryptionContext is too large, or holds an empty key";
    3017 KmsRequest "kms_request" "the request cannot be written";
    3018 KmsGrantTokens "kms_grant_tokens" "a request carries at most 10 grant tokens, each of 1..8192 bytes";
    3019 KmsPublicKey "kms_public_key" "a PublicKey is 1..8192 bytes";

    // KMS client: the way to KMS.
    3021 KmsConnect "kms_connect" "no connection to the endpoint";
    3022 KmsTls "kms_tls" "the TLS handshake with the endpoint failed";
    3023 KmsConnectTimeout "kms_connect_timeout" "the connection was not established in time";
    3024 KmsTimeout "kms_timeout" "KMS did not answer within the time of the whole operation";
    3025 KmsHttp "kms_http" "the connection broke, or the answer is not HTTP";

    // KMS client: answers that cannot be used.
    3031 KmsAnswerTooLong "kms_answer_too_long" "the answer is longer than any answer of KMS";
    3032 KmsAnswerMalformed "kms_answer_malformed" "the answer is not the JSON of this operation";
    3033 KmsAnswerField "kms_answer_field" "a field of the answer is missing or outside its bounds";
    3034 KmsPlaintextBesideRecipient "kms_plaintext_beside_recipient" "the answer to a request with Recipient holds a Plaintext: the endpoint does not honour Recipient";

    // KMS client: errors of the service, by class.
    3041 KmsAccessDenied "kms_access_denied" "KMS refused: access denied";
    3042 KmsAttestationRejected "kms_attestation_rejected" "KMS refused the attestation document";
    3043 KmsKeyDisabled "kms_key_disabled" "the KMS key is disabled";
    3044 KmsKeyPendingDeletion "kms_key_pending_deletion" "the KMS key is pending deletion";
    3045 KmsKeyInvalidState "kms_key_invalid_state" "the state of the KMS key does not permit the request";
    3046 KmsNotFound "kms_not_found" "there is no such KMS key";
    3047 KmsIncorrectKey "kms_incorrect_key" "the ciphertext was made under another KMS key";
    3048 KmsInvalidCiphertext "kms_invalid_ciphertext" "KMS cannot open the ciphertext: altered, or another EncryptionContext";
    3049 KmsDryRunOperation "kms_dry_run_operation" "the dry run says: the request would have succeeded";
    3050 KmsThrottled "kms_throttled" "KMS throttled the request";
    3051 KmsUnavailable "kms_unavailable" "KMS is unavailable for the moment";
    3052 KmsCredentialsRejected "kms_credentials_rejected" "AWS rejected the signature or the credentials";
    3053 KmsClockSkew "kms_clock_skew" "AWS rejected the time of the request: the clocks differ";
    3054 KmsValidation "kms_validation" "KMS found the request invalid";
    3055 KmsOther "kms_other" "KMS answered with an error of another kind";
    3056 KmsAttestationStale "kms_attestation_stale" "KMS refused the attestation document: older than five minutes";
    3057 KmsAttestationMalformed "kms_attestation_malformed" "KMS refused the attestation document: it cannot be read";
    3058 KmsExplicitDeny "kms_explicit_deny" "KMS refused: a policy denies it explicitly";
    3059 KmsNoAllow "kms_no_allow" "KMS refused: no policy allows it";
    3060 KmsCredentialsExpired "kms_credentials_expired" "the AWS credentials have expired";

    // KMS client: stages of an attempt, and what the configuration may say about them.
    3061 KmsTlsTimeout "kms_tls_timeout" "the TLS handshake was not done in time";
    3062 KmsAnswerTimeout "kms_answer_timeout" "the head of an answer did not come in time";
    3063 KmsBodyTimeout "kms_body_timeout" "the body of the answer did not come in time";
    3064 KmsAttemptTimeout "kms_attempt_timeout" "the transport gave no answer in time";
    3065 KmsRetryPolicy "kms_retry_policy" "the retry policy has more or fewer attempts than it can";

    // KMS client: requests, continued.
    3071 KmsPolicy "kms_policy" "a key policy is 1..131072 characters, each a tab, a line break or of Latin-1";
    3072 KmsCustomKeyStoreId "kms_custom_key_store_id" "a CustomKeyStoreId is 1..64 bytes";

    // KMS client: credentials.
    3101 CredentialsConfiguration "credentials_configuration" "a provider of credentials cannot be used as it is configured";
    3102 CredentialsEndpoint "credentials_endpoint" "a container credentials endpoint is http:// on a loopback address, 169.254.170.2, 169.254.170.23 or fd00:ec2::23";
    3103 CredentialsUnset "credentials_unset" "an environment variable that the provider of credentials needs is not set, or not text";
    3104 CredentialsFile "credentials_file" "a file that the provider of credentials needs cannot be read";
    3105 CredentialsUnreachable "credentials_unreachable" "no connection to the source of the credentials";
    3106 CredentialsTimeout "credentials_timeout" "the source of the credentials did not answer in time";
    3107 CredentialsBroken "credentials_broken" "the connection to the source of the credentials broke, or the answer is not HTTP";
    3108 CredentialsUnavailable "credentials_unavailable" "the source of the credentials is unavailable for the moment";
    3109 CredentialsRefused "credentials_refused" "the source of the credentials refused to hand out any";
    3110 CredentialsTooLong "credentials_too_long" "the source of the credentials sent more than a credentials document can hold";
    3111 CredentialsMalformed "credentials_malformed" "not the JSON of a credentials document";
    3112 CredentialsField "credentials_field" "a field of the credentials document is missing, or has another value than its place demands";
    3113 CredentialsExpired "credentials_expired" "the source handed out credentials that have expired already";
    3114 CredentialsRejected "credentials_rejected" "AWS rejected the credentials, and their provider has no others";
    3115 CredentialsProvider "credentials_provider" "the provider of credentials failed";
    3116 CredentialsInterrupted "credentials_interrupted" "the fetch of credentials ended without a result: its runtime was shut down, or the provider panicked";

    // Key policies: documents.
    4001 PolicyTooLong "policy_too_long" "the policy document is longer than PutKeyPolicy takes";
    4002 PolicySyntax "policy_syntax" "the policy document is not JSON";
    4003 PolicyDuplicateKey "policy_duplicate_key" "a name stands twice in one object of the policy document";
    4004 PolicyType "policy_type" "a member of the policy document has another type than its place demands";
    4005 PolicyMember "policy_member" "a member of the policy document is missing, or stands beside one that excludes it";
    4006 PolicyVersion "policy_version" "the policy's Version is not one of the policy language";
    4007 PolicyEffect "policy_effect" "a statement's Effect is neither Allow nor Deny";
    4008 PolicyPrincipal "policy_principal" "a statement's principal is not of a form that the policy language has";
    4009 PolicyOperator "policy_operator" "a condition has an operator that the policy language does not have";

    // Key policies: names.
    4021 AccountId "account_id" "an AWS account id has twelve digits";
    4022 PrincipalArn "principal_arn" "not the ARN of an account's root, a role, a role session, a user or a federated user";
    4023 ActionName "action_name" "not an action of AWS KMS (kms:NAME)";

    // Key policies: rendering.
    4201 PcrZero "pcr_zero" "a PCR value of all zeros identifies a debug-mode enclave, or a register that nothing was measured into";
    4202 ReleasePcrs "release_pcrs" "the PCRs of a release are not those that the policy can demand";
    4203 ReleaseMismatch "release_mismatch" "the current and the previous release cannot stand in one policy";
    4204 ProfileWrapping "profile_wrapping" "the profile permits Encrypt and grants no GenerateDataKey, so it fits only `encrypt` wrapping";
    4205 PolicyRole "policy_role" "a role cannot have this part in the policy";
    4206 PolicyGenerations "policy_generations" "the policy would accept no generation";
    4207 RenderedTooLong "rendered_too_long" "the rendered policy is longer than KMS takes";
    4208 TerraformName "terraform_name" "not a name of the Terraform language";

    // Facade.
    6001 KeyUnfit "key_unfit" "a KMS key is not fit to hold a share";
    6002 KeyPermitsEncrypt "key_permits_encrypt" "a key of an `attested` quorum permits kms:Encrypt: whoever holds the credentials can forge a blob";
    6003 KeyNotChecked "key_not_checked" "a key could not be checked before the seal";
    6004 Interrupted "interrupted" "the runtime was shut down, or a part of it failed, before the work was done";
    6005 DeadlineExceeded "deadline_exceeded" "the deadline passed while the enclave made a key or waited for its attester";
    6006 KeyPermitsGenerateDataKey "key_permits_generate_data_key" "a key of an `attested` quorum permits kms:GenerateDataKey without attestation: whoever holds the credentials can forge a blob";
    6007 BlobNotKept "blob_not_kept" "the host did not store the new blob; no key was retired";
    6008 KeyInUse "key_in_use" "the key belongs to the sealing quorum: new blobs need it";
    6009 KeyHoldsNoShare "key_holds_no_share" "the key holds no share of this blob";

    // Facade: configuration.
    6021 ConfigTooLong "config_too_long" "the configuration is longer than any configuration can be";
    6022 ConfigSyntax "config_syntax" "the configuration is not JSON";
    6023 ConfigMember "config_member" "a member of the configuration is missing, stands twice, is not known, or stands beside one that excludes it";
    6024 ConfigType "config_type" "a member of the configuration has another type than its place demands";
    6025 ConfigValue "config_value" "a member of the configuration has another value than its place demands";
    6026 ConfigTransport "config_transport" "the session's configuration leaves the transport to the host, or the call is for such a session alone";

    // C ABI.
    8001 NullPointer "null_pointer" "a pointer that must not be NULL is NULL";
    8002 MisalignedPointer "misaligned_pointer" "a pointer is not aligned for what it points to";
    8003 InputLength "input_length" "an input is longer than its place takes";
    8004 BufferTooSmall "buffer_too_small" "the buffer is too small for what belongs there; nothing was written but the length that it needs";
    8005 Overlap "overlap" "an output overlaps an input or another output";
    8006 Panic "panic" "a defect of pcrseal: it failed inside, and the call came to nothing";
    8007 TextEncoding "text_encoding" "a text is not UTF-8";
    8008 Cancelled "cancelled" "the call was cancelled";
    8009 Finished "finished" "the handle has been finished: nothing more can be done with it but to free it";
    8010 Reentrant "reentrant" "a call from within a callback of pcrseal";
    8011 MemoryNotLocked "memory_not_locked" "the memory for a secret cannot be locked (RLIMIT_MEMLOCK)";
    8012 UnknownConstant "unknown_constant" "a number is none of the constants that its place takes";
    8013 Threads "threads" "the session's threads cannot be started";
}

/// An error: a stable [`Code`], and what was expected and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    detail: Detail,
}

/// What was expected and what was found; public data only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// The code says it all.
    None,
    /// Where the fault sits: the field's name in the standard.
    Field(&'static str),
    /// A count or a length.
    Number {
        /// What was counted, with its unit.
        what: &'static str,
        /// The rule, in words or digits.
        expected: &'static str,
        /// What was there.
        found: u64,
    },
    /// Two texts that should have been equal.
    Text {
        /// What was compared.
        what: &'static str,
        /// What the trusted side says.
        expected: Box<str>,
        /// What the other side says.
        found: Box<str>,
    },
    /// PCRs that differ.
    Pcrs(Box<[PcrMismatch]>),
    /// What was expected at a place of a text, and what stands there.
    At {
        /// The place: line and column, or a JSON pointer (RFC 6901).
        place: Box<str>,
        /// The rule, in words.
        expected: &'static str,
        /// What is there.
        found: Box<str>,
    },
    /// Everything that is wrong, each with its own code and detail.
    All(Box<[Error]>),
}

impl Error {
    /// An error that its code describes fully.
    pub const fn new(code: Code) -> Self {
        Self { code, detail: Detail::None }
    }

    /// An error in one named field.
    pub const fn field(code: Code, field: &'static str) -> Self {
        Self { code, detail: Detail::Field(field) }
    }

    /// An error about a count or a length.
    pub const fn number(code: Code, what: &'static str, expected: &'static str, found: u64) -> Self {
        Self { code, detail: Detail::Number { what, expected, found } }
    }

    /// An error about two texts that differ; both must be public.
    pub fn text(
        code: Code,
        what: &'static str,
        expected: impl fmt::Display,
        found: impl fmt::Display,
    ) -> Self {
        let (expected, found) = (expected.to_string().into(), found.to_string().into());
        Self { code, detail: Detail::Text { what, expected, found } }
    }

    /// An error at a place of a text (line and column, or a JSON pointer), which must be public.
    pub fn at(
        code: Code,
        place: impl Into<Box<str>>,
        expected: &'static str,
        found: impl fmt::Display,
    ) -> Self {
        Self { code, detail: Detail::At { place: place.into(), expected, found: found.to_string().into() } }
    }

    /// An error about PCRs that differ.
    pub fn pcrs(code: Code, mismatches: impl Into<Box<[PcrMismatch]>>) -> Self {
        Self { code, detail: Detail::Pcrs(mismatches.into()) }
    }

    /// An error that is made of others.
    pub fn all(code: Code, errors: impl Into<Box<[Self]>>) -> Self {
        Self { code, detail: Detail::All(errors.into()) }
    }

    /// The same detail under another code: what a fault in a part means for the whole.
    #[must_use]
    pub(crate) fn recode(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The stable code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// What was expected and what was found.
    pub const fn detail(&self) -> &Detail {
        &self.detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.text())?;
        match &self.detail {
            Detail::None => Ok(()),
            Detail::Field(field) => write!(f, " [{field}]"),
            Detail::Number { what, expected, found } => {
                write!(f, " [{what}: expected {expected}, found {found}]")
            }
            Detail::Text { what, expected, found } => {
                write!(f, " [{what}: expected {expected:?}, found {found:?}]")
            }
            Detail::Pcrs(mismatches) => {
                for mismatch in mismatches {
                    write!(f, "; {mismatch}")?;
                }
                Ok(())
            }
            Detail::At { place, expected, found } => {
                let place = if place.is_empty() { "the whole" } else { place };
                write!(f, " [{place}: expected {expected}, found {found}]")
            }
            Detail::All(errors) => errors.iter().try_for_each(|error| write!(f, "; {error}")),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for Error {}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_ascend_and_names_are_unique_snake_case() {
        for pair in Code::ALL.windows(2) {
            assert!(pair[0].number() < pair[1].number(), "{} before {}", pair[0], pair[1]);
        }
        for (position, code) in Code::ALL.iter().enumerate() {
            assert!(code.name().bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_'));
            assert!(Code::ALL[..position].iter().all(|earlier| earlier.name() != code.name()), "{code}");
        }
    }
}
