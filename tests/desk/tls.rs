//! Ports that speak TLS, each with a certificate that a person may meet.

use std::path::PathBuf;
use std::process::Stdio;

use super::{Desk, Process, is_installed};

/// Makes a company's certificate authority, and certificates by it for servers on this computer.
const MAKE: &str = "
set -e
new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
openssl req -x509 $new -days 30 -subj '/CN=A company' -keyout company.key -out company.pem
printf '[ca]\ndefault_ca=a\n[a]\ndatabase=index\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\n' > config
printf 'policy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n' >> config
: > index
sign() {
    openssl req $new -subj /CN=$1 -addext subjectAltName=DNS:$2 -addext basicConstraints=critical,CA:FALSE \
        -keyout $1.key -out $1.csr
    openssl ca -batch -notext -config config -cert company.pem -keyfile company.key -in $1.csr -out $1.pem \
        -startdate 20240101000000Z -enddate $3
}
sign sound localhost 20490101000000Z
sign expired localhost 20250101000000Z
sign elsewhere intranet.example 20490101000000Z
";

/// Whose certificate a port shows; all are by the company.
#[derive(Clone, Copy, Debug)]
pub enum Certificate {
    /// One for `localhost`.
    Sound,
    /// The same, of which the time is over.
    Expired,
    /// One for another name.
    Elsewhere,
}

/// A server that speaks TLS and answers with a page. It ends when this is dropped.
pub struct Tls {
    _server: Process,
    /// `https://localhost:PORT/`
    pub url: String,
}

impl Desk {
    /// The company's certificate authority, for who trusts it: `SSL_CERT_FILE` takes it into the system's.
    pub fn company(&self) -> PathBuf {
        assert!(is_installed("openssl"), "openssl is missing: apt-get install openssl");
        let authority = self.home.path().join("company.pem");
        if !authority.exists() {
            let made = self.command("sh").args(["-c", MAKE]).status().unwrap();
            assert!(made.success(), "no certificates were made:\n{}", self.noise());
        }
        authority
    }

    /// Starts a server with this certificate.
    pub fn tls(&self, certificate: Certificate) -> Tls {
        self.company();
        let name = format!("{certificate:?}").to_lowercase();
        let mut command = self.command("openssl");
        command.args(["s_server", "-www", "-accept", "127.0.0.1:0"]);
        command.args(["-cert", &format!("{name}.pem"), "-key", &format!("{name}.key")]);
        let mut server = Process::start(command.stdout(Stdio::piped()));
        let line = server.line_with("ACCEPT");
        let port = line.trim().rsplit(':').next().unwrap_or_default();
        Tls { url: format!("https://localhost:{port}/"), _server: server }
    }
}
