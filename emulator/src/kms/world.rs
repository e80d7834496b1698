//! Everything that the server knows.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};

use super::cms::{ContentForm, RecipientKey};
use super::fault::FaultSlot;
use super::keys::{Key, KeyOptions, KeyState};
use super::principal::{Principal, is_account};
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

    pub(crate) fn create_key(
        &self,
        region: &str,
        account: &str,
        options: KeyOptions,
    ) -> Result<Arc<Key>, KmsError> {
        if !is_region(region) {
            return Err(KmsError::Region(region.to_owned()));
        }
        if !is_account(account) {
            return Err(KmsError::Account(account.to_owned()));
        }
        let now = self.clock.now_millis();
        let key = Arc::new(Key::create(region, account, options, now, self.content_form)?);
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEYS {
            return Err(KmsError::TooManyKeys);
        }
        keys.insert(key.id.clone(), key.clone());
        Ok(key)
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
        let id = principal.access_key_id().to_owned();
        self.principals.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::new(principal));
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
