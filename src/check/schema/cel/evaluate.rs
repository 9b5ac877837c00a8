//! The process that answers: expressions are read once, and evaluated one by one.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use chrono::{DateTime, NaiveDate, NaiveTime};
use kube_cel::{
    KubeCelExt,
    cel::{Context, ExecutionError, IdedExpr, Value as Cel, parser::Parser},
};

use super::{Answer, Found, OBJECT, Opinion, Question, RuleQuestion, SELF, Value, value::Order};

/// So many expressions that were read are kept.
const PROGRAMS: usize = 1000;
/// The longest message that Kubernetes takes from an expression.
const LONGEST_MESSAGE: usize = 5 << 10;

/// Answers questions, one after the other.
pub(super) struct Evaluator {
    functions: Context<'static>,
    /// `None` for what is no expression here.
    programs: HashMap<String, Option<IdedExpr>>,
}

/// Names of types, which the interpreter does not have: here they are texts.
pub(super) const TYPES: [&str; 9] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

impl Evaluator {
    pub fn new() -> Self {
        Self { functions: functions(), programs: HashMap::new() }
    }

    pub fn answer(&mut self, question: Question) -> Answer {
        match question {
            Question::Rule(question) => Answer::Rule(self.opinion(question)),
            Question::Object { expressions, object } => {
                let Some(object) = cel(object) else { return Answer::Object(Vec::new()) };
                let found = |expression: &String| Found::of(self.evaluate(expression, OBJECT, &object));
                Answer::Object(expressions.iter().map(found).collect())
            }
        }
    }

    /// Whether a rule holds. An expression that fails says nothing: what is missing may be missing only here.
    fn opinion(&mut self, question: RuleQuestion) -> Opinion {
        let RuleQuestion { rule, message, mut this } = question;
        let Some(made) = cel(this.clone()) else { return Opinion::Unknown };
        let orders: &[Order] = if this.has_sets() { &[Order::Sorted, Order::Reversed] } else { &[] };
        match self.rule(&rule, &made) {
            Some(Cel::Bool(true)) => Opinion::Holds,
            Some(Cel::Bool(false)) => {
                // Two sets of the same items are the same, which the interpreter does not know of lists.
                for order in orders {
                    this.order(*order);
                    let made = cel(this.clone());
                    if made.and_then(|made| self.rule(&rule, &made)) != Some(Cel::Bool(false)) {
                        return Opinion::Unknown;
                    }
                }
                let this = made;
                let words = match message.and_then(|message| self.rule(&message, &this)) {
                    Some(Cel::String(words)) => Some(words.trim().to_owned()),
                    _ => None,
                };
                let is_fit = |words: &String| {
                    !words.is_empty() && words.len() <= LONGEST_MESSAGE && !words.contains('\n')
                };
                Opinion::Broken(words.filter(is_fit))
            }
            _ => Opinion::Unknown,
        }
    }

    fn rule(&mut self, expression: &str, this: &Cel) -> Option<Cel> {
        self.evaluate(expression, SELF, this)?.ok()
    }

    /// What an expression makes of a value, which it calls by `name`; `None` for what is no expression here.
    fn evaluate(&mut self, expression: &str, name: &str, this: &Cel) -> Option<Result<Cel, ExecutionError>> {
        // The interpreter may panic at what it does not know.
        if self.programs.len() >= PROGRAMS {
            self.programs.clear();
        }
        let program = self.programs.entry(expression.to_owned()).or_insert_with(|| {
            // Without `?.`, of which the interpreter makes something else than an API server.
            let parse = || Parser::new().parse(expression).ok();
            catch_unwind(parse).ok().flatten()
        });
        let (program, functions) = (program.as_ref()?, &self.functions);
        let evaluated = catch_unwind(AssertUnwindSafe(|| {
            let mut context = functions.new_inner_scope();
            context.add_variable_from_value(name, this.clone());
            Cel::resolve(program, &context)
        }));
        evaluated.ok()
    }
}

/// What expressions know besides what they are about.
pub(super) fn functions() -> Context<'static> {
    let mut functions = Context::default().with_all();
    functions.add_function("type", |value: Cel| name_of(&value).to_owned());
    for name in TYPES {
        functions.add_variable_from_value(name, name.to_owned());
    }
    functions
}

/// `None` for a time that is none.
fn cel(value: Value) -> Option<Cel> {
    Some(match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => value.into(),
        Value::Int(number) => number.into(),
        Value::Double(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Bytes(bytes) => bytes.into(),
        Value::Time(text) => {
            let day = || NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
            let at = DateTime::parse_from_rfc3339(&text).ok();
            Cel::Timestamp(at.or_else(|| Some(day()?.and_time(NaiveTime::MIN).and_utc().fixed_offset()))?)
        }
        Value::Duration(text) => duration(text)?,
        Value::List(items) | Value::Set(items) => {
            items.into_iter().map(cel).collect::<Option<Vec<Cel>>>()?.into()
        }
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(key, value)| Some((key, cel(value)?)));
            entries.collect::<Option<HashMap<String, Cel>>>()?.into()
        }
    })
}

/// As the interpreter reads it.
fn duration(text: String) -> Option<Cel> {
    let expression = Parser::new().parse("duration(text)").ok()?;
    let mut context = Context::default();
    context.add_variable_from_value("text", text);
    Cel::resolve(&expression, &context).ok()
}

pub(super) fn name_of(value: &Cel) -> &'static str {
    match value {
        Cel::Bool(_) => "bool",
        Cel::Bytes(_) => "bytes",
        Cel::Float(_) => "double",
        Cel::Int(_) => "int",
        Cel::List(_) => "list",
        Cel::Map(_) => "map",
        Cel::Null => "null_type",
        Cel::String(_) => "string",
        Cel::UInt(_) => "uint",
        _ => "another",
    }
}
