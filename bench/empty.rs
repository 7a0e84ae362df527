//! The floor that `make bench` measures against: the runtime and the log, and nothing to do.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use maintenance_window::log;
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start(None, Some("json"));
    run(service_fn(async |event: LambdaEvent<Value>| Ok::<Value, Error>(event.payload))).await
}
