//! A note becomes a request: what each server wants of a commit status, and a signed webhook.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderValue, Request, header};
use jiff::Timestamp;
use serde_json::json;

use super::{Note, Secret};
use crate::{
    config::{Destination, To},
    error::{Error, Result},
};

/// The request that says `note` to `to`, sent at `now`.
///
/// # Errors
/// The secret or the address does not do.
pub fn request(note: &Note, to: &Destination, secret: &Secret, now: Timestamp) -> Result<Request<Vec<u8>>> {
    let url = &to.url;
    let revision = note.revision();
    let (url, body) = match &to.to {
        To::Gitea(name) | To::Forgejo(name) => {
            (format!("{url}/api/v1/repos/{name}/statuses/{revision}"), status(note, to))
        }
        To::Github(name) => (format!("{url}/repos/{name}/statuses/{revision}"), status(note, to)),
        To::Gitlab(project) => {
            let project = project.replace('/', "%2F");
            (format!("{url}/api/v4/projects/{project}/statuses/{revision}"), status(note, to))
        }
        To::Webhook => (url.clone(), event(note)),
    };
    let body = serde_json::to_vec(&body).map_err(Error::server)?;
    let accept = if let To::Github(_) = to.to { "application/vnd.github+json" } else { "application/json" };
    let mut request = Request::post(url)
        .header(header::USER_AGENT, concat!("instate/", env!("CARGO_PKG_VERSION")))
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/json");
    let token = secret.expose();
    match &to.to {
        To::Gitea(_) | To::Forgejo(_) => {
            request = request.header(header::AUTHORIZATION, hidden(&format!("token {token}"))?);
        }
        To::Github(_) => {
            request = request
                .header(header::AUTHORIZATION, hidden(&format!("Bearer {token}"))?)
                .header("x-github-api-version", "2022-11-28");
        }
        To::Gitlab(_) => request = request.header("private-token", hidden(token)?),
        To::Webhook => {
            let (id, time) = (note.message_id(to), now.as_second());
            let signed = [format!("{id}.{time}.").as_bytes(), &body].concat();
            request = request
                .header("webhook-signature", signature(&secret.key()?, &signed))
                .header("webhook-id", id)
                .header("webhook-timestamp", time);
        }
    }
    request.body(body).map_err(Error::server)
}

/// As Standard Webhooks has it, of what it wants signed.
fn signature(key: &ring::hmac::Key, signed: &[u8]) -> String {
    format!("v1,{}", BASE64_STANDARD.encode(ring::hmac::sign(key, signed)))
}

fn hidden(value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value).map_err(Error::server)?;
    value.set_sensitive(true);
    Ok(value)
}

fn status(note: &Note, to: &Destination) -> serde_json::Value {
    json!({
        "state": note.status(&to.to),
        "context": format!("instate/{}", note.environment()),
        "description": note.description(),
    })
}

/// The body of a webhook: `data` is what `instate log --format json` says of a deployment.
fn event(note: &Note) -> serde_json::Value {
    let (kind, data) = match note {
        Note::Started(started) => ("deployment.started", serde_json::to_value(started)),
        Note::Ended(outcome) => ("deployment.ended", serde_json::to_value(outcome)),
    };
    json!({"type": kind, "timestamp": note.at(), "data": data.unwrap_or_default()})
}

#[cfg(test)]
mod tests {
    use super::{
        super::note::tests::{ended, everywhere, started},
        *,
    };
    use crate::record::OutcomeKind;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// As it goes over the wire, but for what every HTTP request has; with all the secrets that it holds hidden.
    fn shown(request: &Request<Vec<u8>>) -> String {
        let headers = request.headers().iter().map(|(name, value)| {
            assert_eq!(
                value.is_sensitive(),
                value.to_str().is_ok_and(|text| text.contains(SECRET)),
                "{name}"
            );
            let value = value.to_str().unwrap_or_default().replace(SECRET, "TOKEN");
            format!("{name}: {}\n", value.replace(env!("CARGO_PKG_VERSION"), "VERSION"))
        });
        let body = String::from_utf8_lossy(request.body());
        format!("{} {}\n{}\n{body}\n", request.method(), request.uri(), headers.collect::<String>())
    }

    #[test]
    fn every_server_is_spoken_to_as_it_wants_it() {
        let id = "20261122T100000Z-00000001";
        let failed = ended(id, OutcomeKind::Failed, Some("Deployment/web is not healthy"));
        for to in everywhere() {
            let secret = Secret::test(SECRET);
            let now = "2026-11-22T10:00:10Z".parse().expect("it is a time");
            let notes = [started(id), failed.clone()];
            let all = notes.map(|note| shown(&request(&note, &to, &secret, now).expect("it is right")));
            insta::assert_snapshot!(format!("request_to_{}", to.to.word()), all.join("\n"));
        }
    }

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // The example of the specification's own libraries.
        let key = Secret::test(SECRET).key().expect("it is one");
        let signed = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        assert_eq!(signature(&key, signed), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
