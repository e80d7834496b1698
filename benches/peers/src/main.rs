//! Published verifiers of attestation documents side by side: time, allocations, dependencies, and what each
//! of them accepts and refuses. Prints Markdown.
//!
//! `scripts/bench-peers.sh [--larger] [DOCUMENT SECONDS]` runs it: by default with the genuine documents of
//! `../shared/vectors`, without which there is nothing to measure, since most verifiers know AWS's root alone.

mod clock;
mod documents;
mod verifiers;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use documents::{Fault, Faulty, Genuine};
use verifiers::Verifier;

/// Of usual shape and length, so that every verifier here accepts it.
const MEASURED: &str = "2022-10-13_prod_a7255268.cbor";
const ROUNDS: usize = 200;
/// Verifications between two readings of the clock.
const REPEAT: u32 = 2;

enum Answer {
    Accepted,
    Refused,
    Panicked,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = documents::folder();
    let genuine = documents::genuine(&folder).unwrap_or_default();
    let document = match arguments.as_slice() {
        [] => genuine.iter().find(|document| document.name == MEASURED),
        [file, at] => match (std::fs::read(file), at.parse()) {
            (Ok(bytes), Ok(at)) => {
                Some(&*Box::leak(Box::new(Genuine { name: file.clone(), nitro_tpm: false, bytes, at })))
            }
            _ => return usage(),
        },
        _ => return usage(),
    };
    let Some(document) = document else {
        println!("nothing measured: no genuine documents in {}, and none given", folder.display());
        return ExitCode::SUCCESS;
    };
    let faulty = documents::faulty(document);
    let verifiers = verifiers::all();
    // A verifier's panic is an answer to report, not a reason to print.
    std::panic::set_hook(Box::new(|_| ()));
    report(&verifiers, document, &genuine, &faulty);
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: bench-peers.sh [--larger] [DOCUMENT SECONDS]");
    ExitCode::from(2)
}

fn report(verifiers: &[Verifier], document: &Genuine, genuine: &[Genuine], faulty: &[Faulty]) {
    let measured: Vec<_> = verifiers.iter().filter(|verifier| accepts(verifier, document)).collect();
    let times: BTreeMap<_, _> =
        measured.iter().map(|verifier| verifier.name).zip(medians(&measured, document)).collect();
    let dependencies = dependencies();
    let fastest = times.get(verifiers[0].name).copied().unwrap_or_default();

    let documents_of = |nitro_tpm| genuine.iter().filter(|document| document.nitro_tpm == nitro_tpm).count();
    let faults_of = |fault| faulty.iter().filter(|document| document.fault == fault).count();

    println!("Measured on {} ({} bytes).\n", document.name, document.bytes.len());
    println!(
        "| verifier | CPU time | × first row | allocations | dependencies | time taken from | genuine accepted: \
         enclaves ({}) / NitroTPM ({}) | forged refused ({}) | malformed refused ({}) |",
        documents_of(false),
        documents_of(true),
        faults_of(Fault::Forged),
        faults_of(Fault::Malformed),
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut notes = Vec::new();
    for verifier in verifiers {
        let (time, ratio, allocations) = match times.get(verifier.name) {
            Some(time) => (
                format!("{:.3} ms", time.as_secs_f64() * 1e3),
                format!("{:.2}", time.as_secs_f64() / fastest.as_secs_f64()),
                allocations(verifier, document).to_string(),
            ),
            None => ("-".into(), "-".into(), "-".into()),
        };
        let dependencies = dependencies.get(verifier.package).map_or("-", String::as_str);
        let (mut accepted, mut refused_genuine) = ([0, 0], Vec::new());
        for document in genuine {
            match answer(verifier, &document.bytes, document.at) {
                Answer::Accepted => accepted[usize::from(document.nitro_tpm)] += 1,
                Answer::Refused => refused_genuine.push(document.name.clone()),
                Answer::Panicked => refused_genuine.push(format!("{} (panic)", document.name)),
            }
        }
        let (mut refused, mut accepted_faulty, mut panics) = ([0, 0], Vec::new(), Vec::new());
        for Faulty { name, fault, bytes, at } in faulty {
            match answer(verifier, bytes, *at) {
                Answer::Accepted => accepted_faulty.push(*name),
                Answer::Refused => refused[usize::from(*fault == Fault::Malformed)] += 1,
                Answer::Panicked => panics.push(*name),
            }
        }
        println!(
            "| `{}` | {time} | {ratio} | {allocations} | {dependencies} | {} | {} / {} | {} | {} |",
            verifier.name, verifier.time, accepted[0], accepted[1], refused[0], refused[1],
        );
        for (what, cases) in [
            ("accepts", accepted_faulty.join(", ")),
            ("panics on", panics.join(", ")),
            ("does not accept the genuine", refused_genuine.join(", ")),
        ] {
            if !cases.is_empty() {
                notes.push(format!("- `{}` {what}: {cases}.", verifier.name));
            }
        }
    }
    println!("\n{}\n", notes.join("\n"));
    for (what, kind) in [("Forged", Fault::Forged), ("Malformed", Fault::Malformed)] {
        let names: Vec<_> =
            faulty.iter().filter(|document| document.fault == kind).map(|document| document.name).collect();
        println!("{what}: {}.\n", names.join(", "));
    }
}

fn answer(verifier: &Verifier, bytes: &[u8], at: u64) -> Answer {
    match clock::at(at * 1000, || catch_unwind(AssertUnwindSafe(|| (verifier.verify)(bytes, at)))) {
        Ok(true) => Answer::Accepted,
        Ok(false) => Answer::Refused,
        Err(_) => Answer::Panicked,
    }
}

fn accepts(verifier: &Verifier, document: &Genuine) -> bool {
    matches!(answer(verifier, &document.bytes, document.at), Answer::Accepted)
}

/// Median CPU time of one verification. The verifiers take turns, so that what disturbs one disturbs all.
fn medians(verifiers: &[&Verifier], document: &Genuine) -> Vec<Duration> {
    let mut samples = vec![Vec::with_capacity(ROUNDS); verifiers.len()];
    clock::at(document.at * 1000, || {
        for _ in 0..ROUNDS {
            for (verifier, samples) in verifiers.iter().zip(&mut samples) {
                let start = clock::cpu_time();
                for _ in 0..REPEAT {
                    assert!((verifier.verify)(std::hint::black_box(&document.bytes), document.at));
                }
                samples.push((clock::cpu_time() - start) / REPEAT);
            }
        }
    });
    samples
        .into_iter()
        .map(|mut samples| {
            samples.sort_unstable();
            samples[samples.len() / 2]
        })
        .collect()
}

/// Allocations of one verification, once everything that is made on first use was made.
fn allocations(verifier: &Verifier, document: &Genuine) -> u64 {
    clock::at(document.at * 1000, || {
        let info = allocation_counter::measure(|| {
            assert!((verifier.verify)(&document.bytes, document.at));
        });
        info.count_total
    })
}

/// What `scripts/bench-peers.sh` counted: `PACKAGE=NUMBER`, separated by spaces.
fn dependencies() -> BTreeMap<String, String> {
    let counted = std::env::var("PEER_DEPENDENCIES").unwrap_or_default();
    counted
        .split_whitespace()
        .filter_map(|entry| entry.split_once('='))
        .map(|(package, count)| (package.to_owned(), count.to_owned()))
        .collect()
}
