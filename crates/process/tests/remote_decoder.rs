//! The wire format: requests of all shapes, in any pieces; those that the C++ agent sent; and a
//! million that nobody should send.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use process::Upid;
use process::http::StatusCode;
use process::remote::decoder::Decoded;
use process::remote::{Decoder, Limits, Message, Refusal, encoder, message};

fn limits() -> Limits {
    Limits { head: 4096, body: 10_000, ..Limits::default() }
}

/// Feeds `input` in pieces that end at `cuts`; what came out, and how it ended.
fn decode_in(
    input: &[u8],
    cuts: impl IntoIterator<Item = usize>,
) -> (Vec<Decoded>, Option<Refusal>) {
    let mut decoder = Decoder::new(limits());
    let mut buffer = BytesMut::new();
    let (mut requests, mut start) = (Vec::new(), 0);
    for end in cuts.into_iter().chain([input.len()]) {
        buffer.extend_from_slice(&input[start..end]);
        start = end;
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(request)) => requests.push(request),
                Ok(None) => break,
                Err(refusal) => {
                    assert_eq!(decoder.next(&mut buffer).err().as_ref(), Some(&refusal));
                    return (requests, Some(refusal));
                }
            }
        }
    }
    (requests, None)
}

fn decode(input: &[u8]) -> (Vec<Decoded>, Option<Refusal>) {
    decode_in(input, [])
}

/// The one request in `input`: method, target, body, whether the connection stays.
#[track_caller]
fn one(input: &str) -> (String, String, String, bool) {
    let (requests, refusal) = decode(input.as_bytes());
    assert_eq!((requests.len(), refusal), (1, None), "{input:?}");
    let request = &requests[0];
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&request.method), text(&request.target), text(&request.body), request.keep_alive)
}

#[test]
fn requests_of_all_shapes() {
    let tests = [
        ("GET /a HTTP/1.1\r\n\r\n", "GET", "/a", "", true),
        ("\r\n\nGET /a HTTP/1.1\nHost: x\n\n", "GET", "/a", "", true),
        ("GET /a HTTP/1.0\r\n\r\n", "GET", "/a", "", false),
        ("GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/a", "", true),
        ("GET /a HTTP/1.1\r\nConnection: TE, Close\r\n\r\n", "GET", "/a", "", false),
        (
            "POST /slave(1)/x HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabc",
            "POST",
            "/slave(1)/x",
            "abc",
            true,
        ),
        (
            "POST /s%281%29/x HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
            "POST",
            "/s%281%29/x",
            "",
            false,
        ),
        ("POST /x HTTP/1.1\r\n\r\n", "POST", "/x", "", true),
        (
            "POST /x HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;ext=1\r\nabc\r\n0002\r\nde\r\n0\r\nTrailer: t\r\n\r\n",
            "POST",
            "/x",
            "abcde",
            true,
        ),
        ("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "POST", "/x", "", true),
        (
            "POST /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nz",
            "POST",
            "/x",
            "z",
            true,
        ),
    ];
    for (input, method, target, body, keep_alive) in tests {
        let expected = (method.to_owned(), target.to_owned(), body.to_owned(), keep_alive);
        assert_eq!(one(input), expected, "{input:?}");
    }
}

#[test]
fn what_is_refused_and_why() {
    let long = format!("GET /{} HTTP/1.1\r\n", "a".repeat(5000));
    let fields = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    let trailers = format!(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n{}",
        "A: b\r\n".repeat(1000)
    );
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n";
    let tests = [
        (long, 431, "head too large"),
        (fields, 431, "head too large"),
        (trailers, 400, "trailers too large"),
        ("nonsense\r\n\r\n".into(), 400, "malformed request"),
        ("GET / HTTP/9.9\r\n\r\n".into(), 400, "malformed request"),
        ("GET / HTTP/1.1\r\nBad Field\r\n\r\n".into(), 400, "malformed request"),
        ("POST / HTTP/1.1\r\nContent-Length: 10001\r\n\r\n".into(), 413, "body larger than 10000"),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".into(), 400, "bad content length '-1'"),
        ("POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n".into(), 400, "bad content length '+1'"),
        (
            "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n".into(),
            400,
            "bad content length",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".into(),
            400,
            "two content lengths",
        ),
        (format!("{chunked}Content-Length: 1\r\n\r\n"), 400, "both a length and a transfer"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n".into(), 501, "other than chunked"),
        (format!("{chunked}\r\nxyz\r\n"), 400, "bad chunk size 'xyz'"),
        (format!("{chunked}\r\n\r\n"), 400, "bad chunk size ''"),
        (format!("{chunked}\r\n-1\r\n"), 400, "bad chunk size '-1'"),
        (format!("{chunked}\r\n0x1\r\n"), 400, "bad chunk size '0x1'"),
        (format!("{chunked}\r\nffffffffffffffff\r\n"), 413, "body larger than 10000"),
        (format!("{chunked}\r\n10000000000000000\r\n"), 400, "bad chunk size"),
        (format!("{chunked}\r\n1388\r\n{}\r\n2000\r\n", "a".repeat(5000)), 413, "body larger"),
        (format!("{chunked}\r\n{}", "0".repeat(300)), 400, "chunk size too long"),
        (format!("{chunked}\r\n3\r\nabcX\r\n"), 400, "chunk without an end"),
    ];
    for (input, status, reason) in tests {
        let (requests, refusal) = decode(input.as_bytes());
        let refusal = refusal.unwrap_or_else(|| panic!("taken: {input:?}"));
        assert!(requests.is_empty());
        assert_eq!(refusal.status, StatusCode::from_u16(status).unwrap(), "{input:?}");
        assert!(refusal.reason.contains(reason), "{}: {input:?}", refusal.reason);
    }
}

#[test]
fn the_pieces_do_not_matter() {
    let input = b"POST /a/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n\
        GET /b HTTP/1.1\r\n\r\nPOST /c HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody\
        POST /d HTTP/1.1\r\nContent-Length: x\r\n\r\n";
    let whole = decode(input);
    assert_eq!((whole.0.len(), whole.1.is_some()), (3, true));
    assert_eq!(decode_in(input, 1..input.len()), whole);
    for cut in 1..input.len() {
        assert_eq!(decode_in(input, [cut]), whole, "cut at {cut}");
    }
}

#[test]
fn a_request_under_way_is_known_as_such() {
    let mut decoder = Decoder::new(limits());
    let mut buffer = BytesMut::new();
    assert!(!decoder.is_within_request(&buffer));
    buffer.extend_from_slice(b"POST / HTTP/1.1\r\n");
    assert_eq!(decoder.next(&mut buffer), Ok(None));
    assert!(decoder.is_within_request(&buffer) && !decoder.wants_continue());
    buffer.extend_from_slice(b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\nab");
    assert_eq!(decoder.next(&mut buffer), Ok(None));
    assert!(decoder.wants_continue() && !decoder.wants_continue());
    assert_eq!(decoder.buffered(), 2);
    assert!(decoder.is_within_request(&buffer));
    buffer.extend_from_slice(b"c");
    assert_eq!(&decoder.next(&mut buffer).unwrap().unwrap().body[..], b"abc");
    assert!(!decoder.is_within_request(&buffer));
}

#[test]
fn messages_and_what_is_none() {
    let of = |head: &str| {
        let (mut requests, _) = decode(format!("{head}\r\n\r\n").as_bytes());
        let request = requests.remove(0);
        message::is_message(&request).then(|| message::classify(request, "192.0.2.1:5051"))
    };
    for (head, expected) in [
        (
            "POST /slave(1)/a.B HTTP/1.1\r\nUser-Agent: libprocess/x@1.2.3.4:5",
            Some(("slave(1)", "a.B", "x@1.2.3.4:5")),
        ),
        (
            "POST /slave%281%29/a/b/c?q HTTP/1.0\r\nLibprocess-From:  y@h:7",
            Some(("slave(1)", "a/b/c", "y@h:7")),
        ),
        (
            "POST /s/n HTTP/1.1\r\nUser-Agent: libprocess/x@1.2.3.4:5\r\nLibprocess-From: z@h:1",
            Some(("s", "n", "z@h:1")),
        ),
        ("POST /only HTTP/1.1\r\nLibprocess-From: z@h:1", Some(("only", "", "z@h:1"))),
        ("GET /s/n HTTP/1.1\r\nLibprocess-From: z@h:1", None),
        ("POST /s/n HTTP/1.1\r\nUser-Agent: curl", None),
    ] {
        let message = of(head).map(Result::unwrap);
        let shown = message.as_ref().map(|m| (m.to.id(), &*m.name, m.from.to_string()));
        assert_eq!(shown, expected.map(|(id, name, from)| (id, name, from.to_owned())), "{head}");
        if let Some(message) = message {
            assert_eq!(message.to.address(), "192.0.2.1:5051");
        }
    }
    for (head, reason) in [
        ("POST /s/n HTTP/1.1\r\nLibprocess-From: nobody", "sender"),
        ("POST /s/n HTTP/1.1\r\nLibprocess-From: a@b", "sender"),
        ("POST /s/n HTTP/1.1\r\nLibprocess-From: a@b:99999", "sender"),
        ("POST /s%zz/n HTTP/1.1\r\nLibprocess-From: a@b:1", "Malformed % escape"),
    ] {
        let error = of(head).unwrap().unwrap_err();
        assert!(error.contains(reason), "{error}: {head}");
    }
}

/// A request as the recordings of the real C++ agent have it.
struct Recorded {
    raw: Vec<u8>,
    body: Vec<u8>,
    message: Option<String>,
}

fn recorded() -> Vec<Recorded> {
    let lines = include_str!("data/wire.jsonl").lines();
    lines
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let body = STANDARD.decode(row["body"].as_str().unwrap()).unwrap();
            let mut raw = format!("{}\r\n", row["start_line"].as_str().unwrap()).into_bytes();
            for field in row["headers"].as_array().unwrap() {
                let text = |index: usize| field[index].as_str().unwrap();
                raw.extend_from_slice(format!("{}: {}\r\n", text(0), text(1)).as_bytes());
            }
            raw.extend_from_slice(b"\r\n");
            if row["transfer"].as_str().is_some_and(|transfer| transfer.starts_with("chunked")) {
                raw.extend_from_slice(format!("{:x}\r\n", body.len()).as_bytes());
                raw.extend_from_slice(&body);
                raw.extend_from_slice(b"\r\n0\r\n\r\n");
            } else {
                raw.extend_from_slice(&body);
            }
            Recorded { raw, body, message: row["message"].as_str().map(str::to_owned) }
        })
        .collect()
}

#[test]
fn what_the_original_sends_is_decoded_and_encoded_to_the_byte() {
    let recorded = recorded();
    assert!(recorded.iter().filter(|request| request.message.is_some()).count() >= 15);
    for request in recorded {
        let (mut decoded, refusal) = decode(&request.raw);
        assert_eq!((decoded.len(), refusal), (1, None));
        let decoded = decoded.remove(0);
        assert_eq!(decoded.body, request.body);
        assert_eq!(message::is_message(&decoded), request.message.is_some());
        let Some(name) = request.message else { continue };
        let host = String::from_utf8(decoded.header("host").unwrap().to_vec()).unwrap();
        let message = message::classify(decoded, &host).unwrap();
        assert_eq!(message.name, name);
        let mut out = BytesMut::new();
        encoder::message(&message, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&request.raw));
    }
}

#[test]
fn an_empty_body_and_an_empty_id_leave_no_trace() {
    let message =
        Message::new(Upid::new("a", "192.0.2.1:1"), Upid::new("", "192.0.2.2:2"), "exited", "");
    let mut out = BytesMut::new();
    encoder::message(&message, &mut out);
    assert_eq!(
        out,
        "POST /exited HTTP/1.1\r\nUser-Agent: libprocess/a@192.0.2.1:1\r\nLibprocess-From: \
         a@192.0.2.1:1\r\nConnection: Keep-Alive\r\nHost: 192.0.2.2:2\r\n\r\n"
    );
}

mod fuzz {
    //! Mutated requests. Each must be taken or refused, within its limits, whatever the pieces.

    use super::*;

    /// How many inputs are tried; `DRYDOCK_FUZZ_INPUTS` overrides it.
    const INPUTS: u64 = 1_000_000;

    struct Random(u64);

    impl Random {
        /// xorshift64*: any sequence will do that is the same on every run.
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
        }

        fn below(&mut self, limit: usize) -> usize {
            (self.next() % limit.max(1) as u64) as usize
        }
    }

    const PIECES: &[&[u8]] = &[
        b"\r\n",
        b"\r\n\r\n",
        b"\n\n",
        b"\r",
        b"\0",
        b":",
        b" ",
        b"\t",
        b"/",
        b"%",
        b"%28",
        b"%zz",
        b"..",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
        b"7fffffffffffffff",
        b"-1",
        b"+1",
        b"0x10",
        b";",
        b",",
        b"Content-Length: ",
        b"Content-Length: 18446744073709551616\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Libprocess-From: ",
        b"User-Agent: libprocess/",
        b"@",
        b"slave(1)@127.0.0.1:5051",
        b"HTTP/1.1",
        b"HTTP/1.0",
        b"POST ",
        b"GET ",
        b"\xff\xfe",
        b"\xc3\x28",
        b"\xe2\x82\xac",
    ];

    fn seeds() -> Vec<Vec<u8>> {
        let mut seeds: Vec<Vec<u8>> = recorded().into_iter().map(|request| request.raw).collect();
        // Long bodies would spend the time on copying.
        seeds.retain(|seed| seed.len() < 1500);
        seeds.push(
            b"GET /metrics/snapshot?timeout=10secs HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n"
                .to_vec(),
        );
        seeds.push(
            b"POST /x HTTP/1.0\r\nLibprocess-From: a@b:1\r\nContent-Length: 3\r\n\r\nabc".to_vec(),
        );
        seeds.push(b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\nT: t\r\n\r\n".to_vec());
        seeds
    }

    fn mutate(input: &mut Vec<u8>, random: &mut Random, seeds: &[Vec<u8>]) {
        for _ in 0..=random.below(6) {
            let at = random.below(input.len() + 1);
            let end = (at + 1 + random.below(12)).min(input.len());
            match random.below(8) {
                0 if at < input.len() => input[at] ^= 1 << random.below(8),
                1 if at < input.len() => input[at] = random.next() as u8,
                2 if at < end => drop(input.drain(at..end)),
                3 if at < end => {
                    let piece = input[at..end].to_vec();
                    input.splice(at..at, piece);
                }
                4 => input.truncate(at),
                5 => {
                    // The rest of another one: requests in the middle of requests.
                    let other = &seeds[random.below(seeds.len())];
                    input.truncate(at);
                    input.extend_from_slice(&other[random.below(other.len())..]);
                }
                _ => {
                    let piece = PIECES[random.below(PIECES.len())];
                    input.splice(at..at, piece.iter().copied());
                }
            }
        }
    }

    /// What must hold for every input.
    fn check(input: &[u8], random: &mut Random) {
        let limits = limits();
        let whole = decode(input);
        let mut cuts: Vec<usize> =
            (0..random.below(4)).map(|_| random.below(input.len() + 1)).collect();
        cuts.sort_unstable();
        assert_eq!(decode_in(input, cuts), whole, "the pieces matter: {:?}", input.escape_ascii());
        for request in whole.0 {
            assert!(request.body.len() <= limits.body && request.headers.len() <= 100);
            assert!(!request.method.is_empty() && !request.target.is_empty());
            if message::is_message(&request) {
                // An error is fine, too.
                let _ = message::classify(request, "127.0.0.1:5050");
            }
        }
    }

    #[test]
    fn a_million_mutated_requests() {
        let inputs =
            std::env::var("DRYDOCK_FUZZ_INPUTS").map_or(INPUTS, |count| count.parse().unwrap());
        let seeds = seeds();
        assert!(seeds.len() > 10);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..inputs {
            let mut input = seeds[random.below(seeds.len())].clone();
            mutate(&mut input, &mut random, &seeds);
            check(&input, &mut random);
            let (requests, refusal) = decode(&input);
            taken += u64::from(!requests.is_empty());
            refused += u64::from(refusal.is_some());
        }
        // A fuzzer whose inputs all fail early, or never, tests little.
        assert!(taken > inputs / 20 && refused > inputs / 20, "{taken} taken, {refused} refused");
    }
}
