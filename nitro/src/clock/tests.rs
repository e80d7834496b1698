use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use ciborium::Value;
use pcrseal_core::pcr::PcrSet;

use super::*;

/// What the attester does when it is asked: a document of this time, an error, or a panic.
enum Answer {
    At(u64),
    Fails,
    Panics,
}

/// An attester that tells that it was asked, and answers when it is told what.
struct Scripted {
    asked: Sender<()>,
    answers: Mutex<Receiver<Answer>>,
}

impl Attester for Scripted {
    fn measured_pcrs(&self) -> Result<PcrSet, Error> {
        Err(Code::Attester.into())
    }

    fn attest(&self, request: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
        assert!(request.public_key.is_none() && request.user_data.is_none() && request.nonce.is_none());
        self.asked.send(()).unwrap();
        let answer = self.answers.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap();
        match answer {
            Answer::At(milliseconds) => Ok(document(milliseconds)),
            Answer::Fails => Err(Code::NsmInternalError.into()),
            Answer::Panics => panic!("the attester panics, as this test wants"),
        }
    }
}

/// A document that nobody signed.
fn document(milliseconds: u64) -> Vec<u8> {
    let bytes = |length| Value::Bytes(vec![1; length]);
    let payload = Value::Map(vec![
        ("module_id".into(), "i-0123456789abcdef0-enc0123456789abcdef".into()),
        ("digest".into(), "SHA384".into()),
        ("timestamp".into(), milliseconds.into()),
        ("pcrs".into(), Value::Map(vec![(0.into(), bytes(48))])),
        ("certificate".into(), bytes(3)),
        ("cabundle".into(), Value::Array(vec![bytes(3)])),
        ("public_key".into(), Value::Null),
        ("user_data".into(), Value::Null),
        ("nonce".into(), Value::Null),
    ]);
    let cbor = |value: &Value| {
        let mut out = Vec::new();
        ciborium::into_writer(value, &mut out).unwrap();
        out
    };
    let protected = vec![0xa1, 0x01, 0x38, 0x22];
    let envelope = [Value::Bytes(protected), Value::Map(vec![]), Value::Bytes(cbor(&payload)), bytes(96)];
    cbor(&Value::Array(envelope.to_vec()))
}

/// A clock over a scripted attester, whose `CLOCK_BOOTTIME` is set by hand.
struct Bench {
    clock: TrustedClock,
    boottime: Arc<AtomicU64>,
    asked: Receiver<()>,
    answers: Sender<Answer>,
}

const START: u64 = 1_700_000_000_000;
const AGE: u64 = 300_000;
const RETRY: u64 = 10_000;

impl Bench {
    /// Made at boot time 0, when the attester says [`START`].
    fn new() -> Self {
        let (asked_sender, asked) = channel();
        let (answers, answers_receiver) = channel();
        let attester = Scripted { asked: asked_sender, answers: Mutex::new(answers_receiver) };
        let boottime = Arc::new(AtomicU64::new(0));
        let hand = Arc::clone(&boottime);
        answers.send(Answer::At(START)).unwrap();
        let clock = TrustedClock::with_boottime(Arc::new(attester), move || {
            Duration::from_millis(hand.load(Ordering::SeqCst))
        });
        asked.try_recv().unwrap();
        Self { clock: clock.unwrap(), boottime, asked, answers }
    }

    /// What the clock says at this boot time, in milliseconds since 1970.
    fn at(&self, boottime: u64) -> u64 {
        self.boottime.store(boottime, Ordering::SeqCst);
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap();
        u64::try_from(now.as_millis()).unwrap()
    }

    /// Waits until the attester is asked.
    fn is_asked(&self) {
        self.asked.recv_timeout(Duration::from_secs(60)).expect("the attester is asked");
    }

    fn is_not_asked(&self) {
        assert!(!self.is_reading(), "nobody reads");
        assert!(self.asked.try_recv().is_err(), "nobody asked");
    }

    /// Whether a thread has its turn to read.
    fn is_reading(&self) -> bool {
        self.clock.0.reading().due.is_none()
    }

    /// Waits until the thread that reads has ended its turn.
    fn settled(&self) {
        for _ in 0..6000 {
            if !self.is_reading() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the turn to read never ended");
    }
}

#[test]
fn between_readings_the_time_goes_on_by_the_boot_time() {
    let bench = Bench::new();
    assert_eq!(bench.at(0), START);
    assert_eq!(bench.at(1), START + 1);
    assert_eq!(bench.at(AGE - 1), START + AGE - 1);
    bench.is_not_asked();
}

#[test]
fn a_reading_of_the_bound_s_age_is_renewed_once_and_the_new_one_counts() {
    let bench = Bench::new();
    assert_eq!(bench.at(AGE), START + AGE);
    bench.is_asked();
    // While one thread reads, however long it takes, nobody else waits or asks.
    assert_eq!(bench.at(AGE + 50_000), START + AGE + 50_000);
    assert!(bench.asked.try_recv().is_err());

    bench.answers.send(Answer::At(START + 1_000_000)).unwrap();
    bench.settled();
    assert_eq!(bench.at(AGE + 50_005), START + 1_000_005);
    bench.is_not_asked();
    // Its age counts from its end.
    assert_eq!(bench.at(AGE + 50_000 + AGE - 1), START + 1_000_000 + AGE - 1);
    bench.is_not_asked();
    bench.at(AGE + 50_000 + AGE);
    bench.is_asked();
}

#[test]
fn a_new_reading_counts_even_if_it_is_earlier() {
    let bench = Bench::new();
    assert_eq!(bench.at(AGE), START + AGE);
    bench.answers.send(Answer::At(START - 5)).unwrap();
    bench.is_asked();
    bench.settled();
    assert_eq!(bench.at(AGE), START - 5);
}

#[test]
fn after_a_failed_reading_the_old_one_goes_on_and_the_next_is_tried_later() {
    for fault in [|| Answer::Fails, || Answer::Panics, || Answer::At(0)] {
        let bench = Bench::new();
        bench.answers.send(fault()).unwrap();
        assert_eq!(bench.at(AGE), START + AGE);
        bench.is_asked();
        bench.settled();
        assert_eq!(bench.at(AGE + RETRY - 1), START + AGE + RETRY - 1);
        bench.is_not_asked();
        bench.answers.send(Answer::At(START + 77)).unwrap();
        assert_eq!(bench.at(AGE + RETRY), START + AGE + RETRY);
        bench.is_asked();
        bench.settled();
        assert_eq!(bench.at(AGE + RETRY), START + 77);
    }
}

// The machine slept, or the attester was held up, with the document made before or after: nobody can tell.
#[test]
fn a_reading_that_took_too_long_is_no_reading() {
    const LONGEST: u64 = 60_000;
    for (took, counts) in [(LONGEST, true), (LONGEST + 1, false)] {
        let bench = Bench::new();
        bench.at(AGE);
        bench.is_asked();
        assert_eq!(bench.at(AGE + took), START + AGE + took);
        bench.answers.send(Answer::At(START + 77)).unwrap();
        bench.settled();
        let expected = if counts { START + 77 } else { START + AGE + took };
        assert_eq!(bench.at(AGE + took), expected, "{took}");
    }
}

#[test]
fn an_attester_that_hangs_holds_up_nobody() {
    let bench = Bench::new();
    bench.at(AGE);
    bench.is_asked();
    // It never answers; a year later the clock still goes, and it was asked once.
    let year = 365 * 86_400_000;
    let clocks: Vec<_> = (0..4).map(|_| bench.clock.clone()).collect();
    assert_eq!(bench.at(year), START + year);
    let readers: Vec<_> = clocks.into_iter().map(|clock| thread::spawn(move || clock.now())).collect();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), UNIX_EPOCH + Duration::from_millis(START + year));
    }
    assert!(bench.asked.try_recv().is_err());
}

#[test]
fn a_boot_time_from_before_the_reading_is_the_reading_s_time() {
    let bench = Bench::new();
    bench.at(AGE);
    bench.is_asked();
    bench.answers.send(Answer::At(START)).unwrap();
    bench.settled();
    assert_eq!(bench.at(AGE - 1), START);
}

#[test]
fn a_clock_needs_a_first_reading() {
    struct Broken;
    impl Attester for Broken {
        fn measured_pcrs(&self) -> Result<PcrSet, Error> {
            Err(Code::Attester.into())
        }
        fn attest(&self, _: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
            Err(Code::NsmInternalError.into())
        }
    }
    assert_eq!(TrustedClock::new(Arc::new(Broken)).err().unwrap().code(), Code::NsmInternalError);
}

#[test]
fn a_document_that_cannot_be_read_or_held_is_an_error() {
    struct Prints(Vec<u8>);
    impl Attester for Prints {
        fn measured_pcrs(&self) -> Result<PcrSet, Error> {
            Err(Code::Attester.into())
        }
        fn attest(&self, _: &AttestationRequest<'_>) -> Result<Vec<u8>, Error> {
            Ok(self.0.clone())
        }
    }
    let read = |bytes: &[u8]| trusted_time(&Prints(bytes.to_vec()));
    assert_eq!(read(&document(START)).unwrap(), UNIX_EPOCH + Duration::from_millis(START));
    assert_eq!(read(b"").unwrap_err().code(), Code::CborTruncated);
    assert_eq!(read(&document(0)).unwrap_err().code(), Code::AttestationTimestamp);
    // The far end of what a document can say: a time or an error, never a panic, and so is the clock over it.
    if read(&document(u64::MAX)).is_ok() {
        let clock =
            TrustedClock::with_boottime(Arc::new(Prints(document(u64::MAX))), || Duration::MAX).unwrap();
        let _ = clock.now();
    }
}

#[test]
fn the_boot_time_advances() {
    let before = boottime();
    thread::sleep(Duration::from_millis(2));
    assert!(boottime() >= before + Duration::from_millis(2));
}
