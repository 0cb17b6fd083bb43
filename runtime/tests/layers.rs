//! Imports point down only: between the crates, and between the modules of `runtime`. They are drawn in
//! `docs/architecture.md`.
use std::fs;
use std::path::{Path, PathBuf};

/// Each crate, its directory, and the crates of the workspace that it may depend on.
const CRATES: [(&str, &str, &[&str]); 5] = [
    ("reactor-hook", "reactor/hook", &[]),
    ("reactor", "reactor", &["reactor-hook"]),
    ("timer", "timer", &["reactor-hook"]),
    ("runtime-macros", "runtime/macros", &[]),
    ("runtime", "runtime", &["reactor-hook", "reactor", "timer", "runtime-macros"]),
];

/// The modules of `runtime`, lowest first: a module may import those before it. The crate's root, where users look, is
/// above them all.
const MODULES: &[&str] = &[
    "primitives",
    "hold",
    "report",
    "identity",
    "misuse",
    "large",
    "remedy",
    "tokio_compat",
    "cancellable",
    "promise",
    "pin",
    "stdio",
    "metrics",
    "driver",
    "poll_times",
    "task",
    "local",
    "dump",
    "stall",
    "config",
    "queue",
    "idle",
    "aside",
    "blocking",
    "spawn_blocking",
    "supervisor",
    "scheduler",
    "fs",
    "yield_now",
    "handle",
    "spawn",
    "compute",
    "block_on",
    "runtime",
    "builder",
    "local_set",
    "task_builder",
    "join_set",
    "task_local",
    "scope",
    "hyper",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in a workspace").to_owned()
}

/// The file's text without what follows `//` on a line.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// All Rust files below `directory`, but for modules that only tests or models are built with.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let parent = ["lib.rs", "mod.rs"].map(|name| directory.join(name)).into_iter().find(|file| file.exists());
    let parent = parent.map(|file| code(&file)).unwrap_or_default();
    let lines: Vec<&str> = parent.lines().collect();
    let for_tests = |name: &str| {
        let declared = format!("mod {name};");
        let at = lines.iter().position(|line| line.ends_with(&declared));
        at.is_some_and(|at| at > 0 && lines[at - 1].starts_with("#[cfg(") && lines[at - 1].contains("test"))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display())) {
        let path = entry.expect("a directory entry").path();
        if path.file_stem().and_then(|stem| stem.to_str()).is_some_and(for_tests) {
            continue;
        } else if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The names in `[dependencies]` and `[target.'…'.dependencies]` of a manifest; not those of tests.
fn dependencies(directory: &str) -> Vec<String> {
    let manifest = code(&root().join(directory).join("Cargo.toml"));
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside =
                line == "[dependencies]" || line.starts_with("[target.") && line.ends_with(".dependencies]");
        } else if inside && let Some((name, _)) = line.split_once(['.', ' ', '=']) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The first names of all paths that begin with `crate::`, of `crate::{…}` too.
fn imports(code: &str) -> Vec<&str> {
    let name = |path: &'_ str| path.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(path.len());
    let mut found = Vec::new();
    // What is only passed on, under the path where users look for it, is not used.
    let passed_on = |before: &str| before.trim_end().ends_with("pub use");
    let mut parts = code.split("crate::");
    let mut before = parts.next().unwrap_or_default();
    for path in parts {
        if passed_on(std::mem::replace(&mut before, path)) {
            continue;
        }
        let Some(group) = path.strip_prefix('{') else {
            found.push(&path[..name(path)]);
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                _ if start && !character.is_whitespace() => {
                    found.push(&group[at..at + name(&group[at..])]);
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn crates_depend_downwards_only() {
    for (name, directory, allowed) in CRATES {
        for dependency in dependencies(directory) {
            let ours = CRATES.iter().any(|(known, _, _)| *known == dependency);
            assert!(!ours || allowed.contains(&&*dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn the_hook_depends_on_nothing() {
    // Loom is there for models only.
    assert_eq!(dependencies("reactor/hook"), ["loom"]);
}

#[test]
fn modules_import_downwards_only() {
    let source = root().join("runtime/src");
    let rank = |name: &str| MODULES.iter().position(|module| *module == name);
    let mut wrong = Vec::new();
    for file in sources(&source) {
        let within = file.strip_prefix(&source).expect("found below it");
        let module = within.iter().next().and_then(|first| Path::new(first).file_stem());
        let module = module.and_then(|name| name.to_str()).expect("names are ASCII");
        if module == "lib" {
            continue;
        }
        let Some(own) = rank(module) else {
            wrong.push(format!("{}: MODULES does not say where `{module}` belongs", within.display()));
            continue;
        };
        for import in imports(&code(&file)) {
            match rank(import) {
                Some(import) if import <= own => {}
                Some(_) => wrong.push(format!("{}: `{import}` is above `{module}`", within.display())),
                None => wrong.push(format!("{}: `crate::{import}` is in the crate's root", within.display())),
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn there_is_one_thread_local() {
    let mut found = Vec::new();
    // Where the private cfg for models exchanges it.
    let exchanged = root().join("reactor/hook/src/sync.rs");
    for (_, directory, _) in CRATES {
        for file in sources(&root().join(directory).join("src")) {
            if file == exchanged {
                continue;
            }
            let count = code(&file).matches("thread_local!").count();
            found.extend(std::iter::repeat_n(file, count));
        }
    }
    assert_eq!(found, [root().join("reactor/hook/src/frame/mod.rs")]);
}
