//! AWS KMS on the wire, pure: typed requests to signed HTTP requests, HTTP answers to typed answers or errors.
//! No I/O, no clock, no state; a host with its own transport moves the bytes.
//!
//! Every request is one form: `POST /` without a query, JSON 1.1, the headers of [`HttpRequest::headers`].
//! Answers are believed only if they come over TLS that ends in the enclave, for the host name of
//! [`endpoint::host_name`]; nothing in them is authenticated otherwise.

mod answer;
mod credentials;
mod date;
mod decrypt;
mod derive_shared_secret;
mod describe_key;
mod encrypt;
pub mod endpoint;
mod generate_data_key;
mod generate_data_key_pair;
mod generate_random;
pub(crate) mod json;
mod key_policy;
mod key_state;
mod re_encrypt;
mod released;
mod request;
mod sigv4;

pub use answer::HttpAnswer;
pub use credentials::Credentials;
pub use decrypt::{DecryptAnswer, DecryptRequest};
pub use derive_shared_secret::{DeriveSharedSecretAnswer, DeriveSharedSecretRequest};
pub use describe_key::{DescribeKeyRequest, KeyMetadata};
pub use encrypt::{EncryptAnswer, EncryptRequest};
pub use generate_data_key::{DataKeySpec, GenerateDataKeyAnswer, GenerateDataKeyRequest};
pub use generate_data_key_pair::{DataKeyPairSpec, GenerateDataKeyPairAnswer, GenerateDataKeyPairRequest};
pub use generate_random::{GenerateRandomAnswer, GenerateRandomRequest};
pub use key_policy::{GetKeyPolicyRequest, PutKeyPolicyRequest};
pub use key_state::{DisableKeyRequest, EnableKeyRequest};
pub use re_encrypt::{ReEncryptAnswer, ReEncryptRequest};
pub use released::Released;
pub use request::{EncryptionContext, HttpRequest};
pub use sigv4::{SignedHeaders, sign};

use pcrseal_core::error::Error as Fault;
use zeroize::Zeroizing;

use crate::Error;

/// One operation of the KMS API: how its request is written and how its answer is read.
pub trait Operation {
    /// The value of `x-amz-target`.
    const TARGET: &'static str;
    /// Whether the request may be sent again when nobody knows if it arrived: a connection broke, a deadline
    /// passed. True if a second execution leaves KMS as the first did; what it answered is then only lost.
    const REPEATABLE: bool;
    /// What the service answers.
    type Answer;

    /// The request's body. Every bound of AWS's is checked first.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] with a code per field.
    fn body(&self) -> Result<Zeroizing<Vec<u8>>, Error>;

    /// Reads the body of an answer of status 200. [`HttpAnswer::read`] is what callers want: it also reads the
    /// errors of the service.
    ///
    /// # Errors
    /// What makes the answer unusable.
    fn parse(&self, body: &[u8]) -> Result<Self::Answer, Fault>;
}
