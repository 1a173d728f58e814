//! `eventyard demo`: the main job, visibly, on temporary data.
//!
//! It starts the daemon as `serve` would, and a sink that is a plain HTTP server, and then does through the public API what
//! any client would do: a rule, a target, events.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::serve::until_stopped;
use super::{fail, on_all_cores, say};
use crate::app::App;
use crate::config::{Config, Flag};
use crate::http::{Answer, Handler, Limits, Listener, Request, StatusCode, answer};
use crate::runtime::{InheritedSockets, ServiceManager, Signals, Stop, Tasks};
use crate::telemetry::Telemetry;

/// How long the deliveries may take before the demo calls itself failed.
const PATIENCE: Duration = Duration::from_secs(20);

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) fn demo(keep: bool, started: Instant) -> ExitCode {
    on_all_cores(async {
        match show(keep, started).await {
            Ok(code) => code,
            Err(error) => fail(&format!("the demo failed: {error}")),
        }
    })
}

/// Says yes to every POST and passes on what it got.
struct Sink(mpsc::UnboundedSender<String>);

impl Handler for Sink {
    async fn handle(&self, request: Request) -> Answer {
        let body = request.body.map(|body| String::from_utf8_lossy(&body).into_owned()).unwrap_or_default();
        // Once the demo has seen enough, nobody listens any more.
        let _ = self.0.send(body);
        answer(StatusCode::OK, "text/plain", "thank you\n")
    }

    fn failure(&self, _client: SocketAddr, status: StatusCode) -> Answer {
        answer(status, "text/plain", "")
    }
}

async fn show(keep: bool, started: Instant) -> Result<ExitCode, Failure> {
    let data_dir = tempfile::tempdir()?;
    let config = config(data_dir.path())?;
    let app = App::start(&config, InheritedSockets::default(), false, started).await?;
    let (api, admin) = (app.api_address(), app.admin_address());
    say(&format!("eventyard is up: API http://{api}, admin http://{admin}, data in {}", data_dir.path().display()));

    let (sink, mut deliveries, stop_sink) = start_sink().await?;
    say(&format!("a sink that takes what it is sent listens on http://{sink}"));
    say("");
    let pattern = r#"{"source": ["shop"], "detail": {"total": [{"numeric": [">=", 100]}]}}"#;
    step(api, "PutRule", &json!({"Name": "big-orders", "EventPattern": pattern})).await?;
    let targets = json!([{"Id": "sink", "Arn": format!("http://{sink}/orders")}]);
    step(api, "PutTargets", &json!({"Rule": "big-orders", "Targets": targets})).await?;
    let order = |number: u32, total: u32| {
        let detail = json!({"order": number, "total": total}).to_string();
        json!({"Source": "shop", "DetailType": "OrderPlaced", "Detail": detail})
    };
    step(api, "PutEvents", &json!({"Entries": [order(1, 250), order(2, 20), order(3, 100)]})).await?;
    say("");
    say("orders 1 and 3 match the rule, order 2 does not:");
    for _ in 0..2 {
        let body = tokio::time::timeout(PATIENCE, deliveries.recv()).await?;
        say(&format!("  delivered to the sink: {}", body.ok_or("the sink is gone")?));
    }
    say("");
    explain(api, sink);

    let code = if keep {
        say("");
        say("staying up; end with Ctrl-C");
        match Signals::listen() {
            Ok(signals) => until_stopped(app, || Ok(config.clone()), signals, &ServiceManager::default()).await,
            Err(error) => fail(&format!("cannot listen for signals: {error}")),
        }
    } else if app.stop("the demo is over").await {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    };
    stop_sink.stop();
    Ok(code)
}

/// The embedded defaults, but for a data directory and ports that are free. The environment does not count.
fn config(data_dir: &std::path::Path) -> Result<Config, Failure> {
    let flag = |name, key, value: &str| Flag { name, key, value: value.to_owned() };
    let flags = [
        flag("--data-dir", "storage.data_dir", &data_dir.to_string_lossy()),
        flag("--listen", "api.listen", "127.0.0.1:0"),
        flag("--admin-listen", "admin.listen", "127.0.0.1:0"),
    ];
    Ok(Config::load(None, std::iter::empty::<(String, String)>(), &flags)?)
}

async fn start_sink() -> Result<(SocketAddr, mpsc::UnboundedReceiver<String>, Stop), Failure> {
    let listener = Listener::bind("sink", SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let address = listener.address();
    let (sender, deliveries) = mpsc::unbounded_channel();
    let limits = Limits {
        connections_max: 100,
        body_size_bytes_max: 1 << 21,
        bodies_size_bytes_max: 1 << 24,
        header_timeout: PATIENCE,
        request_timeout: PATIENCE,
    };
    let (stop, tasks) = (Stop::default(), Tasks::new(Arc::new(Telemetry::new()?)));
    tasks.spawn("sink", listener.serve(limits, Arc::new(Sink(sender)), tasks.clone(), stop.signal()));
    Ok((address, deliveries, stop))
}

/// Calls an operation and prints both sides.
async fn step(api: SocketAddr, operation: &str, input: &Value) -> Result<(), Failure> {
    say(&format!("{operation} {input}"));
    let answer = call(api, operation, &input.to_string()).await?;
    say(&format!("  -> {answer}"));
    Ok(())
}

/// One request of Amazon's protocol, by hand: this program has no client, only its users do.
async fn call(api: SocketAddr, operation: &str, body: &str) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(api).await?;
    let length = body.len();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {api}\r\nConnection: close\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: AWSEvents.{operation}\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("an answer without a body")?;
    if head.starts_with("HTTP/1.1 200") { Ok(body.to_owned()) } else { Err(format!("{operation}: {body}").into()) }
}

fn explain(api: SocketAddr, sink: SocketAddr) {
    say(
        "The same with the aws CLI (any credentials will do, for example AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test):",
    );
    say(&format!("  export AWS_ENDPOINT_URL_EVENTBRIDGE=http://{api} AWS_DEFAULT_REGION=us-east-1"));
    say(r#"  aws events put-rule --name big-orders --event-pattern '{"source": ["shop"]}'"#);
    say(&format!("  aws events put-targets --rule big-orders --targets Id=sink,Arn=http://{sink}/orders"));
    say(
        r#"  aws events put-events --entries '[{"Source": "shop", "DetailType": "OrderPlaced", "Detail": "{\"total\": 250}"}]'"#,
    );
    say("and with boto3:");
    say(&format!("  events = boto3.client('events', endpoint_url='http://{api}', region_name='us-east-1')"));
    say("  events.put_events(Entries=[{'Source': 'shop', 'DetailType': 'OrderPlaced', 'Detail': '{\"total\": 250}'}])");
}
