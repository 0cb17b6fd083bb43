//! A server in a process of its own.
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::serve::Kind;

/// It ends when this is dropped: its standard input does.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    child: Child,
    /// Taken when it is to end.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start(kind: Kind, workers: usize) -> io::Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["serve", kind.name(), &workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut server = Server { kind, url: String::new(), child, questions, answers };
        server.url = server.line()?;
        Ok(server)
    }

    /// The CPU time that it has used so far.
    pub(crate) fn cpu(&mut self) -> io::Result<Duration> {
        let questions = self.questions.as_mut().expect("it runs until it is dropped");
        writeln!(questions)?;
        questions.flush()?;
        self.line()?.parse().map(Duration::from_nanos).map_err(io::Error::other)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err(io::Error::other(format!("the server on {} has ended", self.kind.name()))),
            _ => Ok(line.trim().into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.questions.take());
        drop(self.child.wait());
    }
}
