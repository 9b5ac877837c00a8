//! What somebody confirmed in the message of a commit, so that the confirmation is a part of the truth:
//! `Allow-Delete: Namespace/shop`.

use std::collections::BTreeSet;

use gix::{ObjectId, objs::commit::MessageRef};

use crate::{error::Result, manifest::ObjectKey, record::Begun, text, tree::Objects};

/// Stands for everything that has no protection of its own.
const ALL: &str = "all";
/// So many confirmations are read.
const MOST: usize = 10_000;

/// What may be done that is refused otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Of objects that name none.
    namespace: String,
    deletes: BTreeSet<String>,
    replaces: BTreeSet<String>,
    /// Where it is gone back: what was there before, and was nobody's.
    found: Option<BTreeSet<String>>,
}

/// Why an object stays although it is no longer wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spared {
    /// It was there before, and in the inventory.
    AsBefore,
    /// It was there before, and was nobody's: it leaves the inventory again.
    Foreign,
    /// The inventory is in it.
    Ground,
}

impl Confirmed {
    /// Nothing so far, for an environment whose objects are in `namespace` where they name none.
    fn new(namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..Self::default() }
    }

    /// What going back may do without a word in a commit: take away again what was begun, and nothing else.
    #[must_use]
    pub fn going_back(begun: &Begun, namespace: &str) -> Self {
        let short = |names: &BTreeSet<String>| names.iter().map(|name| without(name, namespace)).collect();
        let mut deletes: BTreeSet<String> = short(&begun.created);
        deletes.insert(ALL.to_owned());
        let found = Some(short(&begun.found));
        Self { namespace: namespace.to_owned(), deletes, replaces: short(&begun.replaced), found }
    }

    /// The same where something was begun that does not run: to take that away again needs no word in a commit.
    #[must_use]
    pub fn but_for(mut self, begun: &Begun) -> Self {
        let short = |name: &String| without(name, &self.namespace);
        let (created, replaced): (Vec<_>, Vec<_>) =
            (begun.created.iter().map(short).collect(), begun.replaced.iter().map(short).collect());
        self.deletes.extend(created);
        self.replaces.extend(replaced);
        self
    }

    /// What somebody names on the server, as a trailer would.
    #[must_use]
    pub fn of(deletions: &[String], namespace: &str) -> Self {
        let mut confirmed = Self::new(namespace);
        confirmed.deletes = deletions.iter().map(|name| without(name, namespace)).collect();
        confirmed
    }

    /// What the commits confirm that `to` has and `from` has not; `to` alone where there is nothing to begin from.
    ///
    /// # Errors
    /// The history cannot be read.
    pub fn between(objects: &Objects, from: Option<ObjectId>, to: ObjectId, namespace: &str) -> Result<Self> {
        let mut confirmed = Self::new(namespace);
        objects.messages(from, to, |message| confirmed.add(message))?;
        Ok(confirmed)
    }

    /// Reads the trailers of a commit's message.
    fn add(&mut self, message: &[u8]) {
        let Some(body) = MessageRef::from_bytes(message).body() else { return };
        for trailer in body.trailers() {
            let said = match trailer.token {
                token if token.eq_ignore_ascii_case(b"Allow-Delete") => &mut self.deletes,
                token if token.eq_ignore_ascii_case(b"Allow-Replace") => &mut self.replaces,
                _ => continue,
            };
            let value = String::from_utf8_lossy(&trailer.value);
            let names = value.split(',').map(str::trim).filter(|name| !name.is_empty());
            let room = MOST.saturating_sub(said.len());
            said.extend(names.take(room).map(|name| without(name, &self.namespace)));
        }
    }

    /// Whether an object may be deleted that is protected.
    #[must_use]
    pub fn deletes(&self, key: &ObjectKey) -> bool {
        self.deletes.contains(&without(&name(key), &self.namespace))
    }

    /// Whether it is gone back from what was begun.
    #[must_use]
    pub fn is_going_back(&self) -> bool {
        self.found.is_some()
    }

    /// Whether an object stays although it is no longer wanted, and why.
    #[must_use]
    pub fn spares(&self, key: &ObjectKey) -> Option<Spared> {
        let (found, name) = (self.found.as_ref()?, without(&name(key), &self.namespace));
        if found.contains(&name) {
            return Some(Spared::Foreign);
        }
        if !self.deletes.contains(&name) {
            return Some(Spared::AsBefore);
        }
        (name == format!("Namespace/{}", self.namespace)).then_some(Spared::Ground)
    }

    /// Whether an object may be deleted and created anew where a field of it cannot be changed.
    #[must_use]
    pub fn replaces(&self, key: &ObjectKey) -> bool {
        self.replaces.contains(&without(&name(key), &self.namespace))
    }

    /// Whether any number of objects may be deleted, except what is protected.
    #[must_use]
    pub fn deletes_many(&self) -> bool {
        self.deletes.contains(ALL)
    }
}

/// An object as a confirmation names it: `Namespace/shop`, `PersistentVolumeClaim/shop/data`.
#[must_use]
pub fn name(key: &ObjectKey) -> String {
    match &key.namespace {
        Some(namespace) => format!("{}/{namespace}/{}", key.kind, key.name),
        None => format!("{}/{}", key.kind, key.name),
    }
}

/// A name without the namespace that goes without saying.
fn without(name: &str, namespace: &str) -> String {
    match name.splitn(3, '/').collect::<Vec<_>>().as_slice() {
        [kind, of, name] if *of == namespace => format!("{kind}/{name}"),
        _ => name.to_owned(),
    }
}

/// How the deletion of an object is confirmed.
#[must_use]
pub fn deletion(key: &ObjectKey) -> String {
    trailer("Allow-Delete", &name(key))
}

/// What to do about a field that cannot be changed.
#[must_use]
pub fn anew(key: &ObjectKey) -> String {
    format!(
        "leave the field as it runs, or give the new {} another name; to have it deleted and made anew: {}",
        text::excerpt(&key.kind, 63),
        trailer("Allow-Replace", &name(key))
    )
}

/// How the deletion of many objects is confirmed.
#[must_use]
pub fn deletion_of_many() -> String {
    trailer("Allow-Delete", ALL)
}

fn trailer(token: &str, value: &str) -> String {
    let is_plain = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '.' | ':'));
    if is_plain {
        return format!("git commit --amend --no-edit --trailer \"{token}: {value}\"");
    }
    // A name may hold what a shell would obey.
    format!("end the commit's message with a line `{token}: {}`", text::excerpt(value, 300))
}

#[cfg(test)]
mod tests {
    use super::{Confirmed, Spared};
    use crate::manifest::ObjectKey;

    fn key(kind: &str, namespace: Option<&str>, name: &str) -> ObjectKey {
        let (kind, name) = (kind.to_owned(), name.to_owned());
        ObjectKey { group: String::new(), kind, namespace: namespace.map(ToOwned::to_owned), name }
    }

    fn confirmed(message: &str) -> Confirmed {
        let mut confirmed = Confirmed::new("web");
        confirmed.add(message.as_bytes());
        confirmed
    }

    #[test]
    fn what_is_confirmed_is_named_in_the_last_lines_of_a_message_and_nothing_else_is_meant() {
        let namespace = key("Namespace", None, "shop");
        let claim = key("PersistentVolumeClaim", Some("shop"), "data");
        let said = confirmed(
            "The shop closes\n\nFor good.\n\nAllow-Delete: Namespace/shop\nallow-delete: PersistentVolumeClaim/shop/data, ConfigMap/shop/a\n",
        );
        assert!(said.deletes(&namespace) && said.deletes(&claim) && !said.deletes_many());
        assert!(!said.replaces(&namespace) && !said.deletes(&key("Namespace", None, "shop2")));
        // In another namespace it is another object.
        assert!(!said.deletes(&key("PersistentVolumeClaim", Some("other"), "data")));
        let short = confirmed("a\n\nAllow-Delete: PersistentVolumeClaim/data");
        assert!(!short.deletes(&claim));
        for namespace in [Some("web"), None] {
            assert!(short.deletes(&key("PersistentVolumeClaim", namespace, "data")));
        }
        for message in [
            "Allow-Delete: Namespace/shop",
            "a\n\nAllow-Delete: Namespace/shop\n\nand more about it\n",
            "a\n\nhe wrote Allow-Delete: Namespace/shop\n",
            "a\n\nAllow-Replace: Namespace/shop\n",
            "a\n\nAllow-Delete:\n",
            "a\n\nAllow-Delete: all\n",
        ] {
            assert!(!confirmed(message).deletes(&namespace), "{message}");
        }
        assert!(confirmed("a\n\nAllow-Delete: all\n").deletes_many());
        assert!(confirmed("a\n\nAllow-Replace: Namespace/shop\n").replaces(&namespace));
    }

    #[test]
    fn going_back_takes_away_what_was_begun_and_spares_all_else() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let back = Confirmed {
            namespace: "web".to_owned(),
            deletes: names(&["PersistentVolumeClaim/data", "Namespace/web", "Namespace/other"]),
            found: Some(names(&["ConfigMap/theirs"])),
            ..Confirmed::default()
        };
        let spares = |kind: &str, namespace, name: &str| back.spares(&key(kind, namespace, name));
        assert_eq!(spares("PersistentVolumeClaim", Some("web"), "data"), None);
        assert_eq!(spares("Namespace", None, "other"), None);
        assert_eq!(spares("Namespace", None, "web"), Some(Spared::Ground));
        assert_eq!(spares("ConfigMap", Some("web"), "theirs"), Some(Spared::Foreign));
        assert_eq!(spares("ConfigMap", Some("web"), "long-there"), Some(Spared::AsBefore));
        assert_eq!(
            confirmed("a\n\nAllow-Delete: ConfigMap/theirs\n").spares(&key("ConfigMap", None, "theirs")),
            None
        );
    }

    #[test]
    fn what_is_told_to_confirm_something_confirms_it_and_is_nothing_that_a_shell_obeys() {
        for (name, is_command) in
            [("web", true), ("system:node", true), ("$(reboot)", false), ("a\"b", false), ("a b", false)]
        {
            for namespace in [None, Some("web"), Some("shop")] {
                let key = key("RoleBinding", namespace, name);
                let told = super::deletion(&key);
                assert_eq!(told.starts_with("git commit"), is_command, "{told}");
                let from = told.find("Allow-Delete").expect("it is there");
                let line = told[from..].trim_end_matches(['"', '`']);
                assert!(confirmed(&format!("a\n\n{line}\n")).deletes(&key), "{told}");
            }
        }
    }
}
