//! What a scope waits for, without its types: the phase and the tokens.
use std::sync::Arc;
use std::task::Waker;

use parking_lot::Mutex;

/// The part of a scope that the scopes inside of it know.
pub(super) struct Core {
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    /// Tokens given out.
    alive: usize,
    /// Of whoever polls the scope.
    waker: Option<Waker>,
    /// A token of the scope around this one, until nothing of this one is left.
    around: Option<Token>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Children may be spawned.
    Open,
    /// No more; those that are there are ended.
    Cancelled,
    /// The scope has resolved, or was dropped.
    Closed,
}

/// One that the scope waits for. It is given back when dropped.
pub(super) struct Token {
    core: Arc<Core>,
}

impl Core {
    pub(super) fn new(around: Option<Token>) -> Arc<Core> {
        let state = State { phase: Phase::Open, alive: 0, waker: None, around };
        Arc::new(Core { state: Mutex::new(state) })
    }

    /// A token for somebody who is inside of the scope, whatever its phase.
    pub(super) fn token(self: &Arc<Self>) -> Token {
        self.state.lock().alive += 1;
        Token { core: Arc::clone(self) }
    }

    /// A token for a spawner; none when no child may be spawned any more.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Token> {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return None;
        }
        state.alive += 1;
        drop(state);
        Some(Token { core: Arc::clone(self) })
    }

    /// Leaves the waker of whoever polls the scope.
    pub(super) fn register(&self, waker: &Waker) {
        let known = |state: &State| state.waker.as_ref().is_some_and(|known| known.will_wake(waker));
        if known(&self.state.lock()) {
            return;
        }
        // Clones and drops of wakers are user code: outside of the lock.
        let waker = waker.clone();
        let former = self.state.lock().waker.replace(waker);
        drop(former);
    }

    /// Has the scope polled.
    pub(super) fn wake(&self) {
        let waker = self.state.lock().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// From now on no child may be spawned, and the scope, when it is polled, ends those that are there.
    pub(super) fn cancel(&self) {
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            return;
        }
        state.phase = Phase::Cancelled;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state.lock().phase == Phase::Open
    }

    /// The scope is about to resolve: true if nobody is alive. Nobody can enter from then on.
    pub(super) fn close(&self) -> bool {
        let mut state = self.state.lock();
        if state.alive > 0 {
            return false;
        }
        state.phase = Phase::Closed;
        let around = state.around.take();
        drop(state);
        drop(around);
        true
    }

    /// The scope was dropped. Who is alive is waited for by the scope around, if there is one.
    pub(super) fn abandon(&self) {
        let mut state = self.state.lock();
        state.phase = Phase::Closed;
        let around = if state.alive == 0 { state.around.take() } else { None };
        let waker = state.waker.take();
        drop(state);
        drop((around, waker));
    }
}

impl Clone for Token {
    fn clone(&self) -> Token {
        self.core.token()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let mut state = self.core.state.lock();
        state.alive -= 1;
        if state.alive > 0 {
            return;
        }
        let around = if state.phase == Phase::Closed { state.around.take() } else { None };
        let waker = state.waker.take();
        drop(state);
        drop(around);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
