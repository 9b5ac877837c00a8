//! One request, one answer: within a time, of a size, from where the configuration says and from nowhere else.
//!
//! Redirects are not followed, since a token would go where nobody wrote that it may. Proxies are not taken from the
//! environment: of a push it is the client's.

use std::{io::Cursor, time::Duration};

use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::TokioExecutor,
};
use jiff::Timestamp;

use super::Secret;
use crate::{
    config::{Destination, To},
    error::{Error, Result},
    point, text,
};

/// Longest that a destination may take to be reached.
const REACHED: Duration = Duration::from_secs(5);
/// Longest that its answer is waited for, in milliseconds.
const ANSWERED: u64 = 10_000;
/// Of an answer that refuses so much is read, in bytes.
const READ: usize = 16 << 10;
/// Of its words so many characters are repeated.
const WORDS: usize = 200;

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Taken,
    /// The destination takes nothing now; and when it asked to be tried again.
    Later(String, Option<Duration>),
    /// It does not know the commit, or not yet.
    Unknown(String),
    /// It never will.
    Refused(String),
}

/// Sends a request.
pub async fn send(request: Request<Vec<u8>>, to: &Destination, secret: &Secret) -> Answer {
    let limit = Duration::from_millis(point::number("announce-timeout", ANSWERED));
    match tokio::time::timeout(limit, exchange(request)).await {
        Ok(Ok((status, retry, words))) => {
            let words = secret.hide(&words);
            judge(status, retry.as_deref(), &words, to)
        }
        Ok(Err(error)) => Answer::Later(text::excerpt(&secret.hide(&error.message), WORDS), None),
        Err(_) => Answer::Later("no answer in time".to_owned(), None),
    }
}

/// What an answer means. `words` is what it says beside its status.
fn judge(status: StatusCode, retry: Option<&str>, words: &str, to: &Destination) -> Answer {
    let number = status.as_u16();
    let mut said = format!("it answers {number}");
    if let Some(reason) = status.canonical_reason() {
        said = format!("{said} {reason}");
    }
    if !words.is_empty() {
        said = format!("{said}: {words}");
    }
    let is_webhook = to.to == To::Webhook;
    match number {
        200..=299 => Answer::Taken,
        // Its word for a status that the commit has already, of a try whose answer was lost.
        400 if matches!(to.to, To::Gitlab(_)) && words.contains("Cannot transition status") => Answer::Taken,
        300..=399 => Answer::Refused(format!("{said} (redirects are not followed)")),
        408 | 429 | 500..=599 => Answer::Later(said, retry.and_then(seconds)),
        // GitHub's second way to say 429.
        403 if retry.is_some() => Answer::Later(said, retry.and_then(seconds)),
        404 | 422 if !is_webhook => Answer::Unknown(said),
        _ => Answer::Refused(said),
    }
}

/// `Retry-After`: seconds, or a date.
fn seconds(text: &str) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Duration::try_from(date.duration_since(Timestamp::now())).ok()
}

type Heard = (StatusCode, Option<String>, String);

async fn exchange(request: Request<Vec<u8>>) -> Result<Heard> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(REACHED));
    if request.uri().scheme_str() != Some("https") {
        return ask(http, request).await;
    }
    let tls = HttpsConnectorBuilder::new().with_native_roots();
    let tls =
        tls.map_err(|error| Error::server(format!("the server has no certificates to trust: {error}")))?;
    ask(tls.https_only().enable_http1().wrap_connector(http), request).await
}

async fn ask<C>(connector: C, request: Request<Vec<u8>>) -> Result<Heard>
where
    C: Connect + Clone + Send + Sync + 'static,
{
    // A connection for each try: one that was kept may be dead.
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
    let answer = client.request(request.map(|body| Full::new(Cursor::new(body)))).await;
    let answer = answer.map_err(|error| Error::later(reason(&error)))?;
    let status = answer.status();
    let retry = answer.headers().get(header::RETRY_AFTER);
    let retry = retry.and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    if status.is_success() {
        return Ok((status, retry, String::new()));
    }
    // What it says is worth no waiting: the status is what counts.
    let body = Limited::new(answer.into_body(), READ).collect();
    let body = tokio::time::timeout(Duration::from_secs(1), body).await.ok().and_then(Result::ok);
    let bytes = body.map(Collected::to_bytes).unwrap_or_default();
    Ok((status, retry, words(&bytes)))
}

/// What the body of an answer says: the `message` of the servers' own JSON. Anything else is a page for a browser.
fn words(body: &[u8]) -> String {
    let json: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let said = json.get("message").or_else(|| json.get("error"));
    let said = said.map(|said| said.as_str().map_or_else(|| said.to_string(), ToOwned::to_owned));
    text::excerpt(said.unwrap_or_default().trim(), WORDS)
}

/// The last of an error's reasons, which says it: the others say that there is one.
fn reason(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    let text = last.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{super::note::tests::everywhere, *};

    #[test]
    fn what_is_tried_again_and_what_is_given_up() {
        let all = everywhere();
        let (gitea, gitlab, webhook) = (&all[0], &all[3], &all[4]);
        let judge = |status: u16, retry: Option<&str>, to: &Destination| {
            let status = StatusCode::from_u16(status).expect("it is one");
            let answer = super::judge(status, retry, "", to);
            match answer {
                Answer::Taken => "taken".to_owned(),
                Answer::Later(_, None) => "later".to_owned(),
                Answer::Later(_, Some(after)) => format!("in {} s", after.as_secs()),
                Answer::Unknown(_) => "unknown".to_owned(),
                Answer::Refused(_) => "refused".to_owned(),
            }
        };
        for (status, retry, expected) in [
            (200, None, "taken"),
            (201, None, "taken"),
            (204, None, "taken"),
            (301, None, "refused"),
            (307, None, "refused"),
            (400, None, "refused"),
            (401, None, "refused"),
            (403, None, "refused"),
            (403, Some("7"), "in 7 s"),
            (408, None, "later"),
            (410, None, "refused"),
            (429, None, "later"),
            (429, Some("30"), "in 30 s"),
            (429, Some("soon"), "later"),
            (429, Some("-1"), "later"),
            (500, None, "later"),
            (503, Some("1"), "in 1 s"),
            (599, None, "later"),
        ] {
            for to in [gitea, gitlab, webhook] {
                assert_eq!(judge(status, retry, to), expected, "{status} {retry:?} of {to}");
            }
        }
        for status in [404, 422] {
            assert_eq!(judge(status, None, gitea), "unknown");
            assert_eq!(judge(status, None, webhook), "refused");
        }
        let again = "Cannot transition status via :run from :running";
        assert_eq!(super::judge(StatusCode::BAD_REQUEST, None, again, gitlab), Answer::Taken);
        let date = Timestamp::now() + Duration::from_secs(60);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date);
        let after = seconds(&date.expect("it has one")).expect("it is a date");
        assert!((50..=60).contains(&after.as_secs()), "{after:?}");
    }

    #[test]
    fn of_an_answer_only_its_message_is_repeated() {
        assert_eq!(words(br#"{"message":"no such commit","url":"https://a.example"}"#), "no such commit");
        assert_eq!(words(br#"{"message":{"sha":["is wrong"]}}"#), r#"{"sha":["is wrong"]}"#);
        assert_eq!(words(br#"{"error":"a\u001b[31m"}"#), "a\\u{1b}[31m");
        assert_eq!(words(b"<html>502</html>"), "");
        assert_eq!(words(format!(r#"{{"message":"{}"}}"#, "a".repeat(5000)).as_bytes()).len(), WORDS);
    }
}
