//! Credentials of the endpoint that ECS and EKS Pod Identity give a container (AWS SDKs and Tools reference guide,
//! "Container credential provider").

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use hyper::header::{AUTHORIZATION, HeaderValue};
use hyper::{Method, Uri};
use pcrseal_core::error::{Code, Error as Fault};
use pcrseal_core::secret::Secret;
use zeroize::Zeroizing;

use super::environment::variable;
use super::http::{ask, question, secret_header};
use super::{CredentialsError, ProvideCredentials, ProvidedCredentials, document, file, provided};
use crate::limits::MAX_CONTAINER_TOKEN_LEN;
use crate::wire::Credentials;
use crate::{Address, Error};

const NAME: &str = "container";
/// Where `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` is looked up: the ECS task metadata address.
const ECS: &str = "http://169.254.170.2";
/// Hosts beside loopback to which the authorization token may go in the clear: those of the AWS SDKs.
const HOSTS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
];

/// Credentials of the endpoint that ECS and EKS Pod Identity give a container.
///
/// The endpoint is `http://` on a loopback address, 169.254.170.2, 169.254.170.23 or `fd00:ec2::23`, as the AWS SDKs
/// demand; no name but `localhost` (127.0.0.1) is accepted, and none is looked up. `https://` is not supported:
/// an endpoint elsewhere would need roots and trust of its own.
#[derive(Debug)]
pub struct ContainerCredentials {
    address: Address,
    authority: String,
    target: String,
    authorization: Authorization,
}

#[derive(Debug)]
enum Authorization {
    None,
    /// The value of the header field; its `Debug` shows nothing.
    Token(HeaderValue),
    File(PathBuf),
}

impl ContainerCredentials {
    /// The endpoint `http://HOST[:PORT]/PATH`, without an authorization token.
    ///
    /// # Errors
    /// [`Code::CredentialsEndpoint`] if it is something else, or another host than those above.
    pub fn new(url: &str) -> Result<Self, Error> {
        parse(url).map_err(failed)
    }

    /// As the container's environment says: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or else
    /// `AWS_CONTAINER_CREDENTIALS_FULL_URI`; `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE` or else
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN`. The order is the AWS SDKs'.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Code::CredentialsUnset`] if neither URI is set.
    pub fn from_env() -> Result<Self, Error> {
        from_variables(|name| std::env::var_os(name)).map_err(failed)
    }

    /// Sends this in the `Authorization` header field.
    ///
    /// # Errors
    /// [`Code::CredentialsConfiguration`] if it is empty, longer than 8192 bytes, or holds what a header field
    /// cannot.
    pub fn authorization_token(mut self, token: &Secret) -> Result<Self, Error> {
        let token = authorization(Zeroizing::new(token.expose().to_vec())).map_err(failed)?;
        self.authorization = Authorization::Token(token);
        Ok(self)
    }

    /// Sends what stands in this file, which is read at each fetch: EKS replaces it from time to time.
    #[must_use]
    pub fn authorization_token_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorization = Authorization::File(path.into());
        self
    }

    /// Connects to this address, from which somebody forwards to the endpoint, and reads what is forwarded: the
    /// authorization token and the credentials.
    #[must_use]
    pub fn through(mut self, forwarder: Address) -> Self {
        self.address = forwarder;
        self
    }

    async fn fetch(&self) -> Result<Credentials, Fault> {
        let mut question = question(Method::GET, &self.authority, &self.target)?;
        let token = match &self.authorization {
            Authorization::None => None,
            Authorization::Token(token) => Some(token.clone()),
            Authorization::File(path) => {
                Some(authorization(file::read(path, MAX_CONTAINER_TOKEN_LEN).await?)?)
            }
        };
        if let Some(token) = token {
            question.headers_mut().insert(AUTHORIZATION, token);
        }
        let answer = ask(&self.address, &question).await?;
        document::read(&answer.into_body(&self.target)?)
    }
}

impl ProvideCredentials for ContainerCredentials {
    fn provide(&self) -> ProvidedCredentials<'_> {
        Box::pin(async { provided(NAME, self.fetch().await) })
    }

    fn name(&self) -> &'static str {
        NAME
    }
}

fn failed(fault: Fault) -> Error {
    Error::Credentials(CredentialsError::new(NAME, fault))
}

fn parse(url: &str) -> Result<ContainerCredentials, Fault> {
    let refused =
        |found: &str| Fault::text(Code::CredentialsEndpoint, "URL", "http://HOST[:PORT]/PATH", found);
    let uri: Uri = url.parse().map_err(|_| refused("no URL"))?;
    let (Some(authority), Some(scheme)) = (uri.authority(), uri.scheme_str()) else {
        return Err(refused("no host"));
    };
    match scheme {
        "http" => {}
        "https" => return Err(refused("https://, which is not supported")),
        _ => return Err(refused("another scheme")),
    }
    let host = authority.host();
    // What is left of the authority is nothing or a port; a user name would come first.
    let port = match authority.as_str().strip_prefix(host) {
        Some("") => 80,
        Some(_) => authority.port_u16().ok_or_else(|| refused("no port"))?,
        None => return Err(refused("a user name")),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let ip = match bare {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        _ => bare.parse::<IpAddr>().map_err(|_| refused("a host name"))?,
    };
    if !ip.is_loopback() && !HOSTS.contains(&ip) {
        return Err(refused(&ip.to_string()));
    }
    Ok(ContainerCredentials {
        address: Address::Tcp(ip.to_string(), port),
        authority: authority.as_str().to_owned(),
        target: uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
        authorization: Authorization::None,
    })
}

fn from_variables(lookup: impl Fn(&str) -> Option<OsString>) -> Result<ContainerCredentials, Fault> {
    let get = |name| variable(&lookup, name);
    let relative = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    let full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let mut container = match (get(relative)?, get(full)?) {
        (Some(path), _) if path.starts_with('/') => parse(&format!("{ECS}{path}"))?,
        (Some(_), _) => return Err(Fault::field(Code::CredentialsEndpoint, relative)),
        (None, Some(url)) => parse(&url)?,
        (None, None) => return Err(Fault::field(Code::CredentialsUnset, full)),
    };
    let file = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")?;
    let token = get("AWS_CONTAINER_AUTHORIZATION_TOKEN")?.map(|token| Zeroizing::new(token.into_bytes()));
    container.authorization = match (file, token) {
        (Some(path), _) => Authorization::File(path.into()),
        (None, Some(token)) => Authorization::Token(authorization(token)?),
        (None, None) => Authorization::None,
    };
    Ok(container)
}

/// The value of the header field. A line end at the token's end is what an editor leaves; anywhere else it would
/// begin another header field.
fn authorization(mut token: Zeroizing<Vec<u8>>) -> Result<HeaderValue, Fault> {
    let bad = || Fault::field(Code::CredentialsConfiguration, "authorization token");
    let len = token.trim_ascii_end().len();
    token.truncate(len);
    if !(1..=MAX_CONTAINER_TOKEN_LEN).contains(&len) {
        return Err(bad());
    }
    secret_header(token).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::{Authorization, ContainerCredentials, from_variables, parse};
    use pcrseal_core::error::{Code, Error as Fault};
    use pcrseal_core::secret::Secret;
    use std::ffi::OsString;

    #[test]
    fn hosts_that_are_allowed() {
        for (url, address, authority, target) in [
            (
                "http://169.254.170.2/v2/credentials/x",
                "169.254.170.2:80",
                "169.254.170.2",
                "/v2/credentials/x",
            ),
            (
                "http://169.254.170.23/v1/credentials",
                "169.254.170.23:80",
                "169.254.170.23",
                "/v1/credentials",
            ),
            ("http://[fd00:ec2::23]/v1/credentials", "fd00:ec2::23:80", "[fd00:ec2::23]", "/v1/credentials"),
            ("http://localhost:81/?a=b", "127.0.0.1:81", "localhost:81", "/?a=b"),
            ("http://127.9.9.9", "127.9.9.9:80", "127.9.9.9", "/"),
            ("http://[::1]:9/x", "::1:9", "[::1]:9", "/x"),
        ] {
            let container = parse(url).unwrap();
            assert_eq!(container.address.to_string(), address, "{url}");
            assert_eq!((&*container.authority, &*container.target), (authority, target), "{url}");
        }
    }

    #[test]
    fn hosts_that_are_not() {
        for (url, part) in [
            ("https://127.0.0.1/x", "https:// is not supported"),
            ("ftp://127.0.0.1/x", "another scheme"),
            ("http://169.254.169.254/x", "169.254.169.254"),
            ("http://169.254.170.3/x", "169.254.170.3"),
            ("http://10.0.0.1/x", "10.0.0.1"),
            ("http://[::ffff:127.0.0.1]/x", "::ffff:127.0.0.1"),
            ("http://0.0.0.0/x", "0.0.0.0"),
            ("http://metadata.example/x", "a host name"),
            ("http://localhost.example/x", "a host name"),
            ("http://2130706433/x", "a host name"),
            ("http://user@127.0.0.1/x", "a user name"),
            ("http://127.0.0.1@10.0.0.1/x", "a user name"),
            ("http://127.0.0.1:/x", "no port"),
            ("http://127.0.0.1:99999/x", ""),
            ("/x", "no host"),
            ("", "no URL"),
            ("http://127.0.0.1/ x", "no URL"),
            ("http://127.0.0.1/x\r\nx-evil: 1", "no URL"),
        ] {
            let fault = parse(url).unwrap_err();
            assert_eq!(fault.code(), Code::CredentialsEndpoint, "{url}");
            assert!(part.split(" is ").all(|part| fault.to_string().contains(part)), "{url}: {fault}");
        }
    }

    fn environment(variables: &[(&str, &str)]) -> Result<ContainerCredentials, Fault> {
        from_variables(|name| {
            let name = name.strip_prefix("AWS_CONTAINER_").unwrap();
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
        })
    }

    const RELATIVE: (&str, &str) = ("CREDENTIALS_RELATIVE_URI", "/v2/credentials/x");
    const FULL: (&str, &str) = ("CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
    const TOKEN: (&str, &str) = ("AUTHORIZATION_TOKEN", "hunter2");
    const FILE: (&str, &str) = ("AUTHORIZATION_TOKEN_FILE", "/run/token");

    #[test]
    fn the_environment_is_read_in_the_order_of_the_sdks() {
        let both = environment(&[FULL, RELATIVE]).unwrap();
        assert_eq!(both.address.to_string(), "169.254.170.2:80");
        assert_eq!(both.target, RELATIVE.1);
        assert!(matches!(both.authorization, Authorization::None));

        let full = environment(&[FULL, TOKEN]).unwrap();
        assert_eq!(full.address.to_string(), "169.254.170.23:80");
        assert!(matches!(&full.authorization, Authorization::Token(token) if token == "hunter2"));
        assert!(!format!("{full:?}").contains("hunter2"));

        let file = environment(&[FULL, TOKEN, FILE]).unwrap();
        assert!(matches!(&file.authorization, Authorization::File(path) if path.ends_with("run/token")));

        for (variables, code) in [
            (&[TOKEN][..], Code::CredentialsUnset),
            (&[("CREDENTIALS_RELATIVE_URI", "@10.0.0.1/x")], Code::CredentialsEndpoint),
            // It would make the host 169.254.170.23, which is allowed, and not meant.
            (&[("CREDENTIALS_RELATIVE_URI", "3/x")], Code::CredentialsEndpoint),
            (&[("CREDENTIALS_FULL_URI", "http://10.0.0.1/x")], Code::CredentialsEndpoint),
            (&[FULL, ("AUTHORIZATION_TOKEN", "hunter2\r\nx-evil: 1")], Code::CredentialsConfiguration),
        ] {
            let fault = environment(variables).unwrap_err();
            assert_eq!(fault.code(), code, "{variables:?}");
            assert!(!fault.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn tokens_are_bounded_header_values() {
        let with = |token: &[u8]| {
            parse(FULL.1).unwrap().authorization_token(&Secret::copy_from(token)).map_err(|e| e.code())
        };
        assert!(with(b"Basic aHVudGVyMg==").is_ok() && with(&[b'a'; 8192]).is_ok());
        for bad in [&b""[..], b"\n", b"a\nb", b"a\0", &[b'a'; 8193]] {
            assert_eq!(with(bad).unwrap_err(), Code::CredentialsConfiguration, "{bad:?}");
        }
    }
}
