//! Reports as events of `tracing`.
use super::StallReport;

/// Target of the events.
const TARGET: &str = "runtime::stall";

pub(super) fn event(report: &StallReport) {
    let lasted = report.lasted.as_secs_f64();
    let (id, name, place) = (report.id.as_nonzero().get(), report.name, report.spawned_at);
    let thread = report.thread.as_ref().map(tracing::field::display);
    let unreported = report.unreported;
    if report.over {
        tracing::warn!(
            target: TARGET, id, name, spawned_at = %place, worker = report.worker, lasted,
            "a task came out of a poll that kept its worker",
        );
    } else {
        tracing::warn!(
            target: TARGET, id, name, spawned_at = %place, worker = report.worker, lasted, thread, unreported,
            "a task keeps its worker in one poll; use `spawn_blocking` or `block_in_place`",
        );
    }
}
