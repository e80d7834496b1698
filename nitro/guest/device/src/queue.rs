//! The virtqueue: requests out of the guest's memory, answers into it.
//!
//! Linux's driver puts two chains into the queue and kicks once: the request, which the device reads, and then room for
//! the answer, which it writes (`drivers/misc/nsm.c`, `nsm_sendrecv_msg_locked`). Other shapes are the guest's freedom or
//! its fault, and each has its answer here:
//!
//! | in the queue | what becomes of it |
//! |---|---|
//! | a request and then room, each in as many pieces as you like, indirect or not | the answer |
//! | both in one chain | the answer |
//! | a request without room, and nothing after it | it stays in the queue until room comes |
//! | a request after which comes another request, or nothing that can be written | returned, not carried out |
//! | room without a request; nothing at all; memory that the guest does not have | returned, nothing written |
//! | room that is too small | `BufferTooSmall` if that fits, or else nothing |

use std::io::{Read, Write};

use pcrseal_emulator::nsm::{MAX_REQUEST_LEN, Nsm};
use virtio_queue::{Error, Queue, QueueT, Writer};
use vm_memory::GuestMemoryMmap;

/// `{"Error": "BufferTooSmall"}`.
const BUFFER_TOO_SMALL: &[u8] = b"\xa1\x65Error\x6eBufferTooSmall";

/// A request that was read, and the chain it came in.
struct Request {
    head: u16,
    bytes: Vec<u8>,
}

/// Answers what is in the queue, at most as many chains as it has room for: who keeps adding some has to kick again.
///
/// Tells whether chains were used, so that the guest has to be told.
///
/// # Errors
/// When the rings are not in the guest's memory, or a chain's head not in the table. No chain can be returned then.
pub(crate) fn answer_chains(queue: &mut Queue, memory: &GuestMemoryMmap, nsm: &Nsm) -> Result<bool, Error> {
    let mut used = false;
    // Always the chain that was taken last.
    let mut waiting: Option<Request> = None;
    for _ in 0..queue.size() {
        let Some(chain) = queue.pop_descriptor_chain(memory) else { break };
        let head = chain.head_index();
        let bytes = read(chain.clone().reader(memory).ok());
        let room = chain.writer(memory).ok().filter(|room| room.available_bytes() > 0);
        let before = waiting.take();
        if let Some(before) = &before {
            // Returned before its answer, as the driver checks.
            queue.add_used(memory, before.head, 0)?;
            used = true;
        }
        let written = match (bytes, room) {
            (Some(bytes), None) => {
                waiting = Some(Request { head, bytes });
                continue;
            }
            (Some(bytes), Some(room)) => write(room, &nsm.answer(&bytes)),
            (None, Some(room)) => before.map_or(0, |request| write(room, &nsm.answer(&request.bytes))),
            (None, None) => 0,
        };
        queue.add_used(memory, head, written)?;
        used = true;
    }
    if waiting.is_some() {
        queue.set_next_avail(queue.next_avail().wrapping_sub(1));
    }
    Ok(used)
}

/// What the guest wrote for the device to read, if anything, and no more of it than tells that it is too long.
fn read(reader: Option<impl Read>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_REQUEST_LEN).unwrap_or(u64::MAX).saturating_add(1);
    reader?.take(limit).read_to_end(&mut bytes).ok()?;
    if bytes.is_empty() { None } else { Some(bytes) }
}

/// Writes the answer, or that there is no room for it; gives the number of bytes written.
fn write(mut room: Writer<'_>, answer: &[u8]) -> u32 {
    let fitting = [answer, BUFFER_TOO_SMALL].into_iter().find(|bytes| bytes.len() <= room.available_bytes());
    let Some(bytes) = fitting else { return 0 };
    match room.write_all(bytes) {
        Ok(()) => u32::try_from(bytes.len()).unwrap_or(0),
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests;
