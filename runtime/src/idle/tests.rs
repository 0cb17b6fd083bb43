//! Promises of the idle set and the parker.
use super::*;

#[test]
fn lowest_parked_slot_is_woken_first_and_one_at_a_time() {
    let idle = Idle::new(4);
    for slot in 0..4 {
        assert!(!idle.join(slot));
        assert_eq!(idle.park(slot, false, || false), Park::Sleep);
    }
    assert_eq!(idle.notify().map(|woken| woken.slot), Some(0));
    assert_eq!(idle.notify(), None);
    assert!(idle.leave(0).searching);
    assert_eq!(idle.stop_searching(0, || true).map(|woken| woken.slot), Some(1));
}
