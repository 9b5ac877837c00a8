//! Values that Kubernetes checks by hand: their grammar, their size, and what they stand beside.

use super::mistakes::{B, S, seen};

/// The Pod of the shop, with something more.
const IN_POD: &str = "      serviceAccountName: web\n";

#[test]
fn a_name_or_a_key_is_shown_with_the_characters_that_it_may_have() {
    insta::assert_snapshot!(seen(&[
        ("a container in capitals", B, "          - name: tidy\n", "          - name: §Tidy_Up\n"),
        (
            "a container that is called by a tool",
            B,
            "          - name: tidy\n",
            "          - name: §\"${NAME}-tidy\"\n"
        ),
        (
            "a volume with a dot",
            S,
            "      volumes:\n",
            "      volumes:\n      - {name: §web.conf, emptyDir: {}}\n"
        ),
        (
            "a name that is too long",
            S,
            "      volumes:\n",
            "      volumes:\n      - {name: §what-is-a-name-of-a-volume-that-is-quite-a-bit-longer-than-a-name-is, emptyDir: {}}\n",
        ),
        (
            "a name of a port that is too long",
            S,
            "        - name: metrics\n",
            "        - name: §prometheus-metrics\n"
        ),
        (
            "a name of a port with an underscore",
            S,
            "        - name: metrics\n",
            "        - name: §web_metrics\n"
        ),
        ("a name of a port that is a number", S, "        - name: metrics\n", "        - name: §\"9090\"\n"),
        ("a port of a Service in quotes", S, "    targetPort: http\n", "    targetPort: §\"8080\"\n"),
        (
            "a port of a probe in quotes",
            B,
            "          tcpSocket: {port: 5432}",
            "          tcpSocket: {port: §\"5432\"}"
        ),
        ("a port of a backend in quotes", S, "              number: 80\n", "              name: §\"80\"\n"),
        ("a variable with =", S, "        - name: MODE\n", "        - name: §MODE=a\n"),
        ("a key with a slash", B, "  PORT: \"8080\"\n", "  §etc/web/port: \"8080\"\n"),
        ("a key that begins with dots", B, "  PORT: \"8080\"\n", "  §..port: \"8080\"\n"),
        ("a key of a Secret", B, "  user: ana\n", "  §user name: ana\n"),
        ("a key that no Secret has", S, "              key: token\n", "              key: §web/token\n"),
        ("an account in capitals", S, IN_POD, "      serviceAccountName: §Web\n"),
        (
            "a header with an underscore",
            S,
            "            path: /ready\n",
            "            path: /ready\n            httpHeaders: [{name: §X_Ready, value: a}]\n"
        ),
    ]));
}

#[test]
fn an_address_a_host_or_a_path_is_shown_with_how_to_write_it() {
    let from = "    - podSelector:\n        matchLabels:\n          app: gateway\n";
    insta::assert_snapshot!(seen(&[
        ("a range without its length", S, from, "    - ipBlock: {cidr: §10.0.0.1}\n"),
        ("a range of too many bits", S, from, "    - ipBlock: {cidr: §10.0.0.0/33}\n"),
        (
            "an exception from elsewhere",
            S,
            from,
            "    - ipBlock: {cidr: 10.0.0.0/8, except: [§192.168.0.0/16]}\n"
        ),
        ("a name for an address", S, IN_POD, "      hostAliases: [{ip: §localhost, hostnames: [a]}]\n"),
        (
            "a range for an address",
            S,
            "  type: ClusterIP\n",
            "  type: ClusterIP\n  externalIPs: [§203.0.113.7/24]\n"
        ),
        ("a host with a scheme", S, "  - host: shop.example\n", "  - host: §https://Shop.example/\n"),
        ("a host that is an address", S, "  - host: shop.example\n", "  - host: §10.0.0.1\n"),
        ("two slashes", S, "      - path: /\n", "      - path: §//shop\n"),
        (
            "a controller without a domain",
            S,
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\nspec:\n",
            "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: web}\nspec: {controller: §nginx}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\nspec:\n",
        ),
        (
            "a class of nobody",
            S,
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\nspec:\n",
            "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: §own}\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: web\nspec:\n",
        ),
    ]));
}

#[test]
fn what_a_pod_says_twice_or_against_itself_is_shown() {
    insta::assert_snapshot!(seen(&[
        ("two ports of a name", S, "        - name: metrics\n", "        - name: §http\n"),
        (
            "a port of the node twice",
            S,
            "          containerPort: 9090\n",
            "          containerPort: 9090\n          hostPort: 80\n        - {containerPort: 9091, hostPort: §80}\n"
        ),
        (
            "another port of the node",
            B,
            "      hostNetwork: false\n      containers:\n      - name: db\n",
            "      hostNetwork: true\n      containers:\n      - name: db\n        ports: [{containerPort: 80, hostPort: §81}]\n"
        ),
        ("every taint of a value", S, IN_POD, "      tolerations: [{operator: §Equal, value: a}]\n"),
        ("any value, and one", S, IN_POD, "      tolerations: [{key: a, operator: Exists, §value: b}]\n"),
        (
            "names from nowhere",
            S,
            "    spec:\n      serviceAccountName",
            "    §spec:\n      dnsPolicy: None\n      serviceAccountName"
        ),
        (
            "a sleep that is longer than the end",
            B,
            "        livenessProbe:\n",
            "        lifecycle: {preStop: {sleep: {seconds: §31}}}\n        livenessProbe:\n"
        ),
        (
            "two successes of a liveness probe",
            B,
            "          tcpSocket: {port: 5432}\n",
            "          tcpSocket: {port: 5432}\n          successThreshold: §2\n"
        ),
        (
            "a readiness probe that stops",
            S,
            "          periodSeconds: 5\n",
            "          periodSeconds: 5\n          §terminationGracePeriodSeconds: 5\n"
        ),
        (
            "every right, and not more",
            S,
            "          runAsNonRoot: true\n",
            "          privileged: true\n          allowPrivilegeEscalation: §false\n"
        ),
        ("nobody", S, "          runAsNonRoot: true\n", "          runAsUser: §-1\n"),
        ("less than nothing", S, "            cpu: 100m\n", "            cpu: §-100m\n"),
        ("a mode that is not octal", S, "          defaultMode: 0644", "          defaultMode: §644"),
        ("a mode with a letter too many", S, "          defaultMode: 0644", "          defaultMode: §1000"),
        (
            "a path from the root",
            S,
            "          mountPath: /etc/web\n",
            "          mountPath: /etc/web\n          subPath: §/web\n"
        ),
        ("a thousandth of a byte", S, "            memory: 128Mi\n", "            memory: §128m\n"),
        (
            "a field of the Pod, misspelt",
            S,
            "        - name: MODE\n          value: production\n",
            "        - {name: IP, valueFrom: {fieldRef: {fieldPath: §status.podIp}}}\n"
        ),
        (
            "all labels in a variable",
            S,
            "        - name: MODE\n          value: production\n",
            "        - {name: LABELS, valueFrom: {fieldRef: {fieldPath: §metadata.labels}}}\n"
        ),
        (
            "a resource, and not what of it",
            S,
            "        - name: MODE\n          value: production\n",
            "        - {name: CPU, valueFrom: {resourceFieldRef: {resource: §cpu}}}\n"
        ),
        ("a blank before an image", S, "        image: registry", "        image: §\" registry\" # "),
    ]));
}

#[test]
fn what_a_pod_reads_of_itself_or_spreads_by_is_shown_with_what_it_needs() {
    insta::assert_snapshot!(seen(&[
        (
            "keys that narrow no selector",
            S,
            IN_POD,
            "      topologySpreadConstraints:\n      - maxSkew: 1\n        topologyKey: zone\n        \
             whenUnsatisfiable: DoNotSchedule\n        §matchLabelKeys: [app]\n",
        ),
        (
            "a file of which container",
            S,
            "      volumes:\n",
            "      volumes:\n      - name: about\n        downwardAPI:\n          items:\n          - path: cpu\n            \
             §resourceFieldRef: {resource: limits.cpu}\n",
        ),
        (
            "processors in mebibytes",
            S,
            "        - name: MODE\n",
            "        - name: CPU\n          valueFrom:\n            resourceFieldRef: {resource: limits.cpu, divisor: §1Mi}\n        \
             - name: MODE\n",
        ),
        (
            "a target without a number",
            S,
            "      volumes:\n",
            "      volumes:\n      - name: disk\n        §fc: {targetWWNs: [50060e801049cfd1]}\n",
        ),
    ]));
}

#[test]
fn what_a_workload_says_against_itself_is_shown() {
    insta::assert_snapshot!(seen(&[
        ("fewer than none", S, "  replicas: 3\n", "  replicas: §-3\n"),
        (
            "recreated and rolled",
            S,
            "    type: RollingUpdate\n    rollingUpdate:\n",
            "    type: Recreate\n    §rollingUpdate:\n"
        ),
        (
            "no room to roll",
            S,
            "      maxSurge: 25%\n      maxUnavailable: 0\n",
            "      maxSurge: 0\n      maxUnavailable: §0\n"
        ),
        ("a share without a sign", S, "      maxSurge: 25%\n", "      maxSurge: §\"25\"\n"),
        ("a share in words", S, "      maxSurge: 25%\n", "      maxSurge: §half\n"),
        ("more than all", S, "  minAvailable: 1\n", "  minAvailable: §120%\n"),
        ("stuck before it is ready", S, "  replicas: 3\n", "  minReadySeconds: §600\n"),
        ("Pods that end", S, IN_POD, "      restartPolicy: §Never\n"),
        ("a Job that starts again", B, "restartPolicy: OnFailure", "restartPolicy: §Always"),
        (
            "a Job without a policy",
            B,
            "        spec:\n          restartPolicy: OnFailure\n",
            "        §spec:\n"
        ),
        ("an end of what is kept", S, IN_POD, "      §activeDeadlineSeconds: 60\n"),
        (
            "a selector of everything",
            S,
            "  selector:\n    matchLabels:\n      app: web\n  strategy",
            "  §selector: {}\n  strategy"
        ),
        ("fewer at most than at least", S, "  maxReplicas: 10\n", "  maxReplicas: §1\n"),
        ("a target of no group", S, "  scaleTargetRef:\n    apiVersion: apps/v1\n", "  §scaleTargetRef:\n"),
        (
            "a name that leaves no room",
            B,
            "kind: CronJob\nmetadata:\n  name: tidy\n",
            "kind: CronJob\nmetadata:\n  name: §tidy-up-everything-that-nobody-has-looked-at-for-a-while\n"
        ),
        (
            "one Pod and several",
            B,
            "  accessModes: [ReadWriteOnce]\n  storageClassName",
            "  accessModes: [§ReadWriteOncePod, ReadWriteOnce]\n  storageClassName"
        ),
        (
            "a volume that says no size",
            B,
            "apiVersion: v1\nkind: PersistentVolumeClaim\n",
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: a}\nspec: {accessModes: [ReadWriteOnce], capacity: {§size: 1Gi}, nfs: {server: a, path: /}}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\n"
        ),
        ("no storage", B, "      storage: 10Gi\n", "      storage: §0\n"),
    ]));
}

#[test]
fn what_a_service_or_a_secret_lacks_is_shown_and_nothing_of_the_secret() {
    insta::assert_snapshot!(seen(&[
        (
            "several ports without names",
            S,
            "  - name: http\n    port: 80\n    targetPort: http\n",
            "  - name: http\n    port: 80\n  - §port: 81\n"
        ),
        (
            "two ports of a name",
            S,
            "    targetPort: http\n",
            "    targetPort: http\n  - name: §http\n    port: 81\n"
        ),
        (
            "a name with a dot",
            S,
            "kind: Service\nmetadata:\n  name: web\n",
            "kind: Service\nmetadata:\n  name: §web.shop\n"
        ),
        ("a port of nodes without any", S, "    targetPort: http\n", "    §nodePort: 30080\n"),
        ("no address in what has one", S, "  type: ClusterIP\n", "  type: NodePort\n  clusterIP: §None\n"),
        ("a range for nobody", S, "  type: ClusterIP\n", "  §loadBalancerSourceRanges: [10.0.0.0/8]\n"),
        ("a policy for nobody", S, "  type: ClusterIP\n", "  §externalTrafficPolicy: Local\n"),
        (
            "a name outside with a scheme",
            S,
            "  type: ClusterIP\n",
            "  type: ExternalName\n  externalName: §http://shop.example\n"
        ),
        (
            "a key in both maps",
            B,
            "data:\n  PORT: \"8080\"\n",
            "binaryData: {PORT: YQ==}\ndata:\n  §PORT: \"8080\"\n"
        ),
        (
            "a certificate without its key",
            B,
            "type: Opaque\ndata:\n  token: aHVudGVyMg==\nstringData:\n  user: ana\n",
            "type: kubernetes.io/tls\n§data:\n  tls.crt: aHVudGVyMg==\n"
        ),
        (
            "a login that says nobody",
            B,
            "type: Opaque\ndata:\n  token: aHVudGVyMg==\nstringData:\n",
            "type: kubernetes.io/basic-auth\n§stringData:\n"
        ),
        (
            "a login to a registry that is no JSON",
            B,
            "type: Opaque\ndata:\n  token: aHVudGVyMg==\nstringData:\n  user: ana\n",
            "type: kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: §hunter2\n"
        ),
        (
            "a token of nobody",
            B,
            "kind: Secret\nmetadata:\n  name: web\ntype: Opaque\n",
            "kind: Secret\n§metadata:\n  name: web\ntype: kubernetes.io/service-account-token\n"
        ),
    ]));
}
