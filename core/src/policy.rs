//! What an enclave trusts: never taken from a blob, always from the measured image.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::{Code, Error};
use crate::limits::MAX_SHARES;
use crate::names::{ClusterId, KeyArn, SealId, Wrapping};
use crate::pcr::{PcrSelection, PcrSet};

/// A quorum: `threshold` of these KMS keys, in this order, release a secret wrapped this way. A blob must
/// match a quorum whole, so that nothing in it chooses which keys are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    threshold: u8,
    keys: Box<[KeyArn]>,
    wrapping: Wrapping,
}

/// What a quorum may be only when its owner says so by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuorumOptIns {
    /// Multi-Region keys (`mrk-…`) may be named. Each replica holds the same key material under a key policy
    /// of its own: the weakest of them counts.
    pub multi_region: bool,
    /// The threshold may be 1: any single key then opens the blob, so any single administrator can.
    pub single_share: bool,
}

impl Quorum {
    /// A quorum without opt-ins: `threshold` (2..n) of 2..16 single-Region keys with distinct ids.
    ///
    /// # Errors
    /// [`Code::QuorumSize`], [`Code::QuorumRepeatedKey`], [`Code::QuorumMultiRegion`],
    /// [`Code::QuorumSingleShare`].
    pub fn new(threshold: u8, keys: Vec<KeyArn>, wrapping: Wrapping) -> Result<Self, Error> {
        Self::with_opt_ins(threshold, keys, wrapping, QuorumOptIns::default())
    }

    /// A quorum with opt-ins.
    ///
    /// # Errors
    /// Those of [`Quorum::new`] that are not opted out of.
    pub fn with_opt_ins(
        threshold: u8,
        keys: Vec<KeyArn>,
        wrapping: Wrapping,
        opt_ins: QuorumOptIns,
    ) -> Result<Self, Error> {
        if keys.is_empty() || keys.len() > MAX_SHARES {
            return Err(Error::number(Code::QuorumSize, "keys", "1..16", keys.len() as u64));
        }
        if threshold == 0 || usize::from(threshold) > keys.len() {
            return Err(Error::number(Code::QuorumSize, "threshold", "1..number of keys", threshold.into()));
        }
        if threshold == 1 && !opt_ins.single_share {
            return Err(Code::QuorumSingleShare.into());
        }
        for (position, key) in keys.iter().enumerate() {
            if keys.iter().take(position).any(|earlier| earlier.key_id() == key.key_id()) {
                return Err(Error::text(Code::QuorumRepeatedKey, "key", "distinct key ids", key.as_str()));
            }
            if key.is_multi_region() && !opt_ins.multi_region {
                return Err(Error::text(Code::QuorumMultiRegion, "key", "a single-Region key", key.as_str()));
            }
        }
        Ok(Self { threshold, keys: keys.into(), wrapping })
    }

    /// How many shares are needed.
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// The keys; share x is under the key at position x - 1.
    pub fn keys(&self) -> &[KeyArn] {
        &self.keys
    }

    /// How KMS protects the share keys.
    pub const fn wrapping(&self) -> Wrapping {
        self.wrapping
    }

    /// The number of keys, 1..16.
    pub(crate) fn count(&self) -> u8 {
        self.positions().map(|(x, _)| x).last().unwrap_or_default()
    }

    /// Keys and their share positions x = 1..n.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (u8, &KeyArn)> {
        (1..).zip(&self.keys)
    }
}

/// Everything that decides which blob is accepted. Built into the measured image, or derived from it; never
/// from the parent instance and never from the blob.
#[derive(Clone, Debug)]
pub struct TrustPolicy {
    cluster: ClusterId,
    seal_quorum: Option<Quorum>,
    unseal_quorums: Vec<Quorum>,
    minimum_generation: u64,
    required_pcrs: PcrSelection,
    debug_mode_allowed: bool,
    seal_id: Option<SealId>,
}

impl TrustPolicy {
    /// Starts a policy for a cluster. Defaults: no quorum, minimum generation 1, required PCRs 0, 1 and 2,
    /// debug mode refused, no seal id pinned.
    pub fn builder(cluster: ClusterId) -> TrustPolicyBuilder {
        TrustPolicyBuilder {
            policy: Self {
                cluster,
                seal_quorum: None,
                unseal_quorums: Vec::new(),
                minimum_generation: 1,
                required_pcrs: PcrSelection::IMAGE,
                debug_mode_allowed: false,
                seal_id: None,
            },
        }
    }

    /// The cluster.
    pub const fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// The quorum that new blobs are sealed under, if this policy may seal.
    pub const fn seal_quorum(&self) -> Option<&Quorum> {
        self.seal_quorum.as_ref()
    }

    /// The quorums that a blob may name: the sealing one first, then those kept for rotation.
    pub fn unseal_quorums(&self) -> impl Iterator<Item = &Quorum> + Clone {
        self.seal_quorum.iter().chain(&self.unseal_quorums)
    }

    /// The lowest generation accepted.
    pub const fn minimum_generation(&self) -> u64 {
        self.minimum_generation
    }

    /// The PCRs that a binding must cover. Never empty.
    pub const fn required_pcrs(&self) -> PcrSelection {
        self.required_pcrs
    }

    /// Whether debug-mode enclaves are allowed.
    pub const fn debug_mode_allowed(&self) -> bool {
        self.debug_mode_allowed
    }

    /// The one seal id accepted, if pinned.
    pub const fn seal_id(&self) -> Option<SealId> {
        self.seal_id
    }

    /// Judges what was measured: the required PCRs are there, and it is not debug mode, which takes PCR0, PCR1
    /// and PCR2 to tell whatever is required.
    pub(crate) fn check_measured(&self, measured: &PcrSet) -> Result<(), Error> {
        if !self.debug_mode_allowed {
            measured.select(PcrSelection::IMAGE)?;
        }
        self.check_binding(measured)
    }

    /// Judges the values that a binding shall accept: the required PCRs are covered, and they are not those of
    /// debug mode.
    pub(crate) fn check_binding(&self, values: &PcrSet) -> Result<(), Error> {
        values.select(self.required_pcrs)?;
        if values.is_debug() && !self.debug_mode_allowed {
            return Err(Code::DebugMode.into());
        }
        Ok(())
    }
}

/// Builds a [`TrustPolicy`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TrustPolicyBuilder {
    policy: TrustPolicy,
}

impl TrustPolicyBuilder {
    /// The quorum to seal under. It is accepted for unsealing too.
    pub fn seal_quorum(mut self, quorum: Quorum) -> Self {
        self.policy.seal_quorum = Some(quorum);
        self
    }

    /// A further quorum that is accepted for unsealing alone: the old one during a rotation, or the only one
    /// of an image that never seals.
    pub fn unseal_quorum(mut self, quorum: Quorum) -> Self {
        self.policy.unseal_quorums.push(quorum);
        self
    }

    /// The lowest generation accepted: blobs below it are refused as rollbacks.
    pub fn minimum_generation(mut self, generation: u64) -> Self {
        self.policy.minimum_generation = generation;
        self
    }

    /// The PCRs that every binding must cover.
    pub fn required_pcrs(mut self, selection: PcrSelection) -> Self {
        self.policy.required_pcrs = selection;
        self
    }

    /// Allows debug-mode enclaves, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
    pub fn allow_debug_mode(mut self) -> Self {
        self.policy.debug_mode_allowed = true;
        self
    }

    /// Accepts the one blob with this seal id.
    pub fn pin_seal_id(mut self, seal_id: SealId) -> Self {
        self.policy.seal_id = Some(seal_id);
        self
    }

    /// The policy.
    ///
    /// # Errors
    /// [`Code::PolicyEmpty`] without any quorum or without any required PCR; [`Code::QuorumWrappings`] when one
    /// key stands in quorums of both wrappings.
    pub fn build(self) -> Result<TrustPolicy, Error> {
        if self.policy.required_pcrs.is_empty() {
            return Err(Error::field(Code::PolicyEmpty, "required_pcrs"));
        }
        if self.policy.unseal_quorums().next().is_none() {
            return Err(Error::field(Code::PolicyEmpty, "quorums"));
        }
        let keys_of = |wrapping| {
            let quorums = self.policy.unseal_quorums().filter(move |quorum| quorum.wrapping == wrapping);
            quorums.flat_map(|quorum| quorum.keys.iter())
        };
        for key in keys_of(Wrapping::Encrypt) {
            if keys_of(Wrapping::Attested).any(|attested| attested.key_id() == key.key_id()) {
                return Err(Error::text(Code::QuorumWrappings, "key", "one wrapping", key));
            }
        }
        Ok(self.policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec;

    fn key(id: &str) -> KeyArn {
        KeyArn::new(&format!("arn:aws:kms:eu-central-1:111122223333:key/{id}")).unwrap()
    }

    fn refused(threshold: u8, keys: Vec<KeyArn>) -> Code {
        Quorum::new(threshold, keys, Wrapping::Attested).unwrap_err().code()
    }

    #[test]
    fn quorum_bounds() {
        let keys = |n: usize| (0..n).map(|i| key(&format!("k{i}"))).collect::<Vec<_>>();
        assert_eq!(refused(2, keys(0)), Code::QuorumSize);
        assert_eq!(refused(2, keys(17)), Code::QuorumSize);
        assert_eq!(refused(0, keys(3)), Code::QuorumSize);
        assert_eq!(refused(4, keys(3)), Code::QuorumSize);
        assert_eq!(refused(1, keys(3)), Code::QuorumSingleShare);
        assert!(Quorum::new(16, keys(16), Wrapping::Attested).is_ok());
        assert!(Quorum::new(2, keys(2), Wrapping::Encrypt).is_ok());
    }

    #[test]
    fn quorum_needs_opt_ins_for_weak_shapes() {
        let replica = key("mrk-0123456789abcdef0123456789abcdef");
        assert_eq!(refused(2, vec![key("a"), replica.clone()]), Code::QuorumMultiRegion);
        let opt_ins = QuorumOptIns { multi_region: true, single_share: true };
        assert!(Quorum::with_opt_ins(1, vec![key("a"), replica], Wrapping::Attested, opt_ins).is_ok());
    }

    #[test]
    fn replicas_of_one_key_never_make_a_quorum() {
        let id = "mrk-0123456789abcdef0123456789abcdef";
        let elsewhere = KeyArn::new(&format!("arn:aws:kms:us-east-1:111122223333:key/{id}")).unwrap();
        let opt_ins = QuorumOptIns { multi_region: true, single_share: false };
        let quorum = Quorum::with_opt_ins(2, vec![key(id), elsewhere], Wrapping::Attested, opt_ins);
        assert_eq!(quorum.unwrap_err().code(), Code::QuorumRepeatedKey);
    }

    #[test]
    fn one_key_never_serves_both_wrappings() {
        let quorum =
            |ids: [&str; 2], wrapping| Quorum::new(2, ids.into_iter().map(key).collect(), wrapping).unwrap();
        let policy = |old, new| {
            TrustPolicy::builder(ClusterId::new("test").unwrap()).seal_quorum(new).unseal_quorum(old).build()
        };
        let (old, new) = (quorum(["a", "b"], Wrapping::Encrypt), quorum(["b", "c"], Wrapping::Attested));
        assert_eq!(policy(old.clone(), new).unwrap_err().code(), Code::QuorumWrappings);
        assert!(policy(old, quorum(["c", "d"], Wrapping::Attested)).is_ok());
        let (old, new) = (quorum(["a", "b"], Wrapping::Attested), quorum(["b", "c"], Wrapping::Attested));
        assert!(policy(old, new).is_ok());
    }

    #[test]
    fn empty_policies_are_refused() {
        let builder = || TrustPolicy::builder(ClusterId::new("test").unwrap());
        let quorum = Quorum::new(2, vec![key("a"), key("b")], Wrapping::Attested).unwrap();
        assert_eq!(builder().build().unwrap_err().code(), Code::PolicyEmpty);
        let no_pcrs = builder().seal_quorum(quorum.clone()).required_pcrs(PcrSelection::EMPTY).build();
        assert_eq!(no_pcrs.unwrap_err().code(), Code::PolicyEmpty);
        let policy = builder().unseal_quorum(quorum).build().unwrap();
        assert!(policy.seal_quorum().is_none());
        assert_eq!(policy.required_pcrs(), PcrSelection::IMAGE);
        assert_eq!(policy.minimum_generation(), 1);
    }
}
