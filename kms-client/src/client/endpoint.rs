//! Endpoints: where requests go, and whose name must be proven there.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hyper::Uri;
use pcrseal_core::error::{Code, Error as Fault};
use rustls::pki_types::ServerName;

use crate::Error;
use crate::wire::endpoint::{HostOptions, host_name};

/// One endpoint. Another transport (a vsock port per endpoint) would be chosen beside [`Endpoint::host`].
#[derive(Debug)]
pub(super) struct Endpoint {
    origin: String,
    authority: String,
    host: Host,
    port: u16,
    server_name: Option<ServerName<'static>>,
}

/// What to connect to.
#[derive(Debug)]
pub(super) enum Host {
    /// Addresses, tried in turn.
    Addresses(Vec<IpAddr>),
    /// A name to look up.
    Name(String),
}

impl Endpoint {
    /// AWS's own endpoint of a region.
    pub(super) fn of_aws(region: &str) -> Result<Self, Error> {
        Self::parse(&format!("https://{}", host_name(region, HostOptions::default())?))
    }

    /// Reads `http://HOST[:PORT]` or `https://HOST[:PORT]`; a slash may follow.
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        let malformed = || Error::Configuration(Fault::new(Code::KmsEndpoint));
        let uri: Uri = url.parse().map_err(|_| malformed())?;
        let authority = uri.authority().ok_or_else(malformed)?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(malformed()),
        };
        let bare = uri.path() == "/" && uri.query().is_none() && !authority.as_str().contains('@');
        if !bare || authority.host().is_empty() {
            return Err(malformed());
        }
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") if https => 443,
            Some("") => 80,
            _ => authority.port_u16().ok_or_else(malformed)?,
        };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        let address = name.parse::<IpAddr>().ok();
        let host = match address {
            Some(address) => Host::Addresses(vec![address]),
            None if !https && name == "localhost" => {
                Host::Addresses(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
            }
            None => Host::Name(name.to_owned()),
        };
        let server_name = if https {
            Some(ServerName::try_from(name.to_owned()).map_err(|_| malformed())?)
        } else if host.is_loopback() {
            None
        } else {
            return Err(Error::Configuration(Fault::new(Code::KmsEndpointNotLoopback)));
        };
        Ok(Self {
            origin: format!("{}://{authority}", if https { "https" } else { "http" }),
            authority: authority.as_str().to_owned(),
            host,
            port,
            server_name,
        })
    }

    /// Scheme and authority: endpoints that are equal in it share connections.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The value of the `host` header.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The name that the endpoint's certificate must prove; `None` for `http://`.
    pub(super) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    pub(super) fn is_https(&self) -> bool {
        self.server_name.is_some()
    }
}

impl Host {
    fn is_loopback(&self) -> bool {
        match self {
            Self::Addresses(addresses) => addresses.iter().all(IpAddr::is_loopback),
            Self::Name(_) => false,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::Endpoint;
    use pcrseal_core::error::Code;

    #[test]
    fn the_two_forms() {
        for (url, authority, port, https) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080", 8080, false),
            ("http://127.9.9.9/", "127.9.9.9", 80, false),
            ("http://[::1]:1", "[::1]:1", 1, false),
            ("http://localhost:4566", "localhost:4566", 4566, false),
            ("https://kms.example", "kms.example", 443, true),
            ("https://10.0.0.1:8443", "10.0.0.1:8443", 8443, true),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!((endpoint.authority(), endpoint.port()), (authority, port), "{url}");
            assert_eq!(endpoint.is_https(), https, "{url}");
        }
    }

    #[test]
    fn plain_http_stays_on_loopback() {
        for url in [
            "http://10.0.0.1",
            "http://kms.eu-central-1.amazonaws.com",
            "http://0.0.0.0:80",
            "http://[::]:80",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "http://[::ffff:10.0.0.1]",
        ] {
            assert_eq!(Endpoint::parse(url).unwrap_err().code(), Code::KmsEndpointNotLoopback, "{url}");
        }
    }

    #[test]
    fn what_is_neither_form() {
        for url in [
            "",
            "127.0.0.1",
            "127.0.0.1:80",
            "/x",
            "ftp://127.0.0.1",
            "http://",
            "http://127.0.0.1/path",
            "http://127.0.0.1?q",
            "http://user@127.0.0.1",
            "http://user@127.0.0.1:80",
            "https://user:pw@kms.example",
            "http://127.0.0.1:99999",
            "http://127.0.0.1 ",
            "https://kms example",
            "https://-",
            "https://a..b",
            "http://127.0.0.1:",
        ] {
            assert_eq!(Endpoint::parse(url).unwrap_err().code(), Code::KmsEndpoint, "{url}");
        }
    }
}
