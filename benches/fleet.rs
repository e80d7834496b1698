//! `cargo bench --bench fleet [-- --plot FILE]`: how long a fleet of enclaves takes to restart, and what it costs,
//! against its size. A simulation; `tests/common/fleet.rs` says of what. Fails if a bound is missed.

#[path = "../tests/common/fleet.rs"]
mod fleet;

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use fleet::{Fleet, Restart};
use pcrseal::FanOut;

const SIZES: [u32; 3] = [10, 100, 1000];
/// Cryptographic requests a second and region. AWS's own quota is 5,500 or more, shared with everything else that
/// an account does in the region; this is what an account might have left.
const QUOTA: u32 = 500;
const SECOND: Duration = Duration::from_secs(1);
const HEDGED: FanOut = FanOut::Hedged { delay: Duration::from_millis(300) };
/// US dollars for one request (AWS KMS pricing page: 0.03 for 10,000).
const DOLLARS_PER_REQUEST: f64 = 0.03 / 10_000.0;
/// Requests at most, as a multiple of what they were without throttling.
const MOST_REQUESTS: f64 = 1.3;
/// The largest share of all retries in one window of 10 ms: evenly spread over the first second it is 0.01.
const MOST_IN_STEP: f64 = 0.1;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let plot = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => None,
        (Some("--plot"), Some(file)) => Some(file),
        _ => {
            eprintln!("usage: cargo bench --bench fleet [-- --plot FILE]");
            return ExitCode::from(2);
        }
    };
    println!(
        "Simulated. Quota {QUOTA} cryptographic requests a second and region; 3 of 5 keys, 5/20/80/150/200 ms away."
    );
    println!(
        "| enclaves | within | asked | median | 99 % | last | requests | of sound | asked again | in step | USD |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut held = true;
    let mut curves = Vec::new();
    for (spread, when) in [(SECOND, "within a second"), (Duration::ZERO, "at once")] {
        for (fan_out, asked) in [(FanOut::All, "all"), (HEDGED, "hedged")] {
            let mut restarts = Vec::new();
            for enclaves in SIZES {
                let fleet = Fleet { enclaves, quota: QUOTA, spread, fan_out };
                let restart = fleet.restart();
                print_row(asked, &fleet, &restart);
                held &= holds(&fleet, &restart);
                restarts.push(restart);
            }
            curves.push(Curve { name: format!("{asked}, {when}"), restarts });
        }
    }
    if let Some(file) = plot
        && let Err(error) = std::fs::write(&file, svg(&curves))
    {
        eprintln!("{file}: {error}");
        return ExitCode::FAILURE;
    }
    if held {
        println!(
            "All unsealed; requests below {MOST_REQUESTS} times a sound fleet's where the starts are spread; no 10 ms with more than {MOST_IN_STEP} of the retries."
        );
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_row(name: &str, fleet: &Fleet, restart: &Restart) {
    let millis = |percent| restart.percentile(percent).as_millis();
    let least = fleet.sound_requests();
    println!(
        "| {} | {} ms | {name} | {} ms | {} ms | {} ms | {} | {:.2} | {} | {:.3} | {:.4} |",
        fleet.enclaves,
        fleet.spread.as_millis(),
        millis(50),
        millis(99),
        millis(100),
        restart.requests,
        ratio(restart.requests, least),
        restart.retries.len(),
        restart.lockstep(),
        count(restart.requests) * DOLLARS_PER_REQUEST,
    );
}

fn holds(fleet: &Fleet, restart: &Restart) -> bool {
    for failure in restart.failures.iter().take(3) {
        println!("not unsealed: {failure}");
    }
    // A fleet that starts at once asks for more in its first moment than the quota can ever give: no bound there.
    let few = fleet.spread.is_zero() || ratio(restart.requests, fleet.sound_requests()) < MOST_REQUESTS;
    restart.failures.is_empty() && few && spread_out(restart)
}

fn spread_out(restart: &Restart) -> bool {
    // Of a handful of retries a tenth is less than one.
    restart.retries.len() < 100 || restart.lockstep() <= MOST_IN_STEP
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn ratio(of: usize, to: usize) -> f64 {
    count(of) / count(to)
}

/// One way to restart, for each of [`SIZES`].
struct Curve {
    name: String,
    restarts: Vec<Restart>,
}

/// Two pictures side by side: the time of the last enclave, and the requests of each, against fleet size.
fn svg(curves: &[Curve]) -> String {
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 380\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"860\" height=\"380\" fill=\"white\"/>\n",
    );
    let last = |_: u32, restart: &Restart| restart.percentile(100).as_secs_f64() * 1000.0;
    let requests = |enclaves: u32, restart: &Restart| count(restart.requests) / f64::from(enclaves);
    panel(&mut out, 60.0, "ms until the last enclave has its secret", 200.0, curves, last);
    panel(&mut out, 500.0, "requests of one enclave", 1.0, curves, requests);
    for (number, (curve, style)) in (0_u32..).zip(curves.iter().zip(STYLES)) {
        let x = 60.0 + 200.0 * f64::from(number);
        let _ = writeln!(
            out,
            "<line x1=\"{x}\" x2=\"{}\" y1=\"364\" y2=\"364\" {style}/><text x=\"{}\" y=\"368\">{}</text>",
            x + 30.0,
            x + 36.0,
            curve.name
        );
    }
    out + "</svg>\n"
}

const STYLES: [&str; 4] = [
    "fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"2\"",
    "fill=\"none\" stroke=\"#d62728\" stroke-width=\"2\"",
    "fill=\"none\" stroke=\"#1f77b4\" stroke-width=\"2\" stroke-dasharray=\"6 4\"",
    "fill=\"none\" stroke=\"#d62728\" stroke-width=\"2\" stroke-dasharray=\"6 4\"",
];

/// A picture of 300 x 270 with its left edge at `left`, and a line for every `step` of `value`.
fn panel(
    out: &mut String,
    left: f64,
    title: &str,
    step: f64,
    curves: &[Curve],
    value: impl Fn(u32, &Restart) -> f64,
) {
    let points = |curve: &Curve| -> Vec<f64> {
        SIZES.into_iter().zip(&curve.restarts).map(|(enclaves, restart)| value(enclaves, restart)).collect()
    };
    let highest = curves.iter().flat_map(points).fold(step, f64::max);
    let steps = (highest / step).ceil();
    let y = |value: f64| 310.0 - 270.0 * value / (steps * step);
    let _ = writeln!(out, "<text x=\"{left}\" y=\"22\" font-size=\"14\">{title}</text>");
    let mut line = 0.0;
    while line <= steps {
        let at = y(line * step);
        let _ = writeln!(
            out,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left + 300.0,
            left - 6.0,
            at + 4.0,
            line * step
        );
        line += 1.0;
    }
    let x = |number: u32| left + 150.0 * f64::from(number);
    for (number, enclaves) in (0..).zip(SIZES) {
        let _ = writeln!(out, "<text x=\"{}\" y=\"328\" text-anchor=\"middle\">{enclaves}</text>", x(number));
    }
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"346\" text-anchor=\"middle\">enclaves that restart</text>",
        left + 150.0
    );
    for (curve, style) in curves.iter().zip(STYLES) {
        let line: Vec<_> = (0..)
            .zip(points(curve))
            .map(|(number, value)| format!("{:.1},{:.1}", x(number), y(value)))
            .collect();
        let _ = writeln!(out, "<polyline points=\"{}\" {style}/>", line.join(" "));
    }
}
