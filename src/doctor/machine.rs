//! The files of the machine itself, as far as this user may read them.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

/// Bytes of one file.
const LARGEST: u64 = 1 << 20;
/// So many files a pattern stands for.
const MOST: usize = 1000;

/// A machine, by where its files are.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

/// An account of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub name: String,
    pub home: PathBuf,
    pub shell: String,
}

impl Machine {
    /// The machine whose files are below `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where the file is that the machine calls `path`.
    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// The text of a file; `None` where there is none that may be read, or it is too large to be meant.
    pub(super) fn read(&self, path: impl AsRef<Path>) -> Option<String> {
        let path = self.at(path.as_ref());
        // Opening something else, as a pipe, could wait for ever.
        fs::metadata(&path).ok().filter(|found| found.is_file() && found.len() <= LARGEST)?;
        let mut bytes = Vec::new();
        File::open(&path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn is_there(&self, path: impl AsRef<Path>) -> bool {
        fs::symlink_metadata(self.at(path.as_ref())).is_ok()
    }

    /// The files that a pattern with `*` and `?` names, in the order of their names.
    pub(super) fn named(&self, pattern: &str) -> Vec<PathBuf> {
        let mut found = vec![PathBuf::from("/")];
        for part in pattern.split('/').filter(|part| !part.is_empty()) {
            let below = |folder: &PathBuf| -> Vec<PathBuf> {
                if !part.contains(['*', '?']) {
                    return vec![folder.join(part)];
                }
                let entries = fs::read_dir(self.at(folder)).into_iter().flatten().flatten().take(MOST);
                let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
                let mut names: Vec<String> =
                    names.filter(|name| !name.starts_with('.') && matches(part, name)).collect();
                names.sort();
                names.into_iter().map(|name| folder.join(name)).collect()
            };
            found = found.iter().flat_map(below).take(MOST).collect();
        }
        found.retain(|path| self.is_there(path));
        found
    }

    /// The account that this runs as, by the machine's list.
    pub(super) fn account(&self) -> Option<Account> {
        let uid = rustix::process::geteuid().as_raw().to_string();
        let list = self.read("/etc/passwd")?;
        list.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, number, _, _, home, shell] = fields[..] else { return None };
            (number == uid).then(|| Account {
                name: name.to_owned(),
                home: home.into(),
                shell: shell.to_owned(),
            })
        })
    }

    /// Whether systemd runs it.
    pub(super) fn has_systemd(&self) -> bool {
        self.is_there("/run/systemd/system")
    }
}

/// Where the file system is mounted that a file is on, on the machine that this runs on.
pub(super) fn mount_point(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    // Blanks and the like are written as octal numbers; such a mount is not named.
    let points =
        table.lines().filter_map(|line| line.split(' ').nth(4)).filter(|point| !point.contains('\\'));
    points.filter(|point| path.starts_with(point)).max_by_key(|point| point.len()).map(PathBuf::from)
}

/// Whether a pattern of `*`, `?` and letters stands for a name.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // Where to go on after the last `*`, so that no pattern takes long.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_stands_for_what_a_shell_would_take_it_for() {
        for (pattern, name) in
            [("*.conf", "a.conf"), ("*", ""), ("G?T_*", "GIT_DIR"), ("a*b*c", "aXbYbZc"), ("abc", "abc")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.conf", "a.con"), ("", "a"), ("a*b", "ac"), ("?", ""), ("GIT_*", "LC_ALL")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
