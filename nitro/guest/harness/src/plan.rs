//! The boots of the example enclave, and what each must show.

use std::path::Path;
use std::sync::Arc;

use pcrseal::core::blob::SealedBlob;
use pcrseal::core::blob::rebind::{add_binding, drop_binding};
use pcrseal::core::crypto::aws_lc;
use pcrseal::core::pcr::{Pcr, PcrIndex, PcrSelection, PcrSet};
use pcrseal::core::policy::TrustPolicyBuilder;
use pcrseal::{AutoUnseal, Outcome};
use pcrseal_emulator::nsm::Nsm;
use pcrseal_enclave::proof::ProofKey;
use serde_json::Value;

use crate::Failure;
use crate::aws::{Aws, KEY_COUNT, THRESHOLD};
use crate::image::{Content, Image};
use crate::parent::{Challenge, Job, Proof, REQUEST_PORT};
use crate::section::{Section, section};
use crate::signed::{Boot, Served, boot, config};
use crate::tools::Tools;

/// Every boot gets the same: then its proof depends on the key alone.
const CHALLENGE: Challenge = *b"the challenge of the guest test!";
/// A file that the other image has more, and that nobody reads: any change at all makes another PCR2.
const DRIFT: (&str, &[u8]) = ("etc/pcrseal/drift", b"another release\n");

/// The images, and AWS as they know it.
pub(crate) struct Plan<'t> {
    tools: &'t Tools,
    aws: Aws,
    /// Somebody else's: the same names, another root.
    impostor: Aws,
    image: Image,
    drifted: Image,
}

/// What the first boot leaves.
pub(crate) struct Sealed {
    blob: Vec<u8>,
    proof: Proof,
}

impl<'t> Plan<'t> {
    /// Builds the images.
    pub(crate) async fn new(tools: &'t Tools) -> Result<Self, Failure> {
        let (aws, impostor) = (Aws::start().await?, Aws::start().await?);
        // The keys' names go into the image, and its measurements into the keys' policies.
        let trust = aws.trust(REQUEST_PORT).to_string();
        let trust = ("etc/pcrseal/trust.json", trust.as_bytes());
        let build = async |name: &str, files: &[(&str, &[u8])]| {
            let content = Content { name, init: &tools.enclave, files, arguments: "", signer: None };
            Image::build(tools, &content).await
        };
        let (image, drifted) = (build("enclave", &[trust]).await?, build("drifted", &[trust, DRIFT]).await?);
        aws.permit(&image.measured);
        Ok(Self { tools, aws, impostor, image, drifted })
    }

    /// The first boot: a new key.
    pub(crate) async fn generate(&self) -> Result<(Section, Sealed), Failure> {
        let mut sealed = None;
        let section = section("boot 1: the enclave makes a key and seals it", async |section| {
            let served = self.boot("generate", &self.image, Job::Generate).await?;
            section.equal("it has no error", "none", served.error());
            section.equal("every key gave a share key", &KEY_COUNT, &granted(&served));
            let proof = served.proof.ok_or("no proof")?;
            let blob = served.blob()?;
            section.check("the blob opens on the host too, and the key in it makes this proof", {
                let expected = self.proof_by_host(&self.image, &blob).await??;
                if expected == proof { Ok(()) } else { Err("it makes another".into()) }
            });
            costs(section, &served, &self.tools.enclave);
            sealed = Some(Sealed { blob, proof });
            Ok(())
        })
        .await;
        Ok((section, sealed.ok_or("without the first boot there is nothing to unseal")?))
    }

    /// A restart.
    pub(crate) async fn restart(&self, sealed: &Sealed) -> Section {
        section("boot 2: the same image unseals after a restart", async |section| {
            let served = self.boot("restart", &self.image, Job::Unseal(&sealed.blob)).await?;
            section.equal("it has no error", "none", served.error());
            section.holds(
                "a quorum released its shares",
                granted(&served) >= THRESHOLD.into(),
                served.rows(),
            );
            section.check(
                "its proof is that of the first boot",
                if served.proof == Some(sealed.proof) {
                    Ok(())
                } else {
                    Err("it is another, or none".into())
                },
            );
            costs(section, &served, &self.tools.enclave);
            Ok(())
        })
        .await
    }

    /// Another image.
    pub(crate) async fn drift(&self, sealed: &Sealed) -> Section {
        section("boot 3: another image gets the same blob", async |section| {
            self.differs_in_pcr2(section);
            let served = self.boot("drift", &self.drifted, Job::Unseal(&sealed.blob)).await?;
            section.equal("it refuses by itself", "pcr_drift", served.error());
            let message = served.message();
            let (expected, measured) = (pcr2(&self.image)?.to_string(), pcr2(&self.drifted)?.to_string());
            let names =
                message.contains("PCR2") && message.contains(&expected) && message.contains(&measured);
            section.holds("the error names PCR2, what was expected and what was measured", names, message);
            section.holds("and PCR1, which is the same, is not named", !message.contains("PCR1:"), message);
            nothing_asked(section, &served);
            Ok(())
        })
        .await
    }

    /// The same, with the local check out of the way.
    pub(crate) async fn rebound(&self, sealed: &Sealed) -> Section {
        section("boot 4: the parent binds the blob to the other image", async |section| {
            let blob = self.rebind(&sealed.blob, &self.drifted.measured)?;
            let served = self.boot("rebound", &self.drifted, Job::Unseal(&blob)).await?;
            section.equal(
                "the blob opens, and the quorum is not reached",
                "quorum_not_reached",
                served.error(),
            );
            let denied = vec!["access_denied AccessDeniedException".to_owned(); KEY_COUNT];
            section.equal("every key refuses", &denied, &served.rows());
            section.equal("there is no proof", &None, &served.proof);
            Ok(())
        })
        .await
    }

    /// Boot 4 without QEMU, once the keys' policies name the other image: what they name is all that was in its way. Alone
    /// and last, because it changes what the keys release.
    pub(crate) async fn permitted(&self, sealed: &Sealed) -> Section {
        section("after boot 4: the keys' policies name the other image", async |section| {
            let blob = self.rebind(&sealed.blob, &self.drifted.measured)?;
            let refusal = self.proof_by_host(&self.drifted, &blob).await?.err().ok_or("the blob opened")?;
            let denied = refusal.report().count(Outcome::AccessDenied);
            section.equal("before, every key refuses a module with its PCRs", &KEY_COUNT, &denied);
            self.aws.permit(&self.drifted.measured);
            let proof = self.proof_by_host(&self.drifted, &blob).await??;
            section.check(
                "then one opens it, and makes the proof of the first boot",
                if proof == sealed.proof { Ok(()) } else { Err("it makes another".into()) },
            );
            Ok(())
        })
        .await
    }

    /// Debug mode, in which whoever has the console reads the enclave's memory out of it.
    pub(crate) async fn debug_mode(&self, sealed: &Sealed) -> Section {
        section("boot 5: debug mode", async |section| {
            let debug =
                Boot { debug_mode: true, ..self.plain("debug", &self.image, Job::Unseal(&sealed.blob))? };
            let served = self.serve(&debug).await?;
            section.equal("it refuses by itself", "debug_mode", served.error());
            nothing_asked(section, &served);
            Ok(())
        })
        .await
    }

    /// The same, with the binding out of the way.
    pub(crate) async fn debug_mode_rebound(&self, sealed: &Sealed) -> Section {
        section("boot 6: debug mode, the blob bound to PCRs of zero", async |section| {
            let zeros = PcrSelection::IMAGE.iter().map(|index| (index, Pcr::ZERO)).collect();
            let blob = self.rebind(&sealed.blob, &zeros)?;
            let debug =
                Boot { debug_mode: true, ..self.plain("debug-rebound", &self.image, Job::Unseal(&blob))? };
            let served = self.serve(&debug).await?;
            section.equal("it still refuses by itself", "debug_mode", served.error());
            nothing_asked(section, &served);
            Ok(())
        })
        .await
    }

    /// A parent that ends TLS itself.
    pub(crate) async fn impostor(&self, sealed: &Sealed) -> Section {
        section("boot 7: the parent ends TLS, with a certificate of another root", async |section| {
            let kms = self.impostor.address()?;
            let intercepted = Boot { kms, ..self.plain("impostor", &self.image, Job::Unseal(&sealed.blob))? };
            let served = self.serve(&intercepted).await?;
            section.equal("the quorum is not reached", "quorum_not_reached", served.error());
            section.equal("no key was reached", &vec!["unreachable".to_owned(); KEY_COUNT], &served.rows());
            section.holds("it was tried", served.connections >= KEY_COUNT, served.connections);
            section.equal("no request was sent", &0, &self.impostor.requests());
            section.equal("there is no proof", &None, &served.proof);
            Ok(())
        })
        .await
    }

    async fn boot(&self, name: &str, image: &Image, job: Job<'_>) -> Result<Served, Failure> {
        self.serve(&self.plain(name, image, job)?).await
    }

    async fn serve(&self, described: &Boot<'_>) -> Result<Served, Failure> {
        boot(self.tools, &self.aws, described, &CHALLENGE).await
    }

    fn plain<'a>(&self, name: &'a str, image: &'a Image, job: Job<'a>) -> Result<Boot<'a>, Failure> {
        Ok(Boot { name, image, debug_mode: false, job, kms: self.aws.address()? })
    }

    fn differs_in_pcr2(&self, section: &mut Section) {
        let differing =
            self.image.measured.mismatches(&self.drifted.measured).map(|mismatch| mismatch.index.get());
        section.equal(
            "eif_build measures another PCR0 and PCR2, and the same PCR1",
            &vec![0, 2],
            &differing.collect(),
        );
    }

    /// What whoever carries the blob can do to it, without KMS and without the key: bind it to other values alone.
    fn rebind(&self, blob: &[u8], values: &PcrSet) -> Result<Vec<u8>, Failure> {
        let policy = self.aws.policy(TrustPolicyBuilder::allow_debug_mode)?;
        let values = values.select(PcrSelection::IMAGE)?;
        let bound = add_binding(blob, &values, &policy, aws_lc::BACKEND.random)?;
        let parsed = SealedBlob::parse(blob)?;
        let old = parsed.bindings().first().ok_or("a blob without a binding")?;
        Ok(drop_binding(&bound, old.expected())?)
    }

    /// Unseals on the host, in a software enclave of the same measurements, and makes the proof.
    async fn proof_by_host(
        &self,
        image: &Image,
        blob: &[u8],
    ) -> Result<Result<Proof, pcrseal::Error>, Failure> {
        let nsm = Nsm::boot(&self.aws.authority, config(image)?)?;
        let auto = AutoUnseal::new(Arc::new(nsm), self.aws.client()?, self.aws.policy(|policy| policy)?);
        Ok(match auto.unseal(blob).await {
            Ok(unsealed) => Ok(ProofKey::of(unsealed.opened.secret())?.answer(&CHALLENGE)?),
            Err(error) => Err(error),
        })
    }
}

fn measured(image: &Image, index: u64) -> Result<Pcr, Failure> {
    let value = image.measured.get(PcrIndex::try_from(index)?);
    Ok(*value.ok_or("eif_build printed no such PCR")?)
}

fn pcr2(image: &Image) -> Result<Pcr, Failure> {
    measured(image, 2)
}

fn granted(served: &Served) -> usize {
    served.rows().iter().filter(|row| row.as_str() == Outcome::Granted.name()).count()
}

/// Refused before any connection, not after.
fn nothing_asked(section: &mut Section, served: &Served) {
    section.equal("no key was asked", &Vec::<String>::new(), &served.rows());
    section.equal("no connection to KMS was opened", &0, &served.connections);
    section.equal("there is no proof", &None, &served.proof);
}

fn costs(section: &mut Section, served: &Served, enclave: &Path) {
    let cost =
        |name: &str| served.told(&format!("/outcome/{name}")).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let first = served.run.lines.iter().find(|line| line.text.contains("pcrseal-enclave"));
    if let Some(first) = first {
        section
            .fact("from QEMU's start to the first word of /init", format!("{:.1} s", first.at.as_secs_f64()));
    }
    section.fact("from the kernel's start to /init", format!("{:.0} ms", cost("init_ms")));
    section.fact("from /init to the secret", format!("{:.0} ms", cost("secret_ms") - cost("init_ms")));
    if let Ok(program) = std::fs::metadata(enclave) {
        section.fact("size of the program, static", format!("{} bytes", program.len()));
    }
    section.fact("most memory of the program", format!("{:.1} MiB", cost("peak_memory_kib") / 1024.0));
    #[allow(clippy::cast_precision_loss)] // fewer KiB than a f64 has bits
    section.fact("most memory of QEMU", format!("{:.0} MiB", served.run.qemu_peak_kib as f64 / 1024.0));
    section.fact("from QEMU's start to its end", format!("{:.1} s", served.run.elapsed.as_secs_f64()));
}
