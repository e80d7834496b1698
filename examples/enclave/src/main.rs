//! `/init` of an image, or the program that AWS's own init starts; see the README.

use std::process::ExitCode;
use std::time::Duration;

use pcrseal_enclave::console::say;
use pcrseal_enclave::enclave::Enclave;
use pcrseal_enclave::error::{Error, Kind};
use pcrseal_enclave::life::live;
use pcrseal_enclave::measure::uptime;
use pcrseal_enclave::parent::Timed;
use pcrseal_enclave::trust::{self, Trust};
use pcrseal_enclave::{init, vsock};

const USAGE: &str = "\
Usage: pcrseal-enclave               live: in an enclave
       pcrseal-enclave check FILE    say what a trust.json trusts, or what is wrong with it
       pcrseal-enclave --version
";

/// How long `nitro-cli` may take to answer the word that the enclave has started. Ours.
const HEARTBEAT_LIMIT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let began = uptime();
    // The kernel hands arguments that it does not know to the first process: they are not meant for it.
    let arguments = if init::is_first_process() { Vec::new() } else { std::env::args().skip(1).collect() };
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => run(began),
        ["--version"] => {
            println!("pcrseal-enclave {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        ["check", file] => check(file),
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Lives, and ends the machine if it is this program's to end.
fn run(began: Duration) -> ExitCode {
    let code = match start().and_then(|trust| live(&trust, began, &Enclave::from(&trust))) {
        Ok(()) => {
            say(format_args!("done"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            say(format_args!("failed: {error}"));
            ExitCode::FAILURE
        }
    };
    init::end();
    code
}

/// The first process's duties, and what this image trusts.
fn start() -> Result<Trust, Error> {
    init::start(&say).map_err(|error| Error::io(Kind::Start, "first process", &error))?;
    if init::is_first_process() && init::command_line_has(init::HEARTBEAT_ARGUMENT) {
        let stream = vsock::connect(init::PARENT_CID, init::HEARTBEAT_PORT);
        let beat = stream.and_then(|stream| init::heartbeat(Timed::new(&stream, HEARTBEAT_LIMIT)));
        beat.map_err(|error| Error::io(Kind::Start, "heartbeat", &error))?;
    }
    let trust = Trust::read(trust::PATH)?;
    trust.warnings().for_each(|warning| say(format_args!("warning: {warning}")));
    Ok(trust)
}

fn check(file: &str) -> ExitCode {
    match Trust::read(file) {
        Ok(trust) => {
            println!("{trust:#?}");
            trust.warnings().for_each(|warning| eprintln!("warning: {warning}"));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
