//! How many exceeded budgets are told one by one: they come worst first, and a wrong budget may have one for each step.

/// How many there are at most; the others are counted.
pub const WORST: usize = 20;

/// Those that were told, and those that were not.
#[derive(Debug, Default)]
pub struct Worst {
    told: usize,
    left: usize,
    enforced: bool,
}

impl Worst {
    /// Whether the next one is still told. `enforced`: whether it is an error.
    pub fn is_told(&mut self, enforced: bool) -> bool {
        self.enforced |= enforced;
        let is_told = self.told < WORST;
        *(if is_told { &mut self.told } else { &mut self.left }) += 1;
        is_told
    }

    /// What to say of those that were not told, once, and whether it is an error.
    pub fn others(&mut self) -> Option<(String, bool)> {
        let left = std::mem::take(&mut self.left);
        (left > 0).then(|| (others(left), self.enforced))
    }
}

/// `… and 7 more`
pub fn others(left: usize) -> String {
    format!("… and {left} more")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_told_and_the_others_counted_once() {
        let mut worst = Worst::default();
        assert_eq!((0..WORST + 2).filter(|_| worst.is_told(true)).count(), WORST);
        assert_eq!(worst.others(), Some(("… and 2 more".to_owned(), true)));
        assert_eq!(worst.others(), None);
    }
}
