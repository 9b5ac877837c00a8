//! People, as the configuration names them: `groups`, and who may push.

use std::collections::BTreeSet;

use super::Reader;
use crate::{
    config::Pushers,
    manifest::{NodeId, Value},
    push::is_name,
    text,
};

/// How somebody is named.
const NAMES: &str = "write names of people as in `[ana, jenkins-bot]`: letters, digits and `._@+-`";

impl Reader<'_> {
    /// `groups: {ops: [ana, ben]}`.
    pub(super) fn groups(&mut self, root: NodeId) {
        let Some((_, groups)) = self.tree.get(root, "groups") else { return };
        if !matches!(self.tree.value(groups), Value::Mapping(_)) {
            let help = "write one name a line, as in `ops: [ana, ben]`";
            return self.wrong(self.tree.span(groups), "`groups` is no mapping", help);
        }
        for (key, value) in self.tree.entries(groups) {
            let name = self.tree.scalar(*key).map_or("", |(name, _)| name);
            if !is_name(name) {
                let message = format!("`{}` cannot be the name of a group", text::excerpt(name, 40));
                self.wrong(
                    self.tree.span(*key),
                    &message,
                    "write it with letters, digits and `-`, as in `ops`",
                );
            } else if let Some(people) = self.people(*value, &format!("the group `{name}`")) {
                self.groups.insert(name.to_owned(), people);
            }
        }
    }

    /// `policy: {pushers: [jenkins-bot, "@ops"]}`.
    pub(super) fn pushers(&mut self, node: NodeId) -> Option<Pushers> {
        let policy = self.tree.get(node, "policy").map(|(_, policy)| policy);
        match policy.and_then(|policy| self.tree.get(policy, "pushers")) {
            Some((_, pushers)) => self.people(pushers, "`pushers`").map(Pushers::These),
            None => Some(Pushers::Everybody),
        }
    }

    /// A list of people and, where groups are known already, of those in groups.
    fn people(&mut self, node: NodeId, what: &str) -> Option<BTreeSet<String>> {
        let Value::Sequence(items) = self.tree.value(node) else {
            self.wrong(self.tree.span(node), &format!("{what} is no list of people"), NAMES);
            return None;
        };
        let mut people = BTreeSet::new();
        for item in items {
            let word = self.tree.scalar(*item).map_or("", |(word, _)| word);
            match word.strip_prefix('@') {
                Some(group) => match self.groups.get(group) {
                    Some(members) => people.extend(members.iter().cloned()),
                    None => {
                        let message = format!("there is no group `{}`", text::excerpt(group, 40));
                        let known = self.groups.keys().map(String::as_str);
                        let help = match text::nearest(group, known) {
                            Some(near) => format!("did you mean `@{near}`?"),
                            None => format!(
                                "declare it above: groups: {{{}: [ana, ben]}}",
                                text::excerpt(group, 40)
                            ),
                        };
                        self.wrong(self.tree.span(*item), &message, &help);
                        return None;
                    }
                },
                None if is_name(word) => {
                    people.insert(word.to_owned());
                }
                None => {
                    let message = match word {
                        "" => format!("an item of {what} is nobody's name"),
                        word => format!("`{}` is nobody's name", text::excerpt(word, 40)),
                    };
                    self.wrong(self.tree.span(*item), &message, NAMES);
                    return None;
                }
            }
        }
        Some(people)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        super::{read, tests::GOOD},
        Pushers,
    };

    fn pushers(groups: &str, pushers: &str) -> Result<Option<Vec<String>>, String> {
        let text = format!("{groups}{GOOD}    policy: {{pushers: {pushers}}}\n");
        let read = read(Path::new("instate.yaml"), &text);
        let read = read.map_err(|error| error.findings[0].message.clone())?;
        Ok(match read.environments[0].pushers.clone() {
            Pushers::Everybody => None,
            Pushers::These(people) => Some(people.into_iter().collect()),
        })
    }

    #[test]
    fn who_may_push_is_named_one_by_one_and_in_groups() {
        let groups = "groups: {ops: [ana, ben], all: [cleo, \"@ops\"]}\n";
        let names = |names: &[&str]| Ok(Some(names.iter().map(|name| (*name).to_owned()).collect()));
        assert_eq!(pushers(groups, "[jenkins-bot, \"@ops\"]"), names(&["ana", "ben", "jenkins-bot"]));
        assert_eq!(pushers(groups, "[\"@all\"]"), names(&["ana", "ben", "cleo"]));
        assert_eq!(pushers("", "[ana@example.com]"), names(&["ana@example.com"]));
        // Nobody may: not even by a list that was forgotten.
        assert_eq!(pushers("", "[]"), names(&[]));
        let none = read(Path::new("instate.yaml"), GOOD).expect("it is right");
        assert_eq!(none.environments[0].pushers, Pushers::Everybody);
    }

    #[test]
    fn nobody_is_let_in_by_a_list_that_says_something_else() {
        for (groups, list, says) in [
            ("", "ana", "`pushers` is no list of people"),
            ("", "", "`pushers` is no list of people"),
            ("", "[ana, a b]", "`a b` is nobody's name"),
            ("", "[[ana]]", "an item of `pushers` is nobody's name"),
            ("", "[\"@ops\"]", "there is no group `ops`"),
            ("groups: {ops: [ana]}\n", "[\"@opps\"]", "there is no group `opps`"),
            ("groups: [ops]\n", "[ana]", "`groups` is no mapping"),
            ("groups: {ops: ana}\n", "[ana]", "the group `ops` is no list of people"),
            ("groups: {\"@ops\": [ana]}\n", "[ana]", "`@ops` cannot be the name of a group"),
        ] {
            assert_eq!(pushers(groups, list), Err(says.to_owned()), "{groups}{list}");
        }
    }
}
