//! The nearest right name for a wrong one. It knows nothing of where the names come from.

/// The candidate that `wrong` was most likely meant to be; `None` when nothing is near.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    // A third of the letters may be wrong, but not all of them.
    let reach = (length.max(3) / 3).min(length.saturating_sub(1));
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(wrong, candidate), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_offered_and_far_ones_are_not() {
        assert_eq!(nearest("biuld", ["build", "bench"]), Some("build"));
        assert_eq!(nearest("comand", ["commands", "command"]), Some("command"));
        assert_eq!(nearest("deploy", ["build", "test"]), None);
        assert_eq!(nearest("", ["build"]), None);
        assert_eq!(nearest("b", ["a", "c"]), None);
    }
}
