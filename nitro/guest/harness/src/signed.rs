//! Guests of the second kind: the example enclave as the first process, on a machine with a module that signs.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::nsm::{Nsm, NsmConfig};
use serde_json::Value;
use tokio::time::timeout;

use crate::Failure;
use crate::aws::{Aws, INSTANCE, ROLE};
use crate::image::Image;
use crate::machine::{Machine, Plain, Run};
use crate::parent::{Challenge, Job, Parent, Proof};
use crate::tools::Tools;
use crate::vsock::Vsock;

/// How long what a guest said before its end may take to come through. Ours.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A boot.
pub(crate) struct Boot<'a> {
    /// For its logs and sockets.
    pub(crate) name: &'a str,
    pub(crate) image: &'a Image,
    pub(crate) debug_mode: bool,
    pub(crate) job: Job<'a>,
    /// Where the parent leads connections to KMS.
    pub(crate) kms: SocketAddr,
}

/// What came of it.
pub(crate) struct Served {
    /// The enclave's line.
    answer: Value,
    /// What it answered to the challenge, if it did the job.
    pub(crate) proof: Option<Proof>,
    /// How often it connected to KMS.
    pub(crate) connections: usize,
    pub(crate) run: Run,
}

/// Boots an image, and asks it.
pub(crate) async fn boot(
    tools: &Tools,
    aws: &Aws,
    boot: &Boot<'_>,
    challenge: &Challenge,
) -> Result<Served, Failure> {
    let vsock = Vsock::start(tools, boot.name).await?;
    let parent = Parent::listen(&vsock, boot.kms)?;
    let config = config(boot.image)?;
    let config = if boot.debug_mode { config.debug_mode() } else { config };
    let nsm = Nsm::boot(&aws.authority, config)?;
    let socket = vsock.beside("nsm");
    let _device = pcrseal_guest_device::serve(&socket, Arc::new(nsm))?;
    let plain = Plain { initrd: &boot.image.initrd, command_line: &boot.image.command_line, nsm: &socket };
    let log = tools.output.join(format!("{}.console", boot.name));
    let mut machine = Machine::boot_plain(tools, &plain, &vsock.socket(), &log)?;
    let (told, run) = until_end(&mut machine, async {
        let answer = parent.ask(boot.job).await?;
        let proof =
            if answer.get("outcome").is_some() { Some(parent.challenge(challenge).await?) } else { None };
        Ok((answer, proof))
    })
    .await?;
    let (answer, proof) = told;
    Ok(Served { answer, proof, connections: parent.connections(), run })
}

/// Talks with a guest until it has ended, and says what became of both.
async fn until_end<T>(
    machine: &mut Machine,
    talk: impl Future<Output = Result<T, Failure>>,
) -> Result<(T, Run), Failure> {
    let mut talk = pin!(talk);
    let told = {
        let mut ended = pin!(machine.end());
        tokio::select! {
            biased;
            told = &mut talk => match told {
                Ok(told) => return Ok((told, ended.await?)),
                Err(error) => Err(error),
            },
            run = &mut ended => match timeout(LAST_WORDS, talk).await {
                Ok(Ok(told)) => return Ok((told, run?)),
                Ok(Err(error)) => Err(error),
                Err(_) => run.and(Err("the guest ended without an answer".into())),
            },
        }
    };
    told.map_err(|error| machine.failure(&error.to_string()))
}

/// What the hypervisor would measure: the image, as `eif_build` measured it, and the parent.
pub(crate) fn config(image: &Image) -> Result<NsmConfig, Failure> {
    let measured = |index| {
        let index = PcrIndex::try_from(index)?;
        Ok::<Pcr, Failure>(*image.measured.get(index).ok_or("eif_build did not print PCR0, PCR1 and PCR2")?)
    };
    let config =
        NsmConfig::new([measured(0)?, measured(1)?, measured(2)?]).role_arn(ROLE).instance_id(INSTANCE);
    // Of a signed image alone.
    Ok(match image.measured.get(PcrIndex::try_from(8)?) {
        Some(&signer) => config.pcr8(signer),
        None => config,
    })
}

impl Served {
    /// A part of the answer, by its path (RFC 6901).
    pub(crate) fn told(&self, path: &str) -> Option<&Value> {
        self.answer.pointer(path)
    }

    /// The blob that `generate` made.
    pub(crate) fn blob(&self) -> Result<Vec<u8>, Failure> {
        let text = self.told("/outcome/blob").and_then(Value::as_str);
        Ok(STANDARD.decode(text.ok_or_else(|| format!("no blob: {}", self.answer))?)?)
    }

    /// The name of the error, if there is one.
    pub(crate) fn error(&self) -> &str {
        self.told("/error/name").and_then(Value::as_str).unwrap_or("none")
    }

    /// The text of the error.
    pub(crate) fn message(&self) -> &str {
        self.told("/error/message").and_then(Value::as_str).unwrap_or_default()
    }

    /// One word per key of the report, and AWS's name of a refusal.
    pub(crate) fn rows(&self) -> Vec<String> {
        let report = self.told("/outcome/report").or_else(|| self.told("/error/report"));
        let rows = report.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let word = |row: &Value, name| row.get(name).and_then(Value::as_str).map(str::to_owned);
        rows.iter()
            .map(|row| {
                [word(row, "outcome"), word(row, "aws_code")]
                    .into_iter()
                    .flatten()
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }
}
