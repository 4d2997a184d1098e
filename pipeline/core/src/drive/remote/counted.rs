//! The cost of a file's requests, retries included: counted where they leave and where their answers arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};

use async_trait::async_trait;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService, ReqwestConnector,
};

/// The cost of the requests of one file; it travels with each of them.
#[derive(Debug, Default)]
pub(super) struct Cost {
    requests: AtomicU64,
    bytes: AtomicU64,
    /// The HTTP status of the last answer, 0 where there was none.
    status: AtomicU16,
}

impl Cost {
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn status(&self) -> u16 {
        self.status.load(Ordering::Relaxed)
    }
}

/// Makes HTTP clients that count.
#[derive(Debug)]
pub(super) struct CountingConnector;

impl HttpConnector for CountingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        ReqwestConnector::default().connect(options).map(|client| HttpClient::new(Counting(client)))
    }
}

#[derive(Debug)]
struct Counting(HttpClient);

#[async_trait]
impl HttpService for Counting {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let Some(cost) = request.extensions().get::<Arc<Cost>>().cloned() else {
            return self.0.execute(request).await; // for credentials
        };
        cost.requests.fetch_add(1, Ordering::Relaxed);
        cost.status.store(0, Ordering::Relaxed);
        let response = self.0.execute(request).await?;
        let status = response.status();
        cost.status.store(status.as_u16(), Ordering::Relaxed);
        if !status.is_success() {
            return Ok(response);
        }
        Ok(response.map(|body| {
            HttpResponseBody::new(body.map_frame(move |frame| {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                cost.bytes.fetch_add(bytes, Ordering::Relaxed);
                frame
            }))
        }))
    }
}
