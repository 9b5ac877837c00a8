//! Expressions of selectors: which operators there are, and which of them take values.

use super::wants::{has, missing, not_among, text_of};
use crate::{
    check::spot::Spot,
    finding::{Code, Finding},
};

/// An item of `matchExpressions` of labels.
pub(super) fn of_labels(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    expression(spot, &["In", "NotIn", "Exists", "DoesNotExist"], found);
}

/// An item of `matchExpressions` or `matchFields` of nodes.
pub(super) fn of_nodes(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    let is_field = spot.up().is_some_and(|list| list.is_behind("matchFields"));
    let operators: &[_] =
        if is_field { &["In", "NotIn"] } else { &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] };
    expression(spot, operators, found);
    let takes_one = is_field || matches!(text_of(spot, "operator"), Some("Gt" | "Lt"));
    if let Some(values) = spot.field("values").filter(|_| takes_one)
        && values.items().count() > 1
    {
        let message = format!("`{}` has several values, and takes only one", values.path());
        found.push(values.error(Code::Together, message).help("write one item for each value"));
    }
}

/// An item of `matchExpressions` of the scopes of a quota.
pub(super) fn of_scopes(spot: &Spot<'_>, found: &mut Vec<Finding>) {
    expression(spot, &["In", "NotIn", "Exists", "DoesNotExist"], found);
}

fn expression(spot: &Spot<'_>, operators: &[&str], found: &mut Vec<Finding>) {
    let Some(operator) = spot.field("operator") else { return };
    let Some(name) = operator.text() else { return };
    if !operators.contains(&name) {
        found.push(not_among(&operator, operators));
        return;
    }
    match name {
        "In" | "NotIn" | "Gt" | "Lt" => {
            if !has(spot, "values") {
                found.push(missing(spot, "values"));
            }
        }
        _ => {
            if let Some(values) = spot.field("values").filter(|values| values.items().next().is_some()) {
                let message = format!("`{}` cannot stand beside `operator: {name}`", values.path());
                let finding = Finding::error(Code::Together, message).at(values.key_place());
                found.push(finding.help("remove the values, or write `operator: In`"));
            }
        }
    }
}

/// Whether it says what a policy is about; a binding only narrows that.
pub(super) fn of_policy(spot: &Spot<'_>) -> bool {
    spot.is_behind("matchConstraints")
}
