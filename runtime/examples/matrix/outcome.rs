//! What became of a cell, as its process says it in a line and as the table shows it.
use std::fmt;
use std::time::Duration;

#[derive(Debug)]
pub(crate) enum Outcome {
    /// The future ended as it should; with the names of the extra threads, at the moment that had most.
    Ok(Vec<String>),
    /// With the message.
    Panicked(String),
    /// It said nothing in good time.
    Hung,
    /// The process ended without a word.
    Died(String),
}

impl Outcome {
    pub(crate) fn to_line(&self) -> String {
        match self {
            Outcome::Ok(threads) => format!("ok\t{}", threads.join("\t")),
            Outcome::Panicked(message) => format!("panicked\t{}", message.lines().next().unwrap_or_default()),
            Outcome::Hung | Outcome::Died(_) => unreachable!("a process does not live to say so"),
        }
    }

    pub(crate) fn from_line(line: &str) -> Outcome {
        match line.split_once('\t') {
            Some(("ok", threads)) => Outcome::Ok(names(threads)),
            Some(("panicked", message)) => Outcome::Panicked(message.to_owned()),
            _ => Outcome::Died(format!("said {line:?}")),
        }
    }

    /// Names of the extra threads.
    pub(crate) fn threads(&self) -> &[String] {
        match self {
            Outcome::Ok(threads) => threads,
            _ => &[],
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Ok(threads) if threads.is_empty() => f.write_str("ok"),
            Outcome::Ok(threads) => write!(f, "ok +{}", threads.len()),
            Outcome::Panicked(message) => {
                // "there is no reactor running, must be called from ..."
                let message = message.trim_start_matches("there is ");
                write!(f, "panics: {}", message.split([',', ':']).next().unwrap_or(message))
            }
            Outcome::Hung => f.write_str("hangs"),
            Outcome::Died(how) => write!(f, "dies: {how}"),
        }
    }
}

/// What became of the extra threads while nobody used them.
#[derive(Debug)]
pub(crate) struct Ending {
    /// When the last one had gone, or patience had.
    pub(crate) after: Duration,
    /// Names of those that stayed.
    pub(crate) remaining: Vec<String>,
}

impl Ending {
    pub(crate) fn to_line(&self) -> String {
        format!("{}\t{}", self.after.as_millis(), self.remaining.join("\t"))
    }

    pub(crate) fn from_line(line: &str) -> Option<Ending> {
        let (after, remaining) = line.split_once('\t')?;
        Some(Ending { after: Duration::from_millis(after.parse().ok()?), remaining: names(remaining) })
    }
}

fn names(joined: &str) -> Vec<String> {
    joined.split('\t').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
