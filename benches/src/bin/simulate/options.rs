//! What the command line asks for.
use std::path::PathBuf;

pub(crate) const USAGE: &str = "\
usage: simulate [--measured FILE] [--factor F] [--seed N]
       simulate --recorded [--seed N]

Measures what an instruction, a locked operation, a cache line and a wake take, and predicts from that and from counted
instructions (benches/steps.tsv) what some workloads of `compare` take.

--measured reads what `compare --workers 1,2 --json FILE` has written and prints predicted beside measured; it fails when
one of ours is out by more than --factor, 2 if not told. --seed has the victims chosen otherwise. --recorded takes typical
costs, measures nothing, and prints the same each time.";

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Options {
    pub(crate) measured: Option<PathBuf>,
    pub(crate) factor: f64,
    pub(crate) seed: u64,
    pub(crate) recorded: bool,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { measured: None, factor: 2.0, seed: 1, recorded: false };
        while let Some(option) = arguments.next() {
            if option == "--recorded" {
                options.recorded = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
            let wrong = || format!("{option} {value}: no such figure");
            match option.as_str() {
                "--measured" => options.measured = Some(value.into()),
                "--factor" => {
                    let factor = value.parse().ok().filter(|factor| *factor >= 1.0);
                    options.factor = factor.ok_or_else(wrong)?;
                }
                "--seed" => options.seed = value.parse().map_err(|_| wrong())?,
                _ => return Err(format!("no such option: {option}")),
            }
        }
        if options.recorded && options.measured.is_some() {
            return Err("what was measured here is not compared with another machine's costs".into());
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options, String> {
        Options::parse(arguments.iter().map(ToString::to_string))
    }

    #[test]
    fn all_options_are_taken() {
        let options = parse(&["--measured", "a.json", "--factor", "1.5", "--seed", "7"]);
        let all = Options { measured: Some("a.json".into()), factor: 1.5, seed: 7, recorded: false };
        assert_eq!(options, Ok(all));
        assert!(parse(&["--recorded"]).is_ok_and(|options| options.recorded));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [&["--factor", "0.5"][..], &["--seed"], &["typical"], &["--recorded", "--measured", "f"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
