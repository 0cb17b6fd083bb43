use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::options::{Measure, Options};
use crate::report::{Round, table};
use crate::wrk::{Answered, parse};

const REPORT: &str = "\
Running 2s test @ http://127.0.0.1:40511/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency   523.15us  310.51us   9.03ms   97.66%
    Req/Sec   124.95k     4.44k  130.16k    80.00%
  Latency Distribution
     50%  487.00us
     75%  530.00us
     90%  630.00us
     99%    1.31ms
  248611 requests in 2.00s, 21.10MB read
Requests/sec: 124291.05
Transfer/sec:     10.55MB
";

#[test]
fn what_wrk_says_is_understood() {
    let answered = parse(REPORT).expect("it is a report");
    let (p50, p99) = (Duration::from_micros(487), Duration::from_micros(1310));
    assert_eq!(answered, Answered { requests: 248_611, rate: 124_291.05, p50, p99 });
}

#[test]
fn a_report_with_errors_or_without_figures_is_an_error() {
    let errors = format!("{REPORT}  Socket errors: connect 0, read 3, write 0, timeout 0\n");
    assert!(parse(&errors).expect_err("there were errors").contains("read 3"));
    parse(&format!("{REPORT}  Non-2xx or 3xx responses: 7\n")).expect_err("there were errors");
    parse("").expect_err("it says nothing");
    parse(&REPORT.replace("99%", "98%")).expect_err("it does not say the tail");
    parse(&REPORT.replace("1.31ms", "1.31fortnights")).expect_err("nobody counts in these");
}

#[test]
fn options_have_defaults_and_nonsense_is_an_error() {
    let parse = |line: &str| Options::parse(&line.split_whitespace().map(Into::into).collect::<Vec<_>>());
    let Ok(Options::Measure(options)) = parse("--rounds 3 --connections 100") else {
        panic!("these are options")
    };
    assert_eq!(options, Measure { rounds: 3, seconds: 2, connections: 100, workers: benches::WORKERS });
    for line in ["--rounds", "--rounds 0", "--speed 9", "serve nobody 2", "serve tokio none"] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn above_one_is_better_whether_more_is_better_or_less() {
    let round = |rate, micros, cpu| Round {
        answered: Answered {
            requests: 1_000_000,
            rate,
            p50: Duration::from_micros(micros),
            p99: Duration::from_micros(2 * micros),
        },
        cpu: Duration::from_secs(cpu),
    };
    let text = table(&["ours", "peer"], &[vec![round(200.0, 10, 5)], vec![round(100.0, 40, 20)]]).to_string();
    for line in [
        "| requests/s             |  200 |   100 | 2.00 (2.00–2.00) |",
        "| p99, µs                |   20 |    80 | 4.00 (4.00–4.00) |",
        "| CPU s for 10⁶ requests | 5.00 | 20.00 | 4.00 (4.00–4.00) |",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// Two requests over one connection, as wrk asks.
fn check(address: std::net::SocketAddr) {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("not zero");
    let mut reader = BufReader::new(&stream);
    for _ in 0..2 {
        (&stream).write_all(b"GET / HTTP/1.1\r\nhost: here\r\n\r\n").expect("it reads");
        let mut lines = reader.by_ref().lines().map(|line| line.expect("text"));
        assert_eq!(lines.next().as_deref(), Some("HTTP/1.1 200 OK"));
        assert_eq!(
            lines.take_while(|line| !line.is_empty()).filter(|line| line == "content-length: 13").count(),
            1
        );
        let mut body = [0; 13];
        reader.read_exact(&mut body).expect("a body");
        assert_eq!(&body, b"Hello, World!");
    }
}

#[test]
fn both_servers_answer_what_is_asked() {
    let runtime = runtime::Runtime::new();
    let listener = runtime.block_on(crate::serve::listen_ours()).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(runtime.spawn(crate::serve::on_ours(listener)));
    check(address);

    let tokio = tokio::runtime::Runtime::new().expect("threads are to be had");
    let listener = tokio.block_on(crate::serve::listen_tokio()).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    drop(tokio.spawn(crate::serve::on_tokio(listener)));
    check(address);
}
