//! Wires the function: the log, the settings, the clients and the clock. The only place that reads the environment and
//! the time.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, run, service_fn};
use maintenance_window::{
    app::{App, Clock, FigureLog},
    aws::{self, Aws, bucket::Bucket, cloudwatch::CloudWatch},
    config::Config,
    error::Error,
    handler::{self, Invocation, Reply},
    log,
    model::time,
    probe::{self, Probe},
};
use serde_json::Value;
use tokio::sync::OnceCell;

/// How many times the runtime's first poll for an event goes first; twice what it needs.
const POLL_TURNS: u32 = 8;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    log::start(
        variable("AWS_LAMBDA_LOG_LEVEL").or_else(|| variable("RUST_LOG")).as_deref(),
        variable("AWS_LAMBDA_LOG_FORMAT").as_deref(),
    );
    let app = Arc::new(OnceCell::new());
    tokio::spawn(get_ready(app.clone()));
    run(service_fn(|event| Box::pin(handle(&app, event)))).await
}

/// Prepares what the first invocation needs, once Lambda has been asked for that invocation.
async fn get_ready(app: Arc<OnceCell<Result<App, Error>>>) {
    // The first poll needs a few turns, one for its connection and one for its request, and goes first.
    for _ in 0..POLL_TURNS {
        tokio::task::yield_now().await;
    }
    app.get_or_init(async || ready()).await;
}

/// Everything that an invocation needs.
fn ready() -> Result<App, Error> {
    let app = app();
    if let Err(error) = &app {
        tracing::error!(error = error.full(), "the function cannot work");
    }
    app
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(key: &str) -> Option<String> {
    std::env::var(key).ok()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn app() -> Result<App, Error> {
    let config = Config::from_lookup(variable)?;
    for problem in &config.problems {
        tracing::error!(setting = problem.setting, problem = problem.what, "a setting cannot be used");
    }
    let web = aws::connector();
    let sdk = aws::sdk_config(variable, &web);
    let aws = Aws::new(&sdk, &config);
    let clock: Clock = Arc::new(|| time::millisecond(Timestamp::now()));
    let probe =
        config.probe_url.as_ref().map(|url| Probe::new(url, config.bypass.as_ref(), clock.clone(), probe::connector()));
    let bucket =
        config.error_bucket.as_ref().map(|bucket| Bucket::new(&sdk, bucket, clock.clone(), probe::connector()));
    let cloudwatch = CloudWatch::new(&sdk, &config, clock.clone(), web.clone());
    let figures: FigureLog = Arc::new(|line| println!("{line}"));
    // In the background: neither the first poll nor a dead endpoint waits for it.
    tokio::spawn(async move { aws::warm_up(&sdk, &web).await });
    Ok(App { config, aws, cloudwatch, probe, bucket, figures, clock })
}

/// Unusable settings are every invocation's answer, so that whoever tries the function reads what is wrong with it.
async fn handle(app: &OnceCell<Result<App, Error>>, event: LambdaEvent<Value>) -> Result<Reply, Error> {
    let app = match app.get_or_init(async || ready()).await {
        Ok(app) => app,
        Err(error) => {
            let problems = match error {
                Error::InvalidConfig(problems) => problems.clone(),
                other => vec![other.full()],
            };
            return handler::cannot_work(&event.payload, Error::InvalidConfig(problems));
        }
    };
    let invocation = Invocation {
        request_id: event.context.request_id.clone(),
        function_arn: event.context.invoked_function_arn.clone(),
        deadline: deadline(event.context.deadline),
    };
    handler::reply(app, &event.payload, &invocation).await
}

/// The deadline in milliseconds since 1970; an emulator that counts from somewhere else is not believed.
fn deadline(millis: u64) -> Option<Timestamp> {
    const YEAR_2020_MILLIS: u64 = 1_577_836_800_000;
    let millis = i64::try_from(millis).ok().filter(|_| millis > YEAR_2020_MILLIS)?;
    Timestamp::from_millisecond(millis).ok()
}
