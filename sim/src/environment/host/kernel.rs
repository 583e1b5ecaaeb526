//! What the kernel makes up and keeps: files of `/proc` and control groups, owners, listeners.

use super::{Files, SimHost};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// Files that are not on a disk. Whoever has something there answers for its own paths.
pub(crate) trait KernelFiles: Send + Sync {
    /// The content of such a file; `None` for a path that is none of its.
    fn read(&self, path: &str) -> Option<String>;

    /// Writes into such a file.
    fn write(&self, path: &str, content: &str) -> Option<Result<(), String>>;
}

impl SimHost {
    /// From now on these are there, too.
    pub(crate) fn add_kernel_files(&self, files: Arc<dyn KernelFiles>) {
        self.0.state.lock().kernel.push(files);
    }

    /// From now on somebody accepts connections there.
    pub fn listen(&self, address: SocketAddr) {
        self.0.state.lock().listeners.insert(address);
    }

    /// From now on nobody does.
    pub fn stop_listening(&self, address: SocketAddr) {
        self.0.state.lock().listeners.remove(&address);
    }

    fn kernel(&self) -> Vec<Arc<dyn KernelFiles>> {
        self.0.state.lock().kernel.clone()
    }

    // The lock is not held: who answers has one of its own.
    pub(super) fn read_file(&self, path: &Path) -> Result<Vec<u8>, String> {
        let name = path.to_str().unwrap_or_default();
        if let Some(content) = self.kernel().iter().find_map(|files| files.read(name)) {
            return Ok(content.into_bytes());
        }
        self.0.state.lock().files.read(path).map(<[u8]>::to_vec)
    }

    pub(super) fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        let name = path.to_str().unwrap_or_default();
        let text = String::from_utf8_lossy(content);
        if let Some(done) = self.kernel().iter().find_map(|files| files.write(name, &text)) {
            return done;
        }
        let files: &mut Files = &mut self.0.state.lock().files;
        files.read(path)?;
        files.write(path, content)
    }
}
