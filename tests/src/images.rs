//! Test images: made on the spot from the static busybox of this machine, pushed to the test's
//! own registry, and removed from the Engine, so that a pull really pulls.

mod archive;

use std::path::Path;
use std::time::Duration;

use crate::background;
use crate::engine::{Engine, EngineError};
use crate::names;
use archive::Busybox;

/// The program of which the images are made.
const BUSYBOX: &str = "/bin/busybox";

/// How long the clean-up may take.
const CLEANUP_LIMIT: Duration = Duration::from_secs(60);

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// There is no busybox, or one that needs shared libraries.
    #[error(
        "no static busybox at /bin/busybox ({problem}): install Debian's package \
         busybox-static, or run tests/docker-setup as root"
    )]
    NoBusybox {
        /// What is wrong with it.
        problem: String,
    },
    /// The archive could not be written.
    #[error("the image's archive: {0}")]
    Archive(#[from] std::io::Error),
    /// The Engine did not load, push or remove.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What an image is to be.
#[derive(Clone, Debug, Default)]
pub struct ImageSpec {
    /// The last part of the repository: `bb`.
    pub name: String,
    /// The tag: `1`.
    pub tag: String,
    /// The size in MiB of a second layer of bytes that do not compress; 0 for no such layer.
    pub big_mib: usize,
    /// `ENTRYPOINT`; empty for none.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub command: Vec<String>,
    /// `ENV`, as `KEY=VALUE`, in addition to `PATH=/bin`.
    pub environment: Vec<String>,
    /// `WORKDIR`; empty for none.
    pub working_directory: String,
}

impl ImageSpec {
    /// `bb:1`: busybox, `PATH=/bin`, `CMD /bin/sh`.
    pub fn busybox() -> ImageSpec {
        ImageSpec {
            name: "bb".to_owned(),
            tag: "1".to_owned(),
            command: strings(&["/bin/sh"]),
            ..ImageSpec::default()
        }
    }

    /// `big:1`: the same and `mib` MiB of incompressible bytes in a layer of their own.
    pub fn big(mib: usize) -> ImageSpec {
        ImageSpec { name: "big".to_owned(), big_mib: mib, ..ImageSpec::busybox() }
    }

    /// `ep:1`: the same as `bb:1` with `ENTRYPOINT ["/bin/echo","entry"]`,
    /// `CMD ["dflt1","dflt2"]`, `ENV FOO=image`, `WORKDIR /etc`.
    pub fn entrypoint() -> ImageSpec {
        ImageSpec {
            name: "ep".to_owned(),
            entrypoint: strings(&["/bin/echo", "entry"]),
            command: strings(&["dflt1", "dflt2"]),
            environment: strings(&["FOO=image"]),
            working_directory: "/etc".to_owned(),
            ..ImageSpec::busybox()
        }
    }
}

/// An image in the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedImage {
    /// `NAMESPACE/NAME:TAG`, without a registry.
    pub path: String,
    /// `sha256:` and the digest of its configuration, the same after every pull.
    pub id: String,
}

impl PushedImage {
    /// The full name of the image at a registry, or at the proxy before it: `127.0.0.1:PORT`.
    pub fn at(&self, registry: &str) -> String {
        format!("{registry}/{}", self.path)
    }
}

/// Makes the images of one test.
///
/// All its images lie in a namespace of their own and share a base layer, which no other maker's
/// images have: the Engine cannot know it already. After a pull of one image the Engine has the
/// base layer, and pulling another image of the same maker fetches only what is new.
///
/// Dropping it removes everything in the namespace from the Engine, under whatever registry it
/// was pulled, and every container that was made from it.
pub struct ImageMaker {
    engine: Engine,
    registry: String,
    namespace: String,
    busybox: Busybox,
}

impl ImageMaker {
    /// A maker which pushes to the registry at this host and port.
    pub fn new(engine: &Engine, registry: String) -> Result<ImageMaker, ImageError> {
        let busybox = Busybox::read(Path::new(BUSYBOX))
            .map_err(|problem| ImageError::NoBusybox { problem })?;
        let namespace = names::unique("drydock");
        Ok(ImageMaker { engine: engine.clone(), registry, namespace, busybox })
    }

    /// The first part of the repository of all its images.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Makes an image and pushes it. The Engine does not keep it.
    pub async fn push(&self, spec: &ImageSpec) -> Result<PushedImage, ImageError> {
        let image = self.load(spec).await?;
        let pushed = self.engine.push_image(&image.at(&self.registry)).await;
        self.engine.remove_image(&image.id).await?;
        pushed?;
        Ok(image)
    }

    /// Makes an image and leaves it in the Engine, under its name at the registry, without
    /// pushing it: for tests in which nothing is to be pulled.
    pub async fn load(&self, spec: &ImageSpec) -> Result<PushedImage, ImageError> {
        let path = format!("{}/{}:{}", self.namespace, spec.name, spec.tag);
        let name = format!("{}/{path}", self.registry);
        let archive = archive::build(&self.busybox, spec, &self.namespace, &name)?;
        self.engine.load_image(archive.tar).await?;
        Ok(PushedImage { path, id: archive.id })
    }

    /// Removes from the Engine all images of this maker and the containers made from them.
    ///
    /// Goes on after an error, and returns the first.
    pub async fn clean_up(&self) -> Result<(), EngineError> {
        let ours = format!("/{}/", self.namespace);
        let mut result = Ok(());
        for container in self.engine.containers("").await? {
            if container.image.contains(&ours) {
                result = result.and(self.engine.remove_container(&container.id).await);
            }
        }
        for image in self.engine.images().await? {
            if image.tags.iter().any(|tag| tag.contains(&ours)) {
                result = result.and(self.engine.remove_image(&image.id).await);
            }
        }
        result
    }
}

impl Drop for ImageMaker {
    fn drop(&mut self) {
        let clean_up = async {
            if let Err(error) = self.clean_up().await {
                eprintln!("left behind in the Engine, namespace {}: {error}", self.namespace);
            }
        };
        if !background::run(CLEANUP_LIMIT, clean_up) {
            eprintln!("left behind in the Engine, namespace {}: too slow", self.namespace);
        }
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}
