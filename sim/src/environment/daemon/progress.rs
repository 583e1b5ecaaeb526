//! Lines of a pull's progress.

use super::ids::short;
use std::sync::Arc;

/// What a line says, in the Engine's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The registry has the image.
    PullingFrom(Arc<str>),
    /// A layer is needed.
    PullingFsLayer,
    /// A layer is there already.
    AlreadyExists,
    /// A layer waits until fewer are being downloaded.
    Waiting,
    /// Bytes of a layer have come.
    Downloading,
    /// A download has failed and begins again in so many seconds.
    Retrying(u64),
    /// A layer has come.
    VerifyingChecksum,
    /// It is what it should be.
    DownloadComplete,
    /// It is being unpacked.
    Extracting,
    /// It is there.
    PullComplete,
    /// The digest of the manifest.
    Digest(Arc<str>),
    /// The image is new here.
    Downloaded(Arc<str>),
    /// The image was there.
    UpToDate(Arc<str>),
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The layer, or the tag; empty where a line is about neither.
    pub id: Arc<str>,
    /// What it says.
    pub status: Status,
    /// How much is done, and how much there is to do, if it says.
    pub bytes: Option<(u64, u64)>,
}

impl Status {
    /// The text of the field `status`.
    pub fn text(&self) -> String {
        match self {
            Status::PullingFrom(path) => format!("Pulling from {path}"),
            Status::PullingFsLayer => "Pulling fs layer".to_owned(),
            Status::AlreadyExists => "Already exists".to_owned(),
            Status::Waiting => "Waiting".to_owned(),
            Status::Downloading => "Downloading".to_owned(),
            Status::Retrying(1) => "Retrying in 1 second".to_owned(),
            Status::Retrying(seconds) => format!("Retrying in {seconds} seconds"),
            Status::VerifyingChecksum => "Verifying Checksum".to_owned(),
            Status::DownloadComplete => "Download complete".to_owned(),
            Status::Extracting => "Extracting".to_owned(),
            Status::PullComplete => "Pull complete".to_owned(),
            Status::Digest(digest) => format!("Digest: {digest}"),
            Status::Downloaded(reference) => {
                format!("Status: Downloaded newer image for {reference}")
            }
            Status::UpToDate(reference) => format!("Status: Image is up to date for {reference}"),
        }
    }

    /// Whether the line is about a layer, and so has details, if only empty ones.
    pub fn has_details(&self) -> bool {
        !matches!(
            self,
            Status::PullingFrom(_)
                | Status::Digest(_)
                | Status::Downloaded(_)
                | Status::UpToDate(_)
        )
    }
}

impl Progress {
    /// A line about the whole.
    pub(super) fn whole(id: &str, status: Status) -> Self {
        Progress { id: id.into(), status, bytes: None }
    }

    /// A line about a layer.
    pub(super) fn of_layer(digest: &str, status: Status, bytes: Option<(u64, u64)>) -> Self {
        Progress { id: short(digest).into(), status, bytes }
    }
}
