//! Expressions in CEL: what has to hold of a value by the rules of its definition (`x-kubernetes-validations`), and
//! what an administrator asks of live objects (`health` in the configuration).
//!
//! A definition may come from the same push as the object, and the interpreter has no bounds: an expression can
//! recurse, loop over loops and copy what it looks at. So a process of its own answers, with little time and
//! memory to take; where that ends without an answer nothing is known, and the cluster decides.

mod evaluate;
mod judge;
mod object;
mod read;
mod rules;
mod value;

use serde::{Deserialize, Serialize};

use self::value::{Value, value};
pub use self::{
    judge::{Judge, serve},
    object::{Found, ask},
    read::{Wrong, read},
    rules::check,
};
use super::Rule;

/// Bytes of an expression that is looked at; Kubernetes takes twice as many, and people write a few hundred.
const LONGEST: usize = 8 << 10;
/// What the rules of a definition call the value that they stand at.
const SELF: &str = "self";
/// What an expression about an object calls it.
const OBJECT: &str = "object";

/// What is asked of the process that answers.
#[derive(Debug, Serialize, Deserialize)]
enum Question {
    /// Whether a rule holds.
    Rule(RuleQuestion),
    /// What expressions make of an object, one after the other.
    Object { expressions: Vec<String>, object: Value },
}

/// What the process answers.
#[derive(Debug, Serialize, Deserialize)]
enum Answer {
    Rule(Opinion),
    Object(Vec<Found>),
}

/// A rule and the value that it is about.
#[derive(Debug, Serialize, Deserialize)]
struct RuleQuestion {
    rule: String,
    /// What makes the message, where that is not always the same.
    message: Option<String>,
    this: Value,
}

impl RuleQuestion {
    /// Whether `rule` holds of `this`. `None` for rules that nobody asks here: those that compare with the object
    /// that was there before.
    fn new(rule: &Rule, this: Value) -> Option<Self> {
        let message = rule.message_expression.clone().filter(|text| text.len() <= LONGEST);
        let is_asked = rule.rule.len() <= LONGEST && !rule.rule.contains("oldSelf");
        is_asked.then(|| Self { rule: rule.rule.clone(), message, this })
    }
}

/// What is known of a rule and a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Opinion {
    /// It holds.
    Holds,
    /// It does not, and that is what its definition says to that, if it has its own words for this value.
    Broken(Option<String>),
    /// The expression, or something in it, is not known here.
    Unknown,
    /// It takes too long, or too much memory.
    TooMuch,
}
