//! Measures two programs that do the same job, one over pcrseal's client and one over the AWS SDK, and prints one
//! table of Markdown. `scripts/bench-kms-peers.sh` builds the programs and runs this.
//!
//! `measure FOLDER NAME=OURS,THEIRS...`: the folder of the built programs (`decrypt-pcrseal`, `decrypt-aws-sdk`,
//! `steps-pcrseal`, `steps-aws-sdk`), and what was counted while they were built: `crates`, `bytes`, `compile-ms`.
//! Exits with 1 if a target is missed.

mod server;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use server::Server;

/// Fresh processes a program is measured in; the median counts. The programs take turns, so that what disturbs one
/// disturbs both.
const COLD_ROUNDS: usize = 21;
const STEPS_ROUNDS: usize = 7;
/// Requests of each kind over one warm connection, in each of `STEPS_ROUNDS` processes.
const WARM_REQUESTS: &str = "500";
/// Each has a key and an endpoint of its own where the memory of one client is measured.
const REGIONS: [&str; 5] = ["eu-west-1", "eu-west-2", "us-east-1", "us-west-2", "ap-south-1"];
/// Bytes.
const MEMORY_TARGET: f64 = 4.0 * 1024.0 * 1024.0;
/// Ours and theirs.
const PROGRAMS: [&str; 2] = ["pcrseal", "aws-sdk"];

/// A row of the table: what was measured, ours and theirs, and what ours may be of theirs at most.
struct Row {
    what: String,
    unit: Unit,
    values: [f64; 2],
    target: Option<f64>,
}

#[derive(Clone, Copy)]
enum Unit {
    Microseconds,
    Milliseconds,
    Seconds,
    Kilobytes,
    Count,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let programs = PathBuf::from(arguments.next().ok_or("usage: measure FOLDER NAME=OURS,THEIRS...")?);
    let counted = arguments.map(|argument| counted(&argument)).collect::<Option<BTreeMap<_, _>>>();
    let counted = counted.ok_or("what was counted is NAME=OURS,THEIRS")?;
    let count = |name: &str| counted.get(name).copied().ok_or_else(|| format!("{name} was not counted"));

    let files = std::env::temp_dir().join(format!("pcrseal-bench-kms-peers-{}", std::process::id()));
    std::fs::create_dir_all(&files)?;
    let server = Server::http(&files).await?;
    let mut rows = tokio::task::block_in_place(|| measure("http", &programs, &server))?;
    let server = Server::https(&files).await?;
    rows.append(&mut tokio::task::block_in_place(|| measure("https", &programs, &server))?);
    let memory = memory(&programs, &server).await?;
    std::fs::remove_dir_all(&files)?;
    rows.push(Row::new("crates, the program's own aside", Unit::Count, count("crates")?).at_most(0.5));
    rows.push(Row::new("stripped release binary", Unit::Kilobytes, count("bytes")?).at_most(0.5));
    rows.push(Row::new("clean release build, CPU", Unit::Seconds, count("compile-ms")?));
    println!("| | pcrseal | aws-sdk-kms | of theirs | target |\n|---|---|---|---|---|");
    rows.iter().for_each(Row::print);
    println!("{NOTES}");
    println!(
        "A process with one client of pcrseal and {} warm TLS connections: {:.0} kB of anonymous memory, all in all \
         (target: less than {:.0} kB).",
        REGIONS.len(),
        memory / 1e3,
        MEMORY_TARGET / 1e3,
    );
    let mut missed: Vec<_> = rows.iter().filter(|row| row.is_missed()).map(|row| row.what.as_str()).collect();
    if memory >= MEMORY_TARGET {
        missed.push("memory of one client with warm connections");
    }
    missed.iter().for_each(|what| eprintln!("missed: {what}"));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn counted(argument: &str) -> Option<(String, [f64; 2])> {
    let (name, values) = argument.split_once('=')?;
    let (ours, theirs) = values.split_once(',')?;
    Some((name.to_owned(), [ours.parse().ok()?, theirs.parse().ok()?]))
}

/// What fresh processes of both programs take against one server.
fn measure(scheme: &str, programs: &Path, server: &Server) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut cold = [Samples::default(), Samples::default()];
    for _ in 0..COLD_ROUNDS {
        for (peer, samples) in cold.iter_mut().enumerate() {
            samples.add_run(&mut command(programs, "decrypt", peer, server))?;
        }
    }
    let mut steps = [Samples::default(), Samples::default()];
    for _ in 0..STEPS_ROUNDS {
        for (peer, samples) in steps.iter_mut().enumerate() {
            let mut command = command(programs, "steps", peer, server);
            samples.add_steps(command.arg(&server.document).arg(WARM_REQUESTS))?;
        }
    }
    // Over TLS most of it is the handshake of rustls and AWS-LC, which is the same in both.
    let first = (scheme == "http").then_some(0.1);
    let mut rows = Vec::new();
    for (samples, name, what, unit, target) in [
        (&steps, "seeding", "AWS-LC's seeding, once per process, CPU", Unit::Microseconds, None),
        (&steps, "construction", "client construction, CPU", Unit::Microseconds, None),
        (&steps, "first", "construction and first request, CPU", Unit::Microseconds, first),
        (&cold, "cpu", "process start to first answer, CPU", Unit::Milliseconds, None),
        (&cold, "wall", "process start to first answer, wall time", Unit::Milliseconds, None),
        (&steps, "decrypt", "warm Decrypt with Recipient, CPU", Unit::Microseconds, None),
        (&steps, "encrypt", "warm Encrypt, CPU", Unit::Microseconds, None),
        (&steps, "peak-rss", "peak resident memory after the first answer", Unit::Kilobytes, None),
    ] {
        let values = [samples[0].median(name)?, samples[1].median(name)?];
        rows.push(Row { target, ..Row::new(&format!("{scheme}: {what}"), unit, values) });
    }
    Ok(rows)
}

/// Anonymous memory, in bytes, of a process with one client of ours and a warm connection to each of [`REGIONS`].
async fn memory(programs: &Path, server: &Server) -> Result<f64, Box<dyn Error>> {
    let (_ports, keys) = server.more_keys(&REGIONS).await?;
    let mut samples = Samples::default();
    for _ in 0..STEPS_ROUNDS {
        let mut command = Command::new(programs.join("memory-pcrseal"));
        environment(&mut command, server, 0).args(&keys);
        tokio::task::block_in_place(|| samples.add_steps(&mut command))?;
    }
    samples.median("memory")
}

/// How the numbers are to be read.
const NOTES: &str = "
CPU time is user and system time of all the program's threads; the server is another process. Medians of fresh
processes that take turns, 21 from start to exit and 7 step by step; warm: of 500 requests over one connection.
Both programs find static credentials in the environment. The SDK has its default features. Over http each makes
whatever TLS configuration it makes by default. Over https the SDK trusts the system's roots, as by default, and the
test's, and pcrseal the roots it is given: the test's. The handshake is that of rustls with AWS-LC in both, with
X25519MLKEM768 and a chain of three certificates. From process start to the first answer over https, AWS-LC's
seeding is inside; in the rows step by step it was done before. Build times are user and system time of
all compilers, dependencies downloaded already.
";

/// One of both programs with what every one of them takes.
fn command(programs: &Path, name: &str, peer: usize, server: &Server) -> Command {
    let mut command = Command::new(programs.join(format!("{name}-{}", PROGRAMS[peer])));
    environment(&mut command, server, peer).args([&server.endpoint, &server.key_arn]).arg(&server.ciphertext);
    command
}

/// Credentials, roots where they are needed, and nothing else.
fn environment<'a>(command: &'a mut Command, server: &Server, peer: usize) -> &'a mut Command {
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_ACCESS_KEY_ID", server::ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", server::SECRET_ACCESS_KEY);
    if let Some(roots) = &server.roots {
        command.env("SSL_CERT_FILE", &roots[peer]);
    }
    command
}

/// What was measured, by name.
#[derive(Default)]
struct Samples(BTreeMap<String, Vec<f64>>);

impl Samples {
    /// One run of a whole process: CPU time of all its threads, loading included, and wall time.
    fn add_run(&mut self, command: &mut Command) -> Result<(), Box<dyn Error>> {
        let (start, cpu) = (Instant::now(), children_cpu_time()?);
        output(command)?;
        self.add("wall", start.elapsed().as_nanos() as f64);
        self.add("cpu", (children_cpu_time()? - cpu).as_nanos() as f64);
        Ok(())
    }

    /// What a program says of itself: lines of a name and a number.
    fn add_steps(&mut self, command: &mut Command) -> Result<(), Box<dyn Error>> {
        for line in output(command)?.lines() {
            let (name, value) = line.split_once(' ').ok_or("a line of steps is a name and a number")?;
            self.add(name, value.parse()?);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: f64) {
        self.0.entry(name.to_owned()).or_default().push(value);
    }

    fn median(&self, name: &str) -> Result<f64, Box<dyn Error>> {
        let mut values = self.0.get(name).ok_or_else(|| format!("{name} was not measured"))?.clone();
        values.sort_unstable_by(f64::total_cmp);
        Ok(values[values.len() / 2])
    }
}

fn output(command: &mut Command) -> Result<String, Box<dyn Error>> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// User and system time of all processes that this one has waited for.
fn children_cpu_time() -> Result<Duration, Box<dyn Error>> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(microseconds.try_into()?))
}

impl Row {
    fn new(what: &str, unit: Unit, values: [f64; 2]) -> Self {
        Self { what: what.to_owned(), unit, values, target: None }
    }

    fn at_most(self, target: f64) -> Self {
        Self { target: Some(target), ..self }
    }

    fn ratio(&self) -> f64 {
        self.values[0] / self.values[1]
    }

    fn is_missed(&self) -> bool {
        self.target.is_some_and(|target| self.ratio() > target)
    }

    fn print(&self) {
        let [ours, theirs] = self.values.map(|value| self.unit.show(value));
        let target = self.target.map_or_else(String::new, |target| {
            format!("at most {target}{}", if self.is_missed() { ": missed" } else { "" })
        });
        println!("| {} | {ours} | {theirs} | {:.3} | {target} |", self.what, self.ratio());
    }
}

impl Unit {
    /// Times come in nanoseconds (the builds' in milliseconds), sizes in bytes.
    fn show(self, value: f64) -> String {
        match self {
            Self::Microseconds => format!("{:.0} µs", value / 1e3),
            Self::Milliseconds => format!("{:.1} ms", value / 1e6),
            Self::Seconds => format!("{:.0} s", value / 1e3),
            Self::Kilobytes => format!("{:.0} kB", value / 1e3),
            Self::Count => format!("{value:.0}"),
        }
    }
}
