//! The command line, and the help that lists every way to configure Hallpass.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::form::SETTINGS;

/// Log in with the system browser, call a protected API, and see what happened.
///
/// With nothing configured, Hallpass starts on a demo that needs no account and no network.
#[derive(Clone, Debug, Default, clap::Parser)]
#[command(name = "hallpass", version, after_help = further_help())]
pub struct Arguments {
    /// Read the profiles from this file
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start on this profile
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
}

/// A file with one profile, to start from. It is refused until its placeholders are replaced.
pub(super) const EXAMPLE: &str = r#"[[profile]]
name = "My Auth0"
issuer = "https://TENANT.eu.auth0.com/"
client_id = "CLIENT_ID"
audience = "https://api.example.com"
scopes = ["openid", "profile", "email", "offline_access", "read:messages"]
api = "http://localhost:3010"

[[profile.request]]
name = "Private"
method = "GET"
url = "/api/private"
headers = { Accept = "application/json" }
"#;

fn further_help() -> String {
    let mut help = String::from("The file of profiles:\n");
    if let Some(path) = super::default_file() {
        let _ = writeln!(help, "  {}", path.display());
    }
    help.push_str(
        "\nEnvironment variables:\n  \
         HALLPASS_CONFIG            as --config\n  \
         HALLPASS_PROFILE           as --profile\n\n\
         These change the profile that is started on, for this run only. With no profile chosen, an issuer\n\
         and a client id make a profile of their own:\n",
    );
    for (field, meaning) in SETTINGS {
        let _ = writeln!(help, "  {:<26} {meaning}", field.variable());
    }
    help.push_str("\nA profile in the file:\n");
    for line in EXAMPLE.lines() {
        let _ = writeln!(help, "{}", format!("  {line}").trim_end());
    }
    help.truncate(help.trim_end().len());
    help
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn the_example_is_right_but_for_its_placeholders() {
        let path = std::path::Path::new("hallpass.toml");
        let keys = read::profiles(path, EXAMPLE).problems.into_iter().map(|problem| problem.key);
        assert_eq!(keys.collect::<Vec<_>>(), ["issuer", "client_id"]);
        let filled_in = EXAMPLE.replace("TENANT", "acme").replace("CLIENT_ID", "AbC123");
        assert!(read::profiles(path, &filled_in).problems.is_empty());
    }
}
