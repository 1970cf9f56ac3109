//! Where an endpoint lies, and whether the server may go there.
//!
//! A server that fetches what it is told to can be turned against the machines beside it. So only the operator's file names
//! endpoints; names are resolved here, every address is checked, and the connection is made to a checked address.

use hyper::Uri;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// A checked URL of `judges.toml`.
#[derive(Clone, Debug)]
pub struct Address {
    /// With `/chat/completions`.
    pub uri: Uri,
    pub is_https: bool,
    /// Without brackets.
    host: String,
    port: u16,
    allow_http: bool,
    allow_private: bool,
}

/// What an address is to whoever connects to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Public,
    ThisMachine,
    /// A private network, or the link itself.
    Private,
    /// No single machine, or none that is meant.
    Nowhere,
}

impl Address {
    /// The error is a sentence without its beginning, “the URL …”.
    pub fn parse(url: &str, allow_http: bool, allow_private: bool) -> Result<Self, String> {
        let uri: Uri = url.trim_end_matches('/').parse().map_err(|_| "url: it is no URL")?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("url: it must begin with https:// or http://".into()),
        };
        let authority = uri.authority().filter(|it| !it.host().is_empty()).ok_or("url: it names no host")?;
        if authority.as_str().contains('@') {
            return Err("url: it must not hold a name or key; the key belongs into the environment".into());
        }
        if uri.query().is_some() || url.contains('#') {
            return Err("url: it must end before /chat/completions".into());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if !is_https && !allow_http && !is_this_machine(&host) {
            return Err("url: http is for this machine alone; use https, or allow_http = true".into());
        }
        let port = authority.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let path = uri.path().trim_end_matches('/');
        let uri = format!("{}://{authority}{path}/chat/completions", uri.scheme_str().unwrap_or_default());
        let uri = uri.parse().map_err(|_| "url: it is no URL")?;
        Ok(Self { uri, is_https, host, port, allow_http, allow_private })
    }

    /// The addresses behind the name, all of which may be connected to. One that may not is the end of it.
    pub async fn resolve(&self) -> Result<Vec<SocketAddr>, String> {
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<_> = found.map_err(|_| format!("{} has no address", self.host))?.collect();
        addresses.iter().try_for_each(|it| self.check(it.ip()))?;
        if addresses.is_empty() { Err(format!("{} has no address", self.host)) } else { Ok(addresses) }
    }

    fn check(&self, ip: IpAddr) -> Result<(), String> {
        let place = place(ip);
        let is_allowed = match place {
            Place::Public => self.is_https || self.allow_http,
            Place::ThisMachine => self.allow_private || is_this_machine(&self.host),
            Place::Private => self.allow_private && (self.is_https || self.allow_http),
            Place::Nowhere => false,
        };
        if is_allowed {
            return Ok(());
        }
        let reason = match place {
            Place::Public => "is elsewhere, and http is for this machine alone",
            Place::ThisMachine => "is this machine under another name; allow_private = true permits that",
            Place::Private => "lies in a private network; allow_private = true permits that",
            Place::Nowhere => "is no address of a machine",
        };
        Err(format!("{} {reason}", self.host))
    }
}

/// Whether the operator wrote that this machine is meant.
fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// By the registries of special addresses of IANA.
fn place(ip: IpAddr) -> Place {
    match ip.to_canonical() {
        IpAddr::V4(ip) => match ip.octets() {
            [127, ..] => Place::ThisMachine,
            [0 | 224..=255, ..] => Place::Nowhere,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] | [169, 254, ..] | [100, 64..=127, ..] => Place::Private,
            // Benchmarks, protocol assignments, documentation, and the old relays to IPv6.
            [198, 18..=19, ..] | [192, 0, 0, _] | [192, 88, 99, _] => Place::Private,
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Place::Nowhere,
            _ => Place::Public,
        },
        IpAddr::V6(ip) => place_v6(ip),
    }
}

fn place_v6(ip: Ipv6Addr) -> Place {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::ThisMachine,
        [0, 0, 0, 0, 0, 0, _, _] => Place::Nowhere,
        // What a gateway makes of these is an IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => match place(embedded(high, low)) {
            Place::Public => Place::Public,
            _ => Place::Private,
        },
        [0x64, 0xff9b, 1, ..] | [0x2002, ..] | [0x2001, 0, ..] => Place::Private,
        [0xfc00..=0xfdff, ..] | [0xfe80..=0xfeff, ..] => Place::Private,
        [0xff00..=0xffff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, ..] | [0x100, 0, 0, 0, ..] => Place::Nowhere,
        _ => Place::Public,
    }
}

fn embedded(high: u16, low: u16) -> IpAddr {
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    IpAddr::from([a, b, c, d])
}

#[cfg(test)]
mod tests;
