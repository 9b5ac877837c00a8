//! Words that people bring from somewhere else, and what they are called here.

/// What to write in the place of `key`, which a mapping of the type `name` does not have.
pub(super) fn hint(name: Option<&str>, key: &str) -> Option<&'static str> {
    let of = name?.rsplit('.').next()?;
    Some(match (of, key) {
        ("IngressBackend", "serviceName" | "servicePort") => {
            "since networking.k8s.io/v1: `service: {name: ..., port: {number: ...}}`"
        }
        ("HorizontalPodAutoscalerSpec", "targetCPUUtilizationPercentage") => {
            "since autoscaling/v2 it is an item of `metrics` with `type: Resource`"
        }
        ("LabelSelector", key) if !key.starts_with("match") => "write the labels below `matchLabels:`",
        ("Container", "environment" | "envs") => "did you mean `env`?",
        ("Container", "cmd" | "entrypoint") => "did you mean `command`?",
        ("ResourceRequirements", "cpu" | "memory") => "write it below `requests:` or `limits:`",
        ("ServicePort", "containerPort") => "did you mean `targetPort`?",
        ("ContainerPort", "port" | "targetPort") => "did you mean `containerPort`?",
        ("EnvVar", "secretKeyRef" | "configMapKeyRef" | "fieldRef" | "resourceFieldRef") => {
            "write it below `valueFrom:`"
        }
        ("Volume", "persistentVolumeClaimName" | "claimName" | "pvc") => {
            "write `persistentVolumeClaim:` and `claimName:` below it"
        }
        ("ConfigMapVolumeSource", "configMapName") => "did you mean `name`?",
        ("SecretVolumeSource", "name") => "did you mean `secretName`?",
        ("PersistentVolumeClaimSpec", "storageClass") => "did you mean `storageClassName`?",
        ("PersistentVolumeClaimSpec", "storage") => {
            "write `resources:`, below it `requests:`, below it `storage:`"
        }
        ("PodSpec", "imagePullSecret") => "did you mean `imagePullSecrets`?",
        _ => return None,
    })
}
