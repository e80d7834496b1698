//! The guest of the third kind: the probe again, on a machine with a module that signs. The whole conformance suite runs
//! behind Linux's own driver, and the documents that came through it are verified here.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use pcrseal::Code;
use pcrseal::core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal::core::attester::AttestationRequest;
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::pcr::{Pcr, PcrIndex, PcrSet};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm};
use pcrseal_nsm_conformance::Expectations;

use crate::Failure;
use crate::aws::{INSTANCE, ROLE};
use crate::image::{Content, Image, Signer};
use crate::machine::{BOOT_LIMIT, Machine, Plain, Run};
use crate::probe::{LOCKED_FROM_BOOT, Told, costs, judge_checks, judge_registers, judge_suite};
use crate::ramdisk::Ramdisk;
use crate::section::{Section, section};
use crate::signed::config;
use crate::tools::Tools;
use crate::vsock::Vsock;

/// Where the probe looks for what it is told (`nitro/guest/probe/src/told.rs`).
const ROOT: &str = "etc/pcrseal/root.der";
const EXPECTED: &str = "etc/pcrseal/expected";

/// What is known of the module before the guest boots.
struct Known {
    authority: Authority,
    /// All registers that are locked from boot.
    registers: PcrSet,
    /// When documents can be made, by the clock that dates them: no guest runs for longer.
    time_ms: RangeInclusive<u64>,
}

/// Boots it, and judges.
pub(crate) async fn run(tools: &Tools) -> Section {
    section("machine q35: the real driver, the conformance suite, a module that signs", async |section| {
        let authority = Authority::new(&Clock::system())?;
        let signer = Signer::new()?;
        let content = Content {
            name: "conformance",
            init: &tools.probe,
            files: &[(ROOT, authority.root_der())],
            arguments: "",
            signer: Some(&signer),
        };
        let image = Image::build(tools, &content).await?;
        let known = Known::of(authority, &image)?;
        let nsm = Nsm::boot(&known.authority, config(&image)?)?;
        let module_id = nsm.module_id().to_owned();
        let run = boot(tools, &image, &known, nsm).await?;
        let told = Told::read(&run);
        judge_checks(section, &told, &module_id);
        judge_suite(section, &told, &known.expectations(), &config(&image)?)?;
        judge_registers(section, &told, &image, &signer)?;
        for name in ["plain", "full"] {
            judge_document(section, name, &told.document(name)?, &known, &module_id)?;
        }
        costs(section, &told, &run);
        Ok(())
    })
    .await
}

impl Known {
    fn of(authority: Authority, image: &Image) -> Result<Self, Failure> {
        let mut registers = PcrSet::new();
        for index in PcrIndex::all().take(LOCKED_FROM_BOOT.into()) {
            let parent = match index.get() {
                3 => Some(Pcr::from_role_arn(ROLE)?),
                4 => Some(Pcr::from_instance_id(INSTANCE)?),
                _ => None,
            };
            let value = parent.or(image.measured.get(index).copied()).unwrap_or(Pcr::ZERO);
            registers.insert(index, value);
        }
        let now = authority.clock().now_millis();
        let limit = u64::try_from(BOOT_LIMIT.as_millis())?;
        Ok(Self { authority, registers, time_ms: now..=now + limit })
    }

    fn expectations(&self) -> Expectations {
        Expectations::signed_under(self.authority.root_der())
            .pcrs(self.registers.clone())
            .issued_within_ms(self.time_ms.clone())
    }

    /// The image's ramdisks, and one more for what no image can hold: its own measurements.
    fn ramdisk(&self, image: &Image) -> Result<PathBuf, Failure> {
        let mut text = format!("issued_ms {} {}\n", self.time_ms.start(), self.time_ms.end());
        for (index, value) in self.registers.iter() {
            writeln!(text, "pcr {} {value}", index.get())?;
        }
        let told = Ramdisk::default().file(EXPECTED, text.as_bytes()).finish();
        let path = image.initrd.with_file_name("initrd-told");
        std::fs::write(&path, [std::fs::read(&image.initrd)?, told].concat())?;
        Ok(path)
    }
}

async fn boot(tools: &Tools, image: &Image, known: &Known, nsm: Nsm) -> Result<Run, Failure> {
    // Not used by the probe; the machine has it, and its module is loaded.
    let vsock = Vsock::start(tools, "conformance").await?;
    let socket = vsock.beside("nsm");
    let _device = pcrseal_guest_device::serve(&socket, Arc::new(nsm))?;
    let initrd = known.ramdisk(image)?;
    let plain = Plain { initrd: &initrd, command_line: &image.command_line, nsm: &socket };
    let log = tools.output.join("conformance.console");
    Machine::boot_plain(tools, &plain, &vsock.socket(), &log)?.end().await
}

/// A document that came through the driver, against what is known here.
fn judge_document(
    section: &mut Section,
    name: &str,
    document: &[u8],
    known: &Known,
    module_id: &str,
) -> Result<(), Failure> {
    let parsed = AttestationDocument::parse(document)?;
    let at = parsed.unverified_timestamp_ms();
    let verified = parsed.verify(&[known.authority.root_der()], at, &aws_lc::BACKEND);
    section.check(
        format!("the document {name} verifies under the root"),
        verified.as_ref().map(|_| ()).map_err(ToString::to_string),
    );
    let verified = verified?;
    section.equal(format!("the document {name} names the module"), module_id, verified.module_id());
    section.equal(format!("the document {name} shows what was measured"), &known.registers, verified.pcrs());
    // As the probe asks for them (`show` in its main.rs).
    let given = match name {
        "full" => AttestationRequest {
            public_key: Some(&[0x30; 294]),
            user_data: Some(b"user data"),
            nonce: Some(&[0x5a; 32]),
        },
        _ => AttestationRequest::default(),
    };
    section.equal(
        format!("the document {name} carries what it was given"),
        &[given.public_key, given.user_data, given.nonce],
        &[verified.public_key(), verified.user_data(), verified.nonce()],
    );
    let made = *known.time_ms.start()..=known.authority.clock().now_millis();
    section.holds(format!("the document {name} was made during the boot"), made.contains(&at), (at, made));
    let elsewhere = parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at, &aws_lc::BACKEND);
    let code = elsewhere.err().map(|error: Fault| error.code());
    section.equal(format!("AWS's root refuses the document {name}"), &Some(Code::CertificateRoot), &code);
    Ok(())
}
