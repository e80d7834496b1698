//! Every bound on sizes and counts, each with its source.

/// Bytes of one PCR value: SHA-384 (AWS `attestation_process.md`: digest is always SHA384).
pub const PCR_LEN: usize = 48;
/// Number of PCR indices, 0..31 (AWS `attestation_process.md`).
pub const PCR_COUNT: usize = 32;
/// Longest role ARN in bytes (IAM API reference, `arnType`).
pub const MAX_ROLE_ARN_LEN: usize = 2048;
/// Longest measurements JSON in bytes. Ours: what `nitro-cli describe-eif` prints is a few KiB, of which
/// the image's metadata is the largest part.
pub const MAX_MEASUREMENTS_JSON_LEN: usize = 64 * 1024;

/// Longest payload of a `COSE_Sign1` attestation document in bytes (AWS `attestation_process.md`).
pub const MAX_COSE_PAYLOAD_LEN: usize = 16_384;
/// Longest certificate in an attestation document in bytes (AWS `attestation_process.md`).
pub const MAX_CERTIFICATE_LEN: usize = 1024;
/// Most certificates in an attestation document's `cabundle`. Ours: the root and the six intermediates that
/// a path of rustls-webpki holds; genuine documents have four in all.
pub const MAX_CABUNDLE: usize = 7;
/// Longest `public_key`, `user_data` and `nonce` of an attestation document in bytes. AWS
/// `attestation_process.md` says 512 in one place and 1024 in another; genuine documents carry 1024.
pub const MAX_OPTIONAL_FIELD_LEN: usize = 1024;
/// Stack in bytes that is enough to parse, verify and appraise an attestation document, with either backend
/// and without optimization. Ours: measured, with a margin of two (`core/tests/attestation_memory.rs`).
pub const ATTESTATION_STACK_LEN: usize = 192 * 1024;

/// Longest request to a Nitro Secure Module in bytes (`aws-nitro-enclaves-nsm-api`, `NSM_REQUEST_MAX_SIZE`; Linux,
/// `drivers/misc/nsm.c`).
pub const MAX_NSM_REQUEST_LEN: usize = 4096;
/// Longest answer of a Nitro Secure Module in bytes (`aws-nitro-enclaves-nsm-api`, `NSM_RESPONSE_MAX_SIZE`; Linux,
/// `drivers/misc/nsm.c`).
pub const MAX_NSM_RESPONSE_LEN: usize = 12_288;
/// Most bytes that one `ExtendPCR` takes: a whole request, less the 28 bytes around them.
pub const MAX_EXTEND_LEN: usize = MAX_NSM_REQUEST_LEN - 28;

/// Bits of the RSA key that a recipient generates (AWS's own Nitro clients attest 2048-bit keys).
pub const RSA_GENERATE_BITS: usize = 2048;
/// Bits of an RSA key that may be imported. KMS encrypts to attested RSA keys of these sizes.
pub const RSA_IMPORT_BITS: core::ops::RangeInclusive<usize> = 2048..=4096;
/// Bytes of an RSA-encrypted key for the keys of [`RSA_IMPORT_BITS`]: as long as the modulus (RFC 8017
/// section 7.1.1).
pub const RSA_ENCRYPTED_KEY_LEN: core::ops::RangeInclusive<usize> = 256..=512;
/// Longest `CiphertextForRecipient` in bytes (AWS KMS API reference, Decrypt, response elements).
pub const MAX_CIPHERTEXT_FOR_RECIPIENT_LEN: usize = 6144;

/// Longest sealed blob in bytes. Ours: 16 shares of at most 6.5 KiB, a secret of 64 KiB and 8 bindings of
/// at most 1.8 KiB make less than this.
pub const MAX_BLOB_LEN: usize = 256 * 1024;
/// Longest secret in bytes. Ours: a sealed blob holds keys, not documents.
pub const MAX_SECRET_LEN: usize = 65_536;
/// Most bindings in a blob. Ours: two releases of a rolling upgrade, with room.
pub const MAX_BINDINGS: usize = 8;
/// Most KMS keys in a quorum. Ours: more keys than AWS has separate failure domains add nothing.
pub const MAX_SHARES: usize = 16;
/// Longest cluster id in characters. Ours: it is a KMS encryption context value and an IAM role suffix.
pub const MAX_CLUSTER_ID_LEN: usize = 64;
/// Longest key ARN in bytes. Ours, below the 2048 of the KMS API: partition, region, account and key id are
/// all short.
pub const MAX_KEY_ARN_LEN: usize = 256;
/// Longest `CiphertextBlob` in bytes (AWS KMS API reference, Decrypt).
pub const MAX_KMS_CIPHERTEXT_LEN: usize = 6144;
/// The version of the sealed blob's format (docs/FORMAT.md).
pub const FORMAT_VERSION: u64 = 1;
/// Bytes of a share key and of a data key: AES-256.
pub const SHARE_KEY_LEN: usize = 32;
/// Bytes of a sealed share: IV, 32 bytes of share, tag.
pub const SEALED_SHARE_LEN: usize = 60;
