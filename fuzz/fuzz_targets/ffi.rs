//! The C functions in arbitrary order, with arbitrary arguments: NULL, misaligned, overlapping, too small, too long. Every
//! status is known, a failure leaves outputs at zero and everything else as it was, and nothing is written outside of
//! what was given. There is one session, which leaves the transport to its host: no call reaches a network.

#![no_main]

use std::ffi::{CStr, c_char};
use std::ptr;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use pcrseal_core::names::Wrapping;
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig, NsmSocket};
use pcrseal_ffi::*;
use pcrseal_fuzz::documents::documents;
use pcrseal_fuzz::key::ciphertext_for_recipient;
use pcrseal_fuzz::model;
use pcrseal_fuzz::world::{SECRET_LEN, World, image};
use tokio::runtime::{Builder, Runtime};

const OK: u32 = 0;
const TOO_SMALL: u32 = 8004;
const OVERLAP: u32 = 8005;
const PANIC: u32 = 8006;

/// Bytes before and after the memory that arguments point to.
const GUARD: usize = 64;
const MEMORY: usize = 16384;
const GUARD_BYTE: u8 = 0xc7;
/// Handles of each type that are kept at a time.
const SLOTS: usize = 3;
/// Calls of one input: an RSA key is made in some.
const MAX_CALLS: usize = 64;

/// What a call can be given that is not nonsense.
static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let world = World::usual(Wrapping::Attested);
    let document = documents().swap_remove(0).1;
    let root = model::read(&document).expect("a document").cabundle.swap_remove(0);
    let measurements = format!(
        r#"{{"Measurements":{{"HashAlgorithm":"Sha384 {{ ... }}","PCR0":"{0}","PCR1":"{0}","PCR2":"{0}"}}}}"#,
        "b7".repeat(48)
    );
    vec![
        world.seal(SECRET_LEN, &[]),
        world.seal(SECRET_LEN, &[image(2)]),
        document,
        root,
        measurements.into_bytes(),
        config("x").into_bytes(),
        ciphertext_for_recipient(&[7; 32]),
        br#"{"__type":"AccessDeniedException","message":"no"}"#.to_vec(),
        b"arn:aws:kms:eu-west-1:111122223333:key/1\0".to_vec(),
        b"fuzz\0".to_vec(),
        b"eu-west-1\0".to_vec(),
        b"https://kms.example.com\0".to_vec(),
    ]
});

/// The session's configuration: that of [`World::usual`].
fn config(socket: &str) -> String {
    let key = |x: usize| format!("\"arn:aws:kms:eu-west-{x}:111122223333:key/{x}\"");
    format!(
        r#"{{"cluster":"fuzz","transport":"host","attester":{{"kind":"nsm_socket","path":"{socket}"}},
        "seal_quorum":{{"threshold":2,"wrapping":"attested","keys":[{},{},{}]}}}}"#,
        key(1),
        key(2),
        key(3)
    )
}

/// The session, and the module that it asks.
struct Shared {
    session: *mut Session,
    _socket: NsmSocket,
    _runtime: Runtime,
}

// SAFETY: a session may be used by any number of threads.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

static SHARED: LazyLock<Shared> = LazyLock::new(|| {
    let authority = Authority::new(&Clock::system()).expect("an authority");
    let pcrs: Vec<_> = image(1).iter().map(|(_, value)| *value).take(3).collect();
    let nsm = Nsm::boot(&authority, NsmConfig::new(pcrs.try_into().expect("three PCRs"))).expect("a module");
    let path = std::env::temp_dir().join(format!("pcrseal-fuzz-{}", std::process::id()));
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let socket = {
        let _within = runtime.enter();
        NsmSocket::serve(&path, Arc::new(nsm)).expect("a socket")
    };
    let json = config(path.to_str().expect("a text"));
    let (mut config, mut session) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: good arguments.
    unsafe {
        let none = ptr::null_mut();
        assert_eq!(pcrseal_config_from_json(json.as_ptr(), json.len(), &raw mut config, none), OK);
        assert_eq!(pcrseal_session_new(config, &raw mut session, none), OK);
        pcrseal_config_free(config);
    }
    Shared { session, _socket: socket, _runtime: runtime }
});

/// An output of the call that is being made.
#[derive(Clone, Copy)]
struct Output {
    at: *mut u8,
    size: usize,
}

/// One run: the input's choices, the memory that arguments point to, and what calls have given.
struct Run<'a> {
    choices: &'a [u8],
    memory: Box<[u64]>,
    before: Vec<u8>,
    outputs: Vec<Output>,
    buffer: Option<(*mut u8, *mut usize)>,
    error: *mut *mut Error,
    pcrs: [*mut PcrSet; SLOTS],
    quorums: [*mut Quorum; SLOTS],
    configs: [*mut Config; SLOTS],
    verifiers: [*mut Verifier; SLOTS],
    policies: [*mut AttestationPolicy; SLOTS],
    attestations: [*mut Attestation; SLOTS],
    cancels: [*mut Cancel; SLOTS],
    secrets: [*mut Secret; SLOTS],
    reports: [*mut Report; SLOTS],
    unseals: [*mut HostUnseal; SLOTS],
    requests: [*mut KmsRequest; SLOTS],
    recipients: [*mut Recipient; SLOTS],
}

impl Run<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.choices.split_first() else { return 0 };
        self.choices = rest;
        first
    }

    fn short(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    /// Small numbers, and some that are not.
    fn number(&mut self) -> u32 {
        match self.byte() {
            255 => u32::MAX,
            254 => 1 << 31,
            small => small.into(),
        }
    }

    fn start(&mut self) -> *mut u8 {
        self.memory.as_mut_ptr().cast()
    }

    /// A place in the memory, and how much follows it there.
    fn place(&mut self) -> (*mut u8, usize) {
        let offset = self.short() % MEMORY;
        (self.start().wrapping_add(GUARD + offset), MEMORY - offset)
    }

    fn len(&mut self, most: usize) -> usize {
        match self.byte() {
            0 => most,
            // No C program has so much.
            255 => usize::MAX,
            254 => isize::MAX.unsigned_abs() + 1,
            _ => self.short() % (most + 1),
        }
    }

    /// A sample, or whatever lies in the memory.
    fn bytes(&mut self) -> (*const u8, usize) {
        let (at, most) = self.place();
        match self.byte() {
            0 => (ptr::null(), self.len(most)),
            1 => (ptr::null(), 0),
            2 => (at, self.len(most)),
            choice => {
                let sample = &SAMPLES[usize::from(choice) % SAMPLES.len()];
                let len = sample.len().min(most);
                // SAFETY: `most` bytes of the memory follow `at`.
                unsafe { ptr::copy_nonoverlapping(sample.as_ptr(), at, len) };
                (at, len)
            }
        }
    }

    fn text(&mut self) -> *const c_char {
        self.bytes().0.cast()
    }

    /// An output: as it should be, anywhere, or nowhere. What is there beforehand is no handle.
    fn output<T>(&mut self) -> *mut T {
        let (at, _) = self.place();
        let size = size_of::<T>();
        // At the memory's end it reaches into the guard, which is then the call's to write to.
        let at = match self.byte() {
            0 => return ptr::null_mut(),
            1 => at,
            _ => at.map_addr(|address| address & !7),
        };
        self.outputs.push(Output { at, size });
        at.cast()
    }

    fn buffer(&mut self) -> (*mut u8, usize, *mut usize) {
        let (at, most) = self.place();
        let capacity = self.len(most);
        let at = if self.byte() == 0 { ptr::null_mut() } else { at };
        let len = self.output::<usize>();
        self.buffer = Some((at, len));
        (at, capacity, len)
    }

    fn error(&mut self) -> *mut *mut Error {
        self.error = self.output();
        self.before = self.all().to_vec();
        self.error
    }

    fn all(&self) -> &[u8] {
        // SAFETY: these are its bytes.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr().cast(), GUARD * 2 + MEMORY) }
    }

    /// Looks at what a call did; whether it succeeded.
    fn judge(&mut self, status: u32) -> bool {
        // SAFETY: a static text.
        let name = unsafe { CStr::from_ptr(pcrseal_status_name(status)) };
        assert!(name != c"unknown" && status != PANIC, "{status}");
        let base = self.memory.as_ptr().addr();
        let at = |pointer: *mut u8| pointer.addr() - base;
        let mut allowed = vec![false; self.before.len()];
        for output in &self.outputs {
            if status != OVERLAP || output.at == self.error.cast() {
                allowed[at(output.at)..at(output.at) + output.size].fill(true);
            }
        }
        if let (OK, Some((data, len))) = (status, self.buffer) {
            // SAFETY: after a success it is an output of the memory.
            let len = unsafe { len.read() };
            if len > 0 {
                allowed[at(data)..at(data) + len].fill(true);
            }
        }
        for (place, (found, before)) in self.all().iter().zip(&self.before).enumerate() {
            assert!(found == before || allowed[place], "{name:?} wrote to {place}");
        }
        if status != OK && status != OVERLAP {
            for output in &self.outputs {
                let is_needed =
                    status == TOO_SMALL && self.buffer.is_some_and(|(_, len)| len.cast() == output.at);
                if output.at.addr() % 8 == 0 && output.at != self.error.cast() && !is_needed {
                    // SAFETY: within the memory.
                    let found = unsafe { std::slice::from_raw_parts(output.at, output.size) };
                    assert!(found.iter().all(|byte| *byte == 0), "{name:?} left an output");
                }
            }
        }
        if !self.error.is_null() && self.error.is_aligned() {
            // SAFETY: within the memory; the call wrote it.
            unsafe {
                let error = self.error.read();
                self.error.write(ptr::null_mut());
                assert_eq!(error.is_null(), status == OK);
                assert_eq!(pcrseal_error_status(error), status);
                pcrseal_error_free(error);
            }
        }
        self.outputs.clear();
        (self.buffer, self.error) = (None, ptr::null_mut());
        status == OK
    }
}

/// Calls a function that gives a handle, and keeps it.
macro_rules! make {
    ($run:ident, $slots:ident, $free:ident, |$out:ident, $error:ident| $call:expr) => {{
        let $out = $run.output();
        let $error = $run.error();
        // SAFETY: every pointer leads into the run's memory or to a live handle, or the call must refuse it.
        let status = unsafe { $call };
        if $run.judge(status) && !$out.is_null() {
            // SAFETY: after a success it is an output within the memory.
            let made = unsafe { $out.replace(ptr::null_mut()) };
            let slot = usize::from($run.byte()) % SLOTS;
            let freed = std::mem::replace(&mut $run.$slots[slot], made);
            // SAFETY: from this library, and in no slot any more.
            unsafe { $free(freed) };
        }
    }};
}

/// Calls a function that gives no handle.
macro_rules! call {
    ($run:ident, |$error:ident| $call:expr) => {{
        let $error = $run.error();
        // SAFETY: as above.
        let status = unsafe { $call };
        $run.judge(status);
    }};
}

/// A handle of a slot, NULL, or one that is misaligned.
macro_rules! handle {
    ($run:ident, $slots:ident) => {
        match $run.byte() {
            0 => ptr::null_mut(),
            1 => ptr::without_provenance_mut(1),
            slot => $run.$slots[usize::from(slot) % SLOTS],
        }
    };
}

impl Run<'_> {
    fn session(&mut self) -> *const Session {
        match self.byte() {
            0 => ptr::null(),
            1 => ptr::without_provenance(1),
            _ => SHARED.session,
        }
    }

    #[allow(clippy::too_many_lines)] // One function after the other.
    fn step(&mut self) {
        let run = self;
        match run.byte() % 46 {
            0 => make!(run, pcrs, pcrseal_pcr_set_free, |out, error| pcrseal_pcr_set_new(out, error)),
            1 => {
                let (json, len) = run.bytes();
                make!(run, pcrs, pcrseal_pcr_set_free, |out, error| pcrseal_pcr_set_from_measurements_json(
                    json, len, out, error
                ));
            }
            2 => {
                let (pcrs, index, (value, len)) = (handle!(run, pcrs), run.number(), run.bytes());
                let len = if run.byte() < 128 { len.min(48) } else { len };
                call!(run, |error| pcrseal_pcr_set_insert(pcrs, index, value, len, error));
            }
            3 => {
                let (pcrs, index, (value, capacity, len)) = (handle!(run, pcrs), run.number(), run.buffer());
                call!(run, |error| pcrseal_pcr_set_value(pcrs, index, value, capacity, len, error));
            }
            4 => {
                let (threshold, wrapping) = (run.number(), run.number());
                make!(run, quorums, pcrseal_quorum_free, |out, error| pcrseal_quorum_new(
                    threshold, wrapping, out, error
                ));
            }
            5 => {
                let (quorum, key) = (handle!(run, quorums), run.text());
                call!(run, |error| pcrseal_quorum_add_key(quorum, key, error));
            }
            6 => {
                let quorum = handle!(run, quorums);
                call!(run, |error| pcrseal_quorum_allow_single_share(quorum, error));
            }
            7 => {
                let cluster = run.text();
                make!(run, configs, pcrseal_config_free, |out, error| pcrseal_config_new(
                    cluster, out, error
                ));
            }
            8 => {
                let (json, len) = run.bytes();
                make!(run, configs, pcrseal_config_free, |out, error| pcrseal_config_from_json(
                    json, len, out, error
                ));
            }
            9 => {
                let (config, quorum) = (handle!(run, configs), handle!(run, quorums));
                call!(run, |error| pcrseal_config_set_seal_quorum(config, quorum, error));
            }
            10 => {
                let (config, quorum) = (handle!(run, configs), handle!(run, quorums));
                call!(run, |error| pcrseal_config_add_unseal_quorum(config, quorum, error));
            }
            11 => {
                let (config, selection) = (handle!(run, configs), run.number());
                call!(run, |error| pcrseal_config_set_required_pcrs(config, selection, error));
            }
            12 => {
                let (config, (id, len)) = (handle!(run, configs), run.bytes());
                call!(run, |error| pcrseal_config_pin_seal_id(config, id, len, error));
            }
            13 => {
                let (config, region, url) = (handle!(run, configs), run.text(), run.text());
                call!(run, |error| pcrseal_config_set_endpoint(config, region, url, error));
            }
            14 => {
                let (config, region, cid, port) =
                    (handle!(run, configs), run.text(), run.number(), run.number());
                call!(run, |error| pcrseal_config_set_vsock(config, region, cid, port, error));
            }
            15 => {
                let (config, (pem, len)) = (handle!(run, configs), run.bytes());
                call!(run, |error| pcrseal_config_add_root_certificates(config, pem, len, error));
            }
            16 => {
                let (config, id) = (handle!(run, configs), run.text());
                let ((key, key_len), (token, token_len)) = (run.bytes(), run.bytes());
                call!(run, |error| pcrseal_config_set_static_credentials(
                    config, id, key, key_len, token, token_len, error
                ));
            }
            17 => {
                let (config, url, token) = (handle!(run, configs), run.text(), run.text());
                call!(run, |error| pcrseal_config_set_container_credentials(config, url, token, error));
            }
            18 => {
                let (config, stage, ms) = (handle!(run, configs), run.number(), run.number());
                call!(run, |error| pcrseal_config_set_timeout(config, stage, ms.into(), error));
            }
            19 => {
                let (roots, len) = run.bytes();
                make!(run, verifiers, pcrseal_verifier_free, |out, error| pcrseal_verifier_new(
                    roots, len, out, error
                ));
            }
            20 => {
                let kind = run.number();
                make!(run, policies, pcrseal_attestation_policy_free, |out, error| {
                    pcrseal_attestation_policy_new(kind, out, error)
                });
            }
            21 => {
                let (policy, pcr, (value, len)) = (handle!(run, policies), run.number(), run.bytes());
                let len = if run.byte() < 128 { len.min(48) } else { len };
                call!(run, |error| pcrseal_attestation_policy_require_pcr(policy, pcr, value, len, error));
            }
            22 => {
                let (policy, id) = (handle!(run, policies), run.text());
                call!(run, |error| pcrseal_attestation_policy_require_module_id(policy, id, error));
            }
            23 => {
                let (policy, (nonce, len)) = (handle!(run, policies), run.bytes());
                call!(run, |error| pcrseal_attestation_policy_require_nonce(policy, nonce, len, error));
            }
            24 => {
                let (policy, age, skew) = (handle!(run, policies), run.number(), run.number());
                call!(run, |error| pcrseal_attestation_policy_require_fresh(
                    policy,
                    age.into(),
                    skew.into(),
                    error
                ));
            }
            25 => {
                let (verifier, (document, len)) = (handle!(run, verifiers), run.bytes());
                let (at, policy) = (run.number(), handle!(run, policies));
                make!(run, attestations, pcrseal_attestation_free, |out, error| pcrseal_verify(
                    verifier,
                    document,
                    len,
                    at.into(),
                    policy,
                    out,
                    error
                ));
            }
            26 => {
                let (verifier, (document, len), at) = (handle!(run, verifiers), run.bytes(), run.number());
                make!(run, attestations, pcrseal_attestation_free, |out, error| {
                    pcrseal_verify_without_appraisal(verifier, document, len, at.into(), out, error)
                });
            }
            27 => {
                let ((secret, secret_len), threshold, count) = (run.bytes(), run.number(), run.number());
                let (shares, capacity, len) = run.buffer();
                call!(run, |error| pcrseal_shamir_split(
                    secret, secret_len, threshold, count, shares, capacity, len, error
                ));
            }
            28 => {
                let ((shares, shares_len), count) = (run.bytes(), run.number());
                let (secret, capacity, len) = run.buffer();
                call!(run, |error| pcrseal_shamir_combine(
                    shares, shares_len, count, secret, capacity, len, error
                ));
            }
            29 => {
                let ((blob, blob_len), (aad, aad_len)) = (run.bytes(), run.bytes());
                let (json, capacity, len) = run.buffer();
                call!(run, |error| pcrseal_inspect(blob, blob_len, aad, aad_len, json, capacity, len, error));
            }
            30 => {
                let (session, (blob, blob_len), pcrs) = (run.session(), run.bytes(), handle!(run, pcrs));
                let (new, capacity, len) = run.buffer();
                call!(run, |error| pcrseal_add_binding(
                    session, blob, blob_len, pcrs, new, capacity, len, error
                ));
            }
            31 => {
                let ((blob, blob_len), pcrs) = (run.bytes(), handle!(run, pcrs));
                let (new, capacity, len) = run.buffer();
                call!(run, |error| pcrseal_drop_binding(blob, blob_len, pcrs, new, capacity, len, error));
            }
            32 => make!(run, cancels, pcrseal_cancel_free, |out, error| pcrseal_cancel_new(out, error)),
            // SAFETY: a live handle or NULL.
            33 => unsafe { pcrseal_cancel_trigger(handle!(run, cancels)) },
            34 => {
                let (session, secret_len) = (run.session(), run.short());
                let len = run.output();
                call!(run, |error| pcrseal_max_blob_len(session, secret_len, len, error));
            }
            35 => {
                let (session, (blob, blob_len)) = (run.session(), run.bytes());
                let len = run.output();
                call!(run, |error| pcrseal_unsealed_len(session, blob, blob_len, len, error));
            }
            36 => {
                let (session, (blob, len), cancel) = (run.session(), run.bytes(), handle!(run, cancels));
                let report = run.output();
                // The transport is the host's: it gives no report.
                make!(run, secrets, pcrseal_secret_free, |out, error| pcrseal_unseal(
                    session, blob, len, cancel, out, report, error
                ));
            }
            37 => {
                let (session, cancel, secret_len) = (run.session(), handle!(run, cancels), run.short());
                let ((blob, capacity, len), report) = (run.buffer(), run.output());
                make!(run, secrets, pcrseal_secret_free, |out, error| pcrseal_generate(
                    session, secret_len, cancel, blob, capacity, len, out, report, error
                ));
            }
            38 => {
                let (session, (blob, len)) = (run.session(), run.bytes());
                make!(run, unseals, pcrseal_host_unseal_free, |out, error| pcrseal_host_unseal_begin(
                    session, blob, len, out, error
                ));
            }
            39 => {
                let unseal = handle!(run, unseals);
                make!(
                    run,
                    requests,
                    pcrseal_kms_request_free,
                    |out, error| pcrseal_host_unseal_next_request(unseal, out, error)
                );
            }
            40 => {
                let (unseal, position, status) = (handle!(run, unseals), run.number(), run.number());
                let (id, (body, len)) = (run.text(), run.bytes());
                call!(run, |error| pcrseal_host_unseal_answer_from_authenticated_kms(
                    unseal, position, status, id, body, len, -1, error
                ));
            }
            41 => {
                let (unseal, position, outcome) = (handle!(run, unseals), run.number(), run.number());
                call!(run, |error| pcrseal_host_unseal_failed(unseal, position, outcome, -1, error));
            }
            42 => {
                let (unseal, report) = (handle!(run, unseals), run.output());
                make!(run, secrets, pcrseal_secret_free, |out, error| pcrseal_host_unseal_finish(
                    unseal, out, report, error
                ));
            }
            43 => {
                let (request, id) = (handle!(run, requests), run.text());
                let ((key, key_len), (token, token_len)) = (run.bytes(), run.bytes());
                let (host, time, (http, capacity, len)) = (run.text(), run.number(), run.buffer());
                call!(run, |error| pcrseal_kms_request_http1(
                    request,
                    id,
                    key,
                    key_len,
                    token,
                    token_len,
                    host,
                    time.into(),
                    http,
                    capacity,
                    len,
                    error
                ));
            }
            44 => {
                let (recipient, (cms, len)) = (handle!(run, recipients), run.bytes());
                make!(run, secrets, pcrseal_secret_free, |out, error| pcrseal_recipient_open(
                    recipient, cms, len, out, error
                ));
            }
            _ => run.ask(),
        }
    }

    /// What handles say of themselves, whichever they are.
    fn ask(&mut self) {
        let run = self;
        let mut len = 0;
        let (index, row) = (run.number(), run.short());
        let (attestation, request, report) =
            (handle!(run, attestations), handle!(run, requests), handle!(run, reports));
        let (secret, unseal, pcrs) = (handle!(run, secrets), handle!(run, unseals), handle!(run, pcrs));
        // SAFETY: live handles, NULL, or misaligned; texts end with a NUL, and bytes are as many as `len` says.
        unsafe {
            for text in [
                pcrseal_attestation_module_id(attestation),
                pcrseal_attestation_instance_id(attestation),
                pcrseal_kms_request_host(request),
                pcrseal_kms_request_key_arn(request),
                pcrseal_report_outcome(report, row),
                pcrseal_report_hint(report, row),
                pcrseal_status_message(index),
            ] {
                assert!(text.is_null() || CStr::from_ptr(text).to_str().is_ok());
            }
            let touch = |data: *const u8, len: usize| {
                assert!(!data.is_null() || len == 0);
                if len > 0 {
                    std::hint::black_box(
                        std::slice::from_raw_parts(data, len).iter().fold(0, |all, byte| all ^ byte),
                    );
                }
            };
            touch(pcrseal_attestation_pcr(attestation, index, &raw mut len), len);
            touch(pcrseal_attestation_nonce(attestation, &raw mut len), len);
            touch(pcrseal_kms_request_body(request, &raw mut len), len);
            touch(pcrseal_secret_data(secret, &raw mut len), len);
            assert_eq!(len, pcrseal_secret_len(secret));
            std::hint::black_box((pcrseal_pcr_set_selection(pcrs), pcrseal_host_unseal_needed(unseal)));
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        macro_rules! free {
            ($($slots:ident: $free:ident),* $(,)?) => {
                // SAFETY: from this library, each once.
                unsafe { $(for handle in self.$slots { $free(handle) })* }
            };
        }
        free!(
            pcrs: pcrseal_pcr_set_free,
            quorums: pcrseal_quorum_free,
            configs: pcrseal_config_free,
            verifiers: pcrseal_verifier_free,
            policies: pcrseal_attestation_policy_free,
            attestations: pcrseal_attestation_free,
            cancels: pcrseal_cancel_free,
            secrets: pcrseal_secret_free,
            reports: pcrseal_report_free,
            unseals: pcrseal_host_unseal_free,
            requests: pcrseal_kms_request_free,
            recipients: pcrseal_recipient_free,
        );
    }
}

fuzz_target!(|data: &[u8]| {
    let mut memory = vec![0; (MEMORY + 2 * GUARD) / 8].into_boxed_slice();
    let mut recipients = [ptr::null_mut(); SLOTS];
    // SAFETY: the memory's own bytes; a good output.
    unsafe {
        let start: *mut u8 = memory.as_mut_ptr().cast();
        start.write_bytes(GUARD_BYTE, GUARD);
        // Its last byte ends every text.
        start.add(GUARD + MEMORY).write_bytes(GUARD_BYTE, GUARD - 1);
        if data.first().is_some_and(|first| first % 64 == 44) {
            assert_eq!(pcrseal_recipient_new(&raw mut recipients[0], ptr::null_mut()), OK);
        }
    }
    let mut run = Run {
        choices: data,
        memory,
        before: Vec::new(),
        outputs: Vec::new(),
        buffer: None,
        error: ptr::null_mut(),
        pcrs: [ptr::null_mut(); SLOTS],
        quorums: [ptr::null_mut(); SLOTS],
        configs: [ptr::null_mut(); SLOTS],
        verifiers: [ptr::null_mut(); SLOTS],
        policies: [ptr::null_mut(); SLOTS],
        attestations: [ptr::null_mut(); SLOTS],
        cancels: [ptr::null_mut(); SLOTS],
        secrets: [ptr::null_mut(); SLOTS],
        reports: [ptr::null_mut(); SLOTS],
        unseals: [ptr::null_mut(); SLOTS],
        requests: [ptr::null_mut(); SLOTS],
        recipients,
    };
    for _ in 0..MAX_CALLS {
        if run.choices.is_empty() {
            break;
        }
        run.step();
    }
});
