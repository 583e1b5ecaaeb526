//! Twins of `src/tests/fetcher_tests.cpp`, as far as they are about the program `mesos-fetcher`: it
//! runs as a process of its own, and is told what its agent would tell it.

#![allow(clippy::disallowed_methods, reason = "a test of a real program in real time")]

mod fetcher;
mod live;

use base64::Engine;
use fetcher::{Sandbox, Tar, gzip, respond, server};
use nix::unistd::User;
use serde_json::json;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

fn decode(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).expect("it is base64")
}

#[test]
fn file_uri() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    sandbox.uri(format!("file://{}", file.display()), json!({})).run().assert_ok();
    assert_eq!(sandbox.file("test"), "data");
}

#[test]
fn duplicate_file_uri() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    sandbox.info["cache_directory"] = json!(sandbox.beside("cache"));
    for (output, action) in [
        ("one", "DOWNLOAD_AND_CACHE"),
        ("two", "RETRIEVE_FROM_CACHE"),
        ("three", "RETRIEVE_FROM_CACHE"),
    ] {
        let uri = json!({ "value": file, "cache": true, "output_file": output });
        sandbox.item(json!({ "uri": uri, "action": action, "cache_filename": "c1-test" }));
    }
    sandbox.run().assert_ok();
    assert_eq!(sandbox.entries(), ["one", "three", "two"]);
    assert_eq!(fs::read_dir(sandbox.beside("cache")).expect("made").count(), 1);
}

#[test]
fn log_success_to_stderr() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    let ended = sandbox.uri(file, json!({})).run();
    let log = &ended.assert_ok().log;
    assert!(log.contains("directly into the sandbox directory"), "{log}");
    assert!(log.contains("Successfully fetched all URIs into"), "{log}");
    assert!(log.lines().all(|line| line.starts_with(['I', 'W'])), "{log}");
}

#[test]
fn log_failure_to_stderr() {
    let mut sandbox = Sandbox::new();
    let path = sandbox.path("test");
    sandbox.uri(path, json!({})).run().assert_failed("No such file or directory");
    assert_eq!(sandbox.entries(), [""; 0]);
}

#[test]
fn root_unprivileged_user_root_protected_file_uri() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: it takes root to become somebody else");
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("there is one");
    let mut sandbox = Sandbox::new();
    sandbox.open_to(&nobody);
    sandbox.info["user"] = json!("nobody");
    let file = sandbox.source("test", "data");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("ours");
    sandbox.uri(&file, json!({})).run().assert_failed("Permission denied");
    assert_eq!(sandbox.entries(), [""; 0]);

    // One that it may read becomes its own.
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("ours");
    sandbox.run().assert_ok();
    let owner = std::os::unix::fs::MetadataExt::uid(&sandbox.path("test").metadata().expect("it"));
    assert_eq!(owner, nobody.uid.as_raw());
}

#[test]
fn custom_output_file_subdirectory() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    sandbox.uri(file, json!({ "output_file": "subdir/custom.txt" })).run().assert_ok();
    assert_eq!(sandbox.file("subdir/custom.txt"), "data");
}

#[test]
fn absolute_custom_subdirectory_fails() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    let ended = sandbox.uri(file, json!({ "output_file": "/subdir/custom.txt" })).run();
    ended.assert_failed("URI output file must be within the sandbox directory");
    assert_eq!(sandbox.entries(), [""; 0]);
}

#[test]
fn invalid_user() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    sandbox.info["user"] = json!("5f9d2c2e-nobody-has-this-name");
    let ended = sandbox.uri(file, json!({})).run();
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.log.contains("there is no user '5f9d2c2e-nobody-has-this-name'"),
        "{}",
        ended.log
    );
    assert_eq!(sandbox.entries(), [""; 0]);
}

#[test]
fn non_existing_file() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.beside("from/nonExistingFile");
    sandbox.uri(file, json!({})).run().assert_failed("No such file or directory");
}

#[test]
fn malformed_uri() {
    let mut sandbox = Sandbox::new();
    sandbox.uri("lala://nopath", json!({})).run().assert_failed("Malformed");
}

#[test]
fn absolute_file_path() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    sandbox.uri(file, json!({})).run().assert_ok();
    assert_eq!(sandbox.file("test"), "data");
}

#[test]
fn relative_file_path() {
    let mut sandbox = Sandbox::new();
    sandbox.source("test", "data");
    sandbox.uri("test", json!({})).run().assert_failed("framework home was not specified");
    assert_eq!(sandbox.entries(), [""; 0]);
    sandbox.info["frameworks_home"] = json!(sandbox.beside("from"));
    sandbox.run().assert_ok();
    assert_eq!(sandbox.file("test"), "data");
}

fn net() -> SocketAddr {
    server(Arc::new(|path, stream| match path {
        "/help/test" => respond(stream, "200 OK", b"data"),
        "/moved" => respond(stream, "302 Found\r\nLocation: help/test", b""),
        "/around" => respond(stream, "302 Found\r\nLocation: /around", b""),
        "/away" => respond(stream, "302 Found\r\nLocation: file:///etc/passwd", b""),
        _ => respond(stream, "404 Not Found", b"not it"),
    }))
}

#[test]
fn os_net_uri_test() {
    let mut sandbox = Sandbox::new();
    sandbox.uri(format!("http://{}/help/test", net()), json!({})).run().assert_ok();
    assert_eq!(sandbox.file("test"), "data");
}

#[test]
fn os_net_uri_space_test() {
    let mut sandbox = Sandbox::new();
    sandbox.uri(format!("\r\n\t http://{}/help/test", net()), json!({})).run().assert_ok();
    assert_eq!(sandbox.file("test"), "data");
}

#[test]
fn redirections_are_followed_to_the_net_only() {
    let server = net();
    let mut sandbox = Sandbox::new();
    sandbox.uri(format!("http://{server}/moved"), json!({})).run().assert_ok();
    assert_eq!(sandbox.file("moved"), "data");
    for (path, problem) in [
        ("gone", "received HTTP return code 404"),
        ("around", "too many redirects"),
        ("away", "Error downloading resource"),
    ] {
        let mut sandbox = Sandbox::new();
        sandbox.uri(format!("http://{server}/{path}"), json!({})).run().assert_failed(problem);
        assert_eq!(sandbox.entries(), [""; 0], "{path}");
    }
}

/// Serves over TLS, with a certificate of its own, which it returns in PEM.
fn tls_server() -> (u16, String) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a key");
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("they are known")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key.into())
        .expect("they belong together");
    let config = Arc::new(config);
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(tls) = rustls::ServerConnection::new(Arc::clone(&config)) else { return };
            let mut stream = rustls::StreamOwned::new(tls, stream);
            // A client that does not trust this ends here.
            let _ = stream.read(&mut [0; 4096]).and_then(|_| {
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\n";
                stream.write_all(format!("{head}data").as_bytes())?;
                stream.flush()
            });
        }
    });
    (port, own.cert.pem())
}

#[test]
fn https_uris_are_fetched_from_servers_that_are_trusted() {
    let (port, certificate) = tls_server();
    let mut sandbox = Sandbox::new();
    sandbox.uri(format!("https://localhost:{port}/test"), json!({}));
    sandbox.run().assert_failed("certificate");
    assert_eq!(sandbox.entries(), [""; 0]);
    let file = sandbox.source("ca.pem", certificate);
    sandbox.environment.push(("SSL_CERT_FILE", file.display().to_string()));
    sandbox.run().assert_ok();
    assert_eq!(sandbox.file("test"), "data");
}

#[test]
fn file_localhost_uri() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "data");
    sandbox.uri(format!("file://localhost{}", file.display()), json!({})).run().assert_ok();
    assert_eq!(sandbox.file("test"), "data");
}

#[test]
fn no_extract_not_executable() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "");
    sandbox.uri(file, json!({ "executable": false, "extract": false })).run().assert_ok();
    assert_eq!(sandbox.mode("test") & 0o111, 0);
}

#[test]
fn no_extract_executable() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "");
    sandbox.uri(file, json!({ "executable": true, "extract": false })).run().assert_ok();
    assert_eq!(sandbox.mode("test"), 0o755);
}

#[test]
fn extract_not_executable() {
    let mut sandbox = Sandbox::new();
    // A plain tar, whatever its name says.
    let file = sandbox.source("test.tar.gz", Tar::new().file("a/b", "hello world").bytes());
    sandbox.uri(file, json!({ "executable": false, "extract": true })).run().assert_ok();
    assert_eq!(sandbox.file("a/b"), "hello world");
    assert_eq!(sandbox.mode("a/b") & 0o111, 0);
}

#[test]
fn extract_tar() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test.tar", Tar::new().file("a/b", "hello tar").bytes());
    sandbox.uri(file, json!({ "extract": true })).run().assert_ok();
    assert_eq!(sandbox.file("a/b"), "hello tar");
}

#[test]
fn extract_gzip_file() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test.gz", gzip(b"hello world"));
    sandbox.uri(file, json!({ "extract": true })).run().assert_ok();
    assert_eq!(sandbox.file("test"), "hello world");
}

#[test]
fn unzip_extract_file() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source(
        "test.zip",
        decode(
            "UEsDBAoAAAAAABBRc0gtOwivDAAAAAwAAAAFABwAaGVsbG9VVAkAAxAX7VYQF+1WdXgLAAEE6AMAAARkAAAA\
             aGVsbG8gd29ybGQKUEsBAh4DCgAAAAAAEFFzSC07CK8MAAAADAAAAAUAGAAAAAAAAQAAAKSBAAAAAGhlbGxv\
             VVQFAAMQF+1WdXgLAAEE6AMAAARkAAAAUEsFBgAAAAABAAEASwAAAEsAAAAAAA==",
        ),
    );
    sandbox.uri(file, json!({ "extract": true })).run().assert_ok();
    assert_eq!(sandbox.file("hello"), "hello world\n");
}

#[test]
fn unzip_extract_invalid_file() {
    let mut sandbox = Sandbox::new();
    // Its checksum is that of another content.
    let file = sandbox.source(
        "test.zip",
        decode(
            "UEsDBAoAAAAAABBRc0gtOwivDAAAAAwAAAAFABwAd29ybG9VVAkAAxAX7VYQF+1WdXgLAAEE6AMAAARkAAAA\
             aGVsbG8gaGVsbG8KUEsBAh4DCgAAAAAAEFFzSC07CK8MAAAADAAAAAUAGAAAAAAAAQAAAKSBAAAAAHdvcmxk\
             VVQFAAMQF+1WdXgLAAEE6AMAAARkAAAAUEsFBgAAAAABAAEASwAAAEsAAAAAAA==",
        ),
    );
    sandbox.uri(file, json!({ "extract": true })).run().assert_failed("checksum");
    assert_eq!(sandbox.entries(), ["test.zip"], "nothing of it is left");
}

#[test]
fn unzip_extract_file_with_duplicated_entries() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source(
        "test.zip",
        decode(
            "UEsDBBQAAAAAADC2cki379yDAQAAAAEAAAABAAAAQTFQSwMEFAAAAAAAMrZySA2+1RoBAAAAAQAAAAEAAABB\
             MlBLAQIUAxQAAAAAADC2cki379yDAQAAAAEAAAABAAAAAAAAAAAAAACAAQAAAABBUEsBAhQDFAAAAAAAMrZy\
             SA2+1RoBAAAAAQAAAAEAAAAAAAAAAAAAAIABIAAAAEFQSwUGAAAAAAIAAgBeAAAAQAAAAAAA",
        ),
    );
    sandbox.uri(file, json!({ "extract": true })).run().assert_ok();
    assert_eq!(sandbox.file("A"), "2");
}

#[test]
fn use_custom_output_file() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test", "hello renamed file");
    let more = json!({ "extract": true, "output_file": "custom.txt" });
    let ended = sandbox.uri(file, more).run();
    assert!(ended.assert_ok().log.contains("Copying instead of extracting"), "{}", ended.log);
    assert_eq!(sandbox.file("custom.txt"), "hello renamed file");
}

#[test]
fn custom_gzip_output_file() {
    let mut sandbox = Sandbox::new();
    let file = sandbox.source("test.gz", gzip(b"hello renamed gzip file"));
    sandbox.uri(file, json!({ "extract": true, "output_file": "custom.gz" })).run().assert_ok();
    assert_eq!(sandbox.file("custom"), "hello renamed gzip file");
}

/// A client that knows local files only, and warns as the real one does.
const HADOOP: &str = r#"#!/bin/sh
touch "$(dirname "$0")/proof"
echo 'WARN util.NativeCodeLoader: Unable to load native-hadoop library' 1>&2
if [ "$1" = version ]; then
    echo "$0 for Mesos testing"
elif [ "$1 $2" = "fs -copyToLocal" ]; then
    without_protocol=${3#hdfs://}
    cp "/${without_protocol#*/}" "$4"
fi
"#;

#[test]
fn hdfs_uri() {
    let mut sandbox = Sandbox::new();
    let bin = sandbox.beside("bin");
    fs::create_dir(&bin).expect("made");
    fs::write(bin.join("hadoop"), HADOOP).expect("written");
    fs::set_permissions(bin.join("hadoop"), Permissions::from_mode(0o755)).expect("ours");
    sandbox.environment.push(("HADOOP_HOME", sandbox.beside("").display().to_string()));
    let file = sandbox.source("test", "data");
    sandbox.uri(format!("hdfs://localhost{}", file.display()), json!({})).run().assert_ok();
    assert!(bin.join("proof").exists());
    assert_eq!(sandbox.file("test"), "data");

    let mut sandbox = Sandbox::new();
    sandbox.environment.push(("HADOOP_HOME", bin.parent().expect("one").display().to_string()));
    sandbox.environment[0].1 += "/nowhere";
    sandbox.uri("s3://bucket/test", json!({})).run().assert_failed("Failed to create HDFS client");
}
