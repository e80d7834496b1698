// Code generated from core/src/error.rs by `cargo run -p pcrseal-header`; DO NOT EDIT.

package pcrseal

// The status codes. Numbers and names never change their meaning and are never reused.
const (
	// CodeRandom: the random number generator failed.
	CodeRandom Code = 1001
	// CodeRejected: the key material does not open this: wrong key, altered data or bad padding (deliberately not told apart).
	CodeRejected Code = 1002
	// CodeTooLong: an input is longer than its bound.
	CodeTooLong Code = 1003
	// CodePcrIndex: a PCR index is out of range 0..31.
	CodePcrIndex Code = 1101
	// CodePcrLength: a PCR value is not 48 bytes (96 hex digits).
	CodePcrLength Code = 1102
	// CodePcrHex: a PCR value holds something else than hex digits.
	CodePcrHex Code = 1103
	// CodeMeasurementsJson: not the measurements JSON that nitro-cli prints.
	CodeMeasurementsJson Code = 1104
	// CodeMeasurementsAlgorithm: the measurements are not SHA-384.
	CodeMeasurementsAlgorithm Code = 1105
	// CodeMeasurementsMissing: the measurements JSON lacks a field.
	CodeMeasurementsMissing Code = 1106
	// CodeMeasurementsUnknown: the measurements JSON has a measurement that nitro-cli does not print.
	CodeMeasurementsUnknown Code = 1107
	// CodeRoleArn: not the ARN of an IAM role (arn:PARTITION:iam::ACCOUNT:role/NAME).
	CodeRoleArn Code = 1108
	// CodeInstanceId: not an EC2 instance id (i- and 8 or 17 lower-case hex digits).
	CodeInstanceId Code = 1109
	// CodeSigningCertificate: not the DER of a certificate (PEM has to be decoded first).
	CodeSigningCertificate Code = 1110
	// CodeCborTruncated: the CBOR ends in the middle of an item.
	CodeCborTruncated Code = 1201
	// CodeCborType: a CBOR item has another type than its place demands.
	CodeCborType Code = 1202
	// CodeCborNotShortest: a CBOR head is longer than it need be.
	CodeCborNotShortest Code = 1203
	// CodeCborIndefinite: a CBOR item has an indefinite length where a definite one is demanded.
	CodeCborIndefinite Code = 1204
	// CodeCborTrailing: bytes follow the end of the CBOR.
	CodeCborTrailing Code = 1205
	// CodeCborText: a CBOR text string is not UTF-8.
	CodeCborText Code = 1206
	// CodeCborRange: a CBOR integer is outside the range of its place.
	CodeCborRange Code = 1207
	// CodeCborDuplicateKey: a CBOR map has the same key twice.
	CodeCborDuplicateKey Code = 1208
	// CodeCborValue: a CBOR item has another value or length than its place demands.
	CodeCborValue Code = 1209
	// CodeCoseTag: the message carries another CBOR tag than that of COSE_Sign1 (18).
	CodeCoseTag Code = 1221
	// CodeCoseArray: COSE_Sign1 is an array of four.
	CodeCoseArray Code = 1222
	// CodeCoseProtected: the protected header is not exactly {1: -35} (ES384).
	CodeCoseProtected Code = 1223
	// CodeCoseUnprotected: the unprotected header is not empty.
	CodeCoseUnprotected Code = 1224
	// CodeCosePayload: the COSE payload is outside 1..16384 bytes.
	CodeCosePayload Code = 1225
	// CodeCoseSignatureLength: an ES384 signature is 96 bytes.
	CodeCoseSignatureLength Code = 1226
	// CodeCoseSignatureRejected: the COSE signature does not verify under the leaf certificate's key.
	CodeCoseSignatureRejected Code = 1227
	// CodeAttestationFieldUnknown: the attestation document has a field that the specification does not name.
	CodeAttestationFieldUnknown Code = 1301
	// CodeAttestationFieldMissing: the attestation document lacks a required field.
	CodeAttestationFieldMissing Code = 1302
	// CodeAttestationModuleId: the attestation document's module_id is empty.
	CodeAttestationModuleId Code = 1303
	// CodeAttestationDigest: the attestation document's digest is not SHA384.
	CodeAttestationDigest Code = 1304
	// CodeAttestationTimestamp: the attestation document's timestamp is zero.
	CodeAttestationTimestamp Code = 1305
	// CodeAttestationPcrCount: an attestation document holds 1..32 PCRs.
	CodeAttestationPcrCount Code = 1306
	// CodeAttestationPcrFields: the attestation document has both pcrs and nitrotpm_pcrs.
	CodeAttestationPcrFields Code = 1307
	// CodeAttestationCabundle: the attestation document's cabundle holds 1..7 certificates.
	CodeAttestationCabundle Code = 1308
	// CodeAttestationFieldLength: a field of the attestation document is outside its length.
	CodeAttestationFieldLength Code = 1309
	// CodeAttestationPolicyEmpty: the attestation policy names no PCR, no module id and no instance id: any enclave of any AWS customer would satisfy it.
	CodeAttestationPolicyEmpty Code = 1310
	// CodeAttestationPolicyField: the attestation policy demands a value that no attestation document can have.
	CodeAttestationPolicyField Code = 1311
	// CodeAttestationRefused: the attestation does not satisfy the policy.
	CodeAttestationRefused Code = 1320
	// CodeAttestationKindMismatch: the document attests another kind of module than the policy demands.
	CodeAttestationKindMismatch Code = 1321
	// CodeAttestationPcrMismatch: a PCR has none of the values that the policy accepts.
	CodeAttestationPcrMismatch Code = 1322
	// CodeAttestationPcrAbsent: the document lacks a PCR that the policy names.
	CodeAttestationPcrAbsent Code = 1323
	// CodeAttestationDebugMode: the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the policy does not allow.
	CodeAttestationDebugMode Code = 1324
	// CodeAttestationDebugUnknown: the document lacks one of PCR0, PCR1 and PCR2, without which debug mode cannot be ruled out.
	CodeAttestationDebugUnknown Code = 1325
	// CodeAttestationModuleIdMismatch: the document is of another module than the policy demands.
	CodeAttestationModuleIdMismatch Code = 1326
	// CodeAttestationInstanceIdMismatch: the document is of another EC2 instance than the policy demands.
	CodeAttestationInstanceIdMismatch Code = 1327
	// CodeAttestationNonceMismatch: the document's nonce is not the policy's.
	CodeAttestationNonceMismatch Code = 1328
	// CodeAttestationUserDataMismatch: the document's user_data is not the policy's.
	CodeAttestationUserDataMismatch Code = 1329
	// CodeAttestationPublicKeyMismatch: the document's public_key is not the policy's.
	CodeAttestationPublicKeyMismatch Code = 1330
	// CodeAttestationTooOld: the document is older than the policy allows.
	CodeAttestationTooOld Code = 1331
	// CodeAttestationFromFuture: the document's timestamp lies further ahead of the time than the policy's clock skew.
	CodeAttestationFromFuture Code = 1332
	// CodeAttestationRevoked: a certificate of the chain has a serial number that the policy revokes.
	CodeAttestationRevoked Code = 1333
	// CodeCertificateMalformed: not the DER of an X.509 certificate.
	CodeCertificateMalformed Code = 1351
	// CodeCertificateVersion: the certificate is not of version 3.
	CodeCertificateVersion Code = 1352
	// CodeCertificateAlgorithm: the certificate's key is not P-384 or its signature not ecdsa-with-SHA384.
	CodeCertificateAlgorithm Code = 1353
	// CodeCertificateBasicConstraints: the certificate lacks BasicConstraints, or is a CA where an end entity belongs or the reverse.
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
	// CodeCmsSize: the CiphertextForRecipient is empty or longer than KMS makes it.
	CodeCmsSize Code = 1401
	// CodeCmsTruncated: an element of the CMS ends early: it is truncated, or a length is wrong.
	CodeCmsTruncated Code = 1402
	// CodeCmsElement: another element stands in the CMS where KMS has this field.
	CodeCmsElement Code = 1403
	// CodeCmsLength: a length in the CMS is not in a form that KMS uses.
	CodeCmsLength Code = 1404
	// CodeCmsLeftOver: something follows the last field of this element of the CMS.
	CodeCmsLeftOver Code = 1405
	// CodeCmsTrailing: bytes follow the end of the CMS.
	CodeCmsTrailing Code = 1406
	// CodeCmsNotEnvelopedData: the CMS is not EnvelopedData.
	CodeCmsNotEnvelopedData Code = 1407
	// CodeCmsVersion: a version in the CMS is not 2: its recipient is not named by a subjectKeyIdentifier.
	CodeCmsVersion Code = 1408
	// CodeCmsRecipientCount: the CMS is not for exactly one recipient.
	CodeCmsRecipientCount Code = 1409
	// CodeCmsRecipientType: the CMS's recipient is not a KeyTransRecipientInfo.
	CodeCmsRecipientType Code = 1410
	// CodeCmsIssuerAndSerialNumber: the CMS names its recipient by issuer and serial number: not AWS KMS's form.
	CodeCmsIssuerAndSerialNumber Code = 1411
	// CodeCmsKeyIdentifier: the CMS's subjectKeyIdentifier is not a SHA-256 hash.
	CodeCmsKeyIdentifier Code = 1412
	// CodeCmsKeyEncryptionAlgorithm: the CMS's content key is not encrypted with RSAES-OAEP.
	CodeCmsKeyEncryptionAlgorithm Code = 1413
	// CodeCmsOaepSha1: the CMS uses RSAES-OAEP with SHA-1: the request must ask for RSAES_OAEP_SHA_256.
	CodeCmsOaepSha1 Code = 1414
	// CodeCmsOaepParameters: the CMS uses RSAES-OAEP with other functions than SHA-256 and MGF1 with SHA-256.
	CodeCmsOaepParameters Code = 1415
	// CodeCmsEncryptedKey: the CMS's encrypted key has the length of no RSA key of 2048..4096 bits.
	CodeCmsEncryptedKey Code = 1416
	// CodeCmsNotData: the CMS's content is not plain data.
	CodeCmsNotData Code = 1417
	// CodeCmsContentEncryptionAlgorithm: the CMS's content is not encrypted with AES-256-CBC.
	CodeCmsContentEncryptionAlgorithm Code = 1418
	// CodeCmsIv: the CMS's IV is not 16 bytes.
	CodeCmsIv Code = 1419
	// CodeCmsContentLength: the CMS's encrypted content is empty or not whole AES blocks.
	CodeCmsContentLength Code = 1420
	// CodeCmsForeignRecipient: the CMS is for another recipient key.
	CodeCmsForeignRecipient Code = 1421
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
	// CodeContentRejected: the bundle does not authenticate under this header and external_aad: altered, or another external_aad.
	CodeContentRejected Code = 1610
	// CodePcrDrift: no binding of the blob accepts the measured PCR values.
	CodePcrDrift Code = 1611
	// CodeBindingTooWeak: a binding does not cover every required PCR.
	CodeBindingTooWeak Code = 1612
	// CodeBindingUnknown: there is no binding with these PCR values or at this position.
	CodeBindingUnknown Code = 1613
	// CodeSecretLength: a secret is 1..65536 bytes.
	CodeSecretLength Code = 1614
	// CodeKeyArn: not the full ARN of a KMS key (arn:PARTITION:kms:REGION:ACCOUNT:key/ID).
	CodeKeyArn Code = 1701
	// CodeClusterId: a cluster id is 1..64 characters of A-Z a-z 0-9 . _ -.
	CodeClusterId Code = 1702
	// CodeQuorumSize: a quorum has 1..16 keys and a threshold from 1 to their number.
	CodeQuorumSize Code = 1703
	// CodeQuorumRepeatedKey: a quorum names the same key id twice.
	CodeQuorumRepeatedKey Code = 1704
	// CodeQuorumMultiRegion: a quorum names a multi-Region key without the opt-in: its replicas have policies of their own.
	CodeQuorumMultiRegion Code = 1705
	// CodeQuorumSingleShare: a threshold of 1 without the opt-in: any single key would open the blob.
	CodeQuorumSingleShare Code = 1706
	// CodePolicyEmpty: a trust policy needs at least one quorum and at least one required PCR.
	CodePolicyEmpty Code = 1707
	// CodeClusterMismatch: the blob belongs to another cluster.
	CodeClusterMismatch Code = 1708
	// CodeGenerationTooOld: the blob's generation is below the trusted minimum (rollback).
	CodeGenerationTooOld Code = 1709
	// CodeSealIdMismatch: the blob is not the pinned one.
	CodeSealIdMismatch Code = 1710
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
	// CodeDebugMode: the enclave runs in debug mode (PCR0, PCR1 and PCR2 are zero), which the trust policy does not allow.
	CodeDebugMode Code = 1717
	// CodePcrMissing: a required PCR was not measured.
	CodePcrMissing Code = 1718
	// CodeQuorumWrappings: one KMS key stands in quorums of both wrappings: an `attested` key must never have permitted Encrypt.
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
	// CodeAnswerKeyId: KMS answered for another key than the one asked.
	CodeAnswerKeyId Code = 1807
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
	// CodeResealUnvouched: an `attested` seal of a secret from an `encrypt` blob needs the opt-in: nobody vouches for its origin.
	CodeResealUnvouched Code = 1815
	// CodeAttester: the attester (the Nitro Secure Module) failed.
	CodeAttester Code = 2001
	// CodeNsmInvalidArgument: the Nitro Secure Module refuses an argument.
	CodeNsmInvalidArgument Code = 2002
	// CodeNsmInvalidIndex: the Nitro Secure Module has no PCR with this index.
	CodeNsmInvalidIndex Code = 2003
	// CodeNsmReadOnlyIndex: the PCR is locked: it can be neither extended nor locked again.
	CodeNsmReadOnlyIndex Code = 2004
	// CodeNsmInputTooLarge: an input is longer than the Nitro Secure Module takes.
	CodeNsmInputTooLarge Code = 2005
	// CodeNsmInvalidResponse: the Nitro Secure Module says that its answer does not belong to the request.
	CodeNsmInvalidResponse Code = 2006
	// CodeNsmInvalidOperation: the Nitro Secure Module cannot do this, or does not understand the request.
	CodeNsmInvalidOperation Code = 2007
	// CodeNsmBufferTooSmall: the Nitro Secure Module's answer does not fit the buffer given for it.
	CodeNsmBufferTooSmall Code = 2008
	// CodeNsmInternalError: the Nitro Secure Module failed inside.
	CodeNsmInternalError Code = 2009
	// CodeNsmErrorUnknown: the Nitro Secure Module answers with an error code that its interface does not name.
	CodeNsmErrorUnknown Code = 2010
	// CodeNsmAnswerMalformed: the answer of the Nitro Secure Module is not of the form that the request demands.
	CodeNsmAnswerMalformed Code = 2011
	// CodeNsmPcrUnlocked: the PCR is not locked: attestation documents do not show it, so no key policy can demand its value, and it can still be changed.
	CodeNsmPcrUnlocked Code = 2012
	// CodeNsmDeviceMissing: there is no device of the Nitro Secure Module: not a Nitro Enclave, or its driver (nsm.ko) is not loaded.
	CodeNsmDeviceMissing Code = 2021
	// CodeNsmDevicePermission: no permission to open the device of the Nitro Secure Module.
	CodeNsmDevicePermission Code = 2022
	// CodeNsmDeviceKind: the path of the Nitro Secure Module is not a character device.
	CodeNsmDeviceKind Code = 2023
	// CodeNsmDeviceOpen: the device of the Nitro Secure Module cannot be opened.
	CodeNsmDeviceOpen Code = 2024
	// CodeNsmIoctl: the driver of the Nitro Secure Module failed to carry the request.
	CodeNsmIoctl Code = 2025
	// CodeNsmSocket: the socket of the Nitro Secure Module cannot be reached, or broke.
	CodeNsmSocket Code = 2026
	// CodeKernelEntropy: the kernel's entropy pool did not take what it was fed.
	CodeKernelEntropy Code = 2031
	// CodeNitroTpmTool: the program nitro-tpm-attest cannot be run, or failed.
	CodeNitroTpmTool Code = 2041
	// CodeNitroTpmDocument: nitro-tpm-attest printed something else than the document asked for.
	CodeNitroTpmDocument Code = 2042
	// CodeNitroTpmPcr: a SHA-384 PCR of the TPM cannot be read.
	CodeNitroTpmPcr Code = 2043
	// CodeKmsEndpoint: an endpoint is http:// or https://, a host, and a port if need be.
	CodeKmsEndpoint Code = 3001
	// CodeKmsEndpointNotLoopback: an http:// endpoint is allowed on a loopback address only.
	CodeKmsEndpointNotLoopback Code = 3002
	// CodeKmsRootCertificate: a root certificate cannot be read.
	CodeKmsRootCertificate Code = 3004
	// CodeKmsCredentials: credentials are missing, or not of the form that AWS issues.
	CodeKmsCredentials Code = 3005
	// CodeKmsRegion: not the name of an AWS region.
	CodeKmsRegion Code = 3006
	// CodeKmsClock: the clock stands outside the years 1970 to 9999.
	CodeKmsClock Code = 3007
	// CodeKmsTlsVersions: the TLS implementation offers neither TLS 1.2 nor TLS 1.3.
	CodeKmsTlsVersions Code = 3008
	// CodeKmsKeyId: a KeyId is 1..2048 bytes.
	CodeKmsKeyId Code = 3011
	// CodeKmsCiphertextBlob: a CiphertextBlob is 1..6144 bytes.
	CodeKmsCiphertextBlob Code = 3012
	// CodeKmsPlaintext: a Plaintext is 1..4096 bytes.
	CodeKmsPlaintext Code = 3013
	// CodeKmsAttestationDocument: an AttestationDocument is 1..262144 bytes.
	CodeKmsAttestationDocument Code = 3014
	// CodeKmsNumberOfBytes: a data key, or a string of random bytes, is 1..1024 bytes.
	CodeKmsNumberOfBytes Code = 3015
	// CodeKmsEncryptionContext: an EncryptionContext is too large, or holds an empty key.
	CodeKmsEncryptionContext Code = 3016
	// CodeKmsRequest: the request cannot be written.
	CodeKmsRequest Code = 3017
	// CodeKmsGrantTokens: a request carries at most 10 grant tokens, each of 1..8192 bytes.
	CodeKmsGrantTokens Code = 3018
	// CodeKmsPublicKey: a PublicKey is 1..8192 bytes.
	CodeKmsPublicKey Code = 3019
	// CodeKmsConnect: no connection to the endpoint.
	CodeKmsConnect Code = 3021
	// CodeKmsTls: the TLS handshake with the endpoint failed.
	CodeKmsTls Code = 3022
	// CodeKmsConnectTimeout: the connection was not established in time.
	CodeKmsConnectTimeout Code = 3023
	// CodeKmsTimeout: KMS did not answer within the time of the whole operation.
	CodeKmsTimeout Code = 3024
	// CodeKmsHttp: the connection broke, or the answer is not HTTP.
	CodeKmsHttp Code = 3025
	// CodeKmsAnswerTooLong: the answer is longer than any answer of KMS.
	CodeKmsAnswerTooLong Code = 3031
	// CodeKmsAnswerMalformed: the answer is not the JSON of this operation.
	CodeKmsAnswerMalformed Code = 3032
	// CodeKmsAnswerField: a field of the answer is missing or outside its bounds.
	CodeKmsAnswerField Code = 3033
	// CodeKmsPlaintextBesideRecipient: the answer to a request with Recipient holds a Plaintext: the endpoint does not honour Recipient.
	CodeKmsPlaintextBesideRecipient Code = 3034
	// CodeKmsAccessDenied: KMS refused: access denied.
	CodeKmsAccessDenied Code = 3041
	// CodeKmsAttestationRejected: KMS refused the attestation document.
	CodeKmsAttestationRejected Code = 3042
	// CodeKmsKeyDisabled: the KMS key is disabled.
	CodeKmsKeyDisabled Code = 3043
	// CodeKmsKeyPendingDeletion: the KMS key is pending deletion.
	CodeKmsKeyPendingDeletion Code = 3044
	// CodeKmsKeyInvalidState: the state of the KMS key does not permit the request.
	CodeKmsKeyInvalidState Code = 3045
	// CodeKmsNotFound: there is no such KMS key.
	CodeKmsNotFound Code = 3046
	// CodeKmsIncorrectKey: the ciphertext was made under another KMS key.
	CodeKmsIncorrectKey Code = 3047
	// CodeKmsInvalidCiphertext: KMS cannot open the ciphertext: altered, or another EncryptionContext.
	CodeKmsInvalidCiphertext Code = 3048
	// CodeKmsDryRunOperation: the dry run says: the request would have succeeded.
	CodeKmsDryRunOperation Code = 3049
	// CodeKmsThrottled: KMS throttled the request.
	CodeKmsThrottled Code = 3050
	// CodeKmsUnavailable: KMS is unavailable for the moment.
	CodeKmsUnavailable Code = 3051
	// CodeKmsCredentialsRejected: AWS rejected the signature or the credentials.
	CodeKmsCredentialsRejected Code = 3052
	// CodeKmsClockSkew: AWS rejected the time of the request: the clocks differ.
	CodeKmsClockSkew Code = 3053
	// CodeKmsValidation: KMS found the request invalid.
	CodeKmsValidation Code = 3054
	// CodeKmsOther: KMS answered with an error of another kind.
	CodeKmsOther Code = 3055
	// CodeKmsAttestationStale: KMS refused the attestation document: older than five minutes.
	CodeKmsAttestationStale Code = 3056
	// CodeKmsAttestationMalformed: KMS refused the attestation document: it cannot be read.
	CodeKmsAttestationMalformed Code = 3057
	// CodeKmsExplicitDeny: KMS refused: a policy denies it explicitly.
	CodeKmsExplicitDeny Code = 3058
	// CodeKmsNoAllow: KMS refused: no policy allows it.
	CodeKmsNoAllow Code = 3059
	// CodeKmsCredentialsExpired: the AWS credentials have expired.
	CodeKmsCredentialsExpired Code = 3060
	// CodeKmsTlsTimeout: the TLS handshake was not done in time.
	CodeKmsTlsTimeout Code = 3061
	// CodeKmsAnswerTimeout: the head of an answer did not come in time.
	CodeKmsAnswerTimeout Code = 3062
	// CodeKmsBodyTimeout: the body of the answer did not come in time.
	CodeKmsBodyTimeout Code = 3063
	// CodeKmsAttemptTimeout: the transport gave no answer in time.
	CodeKmsAttemptTimeout Code = 3064
	// CodeKmsRetryPolicy: the retry policy has more or fewer attempts than it can.
	CodeKmsRetryPolicy Code = 3065
	// CodeKmsPolicy: a key policy is 1..131072 characters, each a tab, a line break or of Latin-1.
	CodeKmsPolicy Code = 3071
	// CodeKmsCustomKeyStoreId: a CustomKeyStoreId is 1..64 bytes.
	CodeKmsCustomKeyStoreId Code = 3072
	// CodeCredentialsConfiguration: a provider of credentials cannot be used as it is configured.
	CodeCredentialsConfiguration Code = 3101
	// CodeCredentialsEndpoint: a container credentials endpoint is http:// on a loopback address, 169.254.170.2, 169.254.170.23 or fd00:ec2::23.
	CodeCredentialsEndpoint Code = 3102
	// CodeCredentialsUnset: an environment variable that the provider of credentials needs is not set, or not text.
	CodeCredentialsUnset Code = 3103
	// CodeCredentialsFile: a file that the provider of credentials needs cannot be read.
	CodeCredentialsFile Code = 3104
	// CodeCredentialsUnreachable: no connection to the source of the credentials.
	CodeCredentialsUnreachable Code = 3105
	// CodeCredentialsTimeout: the source of the credentials did not answer in time.
	CodeCredentialsTimeout Code = 3106
	// CodeCredentialsBroken: the connection to the source of the credentials broke, or the answer is not HTTP.
	CodeCredentialsBroken Code = 3107
	// CodeCredentialsUnavailable: the source of the credentials is unavailable for the moment.
	CodeCredentialsUnavailable Code = 3108
	// CodeCredentialsRefused: the source of the credentials refused to hand out any.
	CodeCredentialsRefused Code = 3109
	// CodeCredentialsTooLong: the source of the credentials sent more than a credentials document can hold.
	CodeCredentialsTooLong Code = 3110
	// CodeCredentialsMalformed: not the JSON of a credentials document.
	CodeCredentialsMalformed Code = 3111
	// CodeCredentialsField: a field of the credentials document is missing, or has another value than its place demands.
	CodeCredentialsField Code = 3112
	// CodeCredentialsExpired: the source handed out credentials that have expired already.
	CodeCredentialsExpired Code = 3113
	// CodeCredentialsRejected: AWS rejected the credentials, and their provider has no others.
	CodeCredentialsRejected Code = 3114
	// CodeCredentialsProvider: the provider of credentials failed.
	CodeCredentialsProvider Code = 3115
	// CodeCredentialsInterrupted: the fetch of credentials ended without a result: its runtime was shut down, or the provider panicked.
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
	// CodeAccountId: an AWS account id has twelve digits.
	CodeAccountId Code = 4021
	// CodePrincipalArn: not the ARN of an account's root, a role, a role session, a user or a federated user.
	CodePrincipalArn Code = 4022
	// CodeActionName: not an action of AWS KMS (kms:NAME).
	CodeActionName Code = 4023
	// CodePcrZero: a PCR value of all zeros identifies a debug-mode enclave, or a register that nothing was measured into.
	CodePcrZero Code = 4201
	// CodeReleasePcrs: the PCRs of a release are not those that the policy can demand.
	CodeReleasePcrs Code = 4202
	// CodeReleaseMismatch: the current and the previous release cannot stand in one policy.
	CodeReleaseMismatch Code = 4203
	// CodeProfileWrapping: the profile permits Encrypt and grants no GenerateDataKey, so it fits only `encrypt` wrapping.
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
	// CodeKeyPermitsEncrypt: a key of an `attested` quorum permits kms:Encrypt: whoever holds the credentials can forge a blob.
	CodeKeyPermitsEncrypt Code = 6002
	// CodeKeyNotChecked: a key could not be checked before the seal.
	CodeKeyNotChecked Code = 6003
	// CodeInterrupted: the runtime was shut down, or a part of it failed, before the work was done.
	CodeInterrupted Code = 6004
	// CodeDeadlineExceeded: the deadline passed while the enclave made a key or waited for its attester.
	CodeDeadlineExceeded Code = 6005
	// CodeKeyPermitsGenerateDataKey: a key of an `attested` quorum permits kms:GenerateDataKey without attestation: whoever holds the credentials can forge a blob.
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
	// CodeConfigMember: a member of the configuration is missing, stands twice, is not known, or stands beside one that excludes it.
	CodeConfigMember Code = 6023
	// CodeConfigType: a member of the configuration has another type than its place demands.
	CodeConfigType Code = 6024
	// CodeConfigValue: a member of the configuration has another value than its place demands.
	CodeConfigValue Code = 6025
	// CodeConfigTransport: the session's configuration leaves the transport to the host, or the call is for such a session alone.
	CodeConfigTransport Code = 6026
	// CodeNullPointer: a pointer that must not be NULL is NULL.
	CodeNullPointer Code = 8001
	// CodeMisalignedPointer: a pointer is not aligned for what it points to.
	CodeMisalignedPointer Code = 8002
	// CodeInputLength: an input is longer than its place takes.
	CodeInputLength Code = 8003
	// CodeBufferTooSmall: the buffer is too small for what belongs there; nothing was written but the length that it needs.
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
