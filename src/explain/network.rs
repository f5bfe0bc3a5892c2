//! Why no answer came.

use super::Explanation;
use crate::http::{HttpError, NoAnswer};

pub(super) fn no_answer(HttpError { to, why }: &HttpError) -> Explanation {
    let (headline, cause) = match why {
        NoAnswer::Dns => (
            format!("{to} was not found"),
            "No address is known for this name. Check its spelling, and that this computer is online."
                .to_owned(),
        ),
        NoAnswer::Refused => (
            format!("Nothing listens at {to}"),
            "The computer is there, and refused the connection. Start the server, or correct the port."
                .to_owned(),
        ),
        NoAnswer::NoRoute => (
            format!("{to} cannot be reached"),
            "This computer's network has no way there. Is it online, or on the right VPN?".to_owned(),
        ),
        NoAnswer::Reset => (
            format!("{to} broke off"),
            "It closed the connection before its answer was whole. Its own log will say why.".to_owned(),
        ),
        NoAnswer::NoConnection(after) => (
            format!("{to} cannot be connected to"),
            format!(
                "No connection came about within {} seconds. A firewall drops it, or the address is wrong.",
                after.as_secs()
            ),
        ),
        NoAnswer::TimedOut(after) => (
            format!("{to} did not answer in time"),
            format!(
                "Hallpass waited {} seconds. The server is overloaded, or a firewall drops the connection.",
                after.as_secs()
            ),
        ),
        NoAnswer::Tls(problem) => (
            format!("{to} has no TLS connection that can be trusted"),
            format!(
                "{problem}. A company's own certificate authority must be trusted by the operating system."
            ),
        ),
        NoAnswer::NotTls => (
            format!("{to} does not speak TLS"),
            "The address starts with https://, and what answered there speaks something else, most often plain http. \
             Try http:// if it is on this computer."
                .to_owned(),
        ),
        NoAnswer::Unencrypted => (
            format!("{to} was not asked"),
            "Its address starts with http://, so whoever is on the way could read and change what is said. It must start \
             with https://."
                .to_owned(),
        ),
        NoAnswer::TooLarge(limit) => (
            format!("{to} answered with too much"),
            format!("More than {} KB came where a small document is expected.", limit / 1024),
        ),
        NoAnswer::Other(problem) => (format!("{to} could not be asked"), problem.clone()),
    };
    Explanation::failed(headline, cause)
}
