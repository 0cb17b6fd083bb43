//! Runs workloads on all contenders, round by round.

/// Who runs when in a round: the contenders' numbers, another one first each time, forwards and backwards. After twice
/// as many rounds as contenders each has begun as often in either direction.
pub(crate) fn order(round: usize, contenders: usize) -> impl Iterator<Item = usize> {
    // With an even number both halves of the pair (first, direction) would change in step.
    let turn = if contenders.is_multiple_of(2) { round + round / contenders } else { round };
    (0..contenders).map(move |place| {
        let step = if turn.is_multiple_of(2) { place } else { contenders - place };
        (round + step) % contenders
    })
}

/// What each of `contenders` returns in each of `rounds` rounds; one before these is not kept. Calls `done` after each.
pub(crate) fn interleaved<T>(
    contenders: &mut [Box<dyn FnMut() -> T + '_>],
    rounds: usize,
    mut done: impl FnMut(),
) -> Vec<Vec<T>> {
    let mut samples: Vec<_> = contenders.iter().map(|_| Vec::with_capacity(rounds)).collect();
    // The first round warms caches, pools and the branch predictor up.
    contenders.iter_mut().for_each(|run| drop(run()));
    done();
    for round in 0..rounds {
        for index in order(round, contenders.len()) {
            samples[index].push(contenders[index]());
        }
        done();
    }
    samples
}

#[cfg(test)]
mod tests;
