//! Who pushed, as far as the server knows.

use std::ffi::OsString;

use super::text_of;

/// The name of the person behind a push: the web server's user, else the system's, with the address
/// that ssh reports. `variable` looks up the environment.
pub fn who(variable: impl Fn(&str) -> Option<OsString>) -> String {
    let set = |name: &str| {
        variable(name).filter(|value| !value.is_empty()).map(|value| text_of(value.as_encoded_bytes()))
    };
    let name = ["REMOTE_USER", "USER", "LOGNAME"].into_iter().find_map(set);
    let name = name.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    let address = set("REMOTE_ADDR")
        .or_else(|| set("SSH_CONNECTION").and_then(|c| c.split(' ').next().map(str::to_owned)));
    match address {
        Some(address) => format!("{name} from {address}"),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::who;

    #[test]
    fn the_web_servers_user_counts_before_the_systems_and_no_name_can_break_a_line() {
        let env = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into())
        };
        assert_eq!(
            who(env(&[("REMOTE_USER", "ana"), ("USER", "git"), ("REMOTE_ADDR", "::1")])),
            "ana from ::1"
        );
        assert_eq!(
            who(env(&[("USER", "git"), ("SSH_CONNECTION", "10.0.0.7 5 10.0.0.1 22")])),
            "git from 10.0.0.7"
        );
        assert_eq!(who(env(&[("REMOTE_USER", "a\nOutcome: deployed")])), "a\\u{a}Outcome: deployed");
    }
}
