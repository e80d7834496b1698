//! What a relying party demands of an attestation document.

use std::ffi::c_char;
use std::sync::{Arc, Mutex};

use pcrseal::Code;
use pcrseal::core::attestation::{
    AttestationKind, AttestationPolicy as CorePolicy, AttestationPolicyBuilder as Builder,
};
use pcrseal::core::error::Error as Fault;
use pcrseal::core::pcr::Pcr;

use crate::attestation::{PCRSEAL_ATTESTATION_ENCLAVE, PCRSEAL_ATTESTATION_NITRO_TPM};
use crate::error::{Error, Failure, Status};
use crate::lock::lock;
use crate::pcr_set::index;
use crate::pointer::{Caller, call, free};

/// What a verified document must say to be accepted. A demand that is not made is not judged, with one exception: enclaves
/// in debug mode are refused unless they are allowed.
///
/// It is judged as a whole where it is used: `pcrseal_verify` refuses one that demands no PCR, no module id and no instance
/// id (`PCRSEAL_E_ATTESTATION_POLICY_EMPTY`), since anyone can rent an enclave and choose everything else, and one that
/// demands what no document can say (`PCRSEAL_E_ATTESTATION_POLICY_FIELD`). Of a demand made twice the last one counts;
/// PCR values and revoked serial numbers add up.
///
/// Threads may share one: a lock inside keeps changes and uses apart, and their order is the program's.
pub struct AttestationPolicy(Mutex<Demands>);

struct Demands {
    builder: Builder,
    /// What the builder makes, once that was asked for.
    built: Option<Arc<CorePolicy>>,
}

impl AttestationPolicy {
    /// The policy, made once for all documents.
    pub(crate) fn built(&self) -> Result<Arc<CorePolicy>, Fault> {
        let mut demands = lock(&self.0);
        if let Some(built) = &demands.built {
            return Ok(Arc::clone(built));
        }
        let built = Arc::new(demands.builder.clone().build()?);
        demands.built = Some(Arc::clone(&built));
        Ok(built)
    }
}

/// Adds a demand.
fn demand(
    policy: *mut AttestationPolicy,
    error: *mut *mut Error,
    add: impl FnOnce(&Caller, Builder) -> Result<Builder, Failure>,
) -> Status {
    call(error, |caller| {
        let mut demands = lock(&caller.handle(policy, "policy")?.0);
        let builder = add(caller, demands.builder.clone())?;
        *demands = Demands { builder, built: None };
        Ok(())
    })
}

/// A new policy, in `policy`, for documents of one kind, `PCRSEAL_ATTESTATION_ENCLAVE` or `PCRSEAL_ATTESTATION_NITRO_TPM`:
/// those of the other never satisfy it. Whoever gets it frees it. Fails with `PCRSEAL_E_UNKNOWN_CONSTANT` for another
/// `kind`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_new(
    kind: u32,
    policy: *mut *mut AttestationPolicy,
    error: *mut *mut Error,
) -> Status {
    call(error, |caller| {
        let policy = caller.out(policy, "policy");
        let kind = match kind {
            PCRSEAL_ATTESTATION_ENCLAVE => AttestationKind::Enclave,
            PCRSEAL_ATTESTATION_NITRO_TPM => AttestationKind::NitroTpm,
            other => {
                let expected = "PCRSEAL_ATTESTATION_...";
                return Err(Fault::number(Code::UnknownConstant, "kind", expected, other.into()).into());
            }
        };
        let demands = Demands { builder: CorePolicy::builder(kind), built: None };
        policy.give(AttestationPolicy(Mutex::new(demands)));
        Ok(())
    })
}

/// Demands a value of the PCR at `pcr`: a Reference Value. With several values for one PCR, each of them will do, as during
/// a roll-out; every PCR is judged for itself, and a document without it is refused.
///
/// Fails with `PCRSEAL_E_PCR_INDEX` unless `pcr` is 0..31, and with `PCRSEAL_E_PCR_LENGTH` unless `value_len` is
/// `PCRSEAL_PCR_LEN`; the policy is unchanged then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_require_pcr(
    policy: *mut AttestationPolicy,
    pcr: u32,
    value: *const u8,
    value_len: usize,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |caller, builder| {
        let value = Pcr::try_from(caller.bytes(value, value_len, "value")?)?;
        Ok(builder.pcr(index(pcr)?, value))
    })
}

/// Demands the module, `i-…-enc…` or `i-…-tpm…`: one boot of one enclave, or one instance with NitroTPM.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_require_module_id(
    policy: *mut AttestationPolicy,
    module_id: *const c_char,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |caller, builder| Ok(builder.module_id(caller.text(module_id, "module_id")?)))
}

/// Demands the EC2 instance, `i-…`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_require_instance_id(
    policy: *mut AttestationPolicy,
    instance_id: *const c_char,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |caller, builder| Ok(builder.instance_id(caller.text(instance_id, "instance_id")?)))
}

/// Demands the nonce, 0..1024 bytes: the challenge that the relying party sent. It is what makes a document fresh without
/// trust in clocks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_require_nonce(
    policy: *mut AttestationPolicy,
    nonce: *const u8,
    nonce_len: usize,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |caller, builder| Ok(builder.nonce(caller.bytes(nonce, nonce_len, "nonce")?)))
}

/// Demands the user data, 0..1024 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_require_user_data(
    policy: *mut AttestationPolicy,
    user_data: *const u8,
    user_data_len: usize,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |caller, builder| {
        Ok(builder.user_data(caller.bytes(user_data, user_data_len, "user_data")?))
    })
}

/// Demands the public key, 0..1024 bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_require_public_key(
    policy: *mut AttestationPolicy,
    public_key: *const u8,
    public_key_len: usize,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |caller, builder| {
        Ok(builder.public_key(caller.bytes(public_key, public_key_len, "public_key")?))
    })
}

/// Demands that the document be at most `max_age_ms` milliseconds old at the time of the verification, where its clock and
/// the relying party's may differ by `clock_skew_ms` either way.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_require_fresh(
    policy: *mut AttestationPolicy,
    max_age_ms: u64,
    clock_skew_ms: u64,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |_, builder| Ok(builder.fresh_within_ms(max_age_ms, clock_skew_ms)))
}

/// Allows debug-mode enclaves, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_allow_debug_mode(
    policy: *mut AttestationPolicy,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |_, builder| Ok(builder.allow_debug_mode()))
}

/// Refuses chains with a certificate, leaf or CA, of this serial number: big-endian, as a CRL lists it; leading zeros do
/// not matter. CRLs are not fetched, as AWS specifies; who follows them adds their entries here.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_revoke_serial(
    policy: *mut AttestationPolicy,
    serial: *const u8,
    serial_len: usize,
    error: *mut *mut Error,
) -> Status {
    demand(policy, error, |caller, builder| {
        Ok(builder.revoked_serial(caller.bytes(serial, serial_len, "serial")?))
    })
}

/// Frees a policy. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pcrseal_attestation_policy_free(policy: *mut AttestationPolicy) {
    free(policy);
}
