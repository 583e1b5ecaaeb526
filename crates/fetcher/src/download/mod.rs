//! One URI to one file.

mod content_length;
mod hadoop;
mod local;
mod net;
mod speed;

pub use content_length::LiveNet;
pub use local::copy_file;

use crate::log::log;
use crate::sink::Placement;
use containerizer::fetcher::{is_net_uri, uri_to_local_path, validate_uri};
use hadoop::Hdfs;
use net::Net;
use std::cell::OnceCell;
use std::path::Path;
use std::time::Duration;

/// Downloads; keeps connections for as long as the program runs.
pub struct Downloader {
    frameworks_home: Option<String>,
    stall_timeout: Option<Duration>,
    net: OnceCell<Net>,
}

impl Downloader {
    /// Relative paths are below `frameworks_home`; see [`speed::Speed`] for the timeout.
    pub fn new(frameworks_home: Option<String>, stall_timeout: Option<Duration>) -> Self {
        Downloader { frameworks_home, stall_timeout, net: OnceCell::new() }
    }

    /// Makes the file at `path` from the URI.
    ///
    /// Mirrors `download` in `src/launcher/fetcher.cpp`.
    pub fn download(&self, uri: &str, path: &Path, placement: Placement) -> Result<(), String> {
        let uri = uri.trim_start_matches([' ', '\t', '\n', '\r']);
        validate_uri(uri)?;
        let home = self.frameworks_home.as_deref().map(Path::new);
        if let Some(source) = uri_to_local_path(uri, home)? {
            if !uri.starts_with("file://") && !uri.starts_with('/') {
                log!(
                    Info,
                    "Prepended Mesos frameworks home to relative path, making it: '{}'",
                    source.display()
                );
            }
            return copy_file(&source, path, placement, uri);
        }
        if is_net_uri(uri) {
            return self.download_with_net(uri, path, placement);
        }
        // Whatever is left may be something that Hadoop's client has been set up for.
        download_with_hadoop_client(uri, path, placement)
    }

    /// Mirrors `downloadWithNet` in `src/launcher/fetcher.cpp`.
    #[doc(alias = "downloadWithNet")]
    fn download_with_net(
        &self,
        uri: &str,
        path: &Path,
        placement: Placement,
    ) -> Result<(), String> {
        // differs: upstream's library speaks FTP, the one here does not.
        if uri.starts_with("ftp") {
            return Err("Error downloading resource: FTP is not supported; serve the file over \
                        https:// or http://"
                .to_owned());
        }
        log!(Info, "Downloading resource from '{uri}' to '{}'", path.display());
        let net = match self.net.get() {
            Some(net) => net,
            None => {
                let net = Net::new()?;
                self.net.get_or_init(|| net)
            }
        };
        net.download(uri, path, placement, self.stall_timeout)
    }
}

/// Mirrors `downloadWithHadoopClient` in `src/launcher/fetcher.cpp`.
#[doc(alias = "downloadWithHadoopClient")]
fn download_with_hadoop_client(uri: &str, path: &Path, placement: Placement) -> Result<(), String> {
    let hdfs =
        Hdfs::create(None).map_err(|error| format!("Failed to create HDFS client: {error}"))?;
    log!(Info, "Downloading resource with Hadoop client from '{uri}' to '{}'", path.display());
    hdfs.copy_to_local(uri, path, placement)
        .map_err(|error| format!("HDFS copyToLocal failed: {error}"))
}
