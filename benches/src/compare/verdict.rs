//! What the samples say: ratios, and who is the best peer.
use benches::{Quartiles, geometric_mean};

use super::record::{Measured, Run, Samples, Taken};

/// Below this a workload is listed at the end of the report.
pub(crate) const BAR: f64 = 1.2;
/// Nobody is ahead who is so little ahead.
pub(crate) const TIE: f64 = 0.03;

/// How a peer stands to us: above 1 we are faster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Against<'a> {
    pub(crate) peer: &'a str,
    pub(crate) ratio: Quartiles,
}

impl Measured {
    pub(crate) fn ours(&self) -> &Samples {
        &self.hosts[0]
    }

    pub(crate) fn peers(&self) -> &[Samples] {
        &self.hosts[1..]
    }

    /// Each peer's figure divided by ours in the same round.
    pub(crate) fn against(&self) -> impl Iterator<Item = Against<'_>> {
        let ratio = |peer: &Samples| self.ratio(peer, self.ours(), |sample| self.figure(sample));
        self.peers().iter().map(move |peer| Against { peer: &peer.host, ratio: ratio(peer) })
    }

    /// The peer that is nearest to us, or farthest ahead.
    pub(crate) fn best_peer(&self) -> Option<Against<'_>> {
        lowest(self.against())
    }

    /// Each peer's CPU time divided by ours in the same round.
    pub(crate) fn cpu_against(&self) -> impl Iterator<Item = Against<'_>> {
        self.peers().iter().map(|peer| {
            let ratio = self.ratio(peer, self.ours(), |sample| sample.cpu as f64);
            Against { peer: &peer.host, ratio }
        })
    }

    /// Each peer's p99 divided by ours in the same round; nothing if single operations are not timed.
    pub(crate) fn p99_against(&self) -> impl Iterator<Item = Against<'_>> {
        self.peers().iter().filter_map(|peer| {
            let both = [peer, self.ours()]
                .iter()
                .all(|host| host.samples.iter().all(|sample| sample.latency.is_some()));
            both.then(|| Against { peer: &peer.host, ratio: self.ratio(peer, self.ours(), p99) })
        })
    }

    /// Our time divided by that of threads without a runtime in the same round.
    pub(crate) fn over_floor(&self) -> Option<Quartiles> {
        self.floor.as_ref().map(|floor| self.ratio(self.ours(), floor, |sample| sample.wall as f64))
    }

    /// What is compared: the lower, the better.
    fn figure(&self, sample: &Taken) -> f64 {
        match self.measure.as_str() {
            "cpu" => sample.cpu as f64,
            "p99" => p99(sample),
            _ => sample.wall as f64,
        }
    }

    fn ratio(&self, over: &Samples, under: &Samples, figure: impl Fn(&Taken) -> f64) -> Quartiles {
        // What is too short for the clock counts as one nanosecond: no ratio is infinite or nothing.
        let figure = |sample| figure(sample).max(1.0);
        let pairs = over.samples.iter().zip(&under.samples);
        Quartiles::of(pairs.map(|(over, under)| figure(over) / figure(under)))
    }
}

fn p99(sample: &Taken) -> f64 {
    sample.latency.map_or(0.0, |latency| latency.p99 as f64)
}

/// The one with the lowest ratio.
pub(crate) fn lowest<'a>(against: impl Iterator<Item = Against<'a>>) -> Option<Against<'a>> {
    against.min_by(|one, other| one.ratio.median.total_cmp(&other.ratio.median))
}

impl Run {
    /// The workloads of a group, and the geometric mean of their ratios to the best peer of each.
    pub(crate) fn group(&self, group: &str) -> (Vec<&Measured>, Option<f64>) {
        let workloads: Vec<_> = self.workloads.iter().filter(|workload| workload.group == group).collect();
        let ratios = workloads.iter().filter_map(|workload| Some(workload.best_peer()?.ratio.median));
        let mean = geometric_mean(ratios);
        (workloads, mean)
    }

    /// The workloads where the ratio that `of` picks is below `bar`, the worst first.
    pub(crate) fn below(
        &self,
        bar: f64,
        of: impl Fn(&Measured) -> Option<Against<'_>>,
    ) -> Vec<(&Measured, Against<'_>)> {
        let all = self.workloads.iter().filter_map(|workload| Some((workload, of(workload)?)));
        let mut below: Vec<_> = all.filter(|(_, against)| against.ratio.median < bar).collect();
        below.sort_by(|one, other| one.1.ratio.median.total_cmp(&other.1.ratio.median));
        below
    }
}

/// In a word.
pub(crate) fn verdict(ratio: f64) -> &'static str {
    if ratio < 1.0 - TIE {
        "behind"
    } else if ratio <= 1.0 + TIE {
        "a tie"
    } else {
        "ahead"
    }
}

#[cfg(test)]
mod tests;
