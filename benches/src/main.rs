//! Prints how the runtimes compare: `cargo run --release -p benches -- compare`; without arguments it says what else.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use benches::Workload;

mod compare;

use compare::{Options, USAGE};

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ALLOCATOR_NAME: &str = if cfg!(feature = "mimalloc") { "mimalloc" } else { "the system's allocator" };

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\n\n{USAGE}\n\nworkloads:");
            for workload in Workload::ALL {
                eprintln!("  {workload:20} {}", workload.group());
            }
            return ExitCode::FAILURE;
        }
    };
    match compare::compare(&options, ALLOCATOR_NAME) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
