//! A slot: a list of nodes, first in first out.
use super::node::NodeRef;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    first: Option<NodeRef>,
    last: Option<NodeRef>,
}

impl Slot {
    pub(super) const EMPTY: Slot = Slot { first: None, last: None };

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(super) fn push(&mut self, node: NodeRef) {
        node.set_next(None);
        node.set_prev(self.last);
        match self.last {
            Some(last) => last.set_next(Some(node)),
            None => self.first = Some(node),
        }
        self.last = Some(node);
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<NodeRef> {
        let node = self.first?;
        self.remove(node);
        Some(node)
    }

    /// Takes out `node`, which must be in this slot.
    #[inline]
    pub(super) fn remove(&mut self, node: NodeRef) {
        let (next, prev) = (node.next(), node.prev());
        match prev {
            Some(prev) => prev.set_next(next),
            None => {
                debug_assert_eq!(self.first, Some(node), "a node is removed from the slot it is in");
                self.first = next;
            }
        }
        match next {
            Some(next) => next.set_prev(prev),
            None => {
                debug_assert_eq!(self.last, Some(node), "a node is removed from the slot it is in");
                self.last = prev;
            }
        }
    }

    /// The least tick here, `u64::MAX` if there is none.
    pub(super) fn least(&self) -> u64 {
        self.least_of_few(usize::MAX).unwrap_or(u64::MAX)
    }

    /// The least tick here, if there are at most `limit` nodes.
    #[inline]
    pub(super) fn least_of_few(&self, limit: usize) -> Option<u64> {
        let mut least = u64::MAX;
        let mut node = self.first;
        for _ in 0..limit {
            let Some(here) = node else { return Some(least) };
            least = least.min(here.tick());
            node = here.next();
        }
        node.is_none().then_some(least)
    }
}
