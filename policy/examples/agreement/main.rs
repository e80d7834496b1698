//! Pairs of policies and a request for an oracle, and what comes of its decisions. `scripts/interop-policy.sh` runs it.
//!
//! - `agreement pairs SEED COUNT` writes pairs, one JSON object a line. A pair of which the oracle is known to
//!   differ is followed by the form that the oracle reads as AWS does.
//! - `agreement compare PAIRS DECISIONS` compares the oracle's decisions with ours.
//! - `agreement sample PAIRS DECISIONS` writes the pairs and decisions that the tests keep.
//! - `agreement recorded SAMPLE DECISIONS` compares what was kept with the oracle's decisions.
//! - `agreement rendered DIRECTORY` writes every rendered policy as JSON and as Terraform configuration.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout)] // a check ends the program

mod complete;
mod conditions;
mod generate;
mod mutate;
mod random;
mod rendered;
mod report;
mod request;
mod words;

#[path = "../../tests/agreement/known.rs"]
mod known;
#[path = "../../tests/agreement/line.rs"]
mod line;
#[path = "../../tests/agreement/pair.rs"]
mod pair;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["pairs", seed, count] => report::pairs(number(seed), number(count)),
        ["compare", pairs, decisions] => report::compare(Path::new(pairs), Path::new(decisions)),
        ["sample", pairs, decisions] => report::sample(Path::new(pairs), Path::new(decisions)),
        ["recorded", sample, decisions] => report::recorded(Path::new(sample), Path::new(decisions)),
        ["rendered", directory] => rendered::write(Path::new(directory)),
        _ => {
            eprintln!("usage: agreement pairs|compare|sample|recorded|rendered ARGUMENT...");
            std::process::exit(2);
        }
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is no number"))
}
