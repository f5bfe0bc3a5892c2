//! Why no answer came.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use super::status::with_scheme;
use super::{Explanation, Remedy, at, span};
use crate::http::{self, HttpError, NoAnswer};

/// Why no answer came; `url` is what was asked, where a better address can be made of it.
pub(super) fn no_answer(HttpError { to, why }: &HttpError, url: Option<&Url>) -> Explanation {
    // What is known of another request says nothing of this one.
    let url = url.filter(|url| {
        url.host_str().is_some_and(|host| to.starts_with(host))
            && url.port_or_known_default().is_some_and(|port| to.ends_with(&format!(":{port}")))
    });
    let host = to.rsplit_once(':').map_or(to.as_str(), |(host, _)| host);
    let here = Url::parse(&format!("http://{host}/")).is_ok_and(|url| http::is_loopback(&url));
    match why {
        NoAnswer::Dns => {
            let cause = if host.contains('.') {
                "No address is known for this name. Either it is misspelled, or this computer is offline, or the name is known \
                 only inside another network (VPN). If your browser opens other pages, you are online."
            } else {
                "No address is known for this name. A name without a dot is known inside one network or one container only: from \
                 here it may be localhost."
            };
            Explanation::failed(format!("{to} was not found"), cause).evidence("Name", [(host, true)])
        }
        NoAnswer::Refused if here => Explanation::failed(
            format!("Nothing listens at {to}"),
            "No program on this computer takes connections at this port. Start the server, or correct the port. If it runs in a \
             container, its port must be published.",
        ),
        NoAnswer::Refused => Explanation::failed(
            format!("Nothing listens at {to}"),
            "The computer is there, and refused the connection. Start the server, or correct the port.",
        ),
        NoAnswer::NoRoute => Explanation::failed(
            format!("{to} cannot be reached"),
            "This computer's network has no way there: it is offline, or not on the right VPN.",
        ),
        NoAnswer::Reset => {
            let plain = url.is_some_and(|url| url.scheme() == "http");
            let cause = if plain {
                "It closed the connection before its answer was whole. Its own log will say why. Or the port speaks TLS only, and \
                 the address must start with https://."
            } else {
                "It closed the connection before its answer was whole. Its own log will say why."
            };
            Explanation::failed(format!("{to} broke off"), cause)
        }
        NoAnswer::NoConnection(after) => Explanation::failed(
            format!("{to} cannot be connected to"),
            format!(
                "No connection came about within {} seconds. A firewall drops it, or the address is wrong, or this computer is \
                 offline.",
                after.as_secs()
            ),
        ),
        NoAnswer::TimedOut(after) => Explanation::failed(
            format!("{to} did not answer in time"),
            format!(
                "Hallpass waited {} seconds. The server is overloaded, or a firewall drops the connection. What was asked may \
                 still have been done.",
                after.as_secs()
            ),
        ),
        NoAnswer::Stalled(after) => Explanation::failed(
            format!("{to} said nothing more"),
            format!(
                "Nothing of its answer came for {} minutes. What came before is here. The server has stopped in the middle, or \
                 a firewall dropped the connection.",
                after.as_secs() / 60
            ),
        ),
        NoAnswer::Tls(problem) => tls(to, host, problem),
        NoAnswer::NotTls => {
            let cause = "The address starts with https://, and what answered there speaks something else, most often plain http.";
            let meant = url.filter(|_| here).and_then(|url| with_scheme(url, "http"));
            let cause = match &meant {
                Some(_) => format!("{cause} On this computer that is safe."),
                None if here => format!("{cause} Try http://, which is safe on this computer."),
                None => format!("{cause} Check the port: your token must not travel over plain http."),
            };
            Explanation::failed(format!("{to} does not speak TLS"), cause)
                .evidence("Meant", meant.iter().map(|meant| (meant, false)))
                .remedy(meant.map(Remedy::UseUrl))
        }
        NoAnswer::Unencrypted => Explanation::failed(
            format!("{to} was not asked"),
            "Its address starts with http://, so whoever is on the way could read and change what is said. It must start \
             with https://.",
        ),
        NoAnswer::TooLarge(limit) => Explanation::failed(
            format!("{to} answered with too much"),
            format!("More than {} KB came where a small document is expected.", limit / 1024),
        ),
        NoAnswer::Other(problem) if is_about_a_proxy(problem) => Explanation::failed(
            format!("{to} could not be asked through the proxy"),
            "This computer's settings send the call through a proxy, and the proxy did not pass it on: it wants a name and a \
             password, does not let this address through, or is not there. Look at HTTPS_PROXY or the system's proxy settings, \
             and put the address into NO_PROXY if it needs no proxy.",
        )
        .says("It said", Some(problem)),
        NoAnswer::Other(problem) => Explanation::failed(format!("{to} could not be asked"), problem),
    }
}

fn is_about_a_proxy(problem: &str) -> bool {
    let problem = problem.to_lowercase();
    ["proxy", "tunnel", "socks"].iter().any(|sign| problem.contains(sign))
}

/// What is wrong with the other side's TLS, by the words of the verifier.
fn tls(to: &str, host: &str, problem: &str) -> Explanation {
    let lower = problem.to_lowercase();
    let says = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    let headline;
    let cause = if says(&["not valid for name", "notvalidforname"]) {
        headline = format!("The certificate of {to} is for another name");
        format!(
            "It does not name {host}. Either the address is wrong (an IP address, a short name, an alias), or another server \
             answers there."
        )
    } else if says(&["not valid yet", "notvalidyet"]) {
        headline = format!("The certificate of {to} is not valid yet");
        "By this computer's clock its time has not begun. Look at the clock first: it may be behind."
            .to_owned()
    } else if says(&["expired"]) {
        headline = format!("The certificate of {to} has expired");
        match ago(&lower) {
            Some(ago) => format!(
                "Its time was over {} ago. Whoever runs the server must renew it. If other pages fail too, this computer's clock \
                 is ahead.",
                span(ago)
            ),
            None => "Whoever runs the server must renew it. If other pages fail too, this computer's clock is ahead.".to_owned(),
        }
    } else if says(&["revoked"]) {
        headline = format!("The certificate of {to} was withdrawn");
        "Whoever issued it takes it back: do not trust this server before its operator has explained it."
            .to_owned()
    } else if says(&[
        "unknownissuer",
        "unknown issuer",
        "self-signed",
        "self signed",
        "causedasendentity",
        "not trusted",
    ]) {
        headline = format!("Nobody known vouches for {to}");
        "Its certificate is its own, a company's, or of a program that looks into connections (a proxy or a virus scanner). If \
         you know whose it is, add that certificate authority to the operating system's trusted ones, and start Hallpass anew."
            .to_owned()
    } else if says(&["certificaterequired", "certificate required", "bad_certificate", "badcertificate"])
        && says(&["alert"])
    {
        headline = format!("{to} wants a client certificate");
        "It lets in only programs that show a certificate of their own (mTLS), which Hallpass does not have."
            .to_owned()
    } else if says(&["protocolversion", "handshakefailure", "peer is incompatible"]) {
        headline = format!("{to} speaks another kind of TLS");
        "The two sides have no version or cipher in common: most often the server is old. It must offer TLS 1.2 or later.".to_owned()
    } else if says(&["unrecognisedname", "unrecognizedname", "unrecognised_name"]) {
        headline = format!("{to} does not know this name");
        "The server has no certificate for the name in the address. Check host and port.".to_owned()
    } else {
        headline = format!("{to} has no TLS connection that can be trusted");
        "The connection could not be made safe. A company's own certificate authority must be trusted by the operating system."
            .to_owned()
    };
    Explanation::failed(headline, cause)
        .evidence("It said", [(problem, true)])
        .evidence("Ended", not_after(&lower).map(|end| (at(end), false)))
        .reference("RFC 9110, section 4.3.4; RFC 5280, section 6")
}

/// How long ago the certificate ended, as the verifier says it: `(123 seconds ago)`.
fn ago(problem: &str) -> Option<Duration> {
    let seconds = problem.split('(').find_map(|part| part.split_once(" seconds ago")?.0.parse().ok())?;
    Some(Duration::from_secs(seconds))
}

/// When the certificate ended, as the verifier says it: `not valid after 123 (…`.
fn not_after(problem: &str) -> Option<Timestamp> {
    let (_, rest) = problem.split_once("not valid after ")?;
    Timestamp::from_second(rest.split_whitespace().next()?.parse().ok()?).ok()
}
