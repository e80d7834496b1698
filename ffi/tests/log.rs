//! What a log callback is told, and what it never is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::ffi::{CStr, c_char, c_void};
use std::ptr::null_mut;
use std::sync::Mutex;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use common::{Handle, World, called, cancel, config, generate, import, session_of, unseal};
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::PcrSet;
use pcrseal::core::recipient::Recipient;
use pcrseal::core::secret::Secret as CoreSecret;
use pcrseal::core::unseal::Plan;
use pcrseal::kms::Client;
use pcrseal::kms::wire::Credentials;
use pcrseal::{AuthenticatedKms, Code};
use pcrseal_emulator::kms::Fault;
use pcrseal_ffi::{
    Cancel, LogCallback, PCRSEAL_LOG_DEBUG, PCRSEAL_LOG_ERROR, PCRSEAL_LOG_INFO, PCRSEAL_LOG_TRACE,
    PCRSEAL_LOG_WARN, Secret, Session, pcrseal_cancel_trigger, pcrseal_config_set_log, pcrseal_unseal,
};

/// What the callback was told.
#[derive(Clone, Debug)]
struct Line {
    level: u32,
    target: String,
    message: String,
    thread: Option<String>,
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Line>>);

impl Recorder {
    unsafe extern "C" fn tell(
        user_data: *mut c_void,
        level: u32,
        target: *const c_char,
        message: *const c_char,
    ) {
        let recorder = unsafe { &*user_data.cast::<Self>() };
        let text = |text| unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned();
        let thread = thread::current().name().map(str::to_owned);
        let line = Line { level, target: text(target), message: text(message), thread };
        recorder.0.lock().unwrap().push(line);
    }

    /// A session that tells this recorder.
    fn session(&self, world: &World, most_verbose: u32) -> Handle<Session> {
        session_with(world, Some(Self::tell), (&raw const *self).cast_mut().cast(), most_verbose)
    }

    /// What it was told since the last time.
    fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn session_with(world: &World, callback: LogCallback, user_data: *mut c_void, level: u32) -> Handle<Session> {
    let config = config(&world.document()).unwrap();
    called(|error| unsafe { pcrseal_config_set_log(config.get(), callback, user_data, level, error) })
        .unwrap();
    session_of(&config).unwrap()
}

fn count(lines: &[Line], message: &str) -> usize {
    lines.iter().filter(|line| line.message.starts_with(message)).count()
}

/// How a secret might be written.
fn spellings(secret: &[u8]) -> Vec<String> {
    let hex = secret.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let mut spellings = vec![
        hex.to_uppercase(),
        hex,
        format!("{secret:?}").trim_matches(['[', ']']).to_owned(),
        secret.escape_ascii().to_string(),
        String::from_utf8_lossy(secret).into_owned(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
    ];
    spellings.sort();
    spellings.dedup();
    spellings
}

/// The share keys of a blob, as KMS releases them to an enclave as good as the one that is listened to.
fn share_keys(world: &World, blob: &[u8]) -> Vec<Vec<u8>> {
    let settings = pcrseal::config::Config::from_json(world.document().to_string().as_bytes()).unwrap();
    let attester = settings.open_attester().unwrap();
    let recipient = Recipient::generate(&aws_lc::BACKEND).unwrap();
    let public_key = Some(recipient.public_key_der());
    let document = attester.attest(&AttestationRequest { public_key, ..Default::default() }).unwrap();
    let measured: PcrSet = attester.measured_pcrs().unwrap();
    let plan = Plan::new(blob, &settings.trust_policy().unwrap(), &measured, b"").unwrap();
    let secret = |text: &str| CoreSecret::copy_from(text.as_bytes());
    let credentials =
        Credentials::new("ASIATEST", secret("test-secret"), Some(secret("test-token"))).unwrap();
    let client =
        Client::builder().endpoint_url(&world.aws.endpoint()).credentials(credentials).build().unwrap();
    let released = plan.requests().map(|share| {
        let (blob, context) = (share.ciphertext_blob, &share.encryption_context);
        let released = AuthenticatedKms::decrypt(&client, share.key, blob, context, &document);
        let released = world.runtime().block_on(released).unwrap();
        recipient.open(&released.ciphertext_for_recipient.unwrap()).unwrap().expose().to_vec()
    });
    released.collect()
}

#[test]
fn every_step_is_told_and_no_secret() {
    let world = World::new();
    let recorder = Recorder::default();
    let session = recorder.session(&world, PCRSEAL_LOG_TRACE);
    let sealed = generate(&session, 32, None).unwrap();
    let seal = recorder.take();
    for message in
        ["measured pcrs=", "recipient made backend=", "attested bytes=", "new blob proved seal_id="]
    {
        assert!(count(&seal, message) > 0, "{message} in {seal:?}");
    }
    assert_eq!(count(&seal, "sealed seal_id="), 1);
    world.keys[0].set_fault(Fault::InternalError);
    // The others answer after it, so that its answer is waited for.
    world.keys[1..].iter().for_each(|key| key.set_delay(Duration::from_secs(1)));
    let (secret, _) = unseal(&session, &sealed.blob, None).unwrap();
    let unsealed = recorder.take();
    assert_eq!(count(&unsealed, "key asked step=\"release\" key=arn:aws:kms:"), 3);
    assert_eq!(count(&unsealed, "unsealed seal_id="), 1);
    let refused = unsealed.iter().find(|line| line.message.contains("outcome=unreachable")).unwrap();
    assert_eq!((refused.level, refused.target.as_str()), (PCRSEAL_LOG_WARN, "pcrseal"));
    assert!(refused.message.contains(world.keys[0].arn()), "{refused:?}");
    let end = unsealed.iter().find(|line| line.message.starts_with("unsealed")).unwrap();
    assert_eq!(end.level, PCRSEAL_LOG_INFO);

    let all = [seal, unsealed].concat();
    for target in ["pcrseal", "pcrseal_kms"] {
        assert!(all.iter().any(|line| line.target == target), "{target}");
    }
    assert!(all.iter().all(|line| line.target.starts_with("pcrseal")));
    // From the caller's thread, and from the session's own.
    let own = thread::current().name().map(str::to_owned);
    for name in [own, Some("pcrseal".to_owned())] {
        assert!(all.iter().any(|line| line.thread == name), "{name:?}");
    }
    for line in &all {
        assert!((PCRSEAL_LOG_ERROR..=PCRSEAL_LOG_TRACE).contains(&line.level));
        assert!(!line.message.is_empty() && !line.message.contains(char::is_control), "{line:?}");
    }

    world.keys[0].set_fault(None);
    world.keys.iter().for_each(|key| key.set_delay(Duration::ZERO));
    let mut secrets = share_keys(&world, &sealed.blob);
    assert!(secrets.len() == 3 && secrets.iter().all(|key| key.len() == 32));
    secrets.extend([secret.bytes().to_vec(), b"test-secret".to_vec(), b"test-token".to_vec()]);
    for spelling in secrets.iter().flat_map(|secret| spellings(secret)) {
        for line in &all {
            assert!(!line.message.contains(&spelling), "{spelling} in {line:?}");
        }
    }
}

#[test]
fn sessions_log_apart_and_to_their_level() {
    let world = World::new();
    let (quiet, loud) = (Recorder::default(), Recorder::default());
    let (informed, traced) =
        (quiet.session(&world, PCRSEAL_LOG_INFO), loud.session(&world, PCRSEAL_LOG_DEBUG));
    let silent = world.session();
    // Set and taken back.
    let off = session_with(&world, None, (&raw const loud).cast_mut().cast(), 0);
    let calls = |session: &Handle<Session>| {
        for _ in 0..3 {
            let blob = import(session, b"secret").unwrap();
            unseal(session, &blob, None).unwrap();
        }
    };
    thread::scope(|scope| {
        for session in [&informed, &traced, &silent, &off] {
            scope.spawn(move || calls(session));
        }
    });
    let (quiet_lines, loud_lines) = (quiet.take(), loud.take());
    for lines in [&quiet_lines, &loud_lines] {
        assert_eq!((count(lines, "sealed "), count(lines, "unsealed ")), (3, 3), "its own and nobody else's");
    }
    assert!(quiet_lines.iter().all(|line| line.level <= PCRSEAL_LOG_INFO));
    assert!(loud_lines.iter().all(|line| line.level <= PCRSEAL_LOG_DEBUG));
    // 2 seals' worth of steps each: what the other sessions did would show here.
    assert_eq!(count(&loud_lines, "key asked step=\"wrap\""), 9);
    // One after the other on one thread: nothing of the last session stays behind.
    calls(&informed);
    calls(&silent);
    calls(&off);
    assert_eq!(count(&quiet.take(), "unsealed "), 3);
    assert!(loud.take().is_empty());
}

#[test]
fn a_level_that_is_none_is_refused() {
    let world = World::new();
    let config = config(&world.document()).unwrap();
    let recorder = Recorder::default();
    let user_data = (&raw const recorder).cast_mut().cast();
    for level in [0, 6, u32::MAX] {
        let set = |callback| {
            called(|error| unsafe { pcrseal_config_set_log(config.get(), callback, user_data, level, error) })
        };
        assert_eq!(set(Some(Recorder::tell)).unwrap_err().code, Code::UnknownConstant);
        set(None).unwrap();
    }
    unseal(&session_of(&config).unwrap(), b"no blob", None).unwrap_err();
    assert!(recorder.take().is_empty(), "what was refused is not set");
}

/// What a callback does that calls pcrseal.
#[derive(Default)]
struct Caller {
    session: AtomicPtr<Session>,
    cancel: AtomicPtr<Cancel>,
    status: AtomicU32,
}

unsafe extern "C" fn calls_pcrseal(user_data: *mut c_void, _: u32, _: *const c_char, _: *const c_char) {
    let caller = unsafe { &*user_data.cast::<Caller>() };
    let session = caller.session.load(Ordering::SeqCst);
    if session.is_null() {
        return;
    }
    let mut secret: *mut Secret = null_mut();
    let cancel = caller.cancel.load(Ordering::SeqCst);
    let blob = b"no blob";
    unsafe {
        let (at, len) = (blob.as_ptr(), blob.len());
        let status = pcrseal_unseal(session, at, len, cancel, &raw mut secret, null_mut(), null_mut());
        caller.status.store(status, Ordering::SeqCst);
        pcrseal_cancel_trigger(cancel);
    }
    assert!(secret.is_null());
}

#[test]
fn a_callback_may_cancel_and_call_nothing_else() {
    let world = World::new();
    let blob = import(&world.session(), b"secret").unwrap();
    let caller = Caller::default();
    let user_data = (&raw const caller).cast_mut().cast();
    let cancel = cancel();
    let session = session_with(&world, Some(calls_pcrseal), user_data, PCRSEAL_LOG_DEBUG);
    caller.cancel.store(cancel.get(), Ordering::SeqCst);
    caller.session.store(session.get(), Ordering::SeqCst);
    world.keys.iter().for_each(|key| key.set_fault(Fault::Hang));
    assert_eq!(unseal(&session, &blob, Some(&cancel)).unwrap_err().code, Code::Cancelled);
    // What ends on the session's threads may be told of until it is freed.
    caller.session.store(null_mut(), Ordering::SeqCst);
    assert_eq!(caller.status.load(Ordering::SeqCst), Code::Reentrant.number());
}
