//! What `ls`, `touch`, `test`, `cat`, `mkdir`, `rm` and redirections do to files: in the words, and
//! with the exit codes, of busybox 1.35.

use super::view::View;
use super::{Errno, Kind, plain};
use crate::environment::daemon::script::Stream;

/// What is asked of a file by `test`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Asked {
    Exists,
    IsFile,
    IsDirectory,
    IsCharacterDevice,
    IsNotEmpty,
}

/// A command about files. Paths are as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Command {
    List {
        paths: Vec<String>,
        themselves: bool,
        all: bool,
    },
    Touch {
        paths: Vec<String>,
        creates: bool,
    },
    Test {
        asked: Asked,
        path: String,
        negated: bool,
    },
    Print {
        paths: Vec<String>,
    },
    MakeDirectories {
        paths: Vec<String>,
        parents: bool,
    },
    Remove {
        paths: Vec<String>,
        force: bool,
        recursive: bool,
    },
    /// A redirection begins.
    Open {
        path: String,
        append: bool,
    },
    /// Somebody writes to the file that a redirection has opened.
    Append {
        path: String,
        bytes: Vec<u8>,
    },
}

/// What came of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Output {
    pub(in super::super) written: Vec<(Stream, Vec<u8>)>,
    pub(in super::super) status: u8,
}

/// A command that writes more is not for a test.
const WRITTEN_AT_MOST: usize = 16 << 20;

impl Output {
    /// Whether there was room for this.
    fn print(&mut self, text: impl Into<Vec<u8>>) -> bool {
        let text = text.into();
        let before: usize = self.written.iter().map(|(_, text)| text.len()).sum();
        let fits = before + text.len() <= WRITTEN_AT_MOST;
        if fits {
            self.written.push((Stream::Stdout, text));
        }
        fits
    }

    fn complain(&mut self, complaint: &str) {
        self.written.push((Stream::Stderr, format!("{complaint}\n").into_bytes()));
        self.status = 1;
    }

    /// What this simulator cannot say is not said.
    fn refuse(&mut self, program: &str, path: &str) {
        self.complain(&format!("{program}: {path}: not modelled by this simulator"));
        self.status = 2;
    }
}

/// Does it, in this working directory.
pub(super) fn run(view: &mut View<'_>, directory: &str, command: &Command) -> Output {
    let mut output = Output::default();
    let at = |path: &String| plain(directory, path);
    match command {
        Command::List { paths, themselves, all } => {
            list(view, directory, paths, *themselves, *all, &mut output);
        }
        Command::Touch { paths, creates } => {
            for path in paths {
                if let Err(errno) = view.touch(&at(path), *creates) {
                    failed(&mut output, "touch", path, errno, format!("touch: {path}: {errno}"));
                }
            }
        }
        Command::Test { asked, path, negated } => match test(view, &at(path), *asked) {
            Ok(holds) => output.status = u8::from(holds == *negated),
            Err(_) => output.refuse("test", path),
        },
        Command::Print { paths } => {
            for path in paths {
                match view.read(&at(path)) {
                    Ok(content) => {
                        if !output.print(content) {
                            output.refuse("cat", path);
                            break;
                        }
                    }
                    Err(Errno::IsDirectory) => output.complain("cat: read error: Is a directory"),
                    Err(errno) => {
                        let complaint = format!("cat: can't open '{path}': {errno}");
                        failed(&mut output, "cat", path, errno, complaint);
                    }
                }
            }
        }
        Command::MakeDirectories { paths, parents } => {
            for path in paths {
                if let Err(errno) = make_directories(view, &at(path), *parents) {
                    let complaint = format!("mkdir: can't create directory '{path}': {errno}");
                    failed(&mut output, "mkdir", path, errno, complaint);
                }
            }
        }
        Command::Remove { paths, force, recursive } => {
            for path in paths {
                remove(view, path, &at(path), *force, *recursive, &mut output);
            }
        }
        Command::Open { path, append } => match view.open(&at(path), *append) {
            Ok(()) => {}
            Err(errno) => {
                let why = match errno {
                    Errno::NoEntry => "nonexistent directory".to_owned(),
                    errno => errno.to_string(),
                };
                failed(&mut output, "sh", path, errno, format!("sh: can't create {path}: {why}"));
            }
        },
        Command::Append { path, bytes } => {
            if let Err(errno) = view.append(&at(path), bytes) {
                failed(&mut output, "sh", path, errno, format!("sh: write error: {errno}"));
            }
        }
    }
    output
}

/// A complaint, unless the reason is one of the simulator's own.
fn failed(output: &mut Output, program: &str, path: &str, errno: Errno, complaint: String) {
    match errno {
        Errno::NotModelled => output.refuse(program, path),
        _ => output.complain(&complaint),
    }
}

fn test(view: &View<'_>, path: &str, asked: Asked) -> Result<bool, Errno> {
    let kind = match view.look(path) {
        Ok(kind) => kind,
        Err(Errno::NotModelled) => return Err(Errno::NotModelled),
        Err(_) => return Ok(false),
    };
    Ok(match (asked, kind) {
        (Asked::Exists, _) => true,
        (_, Kind::Unknown) => return Err(Errno::NotModelled),
        (Asked::IsFile, kind) => kind == Kind::File,
        (Asked::IsDirectory, kind) => kind == Kind::Directory,
        (Asked::IsCharacterDevice, kind) => matches!(kind, Kind::Device(_)),
        (Asked::IsNotEmpty, Kind::File) => !view.read(path)?.is_empty(),
        // A directory has a size.
        (Asked::IsNotEmpty, kind) => kind == Kind::Directory,
    })
}

/// First the complaints, then what is no directory, then what is in the directories.
fn list(
    view: &View<'_>,
    directory: &str,
    paths: &[String],
    themselves: bool,
    all: bool,
    output: &mut Output,
) {
    let (mut single, mut directories) = (Vec::new(), Vec::new());
    for path in paths {
        match view.look(&plain(directory, path)) {
            Ok(Kind::Directory) if !themselves => directories.push(path),
            Ok(_) => single.push(path),
            Err(errno) => failed(output, "ls", path, errno, format!("ls: {path}: {errno}")),
        }
    }
    single.sort();
    directories.sort();
    let lines: String = single.iter().map(|path| format!("{path}\n")).collect();
    let mut first = lines.is_empty();
    output.print(lines);
    for path in directories {
        let names = match view.names(&plain(directory, path)) {
            Ok(names) => names,
            Err(_) => {
                output.refuse("ls", path);
                continue;
            }
        };
        let head = if paths.len() > 1 { format!("{path}:\n") } else { String::new() };
        let gap = if std::mem::replace(&mut first, false) { "" } else { "\n" };
        let dots = if all { &[".", ".."][..] } else { &[] };
        let names = names.iter().map(String::as_str).filter(|name| all || !name.starts_with('.'));
        let lines: String =
            dots.iter().copied().chain(names).map(|name| format!("{name}\n")).collect();
        if !output.print(format!("{gap}{head}{lines}")) {
            output.refuse("ls", path);
            break;
        }
    }
    output.written.retain(|(_, text)| !text.is_empty());
}

fn make_directories(view: &mut View<'_>, path: &str, parents: bool) -> Result<(), Errno> {
    if !parents {
        return view.make_directory(path);
    }
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    for end in ends {
        let part = &path[..end];
        match view.make_directory(part) {
            Ok(()) => {}
            Err(Errno::Exists) if view.look(part) == Ok(Kind::Directory) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn remove(
    view: &mut View<'_>,
    path: &str,
    at: &str,
    force: bool,
    recursive: bool,
    output: &mut Output,
) {
    match view.look(at) {
        Err(Errno::NoEntry | Errno::NotDirectory) if force => return,
        Ok(Kind::Directory) if !recursive => {
            return output.complain(&format!("rm: '{path}' is a directory"));
        }
        _ => {}
    }
    if let Err(errno) = view.remove(at) {
        failed(output, "rm", path, errno, format!("rm: can't remove '{path}': {errno}"));
    }
}
