//! DisableKey and EnableKey.

use pcrseal_core::error::Error as Fault;
use serde::Serialize;
use zeroize::Zeroizing;

use super::released::nothing;
use super::request::check_key_id;
use super::{Operation, json};
use crate::Error;

/// `kms:DisableKey`: the key refuses every cryptographic operation, after a propagation of seconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DisableKeyRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
}

/// `kms:EnableKey`: undoes DisableKey, after a propagation of seconds.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnableKeyRequest<'a> {
    /// The key, 1..2048 bytes: its full ARN.
    pub key_id: &'a str,
}

impl Operation for DisableKeyRequest<'_> {
    const TARGET: &'static str = "TrentService.DisableKey";
    // A key that is disabled already stays so, and KMS answers with success.
    const REPEATABLE: bool = true;
    type Answer = ();

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        json::write(self)
    }

    fn parse(&self, body: &[u8]) -> Result<(), Fault> {
        nothing(body)
    }
}

impl Operation for EnableKeyRequest<'_> {
    const TARGET: &'static str = "TrentService.EnableKey";
    // A key that is enabled already stays so, and KMS answers with success.
    const REPEATABLE: bool = true;
    type Answer = ();

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        check_key_id(self.key_id)?;
        json::write(self)
    }

    fn parse(&self, body: &[u8]) -> Result<(), Fault> {
        nothing(body)
    }
}
