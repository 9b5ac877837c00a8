//! Whether a text is an expression about `object` that can be asked at all: it is read, and knows what it names.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use kube_cel::cel::{
    Context, ExecutionError, IdedExpr, Value as Cel,
    common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr},
    parser::Parser,
};

use super::{
    OBJECT,
    evaluate::{TYPES, functions},
};

/// Why a text is no expression that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrong {
    /// It is longer than this.
    TooLong(usize),
    /// It cannot be read, and why.
    Syntax(String),
    /// It asks for something else than the object.
    Variable(String),
    /// It calls a function that there is not.
    Function(String),
}

/// Bytes of an expression that an administrator wrote.
const LONGEST: usize = 2 << 10;
/// Twice what the parser takes of such a one at most, however deep it goes.
const STACK: usize = 128 << 20;

/// Reads an expression that an administrator wrote; of those that come with a push a process of its own is asked.
///
/// # Errors
/// What is wrong with it.
pub fn read(text: &str) -> Result<(), Wrong> {
    if text.len() > LONGEST {
        return Err(Wrong::TooLong(LONGEST));
    }
    // The parser knows no depth that is too deep.
    thread::scope(|scope| {
        let reader = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || names_known(text));
        let done = reader.ok().and_then(|reader| reader.join().ok());
        done.unwrap_or_else(|| Err(Wrong::Syntax("it cannot be read".to_owned())))
    })
}

fn names_known(text: &str) -> Result<(), Wrong> {
    let parsed = catch_unwind(|| Parser::new().parse(text));
    let expression = match parsed {
        Ok(Ok(expression)) => expression,
        Ok(Err(errors)) => {
            let first = errors.errors.first().map(|error| plain(&error.msg)).unwrap_or_default();
            return Err(Wrong::Syntax(first));
        }
        Err(_) => return Err(Wrong::Syntax("it cannot be read".to_owned())),
    };
    Names { functions: functions(), bound: Vec::new() }.of(&expression)
}

/// What the parser says, without what only its makers understand.
fn plain(said: &str) -> String {
    if said.contains("<EOF>") {
        return "it ends too early".to_owned();
    }
    if said.contains("Recursion limit") {
        return "it is too deep".to_owned();
    }
    let said = said.strip_prefix("Syntax error: ").unwrap_or(said);
    said.split(" expecting ").next().unwrap_or_default().to_owned()
}

/// Looks for names that nobody gives a meaning. The parser bounds how deep it goes.
struct Names<'e> {
    functions: Context<'static>,
    /// By the macros around, as `one` in `all(one, ...)`.
    bound: Vec<&'e str>,
}

impl<'e> Names<'e> {
    fn of(&mut self, expression: &'e IdedExpr) -> Result<(), Wrong> {
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => Ok(()),
            Expr::Ident(name) if self.knows(name) => Ok(()),
            Expr::Ident(name) => Err(Wrong::Variable(name.clone())),
            Expr::Select(select) => self.of(&select.operand),
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::List(list) => list.elements.iter().try_for_each(|element| self.of(element)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| self.entry(&entry.expr)),
            Expr::Struct(fields) => Err(Wrong::Function(fields.type_name.clone())),
        }
    }

    fn entry(&mut self, entry: &'e EntryExpr) -> Result<(), Wrong> {
        match entry {
            EntryExpr::StructField(field) => self.of(&field.value),
            EntryExpr::MapEntry(entry) => self.of(&entry.key).and_then(|()| self.of(&entry.value)),
        }
    }

    fn call(&mut self, call: &'e CallExpr) -> Result<(), Wrong> {
        let name = &call.func_name;
        let target = call.target.as_deref();
        let qualified = target.and_then(|target| match &target.expr {
            Expr::Ident(of) => Some(format!("{of}.{name}")),
            _ => None,
        });
        // `math.ceil(1.5)` is of no object `math`.
        if !qualified.is_some_and(|name| self.has_function(&name)) {
            if !self.has_function(name) {
                return Err(Wrong::Function(name.clone()));
            }
            target.map_or(Ok(()), |target| self.of(target))?;
        }
        call.args.iter().try_for_each(|argument| self.of(argument))
    }

    fn comprehension(&mut self, all: &'e ComprehensionExpr) -> Result<(), Wrong> {
        self.of(&all.iter_range)?;
        self.of(&all.accu_init)?;
        let before = self.bound.len();
        self.bound.extend([all.iter_var.as_str(), all.accu_var.as_str()]);
        self.bound.extend(all.iter_var2.as_deref());
        let mut inner = [&all.loop_cond, &all.loop_step, &all.result].into_iter();
        let done = inner.try_for_each(|expression| self.of(expression));
        self.bound.truncate(before);
        done
    }

    fn knows(&self, name: &str) -> bool {
        name == OBJECT || TYPES.contains(&name) || name.starts_with('@') || self.bound.contains(&name)
    }

    /// Whether there is a function, which the interpreter tells only of a call.
    fn has_function(&self, name: &str) -> bool {
        let is_operator = !name.starts_with(|c: char| c.is_ascii_alphabetic());
        let call = || {
            let call = Parser::new().parse(&format!("{name}()")).ok()?;
            let called = catch_unwind(AssertUnwindSafe(|| Cel::resolve(&call, &self.functions)));
            Some(!matches!(called, Ok(Err(ExecutionError::UndeclaredReference(_)))))
        };
        is_operator || call().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Wrong, read};

    #[test]
    fn what_is_as_deep_as_can_be_is_only_wrong() {
        for text in ["(", "!", "-", "a.", "a+", "a?a:", "a[", "[", "{a:", "a.f(", "{'a':[("] {
            assert!(read(&text.repeat(LONGEST / text.len())).is_err(), "{text}");
        }
    }

    #[test]
    fn an_expression_may_name_the_object_what_its_macros_bind_and_functions_of_kubernetes() {
        for good in [
            "true",
            "object.status.phase == 'Ready'",
            "has(object.status) && has(object.status.ready) && object.status.ready",
            "object.metadata.namespace == 'a'",
            "object.status.conditions.exists(c, c.type == 'Ready' && c.status == \"True\")",
            "object.status.nodes.all(n, n.pods.exists_one(p, p.main && n.up))",
            "object.status.nodes.filter(n, n.up).map(n, n.name).size() > 1",
            "size(object.status.nodes) >= int(object.spec.replicas)",
            "quantity(object.status.used).isLessThan(quantity('1Gi'))",
            "math.ceil(1.5) == 2.0 && sets.contains([1], [1])",
            "type(object.status) == map && object.status.name.matches('^a')",
            "object.status.ok ? 'well' : 'not ' + object.status.why",
            "'a' in object.metadata.labels && object.metadata.labels['a-b/c'].startsWith('x')",
            "timestamp(object.status.at) < timestamp('2026-01-01T00:00:00Z') && duration('1h') > duration('1s')",
            "[1, 2].all(x, x in {1: 'a', 2: 'b'})",
        ] {
            assert_eq!(read(good), Ok(()), "{good}");
        }
        let variable = |name: &str| Err(Wrong::Variable(name.to_owned()));
        let function = |name: &str| Err(Wrong::Function(name.to_owned()));
        assert_eq!(read("self.status.ok"), variable("self"));
        assert_eq!(read("object.all(one, one.ok) && one.ok"), variable("one"));
        assert_eq!(read("false && other"), variable("other"));
        assert_eq!(read("{'a': other}.a"), variable("other"));
        assert_eq!(read("maths.ceil(1.5) == 2.0"), function("ceil"));
        assert_eq!(read("isGood(object)"), function("isGood"));
        assert_eq!(read("object.status.isGood()"), function("isGood"));
        assert_eq!(read("Widget{a: 1}.a == 1"), function("Widget"));
    }
}
