use super::*;

#[test]
fn only_urls_that_say_what_they_mean() {
    let check = |url: &str, expected: Result<&str, &str>| {
        let found = Address::parse(url, false, false).map(|it| it.uri.to_string());
        match expected {
            Ok(uri) => assert_eq!(found.unwrap(), uri),
            Err(part) => assert!(found.as_ref().unwrap_err().contains(part), "{url}: {found:?}"),
        }
    };
    check("https://judge.example/v1", Ok("https://judge.example/v1/chat/completions"));
    check("https://judge.example:8443/v1/", Ok("https://judge.example:8443/v1/chat/completions"));
    check("http://localhost:11434/v1", Ok("http://localhost:11434/v1/chat/completions"));
    check("http://[::1]:8000", Ok("http://[::1]:8000/chat/completions"));
    check("http://judge.example/v1", Err("http is for this machine alone"));
    for url in ["http://2130706433/", "http://0/", "http://0177.0.0.1/", "http://127.1.evil.example/"] {
        check(url, Err("http is for this machine alone"));
    }
    for url in ["file:///etc/passwd", "gopher://localhost/", "judge.example", "/v1", ""] {
        check(url, Err("url: "));
    }
    check("https://key@judge.example/", Err("must not hold a name or key"));
    check("https://judge.example/v1?key=1", Err("must end before"));
    assert!(Address::parse("http://judge.example", true, false).is_ok());
}

#[test]
fn addresses_are_what_the_registries_say() {
    let check = |ip: &str, expected: Place| assert_eq!(place(ip.parse().unwrap()), expected, "{ip}");
    for ip in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
        check(ip, Place::ThisMachine);
    }
    for ip in [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "fd00::1",
        "fe80::1",
        "fec0::1",
    ] {
        check(ip, Place::Private);
    }
    for ip in ["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::7f00:1", "ff02::1"] {
        check(ip, Place::Nowhere);
    }
    for ip in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"] {
        check(ip, Place::Public);
    }
}

#[tokio::test]
async fn what_a_name_resolves_to_is_checked() {
    let resolved = async |url: &str, allow_http, allow_private| {
        Address::parse(url, allow_http, allow_private).unwrap().resolve().await
    };
    assert!(resolved("http://localhost:9/", false, false).await.unwrap().iter().all(|it| it.ip().is_loopback()));
    let refused = async |url: &str| resolved(url, true, false).await.unwrap_err();
    assert!(refused("https://10.0.0.1/").await.contains("lies in a private network"));
    assert!(refused("https://169.254.169.254/").await.contains("lies in a private network"));
    assert!(refused("https://[::ffff:10.0.0.1]/").await.contains("lies in a private network"));
    // Ways to write this machine that the operating system understands, and the operator may not have meant.
    assert!(refused("http://2130706433/").await.contains("is this machine under another name"));
    assert!(refused("http://0177.0.0.1/").await.contains("is this machine under another name"));
    assert!(refused("http://0/").await.contains("is no address of a machine"));
    assert!(resolved("https://10.0.0.1/", false, true).await.is_ok());
    assert!(resolved("http://0.0.0.0/", true, true).await.is_err());
}
