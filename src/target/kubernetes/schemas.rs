//! What the cluster itself says of kinds: its `OpenAPI`, of the versions of groups that a revision uses.
//!
//! Always the cluster's own and not what is compiled in, also of Kubernetes' own kinds: a cluster of another patch
//! or vendor is never wrong about itself. Each document has a hash in its address, so it is asked for once.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use gix::ObjectId;
use ring::digest::{SHA256, digest};
use serde_json::Value as Json;

use super::{
    Cluster,
    client::{Api, Failure, Patience},
};
use crate::{
    cache::Cache,
    check::schema::{Document, Live, Minor, TooLarge},
    error::{Error, Result},
};

/// So many documents are read at once; each is megabytes until it is read.
const AT_ONCE: usize = 3;

impl Cluster {
    /// The schemas of `wanted`, versions of groups as `apps/v1`, as far as the cluster serves them.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub fn schemas(&self, wanted: &BTreeSet<String>, cache: &Cache) -> Result<Live> {
        self.runtime.block_on(async {
            let api = self.api(Patience::judging(), &|_| {}).await?;
            let version = api.get("/version").await?;
            let minor = minor(&version).ok_or_else(|| {
                Error::server("the cluster does not say which Kubernetes it is")
                    .help("kubectl get --raw /version shows what it says")
            })?;
            let index = api.get("/openapi/v3").await?;
            let served = addresses(&index);
            let asked = served.iter().filter(|(version, _)| wanted.contains(**version));
            let asked = asked.map(|(version, address)| one(&api, cache, version, address));
            let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
            let (mut documents, mut found) = (BTreeMap::new(), Vec::new());
            while let Some(answer) = answers.next().await {
                let Some(one) = answer? else { continue };
                found.extend(one.new.map(|bytes| (key(one.address), bytes)));
                documents.insert(one.version.to_owned(), (one.address.to_owned(), one.document));
            }
            let found: Vec<_> = found.iter().map(|(key, bytes)| (*key, bytes.as_slice())).collect();
            cache.add(&found);
            Ok(Live {
                minor,
                served: served.keys().map(|version| (*version).to_owned()).collect(),
                documents,
            })
        })
    }
}

/// A document of a cluster.
struct One<'i> {
    version: &'i str,
    address: &'i str,
    document: Document,
    /// What the cache has not yet.
    new: Option<Vec<u8>>,
}

/// Reads the document at an address, from the cache where it is there. `None` where there is none, as of a version
/// that went a moment ago.
async fn one<'i>(
    api: &Api<'_>,
    cache: &Cache,
    version: &'i str,
    address: &'i str,
) -> Result<Option<One<'i>>> {
    let is_hashed = address.contains("?hash=");
    let known = cache.find(&key(address)).filter(|_| is_hashed);
    if let Some(document) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return Ok(Some(One { version, address, document, new: None }));
    }
    let json = match api.get(address).await {
        Ok(json) => json,
        Err(Failure::Refused(status)) if status.code == 404 => return Ok(None),
        Err(failure) => return Err(failure.into()),
    };
    let document = Document::read(&json).map_err(|TooLarge| {
        Error::server(format!("what the cluster says of {version} is more than can be read"))
    })?;
    // Without a hash nobody can know whether it is still the same.
    let new = if is_hashed { serde_json::to_vec(&document).ok() } else { None };
    Ok(Some(One { version, address, document, new }))
}

fn key(address: &str) -> ObjectId {
    let digest = digest(&SHA256, address.as_bytes());
    ObjectId::from_bytes_or_panic(&digest.as_ref()[..20])
}

/// Which Kubernetes a cluster is; one that stands in for an older one is that.
fn minor(version: &Json) -> Option<Minor> {
    let word = |key: &str| version[key].as_str();
    let minor = word("emulationMinor").or_else(|| word("minor")).filter(|minor| !minor.is_empty())?;
    // Some say `36+`.
    let minor = minor.trim_end_matches(|c: char| !c.is_ascii_digit());
    Minor::parse(&format!("{}.{minor}", word("major")?))
}

/// Where the documents of versions of groups are.
fn addresses(index: &Json) -> BTreeMap<&str, &str> {
    let paths = index["paths"].as_object().into_iter().flatten();
    paths
        .filter_map(|(path, at)| {
            let version = path.strip_prefix("api/").or_else(|| path.strip_prefix("apis/"))?;
            let parts = if path.starts_with("api/") { 1 } else { 2 };
            let address =
                at["serverRelativeURL"].as_str().filter(|address| address.starts_with("/openapi/v3/"))?;
            (version.split('/').count() == parts).then_some((version, address))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Minor, addresses, minor};

    #[test]
    fn a_cluster_is_the_minor_that_it_says_it_stands_in_for() {
        assert_eq!(minor(&json!({"major": "1", "minor": "36"})), Some(Minor(36)));
        assert_eq!(minor(&json!({"major": "1", "minor": "27+"})), Some(Minor(27)));
        assert_eq!(minor(&json!({"major": "1", "minor": "36", "emulationMinor": "35"})), Some(Minor(35)));
        assert_eq!(minor(&json!({"major": "2", "minor": "1"})), None);
        assert_eq!(minor(&json!({"major": "1", "minor": ""})), None);
    }

    #[test]
    fn only_versions_of_groups_are_asked_for_and_only_where_openapi_is() {
        let at = |address: &str| json!({"serverRelativeURL": address});
        let index = json!({"paths": {
            "api": at("/openapi/v3/api?hash=1"),
            "api/v1": at("/openapi/v3/api/v1?hash=2"),
            "apis/apps": at("/openapi/v3/apis/apps?hash=3"),
            "apis/apps/v1": at("/openapi/v3/apis/apps/v1?hash=4"),
            "apis/example.com/v1": at("/api/v1/namespaces/kube-system/secrets"),
            "version": at("/openapi/v3/version?hash=5"),
        }});
        let found: Vec<_> = addresses(&index).into_iter().collect();
        assert_eq!(
            found,
            [("apps/v1", "/openapi/v3/apis/apps/v1?hash=4"), ("v1", "/openapi/v3/api/v1?hash=2")]
        );
    }
}
