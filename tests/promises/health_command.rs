//! `instate health` says how objects are, offline and for each as its own project means it.

use serde_json::Value;

use crate::common::{Output, World, run, run_with_input};

/// A file of objects for each project; above each object stands how it is.
const PROJECTS: [(&str, &str); 13] = [
    ("argo", include_str!("fixtures/health/argo.yaml")),
    ("cert-manager", include_str!("fixtures/health/cert-manager.yaml")),
    ("cluster-api", include_str!("fixtures/health/cluster-api.yaml")),
    ("cnpg", include_str!("fixtures/health/cnpg.yaml")),
    ("crossplane", include_str!("fixtures/health/crossplane.yaml")),
    ("external-secrets", include_str!("fixtures/health/external-secrets.yaml")),
    ("flux", include_str!("fixtures/health/flux.yaml")),
    ("gateway", include_str!("fixtures/health/gateway.yaml")),
    ("knative", include_str!("fixtures/health/knative.yaml")),
    ("kubernetes", include_str!("fixtures/health/kubernetes.yaml")),
    ("others", include_str!("fixtures/health/others.yaml")),
    ("prometheus", include_str!("fixtures/health/prometheus.yaml")),
    ("strimzi", include_str!("fixtures/health/strimzi.yaml")),
];

fn piped(world: &World, arguments: &[&str], text: &str) -> Output {
    let mut command = world.instate();
    command.arg("health").args(arguments);
    run_with_input(command, text)
}

#[test]
fn each_object_is_as_its_project_means_it() {
    let world = World::new();
    for (project, text) in PROJECTS {
        let expected: Vec<&str> = text
            .split("---\n")
            .map(|document| document.strip_prefix("# ").expect("because a word stands above each object"))
            .map(|document| document.split([':', '\n']).next().unwrap_or_default())
            .collect();
        let said = piped(&world, &["--format", "json"], text);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{project}: {said}");
        let lines: Vec<Value> = said
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("because each line is JSON"))
            .collect();
        let people = piped(&world, &[], text).stdout;
        for ((line, expected), shown) in lines.iter().zip(&expected).zip(people.lines()) {
            assert_eq!(line["status"], **expected, "{project}: {shown}");
        }
        assert_eq!((lines.len(), people.lines().count()), (expected.len(), expected.len()), "{project}");
        insta::assert_snapshot!(project, people);
    }
}

#[test]
fn json_has_a_status_and_a_reason_and_nothing_else() {
    let world = World::new();
    let list = r#"{"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"}, "status": {"phase": "Pending"}},
        {"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "system:b"}}]},
        {"apiVersion": "v1", "kind": "PodList", "items": null},
        {"apiVersion": "v1", "kind": "Service"}
    ]}"#;
    let said = piped(&world, &["-", "--format", "json"], list);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said}");
    insta::assert_snapshot!(said.stdout);
}

#[test]
fn what_cannot_be_read_is_said_on_standard_error_and_nothing_is_printed() {
    let world = World::new();
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\n";
    for (name, wrong) in [
        ("no_yaml", "a: [1\n"),
        ("a_text", "hello\n"),
        ("no_kind", "apiVersion: v1\nmetadata: {name: a}\n"),
        ("no_list", "apiVersion: v1\nkind: List\nitems: {a: 1}\n"),
        ("lists", &"{apiVersion: v1, kind: List, items: [".repeat(9)),
    ] {
        let closed = if name == "lists" { format!("{wrong}{}", "]}".repeat(9)) } else { wrong.to_owned() };
        let said = piped(&world, &[], &format!("{claim}---\n{closed}"));
        assert_eq!((said.code, said.stdout.as_str()), (Some(1), ""), "{said}");
        insta::assert_snapshot!(name, said.stderr);
    }
}

#[test]
fn a_file_is_read_and_one_that_is_not_there_is_said() {
    let world = World::new();
    let file = world.path("backup.yaml");
    std::fs::write(
        &file,
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nstatus: {phase: Lost}\n",
    )
    .unwrap();
    let mut command = world.instate();
    command.arg("health").arg(&file);
    let said = run(command);
    // It tells how objects are, and did so.
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "PersistentVolumeClaim/a: failed: the volume that it was bound to is gone\n"),
        "{said}"
    );
    let mut command = world.instate();
    command.args(["health", "nowhere.yaml"]);
    let said = run(command);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said}");
}

#[test]
fn a_controllers_words_cannot_move_the_cursor_or_fill_the_screen() {
    let world = World::new();
    let words = format!(
        "{{status: {{conditions: [{{type: Ready, status: \"False\", message: \"{}\"}}]}}}}",
        "\\e[2J\\n\\u202e\\0 ".repeat(900)
    );
    let object = words.replacen(
        '{',
        "{apiVersion: example.com/v1, kind: \"Wid\\aget\", metadata: {name: \"a\\nb\"}, ",
        1,
    );
    insta::assert_snapshot!(piped(&world, &[], &object).stdout);
}

/// An environment whose widgets say in words of their own how they are.
const RULES: &str = "environments:
  production:
    branch: main
    target: {kubernetes: {kubeconfig: /nowhere}}
    health:
      example.com/Widget:
        healthy: \"object.status.phase == 'Ready'\"
        failed: \"object.status.phase == 'Broken'\"
        reason: \"object.status.message\"
      ConfigMap:
        healthy: \"object.data.ready\"
      Secret:
        healthy: \"lists.range(100000).all(x, lists.range(100000).all(y, x + y >= 0))\"
";

#[test]
fn a_kind_with_an_expression_is_as_that_says_and_never_healthy_by_accident() {
    let world = World::new();
    let rules = world.path("instate.yaml");
    std::fs::write(&rules, RULES).unwrap();
    let rules = rules.to_str().unwrap();
    let widget = |rest: &str| {
        format!(
            "---\napiVersion: example.com/v1\nkind: Widget\nmetadata: {{name: a, generation: 2}}\n{rest}\n"
        )
    };
    let config = |ready: &str| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{{ready}}}\n")
    };
    let objects = [
        widget("status: {phase: Ready}"),
        widget("status: {phase: Ready, message: it has wheels}"),
        widget("status: {phase: Broken, message: it has no wheels}"),
        widget("status: {phase: Rolling}"),
        widget("status: {phase: Rolling, conditions: [{type: Ready, status: 'True'}]}"),
        widget("status: {}"),
        widget("spec: {}"),
        // What it says of an earlier generation counts as nothing said.
        widget("status: {phase: Ready, observedGeneration: 1}"),
        widget("status: {phase: Ready}")
            .replace("name: a", "name: a, deletionTimestamp: '2026-01-01T00:00:00Z'"),
        config("ready: 'true'"),
        config("ready: true"),
        config(""),
        "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n".to_owned(),
        "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: a}\nstatus: {phase: Lost}\n"
            .to_owned(),
    ];
    let said = piped(&world, &["--config", rules], &objects.concat());
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{said}");
    insta::assert_snapshot!(said.stdout);
    let wrong = RULES.replace("phase == 'Ready'", "phase = 'Ready'");
    std::fs::write(rules, wrong).unwrap();
    let said = piped(&world, &["--config", rules], &widget(""));
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{said}");
    insta::assert_snapshot!(world.redact(&said.stderr));
}
