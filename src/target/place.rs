//! Where an environment runs, as the server remembers it: so that a change of the configuration leaves nothing behind
//! that nobody knows of.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Directory, Of, Owner, of};
use crate::{
    config,
    error::{Error, Result},
    text,
};

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// A folder.
    Directory(PathBuf),
    /// A namespace of a cluster, which holds the inventory.
    Kubernetes {
        /// The cluster's address.
        server: String,
        /// The namespace.
        namespace: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(folder) => write!(f, "the folder {}", folder.display()),
            Self::Kubernetes { server, namespace } => {
                write!(f, "the namespace `{namespace}` of {}", text::excerpt(server, 200))
            }
        }
    }
}

/// Where an environment is to run. One that runs elsewhere still, as it is `known`, is not left behind there.
///
/// # Errors
/// It would be left behind, or the place cannot be found out.
pub fn place(environment: &config::Environment, owner: &Owner, known: Option<&Place>) -> Result<Place> {
    let target = of(environment, owner)?;
    let is = match &target {
        Of::Directory(folder) => Place::Directory(folder.folder().to_owned()),
        Of::Kubernetes(cluster) => cluster.place()?,
    };
    let Some(known) = known.filter(|known| **known != is) else { return Ok(is) };
    let stays = match (known, &target) {
        // What is not there any more, or was moved with its list, is left behind by nobody.
        (Place::Directory(folder), _) => Directory::new(folder, &owner.id, &environment.name).is_there(),
        (Place::Kubernetes { .. }, Of::Directory(_)) => true,
        (Place::Kubernetes { server, namespace }, Of::Kubernetes(cluster)) => {
            cluster.leaves(server, namespace)?
        }
    };
    if !stays {
        return Ok(is);
    }
    let name = &environment.name;
    let error = Error::server(format!("`{name}` runs in {known}, and would now be deployed to {is}"));
    Err(error.help(format!(
        "change that back in the configuration and end it there first, with: instate retire {name}"
    )))
}
