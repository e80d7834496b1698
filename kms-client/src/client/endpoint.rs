//! Endpoints: where requests go, and whose name must be proven there.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;
use pcrseal_core::error::{Code, Error as Fault};
use rustls::pki_types::ServerName;

use crate::Error;
use crate::net::{Address, Stream, VsockAddress, connect_first};
use crate::wire::endpoint::{HostOptions, check_region, host_name};

/// One endpoint: who must answer there, and the way to it. They are independent: by vsock, the parent instance
/// chooses where the bytes go, and the name to be proven stays.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    origin: String,
    authority: String,
    route: Route,
    server_name: Option<ServerName<'static>>,
}

/// What to connect to.
#[derive(Clone, Debug)]
enum Route {
    /// `localhost` in plain HTTP: both its addresses, never looked up.
    Localhost(u16),
    To(Address),
}

/// Where the requests of each region go.
pub(super) struct Endpoints {
    /// By region; the empty name stands for every region that has none.
    urls: BTreeMap<String, Endpoint>,
    /// By region: these go before the URLs, which they are made from.
    routed: BTreeMap<String, Endpoint>,
    /// Which of AWS's endpoints, where no URL is configured.
    options: HostOptions,
}

impl Endpoint {
    /// AWS's own endpoint of a region.
    fn of_aws(region: &str, options: HostOptions) -> Result<Self, Error> {
        Self::parse(&format!("https://{}", host_name(region, options)?))
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
        let (server_name, route) = if https {
            let server_name = ServerName::try_from(name.to_owned()).map_err(|_| malformed())?;
            (Some(server_name), Route::To(Address::Tcp(name.to_owned(), port)))
        } else if name == "localhost" {
            (None, Route::Localhost(port))
        } else if name.parse().is_ok_and(|address: IpAddr| address.is_loopback()) {
            (None, Route::To(Address::Tcp(name.to_owned(), port)))
        } else {
            return Err(not_loopback());
        };
        Ok(Self {
            origin: format!("{}://{authority}", if https { "https" } else { "http" }),
            authority: authority.as_str().to_owned(),
            route,
            server_name,
        })
    }

    /// The same endpoint, reached through a vsock port.
    pub(super) fn by_vsock(self, address: VsockAddress) -> Result<Self, Error> {
        // Beyond vsock is the parent instance, which must not read along.
        if self.server_name.is_none() {
            return Err(not_loopback());
        }
        Ok(Self { route: Route::To(Address::Vsock(address)), ..self })
    }

    /// Scheme and authority.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The value of the `host` header.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// The name that the endpoint's certificate must prove; `None` for `http://`.
    pub(super) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// Connects. The caller bounds the time.
    pub(super) async fn connect(&self) -> io::Result<Stream> {
        match &self.route {
            Route::To(address) => address.connect().await,
            Route::Localhost(port) => {
                let both = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
                connect_first(&both.map(|ip| SocketAddr::new(ip, *port))).await.map(Stream::Tcp)
            }
        }
    }
}

impl Endpoints {
    pub(super) fn new(options: HostOptions) -> Self {
        Self { urls: BTreeMap::new(), routed: BTreeMap::new(), options }
    }

    /// Sends the requests of a region, or with an empty name of every region that has none, to a URL.
    pub(super) fn add_url(&mut self, region: &str, url: &str) -> Result<(), Error> {
        if !region.is_empty() {
            check_region(region)?;
        }
        self.urls.insert(region.to_owned(), Endpoint::parse(url)?);
        Ok(())
    }

    /// Reaches a region's endpoint through a vsock port.
    pub(super) fn add_vsock(&mut self, region: &str, address: VsockAddress) -> Result<(), Error> {
        let by_vsock = self.of(region)?.into_owned().by_vsock(address)?;
        self.routed.insert(region.to_owned(), by_vsock);
        Ok(())
    }

    /// The endpoint of a region, whose name is checked.
    pub(super) fn of(&self, region: &str) -> Result<Cow<'_, Endpoint>, Error> {
        check_region(region)?;
        let configured =
            self.routed.get(region).or_else(|| self.urls.get(region)).or_else(|| self.urls.get(""));
        match configured {
            Some(endpoint) => Ok(Cow::Borrowed(endpoint)),
            None => Endpoint::of_aws(region, self.options).map(Cow::Owned),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.route {
            Route::To(Address::Vsock(address)) => write!(f, "{} by {address}", self.origin),
            _ => f.write_str(&self.origin),
        }
    }
}

fn not_loopback() -> Error {
    Error::Configuration(Fault::new(Code::KmsEndpointNotLoopback))
}

#[cfg(test)]
mod tests {
    use super::{Address, Endpoint, Endpoints, HostOptions, Route, VsockAddress};
    use pcrseal_core::error::Code;

    fn port_of(endpoint: &Endpoint) -> u16 {
        match &endpoint.route {
            Route::Localhost(port) | Route::To(Address::Tcp(_, port)) => *port,
            other @ Route::To(_) => panic!("{other:?}"),
        }
    }

    #[test]
    fn by_vsock_the_name_to_be_proven_stays() {
        let mut endpoints = Endpoints::new(HostOptions::default());
        endpoints.add_url("us-east-2", "https://kms.example:8443").unwrap();
        for (region, origin) in
            [("us-east-1", "https://kms.us-east-1.amazonaws.com"), ("us-east-2", "https://kms.example:8443")]
        {
            let direct = endpoints.of(region).unwrap().into_owned();
            endpoints.add_vsock(region, VsockAddress { cid: 3, port: 8000 }).unwrap();
            let routed = endpoints.of(region).unwrap();
            assert_eq!((routed.origin(), routed.authority()), (origin, direct.authority()));
            assert_eq!(routed.server_name(), direct.server_name());
            assert_eq!(routed.to_string(), format!("{origin} by vsock:3:8000"));
        }
        assert_eq!(endpoints.of("us-east-3").unwrap().to_string(), "https://kms.us-east-3.amazonaws.com");
    }

    #[test]
    fn fips_and_dual_stack_are_for_awss_own_endpoints() {
        let mut endpoints = Endpoints::new(HostOptions { fips: true, dual_stack: true });
        endpoints.add_url("us-east-2", "https://kms.example").unwrap();
        let origin = |region| endpoints.of(region).unwrap().origin().to_owned();
        assert_eq!(origin("us-east-1"), "https://kms-fips.us-east-1.api.aws");
        assert_eq!(origin("us-east-2"), "https://kms.example");
    }

    #[test]
    fn plain_http_does_not_leave_by_vsock() {
        let mut endpoints = Endpoints::new(HostOptions::default());
        endpoints.add_url("", "http://127.0.0.1:8080").unwrap();
        let error = endpoints.add_vsock("us-east-1", VsockAddress { cid: 3, port: 8000 }).unwrap_err();
        assert_eq!(error.code(), Code::KmsEndpointNotLoopback);
    }

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
            assert_eq!((endpoint.authority(), port_of(&endpoint)), (authority, port), "{url}");
            assert_eq!(endpoint.server_name().is_some(), https, "{url}");
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
