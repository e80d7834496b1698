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
        "| enclaves | within | asked | median | 99 % | last | requests | of least | asked again | in step | USD |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut held = true;
    let mut curves = Vec::new();
    for (name, fan_out) in [("all", FanOut::All), ("hedged", HEDGED)] {
        let mut curve = Vec::new();
        for enclaves in SIZES {
            let fleet = Fleet { enclaves, quota: QUOTA, spread: SECOND, fan_out };
            let restart = fleet.restart();
            print_row(name, &fleet, &restart);
            held &= holds(&fleet, &restart);
            curve.push((enclaves, restart));
        }
        curves.push((name, curve));
    }
    // Nobody spreads a power failure over a second: here requests have no bound, but everyone unseals.
    for (name, fan_out) in [("all", FanOut::All), ("hedged", HEDGED)] {
        let fleet = Fleet { enclaves: 1000, quota: QUOTA, spread: Duration::ZERO, fan_out };
        let restart = fleet.restart();
        print_row(name, &fleet, &restart);
        held &= restart.failures.is_empty() && spread_out(&restart);
    }
    if let Some(file) = plot
        && let Err(error) = std::fs::write(&file, svg(&curves))
    {
        eprintln!("{file}: {error}");
        return ExitCode::FAILURE;
    }
    if held {
        println!(
            "All unsealed; requests below {MOST_REQUESTS} times the least; no 10 ms with more than {MOST_IN_STEP} of the retries."
        );
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_row(name: &str, fleet: &Fleet, restart: &Restart) {
    let millis = |percent| restart.percentile(percent).as_millis();
    let least = fleet.least_requests();
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
    let few = ratio(restart.requests, fleet.least_requests()) < MOST_REQUESTS;
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

/// Median and 99th percentile against fleet size, as a picture of 640 x 400.
fn svg(curves: &[(&str, Vec<(u32, Restart)>)]) -> String {
    let slowest = curves.iter().flat_map(|(_, curve)| curve).map(|(_, restart)| restart.percentile(99)).max();
    let step = [50, 100, 200, 500, 1000, 2000, 5000]
        .into_iter()
        .find(|step| slowest.unwrap_or_default().as_millis() <= step * 6)
        .unwrap_or(10_000);
    let top = f64::from(u32::try_from(step * 6).unwrap_or(u32::MAX));
    let x = |enclaves: u32| 70.0 + 230.0 * (f64::from(enclaves).log10() - 1.0);
    let y = |millis: f64| 340.0 - 300.0 * millis / top;
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 640 400\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"640\" height=\"400\" fill=\"white\"/>\n\
         <text x=\"70\" y=\"22\" font-size=\"14\">Time from start to secret against fleet size (simulated)</text>\n",
    );
    for line in 0..=6_u32 {
        let millis = top / 6.0 * f64::from(line);
        let _ = writeln!(
            out,
            "<line x1=\"70\" x2=\"530\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#ddd\"/><text x=\"62\" y=\"{1:.1}\" text-anchor=\"end\">{millis:.0} ms</text>",
            y(millis),
            y(millis) + 4.0,
        );
    }
    for enclaves in SIZES {
        let at = x(enclaves);
        let _ = writeln!(out, "<text x=\"{at:.1}\" y=\"360\" text-anchor=\"middle\">{enclaves}</text>");
    }
    let _ = writeln!(
        out,
        "<text x=\"300\" y=\"382\" text-anchor=\"middle\">enclaves that restart within one second</text>"
    );
    for ((name, curve), colour) in curves.iter().zip(["#1f77b4", "#d62728"]) {
        for (percent, dashes, label) in [(50, "none", "median"), (99, "6 4", "99 %")] {
            let point = |(enclaves, restart): &(u32, Restart)| {
                let millis = restart.percentile(percent).as_secs_f64() * 1000.0;
                format!("{:.1},{:.1}", x(*enclaves), y(millis))
            };
            let points: Vec<_> = curve.iter().map(point).collect();
            let _ = writeln!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>",
                points.join(" ")
            );
            if let Some((end_x, end_y)) = points.last().and_then(|point| point.split_once(',')) {
                let _ = writeln!(
                    out,
                    "<text x=\"{end_x}\" y=\"{end_y}\" dx=\"6\" fill=\"{colour}\">{name}, {label}</text>"
                );
            }
        }
    }
    out + "</svg>\n"
}
