//! Kubernetes as it is compiled in: one text for all minors, of which one is read, and of that a kind when
//! somebody asks for it.
//!
//! `just schemas` makes the text from what Kubernetes itself publishes; its head says what its lines mean.

use std::{collections::HashMap, sync::OnceLock};

use super::{
    Arena, At, By, Deprecated, Field, Format, Found, Id, Kind, Limits, List, Minor, Object, Others, Schema,
    Scope, Shape,
};

/// The text. Its licence stands in its head.
const TEXT: &str = include_str!("../../../schemas/kubernetes.txt");

/// What of its own one minor serves.
#[derive(Debug)]
pub(super) struct Compiled {
    minor: Minor,
    types: Types,
    /// Those of all minors, sorted.
    kinds: Vec<Entry>,
    /// What is or was on its way out, sorted.
    leaving: Vec<(Name, Deprecated)>,
}

/// `apiVersion` and `kind`.
type Name = (&'static str, &'static str);

/// Types of one minor by their names, sorted, each with the lines of its fields.
#[derive(Debug, Default)]
struct Types(Vec<(&'static str, &'static str)>);

impl Types {
    fn find(&self, name: &str) -> Option<(&'static str, &'static str)> {
        let at = self.0.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        self.0.get(at).copied()
    }
}

#[derive(Debug)]
struct Entry {
    name: Name,
    /// The minors that have it.
    minors: Minors,
    /// Where its objects live, if any is kept.
    scope: Option<Scope>,
    /// What they may be: the name of a type.
    written: Option<&'static str>,
    /// That type and all that it refers to, since somebody asked.
    schema: OnceLock<(Arena, Id)>,
}

/// Minors from and to, each inclusive.
#[derive(Debug, Clone, Copy)]
struct Minors(Minor, Minor);

impl Minors {
    const ALL: Minors = Minors(Minor(0), Minor(u8::MAX));

    fn has(self, minor: Minor) -> bool {
        self.0 <= minor && minor <= self.1
    }

    /// Takes `31-33 `, `32 ` or `34- ` from the beginning of a line, several of them joined by commas, and says
    /// which one `minor` is in, or else the last.
    fn split(line: &'static str, minor: Minor) -> (Self, &'static str) {
        if !line.starts_with(|c: char| c.is_ascii_digit()) {
            return (Self::ALL, line);
        }
        let (written, rest) = line.split_once(' ').unwrap_or((line, ""));
        let number = |text: &str| text.parse().map(Minor).ok();
        let mut ranges = written.split(',').map(|range| match range.split_once('-') {
            Some((from, to)) => {
                Self(number(from).unwrap_or(Minor::OLDEST), number(to).unwrap_or(Minor(u8::MAX)))
            }
            None => Self(number(range).unwrap_or(Minor::OLDEST), number(range).unwrap_or(Minor::OLDEST)),
        });
        let last = ranges.clone().next_back().unwrap_or(Self::ALL);
        (ranges.find(|range| range.has(minor)).unwrap_or(last), rest)
    }
}

impl Compiled {
    /// Reads one minor; of one that is older or newer than all, the nearest.
    pub fn read(minor: Minor) -> Self {
        let minor = minor.clamp(Minor::OLDEST, Minor::NEWEST);
        let (mut types, mut kinds, mut leaving) = (Types::default(), Vec::new(), Vec::new());
        let mut rest = TEXT;
        while let Some((line, after)) = rest.split_once('\n') {
            // Fields stand below the line that names their type, further in.
            let many =
                after.split_inclusive('\n').take_while(|line| line.starts_with(' ')).map(str::len).sum();
            let (fields, after) = after.split_at(many);
            rest = after;
            let (minors, line) = Minors::split(line, minor);
            match line.split_once(' ') {
                Some(("type", name)) if minors.has(minor) => types.0.push((name, fields)),
                Some(("kind", said)) => kinds.extend(entry(minors, said)),
                Some(("goes", said)) => leaving.extend(goes(said)),
                _ => {}
            }
        }
        types.0.sort_unstable_by_key(|(name, _)| *name);
        let mut compiled = Self { minor, types, kinds, leaving };
        compiled.complete();
        compiled
    }

    /// What a kind's own history does not say: that a version was dropped early, and what there is instead.
    fn complete(&mut self) {
        for entry in &self.kinds {
            let ended = entry.scope.is_some() && entry.minors.1 < self.minor;
            if ended && !self.serves(entry.name) {
                let removed = Minor(entry.minors.1.0 + 1);
                match self.leaving.binary_search_by_key(&entry.name, |(name, _)| *name) {
                    Ok(at) => {
                        let goes = &mut self.leaving[at].1;
                        goes.removed = Some(goes.removed.map_or(removed, |said| said.min(removed)));
                        goes.since = goes.since.min(Some(removed));
                    }
                    Err(at) => {
                        let goes = Deprecated { since: Some(removed), removed: Some(removed), instead: None };
                        self.leaving.insert(at, (entry.name, goes));
                    }
                }
            }
        }
        for at in 0..self.leaving.len() {
            let (name, goes) = &self.leaving[at];
            let said = goes.instead.as_ref().map(|(version, kind)| (&**version, &**kind));
            let elsewhere = said.filter(|said| group(said.0) != group(name.0) && self.serves(*said));
            if elsewhere.is_none() {
                let same = self.served().filter(|other| {
                    other.1 == name.1 && group(other.0) == group(name.0) && other.0 != name.0
                });
                let best = same.max_by_key(|other| stability(other.0));
                self.leaving[at].1.instead = best.map(|(version, kind)| (version.into(), kind.into()));
            }
        }
    }

    /// Every kind of this minor of which objects are kept.
    pub fn served(&self) -> impl Iterator<Item = Name> {
        let now = self.kinds.iter().filter(|entry| entry.scope.is_some() && entry.minors.has(self.minor));
        now.map(|entry| entry.name)
    }

    fn serves(&self, (api_version, kind): (&str, &str)) -> bool {
        self.entries(api_version, kind).iter().any(|e| e.scope.is_some() && e.minors.has(self.minor))
    }

    /// Those of one name: several where a kind moved to another type.
    fn entries(&self, api_version: &str, kind: &str) -> &[Entry] {
        let from = self.kinds.partition_point(|entry| entry.name < (api_version, kind));
        let many = self.kinds[from..].partition_point(|entry| entry.name == (api_version, kind));
        &self.kinds[from..from + many]
    }

    /// What the metadata of every object may be.
    pub fn metadata(&self) -> Option<At<'_>> {
        let Some(Found::Kind(kind)) = self.find("v1", "ConfigMap") else { return None };
        let Shape::Object(object) = &kind.schema.schema().shape else { return None };
        object.field("metadata").map(|field| kind.schema.other(field.schema))
    }

    /// Whether a group is one of Kubernetes' own, now or before.
    pub fn has_group(&self, wanted: &str) -> bool {
        let is_it = |version: &str| group(version) == wanted;
        self.kinds.iter().any(|entry| is_it(entry.name.0)) || self.leaving.iter().any(|((v, _), _)| is_it(v))
    }

    /// Whether that version of a kind is on its way out in `minor`.
    pub fn deprecated(&self, minor: Minor, api_version: &str, kind: &str) -> Option<&Deprecated> {
        self.leaves(api_version, kind).filter(|goes| goes.since <= Some(minor))
    }

    /// Whether that version of a kind is gone in `minor`.
    pub fn removed(&self, minor: Minor, api_version: &str, kind: &str) -> Option<&Deprecated> {
        self.leaves(api_version, kind).filter(|goes| goes.removed.is_some_and(|removed| removed <= minor))
    }

    fn leaves(&self, api_version: &str, kind: &str) -> Option<&Deprecated> {
        let at = self.leaving.binary_search_by_key(&(api_version, kind), |(name, _)| *name).ok()?;
        self.leaving.get(at).map(|(_, goes)| goes)
    }

    /// What this minor knows of a kind; `None` where it is none of Kubernetes' own.
    pub fn find(&self, api_version: &str, kind: &str) -> Option<Found<'_>> {
        let entries = self.entries(api_version, kind);
        if let Some(entry) = entries.iter().find(|entry| entry.minors.has(self.minor)) {
            let (Some(scope), Some(written)) = (entry.scope, entry.written) else {
                return Some(Found::NotKept);
            };
            let deprecated = self.deprecated(self.minor, api_version, kind);
            let (arena, id) = entry.schema.get_or_init(|| Reader::read(self.minor, &self.types, written));
            let schema = arena.at(*id);
            return Some(Found::Kind(Kind { schema, scope, deprecated, built_in: true, live: false }));
        }
        if let Some(removed) = self.removed(self.minor, api_version, kind) {
            return Some(Found::Removed(removed));
        }
        let newer = entries.iter().map(|entry| entry.minors.0).filter(|first| *first > self.minor).min();
        newer.map(Found::Newer)
    }
}

/// The group of an `apiVersion`; empty for the core group.
pub(super) fn group(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// How far a version has come: `v2` before `v1` before `v1beta2`.
pub(super) fn stability(api_version: &str) -> (u8, u32, u32) {
    let version = api_version.rsplit_once('/').map_or(api_version, |(_, version)| version);
    let Some(version) = version.strip_prefix('v') else { return (0, 0, 0) };
    let (major, class, minor) = match (version.split_once("beta"), version.split_once("alpha")) {
        (Some((major, minor)), _) => (major, 1, minor),
        (_, Some((major, minor))) => (major, 0, minor),
        _ => (version, 2, ""),
    };
    (class, major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}

/// Reads a type of one minor, and those that it refers to.
struct Reader<'t> {
    minor: Minor,
    types: &'t Types,
    arena: Arena,
    /// Names of types, and everything that was written of fields before.
    known: HashMap<&'static str, Id>,
}

impl<'t> Reader<'t> {
    fn read(minor: Minor, types: &'t Types, written: &'static str) -> (Arena, Id) {
        let mut reader = Self { minor, types, arena: Arena::default(), known: HashMap::new() };
        let id = reader.schema(written);
        (reader.arena, id)
    }

    /// `containers! [core.v1.Container] by=name`, if this minor has it.
    fn field(&mut self, line: &'static str) -> Option<Field> {
        let (minors, line) = Minors::split(line, self.minor);
        let (name, written) = line.split_once(' ').filter(|_| minors.has(self.minor))?;
        let required = name.ends_with('!');
        let name = name.strip_suffix('!').unwrap_or(name);
        Some(Field { name: name.into(), schema: self.schema(written), required })
    }

    /// A type of that name and these fields.
    fn object(&mut self, written: &'static str, fields: &'static str) -> Id {
        let id = self.arena.push(Schema::default());
        // Before its fields, which may be of the same type.
        self.known.insert(written, id);
        let fields = fields.lines().filter_map(|line| self.field(line.trim_start())).collect();
        let shape = Shape::Object(Object { fields, others: Others::None, embedded: false });
        let name =
            if written.starts_with("io.k8s.") { written.into() } else { format!("io.k8s.api.{written}") };
        self.arena.set(id, Schema { name: Some(name.into()), shape, ..Schema::default() });
        id
    }

    /// `[core.v1.Container] by=name default=JSON`.
    fn schema(&mut self, written: &'static str) -> Id {
        if let Some(id) = self.known.get(written) {
            return *id;
        }
        if let Some((name, fields)) = self.types.find(written) {
            return self.object(name, fields);
        }
        let mut schema = Schema::default();
        let mut words = written.split(' ');
        self.shape(words.next().unwrap_or_default(), &mut schema);
        for word in words {
            match (word.split_once('='), &mut schema.shape) {
                (Some(("by", "value")), Shape::List(list)) => list.by = By::Value,
                (Some(("by", keys)), Shape::List(list)) => {
                    list.by = By::Keys(keys.split(',').map(Into::into).collect());
                }
                (Some(("default", json)), _) => schema.default = serde_json::from_str(json).ok(),
                _ => {}
            }
        }
        let id = self.arena.push(schema);
        self.known.insert(written, id);
        id
    }

    fn shape(&mut self, written: &'static str, schema: &mut Schema) {
        let inner = |left, right| written.strip_prefix(left).and_then(|rest| rest.strip_suffix(right));
        schema.shape = if let Some(items) = inner('[', ']') {
            Shape::List(List { items: self.schema(items), by: By::Nothing })
        } else if let Some(each) = inner('{', '}') {
            let others = Others::Each(self.schema(each));
            Shape::Object(Object { fields: Vec::new(), others, embedded: false })
        } else if written.starts_with('"') {
            let values = written.split('|').filter_map(|value| serde_json::from_str(value).ok()).collect();
            schema.limits = Some(Box::new(Limits { values, ..Limits::default() }));
            Shape::Text(Format::Plain)
        } else {
            match written {
                "text" => Shape::Text(Format::Plain),
                "byte" => Shape::Text(Format::Byte),
                "time" => Shape::Text(Format::DateTime),
                "micro-time" => Shape::Text(Format::MicroTime),
                "duration" => Shape::Text(Format::Duration),
                "int32" => Shape::Integer(32),
                "int64" => Shape::Integer(64),
                "number" => Shape::Number,
                "boolean" => Shape::Boolean,
                "int-or-string" => Shape::IntOrString,
                "quantity" => Shape::Quantity,
                "any" => Shape::Any,
                other => unreachable!("{other} stands in the text that is compiled in"),
            }
        };
    }
}

/// `apps/v1 Deployment namespaced apps.v1.Deployment`.
fn entry(minors: Minors, line: &'static str) -> Option<Entry> {
    let mut words = line.split(' ');
    let name = (words.next()?, words.next()?);
    let scope = match words.next()? {
        "namespaced" => Some(Scope::Namespaced),
        "cluster" => Some(Scope::Cluster),
        _ => None,
    };
    Some(Entry { name, minors, scope, written: words.next(), schema: OnceLock::new() })
}

/// `policy/v1beta1 PodDisruptionBudget since=21 removed=25 instead=policy/v1,PodDisruptionBudget`.
fn goes(line: &'static str) -> Option<(Name, Deprecated)> {
    let mut words = line.split(' ');
    let name = (words.next()?, words.next()?);
    let (mut since, mut removed, mut instead) = (None, None, None);
    for (key, value) in words.filter_map(|word| word.split_once('=')) {
        match key {
            "since" => since = value.parse().map(Minor).ok(),
            "removed" => removed = value.parse().map(Minor).ok(),
            _ => instead = value.split_once(',').map(|(version, kind)| (version.into(), kind.into())),
        }
    }
    Some((name, Deprecated { since: since.or(removed), removed, instead }))
}

#[cfg(test)]
mod tests {
    use super::{Compiled, Found, Minor, Reader, TEXT, stability};
    use crate::check::schema::{At, By, Format, Shape};

    fn field<'a>(at: At<'a>, path: &str) -> At<'a> {
        path.split('.').fold(at, |at, name| match &at.schema().shape {
            Shape::Object(object) => at.other(object.field(name).unwrap_or_else(|| panic!("{name}")).schema),
            Shape::List(list) => at.other(list.items),
            other => panic!("{name}: {other:?}"),
        })
    }

    fn pod(compiled: &Compiled) -> At<'_> {
        match compiled.find("v1", "Pod") {
            Some(Found::Kind(kind)) => kind.schema,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_text_has_exactly_the_minors_that_are_named() {
        let line = TEXT.lines().find_map(|line| line.strip_prefix("minors ")).expect("it names them");
        let minors: Vec<u8> = line.split(' ').map(|minor| minor.parse().expect("a number")).collect();
        let expected: Vec<u8> = (Minor::OLDEST.0..=Minor::NEWEST.0).collect();
        assert_eq!(minors, expected);
    }

    #[test]
    fn every_line_of_every_minor_is_understood() {
        for minor in Minor::OLDEST.0..=Minor::NEWEST.0 {
            let compiled = Compiled::read(Minor(minor));
            assert!(compiled.kinds.is_sorted_by_key(|entry| entry.name));
            assert!(compiled.leaving.is_sorted_by_key(|(name, _)| *name));
            assert!(compiled.served().count() > 60);
            for (name, _) in &compiled.types.0 {
                let (arena, id) = Reader::read(Minor(minor), &compiled.types, name);
                assert!(matches!(arena.at(id).schema().shape, Shape::Object(_)));
                for schema in &arena.schemas {
                    if let Shape::Object(object) = &schema.shape {
                        assert!(object.fields.is_sorted_by_key(|field| &field.name), "{schema:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn fields_are_what_kubernetes_says() {
        let compiled = Compiled::read(Minor::NEWEST);
        let pod = pod(&compiled);
        assert_eq!(pod.schema().name.as_deref(), Some("io.k8s.api.core.v1.Pod"));
        let ports = field(pod, "spec.containers.-.ports");
        let Shape::List(list) = &ports.schema().shape else { panic!("{ports:?}") };
        assert_eq!(list.by, By::Keys(vec!["containerPort".into(), "protocol".into()]));
        let protocol = field(ports, "-.protocol").schema();
        assert_eq!(protocol.default, Some("TCP".into()));
        assert_eq!(protocol.limits.as_ref().expect("an enum").values, ["SCTP", "TCP", "UDP"]);
        let at = |path| &field(pod, path).schema().shape;
        assert!(matches!(at("spec.containers.-.ports.-.containerPort"), Shape::Integer(32)));
        assert!(matches!(at("spec.containers.-.livenessProbe.httpGet.port"), Shape::IntOrString));
        assert!(matches!(at("spec.volumes.-.emptyDir.sizeLimit"), Shape::Quantity));
        assert!(matches!(at("metadata.creationTimestamp"), Shape::Text(Format::DateTime)));
    }

    #[test]
    fn a_field_is_there_from_the_minor_on_that_brought_it() {
        let has = |minor| {
            let compiled = Compiled::read(Minor(minor));
            let Shape::Object(spec) = &field(pod(&compiled), "spec").schema().shape else { panic!() };
            (spec.field("resources").is_some(), spec.field("workloadRef").is_some())
        };
        assert_eq!([31, 32, 35, 36].map(has), [(false, false), (true, false), (true, true), (true, false)]);
    }

    #[test]
    fn the_most_stable_version_is_known() {
        let mut versions = ["x/v1alpha1", "x/v1beta2", "v1", "x/v1beta1", "x/v2", "x/v10", "x/nonsense"];
        versions.sort_by_key(|version| stability(version));
        assert_eq!(versions, ["x/nonsense", "x/v1alpha1", "x/v1beta1", "x/v1beta2", "v1", "x/v2", "x/v10"]);
    }
}
