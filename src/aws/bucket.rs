//! The bucket whose files visitors' browsers and calendars read.
//!
//! Two requests of S3 do not need its whole client: they are signed with the SDK's own signing crate. Where S3 is, the
//! endpoint rules of its SDK say, and nothing else of that crate is used: each partition has a domain of its own, FIPS
//! and dual stack have names that follow no pattern of other services, and `AWS_ENDPOINT_URL_S3` counts as in any SDK.
//! The template could hand over the partition's domain (`AWS::URLSuffix`), but not the other three.
//!
//! Whatever goes wrong here is a warning; no rule waits for it.

use std::fmt;

use aws_config::SdkConfig;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, SharedHttpConnector},
    orchestrator::HttpResponse,
};

use super::{endpoint_url, signed::Signer};
use crate::{
    clock::Clock,
    error::{causes, chain},
    report::feeds::File,
};

/// How long a request may take: the rules are written by then, and the report waits for this.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(3);

/// The bucket that the pages are in.
#[derive(Clone)]
pub struct Bucket {
    name: String,
    /// What S3's endpoint rules work out the address from.
    place: Result<Params, String>,
    signer: Signer,
    web: SharedHttpConnector,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bucket({})", self.name)
    }
}

impl Bucket {
    /// Takes the bucket's name and what the AWS clients were made from.
    #[must_use]
    pub fn new(sdk: &SdkConfig, bucket: &str, clock: Clock, web: SharedHttpConnector) -> Self {
        // The bucket in the path rather than in the host name: its name may hold dots, which no certificate covers, and
        // a local AWS has no name for each bucket.
        let place = Params::builder()
            .bucket(bucket)
            .force_path_style(true)
            .set_region(sdk.region().map(ToString::to_string))
            .set_use_fips(sdk.use_fips())
            .set_use_dual_stack(sdk.use_dual_stack())
            .set_endpoint(endpoint_url(sdk, "S3"))
            .build();
        Self {
            name: bucket.to_owned(),
            place: place.map_err(|error| error.to_string()),
            signer: Signer::new(sdk, "s3", clock),
            web,
        }
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a file, or removes it if it is not to be there.
    ///
    /// # Errors
    /// A sentence for a report: what went wrong and what to do.
    pub async fn write(&self, file: &File) -> Result<(), String> {
        let written = match self.url(file.key).await {
            Ok(url) => match tokio::time::timeout(PATIENCE, self.ask(file, &url)).await {
                Ok(Ok(answer)) => self.taken(file, &answer),
                Ok(Err(problem)) => Err(Failure::of_bucket(file, problem)),
                Err(_) => Err(Failure::of_bucket(file, format!("S3 did not answer within {} s", PATIENCE.as_secs()))),
            },
            Err(problem) => Err(problem),
        };
        written.map_err(|Failure { what, advice }| format!("{} ({what}); {advice}", file.what))?;
        tracing::info!(file.key = file.key, file.is_there = file.body.is_some(), "what visitors are told was written");
        Ok(())
    }

    /// Where the file is read, or why nobody can say where that is.
    async fn url(&self, key: &str) -> Result<String, Failure> {
        let found = match &self.place {
            Ok(place) => DefaultResolver::new().resolve_endpoint(place).await.map_err(|error| chain(&*error)),
            Err(problem) => Err(problem.clone()),
        };
        match found {
            Ok(endpoint) => Ok(format!("{}/{key}", endpoint.url())),
            Err(problem) => Err(Failure {
                what: format!("S3 has no address for the bucket {}: {problem}", self.name),
                advice: "see AWS_REGION, AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and AWS_ENDPOINT_URL_S3 in \
                         the function's environment, or leave ErrorBucket empty"
                    .to_owned(),
            }),
        }
    }

    /// Whether S3 did what it was asked for, or why not.
    ///
    /// A bucket of another Region is refused with 301 `PermanentRedirect`, 307 `TemporaryRedirect` or 400
    /// `AuthorizationHeaderMalformed`, and named in a header (Amazon S3 API Reference, "Error responses" and
    /// `HeadBucket`). It is not followed: the address that S3 gives is not one of the rules, and the request is signed
    /// for this Region.
    fn taken(&self, file: &File, answer: &HttpResponse) -> Result<(), Failure> {
        let (status, here) = (answer.status().as_u16(), self.signer.region());
        let region = answer.headers().get("x-amz-bucket-region").filter(|region| is_region(region));
        let elsewhere = match (status, region) {
            (200 | 204, _) => return Ok(()),
            (_, Some(region)) if region != here => format!(", {region}"),
            (301, _) => String::new(),
            _ => return Err(Failure::of_bucket(file, format!("S3 answered {status}"))),
        };
        Err(Failure {
            what: format!("S3 answered {status}: the bucket {} is in another Region{elsewhere}", self.name),
            advice: format!("set ErrorBucket to a bucket in the function's Region, {here}"),
        })
    }

    async fn ask(&self, file: &File, url: &str) -> Result<HttpResponse, String> {
        let headers = [("content-type", file.content_type), ("cache-control", file.cache_control)];
        let (method, headers) = if file.body.is_some() { ("PUT", &headers[..]) } else { ("DELETE", &[][..]) };
        let request = self.signer.signed(method, url, headers, file.body.clone().unwrap_or_default()).await?;
        self.web.call(request).await.map_err(|error| causes(&error))
    }
}

/// Why a file was not written, and what to do.
struct Failure {
    what: String,
    advice: String,
}

impl Failure {
    /// What a missing bucket or permission may be the cause of.
    fn of_bucket(file: &File, what: String) -> Self {
        Self { what, advice: format!("see that ErrorBucket exists and that the function may write {} there", file.key) }
    }
}

/// Whether a text that came from outside is a Region's name and nothing else.
fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
