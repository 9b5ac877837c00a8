//! What a cluster says of objects that it is asked to make in a dry run, many at once.

use std::{collections::HashMap, path::Path};

use futures::{StreamExt, stream};
use http::{Method, Request, header};
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::Value;

/// So many questions are open at once.
const AT_ONCE: usize = 32;
/// Where namespaced objects go.
pub const NAMESPACE: &str = "broken";

/// A cluster, and where its kinds are made.
pub struct Asked {
    client: Client,
    /// By `apiVersion` and `kind`: the path, and whether it is of a namespace.
    paths: HashMap<(String, String), (String, bool)>,
}

/// Why an object is refused.
#[derive(Debug, Clone)]
pub struct Cause {
    pub field: String,
    pub message: String,
}

impl Asked {
    pub async fn new(kubeconfig: &Path) -> Self {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("because the test wrote it");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let client = Client::try_from(config.expect("because it is whole")).expect("because it is whole");
        let mut asked = Self { client, paths: HashMap::new() };
        asked.discover("v1", "/api/v1").await;
        let groups = asked.get("/apis").await;
        for version in
            groups["groups"].as_array().into_iter().flatten().flat_map(|g| g["versions"].as_array()).flatten()
        {
            let version = version["groupVersion"].as_str().expect("because every version has a name");
            asked.discover(version, &format!("/apis/{version}")).await;
        }
        asked
    }

    async fn discover(&mut self, version: &str, path: &str) {
        let found = self.get(path).await;
        for kind in found["resources"].as_array().into_iter().flatten() {
            let name = kind["name"].as_str().expect("because every kind has one");
            let made =
                kind["verbs"].as_array().is_some_and(|verbs| verbs.iter().any(|verb| verb == "create"));
            if made && !name.contains('/') {
                let key = (version.to_owned(), kind["kind"].as_str().unwrap_or_default().to_owned());
                self.paths.insert(key, (format!("{path}/%{name}"), kind["namespaced"] == true));
            }
        }
    }

    pub async fn get(&self, path: &str) -> Value {
        let request = Request::get(path).body(Vec::new()).expect("because the path is plain");
        self.client.request(request).await.unwrap_or_else(|err| panic!("{path}: {err}"))
    }

    /// Makes an object that others need; it may be there.
    pub async fn make(&self, object: &Value) {
        if let Err(kube::Error::Api(status)) =
            self.client.request::<Value>(self.request(object, object, "")).await
        {
            assert_eq!(status.code, 409, "{}", status.message);
        }
    }

    /// Where objects such as `like` are made.
    fn request(&self, like: &Value, object: &Value, query: &str) -> Request<Vec<u8>> {
        let word = |field: &str| like[field].as_str().unwrap_or_default().to_owned();
        let (path, namespaced) = &self.paths[&(word("apiVersion"), word("kind"))];
        let within = if *namespaced { format!("namespaces/{NAMESPACE}/") } else { String::new() };
        let uri = format!("{}{query}", path.replace('%', &within));
        let body = serde_json::to_vec(object).expect("because it is JSON");
        let request =
            Request::builder().method(Method::POST).uri(uri).header(header::CONTENT_TYPE, "application/json");
        request.body(body).expect("because the path is plain")
    }

    /// Why an object is refused that should be as `like`; nothing where it is taken.
    async fn refusal(&self, like: &Value, object: &Value) -> Option<Vec<Cause>> {
        let request = || self.request(like, object, "?dryRun=All&fieldValidation=Strict");
        for _ in 0..3 {
            match self.client.request::<Value>(request()).await {
                Ok(_) => return None,
                // Others are busy, too; and one that another test has just made is not refused for what it says.
                Err(kube::Error::Api(status)) if matches!(status.code, 409 | 429 | 500 | 503 | 504) => {}
                Err(kube::Error::Api(status)) => {
                    let causes = status.details.iter().flat_map(|details| &details.causes);
                    let causes = causes
                        .map(|cause| Cause { field: cause.field.clone(), message: cause.message.clone() });
                    let causes: Vec<_> = causes.filter(|cause| !cause.message.is_empty()).collect();
                    let whole = || vec![Cause { field: String::new(), message: status.message.clone() }];
                    return Some(if causes.is_empty() { whole() } else { causes });
                }
                // It ends the connection where it falls over the object itself.
                Err(_) => {}
            }
        }
        Some(vec![Cause { field: String::new(), message: "no answer".to_owned() }])
    }

    /// As `refusal` for each of them, in their order.
    pub async fn refusals<'o>(
        &self,
        objects: impl Iterator<Item = (&'o Value, Value)>,
    ) -> Vec<Option<Vec<Cause>>> {
        let asked = objects.map(|(like, object)| async move { self.refusal(like, &object).await });
        stream::iter(asked).buffered(AT_ONCE).collect().await
    }
}
