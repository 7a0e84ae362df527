//! Wires the function: the log, the settings, the clients and the clock. The only place that reads the environment and
//! the time.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, run, service_fn, tracing};
use maintenance_window::{
    aws::{Aws, sdk_config},
    config::Config,
    error::Error,
    invoke::{Invocation, answer},
    page::Page,
    probe::{self, Probe},
    reconcile::{App, Clock, Figures},
    response::Response,
};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    tracing::init_default_subscriber();
    let app = app().await;
    if let Err(error) = &app {
        tracing::error!(error = error.full(), "the function cannot work");
    }
    run(service_fn(|event| Box::pin(handle(&app, event)))).await
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment and the clock")]
async fn app() -> Result<App, Error> {
    let config = Config::from_lookup(|key| std::env::var(key).ok())?;
    let sdk = sdk_config().await;
    let aws = Aws::new(&sdk, &config);
    let clock: Clock = Arc::new(Timestamp::now);
    let probe = config.probe_url.as_ref().map(|url| Probe::new(url, &config.bypass, clock.clone(), probe::connector()));
    let page = config.error_bucket.as_ref().map(|bucket| Page::new(&sdk, bucket, clock.clone(), probe::connector()));
    let figures: Figures = Arc::new(|line| println!("{line}"));
    Ok(App { config, aws, probe, page, figures, clock })
}

/// Unusable settings are every invocation's answer, so that whoever tries the function reads what is wrong with it.
async fn handle(app: &Result<App, Error>, event: LambdaEvent<Value>) -> Result<Response, Error> {
    let app = match app {
        Ok(app) => app,
        Err(Error::InvalidConfig(problems)) => return Err(Error::InvalidConfig(problems.clone())),
        Err(other) => return Err(Error::InvalidConfig(vec![other.full()])),
    };
    let invocation = Invocation {
        request_id: event.context.request_id.clone(),
        function_arn: event.context.invoked_function_arn.clone(),
        deadline: deadline(event.context.deadline),
    };
    answer(app, &event.payload, &invocation).await
}

/// The deadline in milliseconds since 1970; an emulator that counts from somewhere else is not believed.
fn deadline(millis: u64) -> Option<Timestamp> {
    const YEAR_2020_MILLIS: u64 = 1_577_836_800_000;
    let millis = i64::try_from(millis).ok().filter(|_| millis > YEAR_2020_MILLIS)?;
    Timestamp::from_millisecond(millis).ok()
}
