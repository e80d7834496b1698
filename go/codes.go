// Code generated from core/src/error.rs by `cargo run -p pcrseal-header`; DO NOT EDIT.

package pcrseal

// The status codes. Numbers and names never change their meaning and are never reused.
const (
	// CodeRandom: the random number generator failed.
	CodeRandom Code = 1001
	// CodeRejected: the key material does not open this: wrong key, altered data or bad padding (deliberately
	// not told apart).
	CodeRejected Code = 1002
	// CodeTooLong: an input is longer than its bound.
	CodeTooLong Code = 1003
	// CodePCRIndex: a PCR index is out of range 0..31.
	CodePCRIndex Code = 1101
	// CodePCRLength: a PCR value is not 48 bytes (96 hex digits).
	CodePCRLength Code = 1102
	// CodePCRHex: a PCR value holds something else than hex digits.
	CodePCRHex Code = 1103
	// CodeMeasurementsJSON: not the measurements JSON that nitro-cli prints.
	CodeMeasurementsJSON Code = 1104
	// CodeMeasurementsAlgorithm: the measurements are not SHA-384.
	CodeMeasurementsAlgorithm Code = 1105
	// CodeMeasurementsMissing: the measurements JSON lacks a field.
	CodeMeasurementsMissing Code = 1106
	// CodeMeasurementsUnknown: the measurements JSON has a measurement that nitro-cli does not print.
	CodeMeasurementsUnknown Code = 1107
	// CodeRoleARN: not the ARN of an IAM role (arn:PARTITION:iam::ACCOUNT:role/NAME).
	CodeRoleARN Code = 1108
	// CodeInstanceID: not an EC2 instance id (i- and 8 or 17 lower-case hex digits).
	CodeInstanceID Code = 1109
	// CodeSigningCertificate: not the DER of a certificate (PEM has to be decoded first).
	CodeSigningCertificate Code = 1110
	// CodeCBORTruncated: the CBOR ends in the middle of an item.
	CodeCBORTruncated Code = 1201
	// CodeCBORType: a CBOR item has another type than its place demands.
	CodeCBORType Code = 1202
	// CodeCBORNotShortest: a CBOR head is longer than it need be.
	CodeCBORNotShortest Code = 1203
	// CodeCBORIndefinite: a CBOR item has an indefinite length where a definite one is demanded.
	CodeCBORIndefinite Code = 1204
	// CodeCBORTrailing: bytes follow the end of the CBOR.
	CodeCBORTrailing Code = 1205
	// CodeCBORText: a CBOR text string is not UTF-8.
	CodeCBORText Code = 1206
	// CodeCBORRange: a CBOR integer is outside the range of its place.
	CodeCBORRange Code = 1207
	// CodeCBORDuplicateKey: a CBOR map has the same key twice.
	CodeCBORDuplicateKey Code = 1208
	// CodeCBORValue: a CBOR item has another value or length than its place demands.
	CodeCBORValue Code = 1209
	// CodeCOSETag: the message carries another CBOR tag than that of COSE_Sign1 (18).
	CodeCOSETag Code = 1221
	// CodeCOSEArray: COSE_Sign1 is an array of four.
	CodeCOSEArray Code = 1222
	// CodeCOSEProtected: the protected header is not exactly {1: -35} (ES384).
	CodeCOSEProtected Code = 1223
	// CodeCOSEUnprotected: the unprotected header is not empty.
	CodeCOSEUnprotected Code = 1224
	// CodeCOSEPayload: the COSE payload is outside 1..16384 bytes.
	CodeCOSEPayload Code = 1225
	// CodeCOSESignatureLength: an ES384 signature is 96 bytes.
	CodeCOSESignatureLength Code = 1226
	// CodeCOSESignatureRejected: the COSE signature does not verify under the leaf certificate's key.
	CodeCOSESignatureRejected Code = 1227
	// CodeAttestationFieldUnknown: the attestation document has a field that the specification does not name.
	CodeAttestationFieldUnknown Code = 1301
	// CodeAttestationFieldMissing: the attestation document lacks a required field.
	CodeAttestationFieldMissing Code = 1302
	// CodeAttestationModuleID: the attestation document's module_id is empty.
	CodeAttestationModuleID Code = 1303
	// CodeAttestationDigest: the attestation document's digest is not SHA384.
	CodeAttestationDigest Code = 1304
	// CodeAttestationTimestamp: the attestation document's timestamp is zero.
	CodeAttestationTimestamp Code = 1305
	// CodeAttestationPCRCount: an attestation document holds 1..32 PCRs.
	CodeAttestationPCRCount Code = 1306
	// CodeAttestationPCRFields: the attestation document has both pcrs and nitrotpm_pcrs.
	CodeAttestationPCRFields Code = 1307
	// CodeAttestationCabundle: the attestation document's cabundle holds 1..7 certificates.
	CodeAttestationCabundle Code = 1308
	// CodeAttestationFieldLength: a field of the attestation document is outside its length.
	CodeAttestationFieldLength Code = 1309
	// CodeAttestationPolicyEmpty: the attestation policy names no PCR, no module id and no instance id: any
	// enclave of any AWS customer would satisfy it.
	CodeAttestationPolicyEmpty Code = 1310
	// CodeAttestationPolicyField: the attestation policy demands a value that no attestation document can
	// have.
	CodeAttestationPolicyField Code = 1311
	// CodeAttestationRefused: the attestation does not satisfy the policy.
	CodeAttestationRefused Code = 1320
	// CodeAttestationKindMismatch: the document attests another kind of module than the policy demands.
	CodeAttestationKindMismatch Code = 1321
	// CodeAttestationPCRMismatch: a PCR has none of the values that the policy accepts.
	CodeAttestationPCRMismatch Code = 1322
	// CodeAttestationPCRAbsent: the document lacks a PCR that the policy names.
	CodeAttestationPCRAbsent Code = 1323
	// CodeAttestationDebugMode: the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the
	// policy does not allow.
	CodeAttestationDebugMode Code = 1324
	// CodeAttestationDebugUnknown: the document lacks one of PCR0, PCR1 and PCR2, without which debug mode
	// cannot be ruled out.
	CodeAttestationDebugUnknown Code = 1325
	// CodeAttestationModuleIDMismatch: the document is of another module than the policy demands.
	CodeAttestationModuleIDMismatch Code = 1326
	// CodeAttestationInstanceIDMismatch: the document is of another EC2 instance than the policy demands.
	CodeAttestationInstanceIDMismatch Code = 1327
	// CodeAttestationNonceMismatch: the document's nonce is not the policy's.
	CodeAttestationNonceMismatch Code = 1328
	// CodeAttestationUserDataMismatch: the document's user_data is not the policy's.
	CodeAttestationUserDataMismatch Code = 1329
	// CodeAttestationPublicKeyMismatch: the document's public_key is not the policy's.
	CodeAttestationPublicKeyMismatch Code = 1330
	// CodeAttestationTooOld: the document is older than the policy allows.
	CodeAttestationTooOld Code = 1331
	// CodeAttestationFromFuture: the document's timestamp lies further ahead of the time than the policy's
	// clock skew.
	CodeAttestationFromFuture Code = 1332
	// CodeAttestationRevoked: a certificate of the chain has a serial number that the policy revokes.
	CodeAttestationRevoked Code = 1333
	// CodeCertificateMalformed: not the DER of an X.509 certificate.
	CodeCertificateMalformed Code = 1351
	// CodeCertificateVersion: the certificate is not of version 3.
	CodeCertificateVersion Code = 1352
	// CodeCertificateAlgorithm: the certificate's key is not P-384 or its signature not ecdsa-with-SHA384.
	CodeCertificateAlgorithm Code = 1353
	// CodeCertificateBasicConstraints: the certificate lacks BasicConstraints, or is a CA where an end entity
	// belongs or the reverse.
	CodeCertificateBasicConstraints Code = 1354
	// CodeCertificatePathLength: more CA certificates follow than pathLenConstraint allows.
	CodeCertificatePathLength Code = 1355
	// CodeCertificateKeyUsage: the certificate lacks keyCertSign (CA) or digitalSignature (end entity).
	CodeCertificateKeyUsage Code = 1356
	// CodeCertificateCriticalExtension: the certificate has a critical extension that is not understood.
	CodeCertificateCriticalExtension Code = 1357
	// CodeCertificateNotYetValid: the certificate is not yet valid at the verification time.
	CodeCertificateNotYetValid Code = 1358
	// CodeCertificateExpired: the certificate has expired at the verification time.
	CodeCertificateExpired Code = 1359
	// CodeCertificateRoot: the chain does not start at a trusted root.
	CodeCertificateRoot Code = 1360
	// CodeCertificateOrder: the certificate's issuer is not the subject of the one above it.
	CodeCertificateOrder Code = 1361
	// CodeCertificateRepeated: two certificates of the chain have the same subject.
	CodeCertificateRepeated Code = 1362
	// CodeCertificateSignature: a certificate's signature does not verify under its issuer's key.
	CodeCertificateSignature Code = 1363
	// CodeCertificateChain: path validation refuses the certificate chain.
	CodeCertificateChain Code = 1364
	// CodeCMSSize: the CiphertextForRecipient is empty or longer than KMS makes it.
	CodeCMSSize Code = 1401
	// CodeCMSTruncated: an element of the CMS ends early: it is truncated, or a length is wrong.
	CodeCMSTruncated Code = 1402
	// CodeCMSElement: another element stands in the CMS where KMS has this field.
	CodeCMSElement Code = 1403
	// CodeCMSLength: a length in the CMS is not in a form that KMS uses.
	CodeCMSLength Code = 1404
	// CodeCMSLeftOver: something follows the last field of this element of the CMS.
	CodeCMSLeftOver Code = 1405
	// CodeCMSTrailing: bytes follow the end of the CMS.
	CodeCMSTrailing Code = 1406
	// CodeCMSNotEnvelopedData: the CMS is not EnvelopedData.
	CodeCMSNotEnvelopedData Code = 1407
	// CodeCMSVersion: a version in the CMS is not 2: its recipient is not named by a subjectKeyIdentifier.
	CodeCMSVersion Code = 1408
	// CodeCMSRecipientCount: the CMS is not for exactly one recipient.
	CodeCMSRecipientCount Code = 1409
	// CodeCMSRecipientType: the CMS's recipient is not a KeyTransRecipientInfo.
	CodeCMSRecipientType Code = 1410
	// CodeCMSIssuerAndSerialNumber: the CMS names its recipient by issuer and serial number: not AWS KMS's
	// form.
	CodeCMSIssuerAndSerialNumber Code = 1411
	// CodeCMSKeyIdentifier: the CMS's subjectKeyIdentifier is not a SHA-256 hash.
	CodeCMSKeyIdentifier Code = 1412
	// CodeCMSKeyEncryptionAlgorithm: the CMS's content key is not encrypted with RSAES-OAEP.
	CodeCMSKeyEncryptionAlgorithm Code = 1413
	// CodeCMSOAEPSHA1: the CMS uses RSAES-OAEP with SHA-1: the request must ask for RSAES_OAEP_SHA_256.
	CodeCMSOAEPSHA1 Code = 1414
	// CodeCMSOAEPParameters: the CMS uses RSAES-OAEP with other functions than SHA-256 and MGF1 with SHA-256.
	CodeCMSOAEPParameters Code = 1415
	// CodeCMSEncryptedKey: the CMS's encrypted key has the length of no RSA key of 2048..4096 bits.
	CodeCMSEncryptedKey Code = 1416
	// CodeCMSNotData: the CMS's content is not plain data.
	CodeCMSNotData Code = 1417
	// CodeCMSContentEncryptionAlgorithm: the CMS's content is not encrypted with AES-256-CBC.
	CodeCMSContentEncryptionAlgorithm Code = 1418
	// CodeCMSIV: the CMS's IV is not 16 bytes.
	CodeCMSIV Code = 1419
	// CodeCMSContentLength: the CMS's encrypted content is empty or not whole AES blocks.
	CodeCMSContentLength Code = 1420
	// CodeCMSForeignRecipient: the CMS is for another recipient key.
	CodeCMSForeignRecipient Code = 1421
	// CodeShamirThreshold: the threshold is not 1..n, the number of shares.
	CodeShamirThreshold Code = 1501
	// CodeShamirSecretLength: a secret to be split is 1..65536 bytes.
	CodeShamirSecretLength Code = 1502
	// CodeShareCoordinate: a share's coordinate x is 0, where the secret itself lies.
	CodeShareCoordinate Code = 1503
	// CodeShareLength: a share holds 1..65536 bytes beside its coordinate.
	CodeShareLength Code = 1504
	// CodeShamirNoShares: there are no shares to combine.
	CodeShamirNoShares Code = 1505
	// CodeShamirShareLengths: the shares differ in length: they are not of one split.
	CodeShamirShareLengths Code = 1506
	// CodeShamirShareRepeated: two shares have the same coordinate x.
	CodeShamirShareRepeated Code = 1507
	// CodeBlobSize: the blob is empty or longer than a sealed blob can be.
	CodeBlobSize Code = 1601
	// CodeBlobMalformed: not a sealed blob: the encoding breaks the format.
	CodeBlobMalformed Code = 1602
	// CodeBlobNotDeterministic: the blob is not deterministically encoded (RFC 8949 section 4.2.1).
	CodeBlobNotDeterministic Code = 1603
	// CodeBlobTrailing: bytes follow the end of the blob.
	CodeBlobTrailing Code = 1604
	// CodeBlobVersion: the blob's version is not one that this release reads.
	CodeBlobVersion Code = 1605
	// CodeBlobBounds: a field of the blob is outside its bounds.
	CodeBlobBounds Code = 1606
	// CodeBindingCount: a blob has 1..8 bindings.
	CodeBindingCount Code = 1607
	// CodeBindingDuplicate: two bindings of the blob accept the same PCR values.
	CodeBindingDuplicate Code = 1608
	// CodeBindingRejected: the matching binding does not unwrap the content key: it was altered.
	CodeBindingRejected Code = 1609
	// CodeContentRejected: the bundle does not authenticate under this header and external_aad: altered, or
	// another external_aad.
	CodeContentRejected Code = 1610
	// CodePCRDrift: no binding of the blob accepts the measured PCR values.
	CodePCRDrift Code = 1611
	// CodeBindingTooWeak: a binding does not cover every required PCR.
	CodeBindingTooWeak Code = 1612
	// CodeBindingUnknown: there is no binding with these PCR values or at this position.
	CodeBindingUnknown Code = 1613
	// CodeSecretLength: a secret is 1..65536 bytes.
	CodeSecretLength Code = 1614
	// CodeKeyARN: not the full ARN of a KMS key (arn:PARTITION:kms:REGION:ACCOUNT:key/ID).
	CodeKeyARN Code = 1701
	// CodeClusterID: a cluster id is 1..64 characters of A-Z a-z 0-9 . _ -.
	CodeClusterID Code = 1702
	// CodeQuorumSize: a quorum has 1..16 keys and a threshold from 1 to their number.
	CodeQuorumSize Code = 1703
	// CodeQuorumRepeatedKey: a quorum names the same key id twice.
	CodeQuorumRepeatedKey Code = 1704
	// CodeQuorumMultiRegion: a quorum names a multi-Region key without the opt-in: its replicas have policies
	// of their own.
	CodeQuorumMultiRegion Code = 1705
	// CodeQuorumSingleShare: a threshold of 1 without the opt-in: any single key would open the blob.
	CodeQuorumSingleShare Code = 1706
	// CodePolicyEmpty: a trust policy needs at least one quorum and at least one required PCR.
	CodePolicyEmpty Code = 1707
	// CodeClusterMismatch: the blob belongs to another cluster.
	CodeClusterMismatch Code = 1708
	// CodeGenerationTooOld: the blob's generation is below the trusted minimum (rollback).
	CodeGenerationTooOld Code = 1709
	// CodeSealIDMismatch: the blob is not the pinned one.
	CodeSealIDMismatch Code = 1710
	// CodeWrappingMismatch: the blob's wrapping is not that of any trusted quorum.
	CodeWrappingMismatch Code = 1711
	// CodeThresholdMismatch: the blob's threshold is not that of the trusted quorum.
	CodeThresholdMismatch Code = 1712
	// CodeKeyNotTrusted: the blob names a KMS key that no trusted quorum names.
	CodeKeyNotTrusted Code = 1713
	// CodeKeyRepeated: the blob names the same KMS key twice.
	CodeKeyRepeated Code = 1714
	// CodeKeyOrder: the blob names the trusted keys in another order.
	CodeKeyOrder Code = 1715
	// CodeKeyCount: the blob does not name all keys of a trusted quorum.
	CodeKeyCount Code = 1716
	// CodeDebugMode: the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the trust policy
	// does not allow.
	CodeDebugMode Code = 1717
	// CodePCRMissing: a required PCR was not measured.
	CodePCRMissing Code = 1718
	// CodeQuorumWrappings: one KMS key stands in quorums of both wrappings: an `attested` key must never have
	// permitted Encrypt.
	CodeQuorumWrappings Code = 1719
	// CodeNoSealQuorum: the trust policy names no quorum for sealing.
	CodeNoSealQuorum Code = 1801
	// CodeGenerationExhausted: the generation cannot be raised any further.
	CodeGenerationExhausted Code = 1802
	// CodeUnknownShare: there is no share with this position.
	CodeUnknownShare Code = 1803
	// CodeAlreadyAnswered: this share's key was answered before.
	CodeAlreadyAnswered Code = 1804
	// CodeSealIncomplete: not every key of the quorum has answered: a seal needs them all.
	CodeSealIncomplete Code = 1805
	// CodeUnproven: the new blob opened to something else than what was sealed.
	CodeUnproven Code = 1806
	// CodeAnswerKeyID: KMS answered for another key than the one asked.
	CodeAnswerKeyID Code = 1807
	// CodeAnswerPlaintext: KMS answered with a plaintext beside or instead of CiphertextForRecipient.
	CodeAnswerPlaintext Code = 1808
	// CodeAnswerMissing: KMS answered without CiphertextForRecipient.
	CodeAnswerMissing Code = 1809
	// CodeAnswerLength: KMS answered with a CiphertextBlob outside 1..6144 bytes.
	CodeAnswerLength Code = 1810
	// CodeShareRejected: the share does not authenticate under its key, seal and position.
	CodeShareRejected Code = 1811
	// CodeQuorumNotReached: fewer keys released their share than are needed.
	CodeQuorumNotReached Code = 1812
	// CodeCommitmentMismatch: the shares combine to another key than the one committed to.
	CodeCommitmentMismatch Code = 1813
	// CodeSecretRejected: the sealed secret does not authenticate.
	CodeSecretRejected Code = 1814
	// CodeResealUnvouched: an `attested` seal of a secret from an `encrypt` blob needs the opt-in: nobody
	// vouches for its origin.
	CodeResealUnvouched Code = 1815
	// CodeAttester: the attester (the Nitro Secure Module) failed.
	CodeAttester Code = 2001
	// CodeNSMInvalidArgument: the Nitro Secure Module refuses an argument.
	CodeNSMInvalidArgument Code = 2002
	// CodeNSMInvalidIndex: the Nitro Secure Module has no PCR with this index.
	CodeNSMInvalidIndex Code = 2003
	// CodeNSMReadOnlyIndex: the PCR is locked: it can be neither extended nor locked again.
	CodeNSMReadOnlyIndex Code = 2004
	// CodeNSMInputTooLarge: an input is longer than the Nitro Secure Module takes.
	CodeNSMInputTooLarge Code = 2005
	// CodeNSMInvalidResponse: the Nitro Secure Module says that its answer does not belong to the request.
	CodeNSMInvalidResponse Code = 2006
	// CodeNSMInvalidOperation: the Nitro Secure Module cannot do this, or does not understand the request.
	CodeNSMInvalidOperation Code = 2007
	// CodeNSMBufferTooSmall: the Nitro Secure Module's answer does not fit the buffer given for it.
	CodeNSMBufferTooSmall Code = 2008
	// CodeNSMInternalError: the Nitro Secure Module failed inside.
	CodeNSMInternalError Code = 2009
	// CodeNSMErrorUnknown: the Nitro Secure Module answers with an error code that its interface does not
	// name.
	CodeNSMErrorUnknown Code = 2010
	// CodeNSMAnswerMalformed: the answer of the Nitro Secure Module is not of the form that the request
	// demands.
	CodeNSMAnswerMalformed Code = 2011
	// CodeNSMPCRUnlocked: the PCR is not locked: attestation documents do not show it, so no key policy can
	// demand its value, and it can still be changed.
	CodeNSMPCRUnlocked Code = 2012
	// CodeNSMDeviceMissing: there is no device of the Nitro Secure Module: not a Nitro Enclave, or its driver
	// (nsm.ko) is not loaded.
	CodeNSMDeviceMissing Code = 2021
	// CodeNSMDevicePermission: no permission to open the device of the Nitro Secure Module.
	CodeNSMDevicePermission Code = 2022
	// CodeNSMDeviceKind: the path of the Nitro Secure Module is not a character device.
	CodeNSMDeviceKind Code = 2023
	// CodeNSMDeviceOpen: the device of the Nitro Secure Module cannot be opened.
	CodeNSMDeviceOpen Code = 2024
	// CodeNSMIoctl: the driver of the Nitro Secure Module failed to carry the request.
	CodeNSMIoctl Code = 2025
	// CodeNSMSocket: the socket of the Nitro Secure Module cannot be reached, or broke.
	CodeNSMSocket Code = 2026
	// CodeKernelEntropy: the kernel's entropy pool did not take what it was fed.
	CodeKernelEntropy Code = 2031
	// CodeNitroTPMTool: the program nitro-tpm-attest cannot be run, or failed.
	CodeNitroTPMTool Code = 2041
	// CodeNitroTPMDocument: nitro-tpm-attest printed something else than the document asked for.
	CodeNitroTPMDocument Code = 2042
	// CodeNitroTPMPCR: a SHA-384 PCR of the TPM cannot be read.
	CodeNitroTPMPCR Code = 2043
	// CodeKMSEndpoint: an endpoint is http:// or https://, a host, and a port if need be.
	CodeKMSEndpoint Code = 3001
	// CodeKMSEndpointNotLoopback: an http:// endpoint is allowed on a loopback address only.
	CodeKMSEndpointNotLoopback Code = 3002
	// CodeKMSRootCertificate: a root certificate cannot be read.
	CodeKMSRootCertificate Code = 3004
	// CodeKMSCredentials: credentials are missing, or not of the form that AWS issues.
	CodeKMSCredentials Code = 3005
	// CodeKMSRegion: not the name of an AWS region.
	CodeKMSRegion Code = 3006
	// CodeKMSClock: the clock stands outside the years 1970 to 9999.
	CodeKMSClock Code = 3007
	// CodeKMSTLSVersions: the TLS implementation offers neither TLS 1.2 nor TLS 1.3.
	CodeKMSTLSVersions Code = 3008
	// CodeKMSKeyID: a KeyId is 1..2048 bytes.
	CodeKMSKeyID Code = 3011
	// CodeKMSCiphertextBlob: a CiphertextBlob is 1..6144 bytes.
	CodeKMSCiphertextBlob Code = 3012
	// CodeKMSPlaintext: a Plaintext is 1..4096 bytes.
	CodeKMSPlaintext Code = 3013
	// CodeKMSAttestationDocument: an AttestationDocument is 1..262144 bytes.
	CodeKMSAttestationDocument Code = 3014
	// CodeKMSNumberOfBytes: a data key, or a string of random bytes, is 1..1024 bytes.
	CodeKMSNumberOfBytes Code = 3015
	// CodeKMSEncryptionContext: an EncryptionContext is too large, or holds an empty key.
	CodeKMSEncryptionContext Code = 3016
	// CodeKMSRequest: the request cannot be written.
	CodeKMSRequest Code = 3017
	// CodeKMSGrantTokens: a request carries at most 10 grant tokens, each of 1..8192 bytes.
	CodeKMSGrantTokens Code = 3018
	// CodeKMSPublicKey: a PublicKey is 1..8192 bytes.
	CodeKMSPublicKey Code = 3019
	// CodeKMSConnect: no connection to the endpoint.
	CodeKMSConnect Code = 3021
	// CodeKMSTLS: the TLS handshake with the endpoint failed.
	CodeKMSTLS Code = 3022
	// CodeKMSConnectTimeout: the connection was not established in time.
	CodeKMSConnectTimeout Code = 3023
	// CodeKMSTimeout: KMS did not answer within the time of the whole operation.
	CodeKMSTimeout Code = 3024
	// CodeKMSHTTP: the connection broke, or the answer is not HTTP.
	CodeKMSHTTP Code = 3025
	// CodeKMSAnswerTooLong: the answer is longer than any answer of KMS.
	CodeKMSAnswerTooLong Code = 3031
	// CodeKMSAnswerMalformed: the answer is not the JSON of this operation.
	CodeKMSAnswerMalformed Code = 3032
	// CodeKMSAnswerField: a field of the answer is missing or outside its bounds.
	CodeKMSAnswerField Code = 3033
	// CodeKMSPlaintextBesideRecipient: the answer to a request with Recipient holds a Plaintext: the endpoint
	// does not honour Recipient.
	CodeKMSPlaintextBesideRecipient Code = 3034
	// CodeKMSAccessDenied: KMS refused: access denied.
	CodeKMSAccessDenied Code = 3041
	// CodeKMSAttestationRejected: KMS refused the attestation document.
	CodeKMSAttestationRejected Code = 3042
	// CodeKMSKeyDisabled: the KMS key is disabled.
	CodeKMSKeyDisabled Code = 3043
	// CodeKMSKeyPendingDeletion: the KMS key is pending deletion.
	CodeKMSKeyPendingDeletion Code = 3044
	// CodeKMSKeyInvalidState: the state of the KMS key does not permit the request.
	CodeKMSKeyInvalidState Code = 3045
	// CodeKMSNotFound: there is no such KMS key.
	CodeKMSNotFound Code = 3046
	// CodeKMSIncorrectKey: the ciphertext was made under another KMS key.
	CodeKMSIncorrectKey Code = 3047
	// CodeKMSInvalidCiphertext: KMS cannot open the ciphertext: altered, or another EncryptionContext.
	CodeKMSInvalidCiphertext Code = 3048
	// CodeKMSDryRunOperation: the dry run says: the request would have succeeded.
	CodeKMSDryRunOperation Code = 3049
	// CodeKMSThrottled: KMS throttled the request.
	CodeKMSThrottled Code = 3050
	// CodeKMSUnavailable: KMS is unavailable for the moment.
	CodeKMSUnavailable Code = 3051
	// CodeKMSCredentialsRejected: AWS rejected the signature or the credentials.
	CodeKMSCredentialsRejected Code = 3052
	// CodeKMSClockSkew: AWS rejected the time of the request: the clocks differ.
	CodeKMSClockSkew Code = 3053
	// CodeKMSValidation: KMS found the request invalid.
	CodeKMSValidation Code = 3054
	// CodeKMSOther: KMS answered with an error of another kind.
	CodeKMSOther Code = 3055
	// CodeKMSAttestationStale: KMS refused the attestation document: older than five minutes.
	CodeKMSAttestationStale Code = 3056
	// CodeKMSAttestationMalformed: KMS refused the attestation document: it cannot be read.
	CodeKMSAttestationMalformed Code = 3057
	// CodeKMSExplicitDeny: KMS refused: a policy denies it explicitly.
	CodeKMSExplicitDeny Code = 3058
	// CodeKMSNoAllow: KMS refused: no policy allows it.
	CodeKMSNoAllow Code = 3059
	// CodeKMSCredentialsExpired: the AWS credentials have expired.
	CodeKMSCredentialsExpired Code = 3060
	// CodeKMSTLSTimeout: the TLS handshake was not done in time.
	CodeKMSTLSTimeout Code = 3061
	// CodeKMSAnswerTimeout: the head of an answer did not come in time.
	CodeKMSAnswerTimeout Code = 3062
	// CodeKMSBodyTimeout: the body of the answer did not come in time.
	CodeKMSBodyTimeout Code = 3063
	// CodeKMSAttemptTimeout: the transport gave no answer in time.
	CodeKMSAttemptTimeout Code = 3064
	// CodeKMSRetryPolicy: the retry policy has more or fewer attempts than it can.
	CodeKMSRetryPolicy Code = 3065
	// CodeKMSPolicy: a key policy is 1..131072 characters, each a tab, a line break or of Latin-1.
	CodeKMSPolicy Code = 3071
	// CodeKMSCustomKeyStoreID: a CustomKeyStoreId is 1..64 bytes.
	CodeKMSCustomKeyStoreID Code = 3072
	// CodeCredentialsConfiguration: a provider of credentials cannot be used as it is configured.
	CodeCredentialsConfiguration Code = 3101
	// CodeCredentialsEndpoint: a container credentials endpoint is http:// on a loopback address,
	// 169.254.170.2, 169.254.170.23 or fd00:ec2::23.
	CodeCredentialsEndpoint Code = 3102
	// CodeCredentialsUnset: an environment variable that the provider of credentials needs is not set, or not
	// text.
	CodeCredentialsUnset Code = 3103
	// CodeCredentialsFile: a file that the provider of credentials needs cannot be read.
	CodeCredentialsFile Code = 3104
	// CodeCredentialsUnreachable: no connection to the source of the credentials.
	CodeCredentialsUnreachable Code = 3105
	// CodeCredentialsTimeout: the source of the credentials did not answer in time.
	CodeCredentialsTimeout Code = 3106
	// CodeCredentialsBroken: the connection to the source of the credentials broke, or the answer is not
	// HTTP.
	CodeCredentialsBroken Code = 3107
	// CodeCredentialsUnavailable: the source of the credentials is unavailable for the moment.
	CodeCredentialsUnavailable Code = 3108
	// CodeCredentialsRefused: the source of the credentials refused to hand out any.
	CodeCredentialsRefused Code = 3109
	// CodeCredentialsTooLong: the source of the credentials sent more than a credentials document can hold.
	CodeCredentialsTooLong Code = 3110
	// CodeCredentialsMalformed: not the JSON of a credentials document.
	CodeCredentialsMalformed Code = 3111
	// CodeCredentialsField: a field of the credentials document is missing, or has another value than its
	// place demands.
	CodeCredentialsField Code = 3112
	// CodeCredentialsExpired: the source handed out credentials that have expired already.
	CodeCredentialsExpired Code = 3113
	// CodeCredentialsRejected: AWS rejected the credentials, and their provider has no others.
	CodeCredentialsRejected Code = 3114
	// CodeCredentialsProvider: the provider of credentials failed.
	CodeCredentialsProvider Code = 3115
	// CodeCredentialsInterrupted: the fetch of credentials ended without a result: its runtime was shut down,
	// or the provider panicked.
	CodeCredentialsInterrupted Code = 3116
	// CodePolicyTooLong: the policy document is longer than PutKeyPolicy takes.
	CodePolicyTooLong Code = 4001
	// CodePolicySyntax: the policy document is not JSON.
	CodePolicySyntax Code = 4002
	// CodePolicyDuplicateKey: a name stands twice in one object of the policy document.
	CodePolicyDuplicateKey Code = 4003
	// CodePolicyType: a member of the policy document has another type than its place demands.
	CodePolicyType Code = 4004
	// CodePolicyMember: a member of the policy document is missing, or stands beside one that excludes it.
	CodePolicyMember Code = 4005
	// CodePolicyVersion: the policy's Version is not one of the policy language.
	CodePolicyVersion Code = 4006
	// CodePolicyEffect: a statement's Effect is neither Allow nor Deny.
	CodePolicyEffect Code = 4007
	// CodePolicyPrincipal: a statement's principal is not of a form that the policy language has.
	CodePolicyPrincipal Code = 4008
	// CodePolicyOperator: a condition has an operator that the policy language does not have.
	CodePolicyOperator Code = 4009
	// CodeAccountID: an AWS account id has twelve digits.
	CodeAccountID Code = 4021
	// CodePrincipalARN: not the ARN of an account's root, a role, a role session, a user or a federated user.
	CodePrincipalARN Code = 4022
	// CodeActionName: not an action of AWS KMS (kms:NAME).
	CodeActionName Code = 4023
	// CodePCRZero: a PCR value of all zeros identifies a debug-mode enclave, or a register that nothing was
	// measured into.
	CodePCRZero Code = 4201
	// CodeReleasePCRs: the PCRs of a release are not those that the policy can demand.
	CodeReleasePCRs Code = 4202
	// CodeReleaseMismatch: the current and the previous release cannot stand in one policy.
	CodeReleaseMismatch Code = 4203
	// CodeProfileWrapping: the profile permits Encrypt and grants no GenerateDataKey, so it fits only
	// `encrypt` wrapping.
	CodeProfileWrapping Code = 4204
	// CodePolicyRole: a role cannot have this part in the policy.
	CodePolicyRole Code = 4205
	// CodePolicyGenerations: the policy would accept no generation.
	CodePolicyGenerations Code = 4206
	// CodeRenderedTooLong: the rendered policy is longer than KMS takes.
	CodeRenderedTooLong Code = 4207
	// CodeTerraformName: not a name of the Terraform language.
	CodeTerraformName Code = 4208
	// CodeKeyUnfit: a KMS key is not fit to hold a share.
	CodeKeyUnfit Code = 6001
	// CodeKeyPermitsEncrypt: a key of an `attested` quorum permits kms:Encrypt: whoever holds the credentials
	// can forge a blob.
	CodeKeyPermitsEncrypt Code = 6002
	// CodeKeyNotChecked: a key could not be checked before the seal.
	CodeKeyNotChecked Code = 6003
	// CodeInterrupted: the runtime was shut down, or a part of it failed, before the work was done.
	CodeInterrupted Code = 6004
	// CodeDeadlineExceeded: the deadline passed while the enclave made a key or waited for its attester.
	CodeDeadlineExceeded Code = 6005
	// CodeKeyPermitsGenerateDataKey: a key of an `attested` quorum permits kms:GenerateDataKey without
	// attestation: whoever holds the credentials can forge a blob.
	CodeKeyPermitsGenerateDataKey Code = 6006
	// CodeBlobNotKept: the host did not store the new blob; no key was retired.
	CodeBlobNotKept Code = 6007
	// CodeKeyInUse: the key belongs to the sealing quorum: new blobs need it.
	CodeKeyInUse Code = 6008
	// CodeKeyHoldsNoShare: the key holds no share of this blob.
	CodeKeyHoldsNoShare Code = 6009
	// CodeConfigTooLong: the configuration is longer than any configuration can be.
	CodeConfigTooLong Code = 6021
	// CodeConfigSyntax: the configuration is not JSON.
	CodeConfigSyntax Code = 6022
	// CodeConfigMember: a member of the configuration is missing, stands twice, is not known, or stands
	// beside one that excludes it.
	CodeConfigMember Code = 6023
	// CodeConfigType: a member of the configuration has another type than its place demands.
	CodeConfigType Code = 6024
	// CodeConfigValue: a member of the configuration has another value than its place demands.
	CodeConfigValue Code = 6025
	// CodeConfigTransport: the session's configuration leaves the transport to the host, or the call is for
	// such a session alone.
	CodeConfigTransport Code = 6026
	// CodeNullPointer: a pointer that must not be NULL is NULL.
	CodeNullPointer Code = 8001
	// CodeMisalignedPointer: a pointer is not aligned for what it points to.
	CodeMisalignedPointer Code = 8002
	// CodeInputLength: an input is longer than its place takes.
	CodeInputLength Code = 8003
	// CodeBufferTooSmall: the buffer is too small for what belongs there; nothing was written but the length
	// that it needs.
	CodeBufferTooSmall Code = 8004
	// CodeOverlap: an output overlaps an input or another output.
	CodeOverlap Code = 8005
	// CodePanic: a defect of pcrseal: it failed inside, and the call came to nothing.
	CodePanic Code = 8006
	// CodeTextEncoding: a text is not UTF-8.
	CodeTextEncoding Code = 8007
	// CodeCancelled: the call was cancelled.
	CodeCancelled Code = 8008
	// CodeFinished: the handle has been finished: nothing more can be done with it but to free it.
	CodeFinished Code = 8009
	// CodeReentrant: a call from within a callback of pcrseal.
	CodeReentrant Code = 8010
	// CodeMemoryNotLocked: the memory for a secret cannot be locked (RLIMIT_MEMLOCK).
	CodeMemoryNotLocked Code = 8011
	// CodeUnknownConstant: a number is none of the constants that its place takes.
	CodeUnknownConstant Code = 8012
	// CodeThreads: the session's threads cannot be started.
	CodeThreads Code = 8013
)

// codeTable has every code, in ascending order.
var codeTable = [...]codeEntry{
	{CodeRandom, "random", "the random number generator failed"},
	{CodeRejected, "rejected",
		"the key material does not open this: wrong key, altered data or bad padding (deliberately not told apart)"},
	{CodeTooLong, "too_long", "an input is longer than its bound"},
	{CodePCRIndex, "pcr_index", "a PCR index is out of range 0..31"},
	{CodePCRLength, "pcr_length", "a PCR value is not 48 bytes (96 hex digits)"},
	{CodePCRHex, "pcr_hex", "a PCR value holds something else than hex digits"},
	{CodeMeasurementsJSON, "measurements_json", "not the measurements JSON that nitro-cli prints"},
	{CodeMeasurementsAlgorithm, "measurements_algorithm", "the measurements are not SHA-384"},
	{CodeMeasurementsMissing, "measurements_missing", "the measurements JSON lacks a field"},
	{CodeMeasurementsUnknown, "measurements_unknown",
		"the measurements JSON has a measurement that nitro-cli does not print"},
	{CodeRoleARN, "role_arn", "not the ARN of an IAM role (arn:PARTITION:iam::ACCOUNT:role/NAME)"},
	{CodeInstanceID, "instance_id", "not an EC2 instance id (i- and 8 or 17 lower-case hex digits)"},
	{CodeSigningCertificate, "signing_certificate",
		"not the DER of a certificate (PEM has to be decoded first)"},
	{CodeCBORTruncated, "cbor_truncated", "the CBOR ends in the middle of an item"},
	{CodeCBORType, "cbor_type", "a CBOR item has another type than its place demands"},
	{CodeCBORNotShortest, "cbor_not_shortest", "a CBOR head is longer than it need be"},
	{CodeCBORIndefinite, "cbor_indefinite",
		"a CBOR item has an indefinite length where a definite one is demanded"},
	{CodeCBORTrailing, "cbor_trailing", "bytes follow the end of the CBOR"},
	{CodeCBORText, "cbor_text", "a CBOR text string is not UTF-8"},
	{CodeCBORRange, "cbor_range", "a CBOR integer is outside the range of its place"},
	{CodeCBORDuplicateKey, "cbor_duplicate_key", "a CBOR map has the same key twice"},
	{CodeCBORValue, "cbor_value", "a CBOR item has another value or length than its place demands"},
	{CodeCOSETag, "cose_tag", "the message carries another CBOR tag than that of COSE_Sign1 (18)"},
	{CodeCOSEArray, "cose_array", "COSE_Sign1 is an array of four"},
	{CodeCOSEProtected, "cose_protected", "the protected header is not exactly {1: -35} (ES384)"},
	{CodeCOSEUnprotected, "cose_unprotected", "the unprotected header is not empty"},
	{CodeCOSEPayload, "cose_payload", "the COSE payload is outside 1..16384 bytes"},
	{CodeCOSESignatureLength, "cose_signature_length", "an ES384 signature is 96 bytes"},
	{CodeCOSESignatureRejected, "cose_signature_rejected",
		"the COSE signature does not verify under the leaf certificate's key"},
	{CodeAttestationFieldUnknown, "attestation_field_unknown",
		"the attestation document has a field that the specification does not name"},
	{CodeAttestationFieldMissing, "attestation_field_missing",
		"the attestation document lacks a required field"},
	{CodeAttestationModuleID, "attestation_module_id", "the attestation document's module_id is empty"},
	{CodeAttestationDigest, "attestation_digest", "the attestation document's digest is not SHA384"},
	{CodeAttestationTimestamp, "attestation_timestamp", "the attestation document's timestamp is zero"},
	{CodeAttestationPCRCount, "attestation_pcr_count", "an attestation document holds 1..32 PCRs"},
	{CodeAttestationPCRFields, "attestation_pcr_fields",
		"the attestation document has both pcrs and nitrotpm_pcrs"},
	{CodeAttestationCabundle, "attestation_cabundle",
		"the attestation document's cabundle holds 1..7 certificates"},
	{CodeAttestationFieldLength, "attestation_field_length",
		"a field of the attestation document is outside its length"},
	{CodeAttestationPolicyEmpty, "attestation_policy_empty",
		"the attestation policy names no PCR, no module id and no instance id: any enclave of any AWS customer would satisfy it"},
	{CodeAttestationPolicyField, "attestation_policy_field",
		"the attestation policy demands a value that no attestation document can have"},
	{CodeAttestationRefused, "attestation_refused", "the attestation does not satisfy the policy"},
	{CodeAttestationKindMismatch, "attestation_kind_mismatch",
		"the document attests another kind of module than the policy demands"},
	{CodeAttestationPCRMismatch, "attestation_pcr_mismatch",
		"a PCR has none of the values that the policy accepts"},
	{CodeAttestationPCRAbsent, "attestation_pcr_absent", "the document lacks a PCR that the policy names"},
	{CodeAttestationDebugMode, "attestation_debug_mode",
		"the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the policy does not allow"},
	{CodeAttestationDebugUnknown, "attestation_debug_unknown",
		"the document lacks one of PCR0, PCR1 and PCR2, without which debug mode cannot be ruled out"},
	{CodeAttestationModuleIDMismatch, "attestation_module_id_mismatch",
		"the document is of another module than the policy demands"},
	{CodeAttestationInstanceIDMismatch, "attestation_instance_id_mismatch",
		"the document is of another EC2 instance than the policy demands"},
	{CodeAttestationNonceMismatch, "attestation_nonce_mismatch", "the document's nonce is not the policy's"},
	{CodeAttestationUserDataMismatch, "attestation_user_data_mismatch",
		"the document's user_data is not the policy's"},
	{CodeAttestationPublicKeyMismatch, "attestation_public_key_mismatch",
		"the document's public_key is not the policy's"},
	{CodeAttestationTooOld, "attestation_too_old", "the document is older than the policy allows"},
	{CodeAttestationFromFuture, "attestation_from_future",
		"the document's timestamp lies further ahead of the time than the policy's clock skew"},
	{CodeAttestationRevoked, "attestation_revoked",
		"a certificate of the chain has a serial number that the policy revokes"},
	{CodeCertificateMalformed, "certificate_malformed", "not the DER of an X.509 certificate"},
	{CodeCertificateVersion, "certificate_version", "the certificate is not of version 3"},
	{CodeCertificateAlgorithm, "certificate_algorithm",
		"the certificate's key is not P-384 or its signature not ecdsa-with-SHA384"},
	{CodeCertificateBasicConstraints, "certificate_basic_constraints",
		"the certificate lacks BasicConstraints, or is a CA where an end entity belongs or the reverse"},
	{CodeCertificatePathLength, "certificate_path_length",
		"more CA certificates follow than pathLenConstraint allows"},
	{CodeCertificateKeyUsage, "certificate_key_usage",
		"the certificate lacks keyCertSign (CA) or digitalSignature (end entity)"},
	{CodeCertificateCriticalExtension, "certificate_critical_extension",
		"the certificate has a critical extension that is not understood"},
	{CodeCertificateNotYetValid, "certificate_not_yet_valid",
		"the certificate is not yet valid at the verification time"},
	{CodeCertificateExpired, "certificate_expired", "the certificate has expired at the verification time"},
	{CodeCertificateRoot, "certificate_root", "the chain does not start at a trusted root"},
	{CodeCertificateOrder, "certificate_order",
		"the certificate's issuer is not the subject of the one above it"},
	{CodeCertificateRepeated, "certificate_repeated", "two certificates of the chain have the same subject"},
	{CodeCertificateSignature, "certificate_signature",
		"a certificate's signature does not verify under its issuer's key"},
	{CodeCertificateChain, "certificate_chain", "path validation refuses the certificate chain"},
	{CodeCMSSize, "cms_size", "the CiphertextForRecipient is empty or longer than KMS makes it"},
	{CodeCMSTruncated, "cms_truncated",
		"an element of the CMS ends early: it is truncated, or a length is wrong"},
	{CodeCMSElement, "cms_element", "another element stands in the CMS where KMS has this field"},
	{CodeCMSLength, "cms_length", "a length in the CMS is not in a form that KMS uses"},
	{CodeCMSLeftOver, "cms_left_over", "something follows the last field of this element of the CMS"},
	{CodeCMSTrailing, "cms_trailing", "bytes follow the end of the CMS"},
	{CodeCMSNotEnvelopedData, "cms_not_enveloped_data", "the CMS is not EnvelopedData"},
	{CodeCMSVersion, "cms_version",
		"a version in the CMS is not 2: its recipient is not named by a subjectKeyIdentifier"},
	{CodeCMSRecipientCount, "cms_recipient_count", "the CMS is not for exactly one recipient"},
	{CodeCMSRecipientType, "cms_recipient_type", "the CMS's recipient is not a KeyTransRecipientInfo"},
	{CodeCMSIssuerAndSerialNumber, "cms_issuer_and_serial_number",
		"the CMS names its recipient by issuer and serial number: not AWS KMS's form"},
	{CodeCMSKeyIdentifier, "cms_key_identifier", "the CMS's subjectKeyIdentifier is not a SHA-256 hash"},
	{CodeCMSKeyEncryptionAlgorithm, "cms_key_encryption_algorithm",
		"the CMS's content key is not encrypted with RSAES-OAEP"},
	{CodeCMSOAEPSHA1, "cms_oaep_sha1",
		"the CMS uses RSAES-OAEP with SHA-1: the request must ask for RSAES_OAEP_SHA_256"},
	{CodeCMSOAEPParameters, "cms_oaep_parameters",
		"the CMS uses RSAES-OAEP with other functions than SHA-256 and MGF1 with SHA-256"},
	{CodeCMSEncryptedKey, "cms_encrypted_key",
		"the CMS's encrypted key has the length of no RSA key of 2048..4096 bits"},
	{CodeCMSNotData, "cms_not_data", "the CMS's content is not plain data"},
	{CodeCMSContentEncryptionAlgorithm, "cms_content_encryption_algorithm",
		"the CMS's content is not encrypted with AES-256-CBC"},
	{CodeCMSIV, "cms_iv", "the CMS's IV is not 16 bytes"},
	{CodeCMSContentLength, "cms_content_length",
		"the CMS's encrypted content is empty or not whole AES blocks"},
	{CodeCMSForeignRecipient, "cms_foreign_recipient", "the CMS is for another recipient key"},
	{CodeShamirThreshold, "shamir_threshold", "the threshold is not 1..n, the number of shares"},
	{CodeShamirSecretLength, "shamir_secret_length", "a secret to be split is 1..65536 bytes"},
	{CodeShareCoordinate, "share_coordinate", "a share's coordinate x is 0, where the secret itself lies"},
	{CodeShareLength, "share_length", "a share holds 1..65536 bytes beside its coordinate"},
	{CodeShamirNoShares, "shamir_no_shares", "there are no shares to combine"},
	{CodeShamirShareLengths, "shamir_share_lengths",
		"the shares differ in length: they are not of one split"},
	{CodeShamirShareRepeated, "shamir_share_repeated", "two shares have the same coordinate x"},
	{CodeBlobSize, "blob_size", "the blob is empty or longer than a sealed blob can be"},
	{CodeBlobMalformed, "blob_malformed", "not a sealed blob: the encoding breaks the format"},
	{CodeBlobNotDeterministic, "blob_not_deterministic",
		"the blob is not deterministically encoded (RFC 8949 section 4.2.1)"},
	{CodeBlobTrailing, "blob_trailing", "bytes follow the end of the blob"},
	{CodeBlobVersion, "blob_version", "the blob's version is not one that this release reads"},
	{CodeBlobBounds, "blob_bounds", "a field of the blob is outside its bounds"},
	{CodeBindingCount, "binding_count", "a blob has 1..8 bindings"},
	{CodeBindingDuplicate, "binding_duplicate", "two bindings of the blob accept the same PCR values"},
	{CodeBindingRejected, "binding_rejected",
		"the matching binding does not unwrap the content key: it was altered"},
	{CodeContentRejected, "content_rejected",
		"the bundle does not authenticate under this header and external_aad: altered, or another external_aad"},
	{CodePCRDrift, "pcr_drift", "no binding of the blob accepts the measured PCR values"},
	{CodeBindingTooWeak, "binding_too_weak", "a binding does not cover every required PCR"},
	{CodeBindingUnknown, "binding_unknown", "there is no binding with these PCR values or at this position"},
	{CodeSecretLength, "secret_length", "a secret is 1..65536 bytes"},
	{CodeKeyARN, "key_arn", "not the full ARN of a KMS key (arn:PARTITION:kms:REGION:ACCOUNT:key/ID)"},
	{CodeClusterID, "cluster_id", "a cluster id is 1..64 characters of A-Z a-z 0-9 . _ -"},
	{CodeQuorumSize, "quorum_size", "a quorum has 1..16 keys and a threshold from 1 to their number"},
	{CodeQuorumRepeatedKey, "quorum_repeated_key", "a quorum names the same key id twice"},
	{CodeQuorumMultiRegion, "quorum_multi_region",
		"a quorum names a multi-Region key without the opt-in: its replicas have policies of their own"},
	{CodeQuorumSingleShare, "quorum_single_share",
		"a threshold of 1 without the opt-in: any single key would open the blob"},
	{CodePolicyEmpty, "policy_empty",
		"a trust policy needs at least one quorum and at least one required PCR"},
	{CodeClusterMismatch, "cluster_mismatch", "the blob belongs to another cluster"},
	{CodeGenerationTooOld, "generation_too_old",
		"the blob's generation is below the trusted minimum (rollback)"},
	{CodeSealIDMismatch, "seal_id_mismatch", "the blob is not the pinned one"},
	{CodeWrappingMismatch, "wrapping_mismatch", "the blob's wrapping is not that of any trusted quorum"},
	{CodeThresholdMismatch, "threshold_mismatch", "the blob's threshold is not that of the trusted quorum"},
	{CodeKeyNotTrusted, "key_not_trusted", "the blob names a KMS key that no trusted quorum names"},
	{CodeKeyRepeated, "key_repeated", "the blob names the same KMS key twice"},
	{CodeKeyOrder, "key_order", "the blob names the trusted keys in another order"},
	{CodeKeyCount, "key_count", "the blob does not name all keys of a trusted quorum"},
	{CodeDebugMode, "debug_mode",
		"the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the trust policy does not allow"},
	{CodePCRMissing, "pcr_missing", "a required PCR was not measured"},
	{CodeQuorumWrappings, "quorum_wrappings",
		"one KMS key stands in quorums of both wrappings: an `attested` key must never have permitted Encrypt"},
	{CodeNoSealQuorum, "no_seal_quorum", "the trust policy names no quorum for sealing"},
	{CodeGenerationExhausted, "generation_exhausted", "the generation cannot be raised any further"},
	{CodeUnknownShare, "unknown_share", "there is no share with this position"},
	{CodeAlreadyAnswered, "already_answered", "this share's key was answered before"},
	{CodeSealIncomplete, "seal_incomplete",
		"not every key of the quorum has answered: a seal needs them all"},
	{CodeUnproven, "unproven", "the new blob opened to something else than what was sealed"},
	{CodeAnswerKeyID, "answer_key_id", "KMS answered for another key than the one asked"},
	{CodeAnswerPlaintext, "answer_plaintext",
		"KMS answered with a plaintext beside or instead of CiphertextForRecipient"},
	{CodeAnswerMissing, "answer_missing", "KMS answered without CiphertextForRecipient"},
	{CodeAnswerLength, "answer_length", "KMS answered with a CiphertextBlob outside 1..6144 bytes"},
	{CodeShareRejected, "share_rejected", "the share does not authenticate under its key, seal and position"},
	{CodeQuorumNotReached, "quorum_not_reached", "fewer keys released their share than are needed"},
	{CodeCommitmentMismatch, "commitment_mismatch",
		"the shares combine to another key than the one committed to"},
	{CodeSecretRejected, "secret_rejected", "the sealed secret does not authenticate"},
	{CodeResealUnvouched, "reseal_unvouched",
		"an `attested` seal of a secret from an `encrypt` blob needs the opt-in: nobody vouches for its origin"},
	{CodeAttester, "attester", "the attester (the Nitro Secure Module) failed"},
	{CodeNSMInvalidArgument, "nsm_invalid_argument", "the Nitro Secure Module refuses an argument"},
	{CodeNSMInvalidIndex, "nsm_invalid_index", "the Nitro Secure Module has no PCR with this index"},
	{CodeNSMReadOnlyIndex, "nsm_read_only_index",
		"the PCR is locked: it can be neither extended nor locked again"},
	{CodeNSMInputTooLarge, "nsm_input_too_large", "an input is longer than the Nitro Secure Module takes"},
	{CodeNSMInvalidResponse, "nsm_invalid_response",
		"the Nitro Secure Module says that its answer does not belong to the request"},
	{CodeNSMInvalidOperation, "nsm_invalid_operation",
		"the Nitro Secure Module cannot do this, or does not understand the request"},
	{CodeNSMBufferTooSmall, "nsm_buffer_too_small",
		"the Nitro Secure Module's answer does not fit the buffer given for it"},
	{CodeNSMInternalError, "nsm_internal_error", "the Nitro Secure Module failed inside"},
	{CodeNSMErrorUnknown, "nsm_error_unknown",
		"the Nitro Secure Module answers with an error code that its interface does not name"},
	{CodeNSMAnswerMalformed, "nsm_answer_malformed",
		"the answer of the Nitro Secure Module is not of the form that the request demands"},
	{CodeNSMPCRUnlocked, "nsm_pcr_unlocked",
		"the PCR is not locked: attestation documents do not show it, so no key policy can demand its value, and it can still be changed"},
	{CodeNSMDeviceMissing, "nsm_device_missing",
		"there is no device of the Nitro Secure Module: not a Nitro Enclave, or its driver (nsm.ko) is not loaded"},
	{CodeNSMDevicePermission, "nsm_device_permission",
		"no permission to open the device of the Nitro Secure Module"},
	{CodeNSMDeviceKind, "nsm_device_kind", "the path of the Nitro Secure Module is not a character device"},
	{CodeNSMDeviceOpen, "nsm_device_open", "the device of the Nitro Secure Module cannot be opened"},
	{CodeNSMIoctl, "nsm_ioctl", "the driver of the Nitro Secure Module failed to carry the request"},
	{CodeNSMSocket, "nsm_socket", "the socket of the Nitro Secure Module cannot be reached, or broke"},
	{CodeKernelEntropy, "kernel_entropy", "the kernel's entropy pool did not take what it was fed"},
	{CodeNitroTPMTool, "nitro_tpm_tool", "the program nitro-tpm-attest cannot be run, or failed"},
	{CodeNitroTPMDocument, "nitro_tpm_document",
		"nitro-tpm-attest printed something else than the document asked for"},
	{CodeNitroTPMPCR, "nitro_tpm_pcr", "a SHA-384 PCR of the TPM cannot be read"},
	{CodeKMSEndpoint, "kms_endpoint", "an endpoint is http:// or https://, a host, and a port if need be"},
	{CodeKMSEndpointNotLoopback, "kms_endpoint_not_loopback",
		"an http:// endpoint is allowed on a loopback address only"},
	{CodeKMSRootCertificate, "kms_root_certificate", "a root certificate cannot be read"},
	{CodeKMSCredentials, "kms_credentials", "credentials are missing, or not of the form that AWS issues"},
	{CodeKMSRegion, "kms_region", "not the name of an AWS region"},
	{CodeKMSClock, "kms_clock", "the clock stands outside the years 1970 to 9999"},
	{CodeKMSTLSVersions, "kms_tls_versions", "the TLS implementation offers neither TLS 1.2 nor TLS 1.3"},
	{CodeKMSKeyID, "kms_key_id", "a KeyId is 1..2048 bytes"},
	{CodeKMSCiphertextBlob, "kms_ciphertext_blob", "a CiphertextBlob is 1..6144 bytes"},
	{CodeKMSPlaintext, "kms_plaintext", "a Plaintext is 1..4096 bytes"},
	{CodeKMSAttestationDocument, "kms_attestation_document", "an AttestationDocument is 1..262144 bytes"},
	{CodeKMSNumberOfBytes, "kms_number_of_bytes",
		"a data key, or a string of random bytes, is 1..1024 bytes"},
	{CodeKMSEncryptionContext, "kms_encryption_context",
		"an EncryptionContext is too large, or holds an empty key"},
	{CodeKMSRequest, "kms_request", "the request cannot be written"},
	{CodeKMSGrantTokens, "kms_grant_tokens",
		"a request carries at most 10 grant tokens, each of 1..8192 bytes"},
	{CodeKMSPublicKey, "kms_public_key", "a PublicKey is 1..8192 bytes"},
	{CodeKMSConnect, "kms_connect", "no connection to the endpoint"},
	{CodeKMSTLS, "kms_tls", "the TLS handshake with the endpoint failed"},
	{CodeKMSConnectTimeout, "kms_connect_timeout", "the connection was not established in time"},
	{CodeKMSTimeout, "kms_timeout", "KMS did not answer within the time of the whole operation"},
	{CodeKMSHTTP, "kms_http", "the connection broke, or the answer is not HTTP"},
	{CodeKMSAnswerTooLong, "kms_answer_too_long", "the answer is longer than any answer of KMS"},
	{CodeKMSAnswerMalformed, "kms_answer_malformed", "the answer is not the JSON of this operation"},
	{CodeKMSAnswerField, "kms_answer_field", "a field of the answer is missing or outside its bounds"},
	{CodeKMSPlaintextBesideRecipient, "kms_plaintext_beside_recipient",
		"the answer to a request with Recipient holds a Plaintext: the endpoint does not honour Recipient"},
	{CodeKMSAccessDenied, "kms_access_denied", "KMS refused: access denied"},
	{CodeKMSAttestationRejected, "kms_attestation_rejected", "KMS refused the attestation document"},
	{CodeKMSKeyDisabled, "kms_key_disabled", "the KMS key is disabled"},
	{CodeKMSKeyPendingDeletion, "kms_key_pending_deletion", "the KMS key is pending deletion"},
	{CodeKMSKeyInvalidState, "kms_key_invalid_state", "the state of the KMS key does not permit the request"},
	{CodeKMSNotFound, "kms_not_found", "there is no such KMS key"},
	{CodeKMSIncorrectKey, "kms_incorrect_key", "the ciphertext was made under another KMS key"},
	{CodeKMSInvalidCiphertext, "kms_invalid_ciphertext",
		"KMS cannot open the ciphertext: altered, or another EncryptionContext"},
	{CodeKMSDryRunOperation, "kms_dry_run_operation", "the dry run says: the request would have succeeded"},
	{CodeKMSThrottled, "kms_throttled", "KMS throttled the request"},
	{CodeKMSUnavailable, "kms_unavailable", "KMS is unavailable for the moment"},
	{CodeKMSCredentialsRejected, "kms_credentials_rejected", "AWS rejected the signature or the credentials"},
	{CodeKMSClockSkew, "kms_clock_skew", "AWS rejected the time of the request: the clocks differ"},
	{CodeKMSValidation, "kms_validation", "KMS found the request invalid"},
	{CodeKMSOther, "kms_other", "KMS answered with an error of another kind"},
	{CodeKMSAttestationStale, "kms_attestation_stale",
		"KMS refused the attestation document: older than five minutes"},
	{CodeKMSAttestationMalformed, "kms_attestation_malformed",
		"KMS refused the attestation document: it cannot be read"},
	{CodeKMSExplicitDeny, "kms_explicit_deny", "KMS refused: a policy denies it explicitly"},
	{CodeKMSNoAllow, "kms_no_allow", "KMS refused: no policy allows it"},
	{CodeKMSCredentialsExpired, "kms_credentials_expired", "the AWS credentials have expired"},
	{CodeKMSTLSTimeout, "kms_tls_timeout", "the TLS handshake was not done in time"},
	{CodeKMSAnswerTimeout, "kms_answer_timeout", "the head of an answer did not come in time"},
	{CodeKMSBodyTimeout, "kms_body_timeout", "the body of the answer did not come in time"},
	{CodeKMSAttemptTimeout, "kms_attempt_timeout", "the transport gave no answer in time"},
	{CodeKMSRetryPolicy, "kms_retry_policy", "the retry policy has more or fewer attempts than it can"},
	{CodeKMSPolicy, "kms_policy",
		"a key policy is 1..131072 characters, each a tab, a line break or of Latin-1"},
	{CodeKMSCustomKeyStoreID, "kms_custom_key_store_id", "a CustomKeyStoreId is 1..64 bytes"},
	{CodeCredentialsConfiguration, "credentials_configuration",
		"a provider of credentials cannot be used as it is configured"},
	{CodeCredentialsEndpoint, "credentials_endpoint",
		"a container credentials endpoint is http:// on a loopback address, 169.254.170.2, 169.254.170.23 or fd00:ec2::23"},
	{CodeCredentialsUnset, "credentials_unset",
		"an environment variable that the provider of credentials needs is not set, or not text"},
	{CodeCredentialsFile, "credentials_file", "a file that the provider of credentials needs cannot be read"},
	{CodeCredentialsUnreachable, "credentials_unreachable", "no connection to the source of the credentials"},
	{CodeCredentialsTimeout, "credentials_timeout", "the source of the credentials did not answer in time"},
	{CodeCredentialsBroken, "credentials_broken",
		"the connection to the source of the credentials broke, or the answer is not HTTP"},
	{CodeCredentialsUnavailable, "credentials_unavailable",
		"the source of the credentials is unavailable for the moment"},
	{CodeCredentialsRefused, "credentials_refused", "the source of the credentials refused to hand out any"},
	{CodeCredentialsTooLong, "credentials_too_long",
		"the source of the credentials sent more than a credentials document can hold"},
	{CodeCredentialsMalformed, "credentials_malformed", "not the JSON of a credentials document"},
	{CodeCredentialsField, "credentials_field",
		"a field of the credentials document is missing, or has another value than its place demands"},
	{CodeCredentialsExpired, "credentials_expired",
		"the source handed out credentials that have expired already"},
	{CodeCredentialsRejected, "credentials_rejected",
		"AWS rejected the credentials, and their provider has no others"},
	{CodeCredentialsProvider, "credentials_provider", "the provider of credentials failed"},
	{CodeCredentialsInterrupted, "credentials_interrupted",
		"the fetch of credentials ended without a result: its runtime was shut down, or the provider panicked"},
	{CodePolicyTooLong, "policy_too_long", "the policy document is longer than PutKeyPolicy takes"},
	{CodePolicySyntax, "policy_syntax", "the policy document is not JSON"},
	{CodePolicyDuplicateKey, "policy_duplicate_key",
		"a name stands twice in one object of the policy document"},
	{CodePolicyType, "policy_type",
		"a member of the policy document has another type than its place demands"},
	{CodePolicyMember, "policy_member",
		"a member of the policy document is missing, or stands beside one that excludes it"},
	{CodePolicyVersion, "policy_version", "the policy's Version is not one of the policy language"},
	{CodePolicyEffect, "policy_effect", "a statement's Effect is neither Allow nor Deny"},
	{CodePolicyPrincipal, "policy_principal",
		"a statement's principal is not of a form that the policy language has"},
	{CodePolicyOperator, "policy_operator",
		"a condition has an operator that the policy language does not have"},
	{CodeAccountID, "account_id", "an AWS account id has twelve digits"},
	{CodePrincipalARN, "principal_arn",
		"not the ARN of an account's root, a role, a role session, a user or a federated user"},
	{CodeActionName, "action_name", "not an action of AWS KMS (kms:NAME)"},
	{CodePCRZero, "pcr_zero",
		"a PCR value of all zeros identifies a debug-mode enclave, or a register that nothing was measured into"},
	{CodeReleasePCRs, "release_pcrs", "the PCRs of a release are not those that the policy can demand"},
	{CodeReleaseMismatch, "release_mismatch",
		"the current and the previous release cannot stand in one policy"},
	{CodeProfileWrapping, "profile_wrapping",
		"the profile permits Encrypt and grants no GenerateDataKey, so it fits only `encrypt` wrapping"},
	{CodePolicyRole, "policy_role", "a role cannot have this part in the policy"},
	{CodePolicyGenerations, "policy_generations", "the policy would accept no generation"},
	{CodeRenderedTooLong, "rendered_too_long", "the rendered policy is longer than KMS takes"},
	{CodeTerraformName, "terraform_name", "not a name of the Terraform language"},
	{CodeKeyUnfit, "key_unfit", "a KMS key is not fit to hold a share"},
	{CodeKeyPermitsEncrypt, "key_permits_encrypt",
		"a key of an `attested` quorum permits kms:Encrypt: whoever holds the credentials can forge a blob"},
	{CodeKeyNotChecked, "key_not_checked", "a key could not be checked before the seal"},
	{CodeInterrupted, "interrupted",
		"the runtime was shut down, or a part of it failed, before the work was done"},
	{CodeDeadlineExceeded, "deadline_exceeded",
		"the deadline passed while the enclave made a key or waited for its attester"},
	{CodeKeyPermitsGenerateDataKey, "key_permits_generate_data_key",
		"a key of an `attested` quorum permits kms:GenerateDataKey without attestation: whoever holds the credentials can forge a blob"},
	{CodeBlobNotKept, "blob_not_kept", "the host did not store the new blob; no key was retired"},
	{CodeKeyInUse, "key_in_use", "the key belongs to the sealing quorum: new blobs need it"},
	{CodeKeyHoldsNoShare, "key_holds_no_share", "the key holds no share of this blob"},
	{CodeConfigTooLong, "config_too_long", "the configuration is longer than any configuration can be"},
	{CodeConfigSyntax, "config_syntax", "the configuration is not JSON"},
	{CodeConfigMember, "config_member",
		"a member of the configuration is missing, stands twice, is not known, or stands beside one that excludes it"},
	{CodeConfigType, "config_type", "a member of the configuration has another type than its place demands"},
	{CodeConfigValue, "config_value",
		"a member of the configuration has another value than its place demands"},
	{CodeConfigTransport, "config_transport",
		"the session's configuration leaves the transport to the host, or the call is for such a session alone"},
	{CodeNullPointer, "null_pointer", "a pointer that must not be NULL is NULL"},
	{CodeMisalignedPointer, "misaligned_pointer", "a pointer is not aligned for what it points to"},
	{CodeInputLength, "input_length", "an input is longer than its place takes"},
	{CodeBufferTooSmall, "buffer_too_small",
		"the buffer is too small for what belongs there; nothing was written but the length that it needs"},
	{CodeOverlap, "overlap", "an output overlaps an input or another output"},
	{CodePanic, "panic", "a defect of pcrseal: it failed inside, and the call came to nothing"},
	{CodeTextEncoding, "text_encoding", "a text is not UTF-8"},
	{CodeCancelled, "cancelled", "the call was cancelled"},
	{CodeFinished, "finished",
		"the handle has been finished: nothing more can be done with it but to free it"},
	{CodeReentrant, "reentrant", "a call from within a callback of pcrseal"},
	{CodeMemoryNotLocked, "memory_not_locked", "the memory for a secret cannot be locked (RLIMIT_MEMLOCK)"},
	{CodeUnknownConstant, "unknown_constant", "a number is none of the constants that its place takes"},
	{CodeThreads, "threads", "the session's threads cannot be started"},
}
