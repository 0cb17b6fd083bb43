use super::super::record::tests::record;
use super::report;

/// The cells of the rows that begin with `name`.
fn rows(text: &str, name: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows = text.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.filter(|cells: &Vec<String>| cells[0] == name).collect()
}

#[test]
fn the_report_names_losses_and_wins_alike() {
    let record = record();
    let text = report(&record.machine, &record.runs[1]);
    assert!(text.starts_with("2 workers each, 3 rounds"), "{text}");
    let spawn = ["spawn", "10 (20)", "30 (60)", "16 (33)", "3.00 (3.00–3.00)", "1.50 (1.50–2.42)"];
    assert_eq!(rows(&text, "spawn"), [spawn], "{text}");
    for line in [
        "- userland (1): 1.50 × the best peer of each, 3.00 × a, 1.50 × b",
        "Behind or below 1.2:",
        "- lost: a 0.50 (0.50–0.50), behind",
        "Behind in p99: nothing",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}:\n{text}");
    }
    // Nobody beats 1.5: it is not listed.
    assert!(!text.contains("- spawn:"), "{text}");
}

#[test]
fn the_floor_and_the_tails_have_columns_where_they_are_known() {
    let record = record();
    let text = report(&record.machine, &record.runs[0]);
    let echo = rows(&text, "echo");
    assert_eq!(echo[0][6..], ["5 (10)", "2.00 (1.90–2.10)"], "{text}");
    assert_eq!(echo[1][1..3], ["5.0 / 10.0 / 110", "15.0 / 30.0 / 330"], "{text}");
    assert_eq!(echo[1][5..], ["3.00 (3.00–3.00)", "1.50 (1.50–2.42)"], "{text}");
    let headers = rows(&text, "workload");
    assert_eq!(headers.iter().filter(|header| header[header.len() - 1] == "ours / raw").count(), 1, "{text}");
    assert_eq!(echo[2][1..], ["5 (10)", "7 (14)"], "{text}");
    assert_eq!(headers[headers.len() - 1][1..], ["raw", "one for all"], "{text}");
    // The others have no tails.
    assert_eq!(rows(&text, "spawn").len(), 1, "{text}");
}
