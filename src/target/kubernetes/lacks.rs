//! Which objects the cluster does not have, of those that a revision names and does not declare.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    AT_ONCE, Cluster,
    client::{Failure, Patience},
    inventory::Inventory,
    inventory_path,
    kinds::Kinds,
};
use crate::{error::Result, manifest::ObjectKey};

/// So many are asked for; of more nobody would read.
const MOST: usize = 500;

impl Cluster {
    /// Which of `asked` are not there, or are there only until this revision is deployed. What may not be read is
    /// taken to be there.
    ///
    /// # Errors
    /// The cluster cannot be asked.
    pub fn lacks(&self, asked: &BTreeSet<ObjectKey>) -> Result<BTreeSet<ObjectKey>> {
        if asked.is_empty() {
            return Ok(BTreeSet::new());
        }
        self.runtime.block_on(async {
            let api = self.api(Patience::judging(), &|_| {}).await?;
            let listed = match api.find(&inventory_path(&self.us)).await {
                Err(Failure::Refused(status)) if status.code == 403 => Inventory::default(),
                found => Inventory::read(found?.as_ref(), &self.us)?,
            };
            let mut kinds = Kinds::ask(&api, BTreeSet::from(["v1".to_owned()])).await?;
            let groups: BTreeSet<&str> =
                asked.iter().map(|key| &*key.group).filter(|g| !g.is_empty()).collect();
            for group in groups {
                kinds.add_group(&api, group).await?;
            }
            let looked = asked.iter().take(MOST).map(async |key| {
                // The revision does not declare it, so what is ours goes.
                if listed.entries.contains_key(key) {
                    return Ok::<_, Failure>(Some(key.clone()));
                }
                let version = if key.group.is_empty() { "v1".to_owned() } else { format!("{}/", key.group) };
                let Some(kind) = kinds.find_in_group(&version, &key.kind) else {
                    return Ok(Some(key.clone()));
                };
                match api.find(&kind.object(key.namespace.as_deref(), &key.name)).await {
                    Ok(found) => Ok(found.is_none().then(|| key.clone())),
                    Err(Failure::Refused(status)) if status.code == 403 => Ok(None),
                    Err(failure) => Err(failure),
                }
            });
            let lacks: Vec<_> = stream::iter(looked).buffer_unordered(AT_ONCE).try_collect().await?;
            Ok(lacks.into_iter().flatten().collect())
        })
    }
}
