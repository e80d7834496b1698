//! Published verifiers of attestation documents side by side: time, allocations, dependencies, and what each
//! of them accepts and refuses. Prints Markdown.
//!
//! `scripts/bench-peers.sh [DOCUMENT SECONDS]` runs it: by default with the genuine documents of
//! `../shared/vectors`, without which there is nothing to measure, since most verifiers know AWS's root alone.

mod clock;
mod documents;
mod verifiers;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use documents::{Faulty, Genuine};
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
            (Ok(bytes), Ok(at)) => Some(&*Box::leak(Box::new(Genuine { name: file.clone(), bytes, at }))),
            _ => return usage(),
        },
        _ => return usage(),
    };
    let Some(document) = document else {
        println!("nothing measured: no genuine documents in {}, and none given", folder.display());
        return ExitCode::SUCCESS;
    };
    std::panic::set_hook(Box::new(|_| ()));
    let verifiers = verifiers::all();
    report(&verifiers, document, &genuine, &documents::faulty(document));
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: pcrseal-bench-peers [DOCUMENT SECONDS]");
    ExitCode::from(2)
}

fn report(verifiers: &[Verifier], document: &Genuine, genuine: &[Genuine], faulty: &[Faulty]) {
    let measured: Vec<_> = verifiers.iter().filter(|verifier| accepts(verifier, document)).collect();
    let times: BTreeMap<_, _> =
        measured.iter().map(|verifier| verifier.name).zip(medians(&measured, document)).collect();
    let dependencies = dependencies();
    let fastest = times.get(verifiers[0].name).copied().unwrap_or_default();

    println!("Measured on {} ({} bytes).\n", document.name, document.bytes.len());
    println!(
        "| verifier | CPU time | × first row | allocations | dependencies | takes the time from | genuine \
         accepted, of {} | faulty refused, of {} |",
        genuine.len(),
        faulty.len()
    );
    println!("|---|---|---|---|---|---|---|---|");
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
        let mut refused_genuine = Vec::new();
        for document in genuine {
            match answer(verifier, &document.bytes, document.at) {
                Answer::Accepted => {}
                Answer::Refused => refused_genuine.push(document.name.clone()),
                Answer::Panicked => refused_genuine.push(format!("{} (panic)", document.name)),
            }
        }
        let (mut accepted, mut panics) = (Vec::new(), Vec::new());
        for (name, bytes, at) in faulty {
            match answer(verifier, bytes, *at) {
                Answer::Accepted => accepted.push(*name),
                Answer::Refused => {}
                Answer::Panicked => panics.push(*name),
            }
        }
        println!(
            "| `{}` | {time} | {ratio} | {allocations} | {dependencies} | {} | {} | {} |",
            verifier.name,
            verifier.time,
            genuine.len() - refused_genuine.len(),
            faulty.len() - accepted.len() - panics.len(),
        );
        for (what, cases) in [
            ("accepts", accepted.join(", ")),
            ("panics on", panics.join(", ")),
            ("refuses the genuine", refused_genuine.join(", ")),
        ] {
            if !cases.is_empty() {
                notes.push(format!("- `{}` {what}: {cases}.", verifier.name));
            }
        }
    }
    println!("\n{}\n", notes.join("\n"));
    let names: Vec<_> = faulty.iter().map(|(name, ..)| *name).collect();
    println!("The faulty documents: {}.", names.join(", "));
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
