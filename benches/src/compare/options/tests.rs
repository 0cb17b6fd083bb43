use benches::{Group, WORKERS, Workload};

use super::Options;

fn parse(line: &str) -> Result<Options, String> {
    Options::parse(line.split_whitespace().map(Into::into))
}

#[test]
fn without_options_every_workload_runs_with_the_usual_workers() {
    let options = parse("compare").expect("it is complete");
    assert_eq!(options.workloads, Workload::ALL);
    assert_eq!(options.workers, [WORKERS]);
    assert_eq!((options.floors, options.json, options.svg), (false, None, None));
}

#[test]
fn every_option_is_understood() {
    let options = parse("compare --rounds 7 --only yield --floors --workers 1,2,8 --json a.json --svg b.svg");
    let options = options.expect("all of these are options");
    assert_eq!(options.rounds, 7);
    assert!(options.floors);
    assert_eq!(options.workloads, [Workload::Yield]);
    assert_eq!(options.workers, [1, 2, 8]);
    assert_eq!(options.json, Some("a.json".into()));
    assert_eq!(options.svg, Some("b.svg".into()));
}

#[test]
fn a_group_is_all_of_its_workloads_and_others_may_join_it() {
    let kernel = parse("compare --group kernel").expect("it is a group").workloads;
    assert!(kernel.contains(&Workload::EchoOne));
    assert!(kernel.iter().all(|workload| workload.group() == Group::KernelBound));
    let both = parse("compare --group kernel --only yield --only yield").expect("both choose").workloads;
    assert_eq!(both.len(), kernel.len() + 1);
    let groups = ["userland", "wake", "kernel", "other"].map(|group| format!("compare --group {group}"));
    let all: usize = groups.iter().map(|line| parse(line).expect("it is a group").workloads.len()).sum();
    assert_eq!(all, Workload::ALL.len());
}

#[test]
fn nonsense_is_named_in_the_error() {
    for (line, named) in [
        ("", "missing"),
        ("contrast", "contrast"),
        ("compare --rounds", "--rounds"),
        ("compare --rounds 0", "0"),
        ("compare --rounds many", "many"),
        ("compare --workers 2,", "positive"),
        ("compare --only sleepwalk", "sleepwalk"),
        ("compare --group cloud", "cloud"),
        ("compare --fast yes", "--fast"),
    ] {
        let error = parse(line).expect_err(line);
        assert!(error.contains(named), "{line}: {error}");
    }
}

#[test]
fn the_arguments_for_a_process_of_its_own_mean_the_same() {
    let options =
        parse("compare --rounds 3 --group wake --floors --workers 4,8 --svg c.svg").expect("it is complete");
    let child = Options::parse(options.arguments(8, "d.json").into_iter()).expect("it is complete");
    let expected = Options { workers: vec![8], json: Some("d.json".into()), svg: None, ..options };
    assert_eq!(child, expected);
}
