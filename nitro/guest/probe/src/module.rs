//! What our API makes of the real module beyond what every module does (`pcrseal-nsm-conformance`).

use std::fs;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use pcrseal_core::attestation::AttestationDocument;
use pcrseal_core::attester::{AttestationRequest, Attester, NitroSecureModule};
use pcrseal_core::crypto::{SecureRandom, aws_lc};
use pcrseal_core::error::Code;
use pcrseal_core::pcr::{PcrIndex, PcrSelection};
use pcrseal_nitro::{Entropy, Nsm, trusted_time};

use crate::check::{self, Outcome, done, equal, refused};

/// Bits in the kernel's pool once it calls itself seeded (`random(4)`, since Linux 5.18).
const SEEDED_BITS: u32 = 256;

type Check = (&'static str, fn(&Arc<Nsm>) -> Outcome);

const CHECKS: &[Check] = &[
    ("the_kernel_draws_from_the_driver_by_itself", the_driver_feeds_the_kernel),
    ("the_kernel_takes_a_seed_from_the_module", the_kernel_takes_a_seed),
    ("random_bytes_of_both_sources_are_mixed", sources_are_mixed),
    ("a_selected_register_must_be_locked", selected_registers),
];
const CHECKS_SIGNED: &[Check] = &[("the_time_is_that_of_the_documents", the_time)];
const CHECKS_UNSIGNED: &[Check] = &[("no_time_is_taken_from_a_document_of_no_algorithm", no_time)];

/// Runs the checks, and returns how many there were.
pub(crate) fn tell(nsm: &Arc<Nsm>, signs: bool) -> usize {
    let of_its_kind = if signs { CHECKS_SIGNED } else { CHECKS_UNSIGNED };
    for (name, check) in CHECKS.iter().chain(of_its_kind) {
        check::tell(name, &check(nsm));
    }
    CHECKS.len() + of_its_kind.len()
}

fn the_driver_feeds_the_kernel(_: &Arc<Nsm>) -> Outcome {
    let path = "/sys/class/misc/hw_random/rng_current";
    let current = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    equal("hardware random number generator", &"nsm-hwrng", &current.trim())
}

fn the_kernel_takes_a_seed(nsm: &Arc<Nsm>) -> Outcome {
    done("seeding", nsm.seed_kernel())?;
    let path = "/proc/sys/kernel/random/entropy_avail";
    let bits = fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    equal("bits in the pool", &SEEDED_BITS.to_string().as_str(), &bits.trim())
}

fn sources_are_mixed(nsm: &Arc<Nsm>) -> Outcome {
    let module: Arc<dyn NitroSecureModule> = nsm.clone();
    let entropy = Entropy::new(module, aws_lc::BACKEND.random);
    let mut draws = [[0; 32]; 2];
    for draw in &mut draws {
        done("filling", entropy.fill(draw))?;
    }
    let [one, other] = draws;
    equal("two draws are equal", &false, &(one == other || one == [0; 32]))
}

fn selected_registers(_: &Arc<Nsm>) -> Outcome {
    let open = || done("opening", Nsm::open());
    let index = |number: u64| PcrIndex::try_from(number).map_err(|error| error.to_string());
    let image = done("reading", open()?.measuring(PcrSelection::IMAGE).measured_pcrs())?;
    equal("registers read", &PcrSelection::IMAGE, &image.selection())?;
    // Nobody locks PCR29 in this guest.
    let with_unlocked = open()?.measuring(PcrSelection::IMAGE.with(index(29)?));
    refused("PCR29", Code::NsmPcrUnlocked, with_unlocked.measured_pcrs()).map(|_| ())
}

fn no_time(nsm: &Arc<Nsm>) -> Outcome {
    let attester: &dyn Attester = &**nsm;
    refused("the time", Code::CoseProtected, trusted_time(attester)).map(|_| ())
}

fn the_time(nsm: &Arc<Nsm>) -> Outcome {
    let document = || {
        let document = done("Attestation", nsm.attest(&AttestationRequest::default()))?;
        let parsed = done("parsing", AttestationDocument::parse(&document))?;
        Ok::<_, String>(UNIX_EPOCH + Duration::from_millis(parsed.unverified_timestamp_ms()))
    };
    let before = document()?;
    let time = done("the time", trusted_time(&**nsm))?;
    let after = document()?;
    equal(
        &format!("{time:?} lies within {before:?} and {after:?}"),
        &true,
        &(before <= time && time <= after),
    )
}
