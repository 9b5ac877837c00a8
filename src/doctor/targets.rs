//! Whether what is to be deployed can go where it is to run.

use std::{fs::File, io::ErrorKind};

use super::Patient;
use crate::{
    config::{Environment, Kubernetes, Target},
    push::account_of,
    target,
    trouble::{Trouble, typed},
};

/// What is wrong with the targets.
pub(super) fn examine(patient: &Patient<'_>) -> Vec<Trouble> {
    let environments = patient.config.into_iter().flat_map(|config| &config.environments);
    environments.filter_map(|environment| wrong(patient, environment)).collect()
}

fn wrong(patient: &Patient<'_>, environment: &Environment) -> Option<Trouble> {
    if let Target::Kubernetes(cluster) = &environment.target
        && let Some(trouble) = unreadable(cluster)
    {
        return Some(trouble);
    }
    // Without an identity it is said that there is none.
    let owner = patient.repository.owner().ok()?;
    let error = target::probe(environment, &owner).err()?;
    let mut trouble = Trouble::from(error);
    trouble.message = format!("`{}`: {}", environment.name, trouble.message);
    Some(trouble)
}

/// A kubeconfig that the service user cannot read. Nothing of what is in it is said.
fn unreadable(cluster: &Kubernetes) -> Option<Trouble> {
    let path = &cluster.kubeconfig;
    let error = File::open(path).err().filter(|error| error.kind() == ErrorKind::PermissionDenied)?;
    let user = account_of(rustix::process::geteuid().as_raw());
    let user = user.unwrap_or_else(|| rustix::process::geteuid().as_raw().to_string());
    let reason = error.kind();
    let message = format!("the kubeconfig {} cannot be read by {user}: {reason}", path.display());
    let help = format!("sudo chown {user} {path} && sudo chmod 600 {path}", path = typed(path));
    Some(Trouble::error(message).help(help))
}
