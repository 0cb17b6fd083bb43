//! The ratios as a picture: a bar a workload, from 1 to how the best peer stands to us, on a logarithmic axis.
use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use benches::{Group, Quartiles};
use svg::Document;
use svg::node::element::{Group as Layer, Line, Rectangle, Text, Title};

use super::record::{Measured, Record, Run, group_name};
use super::table::workers;
use super::verdict::{BAR, TIE};

// Pixels.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 150.0;
const ROW: f64 = 22.0;
const HEAD: f64 = 64.0;

const INK: &str = "#24292f";
const FAINT: &str = "#8c959f";
const GRID: &str = "#d8dee4";
const AHEAD: &str = "#2da44e";
const TIED: &str = "#bf8700";
const BEHIND: &str = "#cf222e";

/// A panel for each count of workers, one below the other.
pub(crate) fn write(record: &Record, path: &Path) -> io::Result<()> {
    svg::save(path, &document(record))
}

fn document(record: &Record) -> Document {
    let axis = Axis::over(&record.runs);
    let mut panels = Vec::new();
    let mut top = 0.0;
    for run in &record.runs {
        let panel = Panel { axis: &axis, run };
        panels.push(panel.draw().set("transform", format!("translate(0 {top})")));
        top += panel.height();
    }
    let machine = &record.machine;
    let commit = record.commit.as_deref().unwrap_or("no commit");
    let foot = format!("{} cores, {}, {}, {commit}", machine.cores, machine.allocator, machine.rustc);
    let height = top + ROW;
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, height))
        .set("width", WIDTH)
        .set("height", height)
        .set("font-family", "sans-serif")
        .set("font-size", 12)
        .add(Rectangle::new().set("width", WIDTH).set("height", height).set("fill", "white"));
    for panel in panels {
        document = document.add(panel);
    }
    document.add(text(foot, 10.0, height - 8.0, "start", FAINT).set("font-size", 10))
}

/// Where a ratio lies.
struct Axis {
    range: RangeInclusive<f64>,
}

impl Axis {
    /// Holds every bar of all panels, so that these can be compared, and 1.
    fn over(runs: &[Run]) -> Axis {
        let workloads = runs.iter().flat_map(|run| &run.workloads);
        let ratios = workloads.filter_map(|workload| Some(workload.best_peer()?.ratio));
        let (low, high) =
            ratios.fold((0.8, 4.0), |(low, high), ratio| (ratio.low.min(low), ratio.high.max(high)));
        // Some air on both sides.
        Axis { range: low / 1.1..=high * 1.1 }
    }

    fn at(&self, ratio: f64) -> f64 {
        let (low, high) = (self.range.start().ln(), self.range.end().ln());
        let share = (ratio.ln() - low) / (high - low);
        LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    /// 1, 2 and 5 of each decade; of a wide range less.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let decades = (self.range.end() / self.range.start()).log10();
        let steps: &[f64] = if decades > 4.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let all = (-6..7).flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
        all.filter(|tick| self.range.contains(tick))
    }
}

/// One count of workers.
struct Panel<'a> {
    axis: &'a Axis,
    run: &'a Run,
}

impl<'a> Panel<'a> {
    fn groups(&self) -> impl Iterator<Item = (Group, Vec<&'a Measured>, Option<f64>)> {
        let run = self.run;
        let groups = Group::ALL.into_iter().map(move |group| {
            let (workloads, mean) = run.group(group_name(group));
            (group, workloads, mean)
        });
        groups.filter(|(_, workloads, _)| !workloads.is_empty())
    }

    fn height(&self) -> f64 {
        HEAD + ROW * (self.groups().count() + self.run.workloads.len()) as f64 + ROW
    }

    fn draw(&self) -> Layer {
        let bottom = self.height() - ROW;
        let title = format!("{}: the best peer's time in units of ours", workers(self.run.workers));
        let mut layer = Layer::new().add(text(title, 10.0, 24.0, "start", INK).set("font-size", 16));
        for tick in self.axis.ticks() {
            let x = self.axis.at(tick);
            let colour = if tick == 1.0 { INK } else { GRID };
            layer = layer.add(line((x, HEAD - 10.0), (x, bottom), colour));
            layer = layer.add(text(format!("{tick}"), x, HEAD - 16.0, "middle", FAINT));
        }
        let bar = self.axis.at(BAR);
        layer = layer.add(line((bar, HEAD - 10.0), (bar, bottom), FAINT).set("stroke-dasharray", "3 3"));
        let mut y = HEAD;
        for (group, workloads, mean) in self.groups() {
            let heading = match mean.filter(|_| group != Group::Other) {
                Some(mean) => format!("{group}, mean {mean:.2}"),
                None => group.to_string(),
            };
            let heading = text(heading, 10.0, y + ROW * 0.7, "start", INK).set("font-weight", "bold");
            layer = layer.add(heading);
            y += ROW;
            for workload in workloads {
                layer = layer.add(self.row(workload).set("transform", format!("translate(0 {y:.1})")));
                y += ROW;
            }
        }
        layer
    }

    fn row(&self, workload: &Measured) -> Layer {
        let middle = ROW / 2.0;
        let mut name = workload.workload.clone();
        if workload.measure != "wall" {
            name += &format!(" ({})", workload.measure);
        }
        let layer = Layer::new().add(text(name, LEFT - 8.0, middle + 4.0, "end", INK));
        let Some(best) = workload.best_peer() else {
            return layer;
        };
        let Quartiles { low, median, high } = best.ratio;
        let colour = match median {
            ratio if ratio < 1.0 - TIE => BEHIND,
            ratio if ratio <= 1.0 + TIE => TIED,
            _ => AHEAD,
        };
        let (one, end) = (self.axis.at(1.0), self.axis.at(median));
        let bar = Rectangle::new()
            .set("x", pixels(one.min(end)))
            .set("y", pixels(4.0))
            .set("width", pixels((end - one).abs().max(1.0)))
            .set("height", pixels(ROW - 8.0))
            .set("fill", colour);
        let (from, to) = (self.axis.at(low), self.axis.at(high));
        let mut whiskers = Layer::new().add(line((from, middle), (to, middle), INK));
        for x in [from, to] {
            whiskers = whiskers.add(line((x, middle - 3.0), (x, middle + 3.0), INK));
        }
        let value = format!("{median:.2} {}", best.peer);
        let all = format!("{}: {} {median:.2} ({low:.2}–{high:.2})", workload.workload, best.peer);
        layer.add(Title::new(all)).add(bar).add(whiskers).add(text(
            value,
            WIDTH - RIGHT + 12.0,
            middle + 4.0,
            "start",
            INK,
        ))
    }
}

fn text(content: impl Into<String>, x: f64, y: f64, anchor: &str, colour: &str) -> Text {
    let text = Text::new(content).set("x", pixels(x)).set("y", pixels(y));
    text.set("text-anchor", anchor).set("fill", colour)
}

fn line(from: (f64, f64), to: (f64, f64), colour: &str) -> Line {
    let line = Line::new().set("x1", pixels(from.0)).set("y1", pixels(from.1));
    line.set("x2", pixels(to.0)).set("y2", pixels(to.1)).set("stroke", colour)
}

fn pixels(length: f64) -> String {
    format!("{length:.1}")
}

#[cfg(test)]
mod tests;
