//! Cache lines: who has a copy, and until when one is on its way.

/// A time, or a stretch of it, in picoseconds.
pub(crate) type Time = u64;

/// Cores that a line knows of.
pub(crate) const CORES: usize = 192;

/// A line. A read by a core without a copy, and a write by one that is not the only one with a copy, must wait until the
/// line has come over; transfers of one line come one after the other. That alone makes a shared word dear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    copies: [u64; CORES / 64],
    /// The last stretch in which it was on its way. A step looks ahead to its own end, so that it may lie in the future.
    busy_from: Time,
    busy_until: Time,
    /// For how long it was on its way in all.
    pub(crate) busy: Time,
}

impl Line {
    /// How long a read takes more than one of an own line.
    pub(crate) fn read(&mut self, core: usize, now: Time, transfer: Time) -> Time {
        if self.has(core) {
            return 0;
        }
        self.copies[core / 64] |= 1 << (core % 64);
        self.fetch(now, transfer)
    }

    /// How long a write or RMW takes more than one of an own line. A line that nobody has had is free.
    pub(crate) fn write(&mut self, core: usize, now: Time, transfer: Time) -> Time {
        let mut alone = [0; CORES / 64];
        alone[core / 64] = 1 << (core % 64);
        let before = std::mem::replace(&mut self.copies, alone);
        if before == alone || before == [0; CORES / 64] {
            return 0;
        }
        self.fetch(now, transfer)
    }

    fn has(&self, core: usize) -> bool {
        self.copies == [0; CORES / 64] || self.copies[core / 64] & 1 << (core % 64) != 0
    }

    fn fetch(&mut self, now: Time, transfer: Time) -> Time {
        self.busy += transfer;
        if now < self.busy_from {
            return transfer;
        }
        if now >= self.busy_until {
            self.busy_from = now;
        }
        self.busy_until = self.busy_until.max(now) + transfer;
        self.busy_until - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_line_costs_nothing_and_anothers_one_transfer() {
        let mut line = Line::default();
        assert_eq!(line.write(0, 0, 50), 0);
        assert_eq!(line.write(0, 10, 50), 0);
        assert_eq!(line.write(1, 20, 50), 50);
        assert_eq!(line.read(1, 80, 50), 0);
        assert_eq!(line.read(0, 80, 50), 50);
        assert_eq!(line.read(1, 200, 50), 0);
        assert_eq!(line.write(1, 200, 50), 50);
    }

    #[test]
    fn transfers_of_one_line_wait_for_each_other() {
        let mut line = Line::default();
        line.write(0, 0, 50);
        assert_eq!([line.write(1, 0, 50), line.write(2, 0, 50), line.write(3, 0, 50)], [50, 100, 150]);
    }
}
