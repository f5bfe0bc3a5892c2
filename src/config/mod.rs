//! stub
use url::Url;
/// p
#[derive(Clone, Debug, PartialEq)]
pub struct Profile { pub name: String, pub issuer: String, pub client_id: String, pub audience: Option<String>, pub resource: Option<String>, pub scopes: Vec<String>, pub api: Option<Url>, pub requests: Vec<ReadyRequest>, pub redirect_ports: Vec<u16>, pub redirect_path: String, pub authorize_params: Vec<(String,String)> }
/// r
#[derive(Clone, Debug, PartialEq)]
pub struct ReadyRequest { pub name: String, pub method: String, pub url: String, pub headers: Vec<(String,String)>, pub body: String }
