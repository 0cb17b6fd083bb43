use std::fs;
use std::process::{Command, Output};

use crate::support::{Scratch, watchdog};

fn benches(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_benches")).args(arguments).output().expect("it is built")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is text")
}

#[test]
fn each_count_of_workers_is_measured_in_a_process_of_its_own_and_all_are_kept() {
    let _watchdog = watchdog();
    let scratch = Scratch::new("workers");
    let (json, svg) = (scratch.path().join("all.json"), scratch.path().join("all.svg"));
    let output = benches(&[
        "compare",
        "--rounds",
        "2",
        "--only",
        "yield",
        "--only",
        "echo_1",
        "--workers",
        "1,2",
        "--floors",
        "--json",
        json.to_str().expect("a plain name"),
        "--svg",
        svg.to_str().expect("a plain name"),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("1 worker each") && said.contains("2 workers each"), "{said}");
    // Not a terminal: a line a workload.
    let progress = text(&output.stderr).lines().filter(|line| *line == "echo_1: 2 rounds").count();
    assert_eq!(progress, 2, "{}", text(&output.stderr));

    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(json).expect("it is written")).expect("it is JSON");
    assert_eq!(record["machine"]["allocator"], "the system's allocator");
    for (index, workers) in [1, 2].into_iter().enumerate() {
        let run = &record["runs"][index];
        assert_eq!(run["workers"], workers);
        let [the_yield, echo] = [&run["workloads"][0], &run["workloads"][1]];
        assert_eq!((&the_yield["workload"], &echo["workload"]), (&"yield".into(), &"echo_1".into()));
        for (host, name) in ["runtime", "tokio", "smol"].into_iter().enumerate() {
            let host = &echo["hosts"][host];
            assert_eq!(host["host"], name);
            let samples = host["samples"].as_array().expect("samples");
            assert_eq!(samples.len(), 2);
            assert!(samples.iter().all(|sample| sample["wall"].as_u64() > Some(0)));
            assert!(samples.iter().all(|sample| sample["latency"]["p99"].as_u64() > Some(0)));
        }
        assert_eq!(echo["floor"]["samples"].as_array().expect("samples").len(), 2);
        assert_eq!(echo["other_floors"].as_array().expect("one for each other way to wait").len(), 2);
        assert!(the_yield["floor"].is_null());
    }
    let svg = fs::read_to_string(svg).expect("it is written");
    assert!(roxmltree::Document::parse(&svg).is_ok(), "{svg}");
}

#[test]
fn a_wrong_option_is_told_with_the_list_of_workloads() {
    let _watchdog = watchdog();
    let output = benches(&["compare", "--only", "nothing"]);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.starts_with("no such workload: nothing"), "{said}");
    assert!(said.contains("usage: ") && said.contains("  echo_1000 "), "{said}");
}
