//! What Kubernetes wants beyond its schemas, each broken once in a good manifest.

use super::mistakes::{B, S, seen};

#[test]
fn of_fields_that_exclude_each_other_one_is_wanted() {
    insta::assert_snapshot!(seen(&[
        (
            "two values of one variable",
            S,
            "          value: production",
            "          value: production\n          §valueFrom: {fieldRef: {fieldPath: metadata.name}}",
        ),
        (
            "a variable from nowhere",
            S,
            "          valueFrom:\n            secretKeyRef:\n              name: web\n              key: token",
            "          §valueFrom: {}",
        ),
        ("two probes in one", S, "          periodSeconds: 5", "          §tcpSocket: {port: 1}"),
        (
            "a probe of nothing",
            B,
            "        livenessProbe:\n          tcpSocket: {port: 5432}",
            "        §livenessProbe:\n          periodSeconds: 5",
        ),
        (
            "two sources of a volume",
            S,
            "          defaultMode: 0644",
            "          defaultMode: 0644\n        §emptyDir: {}",
        ),
        (
            "a backend with two ports",
            S,
            "              number: 80",
            "              number: 80\n              §name: http",
        ),
        ("both bounds of a budget", S, "  minAvailable: 1", "  minAvailable: 1\n  §maxUnavailable: 1"),
        (
            "a peer that is nobody",
            S,
            "    - podSelector:\n        matchLabels:\n          app: gateway",
            "    - §{}",
        ),
        (
            "a rule of addresses and of kinds",
            B,
            "  resources: [pods]\n",
            "  resources: [pods]\n  §nonResourceURLs: [/x]\n",
        ),
    ]));
}

#[test]
fn what_is_named_in_an_object_is_there() {
    insta::assert_snapshot!(seen(&[
        (
            "a volume, misspelt",
            S,
            "        - name: settings\n          mountPath",
            "        - name: §setings\n          mountPath"
        ),
        ("a volume, forgotten", B, "        - {name: data, mountPath", "        - {name: §files, mountPath"),
        (
            "a claim of resources",
            S,
            "          limits:\n",
            "          claims: [{name: §gpu}]\n          limits:\n",
        ),
    ]));
}

#[test]
fn fields_that_do_not_go_together_are_shown() {
    insta::assert_snapshot!(seen(&[
        (
            "a range without a first port",
            S,
            "    - protocol: TCP\n      port: 8080",
            "    - protocol: TCP\n      endPort: §8090",
        ),
        ("a range that ends before it begins", S, "      port: 8080", "      port: 8080\n      endPort: §80"),
        (
            "a probe of what runs once",
            B,
            "          containers:\n          - name: tidy\n",
            "          initContainers:\n          - name: first\n            image: example/first:1\n            \
             §readinessProbe: {tcpSocket: {port: 1}}\n          containers:\n          - name: tidy\n",
        ),
        (
            "a second container of the same name",
            B,
            "          containers:\n          - name: tidy\n",
            "          initContainers:\n          - name: tidy\n            image: example/first:1\n          \
             containers:\n          - name: §tidy\n",
        ),
        (
            "seconds of what keeps nobody running",
            B,
            "      hostNetwork: false",
            "      tolerations: [{key: a, operator: Exists, effect: NoSchedule, §tolerationSeconds: 5}]",
        ),
        (
            "values beside an operator without any",
            S,
            "    - podSelector:\n        matchLabels:\n          app: gateway",
            "    - podSelector:\n        matchExpressions: [{key: a, operator: Exists, §values: [b]}]",
        ),
    ]));
}

#[test]
fn amounts_numbers_and_words_are_what_kubernetes_takes() {
    insta::assert_snapshot!(seen(&[
        ("more than the limit", S, "            memory: 128Mi", "            memory: §1Gi"),
        ("a resource that nobody has", S, "            cpu: 100m", "            §cpus: 100m"),
        ("a claim without a size", B, "    requests:\n      storage: 10Gi", "    §requests: {}"),
        ("a schedule with four fields", B, "\"*/5 * * * *\"", "§\"*/5 * * *\""),
        ("a schedule with a time zone", B, "\"*/5 * * * *\"", "§\"CRON_TZ=UTC */5 * * * *\""),
        ("a port out of range", S, "          containerPort: 8080", "          containerPort: §80800"),
        ("a path that is relative", S, "      - path: /\n", "      - path: §shop\n"),
        ("a policy that there is not", S, "imagePullPolicy: IfNotPresent", "imagePullPolicy: §IfNotThere"),
        (
            "an operator that there is not",
            S,
            "        matchLabels:\n          app: gateway",
            "        matchExpressions: [{key: a, operator: §Is, values: [b]}]"
        ),
        (
            "an operator without values",
            S,
            "        matchLabels:\n          app: gateway",
            "        matchExpressions: [{§key: a, operator: In}]"
        ),
        (
            "no ports of a Service",
            S,
            "spec:\n  type: ClusterIP\n  selector:\n    app: web\n  ports:\n  - name: http\n    port: 80\n    targetPort: http\n",
            "§spec:\n  type: ClusterIP\n  selector:\n    app: web\n",
        ),
    ]));
}
