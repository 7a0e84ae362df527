//! Requests signed by hand, of services of which so little is used that their whole client would be too much.

use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;

use crate::clock::Clock;

/// Signs requests of one service with the function's credentials.
#[derive(Clone)]
pub(super) struct Signer {
    /// The service as signatures name it.
    service: &'static str,
    /// The function's own.
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    clock: Clock,
}

impl Signer {
    /// Takes what the AWS clients were made from.
    pub(super) fn new(sdk: &SdkConfig, service: &'static str, clock: Clock) -> Self {
        Self {
            service,
            region: sdk.region().map(ToString::to_string).unwrap_or_default(),
            credentials: sdk.credentials_provider(),
            clock,
        }
    }

    /// The Region that is signed for.
    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// A request with its signature.
    ///
    /// # Errors
    /// A sentence, where there are no credentials or the request is none.
    pub(super) async fn signed(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<HttpRequest, String> {
        let credentials = self.credentials.as_ref().ok_or("the function has no credentials")?;
        let identity = credentials.provide_credentials().await.map_err(|error| error.to_string())?.into();
        let mut settings = SigningSettings::default();
        if self.service == "s3" {
            // S3's own ways: the path as it is, and the body's digest in a header.
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(system_time((self.clock)()))
            .settings(settings)
            .build()
            .map_err(|error| error.to_string())?
            .into();
        let signable = SignableRequest::new(method, url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()))
            .map_err(|error| error.to_string())?;
        let signature = sign(signable, &params).map_err(|error| error.to_string())?.into_parts().0;
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method(method).map_err(|error| error.to_string())?;
        request.set_uri(url).map_err(|error| error.to_string())?;
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
