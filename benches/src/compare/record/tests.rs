use super::{Latency, Machine, Measured, Record, Run, Samples, Taken};

/// What a contender took, round by round.
pub(crate) fn samples(host: &str, walls: &[u64]) -> Samples {
    let taken = |wall: &u64| Taken { wall: *wall, cpu: 2 * wall, latency: None };
    Samples { host: host.into(), samples: walls.iter().map(taken).collect() }
}

/// A workload of ten operations.
pub(crate) fn measured(workload: &str, group: &str, hosts: Vec<Samples>) -> Measured {
    Measured {
        workload: workload.into(),
        group: group.into(),
        measure: "wall".into(),
        operations: 10,
        hosts,
        floor: None,
        other_floors: Vec::new(),
    }
}

/// All fields are in use.
pub(crate) fn record() -> Record {
    let hosts = || {
        vec![samples("ours", &[100, 110, 90]), samples("a", &[300, 330, 270]), samples("b", &[150, 165, 300])]
    };
    let mut echo = measured("echo", "kernel", hosts());
    echo.floor = Some(samples("raw", &[50, 50, 50]));
    echo.other_floors = vec![samples("one for all", &[70, 60, 80])];
    for host in &mut echo.hosts {
        for sample in &mut host.samples {
            let latency =
                Latency { count: 10, p50: 50 * sample.wall, p99: 100 * sample.wall, max: 1000 * sample.wall };
            sample.latency = Some(latency);
        }
    }
    let lost =
        measured("lost", "wake", vec![samples("ours", &[200, 200, 200]), samples("a", &[100, 100, 100])]);
    let workloads = vec![measured("spawn", "userland", hosts()), lost, echo];
    Record {
        machine: Machine {
            cores: 2,
            processor: Some("<a> & \"b\"".into()),
            kernel: "Linux 6".into(),
            allocator: "the system's".into(),
            rustc: "rustc 1".into(),
        },
        commit: Some("0123abc-dirty".into()),
        runs: [1, 2].map(|workers| Run { workers, rounds: 3, workloads: workloads.clone() }).into(),
    }
}

#[test]
fn what_is_written_is_read_back() {
    let directory = std::env::temp_dir().join(format!("benches-record-{}", std::process::id()));
    std::fs::create_dir(&directory).expect("a directory of our own");
    let path = directory.join("record.json");
    for record in [record(), Record { commit: None, runs: Vec::new(), ..record() }] {
        record.write(&path).expect("it is ours");
        assert_eq!(Record::read(&path).expect("it is a record"), record);
    }
    std::fs::write(&path, "{}").expect("it is ours");
    Record::read(&path).expect_err("nothing is not a record");
    std::fs::remove_dir_all(&directory).expect("it is ours");
}

#[test]
fn the_file_has_each_sample_by_name() {
    let json = serde_json::to_value(record()).expect("it is plain");
    let echo = &json["runs"][1]["workloads"][2];
    assert_eq!(echo["hosts"][2]["samples"][1]["wall"], 165);
    assert_eq!(echo["hosts"][0]["samples"][0]["latency"]["p99"], 10_000);
    assert_eq!(echo["floor"]["samples"][2]["cpu"], 100);
    assert_eq!(json["machine"]["cores"], 2);
}
