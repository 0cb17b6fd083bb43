//! Which instructions lock, and which line of source they come from.
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use super::Result;
use super::callgrind::Place;
use super::line::Line;

/// Where a locked instruction comes from.
#[derive(Debug)]
pub(crate) struct Site {
    /// `path:line function`.
    pub(crate) source: String,
    /// Whose cache line it is.
    pub(crate) line: Line,
}

/// The locked instructions of the objects seen so far.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    objects: HashSet<Rc<str>>,
    /// True: a fence.
    found: HashMap<Place, bool>,
    sites: HashMap<Place, Site>,
}

impl Locks {
    /// Disassembles those of `objects` that were not yet.
    pub(crate) fn look_up(&mut self, objects: BTreeSet<Rc<str>>) -> Result<()> {
        for object in objects {
            if !object.starts_with('/') || !self.objects.insert(Rc::clone(&object)) {
                continue;
            }
            let output = Command::new("objdump").args(["-d", "--no-show-raw-insn", &object]).output()?;
            for (address, is_fence) in locked(&String::from_utf8_lossy(&output.stdout)) {
                self.found.insert(Place { object: Rc::clone(&object), address }, is_fence);
            }
        }
        Ok(())
    }

    pub(crate) fn has(&self, place: &Place) -> bool {
        self.found.contains_key(place)
    }

    /// Finds the source of those that have none yet.
    pub(crate) fn name<'a>(&mut self, places: impl Iterator<Item = &'a Place>) -> Result<()> {
        let mut unnamed = BTreeMap::<&Rc<str>, Vec<&Place>>::new();
        for place in places.filter(|place| !self.sites.contains_key(place)) {
            unnamed.entry(&place.object).or_default().push(place);
        }
        for (object, places) in unnamed {
            let output = Command::new("addr2line")
                .args(["-a", "-i", "-f", "-C", "-e", object])
                .args(places.iter().map(|place| format!("{:#x}", place.address)))
                .output()?;
            let output = String::from_utf8_lossy(&output.stdout);
            // Each address is told before its frames.
            let told = output.split_inclusive('\n').fold(Vec::<String>::new(), |mut told, line| {
                match told.last_mut() {
                    Some(frames) if !line.starts_with("0x") => frames.push_str(line),
                    _ => told.push(String::new()),
                }
                told
            });
            for (place, told) in places.into_iter().zip(told) {
                let frames = frames(&told);
                let line = if self.found[place] { Line::Fence } else { Line::of(object, &frames) };
                self.sites.insert(place.clone(), Site { source: source(object, &frames), line });
            }
        }
        Ok(())
    }

    /// That of a place that was named.
    pub(crate) fn site(&self, place: &Place) -> &Site {
        &self.sites[place]
    }
}

/// The locked instructions of a disassembly, and whether each is a fence: `mfence`, or a locked operation on the stack that
/// changes nothing.
fn locked(disassembly: &str) -> impl Iterator<Item = (u64, bool)> {
    disassembly.lines().filter_map(|line| {
        let (address, instruction) = line.trim_start().split_once(':')?;
        let address = u64::from_str_radix(address, 16).ok()?;
        let instruction = instruction.trim_start();
        let is_fence = instruction.starts_with("mfence")
            || instruction.starts_with("lock or")
                && instruction.contains("$0x0,")
                && instruction.contains("(%rsp)");
        let is_locked = instruction.starts_with("lock ")
            || instruction.starts_with("xchg")
                && instruction.contains('(')
                && !instruction.contains("%ax,%ax");
        (is_fence || is_locked).then_some((address, is_fence))
    })
}

/// A function and `path:line`, from the innermost outwards.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) function: String,
    pub(crate) source: String,
}

fn frames(addr2line: &str) -> Vec<Frame> {
    let mut lines = addr2line.lines();
    let mut frames = Vec::new();
    while let (Some(function), Some(source)) = (lines.next(), lines.next()) {
        let source = source.split(" (discriminator").next().unwrap_or_default();
        frames.push(Frame { function: function.to_owned(), source: source.to_owned() });
    }
    frames
}

/// The innermost frame that is not the standard library's.
fn source(object: &str, frames: &[Frame]) -> String {
    let of_ours = frames.iter().position(|frame| !frame.source.starts_with("/rustc/"));
    match of_ours.map(|at| &frames[at]) {
        Some(frame) if !frame.source.starts_with("??") => {
            // Below the workspace, or below the registry.
            let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
            let path = Path::new(&frame.source);
            let path =
                workspace.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path).display().to_string();
            let path = path
                .rsplit_once("/src/index.crates.io-")
                .map_or(&*path, |(_, rest)| rest.split_once('/').map_or(rest, |(_, rest)| rest));
            format!("{path} {}", without_generics(&frame.function))
        }
        _ => {
            let function = frames.last().map_or("??", |frame| &*frame.function);
            format!("{} {function}", object.rsplit('/').next().unwrap_or_default())
        }
    }
}

fn without_generics(function: &str) -> &str {
    match function.find('<') {
        None | Some(0) => function,
        Some(at) => &function[..at],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_instructions_are_told_from_others_and_from_fences() {
        let disassembly = "\
            0000000000001000 <f>:\n\
            \x20   1000:\tlock cmpxchg %rcx,(%rdi)\n\
            \x20   1005:\txchg   %rax,0x10(%rdi)\n\
            \x20   1009:\txchg   %ax,%ax\n\
            \x20   100b:\tmfence\n\
            \x20   100e:\tlock orl $0x0,-0x40(%rsp)\n\
            \x20   1014:\tmov    %rax,(%rdi)\n\
            \x20   1017:\txchg   %rax,%rcx\n";
        let found: Vec<_> = locked(disassembly).collect();
        assert_eq!(found, [(0x1000, false), (0x1005, false), (0x100b, true), (0x100e, true)]);
    }

    #[test]
    fn a_place_is_named_by_who_calls_the_standard_library() {
        let frames = frames(
            "core::sync::atomic::atomic_swap\n/rustc/1/library/core/src/sync/atomic.rs:1\ntake\n/src/lifo.rs:7 (discriminator 2)\n",
        );
        assert_eq!(source("/target/it", &frames), "/src/lifo.rs:7 take");
    }
}
