//! The guest of the first kind: the probe in a signed enclave image, on QEMU's machine `nitro-enclave`, which measures
//! the image as the hypervisor does, and whose module does not sign.

use std::collections::BTreeMap;
use std::sync::Arc;

use pcrseal::core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal::core::attester::{AttestationRequest, Attester};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use pcrseal::{AutoUnseal, Code, Outcome};
use pcrseal_emulator::nsm::{Nsm, NsmConfig};

use crate::Failure;
use crate::aws::{Aws, INSTANCE, KEY_COUNT, ROLE};
use crate::image::{Content, Image, Signer};
use crate::machine::{Enclave, Machine, Run};
use crate::section::{Section, section};
use crate::tools::Tools;
use crate::vsock::Vsock;

/// What QEMU's module calls itself: the instance, and an enclave of it.
const MODULE_ID: &str = "i-0123456789abcdef0-enc0123456789abcde";
/// 1 GHz: one instruction a nanosecond, which QEMU counts. The machine has no timer to find it out by.
const CLOCK: &str = "tsc_early_khz=1000000";
/// The hypervisor locks the registers below this one.
const LOCKED_FROM_BOOT: u8 = 16;
/// Registers below that one that have a meaning.
const MEASURED: [u8; 6] = [0, 1, 2, 3, 4, 8];

/// Boots it, and judges.
pub(crate) async fn run(tools: &Tools) -> Section {
    section(
        "machine nitro-enclave: the real driver, a measured image, a module that does not sign",
        async |section| {
            let signer = Signer::new()?;
            let content = Content {
                name: "probe",
                init: &tools.probe,
                files: &[],
                arguments: CLOCK,
                signer: Some(&signer),
            };
            let image = Image::build(tools, &content).await?;
            let run = boot(tools, &image).await?;
            let told = Told::read(&run);
            judge_checks(section, &told);
            judge_registers(section, &told, &image, &signer)?;
            judge_documents(section, &told).await?;
            costs(section, &told, &run);
            Ok(())
        },
    )
    .await
}

async fn boot(tools: &Tools, image: &Image) -> Result<Run, Failure> {
    let vsock = Vsock::start(tools, "probe").await?;
    let enclave = Enclave { eif: &image.eif, module_id: MODULE_ID, role_arn: ROLE, instance_id: INSTANCE };
    let log = tools.output.join("probe.console");
    Machine::boot_enclave(tools, &enclave, &vsock.socket(), &log)?.end().await
}

/// What the probe told the console.
#[derive(Default)]
struct Told {
    /// Names of the checks, and why they failed.
    checks: Vec<(String, Result<(), String>)>,
    /// How many checks there were.
    end: Option<usize>,
    /// Value and lock by register.
    registers: BTreeMap<u8, (String, String)>,
    /// Documents by name, hex.
    documents: BTreeMap<String, String>,
    costs: BTreeMap<String, String>,
    module_id: String,
}

impl Told {
    fn read(run: &Run) -> Self {
        let mut told = Self::default();
        for line in &run.lines {
            let Some((_, said)) = line.text.split_once("pcrseal-probe ") else { continue };
            let (word, rest) = said.split_once(' ').unwrap_or((said, ""));
            let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
            match word {
                "ok" => told.checks.push((rest.to_owned(), Ok(()))),
                "FAILED" => {
                    let (name, reason) = rest.split_once(": ").unwrap_or((rest, ""));
                    told.checks.push((name.to_owned(), Err(reason.to_owned())));
                }
                "end" => told.end = rest.parse().ok(),
                "pcr" => {
                    let (lock, value) = second.split_once(' ').unwrap_or((second, ""));
                    if let Ok(index) = first.parse() {
                        told.registers.insert(index, (value.to_owned(), lock.to_owned()));
                    }
                }
                "document" => told.documents.entry(first.to_owned()).or_default().push_str(second),
                "cost" => drop(told.costs.insert(first.to_owned(), second.to_owned())),
                "module_id" => rest.clone_into(&mut told.module_id),
                // Lines of init: for whoever reads the log.
                _ => {}
            }
        }
        told
    }

    fn document(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let hex = self.documents.get(name).ok_or_else(|| format!("the guest showed no document {name}"))?;
        let digits: Option<Vec<u8>> =
            hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| digit.try_into().ok())).collect();
        let digits = digits.filter(|digits| digits.len() % 2 == 0).ok_or("a document is not hex")?;
        Ok(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect())
    }
}

/// The probe's own checks; that none is lost on the way is one more.
fn judge_checks(section: &mut Section, told: &Told) {
    for (name, result) in &told.checks {
        section.check(name, result.clone());
    }
    section.equal("the probe came to its end, and every check arrived", &Some(told.checks.len()), &told.end);
    section.equal("the module has the name that QEMU was given", MODULE_ID, &told.module_id);
}

/// The registers, against what is known of them on the host: nothing of it comes from the guest.
fn judge_registers(
    section: &mut Section,
    told: &Told,
    image: &Image,
    signer: &Signer,
) -> Result<(), Failure> {
    let value = |index: u8| told.registers.get(&index).map_or("nothing", |(value, _)| value.as_str());
    for index in [0, 1, 2, 8] {
        let printed =
            image.measured.get(PcrIndex::try_from(u64::from(index))?).ok_or("eif_build left out a PCR")?;
        section.equal(
            format!("PCR{index} is what eif_build printed"),
            printed.to_string().as_str(),
            value(index),
        );
    }
    for (index, what, computed) in [
        (3, "the role's ARN", Pcr::from_role_arn(ROLE)?),
        (4, "the instance's id", Pcr::from_instance_id(INSTANCE)?),
        (8, "the signing certificate", Pcr::from_signing_certificate(&signer.certificate_der)?),
    ] {
        let name = format!("PCR{index} is what we compute of {what}");
        section.equal(name, computed.to_string().as_str(), value(index));
    }
    let zero = Pcr::ZERO.to_string();
    let others = (0..LOCKED_FROM_BOOT).filter(|index| !MEASURED.contains(index));
    let differing: Vec<_> = others.filter(|&index| value(index) != zero).collect();
    section.equal("the other registers are zero", &Vec::<u8>::new(), &differing);
    let locked = told.registers.iter().filter(|(_, (_, lock))| lock == "locked").map(|(index, _)| *index);
    section.equal(
        "registers 0 to 15 are locked",
        &(0..LOCKED_FROM_BOOT).collect::<Vec<_>>(),
        &locked.collect(),
    );
    Ok(())
}

/// Documents that nobody signed: whoever verifies refuses them.
async fn judge_documents(section: &mut Section, told: &Told) -> Result<(), Failure> {
    for name in ["plain", "full"] {
        let document = told.document(name)?;
        let parsed = AttestationDocument::parse(&document);
        let verified = parsed.and_then(|parsed| {
            let at = parsed.unverified_timestamp_ms();
            parsed.verify(&[AWS_NITRO_ENCLAVES_ROOT_G1], at, &aws_lc::BACKEND).map(|_| ())
        });
        let code = verified.err().map(|error: Fault| error.code());
        section.equal(format!("the verifier refuses the document {name}"), &Some(Code::CoseProtected), &code);
    }

    // Keys that want exactly these PCRs: the document says what they want to hear.
    let image = PcrSelection::IMAGE.iter().map(|index| {
        let (value, _) = told.registers.get(&index.get()).ok_or("the guest showed no PCR0, PCR1 and PCR2")?;
        Ok::<_, Failure>((index, Pcr::from_hex(value)?))
    });
    let image: PcrSet = image.collect::<Result<_, _>>()?;
    let aws = Aws::start().await?;
    aws.permit(&image);
    let unsigned = Shown { measured: image.clone(), document: told.document("full")? };
    let refusal = seal(&aws, unsigned).await?.err().ok_or("KMS took an unsigned document")?;
    section.equal(
        "every key refuses the document",
        &KEY_COUNT,
        &refusal.report().count(Outcome::AttestationRejected),
    );
    // The same keys, the same PCRs, and a signature: it was the signature that was missing.
    let [pcr0, pcr1, pcr2] =
        [0, 1, 2].map(|index| PcrIndex::try_from(index).ok().and_then(|index| image.get(index)));
    let config = NsmConfig::new([*pcr0.ok_or("PCR0")?, *pcr1.ok_or("PCR1")?, *pcr2.ok_or("PCR2")?]);
    let signed = Nsm::boot(&aws.authority, config.role_arn(ROLE).instance_id(INSTANCE))?;
    let report = seal(&aws, signed).await?.map(|report| report.count(Outcome::Granted));
    section.equal("every key takes a signed one with the same PCRs", &Some(KEY_COUNT), &report.ok());
    Ok(())
}

/// A module that shows one document, whatever it is asked.
struct Shown {
    measured: PcrSet,
    document: Vec<u8>,
}

impl Attester for Shown {
    fn measured_pcrs(&self) -> Result<PcrSet, Fault> {
        Ok(self.measured.clone())
    }

    fn attest(&self, _: &AttestationRequest<'_>) -> Result<Vec<u8>, Fault> {
        Ok(self.document.clone())
    }
}

async fn seal(
    aws: &Aws,
    attester: impl Attester + 'static,
) -> Result<Result<pcrseal::Report, pcrseal::Error>, Failure> {
    let auto = AutoUnseal::new(Arc::new(attester), aws.client()?, aws.policy(|policy| policy)?);
    Ok(auto.seal_generated(32, &[]).await.map(|sealed| sealed.report))
}

fn costs(section: &mut Section, told: &Told, run: &Run) {
    let first = run.lines.iter().find(|line| line.text.contains("pcrseal-probe"));
    if let Some(first) = first {
        section
            .fact("from QEMU's start to the first word of /init", format!("{:.1} s", first.at.as_secs_f64()));
    }
    section.fact("from QEMU's start to its end", format!("{:.1} s", run.elapsed.as_secs_f64()));
    if let Some(peak) = told.costs.get("peak_memory_kib").and_then(|peak| peak.parse::<f64>().ok()) {
        section.fact("most memory of the probe", format!("{:.1} MiB", peak / 1024.0));
    }
    section.fact("most memory of QEMU", format!("{} MiB", run.qemu_peak_kib / 1024));
    section.fact("console", run.log.display());
}
