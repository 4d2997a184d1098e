//! A store from its configuration. The client is object_store's; which credentials it uses was decided before.

use std::sync::{Arc, Once};
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, resolve_bucket_region};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::counted::CountingConnector;

/// The kind of store that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StoreKind {
    /// Amazon S3 and all that speak its protocol.
    AmazonS3,
    /// Google Cloud Storage.
    GoogleCloudStorage,
    /// Azure Blob Storage.
    AzureBlobStorage,
    /// A web server that answers ranges.
    Http,
}

impl StoreKind {
    /// The kind of a name, if it is one.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "s3" => Some(Self::AmazonS3),
            "gs" => Some(Self::GoogleCloudStorage),
            "az" => Some(Self::AzureBlobStorage),
            "http" => Some(Self::Http),
            _ => None,
        }
    }
}

/// How a bucket, container or web server is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectStoreConfig {
    /// Whom to ask.
    pub kind: StoreKind,
    /// The beginning of the urls of its objects; the rest is the key.
    pub prefix: String,
    /// The bucket or container; of a web server its address.
    pub bucket: String,
    /// By the names that object_store knows.
    pub options: Vec<(String, String)>,
}

impl std::fmt::Debug for ObjectStoreConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the options: there are secrets among them.
        formatter.debug_struct("ObjectStoreConfig").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The longest time between two bytes of an answer, as a part of the time that a file may take; then the request is made anew.
const SILENCE_PART: u32 = 4;

/// Requests are made anew for so long, as a part of the time that a file may take.
const RETRY_PART: u32 = 2;

const RETRIES: usize = 10;
const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);
const LONGEST_CONNECT: Duration = Duration::from_secs(10);

impl ObjectStoreConfig {
    /// The key of a url; None for urls of other stores, and for keys that object_store can't spell: those with empty parts, `.` and `..`,
    /// and web addresses that it would write in other characters.
    #[must_use]
    pub fn key(&self, url: &str) -> Option<Path> {
        let key = url.strip_prefix(&self.prefix)?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_');
        if self.kind == StoreKind::Http && !key.bytes().all(is_plain) {
            return None;
        }
        Path::parse(key).ok().filter(|path| !path.is_root() && path.as_ref() == key)
    }

    /// A client.
    ///
    /// # Errors
    /// An option is unknown or can't be used: one line without values.
    pub(super) async fn connect(&self, file_time_limit: Duration) -> Result<Arc<dyn ObjectStore>, String> {
        install_cryptography();
        let silence = part(file_time_limit, SILENCE_PART);
        let client = ClientOptions::new()
            .with_timeout_disabled()
            .with_read_timeout(silence)
            .with_connect_timeout(silence.min(LONGEST_CONNECT))
            .with_allow_http(true);
        let backoff = BackoffConfig { init_backoff: FIRST_BACKOFF, max_backoff: LONGEST_BACKOFF, base: 2.0 };
        let retry_timeout = part(file_time_limit, RETRY_PART);
        let retry = RetryConfig { backoff, max_retries: RETRIES, retry_timeout };
        let built: Result<Arc<dyn ObjectStore>, object_store::Error> = match self.kind {
            StoreKind::AmazonS3 => {
                let mut builder = AmazonS3Builder::new();
                for (name, value) in &self.options {
                    builder = builder.with_config(self.option(name)?, value);
                }
                let is_amazon = builder.get_config_value(&AmazonS3ConfigKey::Endpoint).is_none();
                if is_amazon
                    && builder.get_config_value(&AmazonS3ConfigKey::Region).is_none()
                    && let Ok(region) = resolve_bucket_region(&self.bucket, &client).await
                {
                    builder = builder.with_region(region);
                }
                let builder = builder.with_bucket_name(&self.bucket).with_client_options(client).with_retry(retry);
                builder.with_http_connector(CountingConnector).build().map(|store| Arc::new(store) as _)
            }
            StoreKind::GoogleCloudStorage => {
                let mut builder = GoogleCloudStorageBuilder::new();
                for (name, value) in &self.options {
                    builder = builder.with_config(self.option(name)?, value);
                }
                let builder = builder.with_bucket_name(&self.bucket).with_client_options(client).with_retry(retry);
                builder.with_http_connector(CountingConnector).build().map(|store| Arc::new(store) as _)
            }
            StoreKind::AzureBlobStorage => {
                let mut builder = MicrosoftAzureBuilder::new();
                for (name, value) in &self.options {
                    builder = builder.with_config(self.option(name)?, value);
                }
                let builder = builder.with_container_name(&self.bucket).with_client_options(client).with_retry(retry);
                builder.with_http_connector(CountingConnector).build().map(|store| Arc::new(store) as _)
            }
            StoreKind::Http => {
                let builder = HttpBuilder::new().with_url(&self.bucket).with_client_options(client).with_retry(retry);
                builder.with_http_connector(CountingConnector).build().map(|store| Arc::new(store) as _)
            }
        };
        // object_store's own text may hold what was given.
        built.map_err(|_| format!("the options of the store {} can't be used", self.prefix))
    }

    fn option<K: std::str::FromStr>(&self, name: &str) -> Result<K, String> {
        name.parse().map_err(|_| format!("the store {} has no option '{name}'", self.prefix))
    }
}

fn part(whole: Duration, parts: u32) -> Duration {
    whole.checked_div(parts).unwrap_or(whole).max(Duration::from_millis(1))
}

fn install_cryptography() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails only where there is one already, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
