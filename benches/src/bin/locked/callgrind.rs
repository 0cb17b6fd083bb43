//! What callgrind writes with `--dump-instr=yes`, positions and strings uncompressed.
use std::collections::HashMap;
use std::rc::Rc;

/// An instruction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The file it was loaded from.
    pub(crate) object: Rc<str>,
    /// Where it is in there.
    pub(crate) address: u64,
}

/// How often each was executed.
pub(crate) type Counts = HashMap<Place, u64>;

/// Reads one dump. An instruction may be told of several times: once for each context it is inlined into.
pub(crate) fn parse(dump: &str) -> Counts {
    let mut counts = Counts::new();
    let mut object: Rc<str> = Rc::from("");
    let mut is_call = false;
    for line in dump.lines() {
        if let Some(name) = line.strip_prefix("ob=") {
            object = Rc::from(name);
        } else if line.starts_with("calls=") {
            // The next line is what the callee took.
            is_call = true;
        } else if line.starts_with("0x") && !std::mem::take(&mut is_call) {
            let mut fields = line.split_ascii_whitespace();
            let address = fields.next().and_then(|field| u64::from_str_radix(&field[2..], 16).ok());
            let executed = fields.nth(1).and_then(|field| field.parse::<u64>().ok());
            if let (Some(address), Some(executed)) = (address, executed) {
                *counts.entry(Place { object: Rc::clone(&object), address }).or_default() += executed;
            }
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_callee_took_is_not_counted_for_its_caller() {
        let dump = "events: Ir\nob=/a\nfn=main\n0x10 3 5\n0x14 4 7\ncfn=callee\ncalls=2 0x40 9\n0x14 4 900\nob=/b\n0x10 0 1\nob=/a\n0x10 8 2\n";
        let counts = parse(dump);
        let of = |object: &str, address| counts.get(&Place { object: object.into(), address }).copied();
        assert_eq!((of("/a", 0x10), of("/a", 0x14), of("/b", 0x10)), (Some(7), Some(7), Some(1)));
    }
}
