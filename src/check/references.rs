//! What objects name is there: in the revision, in the cluster, or made by a controller of something that is.

use std::collections::{BTreeMap, HashSet, btree_map::Entry};

use super::{
    Cluster,
    across::{Across, Id, Object, more, same_group},
    controllers::{self, Made},
    facts::{Part, Reference, Says},
};
use crate::{
    finding::{self, Code, Finding},
    manifest::ObjectKey,
    text,
};

/// Among so many names one is looked for that was meant.
const MOST_NAMES: usize = 1_000;

/// Who names something that is not there: the first, where, and how many other objects do.
#[derive(Clone, Copy)]
struct Named<'a> {
    object: Object<'a>,
    by: &'a Reference,
    others: usize,
    last: usize,
}

/// What objects name and the revision does not have.
#[derive(Default)]
pub(super) struct Lacks<'a> {
    whole: BTreeMap<Id<'a>, Named<'a>>,
    /// Of objects that it has: which object, and what it does not have.
    parts: BTreeMap<(usize, &'a Part), Named<'a>>,
}

impl<'a> Lacks<'a> {
    /// Looks for everything that is named.
    pub fn of(across: &Across<'a>) -> Self {
        let mut lacks = Self::default();
        for (at, object) in across.objects.iter().enumerate() {
            for by in &object.facts.refs {
                let id = id(across, *object, by);
                let named = Named { object: *object, by, others: 0, last: at };
                match across.found.get(&id) {
                    None if !controllers::is_everywhere(id) => note(lacks.whole.entry(id), named),
                    Some(found) => {
                        if let Some((part, _)) = &by.part
                            && !has(&across.objects[*found].facts.says, part)
                        {
                            note(lacks.parts.entry((*found, part)), named);
                        }
                    }
                    None => {}
                }
            }
        }
        if !lacks.whole.is_empty() {
            let made = Made::by(across);
            lacks.whole.retain(|id, _| !made.has(*id));
        }
        lacks
    }

    /// What the cluster has to be asked for.
    pub fn questions(&self) -> impl Iterator<Item = ObjectKey> {
        self.whole.iter().map(|(id, named)| question(*id, named.by))
    }
}

fn note<'a, K: Ord>(entry: Entry<'_, K, Named<'a>>, named: Named<'a>) {
    let first = entry.or_insert(named);
    first.others += usize::from(first.last != named.last);
    first.last = named.last;
}

fn question(id: Id<'_>, by: &Reference) -> ObjectKey {
    ObjectKey {
        group: by.to.group().to_owned(),
        kind: id.kind.to_owned(),
        namespace: id.namespace.map(ToOwned::to_owned),
        name: id.name.to_owned(),
    }
}

/// What is named.
fn id<'a>(across: &Across<'a>, object: Object<'a>, by: &'a Reference) -> Id<'a> {
    let own = object.namespace.unwrap_or(across.world.namespace);
    let namespace = (!by.to.is_of_cluster()).then(|| by.namespace.as_deref().unwrap_or(own));
    let (group, kind) = (by.to.group(), by.to.kind());
    Id { group: same_group(group, kind), kind, namespace, name: &by.name }
}

/// Whether an object has what is asked of it. What has nothing at all is filled by somebody else.
fn has(says: &Says, part: &Part) -> bool {
    match (says, part) {
        (Says::Data(keys), Part::Key(key)) => keys.is_empty() || keys.contains(key),
        (Says::Service(service), _) if service.external || service.ports.is_empty() => true,
        (Says::Service(service), Part::Number(number)) => {
            service.ports.iter().any(|(known, _)| known == number)
        }
        (Says::Service(service), Part::Port(name)) => {
            service.ports.iter().any(|(_, known)| known.as_ref() == Some(name))
        }
        _ => true,
    }
}

pub(super) fn check(across: &Across<'_>, cluster: &Cluster) -> Vec<Finding> {
    let Lacks { whole, parts } = &across.lacks;
    let inhabited: HashSet<&str> = match cluster {
        Cluster::NotAsked if !whole.is_empty() => {
            across.objects.iter().filter_map(|object| object.namespace).collect()
        }
        _ => HashSet::new(),
    };
    let is_missing = |(id, named): &(&Id<'_>, &Named<'_>)| match cluster {
        // What belongs to the whole cluster, or to a namespace of which this revision has nothing, is
        // somebody else's to bring.
        Cluster::NotAsked => id.namespace.is_some_and(|namespace| {
            inhabited.contains(namespace) && !controllers::NAMESPACES.contains(&namespace)
        }),
        Cluster::Lacks(missing) => missing.contains(&question(**id, named.by)),
    };
    let missing = whole.iter().filter(is_missing).take(finding::MOST_OF_ONE);
    let mut findings: Vec<Finding> =
        missing.map(|(id, named)| nowhere(across, cluster, *id, *named)).collect();
    let parts = parts.iter().take(finding::MOST_OF_ONE);
    findings
        .extend(parts.map(|((target, part), named)| without(across, across.objects[*target], part, *named)));
    findings
}

/// Something that nothing provides.
fn nowhere(across: &Across<'_>, cluster: &Cluster, id: Id<'_>, named: Named<'_>) -> Finding {
    let mut what = format!("{}/{}", text::excerpt(id.kind, 63), text::excerpt(id.name, 120));
    if let Some(namespace) = id.namespace.filter(|namespace| *namespace != across.world.namespace) {
        what = format!("{what} in {}", text::excerpt(namespace, 63));
    }
    let by = format!("{}{}", named.object.shown(), more(named.others, "object"));
    let message = match cluster {
        Cluster::NotAsked => format!("nothing in this revision provides {what}, needed by {by}"),
        Cluster::Lacks(_) => format!("neither this revision nor the cluster has {what}, needed by {by}"),
    };
    let alike = across.objects.iter().filter(|other| {
        let other = other.id();
        other.kind == id.kind && other.namespace == id.namespace && other.group == id.group
    });
    let near = text::nearest(id.name, alike.take(MOST_NAMES).map(|other| other.facts.key.name.as_str()));
    let help = match (near, cluster) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Cluster::NotAsked) => "add it, or see that the cluster has it".to_owned(),
        (None, Cluster::Lacks(_)) => "add it to the repository, or create it in the cluster".to_owned(),
    };
    let place = across.place(named.object, named.by.at);
    Finding::warning(Code::ReferenceMissing, message).at(place).help(help)
}

/// A key or a port that what is there does not have.
fn without(across: &Across<'_>, target: Object<'_>, part: &Part, named: Named<'_>) -> Finding {
    let by = format!("{}{}", named.object.shown(), more(named.others, "object"));
    let (code, lacks, help) = match (part, &target.facts.says) {
        (Part::Key(key), Says::Data(keys)) => {
            let near = text::nearest(key, keys.iter().take(MOST_NAMES).map(|key| &**key));
            let help = match near {
                Some(near) => format!("did you mean `{}`?", text::excerpt(near, 63)),
                None => format!("add the key to {}, or mark it `optional: true` here", target.shown()),
            };
            (Code::KeyMissing, format!("key `{}`", text::excerpt(key, 63)), help)
        }
        (Part::Port(name), says) => {
            (Code::PortMissing, format!("port `{}`", text::excerpt(name, 63)), ports(says))
        }
        (Part::Number(number), says) => (Code::PortMissing, format!("port {number}"), ports(says)),
        (Part::Key(_), _) => unreachable!("because only data lacks keys"),
    };
    let message = format!("{} has no {lacks}, needed by {by}", target.shown());
    let span = named.by.part.as_ref().map_or(named.by.at, |(_, at)| *at);
    Finding::warning(code, message).at(across.place(named.object, span)).help(help)
}

fn ports(says: &Says) -> String {
    let Says::Service(service) = says else { return String::new() };
    let shown = service.ports.iter().take(5).map(|(number, name)| match name {
        Some(name) => format!("{number} (`{}`)", text::excerpt(name, 63)),
        None => number.to_string(),
    });
    format!("its ports: {}", shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{asked, offline};

    const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  serviceAccountName: web
  containers:
  - name: web
    image: web:1
    env:
    - name: PASSWORD
      valueFrom:
        secretKeyRef:
          name: db
          key: password
    - name: MODE
      valueFrom:
        configMapKeyRef:
          name: settings
          key: mode
";
    const ACCOUNT: &str = "---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web}\n";
    const SECRET: &str =
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {password: x}\n";
    const SETTINGS: &str =
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {mode: fast}\n";

    #[test]
    fn what_nothing_provides_is_one_warning_for_each_with_how_many_name_it() {
        let more = POD.replace("name: web\nspec", "name: shop\nspec");
        let text = format!("{POD}---\n{more}{ACCOUNT}{SETTINGS}");
        insta::assert_snapshot!("offline", offline(&text));
        let in_tools = text.replace("metadata:\n  name", "metadata:\n  namespace: default\n  name");
        insta::assert_snapshot!("asked", asked(&in_tools));
    }

    #[test]
    fn a_name_that_is_nearly_right_is_shown_with_the_right_one() {
        let text = format!("{POD}{ACCOUNT}{SECRET}{}", SETTINGS.replace("settings", "setings"));
        insta::assert_snapshot!("near", offline(&text));
    }

    #[test]
    fn a_key_that_is_not_there_is_shown() {
        insta::assert_snapshot!(
            "key",
            offline(&format!("{POD}{ACCOUNT}{SECRET}{}", SETTINGS.replace("mode", "node")))
        );
        insta::assert_snapshot!(
            "key_of_a_secret",
            offline(&format!("{POD}{ACCOUNT}{SETTINGS}{}", SECRET.replace("password", "token")))
        );
    }

    #[test]
    fn a_port_that_a_service_lacks_is_shown_with_the_ports_that_it_has() {
        let ingress = "\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules:
  - http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 8080}}}}
      - {path: /a, pathType: Prefix, backend: {service: {name: web, port: {name: web}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80, name: http}, {port: 443, name: https}]}
";
        insta::assert_snapshot!("port", offline(ingress));
    }

    #[test]
    fn each_kind_of_reference_is_looked_at() {
        let text = "\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: wbe}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: web}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], storageClassName: fast, resources: {requests: {storage: 1Gi}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.example], secretName: shop-tls}]
  defaultBackend: {service: {name: web, port: {number: 80}}}
";
        let lines = |text: &str| {
            let lines = text
                .split("\n\n")
                .map(|finding| finding.trim().lines().take_while(|line| !line.contains("-->")));
            lines.map(|lines| lines.collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!("kinds_offline", lines(&offline(text)));
        insta::assert_snapshot!("kinds_asked", lines(&asked(text)));
    }

    #[test]
    fn what_is_made_by_others_or_is_somebody_elses_is_no_finding() {
        let pod = |spec: &str| {
            format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: web}}\nspec: {{containers: [], {spec}}}\n")
        };
        let secret = |name: &str| pod(&format!("volumes: [{{name: a, secret: {{secretName: {name}}}}}]"));
        let custom = |group: &str, kind: &str, name: &str, spec: &str| {
            format!(
                "---\napiVersion: {group}/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n"
            )
        };
        let sets = "---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec:\n  selector: {matchLabels: {app: db}}\n  \
                    template: {metadata: {labels: {app: db}}, spec: {containers: []}}\n  volumeClaimTemplates: [{metadata: {name: data}}]\n";
        let job = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: create}\nspec:\n  template:\n    spec:\n      \
                   restartPolicy: Never\n      containers: [{name: a, image: a:1, args: [create, \"--secret-name=admission\"]}]\n";
        let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: a, namespace: kube-system}\n\
                       roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: extension-apiserver-authentication-reader}\n\
                       subjects: [{kind: ServiceAccount, name: prometheus, namespace: monitoring}]\n";
        let volume = "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: disk}\nspec: {storageClassName: manual}\n";
        let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a, namespace: default}\nspec: {storageClassName: manual}\n";
        let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: a, annotations: {cert-manager.io/cluster-issuer: ca}}\n\
                       spec: {tls: [{secretName: made}]}\n";
        for (why, text) in [
            ("the account that every namespace has", pod("serviceAccountName: default")),
            (
                "the certificate that every namespace has",
                pod("volumes: [{name: a, configMap: {name: kube-root-ca.crt}}]"),
            ),
            ("what may be missing", pod("volumes: [{name: a, secret: {secretName: a, optional: true}}]")),
            (
                "a Certificate's Secret",
                secret("web-tls") + &custom("cert-manager.io", "Certificate", "web", "secretName: web-tls"),
            ),
            (
                "an ExternalSecret's Secret",
                secret("db")
                    + &custom("external-secrets.io", "ExternalSecret", "db-es", "target: {name: db}"),
            ),
            (
                "a SealedSecret's Secret",
                secret("db") + &custom("bitnami.com", "SealedSecret", "db", "encryptedData: {}"),
            ),
            (
                "an operator's Secret",
                secret("db-app") + &custom("postgresql.cnpg.io", "Cluster", "db", "instances: 3"),
            ),
            (
                "a chart that is deployed by another",
                secret("any") + &custom("helm.toolkit.fluxcd.io", "HelmRelease", "x", "interval: 1m"),
            ),
            ("a Secret that a Job makes", secret("admission") + job),
            (
                "a claim of a StatefulSet",
                pod("volumes: [{name: a, persistentVolumeClaim: {claimName: data-db-0}}]") + sets,
            ),
            ("what Kubernetes has in its own namespace", binding.to_owned()),
            ("a certificate that an issuer makes", ingress.to_owned()),
            ("classes of the cluster", pod("priorityClassName: high, runtimeClassName: gvisor")),
            (
                "data that somebody else fills",
                format!("{POD}{ACCOUNT}{SECRET}{}", SETTINGS.replace("data: {mode: fast}\n", "")),
            ),
            ("a class that only a volume has", format!("{claim}{volume}")),
        ] {
            assert_eq!(offline(&text), "", "{why}");
        }
        assert_eq!(asked(&format!("{claim}{volume}")), "", "a class that only a volume has");
    }

    #[test]
    fn a_custom_resource_that_only_configures_does_not_hide_what_is_missing() {
        let monitor = "---\napiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: db}\nspec: {}\n";
        let text = POD.replace("name: db\n", "name: db-password\n");
        assert!(offline(&format!("{text}{ACCOUNT}{SETTINGS}{monitor}")).contains("Secret/db-password"));
    }
}
