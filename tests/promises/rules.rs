//! What a definition of the same push says of its objects, in its own words: `x-kubernetes-validations`.

use crate::common::{Setup, World};

const WIDGETS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        x-kubernetes-validations:
        - {rule: \"self.metadata.name.size() <= 10\", message: the name has at most 10 characters}
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - {rule: self.min <= self.max, message: min is larger than max, fieldPath: .min}
            - {rule: self.replicas % 2 == 1}
            - {rule: \"self.image == oldSelf.image\", message: the image stays as it is}
            - {rule: RULE}
            properties:
              image: {type: string}
              min: {type: integer}
              max: {type: integer}
              replicas: {type: integer, default: 3}
              parts:
                type: array
                default: []
                items:
                  type: object
                  x-kubernetes-validations:
                  - {rule: \"!has(self.port) || self.port > 1024\", messageExpression: \"'port ' + string(self.port) + ' is for root'\"}
                  properties: {name: {type: string}, port: {type: integer}}
";

const WIDGET: &str = "apiVersion: example.com/v1
kind: Widget
metadata: {name: first}
spec:
  image: a
  min: 1
  max: 2
  parts:
  - {name: web, port: 8080}
";

/// What is said of a widget that comes with its definition.
fn pushed(rule: &str, widget: &str) -> (Option<i32>, String) {
    let world = World::new();
    let setup = Setup::new(&world);
    let ana = setup.clone("ana");
    ana.write("widgets.yaml", WIDGETS.replace("RULE", rule));
    ana.write("first.yaml", widget);
    ana.commit("widgets");
    let pushed = ana.push(&["origin", "main"]);
    setup.idle();
    (pushed.code, pushed.remote_lines().join("\n"))
}

#[test]
fn what_breaks_a_rule_of_its_definition_is_refused_in_the_words_of_the_definition() {
    for (name, from, to) in [
        ("rule_with_a_message", "min: 1", "min: 3"),
        ("rule_without_a_message", "  min: 1", "  replicas: 4\n  min: 1"),
        ("rule_of_an_item", "port: 8080", "port: 80"),
        ("rule_of_the_object", "name: first", "name: the-very-first"),
    ] {
        assert!(WIDGET.contains(from), "{name}");
        let (code, seen) = pushed("'true'", &WIDGET.replacen(from, to, 1));
        assert_eq!(code, Some(1), "{seen}");
        insta::assert_snapshot!(name, seen);
    }
}

#[test]
fn a_rule_that_nobody_here_understands_refuses_nobody() {
    for rule in
        ["self.", "self.nothing.of.it", "\"no.such(self)\"", "\"'a text'\"", "\"self.parts[7].port > 1\""]
    {
        let (code, seen) = pushed(rule, WIDGET);
        assert_eq!(code, Some(0), "{rule}: {seen}");
        assert!(!seen.contains("I0214"), "{rule}: {seen}");
    }
}

/// An expression is somebody else's program.
#[test]
fn a_rule_without_end_is_a_warning_and_takes_neither_time_nor_memory() {
    let loops = format!("\"{}true{}\"", "[1,2,3,4,5,6,7,8,9,10].all(x, ".repeat(9), ")".repeat(9));
    let grows = format!(
        "\"{}.size() > 0\"",
        (0..12).fold("[1,2,3,4,5,6,7,8]".to_owned(), |list, _| {
            format!("{list}.map(x, [1,2,3,4,5,6,7,8].map(y, [x, x, x, x]))")
        })
    );
    let deep = format!("\"{}1{} > 0\"", "(".repeat(3000), ")".repeat(3000));
    for rule in [loops, grows, deep] {
        let (code, seen) = pushed(&rule, WIDGET);
        assert_eq!(code, Some(0), "{seen}");
        assert!(seen.contains("warning[I0214]: a rule for `spec` takes too much"), "{seen}");
    }
}
