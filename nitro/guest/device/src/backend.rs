//! What vhost-user asks of a device: features, one queue, and an answer to each kick.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use pcrseal_emulator::nsm::Nsm;
use vhost::vhost_user::message::{VhostUserProtocolFeatures, VhostUserVirtioFeatures};
use vhost_user_backend::{VhostUserBackend, VringRwLock, VringT};
use virtio_bindings::virtio_config::VIRTIO_F_VERSION_1;
use virtio_bindings::virtio_ring::VIRTIO_RING_F_INDIRECT_DESC;
use vm_memory::{GuestAddressSpace, GuestMemoryAtomic, GuestMemoryMmap};
use vmm_sys_util::epoll::EventSet;
use vmm_sys_util::event::{EventConsumer, EventFlag, EventNotifier, new_event_consumer_and_notifier};

use crate::queue::answer_chains;

/// Longest virtqueue in descriptors: QEMU's generic vhost-user devices do not start below (`VIRTQUEUE_MAX_SIZE`).
const MAX_QUEUE_SIZE: usize = 1024;

pub(crate) struct Backend {
    nsm: Arc<Nsm>,
    /// The guest's memory: shared with the daemon, which replaces what is in it when QEMU says so.
    memory: GuestMemoryAtomic<GuestMemoryMmap>,
    /// Ends the worker thread; it is handed out once.
    exit: Mutex<Option<(EventConsumer, EventNotifier)>>,
}

impl Backend {
    pub(crate) fn new(nsm: Arc<Nsm>, memory: GuestMemoryAtomic<GuestMemoryMmap>) -> io::Result<Self> {
        let exit = new_event_consumer_and_notifier(EventFlag::NONBLOCK)?;
        Ok(Self { nsm, memory, exit: Mutex::new(Some(exit)) })
    }
}

impl VhostUserBackend for Backend {
    type Bitmap = ();
    type Vring = VringRwLock;

    /// Requests and answers share one queue (Linux, `drivers/misc/nsm.c`).
    fn num_queues(&self) -> usize {
        1
    }

    fn max_queue_size(&self) -> usize {
        MAX_QUEUE_SIZE
    }

    fn features(&self) -> u64 {
        1 << VIRTIO_F_VERSION_1
            | 1 << VIRTIO_RING_F_INDIRECT_DESC
            | VhostUserVirtioFeatures::PROTOCOL_FEATURES.bits()
    }

    fn protocol_features(&self) -> VhostUserProtocolFeatures {
        VhostUserProtocolFeatures::REPLY_ACK
    }

    /// Not among the features.
    fn set_event_idx(&self, _: bool) {}

    fn update_memory(&self, _: GuestMemoryAtomic<GuestMemoryMmap>) -> io::Result<()> {
        Ok(())
    }

    fn exit_event(&self, _: usize) -> Option<(EventConsumer, EventNotifier)> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn handle_event(&self, _: u16, _: EventSet, vrings: &[VringRwLock], _: usize) -> io::Result<()> {
        let memory = self.memory.memory();
        for vring in vrings {
            let used = answer_chains(vring.get_mut().get_queue_mut(), &memory, &self.nsm);
            if used.map_err(io::Error::other)? {
                vring.signal_used_queue()?;
            }
        }
        Ok(())
    }
}
