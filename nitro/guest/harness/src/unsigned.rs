//! The guest of the first kind: the probe in a signed enclave image, on QEMU's machine `nitro-enclave`, which measures
//! the image as the hypervisor does, and whose module does not sign.

use std::sync::Arc;

use pcrseal::core::attestation::{AWS_NITRO_ENCLAVES_ROOT_G1, AttestationDocument};
use pcrseal::core::attester::{AttestationRequest, Attester};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::error::Error as Fault;
use pcrseal::core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use pcrseal::{AutoUnseal, Code, Outcome};
use pcrseal_emulator::nsm::{Nsm, NsmConfig};
use pcrseal_nsm_conformance::Expectations;

use crate::Failure;
use crate::aws::{Aws, INSTANCE, KEY_COUNT, ROLE};
use crate::image::{Content, Image, Signer};
use crate::machine::{Enclave, Machine, Run};
use crate::probe::{Told, costs, judge_checks, judge_registers, judge_suite};
use crate::section::{Section, section};
use crate::signed::config;
use crate::tools::Tools;
use crate::vsock::Vsock;

/// What QEMU's module calls itself: the instance, and an enclave of it.
const MODULE_ID: &str = "i-0123456789abcdef0-enc0123456789abcde";
/// 1 GHz: one instruction a nanosecond, which QEMU counts. The machine has no timer to find it out by.
const CLOCK: &str = "tsc_early_khz=1000000";

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
            judge_checks(section, &told, MODULE_ID);
            judge_suite(section, &told, &Expectations::unsigned(), &config(&image)?)?;
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
