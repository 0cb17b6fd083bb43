//! T2: every order of run, wake, abort, join and drop, against an oracle.
use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Op {
    Run,
    WakeByRef,
    WakeByValue,
    Abort,
    Join,
    DropHandle,
}

const OPS: [Op; 6] = [Op::Run, Op::WakeByRef, Op::WakeByValue, Op::Abort, Op::Join, Op::DropHandle];

/// What a task must do, said without bits and references.
#[derive(Default)]
struct Oracle {
    queued: bool,
    aborted: bool,
    complete: bool,
    polls: usize,
    future_drops: usize,
    output_made: bool,
    output_drops: usize,
    handle: bool,
    taken: bool,
}

const PENDING: usize = 1;

impl Oracle {
    fn wake(&mut self) {
        if !self.complete && self.polls > 0 {
            self.queued = true;
        }
    }

    fn abort(&mut self) {
        if !self.complete {
            self.aborted = true;
            self.queued = true;
        }
    }

    fn run(&mut self) {
        if !std::mem::take(&mut self.queued) {
            return;
        }
        if self.aborted {
            self.complete = true;
        } else {
            self.polls += 1;
            self.complete = self.polls > PENDING;
            self.output_made = self.complete;
        }
        if self.complete {
            self.future_drops += 1;
            if self.output_made && !self.handle {
                self.output_drops += 1;
            }
        }
    }

    fn drop_handle(&mut self) {
        if std::mem::take(&mut self.handle) && self.output_made && !self.taken {
            self.output_drops += 1;
        }
    }
}

fn play(order: &[Op]) {
    let executor = Executor::new();
    let (seen, future) = Counted::new(PENDING);
    let mut handle = Some(executor.spawn(future));
    let mut oracle = Oracle { queued: true, handle: true, ..Oracle::default() };
    let aborter = handle.as_ref().unwrap().abort_handle();
    for op in order {
        match op {
            Op::Run => {
                assert_eq!(executor.run_one(), oracle.queued, "{order:?}");
                oracle.run();
            }
            Op::WakeByRef | Op::WakeByValue => {
                let waker = seen.waker.lock().clone();
                match (waker, op) {
                    (Some(waker), Op::WakeByValue) => waker.wake(),
                    (Some(waker), _) => waker.wake_by_ref(),
                    (None, _) => {}
                }
                oracle.wake();
            }
            Op::Abort => {
                aborter.abort();
                oracle.abort();
            }
            Op::Join => {
                if let Some(joining) = handle.as_mut().filter(|_| !oracle.taken) {
                    let answer = poll_once(joining);
                    assert_eq!(answer.is_ready(), oracle.complete, "{order:?}");
                    if let Poll::Ready(result) = answer {
                        assert_eq!(result.is_ok(), oracle.output_made, "{order:?}");
                        oracle.taken = true;
                        oracle.output_drops += usize::from(oracle.output_made);
                    }
                }
            }
            Op::DropHandle => {
                drop(handle.take());
                oracle.drop_handle();
            }
        }
        assert_eq!(
            seen.counts(),
            (oracle.polls, oracle.future_drops, oracle.output_drops),
            "{order:?} after {op:?}"
        );
        assert_eq!(aborter.is_finished(), oracle.complete, "{order:?} after {op:?}");
        assert_eq!(executor.live(), usize::from(!oracle.complete), "{order:?} after {op:?}");
    }
    let weak = end(executor);
    assert_eq!(seen.future_drops.load(Ordering::SeqCst), 1, "{order:?}");
    drop(handle);
    assert_eq!(seen.output_drops.load(Ordering::SeqCst), usize::from(oracle.output_made), "{order:?}");
    assert!(weak.upgrade().is_some());
    drop(aborter);
    drop(seen.waker.lock().take());
    assert!(weak.upgrade().is_none(), "{order:?}: somebody still holds the cell");
}

#[test]
fn every_order_of_run_wake_abort_and_join_has_exact_counters() {
    within_time(|| {
        // Five operations of six kinds; six in a soak.
        let length = if rounds(100) == 100 { 6 } else { 5 };
        let mut order = vec![0; length];
        loop {
            let ops: Vec<Op> = order.iter().map(|index| OPS[*index]).collect();
            play(&ops);
            let Some(position) = order.iter().position(|index| *index + 1 < OPS.len()) else { break };
            order[position] += 1;
            order[..position].fill(0);
        }
    });
}
