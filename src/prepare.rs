//! What can be done before the blob is there: the recipient's key, and open connections.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use pcrseal_core::names::KeyArn;
use pcrseal_core::pcr::PcrSet;
use pcrseal_core::recipient::Recipient;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::kms_client::AuthenticatedKms;

/// How long a request waits for the connection that is opened ahead of it; then it goes on by itself, under its
/// own limits. Ours: what the client takes for a connection unless told otherwise.
const WARM_UP_LIMIT: Duration = Duration::from_secs(3);

/// A recipient whose key has been generated, and connections that are open or being opened; see
/// [`AutoUnseal::prepare`](crate::AutoUnseal::prepare). Serves one unseal. Dropping it gives up what is still
/// being opened.
pub struct Prepared {
    pub(crate) measured: PcrSet,
    pub(crate) recipient: Recipient,
    pub(crate) warm_up: WarmUp,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}

/// Connections being opened, one task per key: a region that hangs holds up its own keys alone.
#[derive(Default)]
pub(crate) struct WarmUp {
    /// Dropping them ends them.
    tasks: JoinSet<()>,
    done: BTreeMap<KeyArn, oneshot::Receiver<()>>,
}

impl WarmUp {
    /// Starts, for every key once.
    pub(crate) fn start<'k, K: AuthenticatedKms>(
        kms: &Arc<K>,
        keys: impl IntoIterator<Item = &'k KeyArn>,
    ) -> Self {
        let mut this = Self::default();
        for key in keys {
            if this.done.contains_key(key) {
                continue;
            }
            let (ended, done) = oneshot::channel::<()>();
            this.done.insert(key.clone(), done);
            let (kms, key) = (Arc::clone(kms), key.clone());
            this.tasks.spawn(async move {
                // However it ends, the receiver is told, by the drop at the latest.
                let _told_when_dropped = ended;
                kms.warm_up(&[key]).await;
            });
        }
        this
    }

    /// What a key's request waits for before it is sent; at once the second time.
    pub(crate) fn of(&mut self, key: &KeyArn) -> impl Future<Output = ()> + Send + 'static {
        let done = self.done.remove(key);
        async move {
            if let Some(done) = done {
                let _ = timeout(WARM_UP_LIMIT, done).await;
            }
        }
    }
}
