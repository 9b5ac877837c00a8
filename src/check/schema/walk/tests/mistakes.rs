//! Mistakes of real life, each one slip in a good manifest. `§` stands where the caret has to point.

use std::fmt::Write as _;

use super::{BACK, OVEN, SHOP, found, schemas, shown};
use crate::source::Source;

/// What is wrong, in which file, and the text that is replaced.
pub(super) type Mistake = (&'static str, (&'static str, &'static str), &'static str, &'static str);

pub(super) const S: (&str, &str) = ("shop.yaml", SHOP);
pub(super) const B: (&str, &str) = ("back.yaml", BACK);
const O: (&str, &str) = ("oven.yaml", OVEN);

/// What a person sees of each mistake, which is one finding at its place.
pub(super) fn seen(mistakes: &[Mistake]) -> String {
    let schemas = schemas();
    let (mut seen, mut wrong) = (String::new(), Vec::new());
    for (name, (file, good), from, to) in mistakes {
        assert_eq!(good.matches(from).count(), 1, "{name}: the text stands once in {file}");
        let marked = good.replace(from, to);
        let at = marked.find('§').expect("because each says where it is");
        let text = marked.replacen('§', "", 1);
        let place = Source::of_server(*file, &*text).place((at..at).into());
        let findings = found(&schemas, file, &text);
        let shown: Vec<String> = findings.iter().flat_map(shown).collect();
        let places: Vec<(u32, u32)> =
            findings.iter().filter_map(|f| f.place.as_ref()).map(|p| (p.line, p.column)).collect();
        if places != [(place.line, place.column)] {
            wrong.push(format!("{name}: not at {}:{}:\n{}", place.line, place.column, shown.join("\n")));
        }
        let _ = write!(seen, "# {name}\n{}\n\n", shown[1..].join("\n"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    seen
}

#[test]
fn a_misspelt_field_is_shown_with_the_one_that_is_meant() {
    insta::assert_snapshot!(seen(&[
        ("a letter missing", S, "  replicas: 3", "  §replica: 3"),
        ("wrong case", S, "        readinessProbe:", "        §readinessprobe:"),
        ("one too many", S, "        image: registry", "        §images: registry"),
        ("one too few", S, "      serviceAccountName: web", "      §imagePullSecret: [{name: a}]"),
        (
            "required, and not missing as well",
            S,
            "  selector:\n    matchLabels:\n      app: web\n  strategy",
            "  §selectors:\n    matchLabels:\n      app: web\n  strategy",
        ),
        ("a word from elsewhere", S, "        env:\n", "        §environment:\n"),
        ("one group", B, "- apiGroups: [\"\"]", "- §apiGroup: [\"\"]"),
        ("a storage class", B, "  storageClassName: fast", "  §storageClass: fast"),
        ("a Secret's", B, "stringData:", "§stringdata:"),
        (
            "metadata",
            B,
            "kind: ConfigMap\nmetadata:\n  name: web",
            "kind: ConfigMap\nmetadata:\n  name: web\n  §label: {a: b}"
        ),
        ("a custom resource's", O, "  degrees: 220", "  §degress: 220"),
        ("nothing like it", S, "      serviceAccountName: web", "      §frobnicate: web"),
        (
            "nothing like it among few",
            B,
            "  concurrencyPolicy: Forbid",
            "  concurrencyPolicy: Forbid\n  §frobnicate: 1"
        ),
        ("in a custom resource", O, "  door: {open: false}", "  door: {open: false, §ajar: true}"),
    ]));
}

#[test]
fn a_field_in_a_wrong_place_is_shown_with_its_place() {
    insta::assert_snapshot!(seen(&[
        (
            "one level too deep",
            S,
            "          defaultMode: 0644\n",
            "          defaultMode: 0644\n    §minReadySeconds: 5\n",
        ),
        (
            "two levels too deep",
            S,
            "        securityContext:\n          runAsNonRoot: true\n        volumeMounts:\n        - name: settings\n          mountPath: /etc/web\n          readOnly: true\n      volumes",
            "        securityContext:\n          runAsNonRoot: true\n          §hostNetwork: true\n      volumes",
        ),
        (
            "volumes in a container",
            S,
            "      volumes:\n      - name: settings\n        configMap:\n          name: web\n          defaultMode: 0644\n",
            "        §volumes:\n        - name: settings\n          configMap:\n            name: web\n            defaultMode: 0644\n",
        ),
        (
            "two fields too deep",
            B,
            "            args: [\"--days\", \"30\"]",
            "            args: [\"--days\", \"30\"]\n            §nodeName: a\n            priority: 1",
        ),
        (
            "in the middle of a container",
            S,
            "        imagePullPolicy: IfNotPresent",
            "        §nodeSelector: {disk: ssd}",
        ),
        (
            "not deep enough: a probe",
            S,
            "          httpGet:\n            path: /ready\n            port: http\n",
            "          httpGet:\n          §path: /ready\n          port: http\n",
        ),
        (
            "not deep enough: a template",
            S,
            "  template:\n    metadata:\n      labels:\n        app: web\n    spec:\n      serviceAccountName: web\n      containers:\n      - name: web\n        image: registry.example/web:1.10.2\n        imagePullPolicy: IfNotPresent\n        command: [\"/web\", \"--verbose\"]\n",
            "  template:\n  §metadata:\n    labels:\n      app: web\n  spec:\n      containers:\n      - name: web\n        command: [\"/web\"]\n",
        ),
        (
            "not deep enough: limits",
            S,
            "          limits:\n            memory: 256Mi\n",
            "        §limits:\n          memory: 256Mi\n"
        ),
        (
            "labels beside metadata",
            B,
            "kind: ConfigMap\nmetadata:\n  name: web\n",
            "kind: ConfigMap\nmetadata:\n  name: web\n§labels:\n  app: web\n"
        ),
        ("replicas beside spec", S, "spec:\n  replicas: 3\n", "§replicas: 3\nspec:\n",),
        (
            "a port in the spec of a Pod",
            S,
            "      volumes:\n      - name: settings\n",
            "      §ports:\n      - containerPort: 1\n      volumes:\n      - name: settings\n",
        ),
        (
            "containers of a StatefulSet",
            B,
            "  serviceName: db\n",
            "  serviceName: db\n  §initContainers: []\n"
        ),
        (
            "in braces",
            B,
            "          tcpSocket: {port: 5432}",
            "          tcpSocket: {port: 5432, §periodSeconds: 5}"
        ),
        (
            "labels of a selector",
            S,
            "kind: PodDisruptionBudget\nmetadata:\n  name: web\nspec:\n  minAvailable: 1\n  selector:\n    matchLabels:\n      app: web\n",
            "kind: PodDisruptionBudget\nmetadata:\n  name: web\nspec:\n  minAvailable: 1\n  selector:\n    §app: web\n"
        ),
        (
            "an old Ingress",
            S,
            "          service:\n            name: web\n            port:\n              number: 80\n",
            "          §serviceName: web\n"
        ),
        (
            "an old HorizontalPodAutoscaler",
            S,
            "  maxReplicas: 10\n",
            "  maxReplicas: 10\n  §targetCPUUtilizationPercentage: 70\n"
        ),
        (
            "a secret in an env",
            S,
            "          valueFrom:\n            secretKeyRef:\n              name: web\n              key: token\n",
            "          §secretKeyRef:\n            name: web\n            key: token\n"
        ),
        (
            "a custom resource",
            O,
            "  heat:\n    gas: {pressure: 20}\n",
            "  heat:\n    gas: {}\n  §pressure: 20\n"
        ),
    ]));
}

#[test]
fn a_value_of_another_type_is_shown_with_how_to_write_it() {
    insta::assert_snapshot!(seen(&[
        ("a label that is a number", S, "    version: \"1.10\"", "    version: §1.10"),
        (
            "an annotation that is a boolean",
            S,
            "    prometheus.io/scrape: \"true\"",
            "    prometheus.io/scrape: §true"
        ),
        ("a word that is a boolean", B, "  DEBUG: \"false\"", "  DEBUG: §no"),
        ("a number in a ConfigMap", B, "  PORT: \"8080\"", "  PORT: §8080"),
        ("a commit that is a number", B, "  PORT: \"8080\"", "  COMMIT: §553640e6"),
        ("an env that is a number", S, "          value: production", "          value: §0755"),
        ("an argument that is a number", B, "[\"--days\", \"30\"]", "[\"--days\", §30]"),
        ("a number in quotes", S, "  replicas: 3", "  replicas: §\"3\""),
        ("a boolean in quotes", S, "          runAsNonRoot: true", "          runAsNonRoot: §\"true\""),
        ("a boolean in another case", B, "  suspend: false", "  suspend: §fALSE"),
        ("a port in quotes", S, "    port: 80\n", "    port: §\"80\"\n"),
        ("a fraction", S, "  minReplicas: 2", "  minReplicas: §2.5"),
        ("a variable", S, "  replicas: 3", "  replicas: §${REPLICAS}"),
        ("a command that is a text", S, "command: [\"/web\", \"--verbose\"]", "command: §/web --verbose"),
        (
            "one access mode",
            B,
            "  accessModes: [ReadWriteOnce]\n  storage",
            "  accessModes: §ReadWriteOnce\n  storage"
        ),
        (
            "env as a mapping",
            S,
            "        env:\n        - name: MODE\n          value: production\n        - name: TOKEN\n          valueFrom:\n            secretKeyRef:\n              name: web\n              key: token\n",
            "        §env:\n          MODE: production\n"
        ),
        (
            "containers without a dash",
            B,
            "          containers:\n          - name: tidy\n            image: registry.example/tidy:2\n            args: [\"--days\", \"30\"]\n",
            "          §containers:\n            name: tidy\n            image: registry.example/tidy:2\n"
        ),
        (
            "a mapping with a dash",
            S,
            "        securityContext:\n          runAsNonRoot: true\n",
            "        §securityContext:\n        - runAsNonRoot: true\n"
        ),
        (
            "a port that is no mapping",
            S,
            "        - name: metrics\n          containerPort: 9090\n",
            "        - §9090\n"
        ),
        (
            "matchLabels of a Service",
            S,
            "  type: ClusterIP\n  selector:\n    app: web\n",
            "  type: ClusterIP\n  selector:\n    §matchLabels:\n      app: web\n"
        ),
        ("a quantity that is a boolean", S, "            cpu: 100m", "            cpu: §yes"),
        (
            "an image that is a mapping",
            B,
            "            image: registry.example/tidy:2",
            "            §image: {name: tidy}"
        ),
        ("a Secret's number", B, "  token: aHVudGVyMg==", "  token: §1234"),
        ("a custom resource's", O, "  degrees: 220", "  degrees: §warm"),
    ]));
}

#[test]
fn what_is_missing_is_shown_where_it_belongs() {
    insta::assert_snapshot!(seen(&[
        (
            "an env without a name",
            S,
            "        - name: MODE\n          value: production\n",
            "        - §value: production\n"
        ),
        (
            "a selector",
            B,
            "metadata:\n  name: db\nspec:\n  serviceName: db\n  selector:\n    matchLabels: {app: db}\n",
            "metadata:\n  name: db\n§spec:\n  serviceName: db\n",
        ),
        ("an empty schedule", B, "  schedule: \"*/5 * * * *\"", "  §schedule:"),
        (
            "a role of a binding",
            B,
            "kind: RoleBinding\nmetadata:\n  name: tidy\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: tidy\n",
            "kind: RoleBinding\nmetadata:\n  name: §tidy\n",
        ),
        ("the type of a path", S, "      - path: /\n        pathType: Prefix\n", "      - §path: /\n"),
        ("a port of a probe", B, "          tcpSocket: {port: 5432}", "          §tcpSocket: {}"),
        (
            "two fields of a target",
            S,
            "  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: web\n",
            "  §scaleTargetRef:\n    apiVersion: apps/v1\n",
        ),
        ("a custom resource's", O, "spec:\n  mode: bake\n  degrees: 220\n", "§spec:\n  mode: bake\n"),
        ("one of two forms", O, "  heat:\n    gas: {pressure: 20}\n", "  §heat: {}\n"),
        (
            "a kind of an embedded resource",
            O,
            "  job:\n    apiVersion: batch/v1\n    kind: Job\n",
            "  §job:\n    apiVersion: batch/v1\n"
        ),
    ]));
}

#[test]
fn a_value_that_is_not_allowed_is_shown_with_those_that_are() {
    insta::assert_snapshot!(seen(&[
        ("wrong case", S, "        imagePullPolicy: IfNotPresent", "        imagePullPolicy: §ifnotpresent"),
        ("misspelt", S, "  type: ClusterIP", "  type: §ClusterIp"),
        ("another word", S, "    type: RollingUpdate\n    rolling", "    type: §Replace\n    rolling"),
        ("lower case protocol", S, "    - protocol: TCP", "    - protocol: §tcp"),
        ("a restart policy", B, "          restartPolicy: OnFailure", "          restartPolicy: §on-failure"),
        ("a policy of a CronJob", B, "  concurrencyPolicy: Forbid", "  concurrencyPolicy: §Deny"),
        (
            "a template",
            S,
            "        imagePullPolicy: IfNotPresent",
            "        imagePullPolicy: §\"{{ .Values.pull }}\""
        ),
        ("a custom resource's", O, "  mode: bake", "  mode: §baking"),
        (
            "forms that exclude each other",
            O,
            "  heat:\n    gas: {pressure: 20}\n",
            "  §heat:\n    gas: {pressure: 20}\n    power: {volts: 230}\n"
        ),
    ]));
}

#[test]
fn a_value_of_the_wrong_form_or_size_is_shown_with_what_it_needs() {
    insta::assert_snapshot!(seen(&[
        ("gigabytes", S, "            memory: 128Mi", "            memory: §1GB"),
        ("megabytes in lower case", S, "            memory: 256Mi", "            memory: §256mb"),
        ("a blank", B, "      storage: 10Gi", "      storage: §10 Gi"),
        ("cores", S, "            cpu: 100m", "            cpu: §2 cores"),
        ("a share", S, "            cpu: 100m", "            cpu: §50%"),
        ("too large", S, "  replicas: 3", "  replicas: §3000000000"),
        ("no base64", B, "  token: aHVudGVyMg==", "  token: §hunter2"),
        ("a pattern", O, "  name: left-oven", "  name: §Left"),
        ("too long", O, "  name: left-oven", "  name: §left-left-left"),
        ("an empty text", O, "  name: left-oven", "  name: §\"\""),
        ("too hot", O, "  degrees: 220", "  degrees: §500"),
        ("too cold", O, "  degrees: 220", "  degrees: §10"),
        ("not a multiple", O, "  degrees: 220", "  degrees: §221"),
        ("as much as is too much", O, "    load: 5", "    load: §20"),
        ("no items", O, "  racks:\n  - position: 1\n    load: 5\n  - position: 2\n", "  §racks: []\n"),
        (
            "too many items",
            O,
            "  racks:\n  - position: 1\n    load: 5\n",
            "  §racks:\n  - position: 3\n  - position: 4\n  - position: 5\n  - position: 6\n",
        ),
        ("an address", O, "  address: 10.0.0.1", "  address: §10.0.0.300"),
        ("a duration", O, "  restAfter: 90m", "  restAfter: §soon"),
    ]));
}

#[test]
fn items_that_must_differ_are_shown_with_each_other() {
    insta::assert_snapshot!(seen(&[
        (
            "ports",
            S,
            "          containerPort: 9090",
            "          containerPort: §8080\n          protocol: TCP"
        ),
        ("an env", S, "        - name: TOKEN\n", "        - name: §MODE\n"),
        (
            "a volume",
            S,
            "      - name: settings\n        configMap:",
            "      - name: settings\n        emptyDir: {}\n      - name: §settings\n        configMap:"
        ),
        (
            "finalizers",
            O,
            "  labels: {floor: first}",
            "  labels: {floor: first}\n  finalizers: [a.example/b, §a.example/b]"
        ),
        ("a custom resource's", O, "  - position: 2\n", "  - position: §1\n"),
        ("a custom resource's texts", O, "  tags: [stone, deep]", "  tags: [stone, deep, §stone]"),
    ]));
}

#[test]
fn nothing_where_something_has_to_be_is_shown() {
    insta::assert_snapshot!(seen(&[
        (
            "an empty item",
            B,
            "            args: [\"--days\", \"30\"]",
            "            args: [\"--days\", §null]"
        ),
        ("an empty text of a ConfigMap", B, "  PORT: \"8080\"", "  §PORT:"),
        ("an empty quantity", S, "            cpu: 100m", "            §cpu:"),
    ]));
}

#[test]
fn labels_and_annotations_are_shown_with_what_they_may_hold() {
    insta::assert_snapshot!(seen(&[
        ("a blank", S, "    version: \"1.10\"", "    owner: §Team Web"),
        ("an address", S, "    version: \"1.10\"", "    owner: §ana@shop.example"),
        ("an edge", S, "    version: \"1.10\"", "    version: §-rc1"),
        (
            "too long",
            O,
            "  labels: {floor: first}",
            "  labels: {floor: §aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg}"
        ),
        ("two slashes", S, "    version: \"1.10\"", "    §a.example/b/c: d"),
        ("a prefix in capitals", S, "    version: \"1.10\"", "    §Shop.example/tier: web"),
        ("no name", S, "    version: \"1.10\"", "    §shop.example/: web"),
        ("an annotation's key", S, "    prometheus.io/scrape: \"true\"", "    §prometheus io: \"true\""),
        (
            "a selector's",
            S,
            "  type: ClusterIP\n  selector:\n    app: web\n",
            "  type: ClusterIP\n  selector:\n    app: §web app\n"
        ),
        ("a finalizer", O, "  labels: {floor: first}", "  finalizers: [§\"a b\"]"),
    ]));
}

#[test]
fn what_is_not_read_as_it_looks_is_shown() {
    insta::assert_snapshot!(seen(&[
        ("a boolean in words", B, "  suspend: false", "  suspend: §no"),
        ("a number with a zero", B, "      backoffLimit: 2", "      backoffLimit: §010"),
        ("a hexadecimal number", S, "    port: 80\n", "    port: §0x50\n"),
        ("a key", B, "  DEBUG: \"false\"", "  §on: \"x\""),
    ]));
}
