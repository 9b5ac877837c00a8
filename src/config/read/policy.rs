//! `policy` of an environment: what its rules let a push do.

use super::{Keys, Reader};
use crate::{
    config::{Deletions, Most, Silence, Target},
    finding::Code,
    manifest::{NodeId, Resolved, Value},
    text,
};

const POLICY: Keys = Keys {
    known: &["silence", "delete", "pushers", "pull_request"],
    later: &[
        "signatures",
        "force_push",
        "namespaces",
        "cluster_scoped",
        "images",
        "plaintext_secrets",
        "freeze",
        "admission",
    ],
};
const DELETE: Keys = Keys { known: &["max", "protect"], later: &[] };

impl Reader<'_> {
    /// `policy: {silence: [I0308, "I03*"]}`.
    pub(super) fn silence(&mut self, node: NodeId) -> Option<Silence> {
        let Some((_, policy)) = self.tree.get(node, "policy") else { return Some(Silence::default()) };
        self.keys(policy, "`policy`", &POLICY);
        let Some((_, codes)) = self.tree.get(policy, "silence") else { return Some(Silence::default()) };
        let Value::Sequence(items) = self.tree.value(codes) else {
            let help = "write the codes as in `[I0308, \"I03*\"]`";
            self.wrong(self.tree.span(codes), "`silence` is no list of codes", help);
            return None;
        };
        let mut found = Vec::new();
        for item in items {
            let word = self.tree.scalar(*item).map_or("", |(word, _)| word);
            let is_meant = |code: &&Code| match word.strip_suffix('*') {
                Some(begin) => code.number().starts_with(begin),
                None => code.number() == word,
            };
            let before = found.len();
            found.extend(Code::ALL.iter().filter(is_meant));
            if found.len() == before {
                let message = match word {
                    "" => "an item of `silence` is no code of a finding".to_owned(),
                    word => format!("`{}` is no code of a finding", text::excerpt(word, 40)),
                };
                let help = match Code::nearest(word) {
                    Some(near) => format!("did you mean `{}`?", near.number()),
                    None => "all codes are listed by: instate explain".to_owned(),
                };
                self.wrong(self.tree.span(*item), &message, &help);
                return None;
            }
        }
        Some(Silence::Codes(found))
    }

    /// `policy: {delete: {max: 25%, protect: [Namespace]}}`.
    pub(super) fn delete(&mut self, node: NodeId, target: Option<&Target>) -> Option<Deletions> {
        let policy = self.tree.get(node, "policy").map(|(_, policy)| policy);
        let Some((key, delete)) = policy.and_then(|policy| self.tree.get(policy, "delete")) else {
            return Some(Deletions::default());
        };
        self.keys(delete, "`delete`", &DELETE);
        if let Some(Target::Directory(_)) = target {
            let help = "remove it: what a folder holds comes back with a revert";
            self.wrong(self.tree.span(key), "`delete` is about a cluster, and this is a folder", help);
            return None;
        }
        let mut deletions = Deletions::default();
        if let Some((_, max)) = self.tree.get(delete, "max") {
            let share = |text: &str| text.strip_suffix('%')?.parse().ok().filter(|share| *share <= 100);
            deletions.max = match self.tree.resolve(max) {
                Resolved::Int(number) => usize::try_from(number).ok().map(Most::Objects),
                Resolved::Text(text) => share(text).map(Most::Percent),
                _ => None,
            };
            if deletions.max.is_none() {
                let help = "write a number, or a share of what runs as in `25%`";
                self.wrong(self.tree.span(max), "`max` is no number of objects", help);
                return None;
            }
        }
        if let Some((_, protect)) = self.tree.get(delete, "protect") {
            let is_kind = |word: &str| {
                word.starts_with(|c: char| c.is_ascii_uppercase())
                    && word.chars().all(|c| c.is_ascii_alphanumeric())
            };
            let kind = |item: &NodeId| {
                let (word, _) = self.tree.scalar(*item)?;
                is_kind(word).then(|| word.to_owned())
            };
            let kinds: Option<Vec<String>> = match self.tree.value(protect) {
                Value::Sequence(items) => items.iter().map(kind).collect(),
                _ => None,
            };
            if kinds.is_none() {
                let help = "write kinds as in `[Namespace, PersistentVolumeClaim]`";
                self.wrong(self.tree.span(protect), "`protect` is no list of kinds", help);
                return None;
            }
            deletions.protect = kinds;
        }
        Some(deletions)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        super::{read, tests::GOOD},
        Code, Deletions, Most, Silence,
    };

    #[test]
    fn what_may_be_silenced_is_named_by_codes_and_their_beginnings() {
        let with = |policy: &str| {
            let config = read(Path::new("instate.yaml"), &format!("{GOOD}{policy}")).expect("it is right");
            config.environments[0].silence.clone()
        };
        for policy in ["", "    policy: {}\n"] {
            assert_eq!(with(policy), Silence::Warnings);
        }
        assert_eq!(with("    policy: {silence: []}\n"), Silence::Codes(Vec::new()));
        assert_eq!(
            with("    policy: {silence: [I0301, \"I040*\"]}\n"),
            Silence::Codes(
                Code::ALL
                    .iter()
                    .copied()
                    .filter(|c| c.number() == "I0301" || c.number().starts_with("I040"))
                    .collect()
            )
        );
    }

    #[test]
    fn how_much_a_push_may_delete_is_a_number_or_a_share_and_of_a_cluster_alone() {
        let good = GOOD.replace("{directory: /srv/manifests/production}", "{kubernetes: {kubeconfig: /k}}");
        let with = |policy: &str| {
            let text = format!("{good}    policy: {{delete: {policy}}}\n");
            read(Path::new("instate.yaml"), &text).map(|config| config.environments[0].delete.clone())
        };
        let most = |max: &str| with(&format!("{{max: {max}}}")).expect("it is right").max;
        assert_eq!(most("25%"), Some(Most::Percent(25)));
        assert_eq!(most("\"0%\""), Some(Most::Percent(0)));
        assert_eq!(most("3"), Some(Most::Objects(3)));
        assert_eq!((Most::Percent(25).of(11), Most::Objects(3).of(2)), (2, 3));
        let protect = with("{protect: [Namespace, StatefulSet]}").expect("it is right").protect;
        assert_eq!(protect.as_deref(), Some(&["Namespace".to_owned(), "StatefulSet".to_owned()][..]));
        assert_eq!(with("{}"), Ok(Deletions::default()));
        let wrong = |policy: &str| with(policy).expect_err("it is wrong").findings[0].message.clone();
        for max in ["101%", "-1", "many", "25 %", "0.5", "[]", "\"3\""] {
            assert_eq!(wrong(&format!("{{max: {max}}}")), "`max` is no number of objects", "{max}");
        }
        for kinds in ["Namespace", "[pods]", "[[]]", "[Namespace, 1]", "[apps/Deployment]"] {
            assert_eq!(wrong(&format!("{{protect: {kinds}}}")), "`protect` is no list of kinds", "{kinds}");
        }
        assert_eq!(wrong("{most: 3}"), "unknown key `most` in `delete`");
        let folder = format!("{GOOD}    policy: {{delete: {{max: 3}}}}\n");
        let error = read(Path::new("instate.yaml"), &folder).expect_err("it is wrong");
        assert_eq!(error.findings[0].message, "`delete` is about a cluster, and this is a folder");
    }
}
