//! Building blocks: Shamir's secret sharing, and the recipient key of KMS's answers.

use pcrseal::Code;
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::limits::MAX_SECRET_LEN;
use pcrseal::core::recipient::Recipient as CoreRecipient;
use pcrseal::core::shamir::{self, Share};
use zeroize::Zeroizing;

use crate::error::{Error, Status};
use crate::pointer::{call, free, get_bytes};
use crate::secret::{Reserved, Secret};

/// An ephemeral RSA-2048 key. Its public half goes into an attestation document; AWS KMS encrypts its answers to it.
/// Immutable: threads may share it. Freeing it destroys the private half.
pub struct Recipient(CoreRecipient);

/// Splits a secret of 1..65536 bytes with Shamir's scheme into `shares_count` shares, any `threshold` of which recover it;
/// fewer tell nothing but its length. They are `shares_count` times `secret_len` + 1 bytes, one after the other in
/// `shares`, each laid out as OpenBao and Vault do: the bytes, then the coordinate x, which is 1, 2, and so on.
///
/// Fails with `PCRSEAL_E_SHAMIR_THRESHOLD` unless `threshold` is 1..`shares_count` and that at most 255, with
/// `PCRSEAL_E_SHAMIR_SECRET_LENGTH`, with `PCRSEAL_E_RANDOM`, and with `PCRSEAL_E_BUFFER_TOO_SMALL`. The shares are secret:
/// the library keeps no copy, and the program wipes its own (`pcrseal_zeroize`).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_shamir_split(
    secret: *const u8,
    secret_len: usize,
    threshold: u32,
    shares_count: u32,
    shares: *mut u8,
    shares_capacity: usize,
    shares_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let buffer = caller.buffer(shares, shares_capacity, shares_len, "shares");
        let secret = caller.bytes(secret, secret_len, "secret")?;
        let number = |what, number: u32| {
            let fault = Fault::number(Code::ShamirThreshold, what, "1..255", number.into());
            u8::try_from(number).map_err(|_| fault)
        };
        let (threshold, n) = (number("threshold", threshold)?, number("shares_count", shares_count)?);
        let needed = secret.len().saturating_add(1).saturating_mul(n.into());
        // What cannot be split at all has no size.
        if (1..=MAX_SECRET_LEN).contains(&secret.len()) && (1..=n).contains(&threshold) {
            buffer.demand(needed)?;
        }
        let shares = shamir::split(secret, threshold, n, aws_lc::BACKEND.random)?;
        // Of its full length from the start: growing would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(needed));
        for share in &shares {
            bytes.extend_from_slice(share.y().expose());
            bytes.push(share.x());
        }
        buffer.write(&bytes)
    })
}

/// Recovers a secret from `shares_count` shares of one split, as `pcrseal_shamir_split` lays them out: as many as its
/// threshold, or more. The secret is one byte shorter than a share.
///
/// Nothing here detects a wrong share: altered ones, and fewer than the threshold, give other bytes and no error.
///
/// Fails with `PCRSEAL_E_SHAMIR_NO_SHARES` for none, with `PCRSEAL_E_SHAMIR_SHARE_LENGTHS` when `shares_len` is no multiple
/// of `shares_count`, with `PCRSEAL_E_SHARE_LENGTH` unless each share has 2..65537 bytes, with
/// `PCRSEAL_E_SHARE_COORDINATE` when an x is 0, with `PCRSEAL_E_SHAMIR_SHARE_REPEATED` when two shares have the same x, and
/// with `PCRSEAL_E_BUFFER_TOO_SMALL`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_shamir_combine(
    shares: *const u8,
    shares_len: usize,
    shares_count: u32,
    secret: *mut u8,
    secret_capacity: usize,
    secret_len: *mut usize,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let buffer = caller.buffer(secret, secret_capacity, secret_len, "secret");
        let shares = caller.bytes(shares, shares_len, "shares")?;
        let count = usize::try_from(shares_count).unwrap_or(usize::MAX);
        let each = shares.len().checked_div(count).ok_or(Code::ShamirNoShares)?;
        if shares.len() % count != 0 {
            let expected = "a multiple of shares_count";
            let fault = Fault::number(Code::ShamirShareLengths, "shares_len", expected, shares.len() as u64);
            return Err(fault.into());
        }
        if each < 2 {
            return Err(Fault::number(Code::ShareLength, "bytes", "2..65537", each as u64).into());
        }
        let shares = shares.chunks_exact(each).map(Share::from_vault_bytes).collect::<Result<Vec<_>, _>>()?;
        buffer.demand(each - 1)?;
        buffer.write(shamir::combine(&shares)?.expose())
    })
}

/// A fresh RSA-2048 key, in `recipient`; whoever gets it frees it. Takes tens of milliseconds. Fails with
/// `PCRSEAL_E_RANDOM`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_recipient_new(
    recipient: *mut *mut Recipient,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let recipient = caller.out(recipient, "recipient");
        recipient.give(Recipient(CoreRecipient::generate(&aws_lc::BACKEND)?));
        Ok(())
    })
}

/// The public key, DER of a `SubjectPublicKeyInfo`, and its length in `len`: what `pcrseal_attester_attest` takes as
/// `public_key`. Owned by the recipient; NULL and 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_recipient_public_key(
    recipient: *const Recipient,
    len: *mut usize,
) -> *const u8 {
    get_bytes(recipient, len, |recipient| Some(recipient.0.public_key_der()))
}

/// Opens a `CiphertextForRecipient` of AWS KMS, CMS EnvelopedData, with the private half of the key: the plaintext, 0..4096
/// bytes as a rule, is in `plaintext`, which whoever gets it frees.
///
/// The content is not authenticated: anyone who knows the public key can make a message that opens, and altered bytes can
/// open to an altered plaintext. What comes out is as trustworthy as the TLS connection that it came through.
///
/// Fails with one of the `PCRSEAL_E_CMS_…` codes when the structure is not KMS's, of which
/// `PCRSEAL_E_CMS_FOREIGN_RECIPIENT` is for another key; with `PCRSEAL_E_REJECTED` for everything after that, which is
/// deliberately not told apart; with `PCRSEAL_E_MEMORY_NOT_LOCKED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_recipient_open(
    recipient: *const Recipient,
    ciphertext_for_recipient: *const u8,
    ciphertext_for_recipient_len: usize,
    plaintext: *mut *mut Secret,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let plaintext = caller.out(plaintext, "plaintext");
        let recipient = caller.handle(recipient, "recipient")?;
        let message = caller.bytes(
            ciphertext_for_recipient,
            ciphertext_for_recipient_len,
            "ciphertext_for_recipient",
        )?;
        let opened = recipient.0.open(message)?;
        plaintext.give(Reserved::new(opened.len())?.fill(opened.expose())?);
        Ok(())
    })
}

/// Frees a recipient. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_recipient_free(recipient: *mut Recipient) {
    free(recipient);
}
