//! What an archive may become.

use mesos::Bytes;

/// What is exceeded by an archive that does not mean well. Arguments of the program, or, as
/// upstream's flags, of its environment.
#[derive(clap::Args, Clone, Debug)]
pub struct Limits {
    /// How large the content of one archive may be
    #[arg(long = "max_extracted_size", env = "MESOS_MAX_EXTRACTED_SIZE", default_value = "64GB")]
    pub max_size: Bytes,

    /// How many files, directories and links may be in one archive
    #[arg(
        long = "max_extracted_entries",
        env = "MESOS_MAX_EXTRACTED_ENTRIES",
        default_value_t = 1_000_000
    )]
    pub max_entries: u64,

    /// How many times as large as one archive its content may be; the first 256MB are free
    #[arg(long = "max_extracted_ratio", env = "MESOS_MAX_EXTRACTED_RATIO", default_value_t = 500)]
    pub max_ratio: u64,
}

#[cfg(test)]
impl Default for Limits {
    fn default() -> Self {
        Limits { max_size: Bytes::gigabytes(64), max_entries: 1_000_000, max_ratio: 500 }
    }
}
