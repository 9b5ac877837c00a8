//! The rows: what the mappings of a type have to be like, by its group and its name.

mod admission;
mod cluster;
mod core;
mod definitions;
mod devices;
mod network;
mod volumes;
mod workloads;

use super::wants::Want;

/// The name of a type, and what its mappings have to be like.
type Row = (&'static str, &'static [Want]);

/// By the group of the types; the rows of each are sorted by name.
const GROUPS: &[(&str, &[Row])] = &[
    ("api.admissionregistration.v1", admission::TYPES),
    ("api.apps.v1", workloads::APPS),
    ("api.autoscaling.v1", workloads::AUTOSCALING_V1),
    ("api.autoscaling.v2", workloads::AUTOSCALING_V2),
    ("api.batch.v1", workloads::BATCH),
    ("api.certificates.v1", cluster::CERTIFICATES),
    ("api.coordination.v1", cluster::COORDINATION),
    ("api.core.v1", core::TYPES),
    ("api.core.v1", volumes::TYPES),
    ("api.discovery.v1", network::DISCOVERY),
    ("api.events.v1", cluster::EVENTS),
    ("api.flowcontrol.v1", cluster::FLOWCONTROL),
    ("api.networking.v1", network::NETWORKING),
    ("api.node.v1", cluster::NODE),
    ("api.policy.v1", workloads::POLICY),
    ("api.rbac.v1", cluster::RBAC),
    ("api.resource.v1", devices::TYPES),
    ("api.storage.v1", cluster::STORAGE),
    ("apiextensions-apiserver.pkg.apis.apiextensions.v1", definitions::EXTENSIONS),
    ("apimachinery.pkg.apis.meta.v1", definitions::META),
    ("kube-aggregator.pkg.apis.apiregistration.v1", definitions::REGISTRATION),
];

/// What a mapping of the type `name` has to be like (`api.core.v1.Container`).
pub(super) fn of(name: &str) -> &'static [Want] {
    let Some((group, name)) = name.rsplit_once('.') else { return &[] };
    let tables = GROUPS.iter().filter(|(known, _)| *known == group);
    let rows = tables.filter_map(|(_, rows)| {
        let at = rows.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        Some(rows[at].1)
    });
    rows.into_iter().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{GROUPS, of};

    #[test]
    fn rows_are_sorted_so_that_they_are_found() {
        for (group, rows) in GROUPS {
            assert!(rows.windows(2).all(|rows| rows[0].0 < rows[1].0), "{group}");
        }
    }

    #[test]
    fn a_type_is_found_by_its_group_and_its_name() {
        assert!(!of("api.core.v1.Container").is_empty());
        assert!(!of("api.core.v1.Volume").is_empty());
        assert!(of("api.apps.v1.Container").is_empty());
        assert!(of("Container").is_empty());
    }
}
