//! Queues as Linux's driver fills them, and as a hostile guest would.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_possible_truncation
)]

use pcrseal_core::pcr::Pcr;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use virtio_queue::desc::split::Descriptor;
use virtio_queue::{Queue, QueueT};
use vm_memory::{Bytes, GuestAddress, GuestMemoryMmap};

use super::answer_chains;

/// The guest's memory: the table of descriptors, the rings, buffers from [`DATA`] on.
const MEMORY: usize = 0x10_0000;
const TABLE: u64 = 0;
const AVAILABLE: u64 = 0x1000;
const USED: u64 = 0x2000;
const DATA: u64 = 0x1_0000;
const SIZE: u16 = 16;
const UNTOUCHED: u8 = 0xee;
/// Room for every answer, as the driver gives (Linux, `NSM_RESPONSE_MAX_SIZE`).
const ROOM: u32 = 0x3000;

const NEXT: u16 = 1;
const WRITE: u16 = 2;
const INDIRECT: u16 = 4;

const DESCRIBE_PCR: &[u8] = b"\xa1\x6bDescribePCR\xa1\x65index\x10";
const LOCK_PCR: &[u8] = b"\xa1\x67LockPCR\xa1\x65index\x10";
const LOCKED: &[u8] = b"\x67LockPCR";
const NOT_UNDERSTOOD: &[u8] = b"\xa1\x65Error\x70InvalidOperation";
const TOO_LARGE: &[u8] = b"\xa1\x65Error\x6dInputTooLarge";
const TOO_SMALL: &[u8] = b"\xa1\x65Error\x6eBufferTooSmall";

struct Guest {
    memory: GuestMemoryMmap,
    queue: Queue,
    nsm: Nsm,
    /// Descriptors and buffers that are taken.
    descriptors: u16,
    data: u64,
}

impl Guest {
    fn new() -> Self {
        let memory = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), MEMORY)]).unwrap();
        memory.write_slice(&vec![UNTOUCHED; MEMORY - DATA as usize], GuestAddress(DATA)).unwrap();
        let mut queue = Queue::new(SIZE).unwrap();
        queue.try_set_desc_table_address(GuestAddress(TABLE)).unwrap();
        queue.try_set_avail_ring_address(GuestAddress(AVAILABLE)).unwrap();
        queue.try_set_used_ring_address(GuestAddress(USED)).unwrap();
        queue.set_ready(true);
        let authority = Authority::new(&Clock::system()).unwrap();
        let nsm = Nsm::boot(&authority, NsmConfig::new([Pcr::ZERO; 3])).unwrap();
        Self { memory, queue, nsm, descriptors: 0, data: DATA }
    }

    /// A buffer that holds these bytes.
    fn bytes(&mut self, bytes: &[u8]) -> Descriptor {
        self.memory.write_slice(bytes, GuestAddress(self.data)).unwrap();
        let descriptor = Descriptor::new(self.data, u32::try_from(bytes.len()).unwrap(), 0, 0);
        self.data += bytes.len() as u64 + 64;
        descriptor
    }

    /// A buffer to be written.
    fn room(&mut self, length: u32) -> Descriptor {
        let descriptor = Descriptor::new(self.data, length, WRITE, 0);
        self.data += u64::from(length) + 64;
        descriptor
    }

    /// Puts a chain into the queue.
    fn add(&mut self, chain: &[Descriptor]) {
        for (at, descriptor) in (self.descriptors..).zip(link(chain, self.descriptors)) {
            self.describe(at, descriptor);
        }
        self.make_available(self.descriptors);
        self.descriptors += u16::try_from(chain.len()).unwrap();
    }

    fn describe(&self, at: u16, descriptor: Descriptor) {
        self.memory.write_obj(descriptor, GuestAddress(TABLE + 16 * u64::from(at))).unwrap();
    }

    /// The ring: flags, index, heads (virtio 1.3 section 2.7.6).
    fn make_available(&self, head: u16) {
        let index: u16 = self.memory.read_obj(GuestAddress(AVAILABLE + 2)).unwrap();
        let slot = u64::from(index % SIZE);
        self.memory.write_obj(head, GuestAddress(AVAILABLE + 4 + 2 * slot)).unwrap();
        self.memory.write_obj(index + 1, GuestAddress(AVAILABLE + 2)).unwrap();
    }

    /// Puts a chain into the queue that lies in a table of its own.
    fn add_indirect(&mut self, chain: &[Descriptor]) {
        let table = self.data.next_multiple_of(16);
        self.data = table + 16 * chain.len() as u64;
        for (at, descriptor) in (0..).zip(link(chain, 0)) {
            self.memory.write_obj(descriptor, GuestAddress(table + 16 * at)).unwrap();
        }
        self.add(&[Descriptor::new(table, 16 * u32::try_from(chain.len()).unwrap(), INDIRECT, 0)]);
    }

    fn kick(&mut self) -> bool {
        answer_chains(&mut self.queue, &self.memory, &self.nsm).unwrap()
    }

    /// What came back: heads of chains, and how many bytes were written (virtio 1.3 section 2.7.8).
    fn used(&self) -> Vec<(u32, u32)> {
        let count: u16 = self.memory.read_obj(GuestAddress(USED + 2)).unwrap();
        let slots = (0..u64::from(count)).map(|at| USED + 4 + 8 * at);
        slots
            .map(|at| [at, at + 4].map(|at| self.memory.read_obj(GuestAddress(at)).unwrap()))
            .map(|[head, length]| (head, length))
            .collect()
    }

    fn read(&self, descriptor: Descriptor) -> Vec<u8> {
        let mut bytes = vec![0; descriptor.len() as usize];
        self.memory.read_slice(&mut bytes, descriptor.addr()).unwrap();
        bytes
    }

    fn is_locked(&self) -> bool {
        self.nsm.answer(LOCK_PCR) != LOCKED
    }
}

fn link(chain: &[Descriptor], first: u16) -> Vec<Descriptor> {
    let last = chain.len() - 1;
    let linked = chain.iter().enumerate().map(|(at, descriptor)| {
        let (more, next) = if at == last { (0, 0) } else { (NEXT, first + u16::try_from(at).unwrap() + 1) };
        Descriptor::new(descriptor.addr().0, descriptor.len(), descriptor.flags() | more, next)
    });
    linked.collect()
}

/// The answer stands at the start of the room, and the rest of it is as it was.
fn assert_holds(room: &[u8], answer: &[u8]) {
    assert_eq!(room[..answer.len()], *answer);
    assert!(room[answer.len()..].iter().all(|byte| *byte == UNTOUCHED));
}

#[test]
fn two_chains_as_the_driver_puts_them_are_answered() {
    let mut guest = Guest::new();
    let (request, room) = (guest.bytes(DESCRIBE_PCR), guest.room(ROOM));
    guest.add(&[request]);
    guest.add(&[room]);
    assert!(guest.kick());
    let answer = guest.nsm.answer(DESCRIBE_PCR);
    assert_eq!(guest.used(), [(0, 0), (1, u32::try_from(answer.len()).unwrap())]);
    assert_holds(&guest.read(room), &answer);
    assert_eq!(guest.read(request), DESCRIBE_PCR);
    assert!(!guest.kick(), "nothing new");
}

#[test]
fn one_chain_with_request_and_room_is_answered() {
    let mut guest = Guest::new();
    let (request, room) = (guest.bytes(LOCK_PCR), guest.room(ROOM));
    guest.add(&[request, room]);
    assert!(guest.kick());
    assert_eq!(guest.used(), [(0, 8)]);
    assert_holds(&guest.read(room), LOCKED);
}

#[test]
fn buffers_in_pieces_and_indirect_tables_are_read_and_written_across() {
    for indirect in [false, true] {
        let mut guest = Guest::new();
        let add = if indirect { Guest::add_indirect } else { Guest::add };
        let pieces: Vec<_> = LOCK_PCR.chunks(7).map(|piece| guest.bytes(piece)).collect();
        assert_eq!(pieces.len(), 3);
        add(&mut guest, &pieces);
        let rooms = [1, 2, 100].map(|length| guest.room(length));
        add(&mut guest, &rooms);
        assert!(guest.kick());
        assert_eq!(guest.used()[1].1, 8, "indirect: {indirect}");
        assert_eq!(guest.read(rooms[0]), LOCKED[..1]);
        assert_eq!(guest.read(rooms[1]), LOCKED[1..3]);
        assert_holds(&guest.read(rooms[2]), &LOCKED[3..]);
    }
}

#[test]
fn a_request_waits_for_room() {
    let mut guest = Guest::new();
    let request = guest.bytes(LOCK_PCR);
    guest.add(&[request]);
    assert!(!guest.kick());
    assert!(!guest.kick());
    assert_eq!(guest.used(), []);
    let room = guest.room(ROOM);
    guest.add(&[room]);
    assert!(guest.kick());
    assert_eq!(guest.used(), [(0, 0), (1, 8)]);
    assert_holds(&guest.read(room), LOCKED);
}

#[test]
fn a_request_after_which_no_room_comes_is_not_carried_out() {
    for second in [b"\x69GetRandom".as_slice(), b""] {
        let mut guest = Guest::new();
        let (request, other, room) = (guest.bytes(LOCK_PCR), guest.bytes(second), guest.room(ROOM));
        guest.add(&[request]);
        guest.add(&[other]);
        guest.add(&[room]);
        assert!(guest.kick());
        let written = guest.used().iter().map(|(_, length)| *length).collect::<Vec<_>>();
        assert_eq!(written, [0, 0, if second.is_empty() { 0 } else { 22 + 256 }]);
        assert!(!guest.is_locked());
    }
}

#[test]
fn room_without_a_request_stays_as_it_was() {
    let mut guest = Guest::new();
    let rooms = [ROOM, 0].map(|length| guest.room(length));
    for room in rooms {
        guest.add(&[room]);
    }
    assert!(guest.kick());
    assert_eq!(guest.used(), [(0, 0), (1, 0)]);
    assert_holds(&guest.read(rooms[0]), &[]);
}

#[test]
fn room_that_is_too_small_takes_the_error_or_nothing() {
    let fits = u32::try_from(TOO_SMALL.len()).unwrap();
    for (length, written) in [(fits, TOO_SMALL), (fits - 1, &[]), (1, &[])] {
        let mut guest = Guest::new();
        let (request, room) = (guest.bytes(DESCRIBE_PCR), guest.room(length));
        guest.add(&[request]);
        guest.add(&[room]);
        assert!(guest.kick());
        assert_eq!(guest.used(), [(0, 0), (1, u32::try_from(written.len()).unwrap())]);
        assert_holds(&guest.read(room), written);
        // What lies behind it is nobody's.
        assert_holds(&guest.read(Descriptor::new(room.addr().0 + u64::from(length), 64, 0, 0)), &[]);
    }
}

#[test]
fn requests_of_any_length_are_read_as_far_as_they_matter() {
    for (length, answer) in
        [(1, NOT_UNDERSTOOD), (4096, NOT_UNDERSTOOD), (4097, TOO_LARGE), (0x8_0000, TOO_LARGE)]
    {
        let mut guest = Guest::new();
        let request = Descriptor::new(DATA, length, 0, 0);
        guest.data += u64::from(length) + 64;
        let room = guest.room(ROOM);
        guest.add(&[request]);
        guest.add(&[room]);
        assert!(guest.kick());
        assert_holds(&guest.read(room), answer);
    }
}

#[test]
fn memory_that_the_guest_does_not_have_is_neither_read_nor_written() {
    let end = MEMORY as u64;
    for bad in [
        Descriptor::new(end - 4, 64, 0, 0),
        Descriptor::new(end, 1, 0, 0),
        Descriptor::new(u64::MAX - 1, 64, 0, 0),
        Descriptor::new(DATA, u32::MAX, 0, 0),
    ] {
        let mut guest = Guest::new();
        let (request, room) = (guest.bytes(LOCK_PCR), guest.room(ROOM));
        guest.add(&[request]);
        guest.add(&[Descriptor::new(bad.addr().0, bad.len(), WRITE, 0)]);
        guest.add(&[bad]);
        guest.add(&[room]);
        assert!(guest.kick());
        assert_eq!(guest.used(), [(0, 0), (1, 0), (2, 0), (3, 0)]);
        assert_holds(&guest.read(room), &[]);
        assert!(!guest.is_locked());
    }
}

#[test]
fn a_chain_that_is_a_circle_ends() {
    let mut guest = Guest::new();
    let request = guest.bytes(LOCK_PCR);
    guest.describe(0, Descriptor::new(request.addr().0, request.len(), NEXT, 0));
    guest.make_available(0);
    guest.descriptors = 1;
    let room = guest.room(ROOM);
    guest.add(&[room]);
    assert!(guest.kick());
    // Sixteen times the request is not a request.
    assert_holds(&guest.read(room), NOT_UNDERSTOOD);
}

/// Random chains of random descriptors over and over: no panic, no hang, and no byte changes that was not named as room.
#[test]
fn random_queues_change_nothing_but_their_room() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut answered = 0_usize;
    for _ in 0..100 {
        let mut guest = Guest::new();
        let requests =
            [DESCRIBE_PCR, b"\x69GetRandom", b"\x6bDescribeNSM", b"\xff"].map(|bytes| guest.bytes(bytes));
        let mut rooms = Vec::new();
        for at in 0..SIZE {
            let flags = u16::try_from(next(4)).unwrap() | if next(16) == 0 { INDIRECT } else { 0 };
            let descriptor = if flags & WRITE != 0 {
                // Rooms lie apart from requests, and now and then outside the memory.
                let room =
                    Descriptor::new(0x8_0000 + next(0x9_0000), u32::try_from(next(0x4000)).unwrap(), 0, 0);
                rooms.push((room.addr().0, room.addr().0 + u64::from(room.len())));
                room
            } else {
                requests[usize::try_from(next(4)).unwrap()]
            };
            let link = u16::try_from(next(u64::from(SIZE) + 2)).unwrap();
            let descriptor = Descriptor::new(descriptor.addr().0, descriptor.len(), flags, link);
            guest.describe(at, descriptor);
        }
        (0..next(u64::from(SIZE) + 1))
            .for_each(|_| guest.make_available(u16::try_from(next(SIZE.into())).unwrap()));
        guest.kick();
        answered += guest.used().iter().filter(|(_, length)| *length > 0).count();
        let mut data = vec![0; MEMORY - 0x8_0000];
        guest.memory.read_slice(&mut data, GuestAddress(0x8_0000)).unwrap();
        for (address, byte) in (0x8_0000..).zip(data) {
            let named = || rooms.iter().any(|(start, end)| (*start..*end).contains(&address));
            assert!(byte == UNTOUCHED || named(), "{address:#x}");
        }
        for (request, bytes) in
            requests.iter().zip([DESCRIBE_PCR, b"\x69GetRandom", b"\x6bDescribeNSM", b"\xff"])
        {
            assert_eq!(guest.read(*request), bytes);
        }
    }
    assert!(answered > 25, "{answered}");
}

#[test]
fn heads_that_are_no_descriptor_and_rings_that_are_no_memory_are_errors() {
    let mut guest = Guest::new();
    guest.make_available(SIZE);
    assert!(answer_chains(&mut guest.queue, &guest.memory, &guest.nsm).is_err());

    let mut guest = Guest::new();
    let room = guest.room(ROOM);
    guest.add(&[room]);
    guest.queue.set_used_ring_address(Some(0), Some(1));
    assert!(answer_chains(&mut guest.queue, &guest.memory, &guest.nsm).is_err());

    // More chains than the ring has room for: none is taken.
    let mut guest = Guest::new();
    (0..=SIZE).for_each(|_| guest.make_available(0));
    assert!(!guest.kick());
}
