//! What the program itself was in, as shares of its time: what called stands below what it called. It knows nothing of pictures.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::timeline::Share;
use crate::model::Stack;

/// What was called in one place.
#[derive(Default)]
struct Called<'a> {
    time: Duration,
    /// By name.
    calls: BTreeMap<&'a Arc<str>, Called<'a>>,
}

/// The whole, under this name, of all stacks.
pub(super) fn shares(name: &str, stacks: &[Stack]) -> Share {
    let mut whole = Called::default();
    for stack in stacks {
        whole.time += stack.time;
        let mut place = &mut whole;
        for frame in &stack.frames {
            place = place.calls.entry(frame).or_default();
            place.time += stack.time;
        }
    }
    whole.share(name.into())
}

impl Called<'_> {
    fn share(self, name: Arc<str>) -> Share {
        let children = self.calls.into_iter().map(|(name, called)| called.share(Arc::clone(name))).collect();
        Share { name, time: self.time, children }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(share: &Share, level: usize, into: &mut Vec<String>) {
        into.push(format!("{}{} {}", "  ".repeat(level), share.name, share.time.as_millis()));
        share.children.iter().for_each(|child| lines(child, level + 1, into));
    }

    #[test]
    fn what_begins_alike_stands_on_the_same_until_it_parts() {
        let stack = |frames: &str, ms| Stack {
            frames: frames.split(' ').map(Arc::from).collect(),
            time: Duration::from_millis(ms),
        };
        let stacks = [stack("main run write", 3), stack("main run", 2), stack("pool hash", 9), stack("main open", 1)];
        let mut told = Vec::new();
        lines(&shares("all", &stacks), 0, &mut told);
        let expected = ["all 15", "  main 6", "    open 1", "    run 5", "      write 3", "  pool 9", "    hash 9"];
        assert_eq!(told, expected);
        assert_eq!(shares("all", &[]).time, Duration::ZERO);
    }
}
