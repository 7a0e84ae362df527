//! What the visitors' page is told: when maintenance is expected to end.
//!
//! Two requests of S3 do not need its whole SDK: they are signed with the SDK's own signing crate.
//! Whatever goes wrong here is a warning; no flip waits for it.

use std::fmt;

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use serde::Serialize;

use crate::clock::Clock;

/// Where the pages look for it.
const KEY: &str = "errors/window.json";

/// How long a request may take: the flip is done by then, and its report waits for this.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// What the pages are told. Everyone can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// When maintenance is expected to end; null while nobody knows.
    pub end: Option<Timestamp>,
    /// A sentence for visitors.
    pub message: Option<String>,
}

/// The bucket that the pages are in.
#[derive(Clone)]
pub struct Page {
    url: String,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    web: SharedHttpConnector,
    clock: Clock,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({})", self.url)
    }
}

impl Page {
    /// Takes the bucket's name and what the AWS clients were made from.
    #[must_use]
    pub fn new(sdk: &SdkConfig, bucket: &str, clock: Clock, web: SharedHttpConnector) -> Self {
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        // The bucket in the path rather than in the host name: its name may hold dots, which no certificate covers.
        let host = sdk.endpoint_url().map_or_else(|| format!("https://s3.{region}.{suffix}"), str::to_owned);
        Self {
            url: format!("{}/{bucket}/{KEY}", host.trim_end_matches('/')),
            region,
            credentials: sdk.credentials_provider(),
            web,
            clock,
        }
    }

    /// Tells the pages; with nothing to tell, what they were told is removed.
    ///
    /// # Errors
    /// A sentence for a report.
    pub async fn tell(&self, notice: Option<&Notice>) -> Result<(), String> {
        let (method, body) = match notice {
            Some(notice) => ("PUT", serde_json::to_string(notice).map_err(|error| error.to_string())?),
            None => ("DELETE", String::new()),
        };
        let told = tokio::time::timeout(PATIENCE, self.ask(method, body)).await;
        let problem = match told {
            Ok(Ok(200 | 204)) => {
                tracing::info!(page.told = notice.is_some(), "the visitors' page was told");
                return Ok(());
            }
            Ok(Ok(status)) => format!("S3 answered {status}"),
            Ok(Err(problem)) => problem,
            Err(_) => format!("S3 did not answer within {} s", PATIENCE.as_secs()),
        };
        Err(format!(
            "the visitors' page could not be told when maintenance ends ({problem}); see that ErrorBucket exists and that \
             the function may write {KEY} there"
        ))
    }

    async fn ask(&self, method: &str, body: String) -> Result<u16, String> {
        let request = self.signed(method, body).await?;
        let answer = self.web.call(request).await.map_err(|error| {
            std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
        })?;
        Ok(answer.status().as_u16())
    }

    async fn signed(&self, method: &str, body: String) -> Result<HttpRequest, String> {
        let credentials = self.credentials.as_ref().ok_or("the function has no credentials")?;
        let identity = credentials.provide_credentials().await.map_err(|error| error.to_string())?.into();
        let mut settings = SigningSettings::default();
        // S3's own ways: the path as it is, and the body's digest in a header.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(system_time((self.clock)()))
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        // Browsers must ask every time: an end that was moved counts at once.
        let headers = [("content-type", "application/json"), ("cache-control", "no-store")];
        let headers = if method == "PUT" { &headers[..] } else { &[] };
        let signable =
            SignableRequest::new(method, &self.url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()))
                .map_err(|error| error.to_string())?;
        let signature = sign(signable, &params).map_err(|error| error.to_string())?.into_parts().0;
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method).map_err(|error| error.to_string())?;
        request.set_uri(self.url.as_str()).map_err(|error| error.to_string())?;
        for (name, value) in headers.iter().copied().chain(signature.headers()) {
            request.headers_mut().try_insert(name.to_owned(), value.to_owned()).map_err(|error| error.to_string())?;
        }
        Ok(request)
    }
}

fn system_time(instant: Timestamp) -> std::time::SystemTime {
    let since = std::time::Duration::from_secs(u64::try_from(instant.as_second()).unwrap_or_default());
    std::time::SystemTime::UNIX_EPOCH + since
}
