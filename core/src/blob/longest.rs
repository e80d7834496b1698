//! How long a blob can be.

use alloc::vec;

use super::bundle::{Bundle, SealedShare};
use super::{Binding, Header, assemble};
use crate::crypto::symmetric::{GCM_IV_LEN, GCM_TAG_LEN, SEALED_OVERHEAD};
use crate::limits::{MAX_KMS_CIPHERTEXT_LEN, SEALED_SHARE_LEN};
use crate::names::{ClusterId, KeyArn, SealId};
use crate::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use crate::policy::Quorum;

/// Bytes of the longest blob of this cluster and quorum around a secret of this length: every number takes its widest form,
/// every `CiphertextBlob` is as long as KMS makes any. The first binding covers these PCRs, each further one all 32.
///
/// It is the encoder's own length, of a blob of zeros, so that the two cannot part.
pub(crate) fn longest(
    cluster: &ClusterId,
    quorum: &Quorum,
    secret_len: usize,
    first_binding: PcrSelection,
    further_bindings: usize,
) -> usize {
    let header = Header {
        seal_id: SealId::new([0; 16]),
        cluster: cluster.clone(),
        generation: u64::MAX,
        wrapping: quorum.wrapping(),
    };
    let share = |key: &KeyArn| SealedShare {
        key: key.clone(),
        ciphertext_blob: vec![0; MAX_KMS_CIPHERTEXT_LEN],
        sealed: [0; SEALED_SHARE_LEN],
    };
    let bundle = Bundle {
        threshold: quorum.threshold(),
        shares: quorum.keys().iter().map(share).collect(),
        commitment: [0; 32],
        sealed_secret: vec![0; secret_len.saturating_add(SEALED_OVERHEAD)],
    };
    let mut ciphertext = bundle.encode();
    ciphertext.extend_from_slice(&[0; GCM_TAG_LEN]);
    let zeros = |indices: PcrSelection| indices.iter().map(|index| (index, Pcr::ZERO)).collect::<PcrSet>();
    let mut bindings = vec![Binding::of_zeros(zeros(first_binding))];
    bindings.resize(1 + further_bindings, Binding::of_zeros(zeros(PcrIndex::all().collect())));
    assemble(&header.encode(), &[0; GCM_IV_LEN], &ciphertext, &bindings).len()
}
