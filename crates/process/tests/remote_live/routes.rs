//! Requests to routes, and their answers.

use super::client::{Client, ask, get};
use super::{Net, PATIENCE};
use parking_lot::Mutex;
use process::actix::Actor;
use process::http::{HeaderValue, Pipe, PipeWriter, Response, StatusCode, header};
use process::{Context, Future, Pid, Promise, Queue, generate_id, process, spawn, terminate, wait};
use std::sync::Arc;

/// Answers requests, some later.
#[derive(Default)]
struct Server {
    later: Arc<Mutex<Vec<Promise<Response>>>>,
    writers: Queue<PipeWriter>,
}

impl Actor for Server {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.route("/", None, |_, _, _| Future::ready(Response::ok("root")));
        context.route("/echo", None, |_, _, request| {
            let text = format!(
                "{} {} {}",
                request.method,
                request.url,
                String::from_utf8_lossy(&request.body)
            );
            Future::ready(Response::ok(text))
        });
        context.route("/a/b", None, |_, _, _| Future::ready(Response::ok("b")));
        context.route("/a", None, |_, _, _| Future::ready(Response::ok("a")));
        context.route("/fail", None, |_, _, _| Future::failed("it went wrong"));
        context.route("/large", None, |_, _, _| Future::ready(Response::ok("x".repeat(100_000))));
        context.route("/later", None, |this: &mut Self, _, _| {
            let promise = Promise::new();
            let future = promise.future();
            this.later.lock().push(promise);
            future
        });
        context.route("/pipe", None, |this: &mut Self, _, _| {
            let (reader, writer) = Pipe::new();
            this.writers.put(writer);
            Future::ready(Response::status(StatusCode::OK).with_pipe(reader))
        });
        context.route("/goodbye", None, |_, _, _| {
            let close = HeaderValue::from_static("close");
            Future::ready(Response::ok("bye").with_header(header::CONNECTION, close))
        });
    }
}

process!(Server);

fn server() -> Pid<Server> {
    spawn(generate_id("server"), Server::default())
}

fn end(pid: &Pid<Server>) {
    terminate(pid, true);
    wait(pid).wait(PATIENCE).unwrap();
}

#[test]
fn the_longest_route_answers() {
    let net = Net::start();
    let pid = server();
    let id = pid.upid().id();
    for (path, status, text) in [
        ("", 200, "root"),
        ("/", 200, "root"),
        ("/a", 200, "a"),
        ("/a/", 200, "a"),
        ("/a/c/d", 200, "a"),
        ("/a/b", 200, "b"),
        ("/a/b/c", 200, "b"),
        ("/nothing", 404, ""),
        ("/a/../b", 404, ""),
        ("/fail", 500, "it went wrong"),
    ] {
        let answer = get(net.address(), &format!("/{id}{path}"));
        assert_eq!((answer.status, answer.text()), (status, text), "{path}");
    }
    let request = format!("POST /{id}/echo?b=2&a=%31 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody");
    assert_eq!(ask(net.address(), &request).text(), format!("POST /{id}/echo?a=1&b=2 body"));
    assert_eq!(get(net.address(), &format!("/{id}/echo?a=%zz")).status, 400);
}

#[test]
fn the_delegate_answers_for_those_that_do_not_exist() {
    let net = Net::start();
    assert_eq!(get(net.address(), "/echo").status, 404);
    let pid = spawn("delegate", Server::default());
    assert_eq!(get(net.address(), "/echo?x=1").text(), "GET /delegate/echo?x=1 ");
    assert_eq!(get(net.address(), "/").text(), "root");
    assert_eq!(get(net.address(), "/delegate/a").text(), "a");
    assert_eq!(get(net.address(), "/nothing").status, 404);
    end(&pid);
}

#[test]
fn large_answers_are_compressed_for_those_who_want_it() {
    let net = Net::start();
    let pid = server();
    let path = format!("/{}/large", pid.upid().id());
    assert_eq!(get(net.address(), &path).body.len(), 100_000);
    let request = format!("GET {path} HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n");
    let answer = ask(net.address(), &request);
    assert_eq!(answer.header("Content-Encoding"), Some("gzip"));
    assert!(answer.body.len() < 1000 && answer.body.starts_with(&[0x1f, 0x8b]));
    // A head has the fields of the answer, and no body.
    let mut client = Client::connect(net.address());
    client.send(format!("HEAD {path} HTTP/1.1\r\n\r\nGET {path} HTTP/1.1\r\n\r\n"));
    assert_eq!(client.head().header("Content-Length"), Some("100000"));
    assert_eq!(client.answer().body.len(), 100_000);
}

#[test]
fn later_answers_wait_for_earlier_ones() {
    let net = Net::start();
    let server_ = Server::default();
    let later = Arc::clone(&server_.later);
    let pid = spawn(generate_id("server"), server_);
    let id = pid.upid().id();
    let mut client = Client::connect(net.address());
    client.send(format!("GET /{id}/later HTTP/1.1\r\n\r\nGET /{id}/a HTTP/1.1\r\n\r\n"));
    // Another connection does not wait.
    assert_eq!(get(net.address(), &format!("/{id}/a")).text(), "a");
    let promise = loop {
        if let Some(promise) = later.lock().pop() {
            break promise;
        }
        // The request is on its way; each answer here gives it time.
        assert_eq!(get(net.address(), &format!("/{id}/a")).status, 200);
    };
    promise.set(Response::ok("at last"));
    assert_eq!(client.answer().text(), "at last");
    assert_eq!(client.answer().text(), "a");
}

/// A client that leaves discards what it waited for.
#[test]
fn leaving_discards() {
    let net = Net::start();
    let server_ = Server::default();
    let (later, writers) = (Arc::clone(&server_.later), server_.writers.clone());
    let pid = spawn(generate_id("server"), server_);
    let id = pid.upid().id();
    let mut client = Client::connect(net.address());
    client.send(format!("GET /{id}/later HTTP/1.1\r\n\r\nGET /{id}/pipe HTTP/1.1\r\n\r\n"));
    let Some(process::future::Outcome::Ready(writer)) = writers.get().wait(PATIENCE) else {
        panic!("the second request was not handled");
    };
    let future = later.lock()[0].future();
    let (asked, discarded) = std::sync::mpsc::channel();
    future.on_discard(move || asked.send(()).unwrap());
    drop(client);
    discarded.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(
        writer.reader_closed().wait(PATIENCE),
        Some(process::future::Outcome::Ready(_))
    ));
}

#[test]
fn a_pipe_is_sent_as_it_is_written() {
    let net = Net::start();
    let server_ = Server::default();
    let writers = server_.writers.clone();
    let pid = spawn(generate_id("server"), server_);
    let id = pid.upid().id();
    let mut client = Client::connect(net.address());
    client.send(format!("GET /{id}/pipe HTTP/1.1\r\n\r\nGET /{id}/a HTTP/1.1\r\n\r\n"));
    let Some(process::future::Outcome::Ready(writer)) = writers.get().wait(PATIENCE) else {
        panic!("the request was not handled");
    };
    assert_eq!(client.head().header("Transfer-Encoding"), Some("chunked"));
    for text in ["first", "second"] {
        assert!(writer.write(text));
        assert_eq!(client.chunk(), text.as_bytes());
    }
    writer.close();
    assert_eq!(client.chunk(), b"");
    assert_eq!(client.answer().text(), "a");

    // One that fails ends the connection within the body.
    client.send(format!("GET /{id}/pipe HTTP/1.1\r\n\r\n"));
    client.head();
    let Some(process::future::Outcome::Ready(writer)) = writers.get().wait(PATIENCE) else {
        panic!("the request was not handled");
    };
    writer.fail("no");
    assert!(client.is_closed());
}

#[test]
fn connections_are_closed_when_either_side_wants_that() {
    let net = Net::start();
    let pid = server();
    let id = pid.upid().id();
    for request in [
        format!("GET /{id}/a HTTP/1.0\r\n\r\n"),
        format!("GET /{id}/a HTTP/1.1\r\nConnection: close\r\n\r\n"),
        format!("GET /{id}/goodbye HTTP/1.1\r\n\r\n"),
    ] {
        let mut client = Client::connect(net.address());
        client.send(&request);
        let answer = client.answer();
        assert_eq!(answer.header("Connection"), Some("close"), "{request}");
        assert!(client.is_closed(), "{request}");
    }
}

/// A process that ends owes no answer any more; its client is told.
#[test]
fn the_end_of_a_process_is_answered() {
    let net = Net::start();
    let server_ = Server::default();
    let later = Arc::clone(&server_.later);
    let pid = spawn(generate_id("server"), server_);
    let id = pid.upid().id();
    let mut client = Client::connect(net.address());
    client.send(format!("GET /{id}/a HTTP/1.1\r\n\r\nGET /{id}/later HTTP/1.1\r\n\r\n"));
    assert_eq!(client.answer().text(), "a");
    end(&pid);
    later.lock().clear();
    assert_eq!(client.answer().status, 503);
}

#[test]
fn the_processes_are_listed() {
    let net = Net::start();
    let pid = server();
    let answer = get(net.address(), "/__processes__");
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let list: serde_json::Value = serde_json::from_str(answer.text()).unwrap();
    let ids: Vec<_> = list.as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert!(ids.iter().any(|id| *id == pid.upid().id()) && ids.iter().any(|id| *id == "help"));
    end(&pid);
    assert!(!get(net.address(), "/__processes__").text().contains(pid.upid().id()));
}

#[test]
fn help_is_shown_as_long_as_its_process_runs() {
    let net = Net::start();
    let pid = server();
    let id = pid.upid().id();
    let path = format!("/help/{id}/a/b");
    let curl = |path: &str| {
        ask(net.address(), &format!("GET {path} HTTP/1.1\r\nUser-Agent: curl/8\r\n\r\n"))
    };
    // Help arrives by messages: what the server has installed is there when it answers.
    assert_eq!(get(net.address(), &format!("/{id}/a")).text(), "a");
    let page = curl(&path);
    assert_eq!((page.status, page.header("Content-Type")), (200, Some("text/x-markdown")));
    assert!(page.text().contains(&format!("/{id}/a/b")), "{}", page.text());
    assert!(curl("/help").text().contains(id));
    assert!(get(net.address(), "/help").text().contains("<html"));
    let json: serde_json::Value =
        serde_json::from_str(get(net.address(), "/help?format=json").text()).unwrap();
    assert!(json["processes"].as_array().unwrap().iter().any(|process| process["id"] == "metrics"));
    assert!(curl("/help/metrics/snapshot").text().contains("timeout"));
    for wrong in ["/help/nobody", "/help/metrics/nothing"] {
        assert!(matches!(curl(wrong).status, 400 | 404), "{wrong}");
    }
    end(&pid);
    while curl("/help").text().contains(id) {}
    assert_eq!(curl(&path).status, 400);
}

#[test]
fn metrics_are_served_and_limited() {
    let net = Net::start();
    let counter = process::metrics::Counter::new("routes/counter");
    process::metrics::add(&counter).wait(PATIENCE).unwrap();
    counter.increment();
    let answer = get(net.address(), "/metrics/snapshot?timeout=10secs");
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let json: serde_json::Value = serde_json::from_str(answer.text()).unwrap();
    assert_eq!(json["routes/counter"], 1.0);
    assert!(json["libprocess/connections_accepted"].as_f64().unwrap() >= 1.0);
    assert_eq!(get(net.address(), "/metrics/snapshot?timeout=never").status, 400);
    assert_eq!(get(net.address(), "/metrics/nothing").status, 404);

    // Two a second: the third has to wait, until the clock moves on.
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(net.address());
        client.send("GET /metrics HTTP/1.1\r\n\r\n");
        clients.push(client);
    }
    let done = std::sync::atomic::AtomicBool::new(false);
    let clock = std::thread::scope(|scope| {
        let (done, address) = (&done, net.address());
        let mover = scope.spawn(move || {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                process::clock::advance(std::time::Duration::from_millis(500));
                assert_eq!(get(address, "/__processes__").status, 200);
            }
        });
        for client in &mut clients {
            let answer = client.answer();
            assert_eq!(
                answer.header("Content-Type"),
                Some("text/plain; version=0.0.4; charset=utf-8")
            );
            assert!(answer.text().contains("routes_counter 1"), "{}", answer.text());
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        mover.join()
    });
    clock.unwrap();
    process::metrics::remove(&counter).wait(PATIENCE).unwrap();
}
