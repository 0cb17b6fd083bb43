//! What becomes of the others while some tasks block their workers: a ticker, an echo server, two workers; side by side with
//! tokio.
//!
//! ```sh
//! cargo run --release -p runtime --example stall
//! ```
//!
//! Each case runs in a process of its own: a second of quiet, then k tasks that block for two seconds each. Latencies count
//! from when a tick or a request was *due*, whatever became of the one before, so a long stall counts once for each
//! millisecond that it lasted. The exit status says whether ours kept to its bounds.
mod case;
mod hosts;
mod latency;

use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use case::{Case, Kind, Outcome};
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// The runtime's default, after which a worker counts as stuck.
const STALL_THRESHOLD: Duration = Duration::from_millis(10);

/// What a take-over may cost beyond it: the supervisor's samples, a thread, a steal.
const TAKE_OVER: Duration = Duration::from_millis(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [host, kind, blockers, apart] = &arguments[..] {
        let case = Case {
            kind: kind.parse().unwrap(),
            blockers: blockers.parse().unwrap(),
            apart: Duration::from_millis(apart.parse().unwrap()),
        };
        let outcome = match host.as_str() {
            "ours" => case.run(hosts::Ours::new()),
            "tokio" => case.run(hosts::Tokio::new()),
            other => panic!("no such host: {other}"),
        };
        println!("{}", outcome.to_line());
        return ExitCode::SUCCESS;
    }

    let cases = Case::all();
    let progress = ProgressBar::new(2 * cases.len() as u64);
    progress.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").unwrap());
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "blockers",
        "host",
        "ticker p50",
        "p99",
        "max",
        "echo p50",
        "p99",
        "max",
        "plain thread p99",
        "threads",
        "back after",
        "",
    ]);
    let mut all_kept = true;
    for case in &cases {
        for host in ["ours", "tokio"] {
            progress.set_message(format!("{case} on {host}"));
            let outcome = in_a_process(host, case);
            let broken = if host == "ours" { broken_bounds(case, &outcome) } else { Vec::new() };
            all_kept &= broken.is_empty();
            let millis = |duration: Duration| format!("{:.1}", duration.as_secs_f64() * 1e3);
            table.add_row([
                case.to_string(),
                host.to_owned(),
                millis(outcome.ticker.p50),
                millis(outcome.ticker.p99),
                millis(outcome.ticker.max),
                millis(outcome.echo.p50),
                millis(outcome.echo.p99),
                millis(outcome.echo.max),
                millis(outcome.plain.p99),
                format!("{} → {}", outcome.threads_before, outcome.threads_most),
                outcome.back_after.map_or("never".to_owned(), |back| format!("{} ms", back.as_millis())),
                broken.join(", "),
            ]);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    println!("{table}");
    println!(
        "Milliseconds later than due, less what is usual when nothing blocks. Two workers, a tick each millisecond."
    );
    println!("threads: of the runtime, before and at most. back after: the last blocker returned.");
    if all_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_a_process(host: &str, case: &Case) -> Outcome {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([host, &case.kind.to_string(), &case.blockers.to_string(), &case.apart.as_millis().to_string()])
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{case} on {host}: {}", output.status);
    Outcome::from_line(&String::from_utf8(output.stdout).unwrap())
}

/// What ours promises, and did not keep.
fn broken_bounds(case: &Case, outcome: &Outcome) -> Vec<&'static str> {
    let mut broken = Vec::new();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut bound = STALL_THRESHOLD + TAKE_OVER;
    if case.kind == Kind::Spin && case.blockers >= cores {
        // The operating system shares the cores out: a plain thread has to wait, too.
        bound = bound.max(outcome.plain.p99.mul_f64(1.5));
    }
    if outcome.ticker.p99 > bound {
        broken.push("ticker p99");
    }
    if outcome.echo.p99 > bound {
        broken.push("echo p99");
    }
    // The workers, the supervisor, and a spare for each of those stuck, up to the cap of 16.
    if outcome.threads_most > outcome.threads_before + 16 {
        broken.push("threads");
    }
    if outcome.back_after.is_none_or(|back| back > Duration::from_secs(1)) {
        broken.push("back");
    }
    broken
}
