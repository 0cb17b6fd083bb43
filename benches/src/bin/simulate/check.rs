//! Predicted beside measured.
use benches::Workload;

use super::line::Time;
use super::measured::Record;
use super::model::{Setup, simulate};
use super::workloads;

/// One workload with one count of workers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Checked {
    pub(crate) workload: Workload,
    pub(crate) workers: usize,
    /// Whether it is of the samples in which all were on one core.
    pub(crate) together: bool,
    /// Nanoseconds an operation, on the wall.
    pub(crate) predicted: f64,
    pub(crate) measured: f64,
    /// Of CPU time; predicted is the time that workers are awake.
    pub(crate) cpu: [f64; 2],
}

impl Checked {
    /// How many times too much, or too little: 1 is right.
    pub(crate) fn out_by(&self) -> f64 {
        let ratio = self.predicted / self.measured;
        if ratio.is_finite() && ratio > 0.0 { ratio.max(1.0 / ratio) } else { f64::INFINITY }
    }
}

/// All that is modelled and in the record, once for each regime that was met. `make` sets a scheduler of so many workers up.
pub(crate) fn check(record: &Record, make: impl Fn(usize) -> Setup) -> Vec<Checked> {
    let mut checked = Vec::new();
    for workload in workloads::ALL {
        for workers in record.workers() {
            let outside = usize::from(workload == Workload::SpawnOutside);
            let regimes: &[(Option<bool>, bool)] = if workers + outside == 1 {
                &[(None, false)]
            } else if workers == 1 {
                // What the thread outside does on the worker's core is not modelled.
                &[(Some(false), false)]
            } else if workers + outside > record.cores() {
                // There is no core for each, so that workers share one whatever the processor time says.
                &[(None, true)]
            } else {
                &[(Some(true), true), (Some(false), false)]
            };
            for &(which, together) in regimes {
                let mut setup = make(workers);
                let measured_as = setup.policy.measured_as;
                let measured = record.each(workers, workload.name(), measured_as, which);
                let Some(measured) = measured else { continue };
                let operations = workloads::begin(workload, &mut setup);
                setup.put_together(together);
                let outcome = simulate(setup);
                let each = |time: Time| time as f64 / 1000.0 / operations as f64;
                checked.push(Checked {
                    workload,
                    workers,
                    together,
                    predicted: each(outcome.time),
                    measured: measured.wall,
                    cpu: [each(outcome.awake), measured.cpu],
                });
            }
        }
    }
    checked
}

/// Those that are out by more than `factor`.
pub(crate) fn wrong(checked: &[Checked], factor: f64) -> Vec<&Checked> {
    checked.iter().filter(|checked| checked.out_by() > factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(predicted: f64, measured: f64) -> Checked {
        Checked {
            workload: Workload::Spawn,
            workers: 1,
            together: true,
            predicted,
            measured,
            cpu: [1.0, 1.0],
        }
    }

    #[test]
    fn what_is_out_by_more_than_the_factor_either_way_is_wrong() {
        let all = [checked(100.0, 100.0), checked(199.0, 100.0), checked(201.0, 100.0), checked(49.0, 100.0)];
        let out: Vec<f64> = wrong(&all, 2.0).into_iter().map(|checked| checked.predicted).collect();
        assert_eq!(out, [201.0, 49.0]);
    }

    #[test]
    fn what_is_no_figure_is_wrong() {
        for (predicted, measured) in [(0.0, 100.0), (100.0, 0.0), (f64::NAN, 100.0)] {
            assert_eq!(wrong(&[checked(predicted, measured)], 1000.0).len(), 1);
        }
    }
}
