//! What an object asks of the order in which it is deployed, by the annotations that people have already.

use serde::{Deserialize, Serialize};

use super::read::Field;
use crate::{source::Span, text};

/// So many names, groups or rules of one object are kept.
const MOST: usize = 100;

/// Our own annotation: `Deployment/web, Job/prod/migrate`.
const AFTER: &str = "instate.dev/after";
/// That of kpt and Config Sync: `apps/namespaces/shop/Deployment/web`.
const DEPENDS_ON: &str = "config.kubernetes.io/depends-on";
const SYNC_WAVE: &str = "argocd.argoproj.io/sync-wave";
const ARGO_HOOK: &str = "argocd.argoproj.io/hook";
const HELM_HOOK: &str = "helm.sh/hook";
const HELM_WEIGHT: &str = "helm.sh/hook-weight";
const CHANGE_GROUP: &str = "kapp.k14s.io/change-group";
const CHANGE_RULE: &str = "kapp.k14s.io/change-rule";

/// What an object asks of the order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wishes {
    /// What has to be healthy before it.
    pub after: Box<[After]>,
    /// Where it stands among those that have a number.
    pub wave: Option<(Wave, Asked)>,
    /// Names of groups that it is in.
    pub groups: Box<[Box<str>]>,
    /// What it has to do with groups.
    pub rules: Box<[Rule]>,
    /// What cannot be understood.
    pub wrong: Box<[Wrong]>,
}

impl Wishes {
    /// Whether Argo CD or Helm would run it as a hook.
    #[must_use]
    pub fn is_hook(&self) -> bool {
        self.wave.is_some_and(|(_, asked)| matches!(asked.by, By::ArgoHook | By::HelmHook))
    }
}

/// An annotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Asked {
    /// Which one.
    pub by: By,
    /// Where its value stands.
    pub at: Span,
}

/// The annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum By {
    /// `instate.dev/after`.
    After,
    /// `config.kubernetes.io/depends-on`.
    DependsOn,
    /// `argocd.argoproj.io/sync-wave`.
    SyncWave,
    /// `argocd.argoproj.io/hook`.
    ArgoHook,
    /// `helm.sh/hook`.
    HelmHook,
    /// `kapp.k14s.io/change-rule`.
    ChangeRule,
}

impl By {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::After => AFTER,
            Self::DependsOn => DEPENDS_ON,
            Self::SyncWave => SYNC_WAVE,
            Self::ArgoHook => ARGO_HOOK,
            Self::HelmHook => HELM_HOOK,
            Self::ChangeRule => CHANGE_RULE,
        }
    }
}

/// An object that has to be healthy before.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct After {
    /// Its group, where that is said.
    pub group: Option<Box<str>>,
    /// Its kind.
    pub kind: Box<str>,
    /// Its namespace, where that is said; else it is the object's own, or none.
    pub namespace: Option<Box<str>>,
    /// Its name.
    pub name: Box<str>,
    /// The annotation.
    pub asked: Asked,
}

/// Before, with or after all that has no phase; in each, by number. What is of one begins when all that is of an
/// earlier one is healthy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Wave {
    /// The phase.
    pub phase: Phase,
    /// The number in it.
    pub number: i64,
}

/// As Argo CD and Helm divide a deployment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// `PreSync`, `pre-install`, `pre-upgrade`.
    Before,
    /// `Sync`, and what has none.
    #[default]
    With,
    /// `PostSync`, `post-install`, `post-upgrade`.
    After,
}

/// One of kapp's rules: `upsert after upserting db`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// Whether it is about deletions, and not about writes.
    pub deletes: bool,
    /// Whether the group comes after the object, and not before it.
    pub before: bool,
    /// The group.
    pub group: Box<str>,
    /// The annotation.
    pub asked: Asked,
}

/// An annotation that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wrong {
    /// What is wrong.
    pub what: Box<str>,
    /// What to do.
    pub help: Box<str>,
    /// Where.
    pub at: Span,
}

/// Reads them; most objects have none.
pub(super) fn wishes(object: Field<'_>) -> Option<Box<Wishes>> {
    let annotations = object.at(&["metadata", "annotations"])?;
    let mut reading = Reading::default();
    for (key, _, value) in annotations.entries() {
        reading.annotation(&key, value);
    }
    reading.wishes().map(Box::new)
}

#[derive(Default)]
struct Reading {
    after: Vec<After>,
    /// Argo CD's, and Helm's: each with its annotation.
    phases: [Option<(Phase, Asked)>; 2],
    numbers: [Option<(i64, Asked)>; 2],
    groups: Vec<Box<str>>,
    rules: Vec<Rule>,
    wrong: Vec<Wrong>,
}

impl Reading {
    fn annotation(&mut self, key: &str, value: Field<'_>) {
        // What is no text is refused elsewhere.
        let Some(text) = value.text() else { return };
        let asked = |by| Asked { by, at: value.span() };
        match key {
            AFTER => self.names(text, asked(By::After), after),
            DEPENDS_ON => self.names(text, asked(By::DependsOn), depends_on),
            SYNC_WAVE => self.numbers[0] = self.number(text, asked(By::SyncWave), key),
            HELM_WEIGHT => self.numbers[1] = self.number(text, asked(By::HelmHook), key),
            ARGO_HOOK => self.phases[0] = self.phase(text, asked(By::ArgoHook), argo),
            HELM_HOOK => self.phases[1] = self.phase(text, asked(By::HelmHook), helm),
            _ if is(key, CHANGE_GROUP) => self.groups.push(text.trim().into()),
            _ if is(key, CHANGE_RULE) => self.rule(text, asked(By::ChangeRule)),
            _ => {}
        }
    }

    fn names(&mut self, text: &str, asked: Asked, read: fn(&str, Asked) -> Option<After>) {
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()).take(MOST) {
            match read(name, asked) {
                Some(after) => self.after.push(after),
                None => {
                    let help = match asked.by {
                        By::After => "write Kind/name, or Kind/namespace/name",
                        _ => {
                            "write GROUP/namespaces/NAMESPACE/KIND/NAME, or GROUP/KIND/NAME of what lives in no namespace"
                        }
                    };
                    self.wrong(asked, &format!("`{}` names no object", text::excerpt(name, 80)), help);
                }
            }
        }
    }

    fn number(&mut self, text: &str, asked: Asked, key: &str) -> Option<(i64, Asked)> {
        match text.trim().parse::<i32>() {
            Ok(number) => Some((i64::from(number), asked)),
            Err(_) => {
                let what = format!("`{}` is no whole number", text::excerpt(text, 40));
                self.wrong.push(wrong(asked, key, &what, "write one, such as \"-1\" or \"5\""));
                None
            }
        }
    }

    fn phase(&mut self, text: &str, asked: Asked, of: fn(&str) -> Option<Phase>) -> Option<(Phase, Asked)> {
        let found = text.split(',').filter_map(|word| of(word.trim())).min();
        if found.is_none() {
            let what = format!("`{}` is no part of a deployment", text::excerpt(text, 60));
            let help = "instate would deploy the object with every revision: remove it, or name its file in .instateignore";
            self.wrong(asked, &what, help);
        }
        found.map(|phase| (phase, asked))
    }

    fn rule(&mut self, text: &str, asked: Asked) {
        let words: Vec<&str> = text.split_whitespace().collect();
        let rule = match words[..] {
            [what @ ("upsert" | "delete"), when @ ("after" | "before"), of, group] => match (what, of) {
                ("upsert", "upserting") | ("delete", "deleting") => Some(Rule {
                    deletes: what == "delete",
                    before: when == "before",
                    group: group.into(),
                    asked,
                }),
                // Deletions come after everything that is written, whatever is asked.
                ("upsert", "deleting") if when == "before" => return,
                ("delete", "upserting") if when == "after" => return,
                ("upsert", "deleting") | ("delete", "upserting") => {
                    let what = format!("`{}` cannot be kept", text::excerpt(text, 80));
                    return self.wrong(asked, &what, "instate deletes last: remove the rule");
                }
                _ => None,
            },
            _ => None,
        };
        match rule {
            Some(rule) => self.rules.push(rule),
            None => {
                let what = format!("`{}` is no rule", text::excerpt(text, 80));
                self.wrong(
                    asked,
                    &what,
                    "write `upsert after upserting GROUP`, or `delete before deleting GROUP`",
                );
            }
        }
    }

    fn wrong(&mut self, asked: Asked, what: &str, help: &str) {
        self.wrong.push(wrong(asked, asked.by.name(), what, help));
    }

    fn wishes(mut self) -> Option<Wishes> {
        // Argo CD reads Helm's, where it has none of its own; a weight without a hook means nothing.
        let [argo, helm] = self.phases;
        let [wave, weight] = self.numbers;
        let number = wave.or(weight.filter(|_| helm.is_some()));
        let wave = argo
            .or(helm)
            .or(number.map(|(_, asked)| (Phase::With, asked)))
            .map(|(phase, asked)| (Wave { phase, number: number.map_or(0, |(number, _)| number) }, asked));
        self.after.truncate(MOST);
        self.groups.truncate(MOST);
        self.rules.truncate(MOST);
        self.wrong.truncate(MOST);
        let wishes = Wishes {
            after: self.after.into(),
            wave,
            groups: self.groups.into(),
            rules: self.rules.into(),
            wrong: self.wrong.into(),
        };
        (wishes != Wishes::default()).then_some(wishes)
    }
}

fn wrong(asked: Asked, annotation: &str, what: &str, help: &str) -> Wrong {
    Wrong { what: format!("{annotation}: {what}").into(), help: help.into(), at: asked.at }
}

/// Whether it is the annotation, or the annotation with something behind a point, so that an object can have several.
fn is(key: &str, annotation: &str) -> bool {
    key.strip_prefix(annotation).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn argo(word: &str) -> Option<Phase> {
    match word {
        "PreSync" => Some(Phase::Before),
        "Sync" => Some(Phase::With),
        "PostSync" => Some(Phase::After),
        _ => None,
    }
}

fn helm(word: &str) -> Option<Phase> {
    match word {
        "pre-install" | "pre-upgrade" => Some(Phase::Before),
        "crd-install" => Some(Phase::With),
        "post-install" | "post-upgrade" => Some(Phase::After),
        _ => None,
    }
}

fn after(name: &str, asked: Asked) -> Option<After> {
    let parts: Vec<&str> = name.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, name] => (kind, None, name),
        [kind, namespace, name] => (kind, Some(namespace), name),
        _ => return None,
    };
    // As kubectl writes it: `Certificate.cert-manager.io`.
    let (kind, group) = kind.split_once('.').map_or((kind, None), |(kind, group)| (kind, Some(group)));
    named(group, kind, namespace, name, asked)
}

fn depends_on(name: &str, asked: Asked) -> Option<After> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts[..] {
        [group, kind, name] => named(Some(group), kind, None, name, asked),
        [group, "namespaces", namespace, kind, name] => {
            named(Some(group), kind, Some(namespace), name, asked)
        }
        _ => None,
    }
}

fn named(
    group: Option<&str>,
    kind: &str,
    namespace: Option<&str>,
    name: &str,
    asked: Asked,
) -> Option<After> {
    let is_there = |part: &str| !part.is_empty() && part.len() <= 253 && !part.contains(char::is_whitespace);
    if !is_there(kind) || !is_there(name) || !namespace.is_none_or(is_there) {
        return None;
    }
    let (group, namespace) = (group.map(Into::into), namespace.map(Into::into));
    Some(After { group, kind: kind.into(), namespace, name: name.into(), asked })
}
