//! Every schema that a check may ask for: of the revision's own definitions, of the cluster, and of Kubernetes
//! as it is compiled in, asked in that order.

use ring::digest::{Context, SHA256};
use serde_json::Value as Json;

use super::{
    Found, Kind, Live, Minor,
    cel::Judge,
    compiled::{Compiled, group, stability},
    definition,
    live::Document,
    reader::TooLarge,
};
use crate::text;

/// The schemas that hold for one environment.
pub struct Schemas {
    /// Versions of custom resources that the revision defines: `example.com/v1`.
    defined: Vec<(String, Document)>,
    live: Option<Live>,
    compiled: Compiled,
    minor: Minor,
    decides: Context,
    judge: Judge,
}

impl Schemas {
    /// Those of Kubernetes itself; of a minor that is not compiled in, those of the nearest.
    #[must_use]
    pub fn compiled(minor: Minor) -> Self {
        let mut decides = Context::new(&SHA256);
        decides.update(&[minor.0]);
        Self {
            defined: Vec::new(),
            live: None,
            compiled: Compiled::read(minor),
            minor,
            decides,
            judge: Judge::default(),
        }
    }

    /// With those of a cluster, which go before those that are compiled in.
    #[must_use]
    pub fn with_cluster(mut self, live: Live) -> Self {
        self.decides.update(&[live.minor.0]);
        let hashes = live.documents.values().map(|(hash, _)| hash);
        live.served.iter().chain(hashes).for_each(|word| tell(&mut self.decides, word));
        self.minor = live.minor;
        self.live = Some(live);
        self
    }

    /// With those of a `CustomResourceDefinition` of the revision, which go before all others.
    ///
    /// # Errors
    /// It describes more than anything that could be checked.
    pub fn define(&mut self, definition: &Json) -> Result<(), TooLarge> {
        let documents = definition::read(definition, self.compiled.metadata())?;
        tell(&mut self.decides, &definition["spec"].to_string());
        self.defined.extend(documents);
        Ok(())
    }

    /// A short word that is another one where anything that decides a verdict is; what is compiled in is the
    /// same for all that this program ever says.
    #[must_use]
    pub fn digest(&self) -> String {
        use std::fmt::Write as _;
        let digest = self.decides.clone().finish();
        digest.as_ref()[..16].iter().fold(String::new(), |mut word, byte| {
            let _ = write!(word, "{byte:02x}");
            word
        })
    }

    /// Who knows whether the rules of definitions hold.
    pub(in crate::check) fn judge(&self) -> &Judge {
        &self.judge
    }

    /// The minor that the schemas are of.
    #[must_use]
    pub fn minor(&self) -> Minor {
        self.minor
    }

    /// What is known of a kind.
    #[must_use]
    pub fn find(&self, api_version: &str, kind: &str) -> Found<'_> {
        let group = group(api_version);
        let mut defined = self.defined.iter().filter(|(version, _)| version == api_version);
        if let Some(found) = defined.find_map(|(_, document)| document.find(kind)) {
            return found;
        }
        // Once the revision is deployed, its definition is the one that holds.
        if self.defines(group, kind) {
            return Found::Unknown { nearest: self.nearest(api_version, kind) };
        }
        if let Some(live) = &self.live {
            if let Some(found) = self.find_live(live, api_version, kind) {
                return found;
            }
        } else {
            if let Some(found) = self.compiled.find(api_version, kind) {
                return found;
            }
            let is_known = self.compiled.has_group(group) || !group.contains('.');
            if !is_known && !self.is_misspelt(group, kind) {
                return Found::NoSchema;
            }
        }
        Found::Unknown { nearest: self.nearest(api_version, kind) }
    }

    fn find_live<'s>(&'s self, live: &'s Live, api_version: &str, kind: &str) -> Option<Found<'s>> {
        if let Some((_, document)) = live.documents.get(api_version) {
            if let Some(found) = document.find(kind) {
                let Found::Kind(found) = found else { return Some(found) };
                let built_in = self.compiled.has_group(group(api_version));
                let deprecated = self.compiled.deprecated(live.minor, api_version, kind);
                return Some(Found::Kind(Kind {
                    built_in,
                    live: true,
                    deprecated: found.deprecated.or(deprecated),
                    ..found
                }));
            }
        } else if live.served.contains(api_version) {
            // It is there, and nobody asked what it looks like.
            return Some(self.compiled.find(api_version, kind).unwrap_or(Found::NoSchema));
        }
        self.compiled.removed(live.minor, api_version, kind).map(Found::Removed).or_else(|| {
            let newer = self.compiled.find(api_version, kind);
            newer.filter(|found| matches!(found, Found::Newer(since) if *since > live.minor))
        })
    }

    /// Whether the revision defines that kind in another version.
    fn defines(&self, wanted: &str, kind: &str) -> bool {
        let mut of_group = self.defined.iter().filter(|(version, _)| group(version) == wanted);
        of_group.any(|(_, document)| document.kinds().any(|known| known == kind))
    }

    /// Whether a group is nearly one that Kubernetes has that kind in.
    fn is_misspelt(&self, wanted: &str, kind: &str) -> bool {
        let groups =
            self.compiled.served().filter(|(_, known)| *known == kind).map(|(version, _)| group(version));
        text::nearest(wanted, groups).is_some_and(|near| !near.is_empty())
    }

    /// The kind that was meant, if one can be guessed: the same in another version of the group, then the same
    /// in another group, then another name.
    fn nearest(&self, api_version: &str, kind: &str) -> Option<(String, String)> {
        let known: Vec<(&str, &str)> = self.all().collect();
        let owned = |(version, kind): (&str, &str)| Some((version.to_owned(), kind.to_owned()));
        let best = |wanted: &dyn Fn(&str) -> bool, kind: &str| {
            let same = known.iter().filter(|(version, known)| *known == kind && wanted(version));
            same.max_by_key(|(version, _)| stability(version)).copied()
        };
        let of_group = |version: &str| group(version) == group(api_version);
        if let Some(found) = best(&of_group, kind).or_else(|| best(&|_| true, kind)) {
            return owned(found);
        }
        let names = |wanted: &dyn Fn(&str) -> bool| {
            let names = known.iter().filter(|(version, _)| wanted(version)).map(|(_, kind)| *kind);
            text::nearest(kind, names)
        };
        if let Some(name) = names(&|version| version == api_version) {
            return owned((api_version, name));
        }
        if let Some(name) = names(&of_group) {
            return owned(best(&of_group, name)?);
        }
        owned(best(&|_| true, names(&|_| true)?)?)
    }

    /// Every kind that is served.
    #[allow(
        clippy::map_identity,
        reason = "names that live for ever become names that live as long as others"
    )]
    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        fn kinds<'a>(
            (version, document): (&'a String, &'a Document),
        ) -> impl Iterator<Item = (&'a str, &'a str)> {
            document.kinds().map(move |kind| (version.as_str(), kind))
        }
        let defined = self.defined.iter().flat_map(|(version, document)| kinds((version, document)));
        let live = self.live.iter().flat_map(|live| &live.documents);
        let live = live.flat_map(|(version, (_, document))| kinds((version, document)));
        let is_served = |version: &str| self.live.as_ref().is_none_or(|live| live.served.contains(version));
        let compiled = self.compiled.served().map(|(version, kind)| (version, kind));
        defined.chain(live).chain(compiled.filter(move |(version, _)| is_served(version)))
    }
}

/// Adds a word to what decides, so that no two lists of words are the same.
fn tell(decides: &mut Context, word: &str) {
    decides.update(&word.len().to_le_bytes());
    decides.update(word.as_bytes());
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::{Found, Minor, Schemas};

    /// What `find` says, in a word.
    fn word(schemas: &Schemas, api_version: &str, kind: &str) -> String {
        match schemas.find(api_version, kind) {
            Found::Kind(kind) => {
                let name = kind.schema.schema().name.as_deref().unwrap_or_default();
                let leaving = kind.deprecated.map(|goes| format!(" leaving {goes:?}")).unwrap_or_default();
                format!("{:?} {name}{leaving}", kind.scope)
            }
            Found::Removed(goes) => format!("{goes:?}"),
            Found::Newer(minor) => format!("from {minor}"),
            Found::NotKept => "not kept".to_owned(),
            Found::Unknown { nearest } => format!("unknown, {nearest:?}"),
            Found::NoSchema => "no schema".to_owned(),
        }
    }

    #[test]
    fn a_kind_is_found_or_what_to_write_instead() {
        let mut lines = String::new();
        for (minor, api_version, kind) in [
            (36, "apps/v1", "Deployment"),
            (36, "v1", "Namespace"),
            (36, "v1", "Endpoints"),
            (31, "v1", "Endpoints"),
            (36, "authorization.k8s.io/v1", "SubjectAccessReview"),
            (36, "extensions/v1beta1", "Ingress"),
            (36, "policy/v1beta1", "PodSecurityPolicy"),
            (36, "autoscaling/v2beta2", "HorizontalPodAutoscaler"),
            (36, "flowcontrol.apiserver.k8s.io/v1beta2", "FlowSchema"),
            (31, "flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"),
            (32, "flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema"),
            (32, "resource.k8s.io/v1alpha3", "PodSchedulingContext"),
            (34, "resource.k8s.io/v1alpha3", "ResourceClaim"),
            (33, "resource.k8s.io/v1", "ResourceClaim"),
            (36, "v1", "Deployment"),
            (36, "apps/v2", "Deployment"),
            (36, "apps/v1", "Deploymnt"),
            (36, "app/v1", "Deployment"),
            (36, "rbac.authorisation.k8s.io/v1", "Role"),
            (36, "networking/v1", "Ingress"),
            (36, "apps/v1", "Nonsense"),
            (36, "gateway.networking.k8s.io/v1", "Gateway"),
            (36, "example.com/v1", "Widget"),
        ] {
            let found = word(&Schemas::compiled(Minor(minor)), api_version, kind);
            let _ = writeln!(lines, "1.{minor} {api_version} {kind}: {found}");
        }
        insta::assert_snapshot!(lines);
    }

    #[test]
    fn another_minor_is_another_digest() {
        let of = |minor| Schemas::compiled(Minor(minor)).digest();
        assert_eq!(of(36), of(36));
        assert_ne!(of(36), of(35));
    }
}
