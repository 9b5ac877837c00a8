//! What expressions make of an object as the API server shows it, without a schema.

use kube_cel::cel::{ExecutionError, Value as Cel};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Answer, Judge, Question, Value, evaluate::name_of};

/// Values of one object.
const MOST_VALUES: usize = 200_000;
/// How deep an object is; no API server keeps one that is deeper.
const DEEPEST: usize = 200;

/// What an expression makes of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// It holds, or not.
    Bool(bool),
    /// A text.
    Text(String),
    /// Something else, by its type.
    Other(String),
    /// It asks for a field that the object has not.
    Missing(String),
    /// It cannot be evaluated, and why.
    Failed(String),
}

/// What expressions make of an object, one after the other; `None` where that takes too much.
#[must_use]
pub fn ask(judge: &Judge, expressions: Vec<String>, object: &Json) -> Option<Vec<Found>> {
    let object = value(object, &mut MOST_VALUES.clone(), 0)?;
    let count = expressions.len();
    match judge.ask(&Question::Object { expressions, object })? {
        Answer::Object(found) if found.len() == count => Some(found),
        _ => None,
    }
}

fn value(json: &Json, left: &mut usize, depth: usize) -> Option<Value> {
    *left = left.checked_sub(1).filter(|_| depth <= DEEPEST)?;
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Double(number.as_f64()?),
        },
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            Value::List(items.iter().map(|item| value(item, left, depth + 1)).collect::<Option<_>>()?)
        }
        Json::Object(fields) => {
            let fields =
                fields.iter().map(|(key, field)| Some((key.clone(), value(field, left, depth + 1)?)));
            Value::Map(fields.collect::<Option<_>>()?)
        }
    })
}

impl Found {
    /// Whatever an error says of a value may be of any length, and nobody's business.
    pub(super) fn of(evaluated: Option<Result<Cel, ExecutionError>>) -> Self {
        let failed = |words: &str| Self::Failed(words.to_owned());
        match evaluated {
            None => failed("it is not understood here"),
            Some(Ok(Cel::Bool(value))) => Self::Bool(value),
            Some(Ok(Cel::String(text))) => Self::Text(text.as_str().to_owned()),
            Some(Ok(other)) => Self::Other(name_of(&other).to_owned()),
            Some(Err(ExecutionError::NoSuchKey(key))) => Self::Missing(key.as_str().to_owned()),
            Some(Err(ExecutionError::UndeclaredReference(name))) => {
                Self::Failed(format!("`{name}` is not known"))
            }
            Some(Err(ExecutionError::FunctionError { function, .. })) => {
                Self::Failed(format!("`{function}` cannot be called so"))
            }
            Some(Err(ExecutionError::IndexOutOfBounds(_))) => failed("a list has fewer items"),
            Some(Err(ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_))) => {
                failed("it divides by zero")
            }
            Some(Err(ExecutionError::Overflow(..))) => failed("a number is too large"),
            Some(Err(_)) => failed("its values are of types that do not go together"),
        }
    }
}
