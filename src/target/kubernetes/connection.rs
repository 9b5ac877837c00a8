//! A way to an API server: read from a kubeconfig, opened by the first request, used by all that follow.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use http::Uri;
use hyper_util::{
    client::legacy::{Client as Http, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{Body, ConfigExt},
    config::{KubeConfigOptions, Kubeconfig},
};
use tower::{BoxError, ServiceBuilder};

use super::client::WORDS;
use crate::{
    config,
    error::{Error, Result},
    text,
};

/// So long what a kubeconfig says holds: credentials are renewed there.
const HOLDS: Duration = Duration::from_secs(60);
/// Longest that an API server may take to be reached at all.
const REACHED: Duration = Duration::from_secs(5);

/// Connections to one API server.
#[derive(Clone)]
pub(super) struct Connection {
    pub client: Client,
    /// The API server's address.
    pub server: String,
    read: Instant,
}

impl Connection {
    /// Reads the kubeconfig. Nothing is sent.
    pub async fn new(settings: &config::Kubernetes) -> Result<Self> {
        let mut config = reach(settings).await?;
        let server = config.cluster_url.to_string();
        if let Some(user) = &settings.impersonate {
            config.auth_info.impersonate = Some(user.clone());
        }
        let client = client(config).map_err(|error| unusable(settings, &error))?;
        Ok(Self { client, server, read: Instant::now() })
    }
}

/// The connections of one run.
#[derive(Default)]
pub(super) struct Connections {
    open: RefCell<Option<Connection>>,
}

impl Connections {
    /// Those that are open, unless the kubeconfig is to be read once more.
    pub async fn get(&self, settings: &config::Kubernetes) -> Result<Connection> {
        let open = self.open.borrow().clone().filter(|open| open.read.elapsed() < HOLDS);
        Ok(match open {
            Some(open) => open,
            None => {
                let new = Connection::new(settings).await?;
                self.open.replace(Some(new.clone()));
                new
            }
        })
    }
}

/// As kube makes one, but for one thing: what is written goes out at once. The first request on a connection would
/// wait 40 ms for the acknowledgement of the handshake before it.
fn client(config: Config) -> Result<Client, kube::Error> {
    if config.proxy_url.is_some() {
        // kube says which of them it could use.
        return Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(REACHED));
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(Http::builder(TokioExecutor::new()).build::<_, Body>(connector));
    Ok(Client::new(service, config.default_namespace))
}

/// The address of a cluster. Nothing is sent.
pub(super) async fn server(settings: &config::Kubernetes) -> Result<String> {
    Ok(reach(settings).await?.cluster_url.to_string())
}

async fn reach(settings: &config::Kubernetes) -> Result<Config> {
    let kubeconfig = read(&settings.kubeconfig)?;
    let clusters = kubeconfig.clusters.iter().filter_map(|named| named.cluster.as_ref());
    let proxies: Vec<Uri> = clusters.filter_map(|it| it.proxy_url.as_ref()?.parse().ok()).collect();
    let options = KubeConfigOptions { context: settings.context.clone(), ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| unusable(settings, &error))?;
    // A hook's variables are not the server's word: HTTPS_PROXY would lead it elsewhere, and the worker has none.
    config.proxy_url = config.proxy_url.filter(|proxy| proxies.contains(proxy));
    Ok(config)
}

/// The files that hold credentials: the kubeconfig, and those that it names, where it can be read.
pub fn credentials(settings: &config::Kubernetes) -> Vec<PathBuf> {
    let users = read(&settings.kubeconfig).map(|kubeconfig| kubeconfig.auth_infos).unwrap_or_default();
    let users = users.into_iter().filter_map(|user| user.auth_info);
    let named = users.flat_map(|user| [user.client_key, user.token_file]).flatten().map(PathBuf::from);
    std::iter::once(settings.kubeconfig.clone()).chain(named).collect()
}

fn unusable(settings: &config::Kubernetes, error: &dyn std::fmt::Display) -> Error {
    let (path, reason) = (settings.kubeconfig.display(), text::excerpt(&error.to_string(), WORDS));
    Error::server(format!("the kubeconfig {path} cannot be used: {reason}"))
        .help("check it: kubectl --kubeconfig FILE get namespaces")
}

fn read(path: &Path) -> Result<Kubeconfig> {
    if let Err(error) = std::fs::metadata(path) {
        let error = Error::io("read the kubeconfig", path, &error);
        return Err(error.help("write one there, or change `kubeconfig` in the configuration"));
    }
    Kubeconfig::read_from(path).map_err(|_| {
        // What it says of a file with credentials in it is not repeated.
        Error::server(format!("{} is no kubeconfig", path.display()))
            .help("write one, as `kubectl config view --raw` shows it")
    })
}
