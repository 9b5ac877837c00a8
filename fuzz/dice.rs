//! Chance that can be repeated.

pub struct Dice(pub u64);

impl Dice {
    /// Below `n`.
    pub fn roll(&mut self, n: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }

    /// Once in so many times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.roll(n) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.roll(of.len())]
    }

    /// Mostly small, and now and then up to `most`.
    pub fn times(&mut self, most: usize) -> usize {
        let bits = usize::BITS as usize - most.leading_zeros() as usize + 1;
        let bits = if self.once_in(8) { self.roll(bits) } else { self.roll(bits.min(4)) };
        self.roll((1 << bits) + 1).min(most)
    }
}
