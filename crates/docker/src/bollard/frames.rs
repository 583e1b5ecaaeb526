//! A container's two output streams out of one connection.
//!
//! Each piece of output follows a header of eight bytes: which stream, three zeros, and the
//! piece's length. A piece is passed on as it arrives, so its length, which may be anything up to
//! four gigabytes, costs nothing. What does not begin with a header is a terminal's output, which
//! has none.

/// Where a piece of output belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Header { bytes: [u8; 8], filled: usize },
    Piece { stream: Stream, left: u32 },
    Terminal,
}

/// Takes a connection's bytes apart, wherever they are cut.
#[derive(Debug)]
pub(super) struct Frames(State);

const EMPTY: State = State::Header { bytes: [0; 8], filled: 0 };

impl Frames {
    pub(super) fn new() -> Self {
        Frames(EMPTY)
    }

    /// The next piece of output in `data`, which is shortened by what was read.
    pub(super) fn next<'a>(&mut self, data: &mut &'a [u8]) -> Option<(Stream, Piece<'a>)> {
        while !data.is_empty() {
            match &mut self.0 {
                State::Header { bytes, filled } => {
                    bytes[*filled] = data[0];
                    *filled += 1;
                    *data = &data[1..];
                    let (bytes, filled) = (*bytes, *filled);
                    if !begins_a_header(&bytes[..filled]) {
                        self.0 = State::Terminal;
                        return Some((Stream::Stdout, Piece::Header(bytes, filled)));
                    }
                    if filled == bytes.len() {
                        self.0 = opened(bytes);
                    }
                }
                State::Piece { stream, left } => {
                    let length = data.len().min(*left as usize);
                    let (piece, rest) = data.split_at(length);
                    *data = rest;
                    *left -= length as u32;
                    let stream = *stream;
                    if *left == 0 {
                        self.0 = EMPTY;
                    }
                    return Some((stream, Piece::Data(piece)));
                }
                State::Terminal => {
                    let piece = std::mem::take(data);
                    return Some((Stream::Stdout, Piece::Data(piece)));
                }
            }
        }
        None
    }
}

/// Output: of what was just received, or what was first taken for a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Data(&'a [u8]),
    Header([u8; 8], usize),
}

impl Piece<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Piece::Data(data) => data,
            Piece::Header(bytes, filled) => &bytes[..*filled],
        }
    }
}

/// Streams are 0 to 3: input, output, errors, and the daemon's own errors.
fn begins_a_header(bytes: &[u8]) -> bool {
    bytes.iter().take(4).enumerate().all(|(index, byte)| *byte <= if index == 0 { 3 } else { 0 })
}

fn opened(header: [u8; 8]) -> State {
    let [kind, _, _, _, length @ ..] = header;
    let stream = if kind >= 2 { Stream::Stderr } else { Stream::Stdout };
    match u32::from_be_bytes(length) {
        0 => EMPTY,
        left => State::Piece { stream, left },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[&[u8]]) -> (String, String) {
        let (mut frames, mut out, mut err) = (Frames::new(), Vec::new(), Vec::new());
        for part in parts {
            let mut data = *part;
            while let Some((stream, piece)) = frames.next(&mut data) {
                let sink = if stream == Stream::Stdout { &mut out } else { &mut err };
                sink.extend_from_slice(piece.bytes());
            }
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn any_cut_gives_the_same() {
        let stream = b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x03err\x01\0\0\0\0\0\0\0\
                       \x03\0\0\0\0\0\0\x01!\x01\0\0\0\0\0\0\x02\n.";
        for first in 0..stream.len() {
            for second in first..stream.len() {
                let parts = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(read(&parts), ("out\n.".to_owned(), "err!".to_owned()));
            }
        }
    }

    #[test]
    fn a_terminal_has_no_headers() {
        for text in ["hello\r\n", "h", "\x01hello", "\x02\0\x01x"] {
            for cut in 0..text.len() {
                let parts = [&text.as_bytes()[..cut], &text.as_bytes()[cut..]];
                assert_eq!(read(&parts), (text.to_owned(), String::new()), "{text:?}");
            }
        }
    }

    #[test]
    fn lengths_are_only_promises() {
        assert_eq!(read(&[b"\x01\0\0\0\xff\xff\xff\xff", b"some"]).0, "some");
        assert_eq!(read(&[b"\x01\0\0\0\0"]), Default::default());
    }
}
