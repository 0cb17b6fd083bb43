//! What is demanded of a cell.
use crate::columns::Kind;
use crate::outcome::Outcome;
use crate::rows::Origin;
use crate::run::Cell;

/// What is wrong with it, if anything is.
pub(crate) fn fault(cell: &Cell) -> Option<String> {
    let (origin, kind) = (cell.row.origin, cell.column.kind);
    if !matches!(cell.outcome, Outcome::Ok(_)) {
        // A future and an executor of others are their own affair.
        let is_ours = origin.is_universal() || kind == Kind::Ours;
        return is_ours.then(|| cell.outcome.to_string());
    }

    let threads = cell.outcome.threads();
    let allowed: &[&str] = match (origin, kind) {
        (Origin::Ours, Kind::Foreign) => &["reactor/driver", "timer/time"],
        (Origin::Ours, Kind::Ours | Kind::Hooked) => &[],
        // A pool drives its own reactor: a driver of somebody else gets a thread there as well.
        (Origin::Hooked, _) => &["timerfd/driver"],
        // How many threads others start is their affair.
        (Origin::Tokio | Origin::Other, _) => return None,
    };
    let mut surplus = threads.to_vec();
    for name in allowed {
        if let Some(index) = surplus.iter().position(|thread| thread == name) {
            surplus.swap_remove(index);
        }
    }
    if !surplus.is_empty() {
        return Some(format!("extra threads: {}", surplus.join(", ")));
    }
    match &cell.ending {
        None if threads.is_empty() => None,
        None => Some("died before its threads had gone".to_owned()),
        Some(ending) if ending.remaining.is_empty() => None,
        Some(ending) => {
            Some(format!("still there after {:.0?}: {}", ending.after, ending.remaining.join(", ")))
        }
    }
}
