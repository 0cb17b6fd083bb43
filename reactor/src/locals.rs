//! The local selectors of a reactor: one for each worker of a pool, made when the first source moves there.
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

use crate::neglect::{Neglect, Reach};
use crate::selector::{Looking, Selector};

/// Events taken by one look. So few that a worker's queue has room for all of them, and they are polled in the order in which they came.
const EVENTS: usize = 32;

/// The most lanes: a token has 12 bits for a lane where a word has 32, and the last number is `UNBLOCK`'s.
const MOST: usize = 4000;

/// With fewer sources for each lane there are no local selectors: two workers seldom meet in the shared one. Chosen, not measured: one connection
/// cannot gain by them, 64 do (`docs/performance.md`).
const FEW: usize = 8;

/// In `cores`: no lane has looked on this core yet.
const NOBODY: u32 = u32::MAX;

pub(crate) struct Locals {
    lanes: Box<[CachePadded<Lane>]>,
    /// By core: the lane that last looked there.
    cores: Box<[AtomicU32]>,
    /// What is known of selectors left to their workers, by lane. Also held while a selector is made.
    told: Mutex<Vec<Neglect>>,
}

#[derive(Default)]
struct Lane {
    selector: OnceLock<Selector>,
    /// Sources in it that lead.
    leaders: AtomicUsize,
    /// Looks of its worker's, its only writer.
    looks: AtomicU32,
}

impl Lane {
    fn len(&self) -> usize {
        self.selector.get().map_or(0, Selector::len)
    }
}

impl Locals {
    pub(crate) fn new(lanes: usize) -> Locals {
        let lanes = if cfg!(target_os = "linux") { lanes.min(MOST) } else { 0 };
        let cores = if lanes == 0 { 0 } else { crate::sys::core::count() };
        Locals {
            lanes: (0..lanes).map(|_| CachePadded::default()).collect(),
            cores: (0..cores).map(|_| AtomicU32::new(NOBODY)).collect(),
            told: Mutex::new(vec![Neglect::default(); lanes]),
        }
    }

    /// How many there may be.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// That of `lane`, if it has been made.
    #[inline]
    pub(crate) fn get(&self, lane: usize) -> Option<&Selector> {
        self.lanes.get(lane)?.selector.get()
    }

    /// Those that have been made.
    pub(crate) fn made(&self) -> impl Iterator<Item = &Selector> {
        self.lanes.iter().filter_map(|lane| lane.selector.get())
    }

    /// That of `lane`, which is made and tied to the shared one by `tie` if there is none yet.
    pub(crate) fn get_or_make(
        &self,
        lane: usize,
        tie: impl FnOnce(&mio::Poll) -> io::Result<()>,
    ) -> io::Result<&Selector> {
        let place = &self.lanes[lane].selector;
        if let Some(selector) = place.get() {
            return Ok(selector);
        }
        let _made_once = self.told.lock();
        if place.get().is_none() {
            let (selector, ()) = Selector::new(EVENTS, tie)?;
            let _ = place.set(selector);
        }
        Ok(place.get().expect("set under the lock"))
    }

    /// Whether the selector of `lane` has sources.
    #[inline]
    pub(crate) fn is_used(&self, lane: usize) -> bool {
        self.lanes.get(lane).is_some_and(|lane| lane.len() > 0)
    }

    /// Where a source that leads and is polled by `lane` belongs: there, or with the lane that has fewest leaders if that has fewer. `None`: with so
    /// few `sources` it stays where it is.
    pub(crate) fn of_leader(&self, lane: u32, sources: usize) -> Option<u32> {
        if self.are_few(sources) || lane as usize >= self.len() {
            return None;
        }
        let leaders = |lane: usize| self.lanes[lane].leaders.load(Ordering::Relaxed);
        let fewest = (0..self.len()).min_by_key(|&lane| leaders(lane))?;
        // Even one leader more than another lane has: what is slowest decides how long all take.
        let has_fewest = leaders(lane as usize) <= leaders(fewest);
        if has_fewest { Some(lane) } else { u32::try_from(fewest).ok() }
    }

    /// A source that leads has come to `lane`, or has gone.
    pub(crate) fn count_leader(&self, lane: u32, has_come: bool) {
        let leaders = &self.lanes[lane as usize].leaders;
        // Relaxed: a hint.
        if has_come {
            leaders.fetch_add(1, Ordering::Relaxed)
        } else {
            leaders.fetch_sub(1, Ordering::Relaxed)
        };
    }

    /// For a source that follows: the lane that feeds it, if that has room. `present` is where it is now. `None`: stay (the feeder is not known, or
    /// has its share).
    pub(crate) fn of_follower(
        &self,
        present: Option<u32>,
        sources: usize,
        core: impl FnOnce() -> Option<usize>,
    ) -> Option<u32> {
        if self.are_few(sources) {
            return None;
        }
        // Relaxed: a hint.
        let lane = self.core(core()?)?.load(Ordering::Relaxed);
        if lane == NOBODY {
            return None;
        }
        // The leaders have been shared out: half as much again leaves room for their followers. Four more, so that a small share has some room too:
        // chosen, not measured.
        let most = (sources / self.len()) * 3 / 2 + 4;
        (present == Some(lane) || self.lanes[lane as usize].len() <= most).then_some(lane)
    }

    /// Where a process may use some cores only, their numbers may be greater than how many it is told of.
    fn core(&self, number: usize) -> Option<&AtomicU32> {
        self.cores.get(number.checked_rem(self.cores.len())?)
    }

    fn are_few(&self, sources: usize) -> bool {
        sources < FEW * self.len()
    }

    /// Takes what the selector of `lane` has, no more than `most`. By its worker.
    pub(crate) fn look(&self, lane: usize, most: usize) {
        let looks = &self.lanes[lane].looks;
        // Relaxed: the only writer is the worker, and who reads it counts roughly.
        looks.store(looks.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        if let Some(core) = crate::sys::core::here().and_then(|core| self.core(core)) {
            let lane = lane as u32;
            // Relaxed: a hint. Written only where it changes: others read it.
            if core.load(Ordering::Relaxed) != lane {
                core.store(lane, Ordering::Relaxed);
            }
        }
        // If somebody else looks into it now he takes what is there; what he leaves is reported again, the registration being level-triggered.
        if let Some(mut looking) = self.get(lane).and_then(Selector::try_look) {
            take(&mut looking, most);
        }
    }

    /// By who has turned the shared selector: it reports that these lanes' selectors have something. Looks into those that `reach` allows.
    /// Gives those whose events are left to their workers: a bit for each lane, by its number modulo 64.
    pub(crate) fn heed(&self, told: impl Iterator<Item = usize>, reach: Reach<'_>) -> u64 {
        let mut left = 0;
        for lane in told {
            // Relaxed: as in `look`.
            let looks = self.lanes[lane].looks.load(Ordering::Relaxed);
            let is_taken = self.told.lock()[lane].is_taken_by(reach, lane, looks);
            if is_taken && let Some(selector) = self.get(lane) {
                let looking = match reach.patience() {
                    Some(patience) => selector.try_look_for(patience),
                    None => selector.try_look(),
                };
                if let Some(mut looking) = looking {
                    take(&mut looking, EVENTS);
                }
            } else if !is_taken {
                left |= 1 << (lane % 64);
            }
        }
        left
    }
}

fn take(looking: &mut Looking<'_>, most: usize) {
    if let Err(error) = looking.take(most) {
        panic!("a worker's selector failed: {error}");
    }
    looking.dispatch();
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
