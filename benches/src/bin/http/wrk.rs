//! The one who asks: wrk, and what it says.
use std::io;
use std::process::Command;
use std::time::Duration;

/// What wrk counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) requests: u64,
    /// Requests a second.
    pub(crate) rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Has one thread of wrk's ask for so long.
pub(crate) fn ask(url: &str, connections: usize, seconds: usize) -> io::Result<Answered> {
    let (connections, duration) = (format!("-c{connections}"), format!("-d{seconds}s"));
    let output = Command::new("wrk").args(["-t1", &connections, &duration, "--latency", url]).output();
    let output = output.map_err(|error| io::Error::other(format!("wrk: {error}")))?;
    let report = String::from_utf8_lossy(&output.stdout);
    parse(&report).map_err(|error| io::Error::other(format!("wrk: {error}:\n{report}")))
}

/// Reads wrk's report; one with errors is an error.
pub(crate) fn parse(report: &str) -> Result<Answered, String> {
    if let Some(line) = report.lines().find(|line| line.contains("Socket errors") || line.contains("Non-2xx"))
    {
        return Err(line.trim().into());
    }
    // The second word of the line that begins with `first`, or the first before ` second`.
    let after = |first: &str| {
        let lines = report.lines().map(str::split_whitespace);
        let words = lines.filter_map(|mut words| Some((words.next()?, words.next()?)));
        let found = words.into_iter().find(|(word, _)| *word == first);
        found.map(|(_, word)| word).ok_or_else(|| format!("it does not say {first}"))
    };
    let requests = report.lines().find_map(|line| line.trim().split_once(" requests in "));
    let (requests, _) = requests.ok_or("it does not say how many requests")?;
    Ok(Answered {
        requests: requests.parse().map_err(|_| format!("not a number: {requests}"))?,
        rate: after("Requests/sec:")?.parse().map_err(|_| "not a rate")?,
        p50: duration(after("50%")?)?,
        p99: duration(after("99%")?)?,
    })
}

/// `17.00us`, `1.05ms`, `2.10s` or `1.50m`.
fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.find(|sign: char| sign.is_alphabetic()).ok_or_else(|| format!("no unit: {text}"))?;
    let (number, unit) = text.split_at(unit);
    let number: f64 = number.parse().map_err(|_| format!("not a duration: {text}"))?;
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err(format!("no such unit: {text}")),
    };
    Ok(Duration::from_secs_f64(number * seconds))
}
