//! What was counted beside what is recorded: the gate of `.ci/jobs/instructions.sh`.
use std::fmt::Write;

/// Above this much more than recorded a kind fails; below this much less, it is to be recorded.
const TOLERANCE: f64 = 0.05;

/// What is to be said of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Same,
    Dearer,
    /// The record is to follow.
    Cheaper,
    /// It was counted, and is not recorded.
    New,
    /// It is recorded, and was not counted.
    Missing,
}

impl Verdict {
    fn of(counted: Option<f64>, recorded: Option<f64>) -> Verdict {
        match (counted, recorded) {
            (None, _) => Verdict::Missing,
            (_, None) => Verdict::New,
            (Some(counted), Some(recorded)) if counted > (1.0 + TOLERANCE) * recorded => Verdict::Dearer,
            (Some(counted), Some(recorded)) if counted < (1.0 - TOLERANCE) * recorded => Verdict::Cheaper,
            _ => Verdict::Same,
        }
    }

    fn fails(self) -> bool {
        matches!(self, Verdict::Dearer | Verdict::New | Verdict::Missing)
    }

    fn said(self) -> &'static str {
        match self {
            Verdict::Same => "",
            Verdict::Dearer => "  error: more than 5 % dearer than recorded",
            Verdict::Cheaper => "  more than 5 % cheaper than recorded: .ci/jobs/instructions.sh --record",
            Verdict::New => "  error: no figure of it is recorded: .ci/jobs/instructions.sh --record",
            Verdict::Missing => "  error: it is recorded, and was not counted",
        }
    }
}

/// A kind and its figures: ours, and of a count also the peers'.
type Row<'a> = (&'a str, Vec<f64>);

/// A line a kind: its name and figures, between tabs.
fn rows(table: &str) -> Result<Vec<Row<'_>>, String> {
    let row = |line: &'_ str| -> Option<(usize, Vec<f64>)> {
        let (kind, figures) = line.split_once('\t')?;
        let figures: Option<Vec<f64>> = figures
            .split('\t')
            .map(|figure| figure.parse().ok().filter(|figure: &f64| figure.is_finite() && *figure > 0.0))
            .collect();
        Some((kind.len(), figures?))
    };
    table
        .lines()
        .map(|line| match row(line) {
            Some((name, figures)) => Ok((&line[..name], figures)),
            None => Err(format!("no kind and its instructions: {line:?}")),
        })
        .collect()
}

/// The report, and whether the gate is open. Each table has a line a kind; `only` some kinds need be counted, or all that
/// are recorded.
pub(crate) fn compare(recorded: &str, counted: &str, only: Option<&str>) -> Result<(String, bool), String> {
    let (recorded, counted) = (rows(recorded)?, rows(counted)?);
    let uncounted = recorded
        .iter()
        .map(|row| row.0)
        .filter(|kind| !counted.iter().any(|row| row.0 == *kind) && only.is_none_or(|only| only == *kind));
    let kinds: Vec<_> = counted.iter().map(|row| row.0).chain(uncounted).collect();
    if kinds.is_empty() {
        return Err("nothing was counted".into());
    }
    let mut report = format!("{:<14} {:>9} {:>9} {:>6}", "kind", "ours", "recorded", "change");
    if counted.iter().any(|row| row.1.len() == 3) {
        report += "     tokio  ratio      smol  ratio";
    }
    report.push('\n');
    let mut open = true;
    for kind in kinds {
        let of = |rows: &[Row<'_>]| rows.iter().find(|row| row.0 == kind).map(|row| row.1.clone());
        let (all, before) = (of(&counted), of(&recorded).map(|figures| figures[0]));
        let ours = all.as_ref().map(|figures| figures[0]);
        let figure = |figure: Option<f64>| figure.map_or("-".into(), |figure| format!("{figure:.1}"));
        let change = ours.zip(before).map(|(ours, before)| format!("{:.0} %", 100.0 * (ours / before - 1.0)));
        let mut line =
            format!("{kind:<14} {:>9} {:>9} {:>6}", figure(ours), figure(before), change.unwrap_or_default());
        for peer in all.iter().flat_map(|figures| &figures[1..]) {
            let ratio = peer / ours.unwrap_or(*peer);
            write!(line, " {peer:>9.1} {ratio:>6.2}").map_err(|error| error.to_string())?;
        }
        let verdict = Verdict::of(ours, before);
        for line in [line.trim_end(), verdict.said()].into_iter().filter(|line| !line.is_empty()) {
            report += line;
            report.push('\n');
        }
        open &= !verdict.fails();
    }
    Ok((report, open))
}

#[cfg(test)]
mod tests {
    use super::compare;

    /// The one of the repository.
    const RECORDED: &str = include_str!("../../../instructions.tsv");

    /// A count that is `factor` times the record in `kind`, and the same in all others.
    fn doctored(kind: &str, factor: f64) -> String {
        let line = |line: &str| {
            let (name, figure) = line.split_once('\t').expect("two columns");
            let figure: f64 = figure.parse().expect("a figure");
            format!("{name}\t{}\n", if name == kind { figure * factor } else { figure })
        };
        RECORDED.lines().map(line).collect()
    }

    /// Whether the gate is open, and what is said beside the figures.
    fn said(recorded: &str, counted: &str) -> (bool, Vec<String>) {
        let (report, open) = compare(recorded, counted, None).expect("both are tables");
        (open, report.lines().filter(|line| line.starts_with("  ")).map(|line| line.trim().into()).collect())
    }

    fn kinds() -> impl Iterator<Item = &'static str> {
        RECORDED.lines().filter_map(|line| Some(line.split_once('\t')?.0))
    }

    #[test]
    fn what_is_as_recorded_passes_and_nothing_is_said() {
        assert_eq!(said(RECORDED, RECORDED), (true, vec![]));
        for kind in kinds() {
            for factor in [0.951, 1.049] {
                assert_eq!(said(RECORDED, &doctored(kind, factor)), (true, vec![]), "{kind} × {factor}");
            }
        }
    }

    #[test]
    fn any_kind_that_is_more_than_5_percent_dearer_fails() {
        for kind in kinds() {
            let told = (false, vec!["error: more than 5 % dearer than recorded".to_owned()]);
            assert_eq!(said(RECORDED, &doctored(kind, 1.051)), told, "{kind}");
        }
    }

    #[test]
    fn what_is_more_than_5_percent_cheaper_passes_and_is_to_be_recorded() {
        for kind in kinds() {
            let (open, told) = said(RECORDED, &doctored(kind, 0.949));
            assert!(open && told.len() == 1 && told[0].ends_with("--record"), "{kind}: {told:?}");
        }
    }

    #[test]
    fn a_kind_that_is_no_longer_counted_fails_unless_only_another_was_asked_for() {
        let counted = doctored("", 1.0);
        let (first, rest) = counted.split_once('\n').expect("lines");
        let told = (false, vec!["error: it is recorded, and was not counted".to_owned()]);
        assert_eq!(said(RECORDED, rest), told);
        let kind = kinds().next();
        assert!(compare(RECORDED, &format!("{first}\n"), kind).expect("both are tables").1);
        assert!(!compare(RECORDED, rest, kind).expect("both are tables").1);
    }

    #[test]
    fn a_kind_that_is_not_recorded_fails_and_is_told() {
        let (open, told) = said(RECORDED, &format!("{RECORDED}new\t12.5\n"));
        assert!(!open && told.len() == 1 && told[0].contains("no figure of it is recorded"), "{told:?}");
    }

    #[test]
    fn what_is_no_figure_is_an_error_and_opens_nothing() {
        for wrong in ["spawn", "spawn\t", "spawn\tmany", "spawn\tNaN", "spawn\t-1", "spawn\t0"] {
            compare(RECORDED, wrong, None).expect_err(wrong);
            compare(wrong, RECORDED, None).expect_err(wrong);
        }
        compare("", "", None).expect_err("nothing was counted");
    }

    #[test]
    fn peers_are_told_in_units_of_ours_and_do_not_matter() {
        let (report, open) = compare("a\t100\n", "a\t100\t250\t50\n", None).expect("both are tables");
        assert!(open && report.contains(" 2.50 ") && report.contains(" 0.50"), "{report}");
    }
}
