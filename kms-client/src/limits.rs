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

/// Time to establish a connection (TCP or vsock), the look-up of its name included, unless configured. Ours.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for the TLS handshake, unless configured. Ours: two round trips and a few milliseconds of work.
pub const DEFAULT_TLS_TIMEOUT: Duration = Duration::from_secs(3);
/// Time from sending a request to the head of its answer, unless configured. Ours: KMS answers within some 10 ms.
pub const DEFAULT_ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Time to read the body of an answer, unless configured. Ours: it comes with the head.
pub const DEFAULT_BODY_TIMEOUT: Duration = Duration::from_secs(3);
/// Time for a whole operation (all attempts, the waits between them, the fetching of credentials), unless
/// configured. Ours: two attempts that hang at different stages, and a third.
pub const DEFAULT_OPERATION_TIMEOUT: Duration = Duration::from_secs(20);
/// Wait before the next address of a host is tried as well (RFC 8305 section 8, Connection Attempt Delay).
pub const CONNECTION_ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Most addresses of a host that are tried. Ours: AWS publishes fewer than ten for an endpoint.
pub const MAX_ADDRESSES: usize = 16;

/// Attempts of one operation, the first included, unless configured. Ours: one more than the AWS SDKs', which have
/// no quorum that waits for the answer.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 4;
/// Most attempts of one operation that can be configured. Ours.
pub const MAX_ATTEMPTS: u32 = 10;
/// Base of the waits after a passing fault, unless configured. Ours: a few round trips.
pub const DEFAULT_FAULT_BASE: Duration = Duration::from_millis(100);
/// Base of the waits after throttling, unless configured (KMS refills its quotas every second).
pub const DEFAULT_THROTTLE_BASE: Duration = Duration::from_secs(1);
/// Longest wait between two attempts, `Retry-After` aside, unless configured. Ours.
pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(8);
/// Farthest that the service's clock may be from ours before a denial is taken for a skewed clock, in seconds
/// (the AWS SDKs' bound; `SigV4` itself tolerates five minutes).
pub const MAX_CLOCK_SKEW: u64 = 240;

/// Longest time that a connection may have been idle and is still used. Ours: below the idle timeouts usual for AWS endpoints.
pub const MAX_IDLE: Duration = Duration::from_secs(30);
/// Most idle connections kept per endpoint: one for each key of the largest quorum, if all are in one region.
pub const MAX_IDLE_PER_ENDPOINT: usize = pcrseal_core::limits::MAX_SHARES;

// Credentials.

/// How long before their expiry credentials are fetched anew. AWS: new role credentials are there at least five
/// minutes before the old ones expire (EC2 user guide, "Retrieve security credentials from instance metadata").
pub const CREDENTIALS_REFRESH_WINDOW: Duration = Duration::from_secs(300);
/// The window's largest part of the life that credentials have when they come: one in so many. Ours: those that
/// live for minutes are not fetched anew at once.
pub const CREDENTIALS_REFRESH_SHARE: u32 = 4;
/// Shortest time between two fetches while the credentials at hand last. Ours.
pub const CREDENTIALS_REFRESH_PAUSE: Duration = Duration::from_secs(10);
/// Shortest time from a failed fetch to the next when no credentials are at hand. Ours: callers wait for it.
pub const CREDENTIALS_RETRY_PAUSE: Duration = Duration::from_millis(500);
/// Time for a whole fetch, all attempts of the provider included. Ours: below
/// [`DEFAULT_OPERATION_TIMEOUT`].
pub const CREDENTIALS_FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Time for one attempt: connection, question and answer. Ours: as AWS's SDKs give IMDS.
pub const CREDENTIALS_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// Attempts at one question to a source of credentials. Ours: as AWS's SDKs give IMDS.
pub const CREDENTIALS_ATTEMPTS: u32 = 3;
/// Pause after the first failed attempt; each further one doubles it. Ours.
pub const CREDENTIALS_ATTEMPT_PAUSE: Duration = Duration::from_millis(100);
/// Longest credentials document in bytes. Ours: the session token is at most [`MAX_SESSION_TOKEN_LEN`] of it.
pub const MAX_CREDENTIALS_DOCUMENT_LEN: usize = 16 * 1024;
/// Longest authorization token of a container endpoint in bytes. Ours: EKS's are below 2 KiB.
pub const MAX_CONTAINER_TOKEN_LEN: usize = 8192;
/// Longest IMDS session token in bytes. Ours: AWS issues 56.
pub const MAX_IMDS_TOKEN_LEN: usize = 1024;
/// The life of an IMDS session token that is asked for: the longest, six hours (EC2 user guide, "Use `IMDSv2`").
pub const IMDS_TOKEN_TTL: Duration = Duration::from_secs(21_600);
/// Longest name of a role in bytes (AWS IAM API reference, `Role`).
pub const MAX_ROLE_NAME_LEN: usize = 64;
/// Longest error code of a source of credentials that is kept, in characters. Ours.
pub const MAX_SOURCE_ERROR_LEN: usize = 64;
