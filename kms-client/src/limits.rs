//! Every bound of this crate, each with its source. "AWS" is the AWS KMS API reference of the operation.

use core::time::Duration;

/// Longest `KeyId` in bytes (AWS).
pub const MAX_KEY_ID_LEN: usize = 2048;
/// Longest `CiphertextBlob`, and longest `CiphertextForRecipient`, in bytes (AWS: `CiphertextType`).
pub const MAX_CIPHERTEXT_LEN: usize = pcrseal_core::limits::MAX_KMS_CIPHERTEXT_LEN;
/// Longest `Plaintext` in bytes (AWS: `PlaintextType`).
pub const MAX_PLAINTEXT_LEN: usize = 4096;
/// Longest attestation document in bytes (AWS: `AttestationDocumentType`).
pub const MAX_ATTESTATION_DOCUMENT_LEN: usize = 262_144;
/// Largest `NumberOfBytes` of a data key or of random bytes (AWS: `NumberOfBytesType`).
pub const MAX_NUMBER_OF_BYTES: u16 = 1024;
/// Most grant tokens of a request (AWS: `GrantTokenList`).
pub const MAX_GRANT_TOKENS: usize = 10;
/// Longest grant token in bytes (AWS: `GrantTokenType`).
pub const MAX_GRANT_TOKEN_LEN: usize = 8192;
/// Longest `PublicKey` in bytes (AWS: `PublicKeyType`).
pub const MAX_PUBLIC_KEY_LEN: usize = 8192;
/// Longest `CustomKeyStoreId` in bytes (AWS: `CustomKeyStoreIdType`).
pub const MAX_CUSTOM_KEY_STORE_ID_LEN: usize = 64;
/// Longest key policy in characters (AWS: `PolicyType`; KMS's quota is lower, 32 KiB).
pub const MAX_POLICY_LEN: usize = 131_072;
/// Largest `EncryptionContext`: the bytes of all keys and values together. Ours: AWS publishes no bound for
/// the request, and pcrseal's own context is below 400 bytes.
pub const MAX_ENCRYPTION_CONTEXT_LEN: usize = 8192;

/// Deepest nesting of an answer's JSON. Ours: KMS nests three deep.
pub const MAX_ANSWER_DEPTH: usize = 16;
/// Longest body of an answer in bytes. Ours: the longest answer of KMS is a key policy, of 32 KiB by AWS's quota
/// and at most six times that in escapes; every other is below 32 KiB.
pub const MAX_ANSWER_LEN: usize = 256 * 1024;
/// Longest head of an answer (status line and header fields) in bytes. Ours: KMS sends less than 1 KiB.
pub const MAX_ANSWER_HEAD_LEN: usize = 16 * 1024;
/// Most header fields of an answer. Ours: KMS sends fewer than ten.
pub const MAX_ANSWER_HEADERS: usize = 64;
/// Longest text of a service error that is kept, in characters. Ours.
pub const MAX_ERROR_MESSAGE_LEN: usize = 1024;
/// Longest code of a service error, and longest request id, that is kept, in characters. Ours.
pub const MAX_ERROR_CODE_LEN: usize = 96;
/// Longest `Retry-After` that is believed: a longer one is cut to this. Ours: no deadline of a restart waits longer.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);
/// Longest text of a key's metadata (state, spec, usage, origin) in bytes. Ours: they are enumerations.
pub const MAX_METADATA_TEXT_LEN: usize = 64;

/// Longest access key id in bytes (AWS IAM API reference, `AccessKey`).
pub const MAX_ACCESS_KEY_ID_LEN: usize = 128;
/// Longest secret access key in bytes. Ours: AWS issues 40.
pub const MAX_SECRET_ACCESS_KEY_LEN: usize = 256;
/// Longest session token in bytes. Ours: AWS publishes no bound; a request's header fields fit into 16 KiB.
pub const MAX_SESSION_TOKEN_LEN: usize = 8192;
/// Longest name of a region in bytes. Ours: the longest is below 20.
pub const MAX_REGION_LEN: usize = 32;
/// The last second that `SigV4`'s four-digit year can name: 9999-12-31T23:59:59Z.
pub const MAX_UNIX_SECONDS: u64 = 253_402_300_799;

/// Time to establish a connection, TLS included, unless configured. Ours.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for a whole operation, connection included, unless configured. Ours.
pub const DEFAULT_OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest time that a connection may have been idle and is still used. Ours: below the idle timeouts usual for AWS endpoints.
pub const MAX_IDLE: Duration = Duration::from_secs(30);
/// Most idle connections kept per endpoint. Ours: one unseal asks each key once.
pub const MAX_IDLE_PER_ENDPOINT: usize = 4;
