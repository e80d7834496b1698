//! What a relying party demands of a verified document: its Appraisal Policy for Evidence (RFC 9334).

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{AttestationKind, Hex, VerifiedAttestation};
use crate::error::{Code, Error};
use crate::limits::MAX_OPTIONAL_FIELD_LEN;
use crate::pcr::{Pcr, PcrIndex, PcrMismatch, PcrSelection, PcrSet, is_instance_id};

/// What a verified document must say to be accepted.
///
/// A demand that is not made is not judged, with one exception: enclaves in debug mode are refused unless
/// they are allowed by name.
#[derive(Clone, Debug)]
pub struct AttestationPolicy {
    kind: AttestationKind,
    pcrs: Vec<(PcrIndex, Pcr)>,
    module_id: Option<String>,
    instance_id: Option<String>,
    nonce: Option<Vec<u8>>,
    user_data: Option<Vec<u8>>,
    public_key: Option<Vec<u8>>,
    freshness: Option<Freshness>,
    debug_mode_allowed: bool,
    revoked_serials: Vec<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
struct Freshness {
    maximum_age_ms: u64,
    clock_skew_ms: u64,
}

impl AttestationPolicy {
    /// Starts a policy for documents of one kind; those of the other never satisfy it.
    pub const fn builder(kind: AttestationKind) -> AttestationPolicyBuilder {
        AttestationPolicyBuilder {
            policy: Self {
                kind,
                pcrs: Vec::new(),
                module_id: None,
                instance_id: None,
                nonce: None,
                user_data: None,
                public_key: None,
                freshness: None,
                debug_mode_allowed: false,
                revoked_serials: Vec::new(),
            },
        }
    }

    /// Judges a document at a time in milliseconds since the epoch. Allocates nothing if it is accepted.
    ///
    /// # Errors
    /// [`Code::AttestationRefused`]; its [`Detail::All`](crate::error::Detail::All) holds everything that
    /// [`Self::mismatches`] yields.
    pub fn appraise(&self, attestation: &VerifiedAttestation<'_>, now_ms: u64) -> Result<(), Error> {
        let mut mismatches = self.mismatches(attestation, now_ms).peekable();
        if mismatches.peek().is_none() {
            return Ok(());
        }
        Err(Error::all(Code::AttestationRefused, mismatches.collect::<Box<[_]>>()))
    }

    /// Every demand that the document does not meet, with what was expected and what was found: codes
    /// 1321..1333. PCRs come in ascending order, each with every value that would have been accepted.
    pub fn mismatches<'a>(
        &'a self,
        attestation: &'a VerifiedAttestation<'_>,
        now_ms: u64,
    ) -> impl Iterator<Item = Error> + 'a {
        let fields = [
            self.kind(attestation.kind()),
            self.debug_mode(attestation.pcrs()),
            expect(
                Code::AttestationModuleIdMismatch,
                "module_id",
                self.module_id.as_deref(),
                Some(attestation.module_id()),
            ),
            expect(
                Code::AttestationInstanceIdMismatch,
                "instance id",
                self.instance_id.as_deref(),
                attestation.instance_id(),
            ),
            bytes(Code::AttestationNonceMismatch, "nonce", self.nonce.as_deref(), attestation.nonce()),
            bytes(
                Code::AttestationUserDataMismatch,
                "user_data",
                self.user_data.as_deref(),
                attestation.user_data(),
            ),
            bytes(
                Code::AttestationPublicKeyMismatch,
                "public_key",
                self.public_key.as_deref(),
                attestation.public_key(),
            ),
            self.freshness(attestation.timestamp_ms(), now_ms),
        ];
        let pcrs = self.named_pcrs().iter().filter_map(|index| self.pcr(index, attestation.pcrs()));
        let serials = attestation.cabundle_serials().iter().copied().chain([attestation.leaf_serial()]);
        let revoked = serials.filter_map(|serial| self.revoked(serial));
        fields.into_iter().flatten().chain(pcrs).chain(revoked)
    }

    fn kind(&self, found: AttestationKind) -> Option<Error> {
        (found != self.kind)
            .then(|| Error::text(Code::AttestationKindMismatch, "kind", self.kind.name(), found.name()))
    }

    /// `NitroTPM` has no debug mode.
    fn debug_mode(&self, pcrs: &PcrSet) -> Option<Error> {
        if self.debug_mode_allowed || self.kind != AttestationKind::Enclave {
            return None;
        }
        if !pcrs.selection().covers(PcrSelection::IMAGE) {
            return Some(Code::AttestationDebugUnknown.into());
        }
        pcrs.is_debug().then(|| Code::AttestationDebugMode.into())
    }

    fn freshness(&self, timestamp_ms: u64, now_ms: u64) -> Option<Error> {
        let Freshness { maximum_age_ms, clock_skew_ms } = self.freshness?;
        let earliest = now_ms.saturating_sub(maximum_age_ms).saturating_sub(clock_skew_ms);
        let latest = now_ms.saturating_add(clock_skew_ms);
        let code = if timestamp_ms < earliest {
            Code::AttestationTooOld
        } else if timestamp_ms > latest {
            Code::AttestationFromFuture
        } else {
            return None;
        };
        Some(Error::text(code, "timestamp", format_args!("{earliest}..{latest}"), timestamp_ms))
    }

    fn named_pcrs(&self) -> PcrSelection {
        self.pcrs.iter().map(|&(index, _)| index).collect()
    }

    fn pcr(&self, index: PcrIndex, pcrs: &PcrSet) -> Option<Error> {
        let measured = pcrs.get(index).copied();
        let accepted = || self.pcrs.iter().filter(move |(named, _)| *named == index).map(|&(_, value)| value);
        if accepted().any(|value| measured == Some(value)) {
            return None;
        }
        let code = match measured {
            Some(_) => Code::AttestationPcrMismatch,
            None => Code::AttestationPcrAbsent,
        };
        let mismatches = accepted().map(|expected| PcrMismatch { index, expected, measured });
        Some(Error::pcrs(code, mismatches.collect::<Box<[_]>>()))
    }

    fn revoked(&self, serial: &[u8]) -> Option<Error> {
        let serial = without_leading_zeros(serial);
        self.revoked_serials.iter().any(|revoked| revoked == serial).then(|| {
            Error::text(Code::AttestationRevoked, "serial number", "a serial not revoked", Hex(serial))
        })
    }
}

/// Builds an [`AttestationPolicy`]. Of values set twice the last one counts; PCR values and serials add up.
#[derive(Clone, Debug)]
#[must_use]
pub struct AttestationPolicyBuilder {
    policy: AttestationPolicy,
}

impl AttestationPolicyBuilder {
    /// A Reference Value: one value that this PCR may have. Name a PCR several times to accept several
    /// values (during a roll-out, say); each PCR is judged for itself. A document without it is refused.
    pub fn pcr(mut self, index: PcrIndex, accepted: Pcr) -> Self {
        self.policy.pcrs.push((index, accepted));
        self
    }

    /// Reference Values of a whole release: [`Self::pcr`] for each of them.
    pub fn pcrs(mut self, accepted: &PcrSet) -> Self {
        self.policy.pcrs.extend(accepted.iter().map(|(index, value)| (index, *value)));
        self
    }

    /// The module, `i-…-enc…` or `i-…-tpm…`: one boot of one enclave, or one instance with `NitroTPM`.
    pub fn module_id(mut self, module_id: &str) -> Self {
        self.policy.module_id = Some(module_id.into());
        self
    }

    /// The EC2 instance, `i-…`, that `module_id` names.
    pub fn instance_id(mut self, instance_id: &str) -> Self {
        self.policy.instance_id = Some(instance_id.into());
        self
    }

    /// The nonce, 0..1024 bytes: the challenge that the relying party sent. What makes a document fresh
    /// without trust in clocks.
    pub fn nonce(mut self, nonce: &[u8]) -> Self {
        self.policy.nonce = Some(nonce.into());
        self
    }

    /// The user data, 0..1024 bytes.
    pub fn user_data(mut self, user_data: &[u8]) -> Self {
        self.policy.user_data = Some(user_data.into());
        self
    }

    /// The public key, 0..1024 bytes.
    pub fn public_key(mut self, public_key: &[u8]) -> Self {
        self.policy.public_key = Some(public_key.into());
        self
    }

    /// How old a document may be, and by how much its clock and the relying party's may differ either way:
    /// accepted from its timestamp minus the skew through its timestamp plus age plus skew, inclusive.
    pub fn fresh_within_ms(mut self, maximum_age_ms: u64, clock_skew_ms: u64) -> Self {
        self.policy.freshness = Some(Freshness { maximum_age_ms, clock_skew_ms });
        self
    }

    /// Allows debug-mode enclaves, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
    pub fn allow_debug_mode(mut self) -> Self {
        self.policy.debug_mode_allowed = true;
        self
    }

    /// Refuses chains with a certificate, leaf or CA, of this serial number: big-endian, as a CRL lists it;
    /// leading zeros do not matter. AWS specifies no CRL check; its regional and zonal certificates name CRLs
    /// whose entries go here.
    pub fn revoked_serial(mut self, serial: &[u8]) -> Self {
        self.policy.revoked_serials.push(without_leading_zeros(serial).into());
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// [`Code::AttestationPolicyEmpty`] without any PCR, module id or instance id: whoever rents an enclave
    /// chooses the other fields. [`Code::AttestationPolicyField`] for a value that no document can have.
    pub fn build(self) -> Result<AttestationPolicy, Error> {
        let policy = self.policy;
        if policy.pcrs.is_empty() && policy.module_id.is_none() && policy.instance_id.is_none() {
            return Err(Code::AttestationPolicyEmpty.into());
        }
        if policy.module_id.as_deref() == Some("") {
            return Err(Error::field(Code::AttestationPolicyField, "module_id"));
        }
        if policy.instance_id.as_deref().is_some_and(|id| !is_instance_id(id)) {
            return Err(Error::field(Code::AttestationPolicyField, "instance id"));
        }
        for (field, value) in
            [("nonce", &policy.nonce), ("user_data", &policy.user_data), ("public_key", &policy.public_key)]
        {
            let length = value.as_ref().map_or(0, Vec::len);
            if length > MAX_OPTIONAL_FIELD_LEN {
                return Err(Error::number(
                    Code::AttestationPolicyField,
                    field,
                    "0..1024 bytes",
                    length as u64,
                ));
            }
        }
        Ok(policy)
    }
}

fn bytes(code: Code, field: &'static str, expected: Option<&[u8]>, found: Option<&[u8]>) -> Option<Error> {
    expect(code, field, expected.map(Hex), found.map(Hex))
}

fn expect<T: PartialEq + fmt::Display>(
    code: Code,
    field: &'static str,
    expected: Option<T>,
    found: Option<T>,
) -> Option<Error> {
    let expected = expected?;
    match found {
        Some(found) if found == expected => None,
        Some(found) => Some(Error::text(code, field, expected, found)),
        None => Some(Error::text(code, field, expected, "nothing")),
    }
}

fn without_leading_zeros(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|&&byte| byte == 0).count();
    serial.get(zeros..).unwrap_or_default()
}
