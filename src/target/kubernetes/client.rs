//! Talking to an API server: bounded in time, tried again where that can help, its refusals as values.

use std::{
    cell::Cell,
    pin::pin,
    time::{Duration, Instant},
};

use futures::{
    AsyncBufReadExt,
    future::{Either, select},
};
use http::{Method, Request, header};
use kube::core::Status;
use serde_json::Value as Json;
use tokio::time::timeout;

use super::{connection::Connection, lease::Held};
use crate::{
    error::{Error, Result},
    target::Say,
    text,
};

/// Who asks, in the API server's audit log.
const USER_AGENT: &str = concat!("instate/", env!("CARGO_PKG_VERSION"));
/// After so long without an answer it is said, and again after this.
const QUIET: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_secs(30);
/// Bytes of an answer: far more than any list or description of kinds has.
const LARGEST: usize = 256 << 20;
/// Why nothing is written any more.
const ANOTHER: &str = "for so long that another server may deploy now";
/// So many characters of an API server's words are shown.
pub(super) const WORDS: usize = 400;

/// How long to try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the next bytes of an answer: a large one over a slow line is heard to its end.
    pub answer: Duration,
    /// For one request, all tries together, until its answer begins.
    pub request: Duration,
    /// For everything.
    pub until: Instant,
}

impl Patience {
    /// Somebody waits for a verdict, and may push again.
    pub fn judging() -> Self {
        let s = Duration::from_secs;
        // A large first push asks for thousands of things, each of which is bounded.
        Self { answer: s(10), request: s(15), until: Instant::now() + s(600) }
    }

    /// An accepted revision is worth waiting for.
    pub fn deploying(timeout: Duration) -> Self {
        Self { answer: super::ANSWER, request: timeout, until: Instant::now() + timeout }
    }
}

/// Why one try has no answer.
enum NoAnswer {
    Refused(Box<Status>),
    /// The connection broke, or what came over it is no answer.
    Broken(String),
    /// Nothing came.
    Silent,
}

/// Why a request has no answer that it wanted.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The API server understood and refused.
    Refused(Box<Status>),
    /// It could not be asked, or could not answer now.
    Away(String),
}

impl Failure {
    /// The HTTP status of a refusal; 0 where there was none.
    pub fn code(&self) -> u16 {
        match self {
            Self::Refused(status) => status.code,
            Self::Away(_) => 0,
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.code() == 404
    }
}

/// A failure where the object is not to blame: the server's fault, or nobody's.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Away(reason) => {
                let error = Self::later(format!("the cluster does not answer: {reason}"));
                error.help("try again later; is it up, and can this server reach it?")
            }
            Failure::Refused(status) if status.code == 401 => {
                Self::server("the cluster does not accept instate's credentials")
                    .help("renew those in the kubeconfig that the configuration names")
            }
            Failure::Refused(status) => {
                let words = text::excerpt(&status.message, WORDS);
                let error = Self::server(format!("the cluster refuses: {words}"));
                if status.code == 403 {
                    error.help("give instate's user that permission in the cluster")
                } else {
                    error
                }
            }
        }
    }
}

/// Requests to an API server.
pub(super) struct Api<'s> {
    connection: Connection,
    patience: Patience,
    /// Hears that the cluster does not answer.
    say: Say<'s>,
    /// When that is said next.
    say_at: Cell<Option<Instant>>,
    /// Whether a request that writes was sent once more, since it had no answer that counts.
    in_doubt: Cell<bool>,
    /// Without it nothing may be written, however often it is tried.
    held: Option<&'s Held>,
}

impl<'s> Api<'s> {
    pub fn new(connection: Connection, patience: Patience, say: Say<'s>) -> Self {
        let (say_at, in_doubt) = (Cell::new(None), Cell::new(false));
        Self { connection, patience, say, say_at, in_doubt, held: None }
    }

    /// The cluster's address.
    pub fn server(&self) -> &str {
        &self.connection.server
    }

    /// One that writes only while the Lease runs.
    pub fn under(self, held: Option<&'s Held>) -> Self {
        Self { held, ..self }
    }

    /// Whether the cluster may have done what it was not heard to say.
    pub fn is_in_doubt(&self) -> bool {
        self.in_doubt.get()
    }

    pub async fn get(&self, path: &str) -> Result<Json, Failure> {
        self.call(Method::GET, path, None).await
    }

    /// As [`Api::get`], with `None` where there is nothing.
    pub async fn find(&self, path: &str) -> Result<Option<Json>, Failure> {
        match self.get(path).await {
            Ok(found) => Ok(Some(found)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub async fn text(&self, path: &str) -> Result<String, Failure> {
        match self.answer(request(&Method::GET, path, None), self.patience.answer).await {
            Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(NoAnswer::Refused(status)) => Err(Failure::Refused(status)),
            Err(NoAnswer::Broken(reason)) => Err(Failure::Away(reason)),
            Err(NoAnswer::Silent) => Err(Failure::Away("no answer".to_owned())),
        }
    }

    /// The bytes of one answer. It has `silence` to begin, and then [`Patience::answer`] for its next bytes.
    async fn answer(&self, request: Request<Vec<u8>>, silence: Duration) -> Result<Vec<u8>, NoAnswer> {
        let writes = self.held.filter(|_| request.method() != Method::GET);
        let asked = pin!(timeout(silence, self.connection.client.request_stream(request)));
        let asked = match writes {
            None => asked.await,
            Some(held) => match select(pin!(held.lapsed()), asked).await {
                Either::Left(_) => return Err(NoAnswer::Broken(ANOTHER.to_owned())),
                Either::Right((asked, _)) => asked,
            },
        };
        let mut body = pin!(asked.map_err(|_| NoAnswer::Silent)?.map_err(|error| match error {
            kube::Error::Api(status) => NoAnswer::Refused(status),
            error => NoAnswer::Broken(innermost(&error)),
        })?);
        let mut bytes = Vec::new();
        loop {
            if Instant::now() >= self.patience.until {
                return Err(NoAnswer::Silent);
            }
            let more = timeout(self.patience.answer, body.fill_buf()).await;
            let more = more.map_err(|_| NoAnswer::Silent)?;
            let more = more.map_err(|error| NoAnswer::Broken(innermost(&error)))?;
            if more.is_empty() {
                return Ok(bytes);
            }
            if bytes.len() + more.len() > LARGEST {
                return Err(NoAnswer::Broken("its answer is too large".to_owned()));
            }
            bytes.extend_from_slice(more);
            let read = more.len();
            body.consume_unpin(read);
        }
    }

    /// Says now and then that nothing goes on, and why.
    fn wait_aloud(&self, reason: &str) {
        let now = Instant::now();
        match self.say_at.get() {
            None => self.say_at.set(Some(now + QUIET)),
            Some(at) if now >= at => {
                (self.say)(format!("the cluster does not answer ({reason}); it is asked again"));
                self.say_at.set(Some(now + AGAIN));
            }
            Some(_) => {}
        }
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Json, Failure> {
        let began = Instant::now();
        let until = self.patience.until.min(began + self.patience.request);
        let mut pause = Duration::from_millis(100);
        loop {
            // Each time anew: it may be long ago that it was tried first.
            if let Some(held) = self.held.filter(|held| method != Method::GET && !held.runs()) {
                if held.is_lost() || Instant::now() + pause >= until {
                    return Err(Failure::Away(ANOTHER.to_owned()));
                }
                tokio::time::sleep(pause).await;
                continue;
            }
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let answer = self.answer(request(&method, path, body), self.patience.answer.min(left)).await;
            let read = answer.and_then(|bytes| {
                serde_json::from_slice(&bytes)
                    .map_err(|_| NoAnswer::Broken("its answer is no JSON".to_owned()))
            });
            let (reason, wished) = match read {
                Ok(json) => {
                    self.say_at.set(None);
                    return Ok(json);
                }
                Err(NoAnswer::Refused(status)) if !passes(&status) => {
                    return Err(Failure::Refused(status));
                }
                Err(NoAnswer::Refused(status)) => {
                    let wished = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
                    // Whoever refuses a Secret may repeat it.
                    let secret = body.is_some_and(|body| body["kind"] == "Secret");
                    let words = if secret { "(its words are not shown)" } else { &status.message };
                    let words = text::excerpt(words, WORDS);
                    let busy = if status.code == 429 { "it is busy: " } else { "" };
                    (format!("{busy}{} {words}", status.code), u64::from(wished))
                }
                Err(NoAnswer::Broken(reason)) => (reason, 0),
                Err(NoAnswer::Silent) => {
                    (format!("no answer within {} s", began.elapsed().as_secs().max(1)), 0)
                }
            };
            if method != Method::GET {
                self.in_doubt.set(true);
            }
            let pause_now = pause.max(Duration::from_secs(wished.min(10)));
            if Instant::now() + pause_now >= until {
                return Err(Failure::Away(reason));
            }
            self.wait_aloud(&reason);
            tokio::time::sleep(pause_now).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }
}

fn request(method: &Method, path: &str, body: Option<&Json>) -> Request<Vec<u8>> {
    let kind = match body {
        // A list of operations; what is applied is an object.
        Some(Json::Array(_)) if method == Method::PATCH => "application/json-patch+json",
        _ if method == Method::PATCH => "application/apply-patch+yaml",
        _ => "application/json",
    };
    let bytes = body.map(|body| serde_json::to_vec(body).unwrap_or_default()).unwrap_or_default();
    let mut request = Request::new(bytes);
    *request.method_mut() = method.clone();
    // Every part of a path is encoded where it is made.
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(header::USER_AGENT, header::HeaderValue::from_static(USER_AGENT));
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    request
}

/// Whether the same request may be answered otherwise a moment later.
fn passes(status: &Status) -> bool {
    let words = &status.message;
    // Server-side apply of an object that its schema does not fit, or that cannot be decoded, is answered as
    // if the server were broken; and a webhook chooses the code of its refusal itself.
    let refused = words.starts_with("failed to create typed patch object")
        || words.contains("unable to convert unstructured object")
        || words.contains("request to convert CR to an invalid group/version")
        || words.contains("denied the request");
    !refused && matches!(status.code, 408 | 429 | 500 | 502 | 503 | 504)
}

/// The cause of causes: what is above it says only which library had it.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(below) = at.source() {
        at = below;
    }
    let words = at.to_string();
    text::excerpt(words.split(" (os error").next().unwrap_or_default(), WORDS)
}

/// A part of a path, so that no name can lead elsewhere.
pub(super) fn segment(name: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::{passes, segment};

    #[test]
    fn what_a_moment_mends_is_tried_again_and_what_is_refused_is_not() {
        let status = |code: u16, words: &str| Status { code, ..Status::failure(words, "") };
        for (code, words) in [
            (429, "the server has received too many requests and has asked us to try again later"),
            (429, "Too many requests, please try again later."),
            (500, "etcdserver: leader changed"),
            (500, "etcdserver: request timed out"),
            (504, "etcdserver: request timed out, possibly due to previous leader failure"),
            (
                500,
                "Internal error occurred: failed calling webhook \"a.b\": failed to call webhook: Post \"https://a.b.svc:443/?timeout=10s\": dial tcp 10.0.0.1:443: connect: connection refused",
            ),
            (
                500,
                "Internal error occurred: failed calling webhook \"a.b\": failed to call webhook: Post \"https://a.b.svc:443/?timeout=1s\": context deadline exceeded",
            ),
            (
                500,
                "Internal error occurred: failed calling webhook \"a.b\": failed to call webhook: no endpoints available for service \"a\"",
            ),
            (500, "conversion webhook for a.b/v1, Kind=C failed: Post \"https://a.b.svc:443/\": EOF"),
            (503, "the server is currently unable to handle the request"),
            (503, "apiserver not ready"),
            (504, "Timeout: request did not complete within requested timeout - context deadline exceeded"),
        ] {
            assert!(passes(&status(code, words)), "{code} {words}");
        }
        for (code, words) in [
            (
                500,
                "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.a: field not declared in schema",
            ),
            (500, "request to convert CR to an invalid group/version: a.b/v1beta1"),
            (500, "admission webhook \"a.b\" denied the request: no"),
            (409, "Apply failed with 1 conflict: conflict with \"x\": .spec.a"),
            (403, "configmaps is forbidden"),
            (404, "the server could not find the requested resource"),
            (422, "Deployment.apps \"a\" is invalid"),
        ] {
            assert!(!passes(&status(code, words)), "{code} {words}");
        }
    }

    #[test]
    fn no_name_leads_out_of_its_part_of_a_path() {
        assert_eq!(segment("system:node"), "system:node");
        assert_eq!(segment("a/../b?c#d%2f é"), "a%2F..%2Fb%3Fc%23d%252f%20%C3%A9");
    }
}
