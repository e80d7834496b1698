//! Everything that the server knows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use pcrseal_policy::names::{AccountId, PrincipalArn};

use super::cms::{ContentForm, RecipientKey};
use super::fault::FaultSlot;
use super::identities::{Identities, unique_id};
use super::keys::{Key, KeyOptions, KeyState};
use super::principal::Principal;
use super::quota::Regions;
use super::{KmsError, is_region};
use crate::Clock;
use crate::nsm::Authority;

/// Most keys of one server, all accounts and regions together. Ours: enough for any test, bearable in memory.
pub(crate) const MAX_KEYS: usize = 10_000;

/// Accounts, regions and their keys in one process.
pub(crate) struct World {
    authority: Authority,
    clock: Clock,
    content_form: ContentForm,
    /// By key id: ids are random, so no two regions or accounts share one.
    keys: RwLock<HashMap<String, Arc<Key>>>,
    /// By access key id.
    principals: RwLock<HashMap<String, Arc<Principal>>>,
    identities: Identities,
    stranger: OnceLock<RecipientKey>,
    requests: AtomicU64,
    fault: FaultSlot,
    regions: Regions,
}

impl World {
    pub(crate) fn new(authority: Authority, clock: Clock, content_form: ContentForm) -> Self {
        Self {
            authority,
            clock,
            content_form,
            keys: RwLock::default(),
            principals: RwLock::default(),
            identities: Identities::default(),
            stranger: OnceLock::new(),
            requests: AtomicU64::new(0),
            fault: FaultSlot::default(),
            regions: Regions::default(),
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    pub(crate) fn content_form(&self) -> ContentForm {
        self.content_form
    }

    /// What goes wrong with every request.
    pub(crate) fn fault(&self) -> &FaultSlot {
        &self.fault
    }

    pub(crate) fn regions(&self) -> &Regions {
        &self.regions
    }

    pub(crate) fn root_der(&self) -> &[u8] {
        self.authority.root_der()
    }

    /// Makes a key that is not there yet.
    pub(crate) fn new_key(&self, region: &str, account: &str, options: KeyOptions) -> Result<Key, KmsError> {
        if !is_region(region) {
            return Err(KmsError::Region(region.to_owned()));
        }
        let account = AccountId::new(account).map_err(|_| KmsError::Account(account.to_owned()))?;
        Key::create(region, account, options, self.clock.now_millis(), self.content_form)
    }

    /// From here on the key is there.
    pub(crate) fn insert_key(&self, key: Key) -> Result<(), KmsError> {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEYS {
            return Err(KmsError::TooManyKeys);
        }
        keys.insert(key.id.clone(), Arc::new(key));
        Ok(())
    }

    /// A key that is there still: one whose time for deletion has come is not.
    pub(crate) fn find_key(&self, id: &str) -> Option<Arc<Key>> {
        let key = self.keys.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()?;
        let state = key.controls().state;
        match state {
            KeyState::PendingDeletion { deletes_at_millis }
                if self.clock.now_millis() >= deletes_at_millis =>
            {
                None
            }
            _ => Some(key),
        }
    }

    pub(crate) fn add_principal(&self, principal: Principal) {
        self.identities.add(principal.arn().clone());
        let id = principal.access_key_id().to_owned();
        self.principals.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(principal));
    }

    /// The roles and users that exist.
    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// Removes a role or user with its credentials; key policies that name it name nobody from then on. `false`
    /// where there is none.
    pub(crate) fn remove_principal(&self, arn: &PrincipalArn) -> Result<bool, KmsError> {
        let unique_id = unique_id(arn.identity())?;
        let mut principals = self.principals.write().unwrap_or_else(PoisonError::into_inner);
        principals.retain(|_, principal| principal.arn() != arn);
        drop(principals);
        let existed = self.identities.remove(arn);
        if existed {
            let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
            keys.values().for_each(|key| key.controls().forget(arn, &unique_id));
        }
        Ok(existed)
    }

    /// Lets the credentials of a principal expire; `false` where there is none with this access key id.
    pub(crate) fn expire_credentials(&self, access_key_id: &str) -> bool {
        let mut principals = self.principals.write().unwrap_or_else(PoisonError::into_inner);
        let Some(principal) = principals.get_mut(access_key_id) else { return false };
        *principal = Arc::new(Principal::clone(principal).expires_at_millis(0));
        true
    }

    pub(crate) fn find_principal(&self, access_key_id: &str) -> Option<Arc<Principal>> {
        self.principals.read().unwrap_or_else(PoisonError::into_inner).get(access_key_id).cloned()
    }

    /// A recipient that no enclave holds the private key of.
    pub(crate) fn stranger(&self) -> Result<&RecipientKey, Unspecified> {
        if let Some(known) = self.stranger.get() {
            return Ok(known);
        }
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048)?.public_key();
        let spki: PublicKeyX509Der<'_> = key.as_der()?;
        let made = RecipientKey::from_spki(spki.as_ref())?;
        Ok(self.stranger.get_or_init(|| made))
    }

    pub(crate) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}
