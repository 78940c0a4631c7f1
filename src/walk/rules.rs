//! The rules by which git ignores files: a chain from the innermost .gitignore out to the user's excludes file. It does
//! not know what a walk does with the answer.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder, gitconfig_excludes_path};
use sha2::{Digest as _, Sha256};

use super::tracked::{Tracked, git_dir};
use crate::disk::{Disk, Sort};

/// The rules that hold in one folder. Cheap to clone; folders share those of the folders above.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    innermost: Option<Arc<Level>>,
    /// What the repository has in its index, to which they do not apply.
    tracked: Option<Arc<Tracked>>,
}

#[derive(Debug)]
struct Level {
    base: PathBuf,
    text: Vec<u8>,
    /// Put together when somebody asks first: nobody does where all is as it was.
    matcher: OnceLock<Gitignore>,
    outer: Rules,
    /// The SHA-256 of all that these rules and the outer ones are made of.
    digest: [u8; 32],
}

/// The user's excludes file, which is read once.
#[derive(Debug, Default)]
pub struct OfUser(OnceLock<Option<Vec<u8>>>);

impl OfUser {
    /// Its rules, as they hold below a folder.
    fn rules(&self, base: &Path) -> Rules {
        let text = self.0.get_or_init(|| gitconfig_excludes_path().and_then(|path| fs::read(path).ok()));
        text.as_ref().map_or_else(Rules::default, |text| Rules::default().with_text(base, text))
    }
}

impl Rules {
    /// The rules that the folders above `area` make for it: from the top of its repository down. Where they ignore
    /// `area` itself, and where there is no repository, only the user's excludes file counts.
    pub fn above(disk: &Disk, user: &OfUser, area: &Path) -> Self {
        let is_top = |folder: &&Path| fs::symlink_metadata(folder.join(".git")).is_ok();
        let Some(top) = area.ancestors().find(is_top) else { return user.rules(area) };
        let mut rules = user.rules(top);
        let mut path: Vec<&Path> = area.ancestors().take_while(|folder| folder.starts_with(top)).collect();
        path.reverse();
        for pair in path.windows(2) {
            let [folder, below] = pair else { continue };
            rules = rules.found_in(disk, folder);
            if rules.ignore(below, true) {
                return user.rules(area);
            }
        }
        rules
    }

    /// The rules in `folder`, when one has not listed it.
    pub fn found_in(&self, disk: &Disk, folder: &Path) -> Self {
        let is_file = |path: PathBuf| disk.look(&path).is_ok_and(|look| look.sort == Sort::File);
        let is_top = fs::symlink_metadata(folder.join(".git")).is_ok();
        self.within((disk, folder), is_top, is_file(folder.join(".gitignore")))
    }

    /// The rules in `folder`, when these are those of the folder above: with the `info/exclude` of a repository
    /// whose top it is, and with its .gitignore. (git does not follow a .gitignore that is a symbolic link.)
    pub fn within(&self, (disk, folder): (&Disk, &Path), is_top: bool, has_gitignore: bool) -> Self {
        let mut rules = self.clone();
        if is_top {
            rules.tracked = Some(Tracked::new(folder).into());
        }
        if let Some(exclude) = is_top.then(|| exclude_file(folder)).flatten() {
            rules = rules.with(disk, folder, &exclude);
        }
        if has_gitignore {
            rules = rules.with(disk, folder, &folder.join(".gitignore"));
        }
        rules
    }

    /// A file that cannot be read has no rules, as for git: more files count as inputs then, never fewer.
    fn with(self, disk: &Disk, base: &Path, file: &Path) -> Self {
        match disk.read(file) {
            Ok(text) => self.with_text(base, &text),
            Err(_) => self,
        }
    }

    fn with_text(self, base: &Path, text: &[u8]) -> Self {
        if lines(text).all(|line| line.trim_ascii().is_empty() || line.starts_with(b"#")) {
            return self;
        }
        let mut digest = Sha256::new_with_prefix(self.digest());
        [base.as_os_str().as_encoded_bytes(), b"\0", text].into_iter().for_each(|part| digest.update(part));
        let digest = digest.finalize().into();
        let (base, text, matcher) = (base.to_owned(), text.to_owned(), OnceLock::new());
        let tracked = self.tracked.clone();
        Self { innermost: Some(Arc::new(Level { base, text, matcher, outer: self, digest })), tracked }
    }

    /// The SHA-256 of all that they are made of.
    pub fn digest(&self) -> [u8; 32] {
        self.innermost.as_ref().map_or([0; 32], |level| level.digest)
    }

    /// What the repository has in its index, if there is one.
    pub fn tracked(&self) -> Option<&Tracked> {
        self.tracked.as_deref()
    }

    /// Whether git ignores the file or folder at `path` unless it is tracked, given that it does not ignore the folder it is in.
    pub fn ignore(&self, path: &Path, is_dir: bool) -> bool {
        let mut rules = self;
        while let Some(level) = &rules.innermost {
            let matcher = level.matcher.get_or_init(|| matcher(&level.base, &level.text));
            match matcher.matched(path, is_dir) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => rules = &level.outer,
            }
        }
        false
    }
}

/// `info/exclude` of the repository whose top is `folder`; that of a worktree is in the main one.
fn exclude_file(folder: &Path) -> Option<PathBuf> {
    let dir = git_dir(folder)?;
    let shared = fs::read_to_string(dir.join("commondir")).ok().map(|shared| dir.join(shared.trim()));
    Some(shared.unwrap_or(dir).join("info/exclude"))
}

/// The lines of a file of rules.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn matcher(base: &Path, text: &[u8]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(base);
    builder.allow_unclosed_class(false);
    for line in lines(text) {
        let rule = str::from_utf8(line).ok().and_then(as_git_reads);
        let rule = rule.or(line.starts_with(b"!").then_some(Cow::Borrowed(EVERYTHING_BACK)));
        if let Some(rule) = rule {
            // What is no glob to globset matches nothing for git.
            let _ = builder.add_line(None, &rule);
        }
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// Stands for a rule that brings files back and is not understood. (One that ignores files is left out.) Both ways more
/// files count than git would say, and never fewer.
const EVERYTHING_BACK: &str = "!**";

/// The rule in the words of globset, where that means something else by the same characters: braces are only braces to
/// git, and a negated class never matches a slash. `None` for a rule that is not understood.
fn as_git_reads(line: &str) -> Option<Cow<'_, str>> {
    let line = without_spaces_after(line);
    if line.starts_with('#') || !line.contains(['{', '}', '[']) {
        return Some(Cow::Borrowed(line));
    }
    let (mark, rule) = line.split_at(usize::from(line.starts_with('!')));
    let mut read = mark.to_owned();
    // A slash, which is to come into a class, would tie the rule to this folder.
    if !rule.trim_end_matches('/').contains('/') {
        read.push_str("**/");
    }
    let mut rest = rule.chars();
    while let Some(next) = rest.next() {
        match next {
            '\\' => read.extend(['\\'].into_iter().chain(rest.next())),
            '{' => read.push_str("[{]"),
            '}' => read.push_str("[}]"),
            '[' => {
                let (class, after) = class(rest.as_str())?;
                read.push_str(&class);
                rest = after.chars();
            }
            other => read.push(other),
        }
    }
    Some(Cow::Owned(read))
}

/// Spaces at the end are no part of a rule, except an escaped one.
fn without_spaces_after(line: &str) -> &str {
    let rule = line.trim_end_matches(' ');
    let escapes = rule.len() - rule.trim_end_matches('\\').len();
    if escapes % 2 == 1 { line.get(..=rule.len()).unwrap_or(line) } else { rule }
}

/// The class after a `[`, and what follows it. Not understood: an unclosed one, escapes, `[:alpha:]`, and a negated one
/// that ends with a dash.
fn class(text: &str) -> Option<(String, &str)> {
    let negated = text.strip_prefix(['!', '^']);
    let body = negated.unwrap_or(text);
    // A `]` that comes first is a member.
    let first = body.chars().next()?.len_utf8();
    let (members, after) = body.split_at(first + body[first..].find(']')?);
    if members.contains(['\\', '[', '/']) || (negated.is_some() && members.ends_with('-')) {
        return None;
    }
    let class = if negated.is_some() { format!("[!{members}/]") } else { format!("[{members}]") };
    Some((class, after.strip_prefix(']')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_mean_what_they_mean_to_git() {
        let read = |line| as_git_reads(line).map(Cow::into_owned);
        assert_eq!(read("*.{o,a}").unwrap(), "**/*.[{]o,a[}]");
        assert_eq!(read(r"\{a[!b]").unwrap(), r"**/\{a[!b/]");
        assert_eq!(read("[]a]x[^-]").as_deref(), None);
        assert_eq!(read("[]a]x").unwrap(), "**/[]a]x");
        assert_eq!(read("/[!a]/").unwrap(), "/[!a/]/");
        assert_eq!(read("[!a]/ ").unwrap(), "**/[!a/]/");
        assert_eq!(read(r"a\   ").unwrap(), r"a\ ");
        assert_eq!(read(r"a\\  ").unwrap(), r"a\\");
        assert_eq!(read("[[:space:]]").as_deref(), None);
        assert_eq!(read("!a[[:space:]]").as_deref(), None);
        assert_eq!(read("[abc").as_deref(), None);
        assert_eq!(read("[é]").unwrap(), "**/[é]");
    }

    #[test]
    fn a_broken_line_leaves_the_others_in_force() {
        let text = b"\xef\xbb\xbf*.o\r\n\xff\xfe\n[z-a]\n# comment\n*.log \n!keep.log\n";
        let matcher = matcher(Path::new("/w"), text);
        assert_eq!(matcher.num_ignores(), 2);
        assert!(matcher.matched("/w/a/x.o", false).is_ignore());
        assert!(matcher.matched("/w/x.log", false).is_ignore());
        assert!(matcher.matched("/w/keep.log", false).is_whitelist());

        let matcher = super::matcher(Path::new("/w"), b"*.log\n![[:space:]]\n*.o");
        assert!(matcher.matched("/w/a/x.log", false).is_whitelist());
        assert!(matcher.matched("/w/a/x.o", false).is_ignore());
    }
}
