//! Plain HTTP to a Docker daemon, blocking, one request on each connection: what is answered, byte
//! by byte, without a client library's opinion of it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::engine::Endpoint;

/// More than any machine needs; reached only where a daemon hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The largest body that is read.
const LARGEST_BODY: u64 = 64 << 20;

/// A connection in either kind of socket.
enum Socket {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Socket {
    fn connect(endpoint: &Endpoint) -> io::Result<Socket> {
        let socket = match endpoint {
            Endpoint::Unix(path) => Socket::Unix(UnixStream::connect(path)?),
            Endpoint::Tcp(address) => Socket::Tcp(TcpStream::connect(address)?),
        };
        socket.patience(PATIENCE)?;
        Ok(socket)
    }

    fn patience(&self, limit: Duration) -> io::Result<()> {
        match self {
            Socket::Unix(stream) => stream.set_read_timeout(Some(limit)),
            Socket::Tcp(stream) => stream.set_read_timeout(Some(limit)),
        }
    }

    fn writes_no_more(&self) -> io::Result<()> {
        match self {
            Socket::Unix(stream) => stream.shutdown(std::net::Shutdown::Write),
            Socket::Tcp(stream) => stream.shutdown(std::net::Shutdown::Write),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.read(buffer),
            Socket::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Unix(stream) => stream.write(buffer),
            Socket::Tcp(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A whole answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, without its framing.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value, empty if there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }
}

/// A request that was sent. Dropping it is the client's leaving.
pub struct Open {
    reader: BufReader<Socket>,
    is_head: bool,
    answer: Option<Answer>,
}

impl Open {
    /// Sends a request.
    ///
    /// # Errors
    ///
    /// When nobody listens, or the connection breaks.
    pub fn send(
        endpoint: &Endpoint,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Open> {
        let mut socket = Socket::connect(endpoint)?;
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: docker\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(body);
        socket.write_all(&bytes)?;
        Ok(Open { reader: BufReader::new(socket), is_head: method == "HEAD", answer: None })
    }

    /// The head of the answer.
    ///
    /// # Errors
    ///
    /// When it does not come, or is no HTTP.
    pub fn head(&mut self) -> io::Result<&Answer> {
        if self.answer.is_none() {
            let line = self.line()?;
            let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
            let status = status.ok_or_else(|| invalid(format!("no status: {line:?}")))?;
            let mut headers = Vec::new();
            loop {
                let line = self.line()?;
                if line.is_empty() {
                    break;
                }
                let (name, value) = line.split_once(':').unwrap_or((&line, ""));
                headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
            }
            self.answer = Some(Answer { status, headers, body: Vec::new() });
        }
        self.answer.as_ref().ok_or_else(|| invalid("no head".to_owned()))
    }

    /// Whether the daemon says nothing for so long.
    pub fn is_silent_for(&mut self, limit: Duration) -> io::Result<bool> {
        self.reader.get_ref().patience(limit)?;
        let silent = match self.reader.fill_buf() {
            Ok(_) => false,
            Err(error) => {
                matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
            }
        };
        self.reader.get_ref().patience(PATIENCE)?;
        Ok(silent)
    }

    /// Writes on a connection that was taken over.
    ///
    /// # Errors
    ///
    /// When it breaks.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Says that nothing more will be written.
    ///
    /// # Errors
    ///
    /// When it breaks.
    pub fn writes_no_more(&mut self) -> io::Result<()> {
        self.reader.get_ref().writes_no_more()
    }

    /// The next piece of the body as it was sent: a chunk, or what there is. None at its end.
    ///
    /// # Errors
    ///
    /// When it does not come.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let chunked = self.head()?.header("transfer-encoding") == "chunked";
        if !chunked {
            let piece = self.reader.fill_buf()?.to_vec();
            self.reader.consume(piece.len());
            return Ok(Some(piece).filter(|piece| !piece.is_empty()));
        }
        let line = self.line()?;
        let size = u64::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.map_err(|_| invalid(format!("no size of a chunk: {line:?}")))?;
        let piece = self.exactly(size)?;
        self.line()?;
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// All of the answer.
    ///
    /// # Errors
    ///
    /// When it does not come, or is no HTTP.
    pub fn finish(mut self) -> io::Result<Answer> {
        let mut answer = self.head()?.clone();
        let empty = self.is_head || matches!(answer.status, 204 | 304);
        let length = answer.header("content-length").parse::<u64>();
        match length {
            _ if empty => {}
            Ok(length) => answer.body = self.exactly(length)?,
            Err(_) => {
                while let Some(piece) = self.piece()? {
                    answer.body.extend(piece);
                }
            }
        }
        Ok(answer)
    }

    fn exactly(&mut self, length: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limited = length.min(LARGEST_BODY);
        (&mut self.reader).take(limited).read_to_end(&mut bytes)?;
        if (bytes.len() as u64) < length {
            return Err(invalid(format!("{} of {length} bytes", bytes.len())));
        }
        Ok(bytes)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.reader).take(1 << 20).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
