//! `NitroTPM` over programs that stand in for `nitro-tpm-attest`, which needs an EC2 instance.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ciborium::Value;
use pcrseal_core::attester::{AttestationRequest, Attester};
use pcrseal_core::error::{Code, Error};
use pcrseal_core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use pcrseal_nitro::{NitroTpm, trusted_time};

/// A folder of this test's own, with a program and a place for what is handed to it.
struct Bench(PathBuf);

impl Bench {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("pcrseal-tpm-test-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("scratch")).unwrap();
        fs::create_dir_all(folder.join("pcrs")).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A shell script as the program. A shell writes it too: were it open for writing in this process, a child that
    /// another test starts at that moment would hold it open, and it could not be run ("text file busy").
    fn program(&self, script: &str) -> NitroTpm {
        let written = Command::new("/bin/sh")
            .args(["-c", "printf '%s' \"$2\" > \"$1\" && chmod 755 \"$1\"", "sh"])
            .arg(self.path("tool"))
            .arg(format!("#!/bin/sh\nPATH=/usr/bin:/bin\ncd '{}'\n{script}\n", self.0.display()))
            .status();
        assert!(written.unwrap().success());
        self.tpm().program(self.path("tool"))
    }

    fn tpm(&self) -> NitroTpm {
        NitroTpm::new().scratch(self.path("scratch")).pcrs(self.path("pcrs"))
    }

    /// A program that prints these bytes.
    fn prints(&self, document: &[u8]) -> NitroTpm {
        fs::write(self.path("document"), document).unwrap();
        self.program("exec cat document")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn scratch_is_empty(&self) -> bool {
        fs::read_dir(self.path("scratch")).unwrap().next().is_none()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const REQUEST: AttestationRequest<'static> = AttestationRequest {
    public_key: Some(b"a key"),
    user_data: Some(b"some data"),
    nonce: Some(b"a challenge"),
};

/// A document that nobody signed, of the kind that has this field for its PCRs.
fn document(pcrs: &str, request: &AttestationRequest<'_>) -> Vec<u8> {
    let bytes = |length| Value::Bytes(vec![1; length]);
    let optional = |field: Option<&[u8]>| field.map_or(Value::Null, |field| Value::Bytes(field.to_vec()));
    let registers = (0..24).map(|index| (index.into(), bytes(48))).collect();
    let payload = Value::Map(vec![
        ("module_id".into(), "i-0123456789abcdef0-tpm0000000000000000".into()),
        ("digest".into(), "SHA384".into()),
        ("timestamp".into(), 1_700_000_000_000_u64.into()),
        (pcrs.into(), Value::Map(registers)),
        ("certificate".into(), bytes(3)),
        ("cabundle".into(), Value::Array(vec![bytes(3)])),
        ("public_key".into(), optional(request.public_key)),
        ("user_data".into(), optional(request.user_data)),
        ("nonce".into(), optional(request.nonce)),
    ]);
    let cbor = |value: &Value| {
        let mut out = Vec::new();
        ciborium::into_writer(value, &mut out).unwrap();
        out
    };
    let protected = Value::Bytes(vec![0xa1, 0x01, 0x38, 0x22]);
    cbor(&Value::Array(vec![protected, Value::Map(vec![]), Value::Bytes(cbor(&payload)), bytes(96)]))
}

fn tool_error(tpm: &NitroTpm) -> String {
    error_of(tpm, &REQUEST, Code::NitroTpmTool)
}

fn error_of(tpm: &NitroTpm, request: &AttestationRequest<'_>, code: Code) -> String {
    let error: Error = tpm.attest(request).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    error.to_string()
}

fn index(index: u64) -> PcrIndex {
    PcrIndex::try_from(index).unwrap()
}

#[test]
fn the_document_asked_for_comes_back_unchanged() {
    let bench = Bench::new("good");
    let document = document("nitrotpm_pcrs", &REQUEST);
    assert_eq!(bench.prints(&document).attest(&REQUEST).unwrap(), document);
    assert!(bench.scratch_is_empty());
}

#[test]
fn a_genuine_document_with_its_key_and_nonce_is_accepted_and_with_others_is_not() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/attestation");
    let Ok(genuine) = fs::read(folder.join("2026-02-01_nitrotpm_799ae6d1.cbor")) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs ../shared/vectors/attestation");
        println!("skipped: no ../shared/vectors/attestation beside this checkout");
        return;
    };
    let parsed = pcrseal_core::attestation::AttestationDocument::parse(&genuine).unwrap();
    let asked = parsed.unverified_request();
    let lengths = [asked.public_key, asked.user_data, asked.nonce].map(|field| field.map(<[u8]>::len));
    assert_eq!(lengths, [Some(65), None, Some(10)], "what index.json says");

    let bench = Bench::new("genuine");
    let tpm = bench.prints(&genuine);
    assert_eq!(tpm.attest(&asked).unwrap(), genuine);
    for other in [
        AttestationRequest { public_key: Some(&[4; 65]), ..asked },
        AttestationRequest { nonce: None, ..asked },
        AttestationRequest { user_data: Some(b""), ..asked },
        AttestationRequest::default(),
    ] {
        error_of(&tpm, &other, Code::NitroTpmDocument);
    }
}

#[test]
fn the_program_gets_each_field_as_a_private_file_and_nothing_else() {
    let bench = Bench::new("handover");
    fs::write(bench.path("document"), document("nitrotpm_pcrs", &REQUEST)).unwrap();
    let tpm = bench
        .program(
            "tr '\\0' '\\n' < /proc/$$/environ > env; cat > stdin
printf '%s\\n' \"$@\" > arguments
cat \"$2\" > key; cat \"$4\" > data; cat \"$6\" > nonce
stat -c '%a %F' \"${2%/*}\" \"$2\" > modes
cat document",
        )
        .device("/dev/tpm7");
    // Whatever is in this process's environment, PATH at least, stays here.
    assert!(std::env::var_os("PATH").is_some());
    tpm.attest(&REQUEST).unwrap();

    assert_eq!(bench.read("env"), "TPM_DEVICE=/dev/tpm7\n");
    assert_eq!(bench.read("stdin"), "");
    let arguments = bench.read("arguments");
    let arguments: Vec<_> = arguments.lines().collect();
    assert_eq!([arguments[0], arguments[2], arguments[4]], ["--public-key", "--user-data", "--nonce"]);
    assert_eq!(arguments.len(), 6);
    let scratch = bench.path("scratch");
    assert!([1, 3, 5].iter().all(|&at| Path::new(arguments[at]).starts_with(&scratch)));
    assert_eq!(
        [bench.read("key"), bench.read("data"), bench.read("nonce")],
        ["a key", "some data", "a challenge"]
    );
    assert_eq!(bench.read("modes"), "700 directory\n600 regular file\n");
    assert!(bench.scratch_is_empty());
}

#[test]
fn a_field_that_is_not_asked_for_is_no_option_and_an_empty_one_is() {
    let bench = Bench::new("options");
    let request = AttestationRequest { nonce: Some(b""), ..AttestationRequest::default() };
    fs::write(bench.path("document"), document("nitrotpm_pcrs", &request)).unwrap();
    let tpm = bench.program("echo \"$# $1\" > arguments; cat document");
    tpm.attest(&request).unwrap();
    assert_eq!(bench.read("arguments"), "2 --nonce\n");
    error_of(&tpm, &AttestationRequest::default(), Code::NitroTpmDocument);
    assert_eq!(bench.read("arguments"), "0 \n");
}

#[test]
fn another_kind_or_field_than_asked_for_is_refused() {
    let bench = Bench::new("other");
    let enclave = error_of(&bench.prints(&document("pcrs", &REQUEST)), &REQUEST, Code::NitroTpmDocument);
    assert!(enclave.contains("nitrotpm") && enclave.contains("enclave"), "{enclave}");

    let tpm = bench.prints(&document("nitrotpm_pcrs", &REQUEST));
    for (field, other) in [
        ("public_key", AttestationRequest { public_key: Some(b"b key"), ..REQUEST }),
        ("user_data", AttestationRequest { user_data: None, ..REQUEST }),
        ("nonce", AttestationRequest { nonce: Some(b"a challeng"), ..REQUEST }),
    ] {
        let message = error_of(&tpm, &other, Code::NitroTpmDocument);
        assert!(message.contains(field), "{message}");
    }
    assert!(bench.scratch_is_empty());
}

#[test]
fn what_is_no_document_is_refused_with_the_reason() {
    let bench = Bench::new("junk");
    let whole = document("nitrotpm_pcrs", &REQUEST);
    let longer = [&whole[..], b"\n"].concat();
    for (junk, reason) in [
        (&b""[..], Code::CborTruncated),
        (b"usage: nitro-tpm-attest", Code::CborType),
        (&whole[..whole.len() - 1], Code::CborTruncated),
        (&longer[..], Code::CborTrailing),
    ] {
        let message = error_of(&bench.prints(junk), &REQUEST, Code::NitroTpmDocument);
        assert!(message.contains(reason.text()), "{message}");
    }
}

#[test]
fn a_program_that_fails_is_quoted() {
    let bench = Bench::new("fails");
    let message = tool_error(&bench.program("echo 'Error: no TPM' >&2; exit 3"));
    assert!(message.contains("exit status: 3") && message.contains("Error: no TPM"), "{message}");
    let message = tool_error(&bench.program("kill -9 $$"));
    assert!(message.contains("signal: 9"), "{message}");
    // Even with the document printed: a program that failed is not believed.
    fs::write(bench.path("document"), document("nitrotpm_pcrs", &REQUEST)).unwrap();
    assert!(tool_error(&bench.program("cat document; exit 101")).contains("exit status: 101"));
    assert!(bench.scratch_is_empty());
}

#[test]
fn a_program_that_floods_its_output_is_killed() {
    let bench = Bench::new("flood");
    let message = tool_error(&bench.program("echo $$ > pid; exec cat /dev/zero"));
    assert!(message.contains("12288"), "{message}");
    is_gone(&bench.read("pid"));
    assert!(bench.scratch_is_empty());
}

#[test]
fn the_longest_document_is_read_and_one_byte_more_is_not() {
    let bench = Bench::new("longest");
    let longest = bench.program("head -c 12288 /dev/zero");
    error_of(&longest, &REQUEST, Code::NitroTpmDocument);
    assert!(tool_error(&bench.program("head -c 12289 /dev/zero")).contains("12288"));
}

#[test]
fn of_a_flood_of_complaints_the_beginning_is_kept_and_the_document_still_counts() {
    let bench = Bench::new("complaints");
    let flood = "echo begins here >&2; head -c 1000000 /dev/zero | tr '\\0' x >&2";
    let message = tool_error(&bench.program(&format!("{flood}; exit 1")));
    assert!(message.contains("begins here") && message.len() < 1500, "{message}");
    let document = document("nitrotpm_pcrs", &REQUEST);
    fs::write(bench.path("document"), &document).unwrap();
    assert_eq!(bench.program(&format!("{flood}; cat document")).attest(&REQUEST).unwrap(), document);
}

#[test]
fn a_program_that_hangs_is_killed_with_all_that_it_started() {
    let bench = Bench::new("hangs");
    let tpm = bench.program("echo starting >&2; sleep 100000 & echo $! $$ > pids; wait");
    let message = tool_error(&tpm.time_limit(Duration::from_secs(5)));
    assert!(message.contains("not ended after 5s") && message.contains("starting"), "{message}");
    bench.read("pids").split_whitespace().for_each(is_gone);
    assert!(bench.scratch_is_empty());
}

#[test]
fn a_program_that_closes_its_output_and_hangs_is_killed() {
    let bench = Bench::new("closes");
    let tpm = bench.program("echo $$ > pid; exec sleep 100000 >&- 2>&-");
    assert!(tool_error(&tpm.time_limit(Duration::from_secs(5))).contains("not ended after 5s"));
    is_gone(&bench.read("pid"));
}

/// Waits until there is no process of this id, or only what is left of it.
fn is_gone(pid: &str) {
    let state = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
    for _ in 0..6000 {
        match fs::read_to_string(&state) {
            Ok(stat) if !stat.contains(") Z ") && !stat.contains(") X ") => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => return,
        }
    }
    panic!("process {pid} lives on");
}

#[test]
fn a_program_that_cannot_be_run_is_named() {
    let bench = Bench::new("missing");
    let missing = bench.path("nowhere");
    let message = tool_error(&bench.tpm().program(&missing));
    assert!(message.contains("nowhere") && message.contains("No such file"), "{message}");

    fs::write(bench.path("plain"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(bench.path("plain"), fs::Permissions::from_mode(0o644)).unwrap();
    let message = tool_error(&bench.tpm().program(bench.path("plain")));
    assert!(message.contains("plain") && message.contains("ermission denied"), "{message}");

    let message = tool_error(&bench.tpm().program("cat"));
    assert!(message.contains("absolute"), "{message}");
    assert!(bench.scratch_is_empty());
}

#[test]
fn a_place_for_the_request_that_is_not_there_is_named() {
    let bench = Bench::new("scratch");
    let tpm = bench.prints(b"").scratch(bench.path("no-such-folder"));
    assert!(tool_error(&tpm).contains("no-such-folder"));
}

// The program runs in `/`, of which `..` is `/` itself: the path leads through this folder's name, so that it does not lead
// there from `/` too.
#[test]
fn a_place_for_the_request_may_be_relative_to_the_working_directory() {
    let bench = Bench::new("relative");
    let here = std::env::current_dir().unwrap();
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let scratch = Path::new("..")
        .join(here.file_name().unwrap())
        .join(up)
        .join(bench.path("scratch").strip_prefix("/").unwrap());
    assert!(scratch.is_relative() && scratch.is_dir(), "{scratch:?}");
    fs::write(bench.path("document"), document("nitrotpm_pcrs", &REQUEST)).unwrap();
    let tpm = bench.program("cd / && cat \"$2\" > /dev/null && cat \"$OLDPWD/document\"").scratch(scratch);
    tpm.attest(&REQUEST).unwrap();
    assert!(bench.scratch_is_empty());
}

#[test]
fn a_field_that_is_too_long_is_refused_before_anything_runs() {
    let bench = Bench::new("long");
    let tpm = bench.program("touch ran");
    let long = [1; 1025];
    for request in [
        AttestationRequest { public_key: Some(&long), ..REQUEST },
        AttestationRequest { user_data: Some(&long), ..REQUEST },
        AttestationRequest { nonce: Some(&long), ..REQUEST },
    ] {
        error_of(&tpm, &request, Code::NsmInputTooLarge);
    }
    assert!(!bench.path("ran").exists());
    error_of(&tpm, &AttestationRequest { nonce: Some(&long[1..]), ..REQUEST }, Code::NitroTpmDocument);
    assert!(bench.path("ran").exists());
}

#[test]
fn calls_wait_for_each_other_because_the_device_takes_one_opener() {
    let bench = Bench::new("turns");
    fs::write(bench.path("document"), document("nitrotpm_pcrs", &REQUEST)).unwrap();
    // `mkdir` succeeds for one at a time, as opening the device does.
    let tpm = Arc::new(bench.program("mkdir taken || exit 16; sleep 0.05; rmdir taken; cat document"));
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let tpm = Arc::clone(&tpm);
            std::thread::spawn(move || tpm.attest(&REQUEST).map(drop))
        })
        .collect();
    for call in calls {
        call.join().unwrap().unwrap();
    }
}

#[test]
fn its_documents_tell_the_time() {
    let bench = Bench::new("time");
    let tpm = bench.prints(&document("nitrotpm_pcrs", &AttestationRequest::default()));
    let expected = std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert_eq!(trusted_time(&tpm).unwrap(), expected);
}

/// Writes registers as the kernel does: upper-case digits and a line feed.
fn write_pcrs(bench: &Bench) -> PcrSet {
    (0..24_u8)
        .map(|register| {
            let text = format!("{register:02X}").repeat(47) + "AF\n";
            fs::write(bench.path("pcrs").join(register.to_string()), text).unwrap();
            let mut value = [register; 48];
            value[47] = 0xaf;
            (index(register.into()), Pcr::new(value))
        })
        .collect()
}

#[test]
fn the_registers_are_read_as_the_kernel_shows_them() {
    let bench = Bench::new("pcrs");
    let all = write_pcrs(&bench);
    assert_eq!(bench.tpm().measured_pcrs().unwrap(), all);
    let selection = PcrSelection::EMPTY.with(index(4)).with(index(7));
    let some = bench.tpm().measuring(selection).measured_pcrs().unwrap();
    assert_eq!(some, all.select(selection).unwrap());
}

#[test]
fn a_register_that_cannot_be_read_is_named() {
    let bench = Bench::new("bad-pcrs");
    write_pcrs(&bench);
    let file = bench.path("pcrs").join("7");
    let value = "0A".repeat(48);
    for bad in [
        String::new(),
        "\n".into(),
        value.clone(),
        format!("{value}\n\n"),
        format!("{value}0A\n"),
        format!(" {value}\n"),
        format!("{}\n", &value[2..]),
        format!("{}XY\n", &value[2..]),
        "2ED93F199692DC6788EFA6A1FE74514AB9760B2A6CEEAEF6C808C13E4ABB0D42\n".into(),
        "x".repeat(100_000),
    ] {
        fs::write(&file, &bad).unwrap();
        let error = bench.tpm().measured_pcrs().unwrap_err();
        assert_eq!(error.code(), Code::NitroTpmPcr);
        let message = error.to_string();
        assert!(message.contains("pcrs/7") && message.len() < 500, "{message}");
    }
    fs::write(&file, [0xff; 97]).unwrap();
    assert_eq!(bench.tpm().measured_pcrs().unwrap_err().code(), Code::NitroTpmPcr);
    fs::remove_file(&file).unwrap();
    assert!(bench.tpm().measured_pcrs().unwrap_err().to_string().contains("No such file"));
    // Who does not select it does not need it.
    assert!(bench.tpm().measuring(PcrSelection::IMAGE).measured_pcrs().is_ok());
}
