//! What tasks do, act by act.
use super::super::channel::{self, Channel};
use super::super::job::{Act, ChannelId, Job, TaskId};
use super::super::line::Time;
use super::{Simulation, Task, time};

impl Simulation {
    pub(super) fn new_task(&mut self, job: Job, cell: usize, joined: bool) -> TaskId {
        let id = self.tasks.len();
        // The first message was put into its channel before by the sender that this task is given.
        let mut sender_parked = false;
        if let Job::Pass { to, .. } = &job {
            let channel = &mut self.channels[*to];
            sender_parked = channel.parked.is_empty() && channel.queue.len() > channel.buffer;
            if sender_parked {
                channel.parked.push_back(id);
            }
        }
        self.tasks.push(Task {
            job,
            retry: None,
            cell,
            joined,
            injected: false,
            begun: false,
            complete: false,
            waiter: None,
            sender_parked,
            sender_waits: false,
            woken: 0,
        });
        self.completions.push(0);
        id
    }

    /// The lines of a task's cell come to `core`.
    pub(super) fn touch_cell(&mut self, task: TaskId, core: usize, now: Time) -> Time {
        self.cells.touch(self.tasks[task].cell, core, now, &self.setup.machine)
    }

    fn free_cell(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        self.cells.free(self.tasks[task].cell, me, now, &self.setup.machine)
    }

    /// The lines that each spawn and completion writes, if there are any: counts, and the shard of the list.
    pub(super) fn touch_shared(&mut self, task: TaskId, core: usize, now: Time) -> Time {
        let transfer = self.transfer();
        let shards = self.shard_lines.len().max(1);
        let of_list = self.shard_lines.get_mut(task % shards);
        self.shared_lines
            .iter_mut()
            .chain(of_list)
            .fold(0, |took, line| took + line.write(core, now + took, transfer))
    }

    /// The next act of the task that is polled.
    pub(super) fn act(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        let act = self.tasks[task].retry.take().unwrap_or_else(|| self.tasks[task].job.next());
        let steps = self.setup.steps;
        match act {
            Act::Work(work) => work,
            Act::Spawn { job, joined } => {
                let mut took = time(steps.spawn);
                let (cell, fetched) = self.cells.take(me, now + took, &self.setup.machine);
                took += fetched;
                let child = self.new_task(job, cell, joined);
                self.workers[me].spawned += 1;
                if joined {
                    self.tasks[task].job.born(child);
                }
                took += self.touch_cell(child, me, now + took);
                took += self.touch_shared(child, me, now + took);
                took + self.push(me, child, now + took)
            }
            Act::Join(child) if self.tasks[child].complete => {
                let took = time(steps.join) + self.touch_cell(child, me, now);
                self.free_cell(me, child, now + took) + took
            }
            Act::Join(child) => {
                self.tasks[child].waiter = Some(task);
                self.workers[me].current = None;
                time(steps.wait / 2.0) + self.touch_cell(child, me, now)
            }
            Act::Yield => {
                self.workers[me].current = None;
                time(steps.again) + self.requeue(me, task, now)
            }
            Act::Open => {
                self.tasks[task].job.opened(self.channels.len());
                self.channels.extend([Channel::oneshot(), Channel::oneshot()]);
                0
            }
            Act::Send(to, message) => self.send(me, task, to, message, now),
            Act::Receive(from) => self.receive(me, task, from, now),
            Act::Arrive => {
                let transfer = self.transfer();
                self.rmw() + self.countdown_line.write(me, now, transfer)
            }
            Act::Done => self.complete(me, task, now),
        }
    }

    /// Half of what a message takes.
    fn half_message(&self, channel: ChannelId) -> Time {
        let steps = &self.setup.steps;
        time(if self.channels[channel].oneshot { steps.oneshot } else { steps.message } / 2.0)
    }

    fn send(&mut self, me: usize, task: TaskId, to: ChannelId, message: u32, now: Time) -> Time {
        if self.tasks[task].sender_parked {
            self.tasks[task].sender_waits = true;
            self.tasks[task].retry = Some(Act::Send(to, message));
            self.workers[me].current = None;
            return time(self.setup.steps.await_message / 2.0);
        }
        let transfer = self.transfer() * channel::LINES;
        let mut took = self.half_message(to) + self.channels[to].line.write(me, now, transfer);
        let channel = &mut self.channels[to];
        if channel.put(message, task) {
            self.tasks[task].sender_parked = true;
            took += time(self.setup.steps.full);
        }
        match channel.receiver.take() {
            Some(receiver) => took + self.wake(me, receiver, to, now + took),
            None => took,
        }
    }

    fn receive(&mut self, me: usize, task: TaskId, from: ChannelId, now: Time) -> Time {
        let transfer = self.transfer() * channel::LINES;
        let half = self.half_message(from);
        let mut took = self.channels[from].line.write(me, now, transfer);
        let channel = &mut self.channels[from];
        let Some(message) = channel.queue.pop_front() else {
            channel.receiver = Some(task);
            let waits = if channel.oneshot { 0.0 } else { self.setup.steps.await_message / 2.0 };
            self.tasks[task].retry = Some(Act::Receive(from));
            self.workers[me].current = None;
            return took + time(waits);
        };
        took += half;
        let sender = channel.parked.pop_front();
        self.tasks[task].job.received(message);
        if let Some(sender) = sender {
            self.tasks[sender].sender_parked = false;
            if std::mem::take(&mut self.tasks[sender].sender_waits) {
                took += self.wake(me, sender, from, now + took);
            }
        }
        took
    }

    /// A task that waited for a message, or for room: half of what that takes is the waker's, half was its own.
    fn wake(&mut self, me: usize, task: TaskId, channel: ChannelId, now: Time) -> Time {
        let steps = &self.setup.steps;
        let (here, there) = if self.channels[channel].oneshot {
            (steps.wake / 2.0, steps.wake / 2.0)
        } else {
            (steps.await_message / 2.0, 0.0)
        };
        self.tasks[task].woken = time(there);
        let took = time(here) + self.touch_cell(task, me, now);
        took + self.push(me, task, now + took)
    }

    fn complete(&mut self, me: usize, task: TaskId, now: Time) -> Time {
        self.tasks[task].complete = true;
        self.completions[task] += 1;
        self.workers[me].current = None;
        let mut took = self.touch_shared(task, me, now);
        if let Some(waiter) = self.tasks[task].waiter.take() {
            took += time(self.setup.steps.wait / 2.0);
            took += self.touch_cell(waiter, me, now + took);
            took += self.push_joiner(me, waiter, now + took);
            // It takes the output when it is polled next.
            took += self.free_cell(me, task, now + took);
        } else if !self.tasks[task].joined {
            took += self.free_cell(me, task, now + took);
        }
        self.ended = self.ended.max(now + took);
        took
    }

    /// A thread outside spawns a task.
    pub(super) fn step_outside(&mut self, now: Time) -> Option<Time> {
        self.left_outside = self.left_outside.checked_sub(1)?;
        let me = self.setup.workers;
        let (cell, mut took) = self.cells.take(me, now, &self.setup.machine);
        let task = self.new_task(Job::Arrive, cell, false);
        self.tasks[task].injected = true;
        // That the cell comes over is in the figure, as for the worker that polls it.
        took += time(self.setup.steps.spawn_outside);
        self.touch_cell(task, me, now);
        took += self.touch_shared(task, me, now + took);
        took += self.inject(me, task, now + took);
        Some(took)
    }
}
