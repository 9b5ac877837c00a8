//! What people break in a manifest: each field of an object mistyped, misspelt, removed, one level too high or
//! too deep.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

/// A step to a value: a key or the number of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Key(String),
    Item(usize),
}

pub type Way = Vec<Step>;

/// One way to break an object.
pub struct Break {
    pub how: &'static str,
    /// The field that it is done to, as it was called.
    pub field: String,
    pub object: Value,
    /// Where one would look for it: the field, or what it is missing in.
    pub at: Way,
}

/// What is done to a field.
enum What {
    Mistyped(Value),
    Removed,
    Misspelt,
    /// It stands in this mapping above its own.
    Up(Way),
    /// It stands in this mapping beside it.
    Down(Way),
}

/// A way to break an object that is not made yet: all of them together would fill the memory.
pub struct Plan {
    what: What,
    way: Way,
}

/// All of them, in an order that only the object decides.
pub fn plans(object: &Value) -> Vec<Plan> {
    let mut ways = Vec::new();
    below(object, &mut Vec::new(), &mut ways);
    let mut made = Vec::new();
    for way in ways {
        mistyped(object, &way, &mut made);
        moved(object, &way, &mut made);
    }
    made
}

impl Plan {
    pub fn make(self, object: &Value) -> Break {
        let Self { what, way } = self;
        let field = shown(&way);
        let mut broken = object.clone();
        let (last, parent) = way.split_last().expect("because a field has a way");
        let (how, at) = match (what, last) {
            (What::Mistyped(value), _) => {
                *at_mut(&mut broken, &way) = value;
                ("mistyped", way.clone())
            }
            (_, Step::Item(number)) => {
                at_mut(&mut broken, parent).as_array_mut().expect("because it has items").remove(*number);
                ("removed", parent.to_vec())
            }
            (what, Step::Key(key)) => {
                let value = fields(&mut broken, parent).remove(key).expect("because it is there");
                let (how, to, key) = match what {
                    What::Up(to) => ("moved up", to, key.clone()),
                    What::Down(to) => ("moved down", to, key.clone()),
                    What::Misspelt => ("misspelt", parent.to_vec(), misspelt(key)),
                    _ => return Break { how: "removed", field, object: broken, at: parent.to_vec() },
                };
                fields(&mut broken, &to).insert(key.clone(), value);
                (how, [to, vec![Step::Key(key)]].concat())
            }
        };
        Break { how, field, object: broken, at }
    }
}

fn below(value: &Value, way: &mut Way, ways: &mut Vec<Way>) {
    let children: Vec<(Step, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (Step::Key(key.clone()), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, value)| (Step::Item(n), value)).collect(),
        _ => return,
    };
    for (step, child) in children {
        way.push(step);
        ways.push(way.clone());
        below(child, way, ways);
        way.pop();
    }
}

pub fn at<'v>(value: &'v Value, way: &[Step]) -> &'v Value {
    way.iter().fold(value, |value, step| match step {
        Step::Key(key) => &value[key],
        Step::Item(number) => &value[number],
    })
}

fn at_mut<'v>(value: &'v mut Value, way: &[Step]) -> &'v mut Value {
    way.iter().fold(value, |value, step| match step {
        Step::Key(key) => &mut value[key],
        Step::Item(number) => &mut value[number],
    })
}

fn fields<'v>(value: &'v mut Value, way: &[Step]) -> &'v mut Map<String, Value> {
    at_mut(value, way).as_object_mut().expect("because a key stands in it")
}

/// `spec.containers[0].image`
pub fn shown(way: &[Step]) -> String {
    let mut text = String::new();
    for step in way {
        match step {
            Step::Key(key) if key.contains(['.', '/']) => text += &format!("[{key}]"),
            Step::Key(key) if text.is_empty() => text += key,
            Step::Key(key) => text += &format!(".{key}"),
            Step::Item(number) => text += &format!("[{number}]"),
        }
    }
    text
}

fn mistyped(object: &Value, way: &[Step], made: &mut Vec<Plan>) {
    let wrong = match at(object, way) {
        Value::Bool(_) => vec![json!("text"), json!(42)],
        Value::Number(_) => vec![json!("text"), json!({"a": "b"})],
        Value::String(_) => vec![json!(42), json!({"a": "b"}), json!(true)],
        Value::Array(_) => vec![json!("text"), json!({"a": "b"})],
        Value::Object(_) => vec![json!("text"), json!(["a"])],
        Value::Null => Vec::new(),
    };
    made.extend(wrong.into_iter().map(|value| Plan { what: What::Mistyped(value), way: way.to_vec() }));
}

fn moved(object: &Value, way: &[Step], made: &mut Vec<Plan>) {
    let (last, parent) = way.split_last().expect("because a field has a way");
    let mut push = |what| made.push(Plan { what, way: way.to_vec() });
    push(What::Removed);
    let Step::Key(key) = last else { return };
    push(What::Misspelt);
    // Too far to the left: below the next mapping above.
    let above = (1..=parent.len()).rev().map(|n| &parent[..n - 1]).find(|way| at(object, way).is_object());
    if let Some(above) = above.filter(|above| at(object, above).get(key).is_none()) {
        push(What::Up(above.to_vec()));
    }
    // Too far to the right: below the mapping, or the last item, that stands before it.
    let siblings = at(object, parent).as_object().expect("because a key stands in it");
    if let Some(before) = siblings.keys().take_while(|k| *k != key).last() {
        let mut to = [parent, &[Step::Key(before.clone())]].concat();
        if let Some(items) = at(object, &to).as_array().filter(|items| !items.is_empty()) {
            to.push(Step::Item(items.len() - 1));
        }
        if at(object, &to).as_object().is_some_and(|fields| !fields.contains_key(key)) {
            push(What::Down(to));
        }
    }
}

/// Two neighbours change places: `replicas` becomes `replicsa`.
fn misspelt(key: &str) -> String {
    let mut letters: Vec<char> = key.chars().collect();
    match (1..letters.len()).rev().find(|n| letters[*n] != letters[n - 1]) {
        Some(n) => letters.swap(n, n - 1),
        None => letters.push('x'),
    }
    letters.into_iter().collect()
}

/// A manifest as one writes it, and the line of every value.
pub struct Manifest {
    pub text: String,
    lines: Vec<(String, usize)>,
    line: usize,
}

impl Manifest {
    pub fn new(object: &Value) -> Self {
        let mut manifest = Self { text: String::new(), lines: Vec::new(), line: 1 };
        manifest.fields(object, 0, &mut Vec::new());
        manifest
    }

    /// The line of a field, or of the nearest above it that there is; of the object itself that of its name.
    pub fn line(&self, field: &str) -> usize {
        let mut field = field.trim_start_matches('.');
        while !field.is_empty() {
            if let Some((_, line)) = self.lines.iter().find(|(name, _)| name == field) {
                return *line;
            }
            field = &field[..field.rfind(['.', '[']).unwrap_or(0)];
        }
        self.lines.iter().find(|(name, _)| name == "metadata.name").map_or(1, |(_, line)| *line)
    }

    /// The lines of a field with all that is in it; of one that is not there [that](Self::line) of the nearest.
    pub fn lines(&self, field: &str) -> RangeInclusive<usize> {
        let first = self.line(field);
        let within = |name: &str| {
            let rest = plain(name).strip_prefix(&plain(field)).map(str::to_owned);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let mut lines = self.lines.iter().filter(|(name, _)| within(name)).map(|(_, line)| *line);
        let Some(start) = lines.next() else { return first..=first };
        start..=lines.max().unwrap_or(start).max(start)
    }

    fn here(&mut self, way: &Way) {
        self.lines.push((shown(way), self.line));
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.line += 1;
    }

    fn fields(&mut self, object: &Value, depth: usize, way: &mut Way) {
        for (number, (key, value)) in object.as_object().into_iter().flatten().enumerate() {
            // The first one of an item stands behind its dash.
            if number > 0 || !self.text.ends_with("- ") {
                self.text += &"  ".repeat(depth);
            }
            way.push(Step::Key(key.clone()));
            self.here(way);
            self.text += &scalar(&Value::String(key.clone()));
            self.text.push(':');
            self.value(value, depth, way);
            way.pop();
        }
    }

    fn value(&mut self, value: &Value, depth: usize, way: &mut Way) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                self.end();
                self.fields(value, depth + 1, way);
            }
            Value::Array(items) if !items.is_empty() => {
                self.end();
                for (number, item) in items.iter().enumerate() {
                    way.push(Step::Item(number));
                    self.text += &"  ".repeat(depth);
                    self.here(way);
                    self.text += "- ";
                    match item {
                        Value::Object(fields) if !fields.is_empty() => self.fields(item, depth + 1, way),
                        item => {
                            self.text += &scalar(item);
                            self.end();
                        }
                    }
                    way.pop();
                }
            }
            other => {
                self.text.push(' ');
                self.text += &scalar(other);
                self.end();
            }
        }
    }
}

/// A field in one way of writing, of which there are two: `data[a]` is `data.a`.
fn plain(field: &str) -> String {
    field.replace(['[', ']'], ".").replace("..", ".").trim_matches('.').to_owned()
}

/// On one line; plain where nobody could read it as anything else.
fn scalar(value: &Value) -> String {
    let plain = |text: &str| {
        text.len() > 3
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '/' | '.'))
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && !matches!(text.to_ascii_lowercase().as_str(), "true" | "false" | "null")
    };
    match value.as_str() {
        Some(text) if plain(text) => text.to_owned(),
        _ => value.to_string(),
    }
}
