use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use crate::support::watchdog;

#[test]
fn a_server_says_where_it_listens_and_what_it_used_and_ends_with_its_input() {
    let _watchdog = watchdog();
    for kind in ["runtime", "tokio"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_http"));
        command.args(["serve", kind, "2"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().expect("it is built");
        let mut questions = server.stdin.take().expect("it is piped");
        let mut answers = BufReader::new(server.stdout.take().expect("it is piped")).lines();
        let mut line = || answers.next().expect("it says something").expect("it is text");
        let url = line();
        let address = url.strip_prefix("http://").and_then(|url| url.strip_suffix('/')).expect("it is a URL");

        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it is text");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("Hello, World!"), "{answer}");

        let mut cpu = || {
            writeln!(questions).expect("it listens");
            line().parse::<u64>().expect("it is a number of nanoseconds")
        };
        let first = cpu();
        assert!(first > 0 && cpu() > first);
        drop(questions);
        assert!(server.wait().expect("it ends").success());
    }
}
