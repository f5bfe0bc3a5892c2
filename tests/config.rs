//! Profiles as a whole: a file on disk, variables and arguments in, profiles and problems out, and back again.
#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use clap::{CommandFactory, Parser};
use hallpass::config::{
    Arguments, DEMO, Field, Loaded, Place, Profile, ProfileForm, ReadyRequest, RequestField, SaveError, load,
};
use tempfile::TempDir;
use url::Url;

/// A directory with a file of profiles, and what surrounds a run of Hallpass.
struct Setup {
    directory: TempDir,
    arguments: Arguments,
    variables: HashMap<String, String>,
}

impl Setup {
    fn new(text: &str) -> Setup {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("hallpass.toml");
        fs::write(&path, text).unwrap();
        let arguments = Arguments { config: Some(path), profile: None };
        Setup { directory, arguments, variables: HashMap::new() }
    }

    fn with(mut self, variable: &str, value: &str) -> Setup {
        self.variables.insert(variable.to_owned(), value.to_owned());
        self
    }

    fn starting_on(mut self, profile: &str) -> Setup {
        self.arguments.profile = Some(profile.to_owned());
        self
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("hallpass.toml")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn load(&self) -> Loaded {
        load(&self.arguments, |name| self.variables.get(name).map(OsString::from))
    }

    fn only_profile(&self) -> Profile {
        let loaded = self.load();
        assert_eq!(messages(&loaded), Vec::<String>::new());
        assert_eq!(loaded.profiles.len(), 1);
        loaded.profiles.into_iter().next().unwrap()
    }
}

const GOOD: &str = r#"[[profile]]
name = "Good"
issuer = "https://login.example.com/realms/staff"
client_id = "desktop"
"#;

fn messages(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(ToString::to_string).collect()
}

/// Line 1 of the file is a comment, and the settings under test begin at line 6.
fn profile_with(settings: &str) -> String {
    let mut lines = vec!["# test".to_owned(), "[[profile]]".to_owned()];
    // A setting under test replaces the usual one; what follows a table's header is not a setting of the profile.
    let own = settings.split('[').next().unwrap_or_default();
    let is_given = |name: &str| own.lines().any(|line| line.starts_with(&format!("{name} =")));
    for (key, value) in [("name", "Test"), ("issuer", "https://login.example.com"), ("client_id", "desktop")]
    {
        lines.push(if is_given(key) { "#".to_owned() } else { format!("{key} = \"{value}\"") });
    }
    format!("{}\n{settings}\n", lines.join("\n"))
}

/// Asserts that the settings are refused with one message, which names the file, the line, the key and the rest.
#[track_caller]
fn refused(settings: &str, line: usize, key: &str, contents: &[&str]) {
    let setup = Setup::new(&(profile_with(settings) + GOOD));
    let loaded = setup.load();
    let messages = messages(&loaded);
    assert_eq!(messages.len(), 1, "{messages:#?}");
    let place = format!("{}, line {line}: {key}", setup.path().display());
    for expected in [place.as_str(), "\n  Fix: "].iter().chain(contents) {
        assert!(messages[0].contains(expected), "`{expected}` is not in:\n{}", messages[0]);
    }
    let names: Vec<&str> = loaded.profiles.iter().map(|profile| profile.name.as_str()).collect();
    assert_eq!(names, ["Good"], "the other profile stays");
}

// Defaults and places

#[test]
fn three_lines_make_a_profile_with_defaults() {
    let profile = Setup::new(GOOD).only_profile();
    assert_eq!(profile.issuer, "https://login.example.com/realms/staff");
    assert_eq!(profile.client_id, "desktop");
    assert_eq!((&profile.audience, &profile.resource, &profile.api), (&None, &None, &None));
    assert_eq!(profile.scopes, ["openid", "profile", "email", "offline_access"]);
    assert_eq!(profile.redirect_ports, [8710, 8711, 8712]);
    assert_eq!(profile.redirect_path, "/callback");
    assert!(profile.requests.is_empty() && profile.authorize_params.is_empty());
}

#[test]
fn every_setting_of_a_file_is_read() {
    let profile = Setup::new(
        r#"[[profile]]
name = "Everything"
issuer = "https://acme.eu.auth0.com/"
client_id = "AbC123"
audience = "https://api.example.com"
resource = "https://api.example.com/v1"
scopes = ["openid", "read:messages"]
api = "http://localhost:3010/v1"
redirect_ports = [9000, 0]
redirect_path = "/signed-in"
authorize_params = { prompt = "consent", login_hint = "a+b&c=d%20@example.com" }
[[profile.request]]
name = "Post"
method = "POST"
url = "/messages"
headers = { Accept = "application/json" }
body = """{"text": "hello"}
"""
[[profile.request]]
name = "Elsewhere"
url = "https://example.com/hello?a=b"
"#,
    )
    .only_profile();
    assert_eq!(profile.audience.as_deref(), Some("https://api.example.com"));
    assert_eq!(profile.resource.as_deref(), Some("https://api.example.com/v1"));
    assert_eq!(profile.scopes, ["openid", "read:messages"]);
    assert_eq!(profile.redirect_ports, [9000, 0]);
    assert_eq!(profile.redirect_path, "/signed-in");
    let params = [("prompt", "consent"), ("login_hint", "a+b&c=d%20@example.com")];
    assert_eq!(profile.authorize_params, params.map(|(key, value)| (key.to_owned(), value.to_owned())));
    let post = &profile.requests[0];
    assert_eq!((post.name.as_str(), post.method.as_str()), ("Post", "POST"));
    assert_eq!(post.headers, [("Accept".to_owned(), "application/json".to_owned())]);
    assert_eq!(post.body.as_deref(), Some("{\"text\": \"hello\"}\n"));
    assert_eq!(profile.request_url(post), "http://localhost:3010/v1/messages");
    assert_eq!(profile.requests[1].method, "GET");
    assert_eq!(profile.request_url(&profile.requests[1]), "https://example.com/hello?a=b");
}

#[test]
fn a_checked_profile_survives_the_form() {
    let mut profile = Setup::new(GOOD).only_profile();
    profile.authorize_params = vec![("claims".into(), "{\"a\": [\"b=c&d\", \"100%\"]}".into())];
    profile.api = Some(Url::parse("http://localhost:3010").unwrap());
    assert_eq!(ProfileForm::from(&profile).check(), Ok(profile));
}

#[test]
fn the_usual_file_may_be_missing_but_a_named_one_must_be_there() {
    let mut setup = Setup::new("");
    fs::remove_file(setup.path()).unwrap();
    let loaded = setup.load();
    let message = &messages(&loaded)[0];
    assert!(message.starts_with("Command line, --config: "), "{message}");
    assert!(
        message.contains(setup.path().to_str().unwrap()) && message.contains("no such file"),
        "{message}"
    );
    assert_eq!(loaded.problems[0].place, Place::CommandLine("--config"));
    assert_eq!(loaded.start, DEMO);

    let path = setup.arguments.config.take().unwrap();
    let loaded = setup.with("HALLPASS_CONFIG", path.to_str().unwrap()).load();
    assert!(messages(&loaded)[0].starts_with("Environment variable HALLPASS_CONFIG: "), "{loaded:?}");
}

#[test]
fn an_empty_file_starts_on_the_demo() {
    let loaded = Setup::new("").load();
    assert_eq!((loaded.start.as_str(), loaded.profiles.len(), loaded.problems.len()), (DEMO, 0, 0));
}

#[test]
fn the_help_lists_every_variable_the_place_of_the_file_and_an_example() {
    let help = Arguments::command().render_long_help().to_string();
    for variable in [
        "CONFIG",
        "PROFILE",
        "NAME",
        "ISSUER",
        "CLIENT_ID",
        "AUDIENCE",
        "RESOURCE",
        "SCOPES",
        "API",
        "REQUESTS",
        "REDIRECT_PORTS",
        "REDIRECT_PATH",
        "AUTHORIZE_PARAMS",
    ] {
        assert!(help.contains(&format!("HALLPASS_{variable} ")), "{variable} is not in:\n{help}");
    }
    assert!(help.contains("hallpass.toml") && help.contains("[[profile]]"), "{help}");
    assert!(help.lines().all(|line| line.chars().count() <= 110), "{help}");
    assert!(Arguments::try_parse_from(["hallpass", "--config", "a.toml", "--profile", "b"]).is_ok());
    let version = Arguments::try_parse_from(["hallpass", "--version"]).unwrap_err();
    assert_eq!(version.kind(), clap::error::ErrorKind::DisplayVersion);
}

// The start

#[test]
fn the_first_profile_of_the_file_is_the_start_unless_another_is_chosen() {
    let two = format!("{GOOD}{}", GOOD.replace("Good", "Second"));
    assert_eq!(Setup::new(&two).load().start, "Good");
    assert_eq!(Setup::new(&two).starting_on("Second").load().start, "Second");
    assert_eq!(Setup::new(&two).with("HALLPASS_PROFILE", "Second").load().start, "Second");
    assert_eq!(Setup::new(&two).with("HALLPASS_PROFILE", "Second").starting_on(DEMO).load().start, DEMO);
}

#[test]
fn an_unknown_profile_is_refused_with_the_known_ones() {
    let loaded = Setup::new(GOOD).starting_on("god").load();
    let message = &messages(&loaded)[0];
    assert!(message.starts_with("Command line, --profile: god\n"), "{message}");
    assert!(message.contains("Demo, Good") && message.contains("did you mean `Good`?"), "{message}");

    let loaded = Setup::new(GOOD).with("HALLPASS_PROFILE", "zzz").load();
    let message = &messages(&loaded)[0];
    assert!(message.starts_with("Environment variable HALLPASS_PROFILE: zzz\n"), "{message}");
    assert!(message.contains("choose one of these"), "{message}");
}

#[test]
fn a_chosen_profile_with_mistakes_is_said_to_have_them() {
    let loaded = Setup::new(&GOOD.replace("https", "http")).starting_on("Good").load();
    let messages = messages(&loaded);
    assert!(
        messages[0].contains("must be encrypted") && messages[1].contains("has mistakes"),
        "{messages:#?}"
    );
}

// The environment

#[test]
fn each_variable_changes_its_setting_for_this_run_only() {
    let setup = Setup::new(GOOD)
        .with("HALLPASS_NAME", "Renamed")
        .with("HALLPASS_ISSUER", "acme.eu.auth0.com")
        .with("HALLPASS_CLIENT_ID", "other")
        .with("HALLPASS_AUDIENCE", "https://api.example.com")
        .with("HALLPASS_RESOURCE", "https://api.example.com/v1")
        .with("HALLPASS_SCOPES", "openid read:messages")
        .with("HALLPASS_API", "http://localhost:3010")
        .with("HALLPASS_REQUESTS", "Private = GET /api/private; Post=POST https://example.com/; Bare=/bare")
        .with("HALLPASS_REDIRECT_PORTS", "9000, 9001 0")
        .with("HALLPASS_REDIRECT_PATH", "/back")
        .with("HALLPASS_AUTHORIZE_PARAMS", "prompt=login&max_age=0")
        .starting_on("Good");
    let loaded = setup.load();
    assert_eq!(messages(&loaded), Vec::<String>::new());
    assert_eq!((loaded.start.as_str(), loaded.profiles.len(), loaded.overridden), ("Renamed", 1, true));
    let profile = &loaded.profiles[0];
    assert_eq!(profile.issuer, "https://acme.eu.auth0.com/");
    assert_eq!(profile.client_id, "other");
    assert_eq!(profile.audience.as_deref(), Some("https://api.example.com"));
    assert_eq!(profile.resource.as_deref(), Some("https://api.example.com/v1"));
    assert_eq!(profile.scopes, ["openid", "read:messages"]);
    assert_eq!(profile.redirect_uris()[1], "http://127.0.0.1:9001/back");
    assert_eq!(profile.authorize_params[1], ("max_age".to_owned(), "0".to_owned()));
    let requests: Vec<_> = profile
        .requests
        .iter()
        .map(|r| (r.name.as_str(), r.method.as_str(), profile.request_url(r)))
        .collect();
    assert_eq!(
        requests,
        [
            ("Private", "GET", "http://localhost:3010/api/private".to_owned()),
            ("Post", "POST", "https://example.com/".to_owned()),
            ("Bare", "GET", "http://localhost:3010/bare".to_owned()),
        ]
    );
    assert_eq!(setup.text(), GOOD);
}

#[test]
fn an_issuer_and_a_client_id_make_a_profile_of_their_own() {
    for text in ["", GOOD] {
        let setup = Setup::new(text)
            .with("HALLPASS_ISSUER", "localhost:8080/realms/staff")
            .with("HALLPASS_CLIENT_ID", "desktop");
        let loaded = setup.load();
        assert_eq!(messages(&loaded), Vec::<String>::new());
        assert_eq!(loaded.start, "Environment");
        let made = loaded.profiles.last().unwrap();
        assert_eq!(
            (made.name.as_str(), made.issuer.as_str()),
            ("Environment", "http://localhost:8080/realms/staff")
        );
        let named = setup.with("HALLPASS_NAME", "Mine").load();
        assert_eq!(named.start, "Mine");
    }
}

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let loaded = Setup::new(GOOD).with("HALLPASS_SCOPES", "").with("HALLPASS_PROFILE", "").load();
    assert_eq!((loaded.problems.len(), loaded.overridden), (0, false));
}

#[test]
fn the_demo_cannot_be_changed_by_variables() {
    for setup in [Setup::new(""), Setup::new(GOOD).starting_on(DEMO)] {
        let loaded = setup.with("HALLPASS_SCOPES", "openid").load();
        let message = &messages(&loaded)[0];
        assert!(message.starts_with("Environment variable HALLPASS_SCOPES\n"), "{message}");
        assert!(
            message.contains("Demo") && message.contains("HALLPASS_ISSUER and HALLPASS_CLIENT_ID"),
            "{message}"
        );
        assert_eq!(loaded.start, DEMO);
    }
}

#[test]
fn a_wrong_variable_is_named_with_its_value_and_a_fix() {
    for (variable, value, shown, fix) in [
        (
            "HALLPASS_ISSUER",
            "http://login.example.com",
            "http://login.example.com",
            "`https://login.example.com`",
        ),
        ("HALLPASS_REDIRECT_PORTS", "8710,80", "80", "from 1024 to 65535"),
        ("HALLPASS_REQUESTS", "nothing", "nothing", "Private=GET /api/private"),
        ("HALLPASS_REQUESTS", "A=GET /a", "/a", "set `api`"),
        ("HALLPASS_AUTHORIZE_PARAMS", "state=1", "state", "made anew"),
        ("HALLPASS_NAME", "demo", "demo", "another name"),
    ] {
        let loaded = Setup::new(GOOD).with(variable, value).load();
        let message = &messages(&loaded)[0];
        assert!(message.starts_with(&format!("Environment variable {variable}: ")), "{message}");
        assert!(message.contains(shown) && message.contains(fix), "{message}");
        assert_eq!(loaded.profiles[0].issuer, "https://login.example.com/realms/staff");
    }
}

#[test]
fn a_profile_made_of_variables_does_not_take_the_name_of_another() {
    let setup = Setup::new(GOOD).with("HALLPASS_ISSUER", "https://login.example.com");
    let loaded = setup.with("HALLPASS_CLIENT_ID", "desktop").with("HALLPASS_NAME", "Good").load();
    assert!(messages(&loaded)[0].contains("has a profile `Good` already"), "{loaded:?}");
}

// What a file may get wrong

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let setup = Setup::new(&format!("{GOOD}\n[[profile]]\nname = unquoted\n"));
    let loaded = setup.load();
    let message = &messages(&loaded)[0];
    assert!(message.starts_with(&format!("{}, line 7\n", setup.path().display())), "{message}");
    assert!(message.contains("not TOML") && message.contains("Fix: correct this line"), "{message}");
    assert!(loaded.profiles.is_empty());
}

#[test]
fn a_file_that_is_not_utf8_is_refused() {
    let setup = Setup::new("");
    fs::write(setup.path(), [b'#', 0xff]).unwrap();
    let loaded = setup.load();
    let message = &messages(&loaded)[0];
    assert!(message.contains("cannot be read") && message.contains("UTF-8"), "{message}");
}

#[test]
fn a_missing_name_is_refused_at_the_line_of_its_profile() {
    let setup =
        Setup::new("\n[[profile]]\nissuer = \"https://login.example.com\"\nclient_id = \"desktop\"\n");
    let message = &messages(&setup.load())[0];
    assert!(message.contains("line 2: name\n") && message.contains("is missing"), "{message}");
}

#[test]
fn the_name_of_the_demo_is_refused() {
    refused("name = \"Demo\"", 6, "name = Demo", &["built-in profile", "another name"]);
}

#[test]
fn a_name_used_twice_is_refused() {
    let setup = Setup::new(&format!("{GOOD}{GOOD}"));
    let loaded = setup.load();
    let message = &messages(&loaded)[0];
    assert!(message.contains("line 6: name = Good\n") && message.contains("a name of its own"), "{message}");
    assert_eq!(loaded.profiles.len(), 1);
}

#[test]
fn a_missing_issuer_is_refused() {
    refused("issuer = \"\"", 6, "issuer", &["issuer is missing", "such as `https://"]);
}

#[test]
fn an_http_issuer_off_this_computer_is_refused() {
    refused(
        "issuer = \"http://a.example\"",
        6,
        "issuer = http://a.example",
        &["encrypted", "`https://a.example`"],
    );
}

#[test]
fn the_address_of_metadata_is_not_an_issuer() {
    let value = "https://acme.auth0.com/.well-known/openid-configuration";
    let expected = format!("issuer = {value}");
    refused(&format!("issuer = \"{value}\""), 6, &expected, &["metadata", "`https://acme.auth0.com/`"]);
}

#[test]
fn an_issuer_with_a_query_or_fragment_is_refused() {
    refused(
        "issuer = \"https://a.example/x?y=z\"",
        6,
        "issuer = ",
        &["?y=z", "no query", "`https://a.example/x`"],
    );
    refused(
        "issuer = \"https://a.example/#x\"",
        6,
        "issuer = ",
        &["/#x", "no fragment", "`https://a.example/`"],
    );
}

#[test]
fn an_issuer_with_credentials_is_refused_without_repeating_them() {
    refused(
        "issuer = \"https://u:hush@a.example\"",
        6,
        "issuer = (not shown)",
        &["user name or password", "remove"],
    );
}

#[test]
fn an_issuer_that_is_no_url_is_refused() {
    refused("issuer = \"https://a b\"", 6, "issuer = https://a b", &["is not a URL", "such as `https://"]);
    refused("issuer = \"ftp://a.example\"", 6, "issuer = ftp://a.example", &["neither http nor https"]);
}

#[test]
fn placeholders_are_refused() {
    for issuer in
        ["https://TENANT.eu.auth0.com/", "https://YOUR_DOMAIN/", "{yourDomain}", "https://<host>/realms/x"]
    {
        refused(
            &format!("issuer = \"{issuer}\""),
            6,
            &format!("issuer = {issuer}"),
            &["placeholder", "your own"],
        );
    }
    for id in ["CLIENT_ID", "YOUR-CLIENT-ID", "yourClientId", "…", "xxxxxxxx"] {
        refused(
            &format!("client_id = \"{id}\""),
            6,
            &format!("client_id = {id}"),
            &["placeholder", "console"],
        );
    }
}

#[test]
fn a_missing_or_damaged_client_id_is_refused() {
    refused("client_id = \"\"", 6, "client_id", &["is missing", "type Native"]);
    refused("client_id = \"a b\"", 6, "client_id = a b", &["no spaces", "copy it again"]);
}

#[test]
fn a_client_secret_is_refused_without_repeating_it() {
    let setup = Setup::new(&profile_with("client_secret = \"hush\""));
    let message = &messages(&setup.load())[0];
    assert!(
        message.contains("line 6: client_secret = (not shown)") && !message.contains("hush"),
        "{message}"
    );
    assert!(message.contains("RFC 8252, section 8.5") && message.contains("type to Native"), "{message}");
}

#[test]
fn a_text_of_the_wrong_type_is_refused_once() {
    refused("client_id = 12345", 6, "client_id = 12345", &["in quotes", "write `\"12345\"`"]);
}

#[test]
fn an_audience_with_invisible_characters_is_refused() {
    refused("audience = \"a\\u200Bb\"", 6, "audience = a\\u{200b}b", &["cannot be seen", "copy"]);
}

#[test]
fn a_resource_that_is_no_uri_is_refused() {
    refused("resource = \"my-api\"", 6, "resource = my-api", &["RFC 8707", "`audience`"]);
    refused("resource = \"https://a.example/#b\"", 6, "resource = ", &["/#b", "without a fragment"]);
}

#[test]
fn scopes_without_openid_are_refused() {
    refused("scopes = [\"profile\"]", 6, "scopes = profile", &["`openid` is missing", "`openid profile`"]);
}

#[test]
fn scopes_in_one_text_are_refused_with_the_list() {
    let list = "`[\"openid\", \"profile\"]`";
    refused("scopes = \"openid profile\"", 6, "scopes = openid profile", &["are a list", list]);
    refused("scopes = [\"openid profile\"]", 6, "scopes = openid profile", &["has no spaces", list]);
    refused("scopes = [1]", 6, "scopes = 1", &["is a text", "`\"1\"`"]);
    refused("scopes = [\"openid\", \"a\\\\b\"]", 6, "scopes = a\\b", &["is not a scope", "without quotes"]);
}

#[test]
fn an_api_without_a_scheme_is_refused_with_the_whole_url() {
    refused("api = \"localhost:3010\"", 6, "api = localhost:3010", &["no scheme", "`http://localhost:3010`"]);
    refused(
        "api = \"api.example.com\"",
        6,
        "api = api.example.com",
        &["no scheme", "`https://api.example.com`"],
    );
}

#[test]
fn an_api_with_a_query_is_refused() {
    refused(
        "api = \"https://a.example/v1?x=y\"",
        6,
        "api = ",
        &["?x=y", "no query", "`https://a.example/v1`"],
    );
}

#[test]
fn wrong_redirect_ports_are_refused() {
    refused("redirect_ports = [8710, 70000]", 6, "redirect_ports = 70000", &["not a port", "from 1024"]);
    refused("redirect_ports = [-1]", 6, "redirect_ports = -1", &["not a port"]);
    refused("redirect_ports = [80]", 6, "redirect_ports = 80", &["reserved", "from 1024"]);
    refused("redirect_ports = [\"8711\"]", 6, "redirect_ports = \"8711\"", &["without quotes", "`8711`"]);
    refused("redirect_ports = 8711", 6, "redirect_ports = 8711", &["a list", "`[8711]`"]);
    refused("redirect_ports = [8710, 8710]", 6, "redirect_ports = 8710", &["twice", "once"]);
    refused("redirect_ports = []", 6, "redirect_ports", &["no port"]);
    refused(
        "redirect_ports = [2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009, 2010, 2011]",
        6,
        "redirect_ports = 2001, ",
        &["11 ports", "10 at most"],
    );
}

#[test]
fn wrong_redirect_paths_are_refused() {
    for path in ["callback", "/a?b", "/a#b", "/a b", "/a/../b", ":80/callback"] {
        refused(
            &format!("redirect_path = \"{path}\""),
            6,
            &format!("redirect_path = {path}"),
            &["begins with `/`", "`/callback`"],
        );
    }
}

#[test]
fn parameters_of_the_flow_are_refused_by_name() {
    for name in [
        "client_id",
        "redirect_uri",
        "response_type",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "audience",
        "resource",
        "response_mode",
    ] {
        let settings = format!("authorize_params = {{ {name} = \"x\" }}");
        let expected = format!("authorize_params = {name}");
        refused(&settings, 6, &expected, &[&format!("Hallpass sets `{name}` itself")]);
    }
    refused(
        "authorize_params = { \"prompt consent\" = \"\" }",
        6,
        "authorize_params = prompt consent",
        &["prompt=consent"],
    );
    refused("authorize_params = { max_age = 0 }", 6, "authorize_params = max_age", &["in quotes"]);
    refused("authorize_params = \"a=b\"", 6, "authorize_params = (not shown)", &["{ prompt = \"consent\" }"]);
    refused(
        "[profile.authorize_params]\nclient_secret = \"hush\"",
        6,
        "authorize_params",
        &["type to Native"],
    );
}

#[test]
fn unknown_keys_are_refused_with_the_key_that_was_meant() {
    refused("audiance = \"x\"", 6, "audiance = x", &["no setting `audiance`", "did you mean `audience`?"]);
    refused("clientId = \"x\"", 6, "clientId = x", &["did you mean `client_id`?"]);
    refused("zzz = 1", 6, "zzz = (not shown)", &["or use one of name, issuer"]);
    let request = "[[profile.request]]\nname = \"A\"\nurl = \"https://a.example\"\nmetod = \"GET\"";
    refused(request, 9, "request.metod = GET", &["did you mean `method`?"]);
}

#[test]
fn what_stands_outside_of_a_profile_is_refused_and_the_profiles_stay() {
    for (text, line, fix) in [
        ("[[profiles]]\nname = \"x\"\n", 1, "did you mean `[[profile]]`?"),
        ("# one\nissuer = \"https://a.example\"\n", 2, "put a line `[[profile]]` before it"),
        ("other = 1\n", 1, "remove it"),
    ] {
        let loaded = Setup::new(&format!("{text}{GOOD}")).load();
        let message = &messages(&loaded)[0];
        assert!(message.contains(&format!("line {line}: ")) && message.contains(fix), "{message}");
        assert_eq!(loaded.profiles.len(), 1);
    }
    let message = &messages(&Setup::new(&GOOD.replace("[[profile]]", "[profile]")).load())[0];
    assert!(message.contains("line 1: profile\n") && message.contains("two brackets"), "{message}");
}

#[test]
fn a_wrong_request_is_refused() {
    let request =
        |line: &str| format!("api = \"http://localhost:3010\"\n[[profile.request]]\nname = \"A\"\n{line}");
    let with_url = |line: &str| request(&format!("url = \"/a\"\n{line}"));
    refused(&request(""), 7, "request.url", &["URL of the request is missing", "`/api/private`"]);
    refused(&request("url = \"a\""), 9, "request.url = a", &["begins with `/`", "`/a`"]);
    let host = "localhost:8080/secure";
    refused(
        &request(&format!("url = \"{host}\"")),
        9,
        "request.url = localhost",
        &["`http://localhost:8080/secure`"],
    );
    refused(&with_url("method = \"get\""), 10, "request.method = get", &["case-sensitive", "`GET`"]);
    refused(&with_url("method = \"GE T\""), 10, "request.method = GE T", &["not an HTTP method", "`GET`"]);
    refused(
        &with_url("headers = { \"A b\" = \"c\" }"),
        10,
        "request.headers = A",
        &["not the name of a header"],
    );
    refused(
        &with_url("headers = { A = \"é\" }"),
        10,
        "request.headers = A",
        &["cannot carry", "visible ASCII"],
    );
    refused(&with_url("headers = { A = \"b\", a = \"c\" }"), 10, "request.headers = a", &["twice", "once"]);
    refused(&with_url("headers = [\"A: b\"]"), 10, "request.headers = (not shown)", &["{ Accept = "]);
    refused(&with_url("body = 1"), 10, "request.body = (not shown)", &["in quotes"]);
    let twice = with_url("[[profile.request]]\nname = \"A\"\nurl = \"/b\"");
    refused(&twice, 11, "request.name = A", &["Another request", "a name of its own"]);
    refused("request = [{ name = \"A\" }]", 6, "request", &["`[[profile.request]]`"]);
}

#[test]
fn a_path_without_an_api_is_refused() {
    let settings = "[[profile.request]]\nname = \"A\"\nurl = \"/a\"";
    refused(settings, 8, "request.url = /a", &["the profile has none", "`http://localhost:3010/a`"]);
}

#[test]
fn every_mistake_of_a_profile_is_told_in_the_order_of_its_lines() {
    let setup = Setup::new(&profile_with("api = \"localhost\"\nredirect_path = \"x\"\nissuer = \"\""));
    let loaded = setup.load();
    let lines: Vec<_> = loaded.problems.iter().map(|problem| problem.place.clone()).collect();
    let place = |line| Place::File { path: setup.path(), line: Some(line) };
    assert_eq!(lines, [place(6), place(7), place(8)]);
}

// The form

#[test]
fn the_form_completes_what_a_person_leaves_out_of_an_issuer() {
    for (typed, meant) in [
        ("acme.eu.auth0.com", "https://acme.eu.auth0.com/"),
        (" https://acme.eu.auth0.com ", "https://acme.eu.auth0.com/"),
        ("https://accounts.google.com", "https://accounts.google.com"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("[::1]:8080/x", "http://[::1]:8080/x"),
        ("http://localhost:1234/", "http://localhost:1234/"),
        ("https://Login.Example.com/Realms/%7Ex", "https://Login.Example.com/Realms/%7Ex"),
    ] {
        let form = ProfileForm {
            name: "A".into(),
            issuer: typed.into(),
            client_id: "desktop".into(),
            ..ProfileForm::default()
        };
        assert_eq!(form.check().unwrap().issuer, meant);
    }
}

#[test]
fn a_blank_form_names_the_fields_to_fill_in() {
    let mut form = ProfileForm::default();
    form.requests.push(hallpass::config::RequestForm::default());
    let fields: Vec<Field> = form.check().unwrap_err().iter().map(|problem| problem.field).collect();
    let request = |field| Field::Request(0, field);
    let expected = [
        Field::Name,
        Field::Issuer,
        Field::ClientId,
        request(RequestField::Name),
        request(RequestField::Url),
    ];
    assert_eq!(fields, expected);
}

// Callback URLs

#[test]
fn redirect_uris_are_the_exact_urls_to_register() {
    let api = Url::parse("http://127.0.0.1:41874").unwrap();
    let demo = Profile::demo("http://127.0.0.1:41873/", "demo", "https://api.hallpass.demo", &api);
    assert_eq!(
        demo.redirect_uris(),
        [
            "http://127.0.0.1:8710/callback",
            "http://127.0.0.1:8711/callback",
            "http://127.0.0.1:8712/callback",
            "http://127.0.0.1/callback",
        ]
    );
    assert_eq!(
        demo.logged_out_uris(),
        demo.redirect_uris().iter().map(|uri| uri.replace("/callback", "/logged-out")).collect::<Vec<_>>()
    );
    let form = ProfileForm::from(&demo);
    assert_eq!(form.logged_out_uris(), Some(demo.logged_out_uris()));
    assert_eq!(demo.request_url(&demo.requests[2]), "http://127.0.0.1:41874/api/private-scoped");
    let names: Vec<&str> = demo.requests.iter().map(|request| request.name.as_str()).collect();
    assert_eq!(names, ["Public", "Private", "Private (scoped)", "Large (100 MB)", "Stream"]);
    assert_eq!(demo.scopes, ["openid", "profile", "email", "offline_access", "read:messages"]);
}

#[test]
fn the_values_of_headers_and_bodies_are_not_in_debug() {
    let text = format!(
        "{GOOD}[[profile.request]]\nname = \"A\"\nurl = \"https://a.example\"\nheaders = {{ X-Key = \"hush\" }}\nbody = \"hush\"\n"
    );
    let loaded = Setup::new(&text).load();
    assert!(!format!("{loaded:?} {:?}", ProfileForm::from(&loaded.profiles[0])).contains("hush"));
}

// Saving

const COMMENTED: &str = r#"# My profiles

foreign = "kept"   # as it is

# About the first.
[[profile]]
name   = 'First'              # a comment
issuer = "https://a.example"  # another
client_id = "one"
# why this audience
audience = "https://api.example.com"
foreign_key = [ 1,  2 ]
scopes = [
    "openid", # always
]
# between

[[ profile.request ]]
name = "A"   # the first request
url = "https://a.example/a"
headers = { Accept = "text/plain", X-Key = "1" } # headers

# About request B.
[[profile.request]]
name = "B"
url = "https://a.example/b"

[other]
x = 0x10

# This stands apart.

# About the second.
[[profile]]
name = "Second"
issuer = "b.example"
client_id = "two"
# audience = "later"
"#;

/// The profile of this name, though the foreign key in it is one of its mistakes.
fn profile(setup: &Setup, name: &str) -> Profile {
    let text = setup.text().replace("foreign_key = [ 1,  2 ]\n", "");
    let loaded = Setup::new(&text).load();
    loaded.profiles.into_iter().find(|profile| profile.name == name).unwrap()
}

/// Saves a changed profile, and asserts that it reads back as saved.
#[track_caller]
fn save(setup: &Setup, old_name: Option<&str>, changed: &Profile) -> String {
    let file = setup.load().file.unwrap();
    let saved = file.save(old_name, changed).unwrap();
    assert_eq!(profile(setup, &changed.name), *changed);
    // What was saved is what the next change starts from.
    saved.save(Some(&changed.name), changed).unwrap();
    setup.text()
}

#[test]
fn saving_what_has_not_changed_keeps_every_byte() {
    let setup = Setup::new(COMMENTED);
    for name in ["First", "Second"] {
        assert_eq!(save(&setup, Some(name), &profile(&setup, name)), COMMENTED);
    }
}

#[test]
fn saving_changes_only_what_changed_and_keeps_comments_and_foreign_keys() {
    let setup = Setup::new(COMMENTED);
    let mut first = profile(&setup, "First");
    first.name = "Renamed".into();
    first.issuer = "https://c.example".into();
    first.audience = Some("other".into());
    first.redirect_ports = vec![9000];
    first.requests[0].url = "https://a.example/new".into();
    first.requests[0].headers[0].1 = "text/html".into();
    let expected = COMMENTED
        .replace("'First'", "\"Renamed\"")
        .replace("https://a.example\"  #", "https://c.example\"  #")
        .replace("\"https://api.example.com\"", "\"other\"")
        .replace("https://a.example/a", "https://a.example/new")
        .replace("text/plain", "text/html")
        .replace("    \"openid\", # always\n]\n", "    \"openid\", # always\n]\nredirect_ports = [9000]\n");
    assert_eq!(save(&setup, Some("First"), &first), expected);
}

#[test]
fn a_setting_is_taken_out_but_its_comment_stays() {
    let setup = Setup::new(COMMENTED);
    let mut first = profile(&setup, "First");
    first.audience = None;
    first.requests[0].headers.clear();
    let expected = COMMENTED
        .replace("audience = \"https://api.example.com\"\n", "")
        .replace("headers = { Accept = \"text/plain\", X-Key = \"1\" } # headers", "# headers");
    assert_eq!(save(&setup, Some("First"), &first), expected);

    let setup = Setup::new(&format!(
        "{GOOD}api = \"https://a.example\"\nauthorize_params = {{ prompt = \"login\" }}\n"
    ));
    let mut good = profile(&setup, "Good");
    good.api = None;
    good.authorize_params.clear();
    assert_eq!(save(&setup, Some("Good"), &good), GOOD);
}

#[test]
fn requests_are_added_removed_renamed_and_reordered() {
    let setup = Setup::new(COMMENTED);
    let mut first = profile(&setup, "First");
    first.requests[1].name = "Renamed".into();
    let mut third = first.requests[1].clone();
    third.name = "C".into();
    third.body = Some("text".into());
    first.requests.push(third);
    let text = save(&setup, Some("First"), &first);
    let added = "\n[[profile.request]]\nname = \"C\"\nmethod = \"GET\"\nurl = \"https://a.example/b\"\nbody = \"text\"\n";
    let expected = COMMENTED
        .replace("name = \"B\"", "name = \"Renamed\"")
        .replace("https://a.example/b\"\n", &format!("https://a.example/b\"\n{added}"));
    assert_eq!(text, expected);

    first.requests.remove(0);
    first.requests.reverse();
    let text = save(&setup, Some("First"), &first);
    assert!(text.contains("# About request B.\n[[profile.request]]\nname = \"Renamed\""), "{text}");
    assert!(
        text.find("name = \"C\"") < text.find("\"Renamed\"")
            && text.find("\"Renamed\"") < text.find("[other]")
    );

    first.requests.clear();
    assert!(!save(&setup, Some("First"), &first).contains("profile.request"));
}

#[test]
fn a_new_profile_is_added_at_the_end() {
    let setup = Setup::new(COMMENTED);
    let mut new = profile(&setup, "First");
    new.name = "Third".into();
    new.requests.truncate(1);
    let text = save(&setup, None, &new);
    let added = text.strip_prefix(COMMENTED).expect("what was there stays as it is");
    assert_eq!(
        added,
        r#"
[[profile]]
name = "Third"
issuer = "https://a.example"
client_id = "one"
audience = "https://api.example.com"
scopes = ["openid"]

[[profile.request]]
name = "A"
method = "GET"
url = "https://a.example/a"
headers = { Accept = "text/plain", X-Key = "1" }
"#
    );
}

#[test]
fn what_is_saved_reads_back_whatever_the_layout() {
    let request = "name = \"A\"\nurl = \"https://a.example\"\n";
    let layouts = [
        format!("{GOOD}authorize_params.prompt = \"login\"\nauthorize_params.max_age = \"0\" # why\n"),
        format!("{GOOD}[[profile.request]]\n{request}headers.\"X-A\" = \"1\"\nheaders.B = \"2\"\n"),
        format!(
            "{GOOD}[[profile.request]]\n{request}[profile.request.headers]\nX-A = \"1\"\n# end\n[profile.authorize_params]\n"
        ),
        format!(
            "{GOOD}  [profile.authorize_params]\n  prompt = \"login\"\n\n  [[profile.request]]\n{request}# end"
        ),
        format!("{GOOD}audience = 'no line end'"),
        format!("\u{feff}{GOOD}").replace("client_id", "\"client_id\"").replacen('\n', "\r\n", 2),
    ];
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let post = ReadyRequest {
        name: "Post".into(),
        method: "POST".into(),
        url: "/post".into(),
        headers: vec![pair("X-New", "quoted \"text\"")],
        body: Some("two\nlines \\ and more".into()),
    };
    let changes: [fn(&mut Profile, &ReadyRequest); 7] = [
        |profile, _| profile.client_id = "changed".into(),
        |profile, _| profile.audience = None,
        |profile, _| profile.authorize_params = vec![("display".into(), "a\nb".into())],
        |profile, _| profile.authorize_params.clear(),
        |profile, post| profile.requests.insert(0, post.clone()),
        |profile, post| {
            profile.requests.iter_mut().for_each(|request| request.headers.clone_from(&post.headers));
        },
        |profile, _| {
            profile.requests.clear();
            profile.redirect_ports = vec![9000];
        },
    ];
    for layout in &layouts {
        let setup = Setup::new(layout);
        let mut good = setup.only_profile();
        good.api = Some(Url::parse("https://a.example/v1").unwrap());
        for change in changes {
            change(&mut good, &post);
            let text = save(&setup, Some("Good"), &good);
            assert_eq!(text.contains("# end"), layout.contains("# end"), "{text}");
            assert_eq!(setup.only_profile(), good, "{text}");
        }
        save(&setup, None, &Profile { name: "Another".into(), ..good });
        let file = setup.load().file.unwrap().remove("Good").unwrap();
        assert_eq!(setup.only_profile().name, "Another");
        file.remove("Another").unwrap();
        assert!(setup.load().profiles.is_empty() && setup.load().problems.is_empty(), "{}", setup.text());
    }
}

#[test]
fn the_first_profile_makes_the_file_and_its_directory() {
    let mut setup = Setup::new("");
    let path = setup.directory.path().join("new").join("hallpass.toml");
    setup.arguments.config = Some(path.clone());
    let good = Setup::new(GOOD).only_profile();
    setup.load().file.unwrap().save(None, &good).unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), GOOD);
    assert_eq!(setup.only_profile(), good);
}

#[test]
fn a_profile_is_removed_with_what_is_about_it_and_nothing_else() {
    let setup = Setup::new(COMMENTED);
    let file = setup.load().file.unwrap().remove("Second").unwrap();
    let (before, _) = COMMENTED.split_once("\n# About the second.").unwrap();
    assert_eq!(setup.text(), format!("{before}# audience = \"later\"\n"));

    file.remove("First").unwrap();
    let text = setup.text();
    assert!(!text.contains("profile]]") && !text.contains("About"), "{text}");
    for kept in
        ["# My profiles", "foreign = \"kept\"   # as it is", "[other]\nx = 0x10", "# This stands apart."]
    {
        assert!(text.contains(kept), "`{kept}` is not in:\n{text}");
    }
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_stay() {
    let text = format!("\u{feff}{}", COMMENTED.replace('\n', "\r\n"));
    let setup = Setup::new(&text);
    let mut second = profile(&setup, "Second");
    second.client_id = "changed".into();
    assert_eq!(save(&setup, Some("Second"), &second), text.replace("\"two\"", "\"changed\""));
}

#[test]
fn a_file_that_changed_on_disk_is_not_overwritten() {
    let setup = Setup::new(GOOD);
    let loaded = setup.load();
    let file = loaded.file.unwrap();
    let changed = format!("{GOOD}# by another program\n");
    fs::write(setup.path(), &changed).unwrap();
    for result in [file.save(Some("Good"), &loaded.profiles[0]), file.remove("Good")] {
        let error = result.unwrap_err();
        assert!(matches!(error, SaveError::Changed(_)), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(setup.path().to_str().unwrap()) && message.contains("load the file again"),
            "{message}"
        );
    }
    assert_eq!(setup.text(), changed);
}

#[test]
fn a_broken_file_is_not_overwritten() {
    let good = Setup::new(GOOD).only_profile();
    for broken in ["[[profile]\nname = \"x\"\n", "[profile]\nname = \"x\"\n"] {
        let setup = Setup::new(broken);
        let error = setup.load().file.unwrap().save(None, &good).unwrap_err();
        assert!(matches!(error, SaveError::Broken(_)), "{error}");
        assert!(error.to_string().contains("line 1"), "{error}");
        assert_eq!(setup.text(), broken);
    }
}

#[test]
fn names_stay_unique_when_saving() {
    let setup = Setup::new(COMMENTED);
    let file = setup.load().file.unwrap();
    let mut first = profile(&setup, "First");
    assert!(matches!(file.save(None, &first), Err(SaveError::NameTaken { .. })));
    first.name = "Second".into();
    assert!(matches!(file.save(Some("First"), &first), Err(SaveError::NameTaken { .. })));
    first.name = DEMO.into();
    assert!(matches!(file.save(Some("First"), &first), Err(SaveError::NameTaken { .. })));
    assert!(matches!(file.remove("Third"), Err(SaveError::NotThere { .. })));
    assert_eq!(setup.text(), COMMENTED);
}

#[cfg(unix)]
#[test]
fn saving_keeps_permissions_and_symbolic_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mut setup = Setup::new(GOOD);
    let link = setup.directory.path().join("link.toml");
    symlink(setup.path(), &link).unwrap();
    fs::set_permissions(setup.path(), fs::Permissions::from_mode(0o640)).unwrap();
    setup.arguments.config = Some(link.clone());
    let mut good = setup.only_profile();
    good.client_id = "changed".into();
    setup.load().file.unwrap().save(Some("Good"), &good).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(setup.text(), GOOD.replace("desktop", "changed"));
    assert_eq!(fs::metadata(setup.path()).unwrap().permissions().mode() & 0o777, 0o640);

    fs::set_permissions(setup.path(), fs::Permissions::from_mode(0o440)).unwrap();
    let error = setup.load().file.unwrap().save(Some("Good"), &good).unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
}
