//! The report in words and figures.
use std::fmt::Write;

use benches::{Group, Quartiles, geometric_mean};
use comfy_table::{CellAlignment, Table, presets};

use super::facts::Machine;
use super::record::{Latency, Measured, Run, Samples, group_name};
use super::verdict::{Against, BAR, TIE, lowest, verdict};

/// A table a group, the latencies, the means, and what is behind.
pub(crate) fn report(machine: &Machine, run: &Run) -> String {
    let mut text = format!(
        "{} each, {} rounds, {}, {} cores, {}; medians.\n",
        workers(run.workers),
        run.rounds,
        machine.allocator,
        machine.cores,
        machine.rustc
    );
    text += "Wall (CPU) ns an operation; ratios of what the row names, else of wall time.\n";
    let mut means = String::new();
    for group in Group::ALL {
        let (workloads, mean) = run.group(group_name(group));
        if workloads.is_empty() {
            continue;
        }
        push(&mut text, format_args!("\n{group}:\n\n{}\n", times(&workloads)));
        // Of workloads that are bound by different things a mean says nothing.
        if let Some(mean) = mean.filter(|_| group != Group::Other) {
            push(
                &mut means,
                format_args!("- {group} ({}): {mean:.2} × the best peer of each", workloads.len()),
            );
            for (peer, mean) in peer_means(&workloads) {
                push(&mut means, format_args!(", {mean:.2} × {peer}"));
            }
            means += "\n";
        }
    }
    let timed: Vec<_> =
        run.workloads.iter().filter(|workload| workload.p99_against().next().is_some()).collect();
    if !timed.is_empty() {
        push(
            &mut text,
            format_args!(
                "\nLatency of an operation, µs, p50 / p99 / the worst of all rounds:\n\n{}\n",
                latencies(&timed)
            ),
        );
    }
    let raw: Vec<_> = run.workloads.iter().filter(|workload| !workload.other_floors.is_empty()).collect();
    if !raw.is_empty() {
        push(&mut text, format_args!("\nRaw threads, by who waits where:\n\n{}\n", floors(&raw)));
    }
    if !means.is_empty() {
        push(&mut text, format_args!("\nGeometric means:\n{means}"));
    }
    let plain = |workload: &Measured| workload.workload.clone();
    push(
        &mut text,
        format_args!("\nBehind or below {BAR}:{}", list(&run.below(BAR, Measured::best_peer), name)),
    );
    let behind = run.below(1.0 - TIE, |workload| lowest(workload.p99_against()));
    push(&mut text, format_args!("\nBehind in p99:{}", list(&behind, plain)));
    let behind = run.below(1.0 - TIE, |workload| lowest(workload.cpu_against()));
    push(&mut text, format_args!("\nBehind in CPU time:{}", list(&behind, plain)));
    text
}

pub(crate) fn workers(count: usize) -> String {
    format!("{count} worker{}", if count == 1 { "" } else { "s" })
}

/// Text takes whatever is written to it.
fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("a string grows");
}

/// The geometric mean of the ratios to each peer.
fn peer_means<'a>(workloads: &[&'a Measured]) -> Vec<(&'a str, f64)> {
    let peers = workloads[0].peers().iter().enumerate().filter_map(|(index, peer)| {
        let ratios = workloads.iter().filter_map(|workload| workload.against().nth(index));
        Some((peer.host.as_str(), geometric_mean(ratios.map(|against| against.ratio.median))?))
    });
    peers.collect()
}

/// Losses as plain as wins.
fn list(losses: &[(&Measured, Against<'_>)], name: impl Fn(&Measured) -> String) -> String {
    if losses.is_empty() {
        return " nothing\n".into();
    }
    let mut text = "\n".to_owned();
    for (workload, Against { peer, ratio }) in losses {
        let said = verdict(ratio.median);
        push(&mut text, format_args!("- {}: {peer} {}, {said}\n", name(workload), spread(*ratio)));
    }
    text
}

fn times(workloads: &[&Measured]) -> Table {
    let first = workloads[0];
    let floor = workloads.iter().find_map(|workload| workload.floor.as_ref());
    let ours = &first.ours().host;
    let mut header = vec!["workload".to_owned()];
    header.extend(first.hosts.iter().map(|host| host.host.clone()));
    header.extend(first.peers().iter().map(|peer| format!("{} / {ours}", peer.host)));
    if let Some(floor) = floor {
        header.extend([floor.host.clone(), format!("{ours} / {}", floor.host)]);
    }
    let mut table = empty(header);
    for workload in workloads {
        let mut row = vec![name(workload)];
        row.extend(workload.hosts.iter().map(|host| cost(workload, host)));
        row.extend(workload.against().map(|against| spread(against.ratio)));
        if floor.is_some() {
            row.push(workload.floor.as_ref().map(|floor| cost(workload, floor)).unwrap_or_default());
            row.push(workload.over_floor().map(spread).unwrap_or_default());
        }
        table.add_row(row);
    }
    table
}

fn latencies(workloads: &[&Measured]) -> Table {
    let first = workloads[0];
    let floor = workloads.iter().find_map(|workload| workload.floor.as_ref());
    let ours = &first.ours().host;
    let mut header = vec!["workload".to_owned()];
    header.extend(first.hosts.iter().chain(floor).map(|host| host.host.clone()));
    header.extend(first.peers().iter().map(|peer| format!("p99: {} / {ours}", peer.host)));
    let mut table = empty(header);
    for workload in workloads {
        let mut row = vec![workload.workload.clone()];
        row.extend(workload.hosts.iter().map(tail));
        if floor.is_some() {
            row.push(workload.floor.as_ref().map(tail).unwrap_or_default());
        }
        row.extend(workload.p99_against().map(|against| spread(against.ratio)));
        table.add_row(row);
    }
    table
}

fn floors(workloads: &[&Measured]) -> Table {
    let of = |workload: &Measured| -> Vec<Samples> {
        workload.floor.iter().chain(&workload.other_floors).cloned().collect()
    };
    let mut header = vec!["workload".to_owned()];
    header.extend(of(workloads[0]).into_iter().map(|floor| floor.host));
    let mut table = empty(header);
    for workload in workloads {
        let mut row = vec![workload.workload.clone()];
        row.extend(of(workload).iter().map(|floor| cost(workload, floor)));
        table.add_row(row);
    }
    table
}

fn empty(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// With what is compared, unless it is the time on the wall.
fn name(workload: &Measured) -> String {
    match workload.measure.as_str() {
        "cpu" => format!("{} (CPU)", workload.workload),
        "p99" => format!("{} (p99)", workload.workload),
        _ => workload.workload.clone(),
    }
}

fn cost(workload: &Measured, host: &Samples) -> String {
    let each = |nanos: u64| nanos as f64 / f64::from(workload.operations);
    let wall = Quartiles::of(host.samples.iter().map(|sample| each(sample.wall)));
    let cpu = Quartiles::of(host.samples.iter().map(|sample| each(sample.cpu)));
    format!("{:.0} ({:.0})", wall.median, cpu.median)
}

fn tail(host: &Samples) -> String {
    let latencies: Vec<_> = host.samples.iter().filter_map(|sample| sample.latency).collect();
    if latencies.is_empty() {
        return String::new();
    }
    let middle =
        |of: fn(&Latency) -> u64| Quartiles::of(latencies.iter().map(|latency| of(latency) as f64)).median;
    let worst = latencies.iter().map(|latency| latency.max).max().unwrap_or_default();
    let micros = |nanos: f64| nanos / 1e3;
    format!(
        "{:.1} / {:.1} / {:.0}",
        micros(middle(|latency| latency.p50)),
        micros(middle(|latency| latency.p99)),
        micros(worst as f64)
    )
}

fn spread(Quartiles { low, median, high }: Quartiles) -> String {
    format!("{median:.2} ({low:.2}–{high:.2})")
}

#[cfg(test)]
mod tests;
