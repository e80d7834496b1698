//! Boots guests with a Nitro Secure Module under QEMU, plays their parent and AWS, and judges what they did.
//! `scripts/test-nitro-guest.sh` runs it; docs/TESTING.md explains it.

mod aws;
mod conformance;
mod console;
mod image;
mod machine;
mod parent;
mod plan;
mod probe;
mod process;
mod ramdisk;
mod section;
mod signed;
mod tools;
mod unsigned;
mod vsock;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use tokio::join;
use tokio::signal::unix::{SignalKind, signal};

use plan::Plan;
use section::Section;
use tools::Tools;

type Failure = Box<dyn Error + Send + Sync>;

/// Two guests at a time: emulating one takes one processor.
#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let start = Instant::now();
    // Whatever way this ends, dropping the run drops the guests.
    let sections = tokio::select! {
        sections = run() => sections,
        () = stopped() => Err("stopped by a signal".into()),
    };
    match sections {
        Ok(sections) => summary(&sections, start),
        Err(error) => {
            eprintln!("\nFAILED: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<Vec<Section>, Failure> {
    let tools = Tools::from_environment()?;
    std::fs::create_dir_all(&tools.output)?;
    let plan = Plan::new(&tools).await?;
    let (unsigned, generated) = join!(unsigned::run(&tools), plan.generate());
    let (generated, sealed) = generated?;
    let one = async {
        vec![
            plan.restart(&sealed).await,
            plan.drift(&sealed).await,
            plan.debug_mode(&sealed).await,
            plan.impostor(&sealed).await,
        ]
    };
    let other = async {
        vec![
            conformance::run(&tools).await,
            plan.rebound(&sealed).await,
            plan.debug_mode_rebound(&sealed).await,
        ]
    };
    let (one, other) = join!(one, other);
    let last = plan.permitted(&sealed).await;
    Ok([unsigned, generated].into_iter().chain(one).chain(other).chain([last]).collect())
}

/// Ctrl-C, or the word of a script that ends.
async fn stopped() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

fn summary(sections: &[Section], start: Instant) -> ExitCode {
    let count = |of: fn(&Section) -> usize| sections.iter().map(of).sum::<usize>();
    let (passed, failed) = (count(Section::passed), count(Section::failed));
    println!("\n{passed} checks passed, {failed} failed, in {:.0} s", start.elapsed().as_secs_f64());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
