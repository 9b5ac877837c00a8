//! Debian's lighttpd, which runs `git http-backend` for whoever knows Ana's
//! password.

use std::fs;
use std::path::Path;

use super::server::{Server, needs, tag};
use super::world::{World, sh_quote, text};

const LIGHTTPD: &str = "/usr/sbin/lighttpd";

pub struct Httpd {
    server: Server,
}

impl Httpd {
    /// Serves the repositories below `root`.
    #[track_caller]
    pub fn start(world: &World, root: &Path) -> Self {
        needs(Path::new(LIGHTTPD), "lighttpd", "lighttpd");
        let dir = world.path(".httpd");
        fs::create_dir_all(dir.join("empty")).expect("because the world's folder is ours");
        let write = |name: &str, text: &str| {
            fs::write(dir.join(name), text).expect("because the world's folder is ours");
        };
        write("users", "ana:secret\n");
        // lighttpd gives a program the request's variables and no others.
        write("http-backend", &format!(". {}\nexec git http-backend\n", sh_quote(text(&world.server_env()))));
        let greeting = tag(world);
        let server = Server::start(dir.join("lighttpd.log"), "HEAD / HTTP/1.0\r\n\r\n", &greeting, |port| {
            write("lighttpd.conf", &config(&dir, root, port, &greeting));
            let mut command = world.command(LIGHTTPD);
            command.args(["-D", "-f", text(&dir.join("lighttpd.conf"))]);
            command
        });
        Self { server }
    }

    /// The address of a repository, with Ana's name and password.
    pub fn url(&self, repo_name: &str) -> String {
        let port = self.server.port();
        format!("http://ana:secret@127.0.0.1:{port}/git/{repo_name}")
    }

    /// The same address for a stranger, who is turned away.
    pub fn anonymous_url(&self, repo_name: &str) -> String {
        let port = self.server.port();
        format!("http://127.0.0.1:{port}/git/{repo_name}")
    }

    /// An address at which the server asks nobody who they are.
    pub fn open_url(&self, repo_name: &str) -> String {
        let port = self.server.port();
        format!("http://127.0.0.1:{port}/open/{repo_name}")
    }

    pub fn server(&self) -> &Server {
        &self.server
    }
}

/// The answer is streamed, so that the client sees what hooks say as they say
/// it, and not in one lump at the end. The request is not: lighttpd would have
/// to give the program a body of unknown length, and answers git's larger
/// pushes, which come in chunks, with "411 Length Required" instead.
fn config(dir: &Path, root: &Path, port: u16, greeting: &str) -> String {
    let (dir, root) = (text(dir), text(root));
    format!(
        r#"
server.modules = ("mod_auth", "mod_authn_file", "mod_setenv", "mod_alias", "mod_cgi")
server.bind = "127.0.0.1"
server.port = {port}
server.tag = "{greeting}"
server.document-root = "{dir}/empty"
server.upload-dirs = ("{dir}")
server.stream-response-body = 2

auth.backend = "plain"
auth.backend.plain.userfile = "{dir}/users"
auth.require = ("/git/" => (
    "method" => "basic", "realm" => "git", "require" => "valid-user"
))

$HTTP["url"] =~ "^/(git|open)/" {{
    alias.url = ("/git" => "{dir}/http-backend", "/open" => "{dir}/http-backend")
    cgi.assign = ("" => "/bin/sh")
    setenv.set-environment = (
        "GIT_PROJECT_ROOT" => "{root}",
        "GIT_HTTP_EXPORT_ALL" => "1"
    )
}}
"#
    )
}
