//! Which steps are part of a circle: the strongly connected components of a graph.

/// Which steps can reach each other.
pub(super) struct Components {
    of: Vec<u32>,
    /// How many steps each has.
    sizes: Vec<u32>,
}

impl Components {
    /// That of a step.
    pub fn of(&self, step: usize) -> u32 {
        self.of[step]
    }

    /// Whether a step can reach itself through others.
    pub fn is_circle(&self, step: usize) -> bool {
        self.sizes[self.of[step] as usize] > 1
    }

    pub fn has_circles(&self) -> bool {
        self.sizes.iter().any(|size| *size > 1)
    }
}

/// Finds them (Tarjan), without recursion: a chain of objects may be as long as an environment.
pub(super) fn components(then: &[Vec<u32>]) -> Components {
    const NONE: u32 = u32::MAX;
    let mut of = vec![NONE; then.len()];
    let mut sizes = Vec::new();
    // When each was met first, and the earliest that it reaches among those without a component.
    let (mut met, mut low) = (vec![NONE; then.len()], vec![NONE; then.len()]);
    let (mut clock, mut open) = (0, Vec::new());
    // The way to where we are: a step, and how many of its next ones were looked at.
    let mut way: Vec<(usize, usize)> = Vec::new();
    for first in 0..then.len() {
        if met[first] != NONE {
            continue;
        }
        way.push((first, 0));
        while let Some((step, looked)) = way.last_mut() {
            let step = *step;
            if *looked == 0 {
                (met[step], low[step]) = (clock, clock);
                clock += 1;
                open.push(step);
            }
            if let Some(next) = then[step].get(*looked) {
                *looked += 1;
                let next = *next as usize;
                if met[next] == NONE {
                    way.push((next, 0));
                } else if of[next] == NONE {
                    low[step] = low[step].min(met[next]);
                }
                continue;
            }
            way.pop();
            if let Some((before, _)) = way.last() {
                low[*before] = low[*before].min(low[step]);
            }
            if low[step] == met[step] {
                let component = u32::try_from(sizes.len()).unwrap_or(NONE);
                let mut size = 0;
                while let Some(member) = open.pop() {
                    of[member] = component;
                    size += 1;
                    if member == step {
                        break;
                    }
                }
                sizes.push(size);
            }
        }
    }
    Components { of, sizes }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::components;

    proptest! {
        #[test]
        fn two_steps_are_in_one_circle_if_and_only_if_each_reaches_the_other(
            edges in proptest::collection::vec((0usize..12, 0usize..12), 0..30)
        ) {
            let mut then = vec![Vec::new(); 12];
            let mut reaches = [[false; 12]; 12];
            for (from, to) in edges {
                then[from].push(u32::try_from(to).expect("it is small"));
                reaches[from][to] = true;
            }
            for by in 0..12 {
                for from in 0..12 {
                    for to in 0..12 {
                        reaches[from][to] |= reaches[from][by] && reaches[by][to];
                    }
                }
            }
            let found = components(&then);
            let both = |a: usize, b: usize| reaches[a][b] && reaches[b][a];
            for (a, b) in (0..12).flat_map(|a| (0..12).map(move |b| (a, b))) {
                prop_assert_eq!(found.of(a) == found.of(b), a == b || both(a, b));
                prop_assert_eq!(found.is_circle(a), (0..12).any(|b| a != b && both(a, b)));
            }
        }
    }

    #[test]
    fn a_chain_of_very_many_steps_is_no_trouble() {
        let then: Vec<Vec<u32>> =
            (1..=300_000).map(|next| if next == 300_000 { vec![] } else { vec![next] }).collect();
        assert!(!components(&then).has_circles());
    }
}
