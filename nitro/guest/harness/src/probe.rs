//! What the probe (`nitro/guest/probe`) tells the console, and what is judged of it alike in every guest.

use std::collections::BTreeMap;

use pcrseal::core::pcr::{Pcr, PcrIndex};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, Nsm, NsmConfig};
use pcrseal_nsm_conformance::{Expectations, run as conform};

use crate::Failure;
use crate::aws::{INSTANCE, ROLE};
use crate::image::{Image, Signer};
use crate::machine::Run;
use crate::section::Section;

/// The hypervisor locks the registers below this one.
pub(crate) const LOCKED_FROM_BOOT: u8 = 16;
/// Registers below that one that have a meaning.
const MEASURED: [u8; 6] = [0, 1, 2, 3, 4, 8];

/// What the probe told the console.
#[derive(Default)]
pub(crate) struct Told {
    /// Names of the checks, and why they failed.
    pub(crate) checks: Vec<(String, Result<(), String>)>,
    /// How many checks there were.
    end: Option<usize>,
    /// Value and lock by register.
    pub(crate) registers: BTreeMap<u8, (String, String)>,
    /// Documents by name, hex.
    documents: BTreeMap<String, String>,
    costs: BTreeMap<String, String>,
    module_id: String,
}

impl Told {
    pub(crate) fn read(run: &Run) -> Self {
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

    pub(crate) fn document(&self, name: &str) -> Result<Vec<u8>, Failure> {
        let hex = self.documents.get(name).ok_or_else(|| format!("the guest showed no document {name}"))?;
        let digits: Option<Vec<u8>> =
            hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| digit.try_into().ok())).collect();
        let digits = digits.filter(|digits| digits.len() % 2 == 0).ok_or("a document is not hex")?;
        Ok(digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect())
    }
}

/// The probe's own checks; that none is lost on the way is one more.
pub(crate) fn judge_checks(section: &mut Section, told: &Told, module_id: &str) {
    for (name, result) in &told.checks {
        section.check(name, result.clone());
    }
    section.equal("the probe came to its end, and every check arrived", &Some(told.checks.len()), &told.end);
    section.equal("the module has the name that it was given", module_id, &told.module_id);
}

/// That the whole suite ran, in order, and the one for such a module: the same runs here, on a module without a driver.
pub(crate) fn judge_suite(
    section: &mut Section,
    told: &Told,
    expectations: &Expectations,
    config: &NsmConfig,
) -> Result<(), Failure> {
    let nsm = Nsm::boot(&Authority::new(&Clock::system())?, config.clone())?;
    let names: Vec<_> = conform(&nsm, expectations).iter().map(|outcome| outcome.check).collect();
    let ran = told.checks.iter().map(|(name, _)| name.as_str()).filter(|name| names.contains(name));
    let title = format!("the conformance suite ran, all {} checks of it in order", names.len());
    section.equal(title, &names, &ran.collect());
    Ok(())
}

/// The registers, against what is known of them on the host: nothing of it comes from the guest.
pub(crate) fn judge_registers(
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

/// Times and memory.
pub(crate) fn costs(section: &mut Section, told: &Told, run: &Run) {
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
